//! A file, whatever it holds.

use super::attributes::Attributes;
use super::content::Wanted;
use super::place::{HostPath, Place};
use super::put::Order;
use crate::event::Sign;
use crate::ops::args::Mode;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Contents, Kind, Path};
use crate::ops::{Change, OpError, Operation, Plan, View};
use crate::remote::Command;
use serde::Deserialize;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Keeps a file, empty when it is made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Present {
    path: HostPath,
    owner: Option<String>,
    group: Option<String>,
    mode: Option<Mode>,
    #[serde(default)]
    touch: bool,
}

impl Operation for Present {
    const NAME: &'static str = "file::present";
    const TARGET: &'static str = "path";
    type Seen = Place;

    fn check(&self) -> Result<(), String> {
        self.attributes().check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.path("file").content(args)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Place, OpError> {
        Place::follow(view, self.path.as_str())
    }

    fn plan(&self, seen: &Place) -> Result<Plan, OpError> {
        match seen.at.kind {
            Kind::Absent => self.create(seen),
            Kind::Dir => {
                Err(OpError::refused_with(format!("`{}` is a directory", seen.path), "`file::dir` keeps a directory"))
            }
            _ => {
                let mut changes = self.attributes().changes(&seen.path, &seen.at)?;
                if self.touch {
                    changes.push(touch(seen));
                }
                Ok(Plan::of(changes))
            }
        }
    }
}

impl Present {
    fn attributes(&self) -> Attributes<'_> {
        Attributes::new(&self.owner, &self.group, self.mode)
    }

    fn create(&self, seen: &Place) -> Result<Plan, OpError> {
        let order = Order {
            attributes: self.attributes(),
            force: false,
            validate: None,
            backup: false,
            in_place: false,
            create_dirs: false,
        };
        let empty = Wanted::of_bytes(Arc::from([].as_slice()))?;
        order.plan(seen, &Contents::Absent, &empty)
    }
}

fn touch(seen: &Place) -> Change {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    Change::new(Sign::Run, "touch")
        .run(Command::new("touch").arg("--").arg(&seen.path))
        .touching_itself(&seen.path)
        .makes(&seen.path, Path { mtime: Some(now), ..seen.at.clone() })
}
