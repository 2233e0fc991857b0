//! Command lines of apt.

use super::manager::Options;
use crate::remote::{Command, quote};

/// Variables under which nothing asks a question or restarts services on its own.
pub fn environment(command: Command) -> Command {
    [
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("APT_LISTCHANGES_FRONTEND", "none"),
        ("NEEDRESTART_SUSPEND", "1"),
        ("UCF_FORCE_CONFFOLD", "1"),
        ("LC_ALL", "C"),
    ]
    .into_iter()
    .fold(command, |command, (key, value)| command.env(key, value))
}

/// `apt-get` with what every change needs: waits for dpkg's lock, keeps edited configuration files.
///
/// Spec: apt.conf(5) `DPkg::Lock::Timeout` in seconds (apt 1.9.11); dpkg(1) `--force-confdef`, `--force-confold`.
fn apt_get(options: &Options) -> String {
    let mut words = format!(
        "apt-get -y -q -o DPkg::Lock::Timeout={} -o Dpkg::Options::=--force-confdef \
         -o Dpkg::Options::=--force-confold",
        options.lock_wait
    );
    match options.recommends {
        Some(true) => words.push_str(" --install-recommends"),
        Some(false) => words.push_str(" --no-install-recommends"),
        None => {}
    }
    if options.allow_downgrade {
        words.push_str(" --allow-downgrades");
    }
    words
}

/// A change: `verb` is `install`, `remove --purge`, `dist-upgrade`.
pub fn change(verb: &str, words: &[String], options: &Options, update: bool) -> Command {
    let line = line(&apt_get(options), verb, words);
    let script = if update { format!("{} && {line}", update_script(options.lock_wait, false)) } else { line };
    environment(Command::script(script))
}

/// What the same change would do; needs neither root nor the lock.
pub fn simulate(verb: &str, words: &[String], options: &Options) -> Command {
    environment(Command::script(line(&format!("{} -s", apt_get(options)), verb, words)))
}

fn line(start: &str, verb: &str, words: &[String]) -> String {
    words.iter().fold(format!("{start} {verb}"), |line, word| format!("{line} {}", quote(word)))
}

/// Reads the package lists anew. apt itself waits for dpkg's lock, not for that of the lists.
///
/// `strict` makes a list that cannot be fetched an error, where apt goes on with the old one.
pub fn update_script(lock_wait: u64, strict: bool) -> String {
    let mode = if strict { " -o APT::Update::Error-Mode=any" } else { "" };
    format!(
        "( n=0; until e=$(apt-get -q{mode} update 2>&1 >/dev/null); do\n\
         case $e in *'ould not get lock'*|*'nable to lock'*) \
         [ $n -lt {lock_wait} ] && {{ n=$((n+1)); sleep 1; continue; }};; esac\n\
         printf '%s\\n' \"$e\" >&2; exit 100\ndone; touch /var/lib/apt/lists )"
    )
}

/// Names each repository whose lists are older than what it offers; see [`super::metadata`].
///
/// `apt-helper` fetches as apt would, with its proxies and keys. A signed repository has `InRelease`, an unsigned
/// one `Release`, a bare one only `Packages`. Lists of `file:` repositories are links to what they offer, so that
/// only their age tells.
pub fn stale_script() -> Command {
    environment(Command::script(
        "d=$(mktemp -d) || exit 1\ntrap 'rm -rf \"$d\"' EXIT\nchmod 755 \"$d\"\n\
         apt-get update --print-uris > \"$d/uris\" || exit 1\n\
         while read -r uri file rest; do\n\
         uri=${uri#\\'}; uri=${uri%\\'}; verdict=stale\n\
         case $uri in */InRelease) ;; *) continue ;; esac\n\
         for kind in InRelease Release Packages; do\n\
         rm -f \"$d/got\"\n\
         /usr/lib/apt/apt-helper download-file \"${uri%InRelease}$kind\" \"$d/got\" </dev/null >/dev/null 2>&1 || continue\n\
         cmp -s \"$d/got\" \"/var/lib/apt/lists/${file%InRelease}$kind\" && verdict=same\n\
         l=/var/lib/apt/lists/${file%InRelease}$kind\n\
         [ -L \"$l\" ] && [ \"$l\" -nt /var/lib/apt/lists ] && verdict=stale\n\
         break\ndone\n\
         echo \"$verdict ${uri%/InRelease}\"\ndone < \"$d/uris\"",
    ))
}
