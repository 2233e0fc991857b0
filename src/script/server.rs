//! `server::`, for hands trained elsewhere.

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Other names for `user::`, `group::` and `cmd::`.
#[export_module]
pub mod server {
    /// The same as `user::present`; with `present: false`, as `user::absent`.
    ///
    /// `want` takes what these take.
    ///
    /// ```rhai
    /// server::user("ada", #{ shell: "/bin/bash" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn user(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        let (op, want) = present_or_absent(want, "user::present", "user::absent");
        ensure(&ctx, op, name, want)
    }

    /// The same as `group::present`; with `present: false`, as `group::absent`.
    ///
    /// `want` takes what these take.
    ///
    /// ```rhai
    /// server::group("web", #{ gid: 5000 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn group(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        let (op, want) = present_or_absent(want, "group::present", "group::absent");
        ensure(&ctx, op, name, want)
    }

    /// The same as `cmd::run`.
    ///
    /// `want` takes what that takes.
    ///
    /// ```rhai
    /// server::shell("make install", #{ creates: "/usr/local/bin/tool" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn shell(ctx: NativeCallContext, command: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "cmd::run", command, want)
    }

    /// The same as `cmd::run` without arguments.
    #[rhai_fn(name = "shell", return_raw)]
    pub fn shell_plain(ctx: NativeCallContext, command: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "cmd::run", command, Map::new())
    }
}

fn present_or_absent(mut want: Map, present: &'static str, absent: &'static str) -> (&'static str, Map) {
    match want.remove("present").map(|present| present.as_bool()) {
        Some(Ok(false)) => (absent, want),
        _ => (present, want),
    }
}
