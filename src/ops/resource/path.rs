//! What stands at a path: kind, mode, owner, and where a link leads.

use super::path_read::{parse, script};
use super::{Group, Resource, User};
use crate::ops::touch::Altered;
use crate::ops::{OpError, Overlay};
use crate::remote::{Command, Output};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// What stands at a path. Links are not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// What it is.
    pub kind: Kind,
    /// Permission bits with set-user-ID, set-group-ID and sticky bit.
    pub mode: u32,
    /// Who owns it.
    pub owner: Principal,
    /// Its group.
    pub group: Principal,
    /// Bytes of content; 0 when only an apply can tell.
    pub size: u64,
    /// Seconds since 1970; unknown on hosts whose `stat` has no `-c`.
    pub mtime: Option<i64>,
    /// Device and inode, equal for hard links to one file.
    pub inode: Option<(u64, u64)>,
    /// Where a symbolic link leads, as it is written there.
    pub target: Option<String>,
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or nothing that the user of the shell can see.
    Absent,
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Link,
    /// A device, pipe or socket.
    Other,
}

impl Kind {
    /// Reads the type bits of `st_mode`, as inode(7) lists them.
    pub fn of_bits(bits: u32) -> Self {
        match bits & 0o170_000 {
            0o100_000 => Self::File,
            0o040_000 => Self::Dir,
            0o120_000 => Self::Link,
            _ => Self::Other,
        }
    }

    /// As people call it: `directory`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Absent => "nothing",
            Self::File => "file",
            Self::Dir => "directory",
            Self::Link => "link",
            Self::Other => "device, pipe or socket",
        }
    }
}

/// A user or a group, by number, by name, or both. A predicted one may lack either.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Principal {
    /// Its number.
    pub id: Option<u32>,
    /// Its name; a number that nobody has a name for has none.
    pub name: Option<String>,
}

impl Principal {
    /// The account that a name or a decimal number means.
    pub fn named(text: &str) -> Self {
        match text.parse() {
            Ok(id) => Self { id: Some(id), name: None },
            Err(_) => Self { id: None, name: Some(text.to_owned()) },
        }
    }

    /// Whether it is the one meant by a name or number; `None` when only an apply can tell.
    pub fn is(&self, text: &str) -> Option<bool> {
        if self.name.as_deref() == Some(text) {
            return Some(true);
        }
        let numbers = text.parse::<u32>().ok().map(|wanted| self.id.map(|id| id == wanted));
        // An existing number without the wanted name is certainly another account.
        let names = || self.id.map(|_| false).or(self.name.as_ref().map(|_| false));
        numbers.unwrap_or_else(names)
    }

    /// Its name, or its number.
    pub fn shown(&self) -> String {
        match (&self.name, self.id) {
            (Some(name), _) => name.clone(),
            (None, Some(id)) => id.to_string(),
            (None, None) => "?".to_owned(),
        }
    }
}

impl Path {
    /// Names a directory owned by the user of the shell, wherever /proc is: tells who makes new files.
    pub const ME: &'static str = "/proc/self/.";

    /// Nothing there.
    pub fn absent() -> Self {
        Self {
            kind: Kind::Absent,
            mode: 0,
            owner: Principal::default(),
            group: Principal::default(),
            size: 0,
            mtime: None,
            inode: None,
            target: None,
        }
    }

    /// A new thing made by `me` in `parent`: a set-group-ID directory gives its group.
    ///
    /// Spec: inode(7), "S_ISGID".
    pub fn made(kind: Kind, mode: u32, me: &Path, parent: Option<&Path>) -> Self {
        let giving = parent.filter(|parent| parent.kind == Kind::Dir && parent.mode & 0o2000 != 0);
        let sticky = if giving.is_some() && kind == Kind::Dir { 0o2000 } else { 0 };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        Self {
            kind,
            mode: mode | sticky,
            owner: me.owner.clone(),
            group: giving.unwrap_or(me).group.clone(),
            mtime: Some(now),
            ..Self::absent()
        }
    }
}

impl Resource for Path {
    const KIND: &'static str = "path";

    fn script(keys: &[String]) -> Command {
        script(keys)
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        parse(keys, output)
    }

    fn is_absent(&self) -> bool {
        self.kind == Kind::Absent
    }

