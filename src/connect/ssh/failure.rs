//! What ssh says when it cannot log in, and what to do about it.

use crate::remote::ShellError;

/// A reason and a hint from ssh's messages; `host` is what people type behind `ssh` to go the same way.
pub(super) fn explain(said: &str, host: &str) -> (String, Option<String>) {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let find = |words: &str| lines.iter().rev().find(|line| line.contains(words)).copied();
    if find("REMOTE HOST IDENTIFICATION HAS CHANGED").is_some() {
        let place = find("Offending").and_then(|line| line.rsplit(' ').next()).unwrap_or("known_hosts");
        return (
            format!("its host key is not the one in `{place}`"),
            Some(format!(
                "an attack, or a new installation; if the latter: take that line out, then `ssh {host}` once"
            )),
        );
    }
    if find("Host key verification failed").is_some() || find("No ED25519 host key is known").is_some() {
        return (
            "its host key is not known".to_owned(),
            Some(format!("`ssh {host}` once, and compare its fingerprint")),
        );
    }
    for (words, hint) in HINTS {
        if let Some(line) = find(words) {
            return (plain(line), Some(hint.replace("HOST", host)));
        }
    }
    let last = lines.iter().rev().find(|line| !line.contains("kex_exchange_identification")).or(lines.last());
    let reason = last.map_or_else(|| "`ssh` failed without a word".to_owned(), |line| plain(line));
    (reason, Some(format!("`ssh -v {host}` tells more")))
}

/// The login worked, and then no shell answered.
pub(in crate::connect) fn no_shell(said: &str, host: &str) -> ShellError {
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
    ShellError::Unreachable {
        reason: last.map_or_else(|| "the login gives no shell".to_owned(), |line| format!("no shell: {line}")),
        hint: Some(format!(
            "`ssh {host} sh` must start a shell: no `ForceCommand`, and a login shell that runs commands"
        )),
    }
}

const HINTS: &[(&str, &str)] = &[
    ("UNPROTECTED PRIVATE KEY FILE", "`chmod 600` the key file"),
    (
        "Permission denied (",
        "does `ssh HOST` work? `ssh-add -l` lists the keys of the agent, `ssh -v HOST` those it tries",
    ),
    ("Too many authentication failures", "name the key: `key: ~/.ssh/id_ed25519`"),
    ("Could not resolve hostname", "is `address` in the inventory right, or an alias of ssh_config missing?"),
    ("Connection refused", "does its sshd run, and on this `port`?"),
    ("No route to host", "is the host up and its network reachable from here?"),
    ("Network is unreachable", "is the host's network reachable from here?"),
    ("timed out", "is the host up? for a slow one raise `connect_timeout`"),
    ("Connection closed by", "its sshd ended the login: its log tells why (`MaxStartups`, `AllowUsers`)"),
    ("Connection reset by", "its sshd ended the login: its log tells why (`MaxStartups`, `AllowUsers`)"),
    ("Bad configuration option", "ssh names the file and line"),
    ("Can't open user config file", "is `ssh_config` in the inventory right?"),
];

/// As a fragment: without the program's name.
fn plain(line: &str) -> String {
    line.strip_prefix("ssh: ").unwrap_or(line).trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn names_the_line_of_a_changed_host_key() {
        let said = "@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\n@@@\nIT IS POSSIBLE\n\
            Offending ED25519 key in /home/a/.ssh/known_hosts:3\nHost key verification failed.\n";
        let (reason, hint) = explain(said, "-p 2222 web");
        assert_eq!(reason, "its host key is not the one in `/home/a/.ssh/known_hosts:3`");
        assert!(hint.expect("a hint").contains("`ssh -p 2222 web` once"));
    }

    #[test]
    fn gives_the_message_that_matters_and_a_hint() {
        let said = "Warning: Permanently added '[127.0.0.1]:99' (ED25519).\na@b: Permission denied (publickey).\r\n";
        assert_eq!(explain(said, "b").0, "a@b: Permission denied (publickey)");
        let said = "ssh: Could not resolve hostname nope: Name or service not known\n";
        assert_eq!(explain(said, "nope").0, "Could not resolve hostname nope: Name or service not known");
        let (reason, hint) = explain("", "b");
        assert_eq!((reason.as_str(), hint.as_deref()), ("`ssh` failed without a word", Some("`ssh -v b` tells more")));
    }
}
