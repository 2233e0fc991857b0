//! The service that an operation is about.

use super::commands::{Action, Manager};
use crate::event::Sign;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::Contents;
use crate::ops::resource::unit::{Enablement, Init, Unit, key};
use crate::ops::{Change, Effect, OpError, Resource, View};

/// A service by name, perhaps of a user, perhaps under a given init.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// As the playbook names it.
    pub name: &'a str,
    /// Whose service manager.
    pub user: Option<&'a str>,
    /// The only init it may be under.
    pub init: Option<Init>,
}

/// The unit that a call is about.
pub fn managed(args: &Args<'_>) -> Managed {
    let user = Some(args.text("user")).filter(|user| !user.is_empty());
    let id = key(user, args.text("name"));
    args.thing("unit", &id).takes(args, &["user", "init"]).reads::<Unit>(id)
}

/// Refuses what is no unit name.
///
/// Spec: systemd.unit(5): at most 255 letters, digits and `:-_.\@`.
pub fn check_unit(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    if name.is_empty() || name.len() > 255 || name.starts_with('-') || !name.chars().all(plain) {
        return Err(format!("argument `name`: `{name}` is no unit name"));
    }
    Ok(())
}

impl Target<'_> {
    /// Refuses what cannot be acted on before a host is asked.
    pub fn check(&self) -> Result<(), String> {
        check_unit(self.name)?;
        if self.name.contains("@.") || self.name.ends_with('@') {
            return Err(format!(
                "argument `name`: `{}` is a template: name an instance, `x@instance.service`",
                self.name
            ));
        }
        match (self.user, self.init) {
            (Some(_), Some(Init::Openrc)) => Err("argument `user`: OpenRC has no services of users".into()),
            (Some(user), _) if user.is_empty() || user.starts_with('-') || user.contains(['/', '\n']) => {
                Err(format!("argument `user`: `{user}` is no user name"))
            }
            _ => Ok(()),
        }
    }

    /// The key of its state.
    pub fn key(&self) -> String {
        key(self.user, self.name)
    }

    /// Its state.
    ///
    /// # Errors
    /// [`OpError::Refused`] when there is none; [`OpError::Unknown`] when a planned package may bring it.
    pub fn see(&self, view: &mut View<'_>) -> Result<Unit, OpError> {
        let unit = self.see_any(view)?;
        match unit.loaded {
            true => Ok(unit),
            false => Err(OpError::refused_with(
                format!("no unit `{}` on this host", self.key()),
                "install its package before, or write it with systemd::unit()",
            )),
        }
    }

    /// Its state, though there may be none.
    pub fn see_any(&self, view: &mut View<'_>) -> Result<Unit, OpError> {
        let unit = view.see::<Unit>(&self.key()).map_err(|error| self.explain(error))?;
        let unit = match self.planned_file(view) {
            Some((at, path)) => self.with_file(view, unit, at, &path)?,
            None => unit,
        };
        match self.init {
            Some(init) if init != unit.init => Err(OpError::refused(format!(
                "argument `init`: this host runs {}, not {}",
                unit.init.as_str(),
                init.as_str()
            ))),
            _ => Ok(unit),
        }
    }

    /// A unit file that a plan puts in place by other means than systemd::unit(), or a drop-in of it, and when.
    fn planned_file(&self, view: &View<'_>) -> Option<(usize, String)> {
        let key = self.key();
        let unit = key.rsplit('/').next().unwrap_or_default();
        let script = format!("/etc/init.d/{}", unit.trim_end_matches(".service"));
        let files = ["/etc", "/usr/lib", "/lib", "/usr/local/lib"].map(|root| format!("{root}/systemd/system/{unit}"));
        let mut found = String::new();
        let at = view.planned_at(|planned| {
            let is_file = |file: &String| planned.id == *file || planned.id.starts_with(&format!("{file}.d/"));
            let is_its = planned.kind == "path" && (planned.id == script || files.iter().any(is_file));
            if is_its && found.len() < planned.id.len() {
                found.clone_from(&planned.id);
            }
            is_its
        })?;
        // What systemd::unit() and actions on the unit predict is newer than the file.
        let predicted = view.planned_at(|planned| planned.kind == Unit::KIND && planned.id == key);
        (predicted.is_none_or(|predicted| predicted < at)).then_some((at, found))
    }

    /// The unit as it is with a file that a plan puts in place.
    fn with_file(&self, view: &mut View<'_>, unit: Unit, at: usize, path: &str) -> Result<Unit, OpError> {
        let reloaded = view.planned_at(|key| *key == super::commands::reloaded());
        // A unit that neither runs nor is wanted by another one is read when it is asked for.
        let is_in_memory = unit.loaded && (unit.running || unit.enablement == Enablement::Enabled);
        let needs_reload = is_in_memory && reloaded.is_none_or(|reloaded| reloaded < at);
        let is_new = !unit.loaded || unit.enablement == Enablement::Fixed;
        let enablement = match unit.init {
            Init::Systemd if is_new && !path.contains(".d/") => match view.see::<Contents>(path)? {
                Contents::Bytes(text) | Contents::Planned(text) => installable(&String::from_utf8_lossy(&text)),
                _ => unit.enablement,
            },
            Init::Openrc if is_new => Enablement::Disabled,
            _ => unit.enablement,
        };
        Ok(Unit { needs_reload, loaded: true, enablement, ..unit })
    }

    /// The manager of a user lives only while the user is logged in or lingers.
    fn explain(&self, error: OpError) -> OpError {
        match (self.user, error) {
            (Some(user), OpError::Command { stderr, .. }) => OpError::refused_with(
                format!("cannot reach the service manager of `{user}`: {stderr}"),
                format!("`loginctl enable-linger {user}` starts it at boot"),
            ),
            (_, error) => error,
        }
    }

    /// Who is told, given what was seen.
    pub fn manager(&self, unit: &Unit) -> Manager<'_> {
        Manager { init: unit.init, user: self.user }
    }

    /// One change that an action makes.
    pub fn act(&self, action: Action, unit: &Unit, after: Unit) -> Change {
        let key = self.key();
        let sign = match action {
            Action::Start | Action::Enable | Action::Unmask => Sign::Create,
            Action::Stop | Action::Disable | Action::Mask => Sign::Remove,
            Action::Restart | Action::Reload => Sign::Run,
        };
        let command = self.manager(unit).command(action, &key);
        let change = Change::new(sign, format!("{} {key}", action.as_str())).run(command).makes(key, after);
        // Spec: systemctl(1), `enable`, `disable`, `mask`: "this will reload the system manager configuration".
        let reloads = matches!(action, Action::Enable | Action::Disable | Action::Mask | Action::Unmask);
        if reloads && self.user.is_none() { reloads_units(change) } else { change }
    }

    /// The change that lets systemd read changed unit files, where it has not.
    pub fn daemon_reload(&self, wanted: bool, unit: &Unit) -> Option<Change> {
        let command = self.manager(unit).daemon_reload().filter(|_| wanted && unit.needs_reload)?;
        let after = Unit { needs_reload: false, ..unit.clone() };
        let change = Change::new(Sign::Run, "daemon-reload").run(command).makes(self.key(), after);
        Some(if self.user.is_none() { reloads_units(change) } else { change })
    }

    /// The change of what happens at boot.
    ///
    /// # Errors
    /// [`OpError::Refused`] for a masked unit that shall be enabled.
    pub fn at_boot(&self, wanted: Option<bool>, unit: &Unit, after: &mut Unit) -> Result<Option<Change>, OpError> {
        use crate::ops::resource::unit::Enablement::{Disabled, Enabled, Masked};
        let (action, enablement) = match (wanted, unit.enablement) {
            (Some(true), Disabled) => (Action::Enable, Enabled),
            (Some(false), Enabled) => (Action::Disable, Disabled),
            (Some(true), Masked) => return Err(self.masked()),
            _ => return Ok(None),
        };
        after.enablement = enablement;
        Ok(Some(self.act(action, unit, after.clone())))
    }

    /// The error of a unit that cannot be started.
    pub fn masked(&self) -> OpError {
        OpError::refused_with(
            format!("unit `{}` is masked", self.key()),
            "service::masked(name, #{ present: false }) unmasks it",
        )
    }
}

/// Notes that systemd has read all unit files after a change.
pub fn reloads_units(mut change: Change) -> Change {
    change.effects.push(Effect::There(super::commands::reloaded(), "systemd reads its files".into()));
    change
}

/// Spec: systemd.unit(5), "[INSTALL] SECTION OPTIONS": without one of these there is nothing to enable.
fn installable(text: &str) -> Enablement {
    const KEYS: [&str; 5] = ["WantedBy", "RequiredBy", "UpheldBy", "Alias", "Also"];
    let names = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim());
    match names.into_iter().any(|name| KEYS.contains(&name)) {
        true => Enablement::Disabled,
        false => Enablement::Fixed,
    }
}
