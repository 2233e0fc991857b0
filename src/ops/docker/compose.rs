//! `docker::compose`: a project as its files describe it.

use super::draft::Draft;
use super::project::{Member, Project};
use super::spec::Texts;
use super::{docker, see};
use crate::event::Sign;
use crate::ops::args::{Many, absolute};
use crate::ops::cmd::Word;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::Image;
use crate::ops::{Change, OpError, Operation, Plan, View};
use crate::remote::{Command, quote};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Keeps a compose project up, or down.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compose {
    project: String,
    dir: Option<String>,
    #[serde(default)]
    files: Many,
    #[serde(default)]
    env: Texts,
    #[serde(default)]
    pull: bool,
    #[serde(default)]
    build: bool,
    #[serde(default)]
    remove_orphans: bool,
    present: Option<bool>,
}

/// The project, and what its files ask for.
pub struct Seen {
    project: Project,
    /// Hash of the configuration of each service.
    wanted: BTreeMap<String, String>,
    /// Ids that the images have now.
    images: BTreeMap<String, String>,
}

impl Operation for Compose {
    const NAME: &'static str = "docker::compose";
    const TARGET: &'static str = "project";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if !self.project.starts_with(first) || !self.project.chars().all(plain) {
            return Err(format!(
                "argument `project`: {:?} is no name of a project: lower-case letters, digits, `_` and `-`",
                self.project
            ));
        }
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if let Some(odd) = self.env.keys().find(|key| key.is_empty() || !key.chars().all(name)) {
            return Err(format!("argument `env`: {odd:?} is no name of a variable"));
        }
        match &self.dir {
            Some(dir) => absolute("dir", dir),
            None if self.present == Some(false) => Ok(()),
            None if self.files.0.is_empty() => Err("argument `dir` is missing: the folder of the compose file".into()),
            None => self.files.0.iter().try_for_each(|file| absolute("files", file)),
        }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let name = args.text("project");
        vec![args.kept("compose", name, &["dir", "files", "env"]).reads::<Project>(name)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let project: Project = match view.see(&self.project) {
            // The engine itself may be among the planned changes.
            Err(OpError::Refused { .. }) if view.planned_changes() > 0 => {
                return Err(OpError::Unknown(format!("the compose project `{}`", self.project)));
            }
            project => project?,
        };
        let mut seen = Seen { project, wanted: BTreeMap::new(), images: BTreeMap::new() };
        if self.present == Some(false) {
            return Ok(seen);
        }
        seen.wanted = self.hashes(view)?;
        for member in &seen.project.members {
            if !seen.images.contains_key(&member.image) {
                let image = see::<Image>(view, &member.image)?;
                seen.images.extend(image.map(|image| (member.image.clone(), image.id)));
            }
        }
        Ok(seen)
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        if self.present == Some(false) {
            return Ok(self.down(&seen.project));
        }
        let mut changes: Vec<Change> =
            seen.wanted.iter().filter_map(|(service, hash)| self.difference(seen, service, hash)).collect();
        let mut orphans: Vec<&Member> =
            seen.project.members.iter().filter(|member| !seen.wanted.contains_key(&member.service)).collect();
        orphans.sort_by(|a, b| a.service.cmp(&b.service));
        if self.remove_orphans {
            changes
                .extend(orphans.iter().map(|member| Change::new(Sign::Remove, format!("service {}", member.service))));
        }
        // One command does it all; the last line of the plan carries it.
        if let Some(last) = changes.pop() {
            let why = format!("the compose project `{}`", self.project);
            changes.push(last.run(self.up()).makes_unknown::<Project>(&self.project, why));
        }
        Ok(Plan { changes, ..Plan::default() })
    }
}

/// Sets `c` to the compose command and enters the folder.
const FIND: &str = "if docker compose version >/dev/null 2>&1; then c='docker compose'
elif command -v docker-compose >/dev/null; then c=docker-compose
else echo 'neither `docker compose` nor `docker-compose` is installed' >&2; exit 127; fi
";

