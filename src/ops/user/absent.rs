//! `user::absent`: no such account.

use super::name_ok;
use super::tools::Tools;
use crate::event::Sign;
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
        if user.account.is_none() {
            return Ok(Seen { user, group: Group::default(), tools: Tools::Shadow });
        }
        Ok(Seen { user, group: view.see(&self.name)?, tools: Tools::probe(view)? })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let Some(account) = &seen.user.account else { return Ok(Plan::new()) };
        let with_home = self.remove_home && account.home_exists;
        let text = if with_home { format!("remove, with {}", account.home) } else { "remove".into() };
        let mut change = Change::new(Sign::Remove, text)
            .run(seen.tools.remove(&self.name, with_home))
            .makes(&self.name, User::default())
            .makes(&self.name, Password::Missing);
        let private = seen.group.entry.as_ref().is_some_and(|group| group.members.is_empty());
        if private && account.group == self.name {
            change = change.makes(&self.name, Group::default());
        }
        Ok(change.into())
    }
}
