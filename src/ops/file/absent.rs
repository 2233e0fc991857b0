//! Nothing at a path.

use super::place::{HostPath, Place};
use crate::event::Sign;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Contents, Digest, Kind, Path};
use crate::ops::{Change, OpError, Operation, Plan, View};
use crate::remote::Command;
use serde::Deserialize;

/// Keeps a path free.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absent {
    path: HostPath,
    #[serde(default)]
    recursive: bool,
    #[serde(default)]
    force: bool,
}

/// What was found.
#[derive(Debug)]
pub struct Seen {
    /// Without the links above it, as far as something is planned behind them.
    path: String,
    at: Path,
}

/// Directories without which a system does not come up again (FHS 3.0, 3.2).
const NEVER: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/sbin",
    "/var",
    "/var/lib",
];

impl Operation for Absent {
    const NAME: &'static str = "file::absent";
    const TARGET: &'static str = "path";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        match NEVER.contains(&self.path.as_str()) {
            true => Err(format!("`{}` is part of the system and is never removed", self.path.as_str())),
            false => Ok(()),
        }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.path("absent").content(args)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        if view.planned_changes() > 0 {
            let Place { path, at, .. } = Place::see(view, self.path.as_str(), false)?;
            return Ok(Seen { path, at });
        }
        let path = self.path.as_str().to_owned();
        Ok(Seen { at: view.see(&path)?, path })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let path = seen.path.as_str();
        match seen.at.kind {
            _ if NEVER.contains(&path) => {
                Err(OpError::refused(format!("`{path}` is part of the system and is never removed")))
            }
            Kind::Absent => Ok(Plan::new()),
            Kind::Dir if !self.recursive && !self.force => Err(OpError::refused_with(
                format!("`{path}` is a directory"),
                "`recursive: true` removes it with all it holds",
            )),
            kind => Ok(remove(path, kind).into()),
        }
    }
}

/// The change that removes what stands at a path; a directory with all it holds.
pub(super) fn remove(path: &str, kind: Kind) -> Change {
    let options = if kind == Kind::Dir { "-rf" } else { "-f" };
    gone(Change::new(Sign::Remove, format!("remove the {}", kind.word())), path)
        .run(Command::new("rm").arg(options).arg("--").arg(path))
        .touching([path])
}

/// Notes that nothing stands at a path after a change.
pub(in crate::ops) fn gone(change: Change, path: &str) -> Change {
    change.makes(path, Path::absent()).makes(path, Contents::Absent).makes(path, Digest { sha256: None })
}
