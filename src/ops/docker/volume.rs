//! `docker::volume`: a volume of the engine.

use super::spec::Texts;
use super::{docker, name_ok, see};
use crate::event::Sign;
use crate::ops::cmd::Word;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Docker, Volume as Found};
use crate::ops::{Change, OpError, Operation, Plan, View};
use serde::Deserialize;

/// Keeps a volume.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    name: String,
    driver: Option<String>,
    #[serde(default)]
    labels: Texts,
    present: Option<bool>,
}

impl Operation for Volume {
    const NAME: &'static str = "docker::volume";
    type Seen = Option<Found>;

    fn check(&self) -> Result<(), String> {
        name_ok("name", &self.name)
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.kept("volume", args.text("name"), &["driver", "labels"]).reads::<Docker<Found>>(args.text("name"))]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Self::Seen, OpError> {
        see::<Found>(view, &self.name)
    }

    fn plan(&self, seen: &Self::Seen) -> Result<Plan, OpError> {
        let found = match (seen, self.present) {
            (None, Some(false)) => return Ok(Plan::new()),
            (Some(_), Some(false)) => {
                let remove = docker().arg("volume").arg("rm").arg("--").arg(&self.name);
                let change = Change::new(Sign::Remove, "remove, with its data").run(remove);
                return Ok(change.makes(&self.name, Docker::<Found>::Absent).into());
            }
            (found, _) => found,
        };
        match (found, &self.driver) {
            (Some(found), Some(driver)) if found.driver != *driver => Err(OpError::refused_with(
                format!(
                    "the volume `{}` is there with driver {}, and volumes cannot be changed",
                    self.name, found.driver
                ),
                "save its data and remove it with `present: false` first",
            )),
            (Some(_), _) => Ok(Plan::new()),
            (None, _) => Ok(self.create().into()),
        }
    }
}

impl Volume {
    fn create(&self) -> Change {
        let mut create = docker().arg("volume").arg("create");
        create = self.driver.iter().fold(create, |create, driver| create.arg("--driver").arg(driver));
        for (key, Word(value)) in &self.labels {
            create = create.arg("--label").arg(format!("{key}={value}"));
        }
        let found = Found { driver: self.driver.clone().unwrap_or_else(|| "local".into()) };
        let change = Change::new(Sign::Create, "create").run(create.arg("--").arg(&self.name));
        change.makes(&self.name, Docker::There(found))
    }
}
