//! `group::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Groups of users.
#[export_module]
pub mod group {
    /// Keeps a group, its number and its members.
    ///
    /// `want` takes `gid` (number), `system` (a number from the range of system groups; for new groups only),
    /// `members` (a text or an array of users, who must exist) and `exclusive` (true: no other members; default
    /// false). Fails when a member is missing or the number is taken.
    ///
    /// ```rhai
    /// group::present("web", #{ gid: 5000, members: ["ada"] });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn present(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "group::present", name, want)
    }

    /// Keeps a group.
    #[rhai_fn(name = "present", return_raw)]
    pub fn present_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "group::present", name, Map::new())
    }

    /// Keeps a group from existing.
    ///
    /// `want` takes the common arguments only. Fails while the group is some user's primary one.
    ///
    /// ```rhai
    /// group::absent("old", #{});
    /// ```
    #[rhai_fn(return_raw)]
    pub fn absent(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "group::absent", name, want)
    }

    /// Keeps a group from existing.
    #[rhai_fn(name = "absent", return_raw)]
    pub fn absent_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "group::absent", name, Map::new())
    }
}
