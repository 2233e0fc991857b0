//! The lines of a known_hosts file: which belong to a host, and the file that holds the wanted ones.
//!
//! Spec: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};

/// A public key: its type and its blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// `ssh-ed25519`.
    pub kind: String,
    /// Base64.
    pub blob: String,
}

impl Key {
    /// Reads `type blob [comment]`, or a whole line of ssh-keyscan(1) with its host in front.
    ///
    /// # Errors
    /// A text that names the argument.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let is_key = |pair: &&[&str]| crate::ops::user::is_key(pair[0], pair[1]);
        match words.windows(2).find(is_key) {
            Some(pair) => Ok(Self { kind: pair[0].into(), blob: pair[1].into() }),
            None => Err(format!("argument `key`: `{text}` is no public key of OpenSSH")),
        }
    }
}

/// What ssh looks up for a host at a port.
pub fn name(host: &str, port: u16) -> String {
    if port == 22 { host.to_ascii_lowercase() } else { format!("[{}]:{port}", host.to_ascii_lowercase()) }
}

/// The lines of one host: those with its own keys, or those with the keys of authorities that certify it.
#[derive(Debug, Clone)]
pub struct Lines {
    /// As [`name`] gives it; for authorities it may be a pattern.
    pub host: String,
    /// True for lines with `@cert-authority`.
    pub authority: bool,
    /// True when names of new lines are hashed.
    pub hash: bool,
}

const AUTHORITY: &str = "@cert-authority";

impl Lines {
    /// The line of a key, with its end. A hashed name has the same form each time, so that a plan can foretell it.
    pub fn line(&self, key: &Key) -> String {
        let marker = if self.authority { "@cert-authority " } else { "" };
        let host = if self.hash { hashed(&self.host, &key.blob) } else { self.host.clone() };
        format!("{marker}{host} {} {}\n", key.kind, key.blob)
    }
}

/// As ssh(1) hashes names; the salt hides no more than the digest beside it.
fn hashed(host: &str, blob: &str) -> String {
    let salt = Sha1::digest(format!("{host} {blob}"));
    let mut mac = Hmac::<Sha1>::new_from_slice(&salt).expect("HMAC takes keys of any length");
    mac.update(host.as_bytes());
    format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(mac.finalize().into_bytes()))
}

struct Line<'a> {
    names: &'a str,
    kind: &'a str,
    blob: &'a str,
}

/// A line with keys of hosts, or one with keys of authorities; those with `@revoked` are neither, and stay.
fn parse(line: &str, authority: bool) -> Option<Line<'_>> {
    let mut words = line.split_ascii_whitespace();
    let mut names = words.next()?;
    if authority {
        names = if names == AUTHORITY { words.next()? } else { return None };
    }
    match names.starts_with(['#', '@']) {
        true => None,
        false => Some(Line { names, kind: words.next()?, blob: words.next()? }),
    }
}

fn names_host(names: &str, host: &str) -> bool {
    match names.strip_prefix("|1|") {
        Some(hashed) => hash_matches(hashed, host).unwrap_or(false),
        None => names.split(',').any(|name| name.eq_ignore_ascii_case(host)),
    }
}

fn hash_matches(hashed: &str, host: &str) -> Option<bool> {
    let (salt, digest) = hashed.split_once('|')?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&STANDARD.decode(salt).ok()?).ok()?;
    mac.update(host.as_bytes());
    Some(mac.verify_slice(&STANDARD.decode(digest).ok()?).is_ok())
}

/// True when a file has any of these lines.
pub fn knows(text: &str, of: &Lines) -> bool {
    text.lines().filter_map(|line| parse(line, of.authority)).any(|line| names_host(line.names, &of.host))
}

/// The file with exactly these keys: for the types they have, where keys of other types stay, or of all authorities.
pub fn with_keys(text: &str, of: &Lines, keys: &[Key]) -> String {
    let has = |key: &Key| {
        let mut lines = text.lines().filter_map(|line| parse(line, of.authority));
        lines.any(|line| names_host(line.names, &of.host) && line.kind == key.kind && line.blob == key.blob)
    };
    let outdated = |line: &Line<'_>| match of.authority {
        true => !keys.iter().any(|key| key.blob == line.blob),
        false => keys.iter().any(|key| key.kind == line.kind && key.blob != line.blob),
    };
    let mut after = remove(text, of, &outdated);
    for key in keys.iter().filter(|key| !has(key)) {
        if !after.is_empty() && !after.ends_with('\n') {
            after.push('\n');
        }
        after.push_str(&of.line(key));
    }
    after
}

