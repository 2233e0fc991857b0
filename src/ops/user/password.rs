//! What must happen to a password field.

use super::tools::Tools;
use crate::event::Sign;
use crate::ops::resource::Password;
use crate::ops::{Change, OpError};
use crate::secret::{RevealError, reveal};
use sha2::{Digest, Sha256};

/// What is wanted of a password field.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// A hash as crypt(5) gives it; may be a secret token.
    pub hash: Option<&'a str>,
    /// Locked or not.
    pub lock: Option<bool>,
}

/// The changes to `name`'s password field.
///
/// # Errors
/// [`OpError::Refused`] when the field cannot be read, or the wanted state would let anybody in.
pub fn changes(tools: Tools, name: &str, wanted: Wanted<'_>, seen: &Password) -> Result<Vec<Change>, OpError> {
    let (locked, digest) = match seen {
        Password::Unreadable => {
            return Err(OpError::refused_with("only root may read passwords", "act as root: `sudo: true`"));
        }
        Password::Empty => (false, None),
        // A new account gets a lock and no hash.
        Password::Missing => (true, None),
        Password::Field { locked, digest } => (*locked, digest.as_deref()),
    };
    let Some(hash) = wanted.hash else {
        return lock_only(tools, name, wanted.lock, locked, digest);
    };
    let wanted_digest = digest_of(hash)?;
    // A fresh account is locked because it has no password; a lock over a hash was somebody's decision.
    let lock = wanted.lock.unwrap_or(locked && digest.is_some());
    if digest == Some(wanted_digest.as_str()) {
        return lock_only(tools, name, Some(lock), locked, digest);
    }
    let field = format!("{}{hash}", if lock { "!" } else { "" });
    let text = if lock { "password, locked" } else { "password" };
    let state = Password::Field { locked: lock, digest: Some(wanted_digest) };
    Ok(vec![Change::new(Sign::Update, text).run(tools.password(name, &field)).makes(name, state)])
}

fn lock_only(
    tools: Tools,
    name: &str,
    lock: Option<bool>,
    locked: bool,
    digest: Option<&str>,
) -> Result<Vec<Change>, OpError> {
    let Some(lock) = lock.filter(|lock| *lock != locked) else { return Ok(Vec::new()) };
    if !lock && digest.is_none() {
        return Err(OpError::refused_with(
            format!("unlocking `{name}`, who has no password, would let anybody in"),
            "give `password` too",
        ));
    }
    let text = if lock { "lock password" } else { "unlock password" };
    let state = Password::Field { locked: lock, digest: digest.map(str::to_owned) };
    Ok(vec![Change::new(Sign::Update, text).run(tools.lock(name, lock)).makes(name, state)])
}

fn digest_of(hash: &str) -> Result<String, OpError> {
    let plain = reveal(hash).map_err(|error| match error {
        RevealError::Unknown(what) => OpError::Unknown(what),
        error => OpError::refused(error.to_string()),
    })?;
    let des = plain.len() == 13 && plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'/');
    let modular = plain.starts_with('$') && plain.matches('$').count() >= 3;
    let clean = !plain.contains(|c: char| c == ':' || c.is_whitespace() || c.is_control());
    if !clean || !(des || modular) {
        return Err(OpError::refused_with(
            "argument `password` is no crypt(5) hash",
            "make one with `openssl passwd -6` or `mkpasswd`",
        ));
    }
    Ok(Sha256::digest(plain.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Step;
    use crate::secret::conceal;

    const HASH: &str = "$6$salt$hash";

    fn plan(wanted: Wanted<'_>, seen: &Password) -> Result<Vec<String>, String> {
        let changes = changes(Tools::Shadow, "ops", wanted, seen).map_err(|error| error.to_string())?;
        Ok(changes.into_iter().map(|change| change.text).collect())
    }

    #[test]
    fn an_equal_hash_under_a_lock_is_left_alone() {
        let digest = digest_of(HASH).expect("a hash");
        let seen = Password::Field { locked: true, digest: Some(digest) };
        assert_eq!(plan(Wanted { hash: Some(HASH), lock: None }, &seen), Ok(vec![]));
        assert_eq!(plan(Wanted { hash: Some(HASH), lock: Some(false) }, &seen), Ok(vec!["unlock password".into()]));
    }

    #[test]
    fn unlocking_without_a_password_is_refused() {
        let seen = Password::Field { locked: true, digest: None };
        assert!(plan(Wanted { hash: None, lock: Some(false) }, &seen).is_err_and(|error| error.contains("anybody")));
        assert_eq!(plan(Wanted { hash: None, lock: Some(true) }, &Password::Empty), Ok(vec!["lock password".into()]));
    }

    #[test]
    fn a_secret_hash_travels_by_stdin_only() {
        let token = conceal(HASH).to_string();
        let wanted = Wanted { hash: Some(&token), lock: Some(true) };
        for tools in [Tools::Shadow, Tools::Bare] {
            let changes = changes(tools, "ops", wanted, &Password::Missing).expect("a change");
            let Step::Run(command) = &changes[0].steps[0] else { panic!("a command") };
            let stdin = String::from_utf8(command.stdin.clone().expect("stdin")).expect("text");
            assert!(stdin.ends_with(&format!("!{token}\n")), "{stdin:?}");
            assert!(!command.render().expect("no token on the line").contains(HASH));
        }
    }

    #[test]
    fn a_plain_password_is_refused_without_showing_it() {
        let error = plan(Wanted { hash: Some("hunter2"), lock: None }, &Password::Empty).expect_err("no hash");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
