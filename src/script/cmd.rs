//! `cmd::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map, NativeCallContext};

/// Commands.
#[export_module]
pub mod cmd {
    use super::*;

    /// Runs a command.
    #[rhai_fn(return_raw)]
    pub fn run(ctx: NativeCallContext, command: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "cmd::run", command, want)
    }

    /// Runs a command.
    #[rhai_fn(name = "run", return_raw)]
    pub fn run_plain(ctx: NativeCallContext, command: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "cmd::run", command, Map::new())
    }

    /// Asks.
    #[rhai_fn(name = "read", return_raw)]
    pub fn read_plain(ctx: NativeCallContext, command: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "cmd::read", command, Map::new())
    }
}
