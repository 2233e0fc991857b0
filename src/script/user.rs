//! `user::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Accounts: users, their passwords and keys.
#[export_module]
pub mod user {
    /// Keeps a user with these properties.
    ///
    /// `want` takes `uid` (number), `group` (primary group, by name; one named like the user is made for a new user),
    /// `groups` (a text or an array: groups to be a member of; they must exist), `append` (false: of no other groups;
    /// default true), `shell` (path), `home` (path; content is not moved), `create_home` (default true, false for
    /// `system`; given as true, a missing home of an existing user is made), `system` (a number from the range of
    /// system accounts; for new users only), `comment`, `password` (a crypt(5) hash as `openssl passwd -6` makes it;
    /// may be a secret), `password_lock` (true: no password fits; false: unlocked), `keys` (public keys for
    /// `~/.ssh/authorized_keys`), `exclusive_keys` (true: no other keys; default false) and `unique` (false: `uid` may
    /// belong to others too). What is left out is not touched.
    /// Fails when a group is missing, when unlocking would let anybody in, or when a password is to be compared by
    /// another user than root. Works with shadow-utils and on a bare busybox.
    ///
    /// ```rhai
    /// user::present("ada", #{ groups: ["sudo"], shell: "/bin/bash", keys: "ssh-ed25519 AAAA... ada@laptop" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn present(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "user::present", name, want)
    }

    /// Keeps a user, with the defaults of the host.
    #[rhai_fn(name = "present", return_raw)]
    pub fn present_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "user::present", name, Map::new())
    }

    /// Keeps a user from existing.
    ///
    /// `want` takes `remove_home` (true: the home directory is removed with everything in it; default false).
    /// Fails while a process of the user runs.
    ///
    /// ```rhai
    /// user::absent("mallory", #{ remove_home: true });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn absent(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "user::absent", name, want)
    }

    /// Keeps a user from existing; a home directory stays.
    #[rhai_fn(name = "absent", return_raw)]
    pub fn absent_plain(ctx: NativeCallContext, name: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "user::absent", name, Map::new())
    }

    /// Keeps public keys in a user's `~/.ssh/authorized_keys`.
    ///
    /// `want` takes `keys` (a text or an array; each text may hold several lines) and `exclusive` (true: all other
    /// keys are removed, comments stay; default false). A key is the same under other options and comments: its line
    /// is then replaced. Fails when the user is missing, when a line is no key, or when `~/.ssh` is a link.
    ///
    /// ```rhai
    /// user::keys("deploy", #{ keys: ["ssh-ed25519 AAAA... ci", "ssh-ed25519 AAAA... ada"], exclusive: true });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn keys(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "user::keys", name, want)
    }
}
