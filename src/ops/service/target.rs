//! The service that an operation is about.

use super::commands::{Action, Manager};
use crate::event::Sign;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::unit::{Init, Unit, key};
use crate::ops::{Change, OpError, Resource, View};

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
        let mut unit = view.see::<Unit>(&self.key()).map_err(|error| self.explain(error))?;
        if self.file_is_planned(view) {
            unit = Unit { needs_reload: unit.loaded, loaded: true, ..unit };
        }
        match self.init {
            Some(init) if init != unit.init => Err(OpError::refused(format!(
                "argument `init`: this host runs {}, not {}",
                unit.init.as_str(),
                init.as_str()
            ))),
            _ => Ok(unit),
        }
    }

    /// A unit file that a plan puts in place by other means than systemd::unit(), or a drop-in of it.
    fn file_is_planned(&self, view: &View<'_>) -> bool {
        let key = self.key();
        if view.is_planned(|planned| planned.kind == Unit::KIND && planned.id == key) {
            return false;
        }
        let unit = key.rsplit('/').next().unwrap_or_default();
        let script = format!("/etc/init.d/{}", unit.trim_end_matches(".service"));
        let files = ["/etc", "/usr/lib", "/lib", "/usr/local/lib"].map(|root| format!("{root}/systemd/system/{unit}"));
        view.is_planned(|planned| {
            let is_file = |file: &String| planned.id == *file || planned.id.starts_with(&format!("{file}.d/"));
            planned.kind == "path" && (planned.id == script || files.iter().any(is_file))
        })
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
        Change::new(sign, format!("{} {key}", action.as_str())).run(command).makes(key, after)
    }

    /// The change that lets systemd read changed unit files, where it has not.
    pub fn daemon_reload(&self, wanted: bool, unit: &Unit) -> Option<Change> {
        let command = self.manager(unit).daemon_reload().filter(|_| wanted && unit.needs_reload)?;
        let after = Unit { needs_reload: false, ..unit.clone() };
        Some(Change::new(Sign::Run, "daemon-reload").run(command).makes(self.key(), after))
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
