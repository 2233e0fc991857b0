//! PKCS#12 files (RFC 7292) and encrypted keys for those who take nothing else.

use super::held::Held;
use super::key::PrivateKey;
use super::pki::Pki;
use super::read::hex;
use super::record::Packed;
use super::shelf::{RECORD, check_name};
use crate::pki::PkiError;
use crate::secret::sops::SopsError;
use crate::secret::{SecretError, random, random_text};
use p12_keystore::{EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, Pkcs12ImportPolicy, PrivateKeyChain};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::pem::LineEnding;
use pkcs8::pkcs5::pbes2;
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// How a PKCS#12 file shall be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pkcs12Want {
    /// What programs show its key as. Default: the common name of the certificate.
    pub friendly_name: Option<String>,
}

/// A certificate with its key and chain for a client: kept until one of them changes, byte by byte.
pub struct Pkcs12 {
    /// The file: AES-256-CBC, MAC with SHA-256, as OpenSSL 3 writes it.
    pub der: Zeroizing<Vec<u8>>,
    /// 24 letters and digits.
    pub password: Zeroizing<String>,
    /// The key as encrypted PKCS#8 in PEM, by the same password.
    pub encrypted_key_pem: Zeroizing<String>,
    /// Why it was made; empty when it was kept.
    pub reasons: Vec<String>,
}

impl fmt::Debug for Pkcs12 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs12").field("reasons", &self.reasons).finish_non_exhaustive()
    }
}

const PASSWORD_LENGTH: usize = 24;
/// OWASP's number for PBKDF2 with SHA-256 is larger, but the password has 142 bits.
const ITERATIONS: u32 = 10_000;

/// Names of what is kept beside the key.
const FILE: &str = "pkcs12";
const PASSWORD: &str = "pkcs12_password";
const ENCRYPTED_KEY: &str = "encrypted_key";

impl Pki {
    /// Why [`Pki::pkcs12`] would make another file; empty when there is one that fits. Opens no secret.
    ///
    /// # Errors
    /// There is no such certificate; it is an authority.
    pub fn look_pkcs12(&self, name: &str, want: &Pkcs12Want) -> Result<Vec<String>, PkiError> {
        check_name(name)?;
        let _lock = self.shelf.lock_to_read()?;
        let held = self.packable(name)?;
        Ok(reasons(&held, &packed(&held, want)))
    }

    /// The PKCS#12 file of a certificate with its password; both are made anew when certificate, key or chain changed.
    ///
    /// # Errors
    /// There is no such certificate; it is an authority, whose key goes nowhere; its key cannot be had.
    pub fn pkcs12(&self, name: &str, want: &Pkcs12Want) -> Result<Pkcs12, PkiError> {
        check_name(name)?;
        let _lock = self.shelf.lock()?;
        let mut held = self.packable(name)?;
        let packed = packed(&held, want);
        let mut reasons = reasons(&held, &packed);
        let beside = |file: &str| format!("pki/{name}/{file}");
        if reasons.is_empty() {
            match self.kept(name) {
                // Somebody removed one of them, or a merge lost it.
                Err(PkiError::Secret(error)) if is_missing(&error) => {
                    reasons.push("it is not among the secrets".into())
                }
                kept => return kept,
            }
        }
        let key = self.key_of(&held)?;
        let same = held.record.pkcs12.as_ref().is_some_and(|before| before.of == packed.of);
        let known = self.store.get(&beside(PASSWORD)).ok().filter(|_| same);
        let password = match known {
            Some(password) => text(password)?,
            None => Zeroizing::new(random_text(PASSWORD_LENGTH, &alphanumeric())),
        };
        let made = Pkcs12 {
            der: pack(&held, &key, &packed.friendly_name, &password)?,
            encrypted_key_pem: encrypted(&key, &password)?,
            password,
            reasons,
        };
        // The record comes last: torn in between, all of it is made again.
        self.store.put(&beside(PASSWORD), made.password.as_bytes())?;
        self.store.put(&beside(FILE), &made.der)?;
        self.store.put(&beside(ENCRYPTED_KEY), made.encrypted_key_pem.as_bytes())?;
        held.record.pkcs12 = Some(packed);
        self.shelf.write(name, RECORD, &held.record.text())?;
        Ok(made)
    }

    fn kept(&self, name: &str) -> Result<Pkcs12, PkiError> {
        let get = |file: &str| self.store.get(&format!("pki/{name}/{file}"));
        Ok(Pkcs12 {
            der: get(FILE)?,
            password: text(get(PASSWORD)?)?,
            encrypted_key_pem: text(get(ENCRYPTED_KEY)?)?,
            reasons: Vec::new(),
        })
    }

    fn packable(&self, name: &str) -> Result<Held, PkiError> {
        let held = self.shelf.held(name)?;
        match held.record.kind().is_authority() {
            false => Ok(held),
            true => Err(PkiError::Key {
                name: name.to_owned(),
                problem: "is that of an authority, and goes nowhere".into(),
                hint: Some("issue a certificate for the client".into()),
            }),
        }
    }
}