impl Compose {
    fn command(&self, verb: &str) -> Command {
        let first = self.files.0.first().and_then(|file| file.rsplit_once('/')).map_or("/", |(dir, _)| dir);
        let dir = self.dir.as_deref().unwrap_or(first);
        let files: String = self.files.0.iter().map(|file| format!(" -f {}", quote(file))).collect();
        let head = format!("# docker compose -p {} {}\n", self.project, verb.lines().next().unwrap_or_default());
        let enter = format!("cd -- {} || exit 1\nset -- -p {}{files}\n", quote(dir), self.project);
        let command = Command::script(format!("{head}{FIND}{enter}{verb}"));
        self.with_env(command)
    }

    fn with_env(&self, command: Command) -> Command {
        self.env.iter().fold(command, |command, (key, Word(value))| command.env(key, value))
    }

    fn hashes(&self, view: &mut View<'_>) -> Result<BTreeMap<String, String>, OpError> {
        let draft = Draft::of(self.dir.as_deref(), &self.files.0, view)?;
        let command = match &draft {
            Some(draft) => self.with_env(draft.command(&self.project, FIND)),
            None => self.command("$c \"$@\" config --hash '*'"),
        };
        let output = view.read(&command)?;
        if !output.ok() && view.planned_changes() > 0 {
            // The engine itself may be among the planned changes, or a file that these name.
            return Err(OpError::Unknown(format!("the compose project `{}`", self.project)));
        }
        if !output.ok() {
            return Err(OpError::command(&command, &output));
        }
        let text = output.text();
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Ok(pairs.map(|(service, hash)| (service.to_owned(), hash.trim().to_owned())).collect())
    }

    fn difference(&self, seen: &Seen, service: &str, hash: &str) -> Option<Change> {
        let members: Vec<&Member> = seen.project.members.iter().filter(|member| member.service == service).collect();
        let outdated = |member: &&Member| seen.images.get(&member.image).is_some_and(|id| *id != member.image_id);
        if members.is_empty() {
            return Some(Change::new(Sign::Create, format!("service {service}")));
        }
        if members.iter().any(outdated) {
            return Some(Change::new(Sign::Update, format!("service {service}: newer image")));
        }
        if members.iter().any(|member| member.hash != hash) {
            return Some(Change::new(Sign::Update, format!("service {service}: configuration")));
        }
        let stopped = members.iter().any(|member| !member.settled);
        stopped.then(|| Change::new(Sign::Update, format!("service {service}: start")))
    }

    fn up(&self) -> Command {
        let pull = if self.pull { "$c \"$@\" pull -q || exit\n" } else { "" };
        let build = if self.build { " --build" } else { "" };
        let orphans = if self.remove_orphans { " --remove-orphans" } else { "" };
        self.command(&format!("{pull}$c \"$@\" up -d --quiet-pull{build}{orphans}"))
    }

    /// By labels, so that it works when the files are gone. Volumes stay: they hold data.
    fn down(&self, project: &Project) -> Plan {
        if project.members.is_empty() && project.networks.is_empty() {
            return Plan::new();
        }
        let mut services: Vec<&str> = project.members.iter().map(|member| member.service.as_str()).collect();
        services.sort_unstable();
        services.dedup();
        let text =
            if services.is_empty() { "remove networks".into() } else { format!("remove {}", services.join(", ")) };
        let ids: Vec<&String> = project.members.iter().map(|member| &member.id).collect();
        let mut change = Change::new(Sign::Remove, text);
        if !ids.is_empty() {
            change = change.run(docker().arg("stop").args(&ids)).run(docker().arg("rm").arg("-f").args(&ids));
        }
        if !project.networks.is_empty() {
            change = change.run(docker().arg("network").arg("rm").args(&project.networks));
        }
        change.makes(&self.project, Project::default()).into()
    }
}
