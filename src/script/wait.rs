//! `wait::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Waiting for something to come true. It is never a change; a plan does not wait.
#[export_module]
pub mod wait {
    /// Waits until a TCP port accepts a connection, as seen from the host.
    ///
    /// `want` takes `host` (default: the host itself), `timeout` (seconds, default 60) and `every` (seconds between two
    /// tries, default 1). Fails when the time is over.
    ///
    /// ```rhai
    /// wait::port(5432, #{ timeout: 30 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn port(ctx: NativeCallContext, port: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "wait::port", port, want)
    }

    /// Waits up to 60 seconds until a TCP port of the host accepts a connection.
    #[rhai_fn(name = "port", return_raw)]
    pub fn port_plain(ctx: NativeCallContext, port: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "wait::port", port, Map::new())
    }

    /// Waits until a web server answers as it should, as seen from the host.
    ///
    /// `want` takes `status` (default 200; redirects are not followed), `body` (a text that the answer must hold),
    /// `timeout` (seconds, default 60) and `every` (seconds, default 1). Needs curl, wget or nc on the host.
    /// Fails when the time is over.
    ///
    /// ```rhai
    /// wait::http("http://127.0.0.1:8080/health", #{ body: "ok", timeout: 120 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn http(ctx: NativeCallContext, url: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "wait::http", url, want)
    }

    /// Waits up to 60 seconds until a web server answers with 200.
    #[rhai_fn(name = "http", return_raw)]
    pub fn http_plain(ctx: NativeCallContext, url: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "wait::http", url, Map::new())
    }

    /// Waits until a path is there, or gone.
    ///
    /// `want` takes `present` (false: until it is gone), `timeout` (seconds, default 60) and `every` (seconds, default
    /// 1). Fails when the time is over.
    ///
    /// ```rhai
    /// wait::file("/run/app.sock", #{ timeout: 10 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn file(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "wait::file", path, want)
    }

    /// Waits up to 60 seconds until a path is there.
    #[rhai_fn(name = "file", return_raw)]
    pub fn file_plain(ctx: NativeCallContext, path: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "wait::file", path, Map::new())
    }

    /// Waits until an SSH server greets, as seen from the host.
    ///
    /// `want` takes `host` (default: the host itself), `port` (default 22), `timeout` (seconds, default 60) and `every`
    /// (seconds, default 1). Fails when the time is over.
    ///
    /// ```rhai
    /// wait::ssh(#{ host: "192.0.2.7", timeout: 300 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn ssh(ctx: NativeCallContext, want: Map) -> RhaiResultOf<Done> {
        let mut want = want;
        let host = want.remove("host").unwrap_or_else(|| "127.0.0.1".into());
        ensure(&ctx, "wait::ssh", host, want)
    }

    /// Waits up to 60 seconds until the SSH server of the host greets.
    #[rhai_fn(name = "ssh", return_raw)]
    pub fn ssh_plain(ctx: NativeCallContext) -> RhaiResultOf<Done> {
        ensure(&ctx, "wait::ssh", "127.0.0.1".into(), Map::new())
    }
}