    fn snapshot(&self) -> Value {
        let kind = match self.kind {
            Kind::Absent => return Value::Null,
            Kind::File => "file",
            Kind::Dir => "directory",
            Kind::Link => "link",
            Kind::Other => "other",
        };
        let (owner, group) = (self.owner.shown(), self.group.shown());
        let mode = format!("{:04o}", self.mode);
        let mut snapshot = json!({ "kind": kind, "mode": mode, "owner": owner, "group": group });
        match &self.target {
            Some(target) => snapshot["target"] = target.as_str().into(),
            None => snapshot["size"] = self.size.into(),
        }
        snapshot
    }

    /// Spec: FHS 3.0 and Debian policy 9.1 keep packages out of these; `/opt` and `/run` they may use.
    fn may_be_brought(key: &str) -> bool {
        const NEVER: &[&str] = &["/home", "/media", "/mnt", "/proc", "/root", "/srv", "/tmp", "/usr/local", "/var/tmp"];
        !NEVER.iter().any(|top| key == *top || is_below(key, top))
    }

    fn under(mut self, overlay: &Overlay) -> Self {
        let is = |uid, user: &User| user.account.as_ref().is_some_and(|account| account.uid == Some(uid));
        let nameless = |principal: &Principal| principal.id.filter(|_| principal.name.is_none());
        if let Some(uid) = nameless(&self.owner) {
            self.owner.name = overlay.name_of::<User>(|user| is(uid, user));
        }
        if let Some(gid) = nameless(&self.group) {
            let is = |group: &Group| group.entry.as_ref().is_some_and(|entry| entry.gid == Some(gid));
            self.group.name = overlay.name_of::<Group>(is);
        }
        self
    }

    fn follows_from(key: &str, other: &str, state: &Self) -> Option<Self> {
        // Below a file there is nothing, either.
        let ends = matches!(state.kind, Kind::Absent | Kind::File | Kind::Other);
        (ends && is_below(key, other)).then(Self::absent)
    }

    fn outlasts(&self, key: &str, change: &Altered<'_>) -> bool {
        // Owners have names, which the accounts give.
        !change.renames_owners(self) && (key == Self::ME || change.spares(key, self))
    }
}

/// True when a path is inside a directory, at any depth.
pub fn is_below(path: &str, dir: &str) -> bool {
    match path.strip_prefix(dir) {
        Some(rest) => !rest.is_empty() && (rest.starts_with('/') || dir == "/"),
        None => false,
    }
}

/// The directory that holds a path; `/` for what stands at the top.
pub fn parent(path: &str) -> &str {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((dir, _)) => dir,
    }
}

/// Where a link in a directory leads, with `.` and `..` taken out as text.
pub fn joined(dir: &str, target: &str) -> String {
    let whole = if target.starts_with('/') { target.to_owned() } else { format!("{dir}/{target}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_from_its_own_directory() {
        assert_eq!(joined("/etc/x", "../y/./z"), "/etc/y/z");
        assert_eq!(joined("/etc", "/run/z"), "/run/z");
    }

    #[test]
    fn an_account_is_compared_by_name_or_number() {
        let root = Principal { id: Some(0), name: Some("root".into()) };
        assert_eq!((root.is("root"), root.is("0"), root.is("www"), root.is("33")), {
            (Some(true), Some(true), Some(false), Some(false))
        });
        let planned = Principal::named("app");
        assert_eq!((planned.is("app"), planned.is("db"), planned.is("1000")), (Some(true), Some(false), None));
        let nameless = Principal { id: Some(1234), name: None };
        assert_eq!((nameless.is("app"), Principal::default().is("app")), (Some(false), None));
    }

    #[test]
    fn nothing_is_below_an_absent_directory() {
        let gone = Path::absent();
        assert_eq!(Path::follows_from("/srv/app/x", "/srv/app", &gone), Some(Path::absent()));
        assert_eq!(Path::follows_from("/srv/apple", "/srv/app", &gone), None);
        assert_eq!(Path::follows_from("/srv/app", "/srv/app", &gone), None);
    }

    #[test]
    fn a_package_brings_nothing_below_srv() {
        assert!(Path::may_be_brought("/etc/nginx"));
        assert!(!Path::may_be_brought("/srv/app"));
        assert!(Path::may_be_brought("/srvx"));
    }
}
