//! `pkg::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Packages, whatever manager the host has: apt or apk.
#[export_module]
pub mod pkg {
    /// Keeps packages installed.
    ///
    /// `names` is a name or an array of them; `"name=version"` asks for an exact version, a `*` at its end stands for
    /// anything, `"name:arch"` for a foreign architecture. A name that an installed package provides counts as
    /// installed.
    ///
    /// `want` takes
    /// - `update` (boolean, default false): read the package lists anew when something is to be installed;
    /// - `cache_time` (seconds, default 0): the same, but only when the lists are older than this;
    /// - `recommends` (boolean; the host's own setting when left out): install what packages recommend;
    /// - `allow_downgrade` (boolean, default false): let an exact version be older than the installed one;
    /// - `lock_wait` (seconds, default 60): how long to wait while another process holds the lock of apt or apk;
    /// - `manager` (`"apt"` or `"apk"`; the one found when left out).
    ///
    /// Edited configuration files are kept, no question is asked, no service is restarted by needrestart. Fails in the
    /// words of the package manager when a package is not there, and in the plan already where the lists are known.
    ///
    /// ```rhai
    /// pkg::installed(["nginx", "curl=7.88*"], #{ cache_time: 3600, recommends: false });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn installed(ctx: NativeCallContext, names: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "pkg::installed", names, want)
    }

    /// Keeps packages installed, of whatever version.
    ///
    /// ```rhai
    /// pkg::installed("curl");
    /// ```
    #[rhai_fn(name = "installed", return_raw)]
    pub fn installed_plain(ctx: NativeCallContext, names: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "pkg::installed", names, Map::new())
    }

    /// Keeps packages away.
    ///
    /// `want` takes `purge` (boolean, default false: configuration files stay), `lock_wait` (seconds, default 60) and
    /// `manager`. What depends on a package goes with it; the plan names it.
    ///
    /// ```rhai
    /// pkg::removed(["telnetd", "rsh-server"], #{ purge: true });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn removed(ctx: NativeCallContext, names: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "pkg::removed", names, want)
    }

    /// Keeps packages away; their configuration files stay.
    ///
    /// ```rhai
    /// pkg::removed("telnetd");
    /// ```
    #[rhai_fn(name = "removed", return_raw)]
    pub fn removed_plain(ctx: NativeCallContext, names: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "pkg::removed", names, Map::new())
    }

    /// Keeps packages at the newest version that the repositories offer.
    ///
    /// `want` takes `update`, `cache_time`, `recommends`, `lock_wait` and `manager` as `pkg::installed`. A held package
    /// keeps its version. Fails when a package is not there.
    ///
    /// ```rhai
    /// pkg::latest("ca-certificates", #{ cache_time: 3600 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn latest(ctx: NativeCallContext, names: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "pkg::latest", names, want)
    }

    /// Keeps packages at the newest version that the package lists name.
    ///
    /// ```rhai
    /// pkg::latest("ca-certificates");
    /// ```
    #[rhai_fn(name = "latest", return_raw)]
    pub fn latest_plain(ctx: NativeCallContext, names: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "pkg::latest", names, Map::new())
    }

    /// Keeps the package lists at what the repositories offer; changed only when they offer something else.
    ///
    /// `want` takes `cache_time` (seconds, default 0: lists younger than this are not looked at), `lock_wait` (seconds,
    /// default 60) and `manager`. Fails when a repository cannot be read.
    ///
    /// ```rhai
    /// pkg::update(#{ cache_time: 3600 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn update(ctx: NativeCallContext, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "pkg::update", Dynamic::UNIT, want)
    }

    /// Keeps the package lists at what the repositories offer.
    ///
    /// ```rhai
    /// pkg::update();
    /// ```
    #[rhai_fn(name = "update", return_raw)]
    pub fn update_plain(ctx: NativeCallContext) -> RhaiResultOf<Done> {
        ensure(&ctx, "pkg::update", Dynamic::UNIT, Map::new())
    }

    /// Keeps installed packages at the newest version that the package lists name.
    ///
    /// `want` takes `dist` (boolean, default false: nothing is removed for it), `only` (a name or an array of them: just
    /// these), `recommends`, `lock_wait` (seconds, default 60) and `manager`.
    ///
    /// ```rhai
    /// pkg::upgrade(#{ dist: true });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn upgrade(ctx: NativeCallContext, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "pkg::upgrade", Dynamic::UNIT, want)
    }

    /// Keeps all installed packages at the newest version that the package lists name, without removing any.
    ///
    /// ```rhai
    /// pkg::upgrade();
    /// ```
    #[rhai_fn(name = "upgrade", return_raw)]
    pub fn upgrade_plain(ctx: NativeCallContext) -> RhaiResultOf<Done> {
        ensure(&ctx, "pkg::upgrade", Dynamic::UNIT, Map::new())
    }

    /// Keeps packages at the version they have, whatever the repositories offer. For apt only.
    ///
    /// `want` takes `present` (boolean, default true; false releases them).
    ///
    /// ```rhai
    /// pkg::hold("linux-image-amd64", #{ present: false });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn hold(ctx: NativeCallContext, names: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "pkg::hold", names, want)
    }

    /// Keeps packages at the version they have.
    ///
    /// ```rhai
    /// pkg::hold("linux-image-amd64");
    /// ```
    #[rhai_fn(name = "hold", return_raw)]
    pub fn hold_plain(ctx: NativeCallContext, names: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "pkg::hold", names, Map::new())
    }
}
