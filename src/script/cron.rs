//! `cron::`

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map};

/// Crontabs of users.
#[export_module]
pub mod cron {
    /// Keeps one job in the crontab of a user, below a comment that holds its name.
    ///
    /// `want` takes
    /// - `command` (one line; cron gives it to `sh`, and a `%` in it means a newline unless it is written `\%`);
    /// - `user` (default `"root"`);
    /// - `at` (`"@daily"`, `"@reboot"` and so on), or any of `minute`, `hour`, `day`, `month`, `weekday`: numbers or texts
    ///   such as `"*/15"`, `"mon-fri"`; one left out is `*`;
    /// - `env` (map): variables above the line; they hold for all lines below, hence the job goes to the end;
    /// - `present` (boolean, default true).
    ///
    /// The rest of the crontab is not touched. Fails when the host has no `crontab`.
    ///
    /// ```rhai
    /// cron::job("backup", #{ command: "/usr/local/bin/backup", user: "app", hour: 3, minute: 30 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn job(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "cron::job", name, want)
    }
}
