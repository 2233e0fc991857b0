//! Services as systemd and OpenRC know them.

use super::Resource;
use crate::ops::OpError;
use crate::ops::touch::Altered;
use crate::remote::{Command, Output, quote};
use serde::Deserialize;
use serde_json::{Value, json};

/// Who starts services on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Init {
    /// systemd.
    Systemd,
    /// OpenRC of Alpine and Gentoo.
    Openrc,
}

impl Init {
    /// Its name in arguments.
    pub fn as_str(self) -> &'static str {
        match self {
            Init::Systemd => "systemd",
            Init::Openrc => "openrc",
        }
    }
}

/// Whether a service starts at boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enablement {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
    /// Others decide: a unit without `[Install]`, a generated one.
    Fixed,
    /// Nobody can start it.
    Masked,
}

/// The state of one unit. Its key is `nginx.service`, or `alice/syncthing.service` for a unit of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Who starts it.
    pub init: Init,
    /// False when there is none.
    pub loaded: bool,
    /// Started, or about to be.
    pub running: bool,
    /// Whether it starts at boot.
    pub enablement: Enablement,
    /// Its files on disk are newer than what systemd read.
    pub needs_reload: bool,
    /// When it became active, in nanoseconds since 1970; the far future when it is only planned.
    pub started: Option<i128>,
}

impl Unit {
    /// A unit as it is after its file was written and nothing else.
    pub fn fresh(init: Init) -> Self {
        let enablement = Enablement::Disabled;
        Self { init, loaded: true, running: false, enablement, needs_reload: false, started: None }
    }

    /// The same unit after a start or stop.
    #[must_use]
    pub fn with_running(mut self, running: bool) -> Self {
        self.running = running;
        self.started = running.then_some(i128::MAX);
        self
    }
}

/// Key of a unit, with the suffix that systemctl(1) would add.
pub fn key(user: Option<&str>, name: &str) -> String {
    const SUFFIXES: [&str; 9] =
        [".service", ".socket", ".timer", ".target", ".mount", ".path", ".slice", ".automount", ".swap"];
    let suffix = if SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) { "" } else { ".service" };
    match user {
        Some(user) => format!("{user}/{name}{suffix}"),
        None => format!("{name}{suffix}"),
    }
}

/// `systemctl` for the system, or for the manager of a user, as a shell word list that takes further words.
///
/// Spec: systemctl(1) `--user` needs XDG_RUNTIME_DIR; `--machine=user@` needs systemd 248 and a bus in the container.
pub fn systemctl(user: Option<&str>, words: &str) -> String {
    let Some(user) = user else { return format!("systemctl {words}") };
    let inner = format!("XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user {words}");
    let (user, inner) = (quote(user), quote(&inner));
    format!("if [ \"$(id -un)\" = {user} ]; then sh -c {inner}; else su -s /bin/sh {user} -c {inner}; fi")
}

const PROPERTIES: &str = "LoadState,ActiveState,UnitFileState,NeedDaemonReload,ActiveEnterTimestamp";

impl Resource for Unit {
    const KIND: &'static str = "unit";

    fn script(keys: &[String]) -> Command {
        let mut script = String::from("export LC_ALL=C\nif [ -d /run/systemd/system ]; then\n");
        for (user, keys) in by_user(keys) {
            let names: Vec<String> = keys.iter().map(|key| quote(unit_name(key))).collect();
            let show = |format| format!("{format}show --property={PROPERTIES} -- {}", names.join(" "));
            // Microseconds came with systemd 248; seconds are the answer of older ones.
            let (fine, coarse) = (systemctl(user, &show("--timestamp=us+utc ")), systemctl(user, &show("")));
            script
                .push_str(&format!("echo @systemd\n{{ {fine}; }} 2>/dev/null || {{ TZ=UTC; export TZ; {coarse}; }}\n"));
        }
        script.push_str(
            "elif command -v rc-service >/dev/null; then\necho @openrc\nrc-update -v show 2>/dev/null\nfor s in",
        );
        for key in keys {
            script.push_str(&format!(" {}", quote(openrc_name(key))));
        }
        script.push_str(
            "; do\nif rc-service -e \"$s\"; then rc-service \"$s\" status >/dev/null 2>&1; \
             echo \"@service $? $(stat -c '%Y %y' \"/run/openrc/started/$s\" 2>/dev/null)\"\n\
             else echo '@service absent'; fi\ndone\nelse echo @none; fi",
        );
        Command::script(script)
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let text = output.text();
        let not_understood = || match output.ok() {
            true => OpError::answer(Self::script(keys), &output.stdout),
            false => OpError::command(&Self::script(keys), output),
        };
        match text.lines().next() {
            Some("@systemd") => systemd_states(keys, &text).ok_or_else(not_understood),
            Some("@openrc") => openrc_states(keys, &text).ok_or_else(not_understood),
            Some("@none") => Err(OpError::refused_with(
                "neither systemd nor OpenRC runs on this host",
                "in a container without an init, start the process with the container",
            )),
            _ => Err(not_understood()),
        }
    }

