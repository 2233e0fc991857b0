//! Owner, group and mode of what is there already.

use crate::event::Sign;
use crate::ops::args::Mode;
use crate::ops::resource::{Kind, Path, Principal};
use crate::ops::{Change, OpError};
use crate::remote::Command;
use crate::secret::contains_token;

/// What is wanted of a path besides its content; `None` leaves a thing alone.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attributes<'a> {
    pub owner: Option<&'a str>,
    pub group: Option<&'a str>,
    pub mode: Option<Mode>,
}

/// One of them that differs: what people read, and the state before and after.
pub(super) struct Difference {
    pub text: String,
    pub owns: bool,
}

impl<'a> Attributes<'a> {
    pub fn new(owner: &'a Option<String>, group: &'a Option<String>, mode: Option<Mode>) -> Self {
        Self { owner: owner.as_deref(), group: group.as_deref(), mode }
    }

    /// Refuses names that chown(1) would take for something else.
    pub fn check(&self) -> Result<(), String> {
        for (argument, name) in [("owner", self.owner), ("group", self.group)] {
            let Some(name) = name else { continue };
            if name.is_empty() || name.contains([':', '/', '\0', '\n']) || contains_token(name) {
                return Err(format!("argument `{argument}`: `{name}` is no name of an account"));
            }
        }
        Ok(())
    }

    /// What differs from what is there.
    pub fn differences(&self, path: &str, seen: &Path) -> Result<Vec<Difference>, OpError> {
        let mut differences = Vec::new();
        for (what, wanted, account) in [("owner", self.owner, &seen.owner), ("group", self.group, &seen.group)] {
            let Some(wanted) = wanted else { continue };
            let same = account.is(wanted);
            if !same.ok_or_else(|| OpError::Unknown(format!("{what} of `{path}`")))? {
                let text = format!("{what} {} -> {wanted}", account.shown());
                differences.push(Difference { text, owns: true });
            }
        }
        if let Some(mode) = self.mode.filter(|mode| mode.0 != seen.mode && seen.kind != Kind::Link) {
            differences.push(Difference { text: format!("mode {} -> {mode}", Mode(seen.mode)), owns: false });
        }
        Ok(differences)
    }

    /// The state with everything wanted in place.
    pub fn on(&self, seen: Path) -> Path {
        let named = |wanted: Option<&str>, before: Principal| match wanted {
            Some(wanted) if before.is(wanted) != Some(true) => Principal::named(wanted),
            _ => before,
        };
        Path {
            owner: named(self.owner, seen.owner),
            group: named(self.group, seen.group),
            mode: self.mode.filter(|_| seen.kind != Kind::Link).map_or(seen.mode, |mode| mode.0),
            ..seen
        }
    }

    /// The changes that make what is there as wanted, one for each thing that differs.
    pub fn changes(&self, path: &str, seen: &Path) -> Result<Vec<Change>, OpError> {
        let differences = self.differences(path, seen)?;
        let owns = differences.iter().any(|difference| difference.owns);
        let mut commands = Vec::new();
        if owns {
            commands.push(self.chown(path, seen));
        }
        let mode = self.mode.map_or(seen.mode, |mode| mode.0);
        let cleared = owns && seen.kind == Kind::File && mode & 0o6000 != 0;
        if cleared || differences.iter().any(|difference| !difference.owns) {
            commands.push(chmod(mode, path, seen.kind));
        }
        let after = self.on(seen.clone());
        let mut changes: Vec<Change> =
            differences.into_iter().map(|difference| Change::new(Sign::Update, difference.text)).collect();
        if let Some(first) = changes.first_mut() {
            let change = std::mem::replace(first, Change::new(Sign::Update, ""));
            *first = commands.into_iter().fold(change, Change::run).touching([path]).makes(path, after);
        }
        Ok(changes)
    }

    /// chown(1) of the link itself where there is one.
    fn chown(&self, path: &str, seen: &Path) -> Command {
        let whom = self.account().unwrap_or_default();
        Command::new("chown").arg_if(seen.kind == Kind::Link, "-h").arg("--").arg(whom).arg(path)
    }

    /// `owner:group` as chown(1) takes it, unless both are as wanted already.
    pub fn account_for(&self, seen: &Path) -> Option<String> {
        self.account().filter(|_| !self.owns(seen))
    }

    /// Whether owner and group are certainly as wanted.
    pub fn owns(&self, seen: &Path) -> bool {
        let is = |wanted: Option<&str>, account: &Principal| wanted.is_none_or(|name| account.is(name) == Some(true));
        is(self.owner, &seen.owner) && is(self.group, &seen.group)
    }

    /// `owner:group` as chown(1) takes it.
    pub fn account(&self) -> Option<String> {
        match (self.owner, self.group) {
            (Some(owner), Some(group)) => Some(format!("{owner}:{group}")),
            (Some(owner), None) => Some(owner.to_owned()),
            (None, Some(group)) => Some(format!(":{group}")),
            (None, None) => None,
        }
    }
}

/// chmod(1) keeps the set-group-ID bit of a directory unless the mode has five digits.
pub(super) fn chmod(mode: u32, path: &str, kind: Kind) -> Command {
    let digits = if kind == Kind::Dir { format!("{mode:05o}") } else { format!("{mode:04o}") };
    Command::new("chmod").arg(digits).arg("--").arg(path)
}
