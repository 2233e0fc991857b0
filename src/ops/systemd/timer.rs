//! `systemd::timer`

use super::FOLDER;
use super::ini::{self, Sections};
use super::state::Wanted;
use crate::ops::args::Many;
use crate::ops::file::{SmallFile, Whole};
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::Path;
use crate::ops::resource::unit::Unit;
use crate::ops::service::check_unit;
use crate::ops::{OpError, Operation, Plan, View};
use serde::Deserialize;
use serde_json::{Value, json};

/// Keeps a timer and the service that it starts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timer {
    name: String,
    on_calendar: Option<Many>,
    on_boot: Option<String>,
    on_active: Option<String>,
    on_unit_active: Option<String>,
    on_unit_inactive: Option<String>,
    random_delay: Option<String>,
    accuracy: Option<String>,
    persistent: Option<bool>,
    description: Option<String>,
    command: Option<String>,
    user: Option<String>,
    service: Option<Sections>,
    unit: Option<String>,
    present: Option<bool>,
    enabled: Option<bool>,
    running: Option<bool>,
}

/// Both files, and the timer where it is asked for.
pub struct Seen {
    timer: SmallFile,
    service: SmallFile,
    unit: Option<Unit>,
}

impl Timer {
    fn stem(&self) -> &str {
        self.name.strip_suffix(".timer").unwrap_or(&self.name)
    }

    fn unit_name(&self) -> String {
        format!("{}.timer", self.stem())
    }

    fn timer_path(&self) -> String {
        format!("{FOLDER}/{}.timer", self.stem())
    }

    fn service_path(&self) -> String {
        format!("{FOLDER}/{}.service", self.stem())
    }

    fn is_present(&self) -> bool {
        self.present.unwrap_or(true)
    }

    fn wanted<'a>(&self, unit: &'a str) -> Wanted<'a> {
        let on = self.is_present();
        Wanted {
            name: unit,
            enabled: Some(on && self.enabled.unwrap_or(true)),
            running: Some(on && self.running.unwrap_or(true)),
        }
    }

    fn description(&self) -> String {
        self.description.clone().unwrap_or_else(|| self.stem().to_owned())
    }

    /// Spec: systemd.timer(5).
    fn timer_text(&self) -> Result<String, String> {
        let mut settings = serde_json::Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                settings.insert(key.to_owned(), value);
            }
        };
        set("OnCalendar", self.on_calendar.as_ref().map(|many| json!(many.0)));
        set("OnBootSec", self.on_boot.as_ref().map(|text| json!(text)));
        set("OnActiveSec", self.on_active.as_ref().map(|text| json!(text)));
        set("OnUnitActiveSec", self.on_unit_active.as_ref().map(|text| json!(text)));
        set("OnUnitInactiveSec", self.on_unit_inactive.as_ref().map(|text| json!(text)));
        set("RandomizedDelaySec", self.random_delay.as_ref().map(|text| json!(text)));
        set("AccuracySec", self.accuracy.as_ref().map(|text| json!(text)));
        set("Persistent", self.persistent.map(|on| json!(on)));
        set("Unit", self.unit.as_ref().map(|text| json!(text)));
        sections(json!({
            "Unit": {"Description": self.description()},
            "Timer": settings,
            "Install": {"WantedBy": "timers.target"},
        }))
    }

    /// Nothing when the timer starts a unit that others keep.
    fn service_text(&self) -> Result<Option<String>, String> {
        match (&self.command, &self.service, &self.unit) {
            (Some(command), None, None) => {
                let mut service = json!({"Type": "oneshot", "ExecStart": command});
                if let Some(user) = &self.user {
                    service["User"] = json!(user);
                }
                sections(json!({"Unit": {"Description": self.description()}, "Service": service})).map(Some)
            }
            (None, Some(service), None) => ini::text(service).map(Some),
            (None, None, Some(_)) => Ok(None),
            _ => Err("one of the arguments `command`, `service` and `unit` must be given".into()),
        }
    }
}

fn sections(value: Value) -> Result<String, String> {
    ini::text(&serde_json::from_value(value).expect("maps of maps"))
}

impl Operation for Timer {
    const NAME: &'static str = "systemd::timer";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        check_unit(self.stem())?;
        if !self.is_present() {
            return Ok(());
        }
        if self.user.is_some() && self.command.is_none() {
            return Err("argument `user` goes with `command`; write `User` into `service` yourself".into());
        }
        let times = [&self.on_boot, &self.on_active, &self.on_unit_active, &self.on_unit_inactive];
        if self.on_calendar.is_none() && times.iter().all(|time| time.is_none()) {
            return Err("one of `on_calendar`, `on_boot`, `on_active`, `on_unit_active`, `on_unit_inactive` \
                        must say when"
                .into());
        }
        self.timer_text()?;
        self.service_text().map(|_| ())
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let stem = args.text("name").trim_end_matches(".timer");
        let (unit, service) = (format!("{stem}.timer"), format!("{stem}.service"));
        let file = |unit: &str, names: &[&str]| {
            let path = format!("{FOLDER}/{unit}");
            args.kept("unit-file", &path, names).aspect("unit", unit).reads::<Path>(&path).within_file(&path)
        };
        let when = ["on_calendar", "on_boot", "on_active", "on_unit_active", "on_unit_inactive", "unit", "persistent"];
        let mut things = vec![file(&unit, &when)];
        if args.text("unit").is_empty() {
            things.insert(0, file(&service, &["command", "user", "service"]));
        }
        if args.is_present() {
            let on = |name| args.flag(name).unwrap_or(true);
            let timer = args.thing("unit", &unit).aspect("enabled", on("enabled")).aspect("running", on("running"));
            things.push(timer.reads::<Unit>(unit));
        }
        things
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let files = SmallFile::see_all(view, &[self.timer_path(), self.service_path()])?;
        let [timer, service] = files.try_into().expect("two states for two paths");
        let name = self.unit_name();
        let unit = match self.is_present() {
            false if timer.is_absent() => None,
            _ => self.wanted(&name).see(view, timer.is_absent(), false)?,
        };
        Ok(Seen { timer, service, unit })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let name = self.unit_name();
        let wanted = self.wanted(&name);
        if !self.is_present() {
            let mut plan = match &seen.unit {
                Some(unit) => wanted.follow(Vec::new(), Some(unit), false)?,
                None => Plan::new(),
            };
            let mut files: Vec<_> = seen.timer.remove()?.into_iter().collect();
            if self.unit.is_none() {
                files.extend(seen.service.remove()?);
            }
            let idle = Wanted { enabled: None, running: None, ..wanted };
            plan.changes.extend(idle.follow(files, None, false)?.changes);
            return Ok(plan);
        }
        let mut files = Vec::new();
        if let Some(text) = self.service_text().map_err(OpError::refused)? {
            files.extend(seen.service.ensure(&Whole::of_root(text, 0o644))?);
        }
        let text = self.timer_text().map_err(OpError::refused)?;
        let timer = seen.timer.ensure(&Whole::of_root(text, 0o644))?;
        let restart = timer.is_some();
        files.extend(timer);
        wanted.follow(files, seen.unit.as_ref(), restart)
    }
}
