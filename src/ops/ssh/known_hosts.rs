//! The lines of a known_hosts file: which belong to a host, and the file that holds the wanted ones.
//!
//! Spec: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

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

struct Line<'a> {
    names: &'a str,
    kind: &'a str,
    blob: &'a str,
}

/// Lines with a marker (`@cert-authority`, `@revoked`) are no plain keys and stay as they are.
fn parse(line: &str) -> Option<Line<'_>> {
    let mut words = line.split_ascii_whitespace();
    let names = words.next().filter(|word| !word.starts_with(['#', '@']))?;
    Some(Line { names, kind: words.next()?, blob: words.next()? })
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

/// True when a file has any key of a host.
pub fn knows(text: &str, host: &str) -> bool {
    text.lines().filter_map(parse).any(|line| names_host(line.names, host))
}

/// The file with exactly these keys for the types they have; keys of other types stay.
pub fn with_keys(text: &str, host: &str, keys: &[Key]) -> String {
    let has = |key: &Key| {
        let mut lines = text.lines().filter_map(parse);
        lines.any(|line| names_host(line.names, host) && line.kind == key.kind && line.blob == key.blob)
    };
    let outdated = |line: &Line<'_>| keys.iter().any(|key| key.kind == line.kind && key.blob != line.blob);
    let mut after = remove(text, host, &outdated);
    for key in keys.iter().filter(|key| !has(key)) {
        if !after.is_empty() && !after.ends_with('\n') {
            after.push('\n');
        }
        after.push_str(&format!("{host} {} {}\n", key.kind, key.blob));
    }
    after
}

/// The file without any key of a host.
pub fn without(text: &str, host: &str) -> String {
    remove(text, host, &|_| true)
}

/// A line that names several hosts loses only this one.
fn remove(text: &str, host: &str, which: &dyn Fn(&Line<'_>) -> bool) -> String {
    let mut after = String::new();
    for line in text.split_inclusive('\n') {
        match parse(line) {
            Some(parsed) if names_host(parsed.names, host) && which(&parsed) => {
                let others: Vec<&str> =
                    parsed.names.split(',').filter(|name| !name.eq_ignore_ascii_case(host)).collect();
                if !parsed.names.starts_with('|') && !others.is_empty() {
                    after.push_str(&others.join(","));
                    after.push_str(line.trim_start().strip_prefix(parsed.names).unwrap_or_default());
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

    #[test]
    fn a_hashed_name_is_recognised() {
        // As `ssh-keygen -H` made it of `git.example`.
        let mut mac = Hmac::<Sha1>::new_from_slice(b"saltsaltsaltsaltsalt").expect("any length");
        mac.update(b"git.example");
        let digest = STANDARD.encode(mac.finalize().into_bytes());
        let line = format!("|1|{}|{digest} ssh-ed25519 {KEY}\n", STANDARD.encode("saltsaltsaltsaltsalt"));
        assert!(knows(&line, "git.example"));
        assert!(!knows(&line, "git.example.org"));
        assert_eq!(with_keys(&line, "git.example", &[key(KEY)]), line);
        assert_eq!(without(&line, "git.example"), "");
    }

    #[test]
    fn a_changed_key_replaces_the_old_one_and_leaves_neighbours() {
        let text = format!("# ours\na,b ssh-ed25519 {OTHER} c\na ssh-rsa AAAA\n@revoked a ssh-ed25519 {OTHER}");
        let after = with_keys(&text, "a", &[key(KEY)]);
        let kept = format!("# ours\nb ssh-ed25519 {OTHER} c\na ssh-rsa AAAA\n@revoked a ssh-ed25519 {OTHER}\n");
        assert_eq!(after, format!("{kept}a ssh-ed25519 {KEY}\n"));
        assert_eq!(with_keys(&after, "a", &[key(KEY)]), after);
    }

    #[test]
    fn a_line_of_keyscan_is_a_key() {
        assert_eq!(Key::parse(&format!("[h]:22 ssh-ed25519 {KEY}")), Ok(key(KEY)));
        assert!(Key::parse("ssh-ed25519 AAAA").is_err());
        assert_eq!(name("Git.Example", 2222), "[git.example]:2222");
    }
}
