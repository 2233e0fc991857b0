//! `service::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Services, whatever starts them: systemd or OpenRC.
#[export_module]
pub mod service {
    /// Keeps a service running.
    ///
    /// `want` takes
    /// - `enabled` (boolean): whether it starts at boot;
    /// - `daemon_reload` (boolean, default false): let systemd read changed unit files before;
    /// - `restart_if_older_than` (path or array of paths): restart it when one of these files is newer than its start;
    /// - `user` (name): a service of this user, kept by the user's own manager;
    /// - `init` (`"systemd"` or `"openrc"`): fail under another one.
    ///
    /// Fails when there is no such service, or when it is masked.
    ///
    /// ```rhai
    /// service::running("nginx", #{ enabled: true, restart_if_older_than: ["/etc/nginx/nginx.conf"] });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn running(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::running", name, want)
    }

    /// Keeps a service running.
    ///
    /// ```rhai
    /// service::running("nginx");
    /// ```
    #[rhai_fn(name = "running", return_raw)]
    pub fn running_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::running", name, Map::new())
    }

    /// Keeps a service stopped; one that is not there is stopped.
    ///
    /// `want` takes `enabled` (boolean), `user` and `init` as `service::running`.
    ///
    /// ```rhai
    /// service::stopped("bluetooth", #{ enabled: false });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn stopped(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::stopped", name, want)
    }

    /// Keeps a service stopped; one that is not there is stopped.
    ///
    /// ```rhai
    /// service::stopped("bluetooth");
    /// ```
    #[rhai_fn(name = "stopped", return_raw)]
    pub fn stopped_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::stopped", name, Map::new())
    }

    /// Restarts a service, or starts it: an action, done each time it is asked for.
    ///
    /// `want` takes `daemon_reload`, `user` and `init` as `service::running`. Fails when there is no such service. Usually
    /// called from a handler, or when an operation before says `changed`.
    ///
    /// ```rhai
    /// service::restarted("nginx", #{ daemon_reload: true });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn restarted(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::restarted", name, want)
    }

    /// Restarts a service, or starts it: an action, done each time it is asked for.
    ///
    /// ```rhai
    /// service::restarted("nginx");
    /// ```
    #[rhai_fn(name = "restarted", return_raw)]
    pub fn restarted_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::restarted", name, Map::new())
    }

    /// Lets a service read its configuration anew: an action, done each time it is asked for.
    ///
    /// One that cannot reload is restarted, one that is stopped is started. `want` takes `daemon_reload`, `user` and `init`
    /// as `service::running`. Fails when there is no such service.
    ///
    /// ```rhai
    /// service::reloaded("nginx", #{});
    /// ```
    #[rhai_fn(return_raw)]
    pub fn reloaded(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::reloaded", name, want)
    }

    /// Lets a service read its configuration anew: an action, done each time it is asked for.
    ///
    /// ```rhai
    /// service::reloaded("nginx");
    /// ```
    #[rhai_fn(name = "reloaded", return_raw)]
    pub fn reloaded_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::reloaded", name, Map::new())
    }

    /// Starts a service at boot.
    ///
    /// `want` takes `user` and `init` as `service::running`. Fails when there is no such service, or when it is masked. A unit
    /// without `[Install]` counts as enabled.
    ///
    /// ```rhai
    /// service::enabled("nginx", #{});
    /// ```
    #[rhai_fn(return_raw)]
    pub fn enabled(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::enabled", name, want)
    }

    /// Starts a service at boot.
    ///
    /// ```rhai
    /// service::enabled("nginx");
    /// ```
    #[rhai_fn(name = "enabled", return_raw)]
    pub fn enabled_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::enabled", name, Map::new())
    }

    /// Does not start a service at boot; one that is not there is not started.
    ///
    /// `want` takes `user` and `init` as `service::running`.
    ///
    /// ```rhai
    /// service::disabled("bluetooth", #{});
    /// ```
    #[rhai_fn(return_raw)]
    pub fn disabled(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::disabled", name, want)
    }

    /// Does not start a service at boot; one that is not there is not started.
    ///
    /// ```rhai
    /// service::disabled("bluetooth");
    /// ```
    #[rhai_fn(name = "disabled", return_raw)]
    pub fn disabled_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::disabled", name, Map::new())
    }

    /// Lets nobody start a unit of systemd.
    ///
    /// `want` takes `present` (boolean, default true; false unmasks it), `user` and `init` as `service::running`. Fails under
    /// OpenRC, and for a unit whose own file is in `/etc/systemd/system`.
    ///
    /// ```rhai
    /// service::masked("systemd-networkd-wait-online", #{ present: false });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn masked(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::masked", name, want)
    }

    /// Lets nobody start a unit of systemd.
    ///
    /// ```rhai
    /// service::masked("systemd-networkd-wait-online");
    /// ```
    #[rhai_fn(name = "masked", return_raw)]
    pub fn masked_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "service::masked", name, Map::new())
    }
}
