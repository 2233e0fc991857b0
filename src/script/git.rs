//! `git::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Working trees and settings of git.
#[export_module]
pub mod git {
    /// Keeps a working tree at a branch, a tag or a commit of a remote repository.
    ///
    /// `want` takes `url`, `ref` (default: the remote's own; a branch is followed, a tag or commit is checked out
    /// detached), `depth` (commits of history to fetch; all when left out), `submodules` (default false), `key` (path
    /// on the host of a private key), `owner` (user who runs git and owns the tree; default: who owns it already) and
    /// `force` (true: local modifications and unpushed commits are thrown away). Untracked files stay in any case.
    /// Fails when there are local modifications without `force`, when the folder holds something else, or when the
    /// remote has no such ref.
    ///
    /// ```rhai
    /// git::repo("/opt/app", #{ url: "https://git.example/app.git", ref: "v2.1", owner: "deploy" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn repo(ctx: NativeCallContext, dest: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "git::repo", dest, want)
    }

    /// Keeps a setting of git.
    ///
    /// `want` takes `value` (a text, number or boolean), `scope` ("global", the default: of the user who runs the
    /// operations; "system"; or the path of a working tree) and `present` (false: the setting is unset).
    ///
    /// ```rhai
    /// git::config("safe.directory", #{ value: "/opt/app", scope: "system" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn config(ctx: NativeCallContext, key: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "git::config", key, want)
    }
}