/// The file without any of these lines.
pub fn without(text: &str, of: &Lines) -> String {
    remove(text, of, &|_| true)
}

/// A line that names several hosts loses only this one.
fn remove(text: &str, of: &Lines, which: &dyn Fn(&Line<'_>) -> bool) -> String {
    let mut after = String::new();
    for line in text.split_inclusive('\n') {
        match parse(line, of.authority) {
            Some(parsed) if names_host(parsed.names, &of.host) && which(&parsed) => {
                let others: Vec<&str> =
                    parsed.names.split(',').filter(|name| !name.eq_ignore_ascii_case(&of.host)).collect();
                if !parsed.names.starts_with('|') && !others.is_empty() {
                    let marked = line.trim_start().strip_prefix(AUTHORITY).filter(|_| of.authority);
                    after.push_str(if of.authority { "@cert-authority " } else { "" });
                    after.push_str(&others.join(","));
                    let named = marked.unwrap_or(line).trim_start();
                    after.push_str(named.strip_prefix(parsed.names).unwrap_or_default());
                }
            }
            _ => after.push_str(line),
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIGdtc29tZXRoaW5ndGhhdGlzMzJieXRlc2xvbmch";
    const OTHER: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIGFub3RoZXJrZXl0aGF0aXMzMmJ5dGVzbG9uZyEh";

    fn key(blob: &str) -> Key {
        Key { kind: "ssh-ed25519".into(), blob: blob.into() }
    }

    fn of(host: &str) -> Lines {
        Lines { host: host.into(), authority: false, hash: false }
    }

    #[test]
    fn a_hashed_name_is_recognised() {
        // As `ssh-keygen -H` made it of `git.example`.
        let mut mac = Hmac::<Sha1>::new_from_slice(b"saltsaltsaltsaltsalt").expect("any length");
        mac.update(b"git.example");
        let digest = STANDARD.encode(mac.finalize().into_bytes());
        let line = format!("|1|{}|{digest} ssh-ed25519 {KEY}\n", STANDARD.encode("saltsaltsaltsaltsalt"));
        assert!(knows(&line, &of("git.example")));
        assert!(!knows(&line, &of("git.example.org")));
        assert_eq!(with_keys(&line, &of("git.example"), &[key(KEY)]), line);
        assert_eq!(without(&line, &of("git.example")), "");
    }

    #[test]
    fn a_changed_key_replaces_the_old_one_and_leaves_neighbours() {
        let text = format!("# ours\na,b ssh-ed25519 {OTHER} c\na ssh-rsa AAAA\n@revoked a ssh-ed25519 {OTHER}");
        let after = with_keys(&text, &of("a"), &[key(KEY)]);
        let kept = format!("# ours\nb ssh-ed25519 {OTHER} c\na ssh-rsa AAAA\n@revoked a ssh-ed25519 {OTHER}\n");
        assert_eq!(after, format!("{kept}a ssh-ed25519 {KEY}\n"));
        assert_eq!(with_keys(&after, &of("a"), &[key(KEY)]), after);
    }

    #[test]
    fn keys_of_authorities_are_exactly_the_wanted_ones_and_apart_from_keys_of_hosts() {
        let text = format!("*.x ssh-ed25519 {OTHER}\n@cert-authority *.y,*.x ssh-ed25519 {OTHER} old\n");
        let lines = Lines { host: "*.x".into(), authority: true, hash: false };
        let after = with_keys(&text, &lines, &[key(KEY)]);
        let kept = format!("*.x ssh-ed25519 {OTHER}\n@cert-authority *.y ssh-ed25519 {OTHER} old\n");
        assert_eq!(after, format!("{kept}@cert-authority *.x ssh-ed25519 {KEY}\n"));
        assert_eq!(with_keys(&after, &lines, &[key(KEY)]), after);
        assert_eq!(without(&after, &lines), kept);
    }

    #[test]
    fn a_name_that_we_hash_is_recognised() {
        let lines = Lines { hash: true, ..of("git.example") };
        let after = with_keys("", &lines, &[key(KEY)]);
        assert!(!after.contains("git") && knows(&after, &lines), "{after}");
        assert_eq!(with_keys(&after, &lines, &[key(KEY)]), after);
    }

    #[test]
    fn a_line_of_keyscan_is_a_key() {
        assert_eq!(Key::parse(&format!("[h]:22 ssh-ed25519 {KEY}")), Ok(key(KEY)));
        assert!(Key::parse("ssh-ed25519 AAAA").is_err());
        assert_eq!(name("Git.Example", 2222), "[git.example]:2222");
    }
}
