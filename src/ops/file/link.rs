//! A link to another path.

use super::attributes::Attributes;
use super::place::{HostPath, Place};
use crate::event::Sign;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Kind, Path};
use crate::ops::{Change, OpError, Operation, Plan, View};
use crate::remote::{Command, quote};
use crate::secret::contains_token;
use serde::Deserialize;

/// Keeps a link.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    path: HostPath,
    to: String,
    #[serde(default)]
    hard: bool,
    #[serde(default)]
    force: bool,
    owner: Option<String>,
    group: Option<String>,
}

/// What was found.
#[derive(Debug)]
pub struct Seen {
    place: Place,
    /// The other name of a hard link.
    target: Option<Path>,
}

impl Operation for Link {
    const NAME: &'static str = "file::link";
    const TARGET: &'static str = "path";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        if self.to.is_empty() || self.to.contains('\0') || contains_token(&self.to) {
            return Err("argument `to` must be a path".into());
        }
        if self.hard {
            HostPath::parse(&self.to).map_err(|problem| format!("argument `to`: {problem}"))?;
        }
        self.attributes().check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.path("link").takes(args, &["to", "hard"]).content(args)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let place = Place::see(view, self.path.as_str(), false)?;
        let target = if self.hard { Some(view.see::<Path>(&self.to)?) } else { None };
        Ok(Seen { place, target })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        if self.is_there(seen) {
            return Ok(Plan::of(self.attributes().changes(&seen.place.path, &seen.place.at)?));
        }
        let at = &seen.place.at;
        let (sign, text) = match at.kind {
            Kind::Absent => (Sign::Create, format!("link to {}", self.to)),
            Kind::Link if !self.hard => {
                (Sign::Update, format!("link to {} -> {}", at.target.as_deref().unwrap_or("?"), self.to))
            }
            Kind::Dir => {
                return Err(OpError::refused_with(
                    format!("`{}` is a directory", seen.place.path),
                    "remove it before with `file::absent` and `recursive: true`",
                ));
            }
            other if !self.force => {
                return Err(OpError::refused_with(
                    format!("`{}` is a {}", seen.place.path, other.word()),
                    "`force: true` puts the link in its place",
                ));
            }
            other => (Sign::Update, format!("replace the {} by a link to {}", other.word(), self.to)),
        };
        seen.place.needs_parent("`file::dir` makes it")?;
        self.change(sign, text, seen).map(Plan::from)
    }
}

impl Link {
    fn attributes(&self) -> Attributes<'_> {
        Attributes::new(&self.owner, &self.group, None)
    }

    fn is_there(&self, seen: &Seen) -> bool {
        let at = &seen.place.at;
        match &seen.target {
            Some(target) => at.kind == Kind::File && at.inode.is_some() && at.inode == target.inode,
            None => at.kind == Kind::Link && at.target.as_deref() == Some(self.to.as_str()),
        }
    }

    fn change(&self, sign: Sign, text: String, seen: &Seen) -> Result<Change, OpError> {
        let made = match &seen.target {
            Some(target) if target.kind != Kind::File => {
                return Err(OpError::refused(format!("`{}` is no file that could be linked hard", self.to)));
            }
            Some(target) => {
                Path { inode: target.inode.or(Some((u64::MAX, planned_inode(&self.to)))), ..target.clone() }
            }
            None => Path { target: Some(self.to.clone()), ..seen.place.made(Kind::Link, 0o777) },
        };
        let mut change =
            Change::new(sign, text).run(Command::script(self.script(&seen.place.path))).touching([&seen.place.path]);
        if self.hard {
            // Both names have one inode from now on, whichever it will be.
            change = change.makes(&self.to, made.clone()).copies(&self.to, &seen.place.path);
        }
        let change = match self.attributes().account() {
            Some(account) => change.run(Command::new("chown").arg("-h").arg("--").arg(account).arg(&seen.place.path)),
            None => change,
        };
        Ok(change.makes(&seen.place.path, self.attributes().on(made)))
    }

    /// Renames a new link over what is there. `mv -T` keeps a link to a directory from being entered; where it is
    /// missing the old one goes first.
    fn script(&self, path: &str) -> String {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let name = if name.len() <= 180 { name } else { "" };
        let option = if self.hard { "" } else { "-s " };
        format!(
            "p={} t={}\ntrap 'rm -f -- \"$t\"' EXIT\nrm -f -- \"$t\"\nln {option}-- {} \"$t\" || exit 1\n\
             mv -f -T -- \"$t\" \"$p\" 2>/dev/null || {{ rm -f -- \"$p\" && mv -- \"$t\" \"$p\"; }}\n",
            quote(path),
            quote(&format!("{dir}/.{name}.rhapsode-link")),
            quote(&self.to)
        )
    }
}

/// A number for a file that has no inode yet: no device has the number that goes with it.
fn planned_inode(path: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}
