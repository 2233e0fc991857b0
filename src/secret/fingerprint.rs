//! Tells whether two secrets are the same without telling what they are.

use super::{contains_token, random, redact, reveal};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use zeroize::Zeroizing;

/// A key of the project. Whoever has a fingerprint but not the key cannot try values against it.
#[derive(Clone)]
pub struct FingerprintKey(Zeroizing<[u8; 32]>);

impl FingerprintKey {
    /// Where it is kept, from the project: beside the state, which is not in the repository.
    pub const PATH: &str = ".rhapsode/fingerprint.key";

    /// The key of a project, made when there is none; only its owner can read it.
    ///
    /// # Errors
    /// The file cannot be read or made.
    pub fn of_project(root: &Path) -> std::io::Result<Self> {
        let path = root.join(Self::PATH);
        let mut key = Zeroizing::new([0; 32]);
        if let Ok(mut file) = File::open(&path) {
            file.read_exact(&mut *key)?;
            return Ok(Self(key));
        }
        random(&mut *key);
        std::fs::create_dir_all(path.parent().expect("below the project"))?;
        // Written whole before it has its name: two processes that begin together use the same one.
        let mut draft = tempfile::NamedTempFile::new_in(path.parent().expect("below the project"))?;
        draft.write_all(&*key)?;
        match draft.persist_noclobber(&path) {
            Ok(_) => Ok(Self(key)),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Self::of_project(root),
            Err(error) => Err(error.error),
        }
    }

    /// A key from bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

fn key() -> &'static Mutex<Option<FingerprintKey>> {
    static KEY: OnceLock<Mutex<Option<FingerprintKey>>> = OnceLock::new();
    KEY.get_or_init(Mutex::default)
}

/// Says by which key fingerprints of this process are made; one of its own is used until then.
pub fn fingerprint_by(key_of_project: FingerprintKey) {
    *key().lock().unwrap_or_else(PoisonError::into_inner) = Some(key_of_project);
}

/// The keyed fingerprint of a text with its secrets in place: 128 bits of HMAC-SHA256 in hexadecimal.
///
/// Nothing when a part of it cannot be had.
pub fn fingerprint(text: &str) -> Option<String> {
    let plain = reveal(text).ok()?;
    let mut key = key().lock().unwrap_or_else(PoisonError::into_inner);
    let key = key.get_or_insert_with(|| {
        let mut own = [0; 32];
        random(&mut own);
        FingerprintKey::new(own)
    });
    let mut mac = Hmac::<Sha256>::new_from_slice(&*key.0).expect("HMAC takes keys of any length");
    mac.update(plain.as_bytes());
    Some(mac.finalize().into_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// A text as it may be kept: one with a secret in it as its fingerprint, any other as it is.
pub fn sealed(text: &str) -> String {
    if !contains_token(text) && redact(text) == text {
        return text.to_owned();
    }
    fingerprint(text).map_or_else(|| redact(text), |print| format!("secret:{print}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::conceal;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_fingerprint_tells_equal_from_different_and_hangs_on_the_key() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = FingerprintKey::of_project(dir.path()).expect("a key");
        assert_eq!(*first.0, *FingerprintKey::of_project(dir.path()).expect("the same key").0);
        let mode = std::fs::metadata(dir.path().join(FingerprintKey::PATH)).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let token = conceal("fingerprinted").to_string();
        assert_eq!(fingerprint(&token), fingerprint("fingerprinted"));
        assert_ne!(fingerprint(&token), fingerprint("fingerprinteD"));
    }

    #[test]
    fn what_holds_a_secret_is_kept_as_its_fingerprint() {
        let (one, other) = (conceal("hunter2-of-sealed"), conceal("hunter2-of-sealed"));
        let kept = sealed(&format!("password={one}"));
        assert_eq!(kept, sealed(&format!("password={other}")));
        assert!(kept.starts_with("secret:") && !kept.contains("hunter2"), "{kept}");
        assert_eq!(kept, sealed("password=hunter2-of-sealed"));
        assert_eq!(sealed("plain"), "plain");
    }
}
