//! Lists of keys for `authorized_keys`.
//!
//! Spec: sshd(8), "AUTHORIZED_KEYS FILE FORMAT".

use super::SshError;
use ssh_key::PublicKey;

/// One list of several: each key stands once, where it came first, on a line of its own, whatever the texts end with.
///
/// # Errors
/// The first line that is neither a key nor a comment; each text comes with what to call it.
pub fn authorized_keys<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<String, SshError> {
    let mut known: Vec<PublicKey> = Vec::new();
    let mut list = String::new();
    for (what, text) in texts {
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = key_of(line)
                .ok_or_else(|| SshError::new(format!("line {} of {what} is no public key of OpenSSH", number + 1)))?;
            if known.iter().any(|other| other.key_data() == key.key_data()) {
                continue;
            }
            known.push(key);
            list.push_str(line);
            list.push('\n');
        }
    }
    Ok(list)
}

/// The key of a line, behind options that may have blanks in quotes.
fn key_of(line: &str) -> Option<PublicKey> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    words.windows(2).find_map(|pair| PublicKey::from_openssh(&pair.join(" ")).ok())
}
