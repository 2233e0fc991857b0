//! Key pairs: the private key in the project's secrets, the public one beside the playbooks.

use super::place::{Place, check_name};
use super::{Look, Ssh, SshError};
use serde::Deserialize;
use ssh_key::private::{KeypairData, RsaKeypair};
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, EcdsaCurve, Fingerprint, HashAlg, LineEnding, PrivateKey, PublicKey};
use std::fmt;

/// What kind of key, by the words of ssh-keygen(1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyType {
    /// Ed25519.
    Ed25519,
    /// ECDSA with the curve P-256.
    #[serde(alias = "ecdsa")]
    EcdsaP256,
    /// ECDSA with the curve P-384.
    EcdsaP384,
    /// RSA.
    Rsa,
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Rsa => "rsa",
        })
    }
}

impl KeyType {
    fn of(key: &PublicKey) -> Option<Self> {
        match key.algorithm() {
            Algorithm::Ed25519 => Some(Self::Ed25519),
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 } => Some(Self::EcdsaP256),
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 } => Some(Self::EcdsaP384),
            Algorithm::Rsa { .. } => Some(Self::Rsa),
            _ => None,
        }
    }
}

/// What a key pair shall be.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyWant {
    /// Its type; one that is there keeps its own when none is named.
    #[serde(rename = "type")]
    pub kind: Option<KeyType>,
    /// Bits of an RSA key: 3072 or 4096.
    pub bits: Option<usize>,
    /// The comment of the public key; its name when none is given.
    pub comment: Option<String>,
}

/// Without `bits`; as ssh-keygen(1) has it.
const BITS: usize = 3072;

impl KeyWant {
    /// Refuses what cannot be had.
    ///
    /// # Errors
    /// Which argument is wrong, and how.
    pub fn check(&self) -> Result<(), SshError> {
        match (self.kind, self.bits) {
            (Some(KeyType::Rsa), Some(3072 | 4096)) | (_, None) => {}
            (Some(KeyType::Rsa), Some(bits)) => {
                return Err(SshError::new(format!("`bits` of an RSA key is 3072 or 4096, not {bits}")));
            }
            _ => return Err(SshError::new("`bits` is for keys of the type `rsa`; others have one length")),
        }
        match self.comment.as_deref().is_some_and(|comment| comment.contains(|c: char| c.is_control())) {
            true => Err(SshError::new("`comment` must be one line")),
            false => Ok(()),
        }
    }

    fn generate(&self) -> Result<PrivateKey, ssh_key::Error> {
        let algorithm = match self.kind.unwrap_or(KeyType::Ed25519) {
            KeyType::Ed25519 => Algorithm::Ed25519,
            KeyType::EcdsaP256 => Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
            KeyType::EcdsaP384 => Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
            KeyType::Rsa => {
                let pair = RsaKeypair::random(&mut OsRng, self.bits.unwrap_or(BITS))?;
                return PrivateKey::new(KeypairData::from(pair), "");
            }
        };
        PrivateKey::random(&mut OsRng, algorithm)
    }
}

/// A key pair of the project.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// Its name.
    pub name: String,
    /// The public key, with its comment.
    pub public: PublicKey,
    /// The name under which the project's secrets have the private key, in the format of OpenSSH.
    pub secret: String,
}

impl KeyPair {
    /// The public key as a line of `authorized_keys`, without line end.
    pub fn line(&self) -> String {
        line(&self.public)
    }

    /// `SHA256:...`, as ssh-keygen(1) shows it.
    pub fn fingerprint(&self) -> Fingerprint {
        self.public.fingerprint(HashAlg::Sha256)
    }
}

/// A public key as a line, without line end.
pub fn line(key: &PublicKey) -> String {
    key.to_openssh().expect("a key that was read or made can be written")
}

/// Reads a public key.
///
/// # Errors
/// `what` is none.
pub fn read_public(what: &str, text: &str) -> Result<PublicKey, SshError> {
    PublicKey::from_openssh(text.trim())
        .map_err(|error| SshError::new(format!("{what} is no public key of OpenSSH")).because(error))
}

fn public_file(name: &str) -> String {
    format!("{name}.pub")
}

/// The name of a private key in the project's secrets.
pub(super) fn secret_name(name: &str) -> String {
    format!("pki/ssh/{name}/key")
}

