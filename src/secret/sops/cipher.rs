//! One value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

use super::tree::Node;
use crate::secret::random;
use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{AesGcm, Key, KeyInit, Nonce, aes::Aes256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use zeroize::Zeroizing;

/// SOPS uses nonces of 32 bytes where the standard recommends 12.
type Cipher = AesGcm<Aes256, U32>;

const TAG: usize = 16;
const OPEN: &str = "ENC[AES256_GCM,data:";

/// The key of one file, which its recipients have wrapped each for himself.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey(Zeroizing<[u8; 32]>);

/// Ciphertexts by what they hold and where: a value that did not change keeps its own, and diffs stay small.
#[derive(Clone, Default)]
pub struct Stash(HashMap<Place, String>);

/// Where a value stands, its type, and its digest.
type Place = (String, &'static str, [u8; 32]);

fn place(aad: &str, kind: &'static str, plain: &[u8]) -> Place {
    (aad.to_owned(), kind, Sha256::digest(plain).into())
}

/// A value that was changed, or another key.
#[derive(Debug, PartialEq, Eq)]
pub struct Tampered;

/// True when a text is an encrypted value.
pub fn is_encrypted(text: &str) -> bool {
    text.starts_with(OPEN) && text.ends_with(']')
}

impl DataKey {
    /// A fresh one.
    pub fn generate() -> Self {
        let mut key = Zeroizing::new([0; 32]);
        random(&mut *key);
        Self(key)
    }

    /// From its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &*self.0
    }

    fn cipher(&self) -> Cipher {
        Cipher::new(&Key::<Cipher>::from(*self.0))
    }

    /// Encrypts; `aad` is where the value stands.
    pub fn encrypt(&self, plain: &[u8], kind: &'static str, aad: &str, stash: &mut Stash) -> String {
        stash.0.entry(place(aad, kind, plain)).or_insert_with(|| self.encrypt_anew(plain, kind, aad)).clone()
    }

    fn encrypt_anew(&self, plain: &[u8], kind: &str, aad: &str) -> String {
        let mut nonce = [0; 32];
        random(&mut nonce);
        let payload = Payload { msg: plain, aad: aad.as_bytes() };
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload).expect("values are smaller than 64 GiB");
        let (data, tag) = sealed.split_at(sealed.len() - TAG);
        let [data, nonce, tag] = [data, &nonce, tag].map(|part| STANDARD.encode(part));
        format!("{OPEN}{data},iv:{nonce},tag:{tag},type:{kind}]")
    }

    /// Decrypts, and gives the type too.
    pub fn decrypt(
        &self,
        text: &str,
        aad: &str,
        stash: &mut Stash,
    ) -> Result<(Zeroizing<Vec<u8>>, &'static str), Tampered> {
        let value = Encrypted::parse(text).ok_or(Tampered)?;
        let sealed = [value.data.as_slice(), &value.tag].concat();
        let payload = Payload { msg: &sealed, aad: aad.as_bytes() };
        let plain = self.cipher().decrypt(&Nonce::from(value.nonce), payload).map_err(|_| Tampered)?;
        let plain = Zeroizing::new(plain);
        stash.0.insert(place(aad, value.kind, &plain), text.to_owned());
        Ok((plain, value.kind))
    }
}

impl Stash {
    /// Takes what another one knows of the same key.
    pub fn adopt(&mut self, other: &Self) {
        for (key, value) in &other.0 {
            self.0.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

struct Encrypted {
    data: Vec<u8>,
    nonce: [u8; 32],
    tag: [u8; TAG],
    kind: &'static str,
}

const KINDS: &[&str] = &["str", "int", "float", "bool", "bytes", "time", "comment"];

impl Encrypted {
    fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix(OPEN)?.strip_suffix(']')?;
        let (data, rest) = inner.split_once(",iv:")?;
        let (nonce, rest) = rest.split_once(",tag:")?;
        let (tag, kind) = rest.split_once(",type:")?;
        let bytes = |text: &str| STANDARD.decode(text).ok();
        // `int64` is how some versions call it.
        let kind = if kind == "int64" { "int" } else { kind };
        Some(Self {
            data: bytes(data)?,
            nonce: bytes(nonce)?.try_into().ok()?,
            tag: bytes(tag)?.try_into().ok()?,
            kind: KINDS.iter().find(|known| **known == kind)?,
        })
    }
}

/// How SOPS calls the type of a value.
pub fn kind(node: &Node) -> &'static str {
    match node {
        Node::Int(_) => "int",
        Node::Float(_) => "float",
        Node::Bool(_) => "bool",
        Node::Time(_) => "time",
        _ => "str",
    }
}

/// The value of decrypted bytes.
pub fn node(plain: &[u8], kind: &str) -> Option<Node> {
    let text = || std::str::from_utf8(plain).ok();
    Some(match kind {
        "int" => Node::Int(text()?.parse().ok()?),
        "float" => Node::Float(text()?.parse().ok()?),
        "bool" => match text()? {
            "True" | "true" => Node::Bool(true),
            "False" | "false" => Node::Bool(false),
            _ => return None,
        },
        "time" => Node::Time(text()?.to_owned()),
        _ => Node::of_bytes(plain.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_where_it_was_put() {
        let key = DataKey::generate();
        let text = key.encrypt(b"hunter2", "str", "db:password:", &mut Stash::default());
        let open =
            |text: &str, aad: &str| key.decrypt(text, aad, &mut Stash::default()).map(|(plain, _)| plain.to_vec());
        assert_eq!(open(&text, "db:password:"), Ok(b"hunter2".to_vec()));
        assert_eq!(open(&text, "db:user:"), Err(Tampered));
        assert!(DataKey::generate().decrypt(&text, "db:password:", &mut Stash::default()).is_err());
    }

    #[test]
    fn an_unchanged_value_keeps_its_ciphertext() {
        let key = DataKey::generate();
        let mut stash = Stash::default();
        let text = key.encrypt(b"1", "int", "a:", &mut Stash::default());
        key.decrypt(&text, "a:", &mut stash).expect("ours");
        assert_eq!(key.encrypt(b"1", "int", "a:", &mut stash), text);
        assert_ne!(key.encrypt(b"1", "str", "a:", &mut stash), text);
        assert_ne!(key.encrypt(b"1", "int", "b:", &mut stash), text);
    }
}
