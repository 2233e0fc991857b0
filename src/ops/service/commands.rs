//! Command lines of systemctl and OpenRC.

use crate::ops::resource::Key;
use crate::ops::resource::unit::{Init, openrc_name, systemctl};
use crate::remote::{Command, quote};

/// What is done to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Starts it.
    Start,
    /// Stops it.
    Stop,
    /// Stops and starts it.
    Restart,
    /// Lets it read its configuration anew, or restarts it when it cannot.
    Reload,
    /// Starts it at boot.
    Enable,
    /// Does not start it at boot.
    Disable,
    /// Lets nobody start it.
    Mask,
    /// The opposite.
    Unmask,
}

impl Action {
    fn systemd(self) -> &'static str {
        match self {
            Action::Start => "start",
            Action::Stop => "stop",
            Action::Restart => "restart",
            Action::Reload => "reload-or-restart",
            Action::Enable => "enable",
            Action::Disable => "disable",
            Action::Mask => "mask",
            Action::Unmask => "unmask",
        }
    }

    /// Words of plans: `start`, `reload`.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Reload => "reload",
            other => other.systemd(),
        }
    }
}

/// Who is told: the service manager of the system or of a user.
#[derive(Debug, Clone, Copy)]
pub struct Manager<'a> {
    /// Who starts services.
    pub init: Init,
    /// The user whose manager it is.
    pub user: Option<&'a str>,
}

impl Manager<'_> {
    /// The command of an action; `key` is that of [`crate::ops::resource::unit::Unit`].
    pub fn command(&self, action: Action, key: &str) -> Command {
        match self.init {
            Init::Systemd => {
                let unit = key.split_once('/').map_or(key, |(_, name)| name);
                let command =
                    Command::script(systemctl(self.user, &format!("{} -- {}", action.systemd(), quote(unit))));
                match action {
                    Action::Start | Action::Restart | Action::Reload => command.explained_by(self.journal(unit)),
                    _ => command,
                }
            }
            Init::Openrc => openrc(action, openrc_name(key)),
        }
    }

    /// The last lines of the journal of a unit: why it does not start.
    ///
    /// Spec: journalctl(1).
    fn journal(&self, unit: &str) -> String {
        let lines = format!("journalctl --unit={} --lines=6 --output=cat --no-pager 2>/dev/null", quote(unit));
        match self.user {
            // What units of a user say is in the journal of the system too.
            Some(_) => lines.replacen("--unit=", "--user-unit=", 1),
            None => lines,
        }
    }

    /// Lets systemd read changed unit files; nothing to do elsewhere.
    pub fn daemon_reload(&self) -> Option<Command> {
        (self.init == Init::Systemd).then(|| Command::script(systemctl(self.user, "daemon-reload")))
    }
}

/// Spec: rc-service(8), rc-update(8). A service that cannot reload says so with exit status 1: then it is restarted.
fn openrc(action: Action, name: &str) -> Command {
    let name = quote(name);
    Command::script(match action {
        Action::Enable => format!("rc-update add {name} default"),
        Action::Disable => format!("rc-update -a del {name}"),
        Action::Reload => format!("rc-service {name} reload || rc-service {name} restart"),
        other => format!("rc-service {name} {}", other.systemd()),
    })
}

/// What a plan notes when systemd reads its unit files anew.
pub fn reloaded() -> Key {
    Key { kind: "daemon-reload", id: String::new() }
}
