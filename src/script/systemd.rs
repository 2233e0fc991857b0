//! `systemd::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Unit files of systemd.
#[export_module]
pub mod systemd {
    /// Keeps a unit file in `/etc/systemd/system`, or a drop-in, and its unit enabled and running.
    ///
    /// `name` without an ending is a `.service`. `want` takes
    /// - `content` (text) or `sections` (a map of maps; an array gives one line an element);
    /// - `dropin` (name): write `NAME.d/DROPIN.conf` instead, which adds to a unit of a package;
    /// - `enabled`, `running` (booleans): one left out is not touched;
    /// - `restart` (boolean, default false): restart a running unit when the file changed;
    /// - `verify` (boolean, default false): let `systemd-analyze verify` accept the file before it is put in place;
    /// - `present` (boolean, default true): false stops and disables the unit and removes the file.
    ///
    /// systemd reads a changed file at once. Fails when a unit to be enabled or started is not there.
    ///
    /// ```rhai
    /// systemd::unit("app", #{
    ///     sections: #{
    ///         Unit: #{ Description: "App", After: "network-online.target" },
    ///         Service: #{ ExecStart: "/usr/local/bin/app", User: "app", Environment: ["PORT=8080", "TIER=front"] },
    ///         Install: #{ WantedBy: "multi-user.target" },
    ///     },
    ///     enabled: true, running: true,
    /// });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn unit(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "systemd::unit", name, want)
    }

    /// Keeps a timer and the service that it starts.
    ///
    /// `want` takes
    /// - when: `on_calendar` (text or array, such as `"daily"`, `"Mon *-*-* 03:00"`), `on_boot`, `on_active`,
    ///   `on_unit_active`, `on_unit_inactive` (time spans, such as `"15min"`); at least one of them;
    /// - what: `command` with `user`, or `service` (sections of the whole service), or `unit` (one that others keep);
    /// - `persistent` (boolean: catch up on what was missed), `random_delay`, `accuracy` (time spans), `description`;
    /// - `enabled`, `running` (booleans, default true), `present` (boolean, default true).
    ///
    /// ```rhai
    /// systemd::timer("backup", #{ on_calendar: "*-*-* 02:30", persistent: true, command: "/usr/local/bin/backup" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn timer(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "systemd::timer", name, want)
    }

    /// Lets systemd read its unit files anew when some are newer than what it read.
    ///
    /// ```rhai
    /// systemd::daemon_reload();
    /// ```
    #[rhai_fn(return_raw)]
    pub fn daemon_reload(ctx: NativeCallContext) -> RhaiResultOf<Done> {
        ensure(&ctx, "systemd::daemon_reload", Dynamic::UNIT, Map::new())
    }

    /// Lets systemd read its unit files anew when some are newer than what it read; `want` takes common arguments.
    ///
    /// ```rhai
    /// systemd::daemon_reload(#{ sudo: true });
    /// ```
    #[rhai_fn(name = "daemon_reload", return_raw)]
    pub fn daemon_reload_with(ctx: NativeCallContext, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "systemd::daemon_reload", Dynamic::UNIT, want)
    }
}
