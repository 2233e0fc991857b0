//! The commands that change accounts: shadow-utils where installed, else our own edit of the files.

use super::bare;
use crate::ops::resource::Resource;
use crate::ops::touch::Altered;
use crate::ops::{OpError, View};
use crate::remote::{Command, Output};

/// Where programs are, but for those of the administrator's own.
const PROGRAMS: &[&str] = &["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/sbin"];

/// What a host offers to change accounts. There is one key, [`Tools::KEY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tools {
    /// `useradd`, `usermod`, `chpasswd` and their family.
    Shadow,
    /// Nothing that can be relied on; busybox builds without `adduser`, and none has `usermod`.
    Bare,
}

/// A user to add; what is unset is up to the host's defaults.
#[derive(Debug, Default)]
pub struct NewUser<'a> {
    /// Login name.
    pub name: &'a str,
    /// Wanted number.
    pub uid: Option<u32>,
    /// The number may belong to another user too.
    pub shared_uid: bool,
    /// Primary group; one of the same name is made when unset.
    pub group: Option<&'a str>,
    /// Supplementary groups.
    pub groups: &'a [String],
    /// GECOS field.
    pub comment: Option<&'a str>,
    /// Home directory.
    pub home: Option<&'a str>,
    /// Login shell.
    pub shell: Option<&'a str>,
    /// Make the home directory from /etc/skel.
    pub create_home: bool,
    /// A number from the range for system accounts.
    pub system: bool,
}

/// One field of an account.
#[derive(Debug, Clone, Copy)]
pub enum Field<'a> {
    /// User number, and whether it may be shared.
    Uid(u32, bool),
    /// Primary group.
    Group(&'a str),
    /// GECOS field.
    Comment(&'a str),
    /// Home directory; its content is not moved.
    Home(&'a str),
    /// Login shell.
    Shell(&'a str),
}

impl Resource for Tools {
    const KIND: &'static str = "account tools";

    fn script(_: &[String]) -> Command {
        Command::script("command -v useradd usermod >/dev/null && echo shadow || echo none")
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let found = match output.text().as_str() {
            "shadow" => Self::Shadow,
            "none" => Self::Bare,
            _ => return Err(OpError::answer(Self::script(keys), &output.stdout)),
        };
        Ok(vec![found; keys.len()])
    }

    fn guess() -> Option<Self> {
        Some(Self::Shadow)
    }

    fn is_absent(&self) -> bool {
        false
    }

    fn outlasts(&self, _: &str, change: &Altered<'_>) -> bool {
        Self::outlast(change)
    }
}

impl Tools {
    /// The one key of this kind.
    pub const KEY: &'static str = "tools";

    /// Asks the host.
    ///
    /// # Errors
    /// As [`View::see`].
    pub fn probe(view: &mut View<'_>) -> Result<Self, OpError> {
        view.see(Self::KEY)
    }

    /// Whether a change leaves the programs alone.
    pub(super) fn outlast(change: &Altered<'_>) -> bool {
        !change.concerns_any(PROGRAMS)
    }

    /// Adds a user.
    pub fn add(self, user: &NewUser<'_>) -> Command {
        if self == Self::Bare {
            return bare::add(user);
        }
        let with = |command: Command, flag: &str, value: Option<&str>| match value {
            Some(value) => command.arg(flag).arg(value),
            None => command,
        };
        let uid = user.uid.map(|uid| uid.to_string());
        let groups = (!user.groups.is_empty()).then(|| user.groups.join(","));
        let command = Command::new("useradd").arg_if(user.system, "-r").arg_if(user.shared_uid, "-o");
        let command = with(command, "-u", uid.as_deref());
        let command = match user.group {
            Some(group) => command.arg("-g").arg(group),
            None => command.arg("-U"),
        };
        let command = with(command, "-G", groups.as_deref());
        let command = with(command, "-c", user.comment);
        let command = with(command, "-d", user.home);
        let command = with(command, "-s", user.shell);
        command.arg(if user.create_home { "-m" } else { "-M" }).arg("--").arg(user.name)
    }

    /// Changes one field of a user.
    pub fn set(self, name: &str, field: Field<'_>) -> Command {
        if self == Self::Bare {
            return bare::set(name, field);
        }
        let usermod = Command::new("usermod");
        let usermod = match field {
            Field::Uid(uid, shared) => usermod.arg_if(shared, "-o").arg("-u").arg(uid.to_string()),
            Field::Group(group) => usermod.arg("-g").arg(group),
            Field::Comment(comment) => usermod.arg("-c").arg(comment),
            Field::Home(home) => usermod.arg("-d").arg(home),
            Field::Shell(shell) => usermod.arg("-s").arg(shell),
        };
        usermod.arg("--").arg(name)
    }

    /// Makes a user a member of a group.
    pub fn join(self, user: &str, group: &str) -> Command {
        match self {
            Self::Shadow => Command::new("usermod").arg("-a").arg("-G").arg(group).arg("--").arg(user),
            Self::Bare => bare::member("add", group, user),
        }
    }

    /// Ends a membership.
    pub fn leave(self, user: &str, group: &str) -> Command {
        match self {
            Self::Shadow => Command::new("gpasswd").arg("-d").arg(user).arg(group),
            Self::Bare => bare::member("remove", group, user),
        }
    }

    /// Removes a user, and its home directory when asked.
    pub fn remove(self, name: &str, remove_home: bool) -> Command {
        match self {
            Self::Shadow => Command::new("userdel").arg_if(remove_home, "-r").arg("--").arg(name),
            Self::Bare => bare::remove(name, remove_home),
        }
    }

    /// Sets the password field of a user; `field` may hold a secret token and travels by stdin.
    pub fn password(self, name: &str, field: &str) -> Command {
        match self {
            Self::Shadow => Command::new("chpasswd").arg("-e").stdin(format!("{name}:{field}\n")),
            Self::Bare => bare::password(name).stdin(format!("{field}\n")),
        }
    }

    /// Locks or unlocks a password and keeps it.
    pub fn lock(self, name: &str, lock: bool) -> Command {
        match self {
            Self::Shadow => Command::new("usermod").arg(if lock { "-L" } else { "-U" }).arg("--").arg(name),
            Self::Bare => bare::lock(name, lock),
        }
    }

    /// Adds a group.
    pub fn add_group(self, name: &str, gid: Option<u32>, system: bool) -> Command {
        if self == Self::Bare {
            return bare::add_group(name, gid, system);
        }
        let command = Command::new("groupadd").arg_if(system, "-r");
        let command = match gid {
            Some(gid) => command.arg("-g").arg(gid.to_string()),
            None => command,
        };
        command.arg("--").arg(name)
    }

    /// Changes the number of a group.
    pub fn set_gid(self, name: &str, gid: u32) -> Command {
        match self {
            Self::Shadow => Command::new("groupmod").arg("-g").arg(gid.to_string()).arg("--").arg(name),
            Self::Bare => bare::set_gid(name, gid),
        }
    }

    /// Removes a group.
    pub fn remove_group(self, name: &str) -> Command {
        match self {
            Self::Shadow => Command::new("groupdel").arg("--").arg(name),
            Self::Bare => bare::remove_group(name),
        }
    }
}
