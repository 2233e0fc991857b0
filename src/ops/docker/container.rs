//! `docker::container`: a running container that is made of what is asked for.

use super::spec::{Spec, Texts, differences};
use super::{docker, image_ok, name_ok, see};
use crate::event::Sign;
use crate::ops::args::Many;
use crate::ops::cmd::Line;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Container as Found, Docker, Image};
use crate::ops::{Change, OpError, Operation, Plan, Step, View};
use crate::remote::{Command, quote};
use crate::secret::{contains_token, redact};
use serde::Deserialize;

/// Keeps a container running, and makes it anew when what it is made of changes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    name: String,
    image: Option<String>,
    #[serde(default)]
    ports: Many,
    #[serde(default)]
    env: Texts,
    #[serde(default)]
    volumes: Many,
    #[serde(default)]
    networks: Many,
    restart: Option<String>,
    command: Option<Line>,
    #[serde(default)]
    labels: Texts,
    #[serde(default)]
    options: Many,
    #[serde(default)]
    pull: bool,
    #[serde(default)]
    force: bool,
    present: Option<bool>,
}

/// The container, and the image it is to be made of.
pub struct Seen {
    found: Option<Found>,
    image: Option<Image>,
}

impl Operation for Container {
    const NAME: &'static str = "docker::container";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        name_ok("name", &self.name)?;
        match (&self.image, self.present) {
            (Some(image), _) => image_ok("image", image)?,
            (None, Some(false)) => {}
            (None, _) => return Err("argument `image` is missing".into()),
        }
        self.command.as_ref().map_or(Ok(()), |line| line.check(&[]))?;
        if let Some(option) = self.options.0.iter().find(|option| contains_token(option)) {
            return Err(format!("argument `options`: `{}`: a secret belongs into `env`", redact(option)));
        }
        self.env.iter().try_for_each(|(key, value)| env_ok(key, &value.0))
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let name = args.text("name");
        let fields = ["image", "ports", "env", "volumes", "networks", "restart", "command", "labels", "options"];
        vec![args.kept("container", name, &fields).reads::<Docker<Found>>(name)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let found = see::<Found>(view, &self.name)?;
        let image = match &self.image {
            Some(image) if found.is_some() && self.present != Some(false) => see::<Image>(view, image)?,
            _ => None,
        };
        Ok(Seen { found, image })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        if self.present == Some(false) {
            return Ok(self.remove(seen));
        }
        let label = self.spec().label()?;
        let Some(found) = &seen.found else {
            let change =
                self.made(Change::new(Sign::Create, format!("create from {}", self.spec().image)), seen, &label);
            return Ok(self.make()?.into_iter().fold(change.run(self.drop_old()), Change::step).into());
        };
        let reasons = self.reasons(found, seen, &label)?;
        if reasons.is_empty() {
            let start = docker().arg("start").arg("--").arg(&self.name);
            let change = self.made(Change::new(Sign::Update, "start").run(start), seen, &label);
            return Ok(if found.running { Plan::new() } else { change.into() });
        }
        let change = self.made(Change::new(Sign::Update, format!("recreate: {}", reasons.join(", "))), seen, &label);
        Ok(change.step(self.replace(found)?).run(self.drop_old()).into())
    }
}

impl Container {
    fn spec(&self) -> Spec<'_> {
        Spec {
            image: self.image.as_deref().unwrap_or_default(),
            ports: &self.ports,
            env: &self.env,
            volumes: &self.volumes,
            networks: &self.networks,
            restart: self.restart.as_deref(),
            command: self.command.as_ref(),
            labels: &self.labels,
            options: &self.options,
        }
    }

    fn reasons(&self, found: &Found, seen: &Seen, label: &str) -> Result<Vec<String>, OpError> {
        let mut reasons = match &found.spec {
            Some(before) => differences(before, label),
            None if self.force => vec!["made by others".to_owned()],
            None => {
                return Err(OpError::refused_with(
                    format!("the container `{}` was not made by rhapsode", self.name),
                    "`force: true` replaces it, with all that is stored inside",
                ));
            }
        };
        let newer = seen.image.as_ref().is_some_and(|image| image.id != found.image_id);
        if newer && !reasons.iter().any(|reason| reason == "image") {
            reasons.push("newer image".into());
        }
        Ok(reasons)
    }

    fn made(&self, change: Change, seen: &Seen, label: &str) -> Change {
        match &seen.image {
            Some(image) => {
                let found = Found { image_id: image.id.clone(), spec: Some(label.to_owned()), running: true };
                change.makes(&self.name, Docker::There(found))
            }
            None => change.makes_unknown::<Docker<Found>>(&self.name, format!("the container `{}`", self.name)),
        }
    }

    /// Where an earlier run, or this one, put the container that is replaced.
    fn old(&self) -> String {
        format!("{}.rhapsode-old", self.name)
    }

    fn drop_old(&self) -> Command {
        docker().arg("rm").arg("-f").arg("--").arg(self.old()).raw(">/dev/null 2>&1 || :")
    }

    fn make(&self) -> Result<Vec<Step>, OpError> {
        let mut steps = Vec::new();
        if self.pull {
            steps.push(Step::Run(docker().arg("pull").arg("--quiet").arg("--").arg(self.spec().image)));
        }
        steps.push(Step::Run(self.spec().create(&self.name)?));
        for network in self.networks.0.iter().skip(1) {
            steps.push(Step::Run(docker().arg("network").arg("connect").arg("--").arg(network).arg(&self.name)));
        }
        steps.push(Step::Run(docker().arg("start").arg("--").arg(&self.name)));
        Ok(steps)
    }

    /// The old one makes way, and comes back when the new one does not start.
    fn replace(&self, found: &Found) -> Result<Step, OpError> {
        let (name, old) = (quote(&self.name), quote(&self.old()));
        let mut steps = vec![Step::Run(Command::script(format!(
            "# docker stop {name}\ndocker rm -f -- {old} >/dev/null 2>&1\ndocker stop -- {name} >/dev/null && docker rename -- {name} {old}"
        )))];
        steps.extend(self.make()?);
        let start = if found.running { format!("docker start -- {name}") } else { String::new() };
        let undo = Command::script(format!(
            "# docker start {name}\ndocker container inspect -- {old} >/dev/null 2>&1 && {{ docker rm -f -- {name} >/dev/null 2>&1\n\
             docker rename -- {old} {name} || exit 1; }}\n{start}"
        ));
        Ok(Step::Guarded { steps, fresh_login: false, undo: vec![Step::Run(undo)] })
    }

    fn remove(&self, seen: &Seen) -> Plan {
        if seen.found.is_none() {
            return Plan::new();
        }
        let stop = docker().arg("stop").arg("--").arg(&self.name);
        let change = Change::new(Sign::Remove, "remove").run(stop);
        let remove = docker().arg("rm").arg("-f").arg("--").arg(&self.name);
        change.run(remove).makes(&self.name, Docker::<Found>::Absent).into()
    }
}

fn env_ok(key: &str, value: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let portable = !key.is_empty() && !key.starts_with(|c: char| c.is_ascii_digit()) && key.chars().all(plain);
    let of_client = ["PATH", "HOME"].contains(&key) || key.starts_with("DOCKER_");
    match value.contains('\n') && (!portable || of_client) {
        _ if key.is_empty() || key.starts_with('#') || key.contains(['=', '\n', ' ']) => {
            Err(format!("argument `env`: {key:?} is no name of a variable"))
        }
        true => Err(format!("argument `env`: `{key}` cannot hold a line break")),
        false => Ok(()),
    }
}
