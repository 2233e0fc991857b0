//! `docker::network`: a network of the engine.

use super::spec::Texts;
use super::{docker, name_ok, see};
use crate::event::Sign;
use crate::ops::cmd::Word;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Docker, Network as Found};
use crate::ops::{Change, OpError, Operation, Plan, View};
use serde::Deserialize;

/// Keeps a network.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    name: String,
    driver: Option<String>,
    subnet: Option<String>,
    internal: Option<bool>,
    #[serde(default)]
    labels: Texts,
    present: Option<bool>,
}

impl Operation for Network {
    const NAME: &'static str = "docker::network";
    type Seen = Option<Found>;

    fn check(&self) -> Result<(), String> {
        name_ok("name", &self.name)
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let name = args.text("name");
        vec![args.kept("network", name, &["driver", "subnet", "internal", "labels"]).reads::<Docker<Found>>(name)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Self::Seen, OpError> {
        see::<Found>(view, &self.name)
    }

    fn plan(&self, seen: &Self::Seen) -> Result<Plan, OpError> {
        match (seen, self.present) {
            (None, Some(false)) => Ok(Plan::new()),
            (Some(_), Some(false)) => {
                let remove = docker().arg("network").arg("rm").arg("--").arg(&self.name);
                let change = Change::new(Sign::Remove, "remove").run(remove);
                Ok(change.makes(&self.name, Docker::<Found>::Absent).into())
            }
            (Some(found), _) => self.refuse_difference(found).map(|()| Plan::new()),
            (None, _) => Ok(self.create().into()),
        }
    }
}

impl Network {
    fn create(&self) -> Change {
        let mut create = docker().arg("network").arg("create");
        for (flag, value) in [("--driver", &self.driver), ("--subnet", &self.subnet)] {
            create = value.iter().fold(create, |create, value| create.arg(flag).arg(value));
        }
        for (key, Word(value)) in &self.labels {
            create = create.arg("--label").arg(format!("{key}={value}"));
        }
        let create = create.arg_if(self.internal == Some(true), "--internal").arg("--").arg(&self.name);
        let found = Found {
            driver: self.driver.clone().unwrap_or_else(|| "bridge".into()),
            internal: self.internal == Some(true),
            subnets: self.subnet.iter().cloned().collect(),
        };
        Change::new(Sign::Create, "create").run(create).makes(&self.name, Docker::There(found))
    }

    /// A network cannot be changed, and removing it would cut off its containers.
    fn refuse_difference(&self, found: &Found) -> Result<(), OpError> {
        let driver = self.driver.as_ref().filter(|driver| **driver != found.driver);
        let subnet = self.subnet.as_ref().filter(|subnet| !found.subnets.contains(subnet));
        let internal = self.internal.filter(|internal| *internal != found.internal);
        let what = match (driver, subnet, internal) {
            (Some(_), ..) => format!("driver {}", found.driver),
            (_, Some(_), _) => format!("subnet {}", found.subnets.join(", ")),
            (.., Some(_)) => format!("internal {}", found.internal),
            _ => return Ok(()),
        };
        Err(OpError::refused_with(
            format!("the network `{}` is there with {what}, and networks cannot be changed", self.name),
            "disconnect its containers and remove it with `present: false` first",
        ))
    }
}
