//! Command lines of apk.

use super::manager::Options;
use crate::remote::{Command, quote};

/// A change: `verb` is `add`, `add --upgrade`, `del --purge`, `upgrade`.
///
/// Spec: apk(8) `--wait` in seconds.
pub fn change(verb: &str, words: &[String], options: &Options, update: bool) -> Command {
    let cache = if update { " --update-cache" } else { "" };
    line(&format!("apk --wait {}{cache}", options.lock_wait), verb, words)
}

/// What the same change would do.
pub fn simulate(verb: &str, words: &[String]) -> Command {
    line("apk --simulate", verb, words)
}

fn line(start: &str, verb: &str, words: &[String]) -> Command {
    Command::script(words.iter().fold(format!("{start} {verb}"), |line, word| format!("{line} {}", quote(word))))
}

/// Reads the package lists anew.
pub fn update_script(lock_wait: u64) -> String {
    format!("apk --wait {lock_wait} update")
}

/// Names each index that differs from what its repository offers; see [`super::metadata`].
pub fn stale_script() -> Command {
    Command::script(
        "d=$(mktemp -d) || exit 1\ntrap 'rm -rf \"$d\"' EXIT\n\
         apk --cache-dir \"$d\" update >/dev/null || exit 1\n\
         for f in \"$d\"/APKINDEX.*; do\n[ -f \"$f\" ] || continue\nverdict=stale\n\
         for c in /etc/apk/cache /var/cache/apk; do\n\
         cmp -s \"$f\" \"$c/${f##*/}\" && verdict=same\ndone\n\
         echo \"$verdict ${f##*/}\"\ndone",
    )
}
