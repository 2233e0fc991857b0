//! `git::config`: one setting of git.

use crate::event::Sign;
use crate::ops::cmd::Word;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Checkout, GitSetting};
use crate::ops::{Change, OpError, Operation, Plan, View};
use crate::remote::{Command, quote};
use crate::secret::contains_token;
use serde::Deserialize;

/// Keeps a setting of git at a value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    key: String,
    value: Option<Word>,
    scope: Option<String>,
    present: Option<bool>,
}

impl Operation for Config {
    const NAME: &'static str = "git::config";
    const TARGET: &'static str = "key";
    type Seen = GitSetting;

    fn check(&self) -> Result<(), String> {
        let plain = |c: char| !c.is_control() && !c.is_whitespace();
        if !self.key.contains('.') || self.key.starts_with(['-', '.']) || !self.key.chars().all(plain) {
            return Err(format!("argument `key`: {:?} is no setting of git, such as \"user.name\"", self.key));
        }
        if !matches!(self.scope(), "system" | "global") && !self.scope().starts_with('/') {
            return Err(format!("argument `scope`: `{}` is neither \"system\", \"global\" nor a path", self.scope()));
        }
        match (self.present, &self.value) {
            (Some(false), Some(_)) => Err("`present: false` takes no `value`".into()),
            (None | Some(true), None) => Err("argument `value` is missing".into()),
            (_, Some(Word(value))) if contains_token(value) => {
                Err("argument `value`: a secret would stand on a command line".into())
            }
            _ => Ok(()),
        }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let scope = if args.text("scope").is_empty() { "global" } else { args.text("scope") };
        let id = GitSetting::key(scope, args.text("key"));
        let setting = args.kept("git-setting", &id, &["value"]).aspect("key", args.text("key")).aspect("scope", scope);
        vec![setting.reads::<GitSetting>(id)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<GitSetting, OpError> {
        let setting: GitSetting = view.see(&GitSetting::key(self.scope(), &self.key))?;
        match &setting.failed {
            // A new clone has the settings that git makes, and no other.
            Some(_) if self.is_of_planned_clone(view) => Ok(GitSetting::default()),
            Some(_) if view.planned_changes() > 0 => Err(OpError::Unknown("settings of git".into())),
            Some(why) => Err(OpError::refused_with(
                format!("cannot read the settings of git: {why}"),
                "install git before: `pkg::installed(\"git\")`",
            )),
            None => Ok(setting),
        }
    }

    fn plan(&self, seen: &GitSetting) -> Result<Plan, OpError> {
        let before = seen.values.join(", ");
        let Some(Word(value)) = &self.value else {
            let change = Change::new(Sign::Remove, format!("unset {before}"))
                .run(self.git(&format!("--unset-all {}", quote(&self.key))));
            let change = change.makes(GitSetting::key(self.scope(), &self.key), GitSetting::default());
            return Ok(if seen.values.is_empty() { Plan::new() } else { change.into() });
        };
        if seen.values == [value.as_str()] {
            return Ok(Plan::new());
        }
        let (sign, text) = match seen.values.is_empty() {
            true => (Sign::Create, format!("set {value}")),
            false => (Sign::Update, format!("{before} -> {value}")),
        };
        let set = self.git(&format!("--replace-all {} {}", quote(&self.key), quote(value)));
        let state = GitSetting { values: vec![value.clone()], failed: None };
        Ok(Change::new(sign, text).run(set).makes(GitSetting::key(self.scope(), &self.key), state).into())
    }
}

impl Config {
    fn scope(&self) -> &str {
        self.scope.as_deref().unwrap_or("global")
    }

    fn is_of_planned_clone(&self, view: &View<'_>) -> bool {
        let own = ["core.", "remote.", "branch.", "submodule.", "init.", "extensions."];
        let is_free = !own.iter().any(|section| self.key.to_ascii_lowercase().starts_with(section));
        is_free && view.foreseen::<Checkout>(self.scope()) == Some(true)
    }

    fn git(&self, words: &str) -> Command {
        match self.scope() {
            scope @ ("system" | "global") => Command::script(format!("git config --{scope} {words}")),
            path => Command::script(format!(
                "{}export d={}\nas \"$(stat -c %U -- \"$d\")\" {}",
                include_str!("as.sh"),
                quote(path),
                quote(&format!("git -C \"$d\" config --local {words}"))
            )),
        }
    }
}
