//! Accounts on hosts without shadow-utils: the files of passwd(5), group(5) and shadow(5) are edited in place of
//! tools, entry by entry and on the host, so that no hash travels and other entries stay as they are.

use super::tools::{Field, NewUser};
use crate::remote::{Command, quote};

/// Shell functions; each file is replaced at once and keeps its mode and owner.
const LIBRARY: &str = include_str!("bare.sh");

/// The first line says what it is about, since an error shows no more.
fn call(lines: &str) -> Command {
    let first = lines.lines().next().unwrap_or_default();
    Command::script(format!("# {first}\n{LIBRARY}{lines}"))
}

/// Adds a user.
pub fn add(user: &NewUser<'_>) -> Command {
    let text = |value: Option<&str>| quote(value.unwrap_or_default());
    let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
    let home = user.home.map_or_else(|| format!("/home/{}", user.name), str::to_owned);
    let mut lines = format!(
        "add_user {} '{}' '{}' {} {} {} {} {}\n",
        quote(user.name),
        number(user.uid),
        if user.shared_uid { "shared" } else { "" },
        text(user.group),
        text(user.comment),
        quote(&home),
        quote(user.shell.unwrap_or("/bin/sh")),
        if user.system { 100 } else { 1000 },
    );
    for group in user.groups {
        lines.push_str(&format!("member add {} {}\n", quote(group), quote(user.name)));
    }
    if user.create_home {
        lines.push_str(&format!("make_home {}\n", quote(user.name)));
    }
    call(&lines)
}

/// Changes one field of a user.
pub fn set(name: &str, field: Field<'_>) -> Command {
    let (index, value) = match field {
        Field::Uid(uid, shared) => {
            return call(&format!("set_uid {} {uid} '{}'\n", quote(name), if shared { "shared" } else { "" }));
        }
        Field::Group(group) => return call(&format!("set_group {} {}\n", quote(name), quote(group))),
        Field::Comment(comment) => ("comment", comment),
        Field::Home(home) => ("home", home),
        Field::Shell(shell) => ("shell", shell),
    };
    call(&format!("set_field {} {index} {}\n", quote(name), quote(value)))
}

/// Adds to or removes from the members of a group.
pub fn member(verb: &str, group: &str, user: &str) -> Command {
    call(&format!("member {verb} {} {}\n", quote(group), quote(user)))
}

/// Removes a user.
pub fn remove(name: &str, remove_home: bool) -> Command {
    call(&format!("remove_user {} '{}'\n", quote(name), if remove_home { "home" } else { "" }))
}

/// Sets the password field from the first line of stdin.
pub fn password(name: &str) -> Command {
    call(&format!("IFS= read -r field\nset_password {} \"$field\"\n", quote(name)))
}

/// Locks or unlocks.
pub fn lock(name: &str, lock: bool) -> Command {
    call(&format!("lock_password {} {}\n", quote(name), if lock { "lock" } else { "unlock" }))
}

/// Makes the home directory of a user who has none.
pub fn make_home(name: &str) -> Command {
    call(&format!("make_home {}\n", quote(name)))
}

/// Adds a group.
pub fn add_group(name: &str, gid: Option<u32>, system: bool) -> Command {
    let gid = gid.map(|gid| gid.to_string()).unwrap_or_default();
    call(&format!("add_group {} '{gid}' {}\n", quote(name), if system { 100 } else { 1000 }))
}

/// Changes the number of a group.
pub fn set_gid(name: &str, gid: u32) -> Command {
    call(&format!("set_gid {} {gid}\n", quote(name)))
}

/// Removes a group.
pub fn remove_group(name: &str) -> Command {
    call(&format!("drop /etc/group {}\n", quote(name)))
}
