//! `docker::image`: an image in the engine's own store.

use super::{docker, image_ok, see};
use crate::event::Sign;
use crate::ops::args::absolute;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Docker, Image as Found};
use crate::ops::{Change, OpError, Operation, Plan, View};
use serde::Deserialize;

/// Keeps an image on the host, from a registry or an archive.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    name: String,
    archive: Option<String>,
    present: Option<bool>,
}

impl Operation for Image {
    const NAME: &'static str = "docker::image";
    type Seen = Option<Found>;

    fn check(&self) -> Result<(), String> {
        image_ok("name", &self.name)?;
        self.archive.as_deref().map_or(Ok(()), |path| absolute("archive", path))
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.kept("image", args.text("name"), &["archive"]).reads::<Docker<Found>>(args.text("name"))]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Self::Seen, OpError> {
        see::<Found>(view, &self.name)
    }

    fn plan(&self, seen: &Self::Seen) -> Result<Plan, OpError> {
        if self.present == Some(false) {
            let remove = docker().arg("rmi").arg("--").arg(&self.name);
            let change = Change::new(Sign::Remove, "remove").run(remove).makes(&self.name, Docker::<Found>::Absent);
            return Ok(if seen.is_some() { change.into() } else { Plan::new() });
        }
        if seen.is_some() {
            return Ok(Plan::new());
        }
        let change = match &self.archive {
            Some(path) => {
                let load = docker().arg("load").arg("--quiet").arg("--input").arg(path);
                Change::new(Sign::Create, format!("load {path}")).run(load)
            }
            None => {
                Change::new(Sign::Create, "pull").run(docker().arg("pull").arg("--quiet").arg("--").arg(&self.name))
            }
        };
        // An archive may hold another image than it is said to.
        let there = docker().arg("image").arg("inspect").arg("--format").arg("{{.Id}}").arg("--").arg(&self.name);
        let why = format!("the id of `{}`", self.name);
        let change = change.run(there).makes_unknown::<Docker<Found>>(&self.name, why);
        Ok(change.into())
    }
}
