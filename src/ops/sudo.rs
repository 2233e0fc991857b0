//! `sudo::rule`: one drop-in of /etc/sudoers.d a rule.

use super::args::Many;
use super::resource::Managed;
use super::{Change, OpError, Operation, Plan, Step, View};
use crate::event::Sign;
use crate::remote::Command;
use serde::Deserialize;

/// Keeps one rule of sudoers(5).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    name: String,
    #[serde(default)]
    who: Many,
    #[serde(default)]
    run_as: Many,
    #[serde(default)]
    commands: Many,
    #[serde(default)]
    nopasswd: bool,
    present: Option<bool>,
}

impl Operation for Rule {
    const NAME: &'static str = "sudo::rule";
    type Seen = Managed;

    fn check(&self) -> Result<(), String> {
        // sudo skips such files without a word: sudoers(5), "@includedir".
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_@+".contains(c);
        if self.name.is_empty() || !self.name.chars().all(plain) {
            return Err(format!(
                "argument `name`: sudo reads no drop-in named {:?}: use letters, digits, - and _",
                self.name
            ));
        }
        if self.present == Some(false) {
            return Ok(());
        }
        for (argument, many) in [("who", &self.who), ("commands", &self.commands)] {
            if many.0.is_empty() {
                return Err(format!("argument `{argument}` is missing; \"ALL\" stands for any"));
            }
        }
        let all = self.who.0.iter().chain(&self.run_as.0).chain(&self.commands.0);
        match all.clone().find(|text| text.trim().is_empty() || text.contains(|c: char| c.is_control())) {
            Some(odd) => Err(format!("{odd:?} must not be empty or hold a line break")),
            None => Ok(()),
        }
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Managed, OpError> {
        view.see(&self.path())
    }

    fn plan(&self, seen: &Managed) -> Result<Plan, OpError> {
        if self.present == Some(false) {
            let change = Change::new(Sign::Remove, "remove").diff(seen.text(), "");
            let remove = Command::new("rm").arg("-f").arg("--").arg(self.path());
            let change = change.run(remove).makes(self.path(), Managed::default());
            return Ok(if seen.exists { change.into() } else { Plan::new() });
        }
        let wanted = Managed::new(self.text(), 0o440, "root", "root");
        if *seen == wanted {
            return Ok(Plan::new());
        }
        let change = match seen.exists {
            false => Change::new(Sign::Create, "create"),
            true if seen.content == wanted.content => Change::new(Sign::Update, "mode and owner"),
            true => Change::new(Sign::Update, "rule"),
        };
        let mut write = wanted.write(&self.path());
        write.validate = Some("visudo -cf %s".into());
        let change = change.diff(seen.text(), wanted.text()).step(Step::Write(write));
        Ok(change.makes(self.path(), wanted).into())
    }
}

impl Rule {
    fn path(&self) -> String {
        format!("/etc/sudoers.d/{}", self.name)
    }

    fn text(&self) -> String {
        let run_as = if self.run_as.0.is_empty() { "ALL".to_owned() } else { self.run_as.0.join(", ") };
        let tag = if self.nopasswd { "NOPASSWD: " } else { "" };
        format!("{} ALL=({run_as}) {tag}{}\n", self.who.0.join(", "), self.commands.0.join(", "))
    }
}