impl Ssh {
    /// Whether a key pair is as wanted, or why it is not; nothing is made.
    ///
    /// # Errors
    /// It is of another type, or cannot be read.
    pub fn look_key(&self, name: &str, want: &KeyWant) -> Result<Look<KeyPair>, SshError> {
        check_name("a key", name)?;
        want.check()?;
        let Some(text) = self.place.read(&public_file(name))? else {
            self.store.open_or_new(&self.secret_file(name)?)?;
            return Ok(Look::Make(vec![format!("a new {} key", want.kind.unwrap_or(KeyType::Ed25519))]));
        };
        let public = read_public(&format!("`{}`", Place::shown(&public_file(name))), &text)?;
        let is = KeyType::of(&public);
        if let Some(kind) = want.kind.filter(|kind| is != Some(*kind)) {
            return Err(SshError::new(format!(
                "the key `{name}` is of the type `{}`, not `{kind}`",
                public.algorithm()
            ))
            .hint(format!(
                "a key that others trust is not replaced: take another name, or remove `{}` and the secret `{}`",
                Place::shown(&public_file(name)),
                secret_name(name)
            )));
        }
        let comment = want.comment.as_deref().unwrap_or(name);
        if public.comment() != comment {
            return Ok(Look::Make(vec![format!("comment `{}` => `{comment}`", public.comment())]));
        }
        Ok(Look::Keep(KeyPair { name: name.to_owned(), public, secret: secret_name(name) }))
    }

    /// A key pair as wanted, made when there is none; with the reasons for what was done.
    ///
    /// # Errors
    /// As for [`Ssh::look_key`]; it cannot be kept.
    pub fn ensure_key(&self, name: &str, want: &KeyWant) -> Result<(KeyPair, Vec<String>), SshError> {
        if let Look::Keep(pair) = self.look_key(name, want)? {
            return Ok((pair, Vec::new()));
        }
        let _lock = self.place.lock()?;
        self.ensure_key_locked(name, want)
    }

    pub(super) fn ensure_key_locked(&self, name: &str, want: &KeyWant) -> Result<(KeyPair, Vec<String>), SshError> {
        let reasons = match self.look_key(name, want)? {
            Look::Keep(pair) => return Ok((pair, Vec::new())),
            Look::Make(reasons) => reasons,
        };
        let secret = secret_name(name);
        let comment = want.comment.as_deref().unwrap_or(name);
        let mut public = match self.place.read(&public_file(name))? {
            Some(text) => read_public(&format!("`{}`", Place::shown(&public_file(name))), &text)?,
            // A private key whose public half was not written yet is taken up.
            None => {
                let made = || {
                    let key = want.generate().expect("the system gives random numbers");
                    key.to_openssh(LineEnding::LF).expect("what was just made can be written").as_bytes().to_vec()
                };
                let kept = self.store.get_or_put(&secret, made)?;
                read_private(&secret, &kept)?.public_key().clone()
            }
        };
        public.set_comment(comment);
        self.place.write(&public_file(name), format!("{}\n", line(&public)).as_bytes())?;
        Ok((KeyPair { name: name.to_owned(), public, secret }, reasons))
    }

    /// A key pair that is there; nothing is made.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn key(&self, name: &str) -> Result<KeyPair, SshError> {
        self.find_key(name)?.ok_or_else(|| SshError::new(format!("there is no key `{name}`")))
    }

    pub(super) fn find_key(&self, name: &str) -> Result<Option<KeyPair>, SshError> {
        check_name("a key", name)?;
        let Some(text) = self.place.read(&public_file(name))? else { return Ok(None) };
        let public = read_public(&format!("`{}`", Place::shown(&public_file(name))), &text)?;
        Ok(Some(KeyPair { name: name.to_owned(), public, secret: secret_name(name) }))
    }

    pub(super) fn private_key(&self, pair: &KeyPair) -> Result<PrivateKey, SshError> {
        let kept = self.store.get(&pair.secret)?;
        let private = read_private(&pair.secret, &kept)?;
        if private.public_key().key_data() != pair.public.key_data() {
            let file = Place::shown(&public_file(&pair.name));
            return Err(SshError::new(format!("`{file}` is not the public key of the secret `{}`", pair.secret))
                .hint("bring one of both back from git"));
        }
        Ok(private)
    }

    fn secret_file(&self, name: &str) -> Result<String, SshError> {
        Ok(crate::secret::Name::parse(&secret_name(name))?.file())
    }
}

fn read_private(secret: &str, bytes: &[u8]) -> Result<PrivateKey, SshError> {
    PrivateKey::from_openssh(bytes)
        .map_err(|error| SshError::new(format!("the secret `{secret}` is no private key of OpenSSH")).because(error))
}
