//! `sys::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// The system itself: its name, time zone, kernel parameters, restarts.
#[export_module]
pub mod sys {
    /// Keeps the name of the host, now and in `/etc/hostname`. `/etc/hosts` is not touched.
    ///
    /// ```rhai
    /// sys::hostname("web-1");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn hostname(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "sys::hostname", name, Map::new())
    }

    /// Keeps the name of the host; `want` takes common arguments.
    ///
    /// ```rhai
    /// sys::hostname("web-1", #{ sudo: true });
    /// ```
    #[rhai_fn(name = "hostname", return_raw)]
    pub fn hostname_with(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "sys::hostname", name, want)
    }

    /// Keeps the time zone of the host. Fails when the host does not know it.
    ///
    /// ```rhai
    /// sys::timezone("Europe/Zurich");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn timezone(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "sys::timezone", name, Map::new())
    }

    /// Keeps the time zone of the host; `want` takes common arguments.
    ///
    /// ```rhai
    /// sys::timezone("UTC", #{ sudo: true });
    /// ```
    #[rhai_fn(name = "timezone", return_raw)]
    pub fn timezone_with(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "sys::timezone", name, want)
    }

    /// Keeps a kernel parameter, now and after a restart.
    ///
    /// `want` takes `value` (number or text), `persist` (boolean, default true) and `file` (default
    /// `/etc/sysctl.d/90-rhapsode.conf`, of which the other lines are not touched).
    ///
    /// Fails when the kernel has no such parameter, or when it is read-only, as in most containers.
    ///
    /// ```rhai
    /// sys::sysctl("net.ipv4.ip_forward", #{ value: 1 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn sysctl(ctx: NativeCallContext, key: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "sys::sysctl", key, want)
    }

    /// Restarts the host and waits until it answers again: an action, done each time it is asked for.
    ///
    /// `want` takes `timeout` (seconds, default 600) and `only_if_required` (boolean, default false: only when
    /// `/run/reboot-required` is there, or the modules of the running kernel are gone).
    ///
    /// A new start time of the first process proves the restart. The host is unreachable when it does not come back.
    ///
    /// ```rhai
    /// sys::reboot(#{ only_if_required: true, timeout: 300 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn reboot(ctx: NativeCallContext, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "sys::reboot", Dynamic::UNIT, want)
    }

    /// Restarts the host and waits until it answers again.
    ///
    /// ```rhai
    /// sys::reboot();
    /// ```
    #[rhai_fn(name = "reboot", return_raw)]
    pub fn reboot_plain(ctx: NativeCallContext) -> RhaiResultOf<Done> {
        ensure(&ctx, "sys::reboot", Dynamic::UNIT, Map::new())
    }
}
