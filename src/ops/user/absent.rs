//! `user::absent`: no such account.

use super::name_ok;
use super::tools::Tools;
use crate::event::Sign;
use crate::ops::file::gone;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Group, Password, User};
use crate::ops::{Change, OpError, Operation, Plan, View};
use serde::Deserialize;

/// Keeps a user from existing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absent {
    name: String,
    #[serde(default)]
    remove_home: bool,
}

/// The user, the group of its name, and what can remove them.
pub struct Seen {
    user: User,
    group: Group,
    /// The groups it is a member of.
    joined: Vec<(String, Group)>,
    tools: Tools,
}

impl Operation for Absent {
    const NAME: &'static str = "user::absent";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        name_ok("name", &self.name)
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.thing("user", args.text("name")).state("absent").reads::<User>(args.text("name"))]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let user = view.see::<User>(&self.name)?;
        let Some(account) = &user.account else {
            return Ok(Seen { user, group: Group::default(), joined: Vec::new(), tools: Tools::Shadow });
        };
        let names: Vec<String> = std::iter::once(&self.name).chain(&account.groups).cloned().collect();
        let mut groups = view.see_all::<Group>(&names)?;
        let group = groups.remove(0);
        let joined = names.into_iter().skip(1).zip(groups).collect();
        Ok(Seen { user, group, joined, tools: Tools::probe(view)? })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let Some(account) = &seen.user.account else { return Ok(Plan::new()) };
        let with_home = self.remove_home && account.home_exists;
        let text = if with_home { format!("remove, with {}", account.home) } else { "remove".into() };
        let mut change = Change::new(Sign::Remove, text)
            .run(seen.tools.remove(&self.name, with_home))
            .makes(&self.name, User::default())
            .makes(&self.name, Password::Missing);
        if with_home {
            change = gone(change, &account.home);
        }
        for (name, group) in &seen.joined {
            let mut group = group.clone();
            group.entry.iter_mut().for_each(|entry| _ = entry.members.remove(&self.name));
            change = change.makes(name, group);
        }
        let private = seen.group.entry.as_ref().is_some_and(|group| group.members.is_empty());
        if private && account.group == self.name {
            change = change.makes(&self.name, Group::default());
        }
        Ok(change.into())
    }
}
