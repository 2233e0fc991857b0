//! `ssh::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// The SSH server, and the keys of known hosts.
#[export_module]
pub mod ssh {
    /// Sets options of the SSH server, without the risk of being locked out.
    ///
    /// `options` maps keywords of sshd_config(5) to a text, a number, a boolean (`yes` or `no`) or an array (one line
    /// each). `"Match User git"` with a map makes a block. They are all the options of ours: what an earlier run set
    /// and is left out now is gone. They stand in `/etc/ssh/sshd_config.d/00-rhapsode.conf`, or at the top of the main
    /// file where that includes no drop-ins first. `sshd -t` must accept them, and after the reload a login on a fresh
    /// connection must succeed while the old one is still open; else the files are brought back and sshd reloaded.
    ///
    /// ```rhai
    /// ssh::server(#{ PasswordAuthentication: false, PermitRootLogin: "prohibit-password", AllowUsers: ["ada", "ci"] });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn server(ctx: NativeCallContext, options: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "ssh::server", options.into(), Map::new())
    }

    /// Sets options of the SSH server, with common arguments.
    #[rhai_fn(name = "server", return_raw)]
    pub fn server_with(ctx: NativeCallContext, options: Map, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "ssh::server", options.into(), want)
    }

    /// Keeps the keys by which ssh on the host recognises another host.
    ///
    /// `want` takes `key` (a text or an array, as in a `.pub` file; another key of the same type is replaced), or
    /// `scan` (true: while none is known, take those that the host shows now), `port` (default 22), `user` (whose
    /// `~/.ssh/known_hosts`; default: who runs the operations), `system` (true: `/etc/ssh/ssh_known_hosts`) and
    /// `present` (false: no keys of that host). Hashed names are recognised; lines with a marker stay.
    /// Fails when a scan gets no answer.
    ///
    /// ```rhai
    /// ssh::known_host("git.example", #{ key: "ssh-ed25519 AAAA...", user: "deploy" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn known_host(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "ssh::known_host", name, want)
    }
}
