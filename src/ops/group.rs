//! Groups.

use super::args::Many;
use super::resource::{Group, GroupEntry, User};
use super::user::name_ok;
use super::user::tools::Tools;
use super::{Change, OpError, Operation, Plan, View};
use crate::event::Sign;
use crate::ops::managed::{Args, Managed};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Keeps a group, its number and its members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Present {
    name: String,
    gid: Option<u32>,
    #[serde(default)]
    system: bool,
    members: Option<Many>,
    #[serde(default)]
    exclusive: bool,
}

/// A group, what can change it, and the users that are to be its members.
pub struct Seen {
    group: Group,
    tools: Tools,
    users: BTreeMap<String, User>,
}

impl Operation for Present {
    const NAME: &'static str = "group::present";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        name_ok("name", &self.name)?;
        self.wanted_members().iter().try_for_each(|member| name_ok("members", member))?;
        match self.exclusive && self.members.is_none() {
            true => Err("`exclusive` needs `members`; `members: []` removes all".into()),
            false => Ok(()),
        }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.kept("group", args.text("name"), &["gid", "members", "exclusive"]).reads::<Group>(args.text("name"))]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let group: Group = view.see(&self.name)?;
        let names = self.wanted_members();
        let users = if names.is_empty() { Vec::new() } else { view.see_all::<User>(names)? };
        let users: BTreeMap<String, User> = names.iter().cloned().zip(users).collect();
        if let Some((missing, _)) = users.iter().find(|(_, user)| user.account.is_none()) {
            return Err(OpError::refused_with(
                format!("there is no user `{missing}`"),
                format!("`user::present(\"{missing}\")` before it makes one"),
            ));
        }
        Ok(Seen { group, users, tools: Tools::probe(view)? })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let mut plan = Plan::new();
        let mut entry = match &seen.group.entry {
            Some(entry) => entry.clone(),
            None => {
                let entry = GroupEntry { gid: self.gid, ..GroupEntry::default() };
                let add = seen.tools.add_group(&self.name, self.gid, self.system);
                plan = plan.with(self.makes(Change::new(Sign::Create, "create").run(add), &entry).adding_accounts());
                entry
            }
        };
        if let Some(gid) = self.gid.filter(|gid| entry.gid != Some(*gid)) {
            let before = entry.gid.map_or_else(|| "none".into(), |gid| gid.to_string());
            entry.gid = Some(gid);
            let change = Change::new(Sign::Update, format!("gid {before} -> {gid}"));
            plan = plan.with(self.makes(change.run(seen.tools.set_gid(&self.name, gid)), &entry));
        }
        Ok(self.memberships(plan, entry, seen))
    }
}

impl Present {
    fn wanted_members(&self) -> &[String] {
        self.members.as_ref().map_or(&[], |many| &many.0)
    }

    fn makes(&self, change: Change, entry: &GroupEntry) -> Change {
        change.makes(&self.name, Group { entry: Some(entry.clone()) })
    }

    fn memberships(&self, mut plan: Plan, mut entry: GroupEntry, seen: &Seen) -> Plan {
        for (name, user) in &seen.users {
            let is_primary = user.account.as_ref().is_some_and(|account| account.group == self.name);
            if is_primary || !entry.members.insert(name.clone()) {
                continue;
            }
            let change = Change::new(Sign::Update, format!("add {name}"))
                .run(seen.tools.join(name, &self.name))
                .touching_accounts();
            let mut user = user.clone();
            if let Some(account) = &mut user.account {
                account.groups.insert(self.name.clone());
            }
            plan = plan.with(self.makes(change, &entry).makes(name, user));
        }
        let surplus: Vec<String> = match self.exclusive {
            true => entry.members.iter().filter(|name| !seen.users.contains_key(*name)).cloned().collect(),
            false => Vec::new(),
        };
        for name in surplus {
            entry.members.remove(&name);
            let change = Change::new(Sign::Remove, format!("remove {name}"))
                .run(seen.tools.leave(&name, &self.name))
                .touching_accounts();
            let why = format!("groups of `{name}`");
            plan = plan.with(self.makes(change, &entry).makes_unknown::<User>(&name, why));
        }
        plan
    }
}

/// Keeps a group from existing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absent {
    name: String,
}

impl Operation for Absent {
    const NAME: &'static str = "group::absent";
    type Seen = Option<Tools>;

    fn check(&self) -> Result<(), String> {
        name_ok("name", &self.name)
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.thing("group", args.text("name")).state("absent").reads::<Group>(args.text("name"))]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Self::Seen, OpError> {
        match view.see::<Group>(&self.name)?.entry {
            Some(_) => Ok(Some(Tools::probe(view)?)),
            None => Ok(None),
        }
    }

    fn plan(&self, seen: &Self::Seen) -> Result<Plan, OpError> {
        let Some(tools) = seen else { return Ok(Plan::new()) };
        let change = Change::new(Sign::Remove, "remove").run(tools.remove_group(&self.name)).touching_accounts();
        Ok(change.makes(&self.name, Group::default()).into())
    }
}
