//! Whom something is encrypted to, and age files.

use super::error::SopsError;
use super::identities::Identities;
use super::locked::Locked;
use age::armor::{ArmoredReader, ArmoredWriter, Format};
use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::str::FromStr;
use zeroize::Zeroizing;

/// A public key: `age1…`, `ssh-ed25519 …` or `ssh-rsa …`.
#[derive(Clone)]
pub struct Recipient {
    text: String,
    key: Key,
}

#[derive(Clone)]
enum Key {
    Age(age::x25519::Recipient),
    Ssh(age::ssh::Recipient),
}

/// An age file.
pub struct AgeFile(Vec<u8>);

impl AgeFile {
    /// The armoured text; nothing is lost for binary ones, which are no text.
    pub fn text(self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// Its bytes.
    pub fn bytes(self) -> Vec<u8> {
        self.0
    }
}

impl Recipient {
    /// Reads a recipient, or those of a file with one a line (`.pub`, `authorized_keys`).
    ///
    /// # Errors
    /// [`SopsError::Recipient`].
    pub fn read(text: &str) -> Result<Vec<Self>, SopsError> {
        if let Ok(one) = text.parse() {
            return Ok(vec![one]);
        }
        let path = match text.strip_prefix("~/") {
            Some(rest) => std::env::home_dir().unwrap_or_default().join(rest),
            None => Path::new(text).to_owned(),
        };
        let lines = std::fs::read_to_string(path).map_err(|_| SopsError::Recipient(text.to_owned()))?;
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(str::parse).collect()
    }

    /// True when a text names the same key, whatever its comment.
    pub fn is(&self, other: &str) -> bool {
        self.id() == id(other)
    }

    /// The key without its comment.
    pub fn id(&self) -> &str {
        id(&self.text)
    }

    fn age(&self) -> &dyn age::Recipient {
        match &self.key {
            Key::Age(key) => key,
            Key::Ssh(key) => key,
        }
    }
}

/// What counts in an ssh key: type and key.
fn id(text: &str) -> &str {
    let text = text.trim();
    text.match_indices(' ').nth(1).map_or(text, |(at, _)| &text[..at])
}

impl FromStr for Recipient {
    type Err = SopsError;

    fn from_str(text: &str) -> Result<Self, SopsError> {
        let text = text.trim();
        let wrong = || SopsError::Recipient(text.to_owned());
        let key = match text.starts_with("ssh-") {
            true => Key::Ssh(text.parse().map_err(|_| wrong())?),
            false => Key::Age(text.parse().map_err(|_| wrong())?),
        };
        Ok(Self { text: text.to_owned(), key })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Encrypts bytes to recipients as an age file.
///
/// # Errors
/// No recipient.
///
/// Spec: <https://age-encryption.org/v1>
pub fn encrypt_age(plain: &[u8], recipients: &[Recipient], armored: bool) -> Result<AgeFile, SopsError> {
    let failed = |error: &dyn fmt::Display| SopsError::Age(format!("cannot encrypt: {error}"));
    let encryptor =
        age::Encryptor::with_recipients(recipients.iter().map(Recipient::age)).map_err(|error| failed(&error))?;
    let mut file = Vec::new();
    let format = if armored { Format::AsciiArmor } else { Format::Binary };
    let written = ArmoredWriter::wrap_output(&mut file, format)
        .and_then(|armor| encryptor.wrap_output(armor))
        .and_then(|mut writer| writer.write_all(plain).map(|()| writer))
        .and_then(|writer| writer.finish()?.finish().map(drop));
    written.map_err(|error| failed(&error))?;
    Ok(AgeFile(file))
}

/// Decrypts an age file, armoured or not; nothing when no identity fits. Passphrases are asked for last.
///
/// # Errors
/// A file that is broken, or was changed.
pub fn decrypt_age(file: &[u8], identities: &Identities) -> Result<Option<Zeroizing<Vec<u8>>>, SopsError> {
    match decrypt_open(file, identities)? {
        Some(plain) => Ok(Some(plain)),
        None => decrypt_locked(file, identities, |_| true),
    }
}

/// The same by keys that need no passphrase.
pub(super) fn decrypt_open(file: &[u8], identities: &Identities) -> Result<Option<Zeroizing<Vec<u8>>>, SopsError> {
    decrypt(file, identities.iter())
}

/// The same by keys that do.
pub(super) fn decrypt_locked(
    file: &[u8],
    identities: &Identities,
    fits: impl Fn(&Locked) -> bool,
) -> Result<Option<Zeroizing<Vec<u8>>>, SopsError> {
    for locked in identities.locked().iter().filter(|locked| fits(locked)) {
        if let Some(key) = locked.open()?
            && let Some(plain) = decrypt(file, std::iter::once(&key as &dyn age::Identity))?
        {
            return Ok(Some(plain));
        }
    }
    Ok(None)
}

fn decrypt<'a>(
    file: &[u8],
    identities: impl Iterator<Item = &'a dyn age::Identity>,
) -> Result<Option<Zeroizing<Vec<u8>>>, SopsError> {
    let broken = |error: &dyn fmt::Display| SopsError::Age(format!("cannot decrypt: {error}"));
    let decryptor = age::Decryptor::new_buffered(ArmoredReader::new(file)).map_err(|error| broken(&error))?;
    if decryptor.is_scrypt() {
        return Err(SopsError::Age("it is encrypted by a passphrase; only files for recipients are opened".into()));
    }
    let mut reader = match decryptor.decrypt(identities) {
        Ok(reader) => reader,
        Err(age::DecryptError::NoMatchingKeys) => return Ok(None),
        Err(error) => return Err(broken(&error)),
    };
    let mut plain = Zeroizing::new(Vec::new());
    reader.read_to_end(&mut plain).map_err(|error| broken(&error))?;
    Ok(Some(plain))
}