fn packed(held: &Held, want: &Pkcs12Want) -> Packed {
    let of = Sha256::digest([held.der.as_slice(), held.record.chain_sha256.as_bytes(), &held.spki].concat());
    let subject: Option<super::Subject> = held.seen.subject.parse().ok();
    let common = subject.and_then(|subject| subject.common_name);
    let friendly_name = want.friendly_name.clone().or(common).unwrap_or_else(|| held.record.name.clone());
    Packed { of: hex(&of), friendly_name }
}

fn reasons(held: &Held, packed: &Packed) -> Vec<String> {
    match &held.record.pkcs12 {
        None => vec!["there is none yet".into()],
        Some(before) if before.of != packed.of => vec!["certificate, key or chain changed".into()],
        Some(before) if before.friendly_name != packed.friendly_name => {
            vec![format!("friendly name `{}`, was `{}`", packed.friendly_name, before.friendly_name)]
        }
        Some(_) => Vec::new(),
    }
}

fn is_missing(error: &SecretError) -> bool {
    matches!(error.cause(), Some(SopsError::Missing { .. }))
}

fn alphanumeric() -> Vec<char> {
    ('a'..='z').chain('A'..='Z').chain('0'..='9').collect()
}

fn text(bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, PkiError> {
    let text = std::str::from_utf8(&bytes).map_err(|_| SecretError::new("a kept password is no text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn pack(held: &Held, key: &PrivateKey, friendly_name: &str, password: &str) -> Result<Zeroizing<Vec<u8>>, PkiError> {
    let failed = |error: p12_keystore::error::Error| PkiError::Crypto {
        doing: "make a PKCS#12 file",
        problem: error.to_string(),
    };
    let certificates: Result<Vec<_>, _> =
        held.chain.iter().map(|der| p12_keystore::Certificate::from_der(der)).collect();
    let key = p12_keystore::PrivateKey::from_der(key.der()).map_err(failed)?;
    // As OpenSSL does it: the SHA-1 of the certificate; programs only compare it.
    let id = <sha1::Sha1 as sha1::Digest>::digest(&held.der).to_vec();
    let chain = PrivateKeyChain::new(id, key, certificates.map_err(failed)?);
    let mut store = KeyStore::new();
    store.add_entry(friendly_name, KeyStoreEntry::PrivateKeyChain(chain));
    let writer = store.writer(password).encryption_algorithm(EncryptionAlgorithm::PbeWithHmacSha256AndAes256);
    let writer = writer.encryption_iterations(ITERATIONS).mac_algorithm(MacAlgorithm::HmacSha256);
    writer.mac_iterations(ITERATIONS).write().map(Zeroizing::new).map_err(failed)
}

/// PBES2 with PBKDF2, SHA-256 and AES-256-CBC (RFC 8018), which every OpenSSL since 1.1 opens.
fn encrypted(key: &PrivateKey, password: &str) -> Result<Zeroizing<String>, PkiError> {
    let failed = |problem: String| PkiError::Crypto { doing: "encrypt a key", problem };
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    random(&mut salt);
    random(&mut iv);
    let params = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, iv);
    let info = PrivateKeyInfoRef::try_from(key.der()).map_err(|error| failed(error.to_string()))?;
    let params = params.map_err(|error| failed(error.to_string()))?;
    let document = info.encrypt_with_params(params, password).map_err(|error| failed(error.to_string()))?;
    document.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).map_err(|error| failed(error.to_string()))
}

/// What stands in a PKCS#12 file.
pub struct Opened {
    /// The private key: PKCS#8 in DER.
    pub key: Zeroizing<Vec<u8>>,
    /// The certificates in the order of their chain, in DER.
    pub certificates: Vec<Vec<u8>>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("certificates", &self.certificates.len()).finish_non_exhaustive()
    }
}

/// Opens a PKCS#12 file.
///
/// # Errors
/// It is none, the password is wrong, its MAC does not fit, or it holds no key with its certificate.
pub fn open_pkcs12(der: &[u8], password: &str) -> Result<Opened, PkiError> {
    let failed = |problem: String| PkiError::Unreadable { what: "the PKCS#12 file".into(), problem };
    let store = KeyStore::from_pkcs12(der, password, Pkcs12ImportPolicy::Strict);
    let store = store.map_err(|error| failed(error.to_string()))?;
    let Some((_, chain)) = store.private_key_chain() else {
        return Err(failed("it holds no key with its certificate".into()));
    };
    let certificates: Vec<Vec<u8>> = chain.certs().iter().map(|certificate| certificate.as_der().to_vec()).collect();
    certificates.iter().try_for_each(|der| super::read::parsed(der).map(drop))?;
    Ok(Opened { key: Zeroizing::new(chain.key().as_der().to_vec()), certificates })
}