    fn is_absent(&self) -> bool {
        !self.loaded
    }

    fn outlasts(&self, key: &str, change: &Altered<'_>) -> bool {
        // Mounts come from fstab, and other files have a folder `systemd` above them: systemd.unit(5).
        const SOURCES: &[&str] = &["/etc/fstab", "/etc/init.d", "/etc/runlevels", "/run/openrc"];
        const FOLDERS: &[&str] = &["/etc", "/lib", "/run", "/usr/lib", "/usr/local/lib"];
        let of_user = key.contains('/') && change.is_wide();
        let altered = change.concerns_any(SOURCES) || change.names("systemd") || change.holds_any(FOLDERS);
        !altered && !of_user
    }

    fn snapshot(&self) -> Value {
        let enabled = self.enablement == Enablement::Enabled;
        let masked = self.enablement == Enablement::Masked;
        json!({ "loaded": self.loaded, "running": self.running, "enabled": enabled, "masked": masked })
    }
}

fn by_user(keys: &[String]) -> Vec<(Option<&str>, Vec<&String>)> {
    let mut groups: Vec<(Option<&str>, Vec<&String>)> = Vec::new();
    for key in keys {
        let user = key.split_once('/').map(|(user, _)| user);
        match groups.iter_mut().find(|(other, _)| *other == user) {
            Some((_, keys)) => keys.push(key),
            None => groups.push((user, vec![key])),
        }
    }
    groups
}

fn unit_name(key: &str) -> &str {
    key.split_once('/').map_or(key, |(_, name)| name)
}

/// The name of an OpenRC service: no suffix.
pub fn openrc_name(key: &str) -> &str {
    let name = unit_name(key);
    name.strip_suffix(".service").unwrap_or(name)
}

fn systemd_states(keys: &[String], text: &str) -> Option<Vec<Unit>> {
    let mut sections = text.split("@systemd\n").skip(1);
    let mut found: Vec<(&String, Unit)> = Vec::new();
    for (_, keys) in by_user(keys) {
        // Blank lines stand between units, in the order asked for: systemctl(1) `show`.
        let blocks: Vec<&str> = sections.next()?.trim().split("\n\n").collect();
        if blocks.len() != keys.len() {
            return None;
        }
        found.extend(keys.into_iter().zip(blocks.into_iter().map(systemd_state)));
    }
    keys.iter().map(|key| found.iter().find(|(other, _)| *other == key).map(|(_, unit)| unit.clone())).collect()
}

fn systemd_state(block: &str) -> Unit {
    let property = |name: &str| {
        let mut values = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        values.next().unwrap_or_default()
    };
    let enablement = match property("UnitFileState") {
        "enabled" | "enabled-runtime" | "linked-runtime" => Enablement::Enabled,
        "disabled" | "linked" => Enablement::Disabled,
        "masked" | "masked-runtime" => Enablement::Masked,
        "" if property("LoadState") == "masked" => Enablement::Masked,
        _ => Enablement::Fixed,
    };
    Unit {
        init: Init::Systemd,
        loaded: property("LoadState") != "not-found",
        running: matches!(property("ActiveState"), "active" | "activating" | "reloading" | "refreshing"),
        enablement,
        needs_reload: property("NeedDaemonReload") == "yes",
        started: timestamp(property("ActiveEnterTimestamp")),
    }
}

