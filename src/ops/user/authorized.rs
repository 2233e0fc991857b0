//! `~/.ssh/authorized_keys`: which keys it holds, and the file that holds the wanted ones.

use super::make_folder;
use crate::event::Sign;
use crate::ops::args::Many;
use crate::ops::file::{SmallFile, Whole};
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{User, UserEntry, parent};
use crate::ops::{Change, OpError};
use base64::Engine;

/// Splits texts with one key a line into keys, and refuses what is none.
///
/// # Errors
/// A text that names the argument.
///
/// Spec: sshd(8), "AUTHORIZED_KEYS FILE FORMAT"; the blob begins with its type, RFC 4253, 6.6.
pub fn wanted(keys: &Many) -> Result<Vec<String>, String> {
    let lines = keys.0.iter().flat_map(|text| text.lines()).map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keep = |line: &str| match blob(line) {
        Some(_) => Ok(line.to_owned()),
        None => Err(format!("argument `keys`: {} is no public key of OpenSSH", shortened(line))),
    };
    lines.map(keep).collect()
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(40) {
        Some((end, _)) => format!("`{}…`", &line[..end]),
        None => format!("`{line}`"),
    }
}

/// The key itself, in base64: what makes two lines the same key whatever their options and comments.
pub fn blob(line: &str) -> Option<&str> {
    let mut before = "";
    for word in line.split_ascii_whitespace() {
        if is_blob_of(word, before) {
            return Some(word);
        }
        before = word;
    }
    None
}

/// True when the blob begins with this type.
pub fn is_blob_of(word: &str, kind: &str) -> bool {
    let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(word) else { return false };
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return false };
    let length = u32::from_be_bytes(*length) as usize;
    !kind.is_empty() && rest.get(..length) == Some(kind.as_bytes())
}

/// Each key of a call is a thing of its own: others may add more.
pub fn managed<'a>(args: &'a Args<'a>, user: &'a str) -> impl Iterator<Item = Managed> + 'a {
    let keys = args.texts("keys").into_iter().flat_map(str::lines).filter_map(|line| Some((line, blob(line)?)));
    keys.map(move |(line, blob)| {
        let tail = &blob[blob.len().saturating_sub(16)..];
        let comment = line.split(blob).nth(1).unwrap_or_default();
        let key = args.thing("key", format!("{user}: …{tail}{comment}")).state("present");
        key.aspect("user", user).aspect("blob", blob).reads::<User>(user)
    })
}

/// The path of a user's file.
pub fn path(home: &str) -> String {
    format!("{}/.ssh/authorized_keys", home.trim_end_matches('/'))
}

/// The change that makes a user's file hold the wanted keys, and with `exclusive` no others.
///
/// # Errors
/// As [`SmallFile::text`].
pub fn change(
    user: &str,
    account: &UserEntry,
    keys: &[String],
    exclusive: bool,
    seen: &SmallFile,
) -> Result<Option<Change>, OpError> {
    let before = seen.text()?;
    let after = merged(&before, keys, exclusive);
    // sshd ignores a file that others may write: sshd_config(5), StrictModes.
    let is_safe = match seen.mode() {
        Some(mode) => mode & 0o022 == 0 && seen.belongs_to(user)?,
        None => keys.is_empty(),
    };
    if after == before && is_safe {
        return Ok(None);
    }
    let sign = if seen.is_absent() { Sign::Create } else { Sign::Update };
    let change = Change::new(sign, described(&before, &after)).run(make_folder(user, &account.group, &account.home));
    let change = seen.folder_made(change.touching([parent(seen.path())]), 0o700, Some((user, &account.group)));
    let mode = seen.mode().map_or(0o600, |mode| mode & 0o755);
    seen.put(change, &Whole::new(after, mode, user, &account.group)).map(Some)
}

fn merged(before: &str, keys: &[String], exclusive: bool) -> String {
    let wanted = |line: &str| keys.iter().find(|key| blob(key) == blob(line));
    let mut placed: Vec<&str> = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    for line in before.lines() {
        let is_key = !line.trim_start().starts_with('#') && blob(line).is_some();
        match wanted(line) {
            Some(key) if is_key && placed.contains(&key.as_str()) => {}
            Some(key) if is_key => {
                placed.push(key);
                lines.push(key);
            }
            _ if is_key && exclusive => {}
            _ => lines.push(line),
        }
    }
    lines.extend(keys.iter().map(String::as_str).filter(|key| !placed.contains(key)));
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn described(before: &str, after: &str) -> String {
    let count = |of: &str, other: &str| of.lines().filter(|line| !other.lines().any(|same| same == *line)).count();
    match (count(after, before), count(before, after)) {
        (0, 0) if before == after => "owner and mode".to_owned(),
        (0, 0) => "keys in order".to_owned(),
        (added, 0) => format!("add {added} {}", plural(added)),
        (0, removed) => format!("remove {removed} {}", plural(removed)),
        (added, removed) => format!("add {added} and remove {removed} keys"),
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "key" } else { "keys" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGdtc29tZXRoaW5ndGhhdGlzMzJieXRlc2xvbmch a@x";
    const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFub3RoZXJrZXl0aGF0aXMzMmJ5dGVzbG9uZyEh b@x";

    #[test]
    fn a_key_is_the_same_under_other_options_and_comments() {
        let before = format!("# ours\nno-pty,command=\"ssh-ed25519 x\" {}\n", A.replace("a@x", "old"));
        assert_eq!(merged(&before, &[A.to_owned()], false), format!("# ours\n{A}\n"));
    }

    #[test]
    fn exclusive_removes_other_keys_and_keeps_comments() {
        let before = format!("# team\n{B}\n{A}\n{A}\n");
        assert_eq!(merged(&before, &[A.to_owned()], true), format!("# team\n{A}\n"));
        assert_eq!(merged(&before, &[A.to_owned()], false), format!("# team\n{B}\n{A}\n"));
        assert_eq!(merged(B, &[A.to_owned()], false), format!("{B}\n{A}\n"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(wanted(&Many(vec!["ssh-rsa AAAA me".into()])).is_err());
        assert_eq!(wanted(&Many(vec![format!("{A}\n\n# x\n{B}")])), Ok(vec![A.to_owned(), B.to_owned()]));
    }
}
