//! What a container looks like, one line a path, account and unit: for tests that nothing may have changed.

use std::collections::BTreeSet;

/// Prints the lines, run with `sh` inside; below the paths it is given, or for the whole container.
///
/// Logs, runtime state and what timers write are left out: they change by themselves.
///
/// Of packages' own folders the whole digest takes size and ctime instead of a hash: a quarter of a gigabyte
/// read again for every test, and nothing changes a file without its ctime.
pub const SCRIPT: &str = r#"
vendor='-path /none'
skip='-path /proc -o -path /sys -o -path /dev -o -path /run -o -path /var/log -o -path /var/lib/systemd'
if [ $# = 0 ]; then
    set -- /
    vendor='-path /usr/bin -o -path /usr/sbin -o -path /usr/lib -o -path /usr/share'
    sed 's/^/account: /' /etc/passwd /etc/group
    if command -v systemctl >/dev/null; then
        systemctl list-unit-files --no-legend --no-pager | sed 's/^/unit file: /'
        systemctl list-units --all --plain --no-legend --no-pager --type=service,timer,socket |
            grep -v -e '^systemd-' -e '^user' -e '^session' | sed 's/^/unit: /'
    fi
    find /usr/bin /usr/sbin /usr/lib /usr/share -xdev -exec stat -c '%n %F %u:%g %a %s %Z' {} + 2>/dev/null
fi
find "$@" -xdev '(' $skip -o $vendor ')' -prune -o -exec stat -c '%N %F %u:%g %a' {} +
find "$@" -xdev '(' $skip -o $vendor ')' -prune -o -type f -exec sha256sum {} +
"#;

/// The lines, in no order of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest(BTreeSet<String>);

impl Digest {
    /// Takes the output of [`SCRIPT`].
    pub fn parse(text: &str) -> Self {
        Self(text.lines().map(str::to_owned).collect())
    }

    /// What is different later on: `-` before, `+` after.
    pub fn changes(&self, after: &Digest) -> Vec<String> {
        let gone = self.0.difference(&after.0).map(|line| format!("- {line}"));
        let new = after.0.difference(&self.0).map(|line| format!("+ {line}"));
        gone.chain(new).collect()
    }

    /// Panics when anything is different later on.
    #[track_caller]
    pub fn assert_same(&self, after: &Digest) {
        let changes = self.changes(after);
        assert!(changes.is_empty(), "the container changed:\n{}", changes.join("\n"));
    }
}