/// `Fri 2026-11-20 10:46:09.123456 UTC`, with or without the fraction, in nanoseconds since 1970.
fn timestamp(text: &str) -> Option<i128> {
    let mut words = text.split(' ').skip(1);
    let stamp = format!("{}T{}Z", words.next()?, words.next()?);
    stamp.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_nanosecond)
}

fn openrc_states(keys: &[String], text: &str) -> Option<Vec<Unit>> {
    let mut answers = text.lines().filter_map(|line| line.strip_prefix("@service "));
    let enabled = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('|'));
        lines.any(|(service, levels)| service.trim() == name && !levels.trim().is_empty())
    };
    keys.iter().map(|key| Some(openrc_state(answers.next()?, enabled(openrc_name(key))))).collect()
}

/// `0 1732099569 2026-11-20 10:46:09.123456789 +0000`: exit status of `status`, then when it was marked as started.
fn openrc_state(answer: &str, enabled: bool) -> Unit {
    let fresh = Unit::fresh(Init::Openrc);
    let (code, started) = answer.split_once(' ').unwrap_or((answer, ""));
    let enablement = if enabled { Enablement::Enabled } else { Enablement::Disabled };
    match code {
        "absent" => Unit { loaded: false, ..fresh },
        code => Unit { enablement, running: code == "0", started: file_time(started), ..fresh },
    }
}

/// What `stat -c '%Y %y'` prints, in nanoseconds; busybox gives no fraction.
pub fn file_time(text: &str) -> Option<i128> {
    let mut words = text.split_whitespace();
    let seconds: i128 = words.next()?.parse().ok()?;
    let fraction = words.nth(1).and_then(|time| time.split_once('.')).map_or("", |(_, fraction)| fraction);
    let nanos = if fraction.len() == 9 { fraction.parse().unwrap_or(0) } else { 0 };
    Some(seconds * 1_000_000_000 + nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn parse(names: &[&str], stdout: &str) -> Result<Vec<Unit>, OpError> {
        Unit::parse(&keys(names), &Output { stdout: stdout.into(), ..Output::default() })
    }

    #[test]
    fn systemd_answers_one_block_a_unit_and_one_section_a_user() {
        let shown = "@systemd\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n\
                     ActiveEnterTimestamp=Fri 2026-11-20 10:46:09.250000 UTC\n\n\
                     LoadState=not-found\nActiveState=inactive\nUnitFileState=\n\
                     @systemd\nLoadState=loaded\nActiveState=inactive\nUnitFileState=static\nNeedDaemonReload=yes\n";
        let units = parse(&["ssh.service", "alice/sync.service", "nope.service"], shown).expect("three units");
        assert_eq!(units[0].started, Some(1_795_171_569_250_000_000));
        assert!(units[0].running && units[0].enablement == Enablement::Enabled);
        assert!(!units[1].running && units[1].needs_reload && units[1].enablement == Enablement::Fixed);
        assert!(units[2].is_absent());
    }

    #[test]
    fn openrc_answers_levels_and_status() {
        let shown = "@openrc\n                crond |      default\n               sshd |\n\
                     @service 0 1732099569 2024-11-20 10:46:09.000000500 +0000\n@service 3 \n@service absent\n";
        let units = parse(&["crond.service", "sshd", "nope"], shown).expect("three services");
        assert!(units[0].running && units[0].enablement == Enablement::Enabled);
        assert_eq!(units[0].started, Some(1_732_099_569_000_000_500));
        assert!(!units[1].running && units[1].enablement == Enablement::Disabled);
        assert!(units[2].is_absent());
    }

    #[test]
    fn a_host_without_an_init_says_so() {
        let error = parse(&["x.service"], "@none\n").expect_err("no init");
        assert_eq!(error.to_string(), "neither systemd nor OpenRC runs on this host");
        assert!(error.hint().is_some());
    }
}
