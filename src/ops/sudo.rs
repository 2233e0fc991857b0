//! `sudo::rule`: one drop-in of /etc/sudoers.d a rule.

use super::args::Many;
use super::file::{Difference, SmallFile, Whole};
use super::{Change, FileWrite, OpError, Operation, Plan, Step, View};
use crate::event::Sign;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::Path;
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
    type Seen = SmallFile;

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

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let path = format!("/etc/sudoers.d/{}", args.text("name"));
        let rule = args.kept("sudo-rule", args.text("name"), &["who", "run_as", "commands", "nopasswd"]);
        vec![rule.reads::<Path>(&path).within_file(&path)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<SmallFile, OpError> {
        SmallFile::see(view, &self.path())
    }

    fn plan(&self, seen: &SmallFile) -> Result<Plan, OpError> {
        if self.present == Some(false) {
            let change = seen.remove()?.map(|change| Change { text: "remove".into(), ..change });
            return Ok(Plan::of(change));
        }
        let wanted = Whole::new(self.text(), 0o440, "root", "root");
        let change = match seen.difference(&wanted)? {
            None => return Ok(Plan::new()),
            Some(Difference::Missing) => Change::new(Sign::Create, "create"),
            Some(Difference::Attribute(_)) => Change::new(Sign::Update, "mode and owner"),
            Some(Difference::Content) => Change::new(Sign::Update, "rule"),
        };
        let write = FileWrite { validate: Some("visudo -cf %s".into()), ..seen.write(&wanted) };
        // visudo(8) only looks at the new file.
        Ok(seen.noted(change, &wanted)?.step(Step::Write(write)).touching([seen.path()]).into())
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
