//! The change that adds an account, and what it makes of the host.

use super::present::{Present, Seen};
use super::tools::NewUser;
use crate::event::Sign;
use crate::ops::resource::{Group, GroupEntry, User, UserEntry};
use crate::ops::{Change, OpError};

/// Adds the user; gives the account as it will be.
///
/// # Errors
/// [`OpError::Refused`] when keys are wanted in a home that will not be there.
pub fn create(want: &Present, seen: &Seen) -> Result<(Vec<Change>, UserEntry), OpError> {
    let create_home = want.create_home.unwrap_or(!want.system);
    if want.keys.is_some() && !create_home {
        return Err(OpError::refused_with(
            format!("the keys of `{}` need a home directory", want.name),
            "give `create_home: true`",
        ));
    }
    // useradd refuses to make a private group that is there already.
    let own_group = seen.groups.contains_key(&want.name).then_some(want.name.as_str());
    let group = want.group.as_deref().or(own_group);
    let user = NewUser {
        name: &want.name,
        uid: want.uid,
        shared_uid: want.shared_uid(),
        group,
        groups: want.wanted_groups(),
        comment: want.comment.as_deref(),
        home: want.home.as_deref(),
        shell: want.shell.as_deref(),
        create_home,
        system: want.system,
    };
    let account = UserEntry {
        uid: want.uid,
        group: group.unwrap_or(&want.name).to_owned(),
        comment: want.comment.clone().unwrap_or_default(),
        home: want.home.clone().unwrap_or_else(|| format!("/home/{}", want.name)),
        shell: want.shell.clone().unwrap_or_else(|| "/bin/sh".into()),
        groups: want.wanted_groups().iter().cloned().collect(),
        home_exists: create_home,
    };
    let mut change = Change::new(Sign::Create, "create").run(seen.tools.add(&user));
    change = change.touching([&account.home]);
    change = change.makes(&want.name, User { account: Some(account.clone()) });
    if group.is_none() {
        change = change.makes(&want.name, Group { entry: Some(GroupEntry::default()) });
    }
    for group in want.wanted_groups() {
        let mut entry = seen.groups.get(group).cloned().unwrap_or_default();
        entry.members.insert(want.name.clone());
        change = change.makes(group, Group { entry: Some(entry) });
    }
    Ok((vec![change.adding_accounts()], account))
}
