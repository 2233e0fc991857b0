//! `sudo::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Rules for sudo(8).
#[export_module]
pub mod sudo {
    /// Keeps one rule in `/etc/sudoers.d/NAME`, readable by root alone.
    ///
    /// `want` takes `who` (users, or `%group`; a text or an array), `commands` (with their full path, "ALL" for any,
    /// in the syntax of sudoers(5), where `,`, `:`, `=` and `\` in arguments need a `\` before them), `run_as` (users;
    /// default "ALL"), `nopasswd` (default false) and `present` (false: no such rule).
    /// `visudo` must accept the rule before it is put in place: a wrong one fails and leaves everything as it was.
    ///
    /// ```rhai
    /// sudo::rule("deploy", #{ who: "deploy", commands: ["/usr/bin/systemctl restart app"], nopasswd: true });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn rule(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "sudo::rule", name, want)
    }
}
