//! `cmd::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Commands: the way out where no operation fits.
#[export_module]
pub mod cmd {
    /// Runs a command that changes something.
    ///
    /// `command` is a text for the shell, or an array of words that need no quoting. `want` takes `args` (an array of
    /// further quoted words), `stdin` (a text or a blob; may hold secrets), `creates` (a path: not run while it is
    /// there) and `removes` (a path: run only while it is there). Without a path, or `changed_when`, each run counts
    /// as a change. The handle has `stdout`, `stderr` and `code`.
    /// Fails when the exit status is not among `success_codes` (default `[0]`).
    ///
    /// ```rhai
    /// cmd::run("make install", #{ chdir: "/opt/src", creates: "/usr/local/bin/tool" });
    /// cmd::run(["useradd", "--", "it's me"], #{ success_codes: [0, 9] });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn run(ctx: NativeCallContext, command: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "cmd::run", command, want)
    }

    /// Runs a command that changes something.
    #[rhai_fn(name = "run", return_raw)]
    pub fn run_plain(ctx: NativeCallContext, command: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "cmd::run", command, Map::new())
    }

    /// Runs a script of this machine on the host, without a file there.
    ///
    /// `src` is its path; it is sent by stdin to the interpreter that its `#!` line names, `sh` without one. `want`
    /// takes `args` (a text or an array), `creates` and `removes` as for `cmd::run`.
    /// Fails when the file cannot be read, or on an exit status that is not among `success_codes`.
    ///
    /// ```rhai
    /// cmd::script("scripts/setup.sh", #{ args: ["--fast"], creates: "/var/lib/app/.set-up" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn script(ctx: NativeCallContext, src: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "cmd::script", src, want)
    }

    /// Runs a script of this machine on the host, without a file there.
    #[rhai_fn(name = "script", return_raw)]
    pub fn script_plain(ctx: NativeCallContext, src: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "cmd::script", src, Map::new())
    }

    /// Runs a command that only reads, in plans too; it is never a change.
    ///
    /// `command` is as for `cmd::run`. `want` takes `stdin`, `success_codes` (default `[0]`) and `stable` (true:
    /// nothing in this playbook changes the answer). Behind a change that is only planned, the answer is unknown
    /// unless it is `stable`. The handle has `stdout`, `stderr` and `code`.
    ///
    /// ```rhai
    /// let kernel = cmd::read("uname -r", #{ stable: true }).stdout;
    /// ```
    #[rhai_fn(return_raw)]
    pub fn read(ctx: NativeCallContext, command: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "cmd::read", command, want)
    }

    /// Runs a command that only reads.
    #[rhai_fn(name = "read", return_raw)]
    pub fn read_plain(ctx: NativeCallContext, command: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "cmd::read", command, Map::new())
    }
}
