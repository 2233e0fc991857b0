//! `systemd::unit`

use super::FOLDER;
use super::ini::{self, Sections};
use super::state::Wanted;
use crate::ops::args::Content;
use crate::ops::file::{SmallFile, Whole};
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::Path;
use crate::ops::resource::unit::{Unit, key};
use crate::ops::resource::{Key, State};
use crate::ops::service::check_unit;
use crate::ops::{Change, Effect, OpError, Operation, Plan, Step, View};
use crate::remote::quote;
use serde::Deserialize;

/// Keeps a unit file, or a drop-in of a unit, and the unit enabled and running.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitFile {
    name: String,
    content: Option<Content>,
    sections: Option<Sections>,
    dropin: Option<String>,
    present: Option<bool>,
    enabled: Option<bool>,
    running: Option<bool>,
    #[serde(default)]
    restart: bool,
    #[serde(default)]
    verify: bool,
}

/// The file and, where asked for, its unit.
pub struct Seen {
    file: SmallFile,
    unit: Option<Unit>,
    /// What a plan predicted of the unit before, where nobody asks for it.
    foreseen: Option<Unit>,
}

impl Seen {
    /// A file that changes does not change what the unit was predicted to do.
    fn still(&self, mut plan: Plan, unit: &str) -> Plan {
        let last = plan.changes.last_mut();
        if let (Some(last), Some(foreseen)) = (last, &self.foreseen) {
            let unit_after = Unit { needs_reload: false, ..foreseen.clone() };
            last.effects.push(Effect::Becomes(Key::of::<Unit>(unit), State::new(unit_after)));
        }
        plan
    }
}

impl UnitFile {
    fn unit(&self) -> String {
        key(None, &self.name)
    }

    fn path(&self) -> String {
        match &self.dropin {
            Some(dropin) => format!("{FOLDER}/{}.d/{}.conf", self.unit(), dropin.trim_end_matches(".conf")),
            None => format!("{FOLDER}/{}", self.unit()),
        }
    }

    fn is_present(&self) -> bool {
        self.present.unwrap_or(true)
    }

    fn text(&self) -> Result<String, String> {
        match (&self.content, &self.sections) {
            (Some(content), None) => {
                let text = content.text().ok_or("argument `content` must be a text")?;
                Ok(if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") })
            }
            (None, Some(sections)) => ini::text(sections),
            _ => Err("one of the arguments `content` and `sections` must be given".into()),
        }
    }

    /// Without `present`, a unit that is gone needs to be stopped and disabled before its file goes.
    fn wanted<'a>(&self, unit: &'a str) -> Wanted<'a> {
        let gone = !self.is_present() && self.dropin.is_none();
        let off = gone.then_some(false);
        Wanted { name: unit, enabled: self.enabled.or(off), running: self.running.or(off) }
    }

    /// systemd-analyze(1) wants the name of the unit, which the temp file does not have.
    fn verified(&self, change: Change) -> Change {
        if !self.verify || self.dropin.is_some() {
            return change;
        }
        let script = "command -v systemd-analyze >/dev/null || exit 0; d=$(mktemp -d) || exit 1; cp \"$1\" \"$d/$2\"; \
                      systemd-analyze verify --recursive-errors=no --man=no \"$d/$2\"; r=$?; rm -rf \"$d\"; exit $r";
        let validate = format!("sh -c {} sh %s {}", quote(script), quote(&self.unit()));
        let steps = change.steps.into_iter().map(|step| match step {
            Step::Write(write) => Step::Write(crate::ops::FileWrite { validate: Some(validate.clone()), ..write }),
            other => other,
        });
        Change { steps: steps.collect(), ..change }
    }

    fn removal(&self, seen: &Seen, unit: &str) -> Result<Plan, OpError> {
        let Some(removal) = seen.file.remove()? else { return Ok(Plan::new()) };
        if self.dropin.is_some() {
            return self.wanted(unit).follow(vec![removal], seen.unit.as_ref(), self.restart);
        }
        let mut plan = match &seen.unit {
            Some(seen) => self.wanted(unit).follow(Vec::new(), Some(seen), false)?,
            None => Plan::new(),
        };
        let idle = Wanted { name: unit, enabled: None, running: None };
        plan.changes.extend(idle.follow(vec![removal], None, false)?.changes);
        Ok(plan)
    }
}

impl Operation for UnitFile {
    const NAME: &'static str = "systemd::unit";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        check_unit(&self.name)?;
        if let Some(dropin) = &self.dropin {
            check_unit(dropin).map_err(|_| format!("argument `dropin`: `{dropin}` is no file name"))?;
        }
        if self.unit().contains("@.") && (self.enabled.is_some() || self.running.is_some()) {
            return Err("a template is neither enabled nor running: use service::running() on an instance".into());
        }
        if self.is_present() { self.text().map(|_| ()) } else { Ok(()) }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let unit = key(None, args.text("name"));
        let path = match args.text("dropin").trim_end_matches(".conf") {
            "" => format!("{FOLDER}/{unit}"),
            dropin => format!("{FOLDER}/{unit}.d/{dropin}.conf"),
        };
        let file = args.kept("unit-file", &path, &["sections"]).content(args);
        let mut things = vec![file.aspect("unit", unit.as_str()).reads::<Path>(&path).within_file(&path)];
        if args.is_present() && (args.flag("enabled").is_some() || args.flag("running").is_some()) {
            things.push(args.thing("unit", &unit).takes(args, &["enabled", "running"]).reads::<Unit>(unit));
        }
        things
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let file = SmallFile::see(view, &self.path())?;
        let unit = self.unit();
        let wanted = self.wanted(&unit);
        let seen = match self.is_present() {
            false if file.is_absent() => None,
            _ if unit.contains("@.") => None,
            _ => wanted.see(view, file.is_absent() && self.dropin.is_none(), self.restart)?,
        };
        let foreseen = match view.foreseen::<Unit>(&unit) {
            Some(true) if seen.is_none() => view.see(&unit).ok(),
            _ => None,
        };
        Ok(Seen { file, unit: seen, foreseen })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let unit = self.unit();
        if !self.is_present() {
            return self.removal(seen, &unit);
        }
        let text = self.text().map_err(OpError::refused)?;
        let file = seen.file.ensure(&Whole::of_root(text, 0o644))?.map(|change| self.verified(change));
        let plan = self.wanted(&unit).follow(file.into_iter().collect(), seen.unit.as_ref(), self.restart)?;
        Ok(seen.still(plan, &unit))
    }
}
