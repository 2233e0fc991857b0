//! Private keys.

use super::read::spki_type;
use crate::pki::PkiError;
use crate::secret::random;
use pkcs8::SecretDocument;
use pkcs8::der::pem::LineEnding;
use rcgen::PublicKeyData;
use rsa::pkcs8::EncodePrivateKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// Ed25519; not every TLS client knows it.
    Ed25519,
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
}

const NAMES: [(&str, KeyType); 6] = [
    ("p256", KeyType::P256),
    ("p384", KeyType::P384),
    ("ed25519", KeyType::Ed25519),
    ("rsa2048", KeyType::Rsa2048),
    ("rsa3072", KeyType::Rsa3072),
    ("rsa4096", KeyType::Rsa4096),
];

impl KeyType {
    /// Whether it is RSA.
    pub fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, _) = NAMES.iter().find(|(_, kind)| kind == self).expect("every kind has a name");
        f.write_str(name)
    }
}

impl FromStr for KeyType {
    type Err = PkiError;

    fn from_str(text: &str) -> Result<Self, PkiError> {
        let plain = text.to_ascii_lowercase().replace(['-', '_'], "");
        let plain = plain.strip_prefix("ecdsa").unwrap_or(&plain);
        let known = NAMES.iter().find(|(name, _)| *name == plain).map(|(_, kind)| *kind);
        known.ok_or_else(|| {
            let all = NAMES.map(|(name, _)| name).join(", ");
            PkiError::invalid_hint(format!("there is no key type `{text}`"), format!("there are {all}"))
        })
    }
}

impl Serialize for KeyType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A private key: PKCS#8 in DER, wiped when dropped.
pub struct PrivateKey {
    kind: KeyType,
    der: Zeroizing<Vec<u8>>,
    spki: Vec<u8>,
}

/// What stands before the 32 octets of an Ed25519 key in PKCS#8 version 1 (RFC 8410, 7). ring writes version 2, which
/// OpenSSL does not read.
const ED25519: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

impl PrivateKey {
    /// A new one.
    ///
    /// # Errors
    /// The library fails.
    pub fn generate(kind: KeyType) -> Result<Self, PkiError> {
        let failed = |problem: String| PkiError::Crypto { doing: "make a key", problem };
        let ecdsa = |algorithm| {
            let pair = rcgen::KeyPair::generate_for(algorithm).map_err(|error| failed(error.to_string()))?;
            Ok::<_, PkiError>(Zeroizing::new(Zeroizing::new(pair).serialize_der()))
        };
        let rsa = |bits| {
            let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, bits);
            let document = key.map_err(|error| failed(error.to_string()))?.to_pkcs8_der();
            Ok::<_, PkiError>(document.map_err(|error| failed(error.to_string()))?.to_bytes())
        };
        let der = match kind {
            KeyType::P256 => ecdsa(&rcgen::PKCS_ECDSA_P256_SHA256)?,
            KeyType::P384 => ecdsa(&rcgen::PKCS_ECDSA_P384_SHA384)?,
            KeyType::Ed25519 => {
                let mut der = Zeroizing::new(ED25519.to_vec());
                der.resize(ED25519.len() + 32, 0);
                random(&mut der[ED25519.len()..]);
                der
            }
            KeyType::Rsa2048 => rsa(2048)?,
            KeyType::Rsa3072 => rsa(3072)?,
            KeyType::Rsa4096 => rsa(4096)?,
        };
        Self::of_der(der)
    }

    /// Reads PKCS#8 in PEM.
    ///
    /// # Errors
    /// It is none, or of a kind that is not known.
    pub fn of_pem(pem: &[u8]) -> Result<Self, PkiError> {
        let failed = |problem: String| PkiError::Unreadable { what: "the private key".into(), problem };
        let text = std::str::from_utf8(pem).map_err(|_| failed("it is no PEM".into()))?;
        let (label, document) = SecretDocument::from_pem(text).map_err(|error| failed(error.to_string()))?;
        match label {
            "PRIVATE KEY" => Self::of_der(document.to_bytes()),
            other => Err(failed(format!("it is a `{other}`, no `PRIVATE KEY`"))),
        }
    }

    fn of_der(der: Zeroizing<Vec<u8>>) -> Result<Self, PkiError> {
        let failed = |problem: String| PkiError::Unreadable { what: "the private key".into(), problem };
        let pair = pair(&der).map_err(|error| failed(error.to_string()))?;
        let spki = pair.subject_public_key_info();
        let kind = spki_type(&spki).ok_or_else(|| failed("its kind is not known".into()))?;
        Ok(Self { kind, der, spki })
    }

    /// Its kind.
    pub fn kind(&self) -> KeyType {
        self.kind
    }

    /// PKCS#8 in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// PKCS#8 in PEM.
    pub fn pem(&self) -> Zeroizing<String> {
        let document = SecretDocument::try_from(self.der.as_slice()).expect("a key is DER");
        document.to_pem("PRIVATE KEY", LineEnding::LF).expect("a key is short")
    }

    /// The public key as a `SubjectPublicKeyInfo` in DER (RFC 5280, 4.1.2.7).
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// As rcgen signs with it.
    pub(super) fn pair(&self) -> Zeroizing<rcgen::KeyPair> {
        pair(&self.der).expect("it was read before")
    }
}

fn pair(der: &[u8]) -> Result<Zeroizing<rcgen::KeyPair>, rcgen::Error> {
    rcgen::KeyPair::try_from(der).map(Zeroizing::new)
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written_and_do_not_print() {
        for kind in [KeyType::P256, KeyType::P384, KeyType::Ed25519] {
            let key = PrivateKey::generate(kind).expect("made");
            let again = PrivateKey::of_pem(key.pem().as_bytes()).expect("read");
            assert_eq!((again.kind(), again.der()), (kind, key.der()));
            assert_eq!(format!("{key:?}"), format!("PrivateKey {{ kind: {kind:?}, .. }}"));
        }
    }

    #[test]
    fn names_of_kinds_are_forgiving_and_others_are_told() {
        assert_eq!("ECDSA-P384".parse::<KeyType>().expect("a kind"), KeyType::P384);
        assert_eq!("rsa-4096".parse::<KeyType>().expect("a kind"), KeyType::Rsa4096);
        for wrong in ["", "rsa", "rsa1024", "p521", "dsa", "ecdsa"] {
            let error = wrong.parse::<KeyType>().expect_err(wrong);
            assert!(error.hint().expect("a hint").contains("ed25519"));
        }
    }
}
