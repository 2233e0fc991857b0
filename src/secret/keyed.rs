//! Hashes by which a secret can be compared later, and nobody without the key can try out what it was.

use super::{contains_token, redact, reveal};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::sync::OnceLock;
use zeroize::Zeroizing;

static KEY: OnceLock<Zeroizing<[u8; 32]>> = OnceLock::new();

/// Sets the key of the process, once; a second call changes nothing.
pub fn use_key(key: [u8; 32]) {
    // Whoever came first gave the same key: it belongs to the project.
    let _ = KEY.set(Zeroizing::new(key));
}

/// HMAC-SHA-256 of bytes under the key of the process, in lower-case hex digits. Without [`use_key`] the key is one of
/// this process alone, and hashes cannot be compared with those of another one.
///
/// Spec: RFC 2104.
pub fn keyed(bytes: &[u8]) -> String {
    let key = KEY.get_or_init(|| {
        let mut key = Zeroizing::new([0; 32]);
        key[..16].copy_from_slice(&ulid::Ulid::generate().to_bytes());
        key
    });
    let mut mac = Hmac::<Sha256>::new_from_slice(&key[..]).expect("HMAC takes keys of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text as it may be kept: one with a secret in it as its keyed hash, any other as it is.
pub fn sealed(text: &str) -> String {
    if !contains_token(text) && redact(text) == text {
        return text.to_owned();
    }
    match reveal(text) {
        Ok(plain) => format!("secret:{}", keyed(plain.as_bytes())),
        Err(_) => redact(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::conceal;

    #[test]
    fn equal_secrets_have_equal_hashes_and_show_nothing() {
        let (one, other) = (conceal("hunter2-of-keyed"), conceal("hunter2-of-keyed"));
        let sealed_one = sealed(&format!("password={one}"));
        assert_eq!(sealed_one, sealed(&format!("password={other}")));
        assert!(sealed_one.starts_with("secret:") && !sealed_one.contains("hunter2"), "{sealed_one}");
        assert_eq!(sealed_one, sealed("password=hunter2-of-keyed"));
        assert_eq!(sealed("plain"), "plain");
    }
}
