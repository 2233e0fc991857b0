//! `apt::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Repositories, their keys, and package files of apt.
#[export_module]
pub mod apt {
    /// Keeps a repository in `/etc/apt/sources.list.d`, and reads its lists when its description changes.
    ///
    /// `want` takes
    /// - `uris`, `suites`, `components`: a text or an array each; a suite that ends in `/` is a flat repository and has
    ///   no components;
    /// - `signed_by`: path of the key, see `apt::key`;
    /// - `types` (default `"deb"`), `architectures`, `trusted` (boolean: needs no signature);
    /// - or `line`: the old form in one line, instead of all these;
    /// - `present` (boolean, default true), `update` (boolean, default true), `lock_wait` (seconds, default 60).
    ///
    /// Fails when a repository cannot be read; then its file is as before.
    ///
    /// ```rhai
    /// apt::repo("docker", #{
    ///     uris: "https://download.docker.com/linux/debian", suites: "bookworm", components: "stable",
    ///     signed_by: "/etc/apt/keyrings/docker.asc",
    /// });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn repo(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "apt::repo", name, want)
    }

    /// Keeps the key of a repository in `/etc/apt/keyrings`, as `NAME.asc` when it is armoured, else as `NAME.gpg`.
    ///
    /// `want` takes one of `content`, `src` (a file of this machine) and `url` (fetched by the host, once);
    /// `fingerprint` (40 or 64 hex digits, blanks allowed) of its first key; `present` (boolean, default true).
    ///
    /// Fails when it is no OpenPGP key, or one of another fingerprint.
    ///
    /// ```rhai
    /// apt::key("docker", #{
    ///     url: "https://download.docker.com/linux/debian/gpg",
    ///     fingerprint: "9DC8 5822 9FC7 DD38 854A E2D8 8D81 803C 0EBF CD88",
    /// });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn key(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "apt::key", name, want)
    }

    /// Keeps a package from a `.deb` file installed, with what it depends on.
    ///
    /// `src` is a file of this machine, a `file:///` URL for one on the host, or a `http:` or `https:` URL that the host
    /// fetches. `want` takes `package` and `version` (what a URL holds, when the name at its end is not
    /// `name_version_arch.deb`), `allow_downgrade` (boolean, default false), `lock_wait` (seconds, default 60), `present`
    /// (boolean, default true).
    ///
    /// ```rhai
    /// apt::deb("https://example.org/tool_1.2.3_amd64.deb", #{});
    /// ```
    #[rhai_fn(return_raw)]
    pub fn deb(ctx: NativeCallContext, src: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "apt::deb", src, want)
    }

    /// Keeps a package from a `.deb` file installed, with what it depends on.
    ///
    /// ```rhai
    /// apt::deb("files/tool_1.2.3_amd64.deb");
    /// ```
    #[rhai_fn(name = "deb", return_raw)]
    pub fn deb_plain(ctx: NativeCallContext, src: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "apt::deb", src, Map::new())
    }
}
