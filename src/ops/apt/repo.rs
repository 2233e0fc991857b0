//! `apt::repo`

use super::check_file_name;
use crate::ops::args::{Many, absolute};
use crate::ops::file::{SmallFile, Whole};
use crate::ops::managed::{Args, Managed};
use crate::ops::pkg::{environment, update_script};
use crate::ops::resource::Path;
use crate::ops::resource::apt_index::AptIndex;
use crate::ops::{Change, OpError, Operation, Plan, Step, View};
use crate::remote::Command;
use serde::Deserialize;
use std::time::Duration;

/// Keeps a repository of apt, and its package lists up to date with its description.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repo {
    name: String,
    line: Option<String>,
    uris: Option<Many>,
    suites: Option<Many>,
    components: Option<Many>,
    types: Option<Many>,
    architectures: Option<Many>,
    signed_by: Option<String>,
    trusted: Option<bool>,
    present: Option<bool>,
    update: Option<bool>,
    lock_wait: Option<u64>,
}

/// The file of either form.
pub struct Seen {
    sources: SmallFile,
    list: SmallFile,
}

const FOLDER: &str = "/etc/apt/sources.list.d";

impl Repo {
    fn sources_path(&self) -> String {
        format!("{FOLDER}/{}.sources", self.name.trim_end_matches(".sources"))
    }

    fn list_path(&self) -> String {
        format!("{FOLDER}/{}.list", self.name.trim_end_matches(".list"))
    }

    fn is_present(&self) -> bool {
        self.present.unwrap_or(true)
    }

    /// Spec: sources.list(5), "DEB822-STYLE FORMAT".
    fn deb822(&self) -> String {
        let mut text = String::new();
        let mut field = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                text.push_str(&format!("{name}: {value}\n"));
            }
        };
        let words = |many: &Option<Many>| many.as_ref().map(|many| many.0.join(" "));
        field("Types", words(&self.types).or(Some("deb".into())));
        field("URIs", words(&self.uris));
        field("Suites", words(&self.suites));
        field("Components", words(&self.components));
        field("Architectures", words(&self.architectures));
        field("Signed-By", self.signed_by.clone());
        field("Trusted", self.trusted.map(|trusted| if trusted { "yes" } else { "no" }.into()));
        text
    }

    /// A repository that cannot be read would make every later update fail: then its file goes again.
    fn guarded(&self, files: Vec<Change>, seen: &Seen) -> Plan {
        let lock_wait = self.lock_wait.unwrap_or(60);
        let update = environment(Command::script(update_script(lock_wait, true)));
        let update = update.timeout(Duration::from_secs(lock_wait.saturating_add(600)));
        let undo = vec![seen.sources.undo(), seen.list.undo()];
        let mut changes = files;
        let mut steps: Vec<Step> = changes.iter_mut().flat_map(|change| std::mem::take(&mut change.steps)).collect();
        if self.update.unwrap_or(true) {
            steps.push(Step::Run(update));
            steps = vec![Step::Guarded { steps, fresh_login: false, undo }];
        }
        if let Some(last) = changes.pop() {
            let last = Change { steps, ..last };
            changes.push(last.makes_unknown::<AptIndex>(AptIndex::KEY, "the repositories change before"));
        }
        Plan::of(changes)
    }
}

impl Operation for Repo {
    const NAME: &'static str = "apt::repo";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        check_file_name(&self.name)?;
        let many = [&self.uris, &self.suites, &self.components, &self.types, &self.architectures];
        let words = many.iter().filter_map(|many| many.as_ref()).flat_map(|many| &many.0);
        if let Some(word) =
            words.chain(&self.signed_by).find(|word| word.is_empty() || word.contains(char::is_whitespace))
        {
            return Err(format!("`{word}` must be one word"));
        }
        if let Some(path) = &self.signed_by {
            absolute("signed_by", path)?;
        }
        let described = many.iter().any(|many| many.is_some()) || self.signed_by.is_some() || self.trusted.is_some();
        match (&self.line, &self.uris, &self.suites) {
            _ if !self.is_present() => Ok(()),
            (Some(_), ..) if described => Err("argument `line` says everything: leave the others out".into()),
            (Some(line), ..) if line.contains('\n') || !line.starts_with("deb") => {
                Err("argument `line` must be one line that begins with `deb`".into())
            }
            (Some(_), ..) => Ok(()),
            (None, Some(_), Some(suites)) => {
                let flat = suites.0.iter().all(|suite| suite.ends_with('/'));
                match (flat, &self.components) {
                    (true, Some(_)) => {
                        Err("argument `components`: a flat repository (`suites` ends in `/`) has none".into())
                    }
                    (false, None) => Err("argument `components` is missing: such as \"main\"".into()),
                    _ => Ok(()),
                }
            }
            _ => Err("give `uris` and `suites`, or `line`".into()),
        }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let ending = if args.text("line").is_empty() { "sources" } else { "list" };
        let stem = args.text("name").trim_end_matches(".sources").trim_end_matches(".list");
        let path = format!("{FOLDER}/{stem}.{ending}");
        let fields = ["line", "uris", "suites", "components", "types", "architectures", "signed_by", "trusted"];
        vec![args.kept("apt-repo", args.text("name"), &fields).reads::<Path>(&path).within_file(&path)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let files = SmallFile::see_all(view, &[self.sources_path(), self.list_path()])?;
        let [sources, list] = files.try_into().expect("two states for two paths");
        Ok(Seen { sources, list })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let (sources, list) = (&seen.sources, &seen.list);
        let changes = match (&self.line, self.is_present()) {
            (_, false) => [sources.remove()?, list.remove()?],
            (Some(line), true) => [sources.remove()?, list.ensure(&Whole::of_root(format!("{line}\n"), 0o644))?],
            (None, true) => [list.remove()?, sources.ensure(&Whole::of_root(self.deb822(), 0o644))?],
        };
        let files: Vec<Change> = changes.into_iter().flatten().collect();
        Ok(if files.is_empty() { Plan::new() } else { self.guarded(files, seen) })
    }
}
