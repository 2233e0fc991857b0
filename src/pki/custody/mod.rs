//! Keys of authorities stay in the project: who else would have one is told so, by whatever name it comes.

mod found;
mod public;

pub use public::Public;

use super::ssh::Ssh;
use super::{Pki, PkiError};
use crate::secret::{Inspect, SecretError};
use found::private_keys;
use std::error::Error;
use std::path::{Path, PathBuf};

/// Knows the authorities of some projects by their public keys. Those are read when a private key turns up, as they are
/// then: a run may make authorities itself.
pub struct Custody {
    roots: Vec<PathBuf>,
}

/// Files that are larger hold more than a key, and are not looked at.
const LARGEST: u64 = 64 * 1024;

impl Custody {
    /// Of a project, and in a rollback of the one that it is done in, too.
    pub fn of_projects(roots: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut roots: Vec<PathBuf> = roots.into_iter().collect();
        roots.dedup();
        Self { roots }
    }

    /// Refuses a file of this machine that holds the private key of an authority in clear.
    ///
    /// # Errors
    /// Which authority it is, and what to do.
    pub fn inspect_file(&self, path: &Path, shown: &str) -> Result<(), SecretError> {
        let is_small = std::fs::metadata(path).is_ok_and(|seen| seen.is_file() && seen.len() <= LARGEST);
        // One that cannot be read is told by those who send it.
        let Some(bytes) = is_small.then(|| std::fs::read(path).ok()).flatten().map(zeroize::Zeroizing::new) else {
            return Ok(());
        };
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        self.refuse(text, || format!("the file `{shown}`"))
    }

    fn refuse(&self, text: &str, what: impl Fn() -> String) -> Result<(), SecretError> {
        let keys = private_keys(text);
        if keys.is_empty() {
            return Ok(());
        }
        let (known, unread) = self.authorities();
        if let Some((name, _)) = known.iter().find(|(_, public)| keys.contains(public)) {
            let error = SecretError::new(format!(
                "{} holds the key of the authority `{name}`, which stays in the project",
                what()
            ));
            return Err(error.hint("issue a certificate by it: `cert::issue`, `ssh::user_certificate`"));
        }
        match unread {
            None => Ok(()),
            Some(why) => Err(SecretError::new(format!(
                "{} holds a private key; whether it is that of an authority cannot be told",
                what()
            ))
            .hint("`rhapsode pki list` tells what is wrong in the folder `pki`")
            .because(why)),
        }
    }

    /// The public keys of all authorities with their names, and why that is not all.
    fn authorities(&self) -> (Vec<(String, Public)>, Option<Unread>) {
        let (mut known, mut unread) = (Vec::new(), None);
        for root in &self.roots {
            let (more, failed) = Pki::of_project(root).authority_keys();
            known.extend(more.into_iter().filter_map(|(name, spki)| Some((name, Public::of_spki(&spki)?))));
            unread = unread.or(failed.map(|error: PkiError| Unread(in_words(&error))));
            let (more, failed) = Ssh::of_project(root).authority_keys();
            let public = |(name, key): (String, ssh_key::PublicKey)| {
                Some((format!("ssh/{name}"), Public::of_ssh(key.key_data())?))
            };
            known.extend(more.into_iter().filter_map(public));
            unread = unread.or(failed.map(|error| Unread(in_words(&error))));
        }
        (known, unread)
    }
}

impl Inspect for Custody {
    fn inspect(&self, reference: &str, value: &str) -> Result<(), SecretError> {
        self.refuse(value, || format!("the secret `{reference}`"))
    }
}

/// Why the authorities are not all known.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unread(String);

fn in_words(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}
