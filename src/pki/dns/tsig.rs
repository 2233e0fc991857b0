//! TSIG keys: a secret that two name servers, or a client and a server, sign messages with (RFC 8945).

use super::folder::plain;
use super::{Dns, DnsError, DomainName, Verdict};
use crate::secret::{Name, random};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

/// How messages are signed (RFC 8945, 6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum TsigAlgorithm {
    /// With a secret of 32 octets.
    #[default]
    #[serde(rename = "hmac-sha256")]
    Sha256,
    /// With a secret of 64 octets.
    #[serde(rename = "hmac-sha512")]
    Sha512,
}

impl TsigAlgorithm {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "hmac-sha256",
            Self::Sha512 => "hmac-sha512",
        }
    }

    /// Octets of a secret: those of the hash, less would weaken it (RFC 2104, 3).
    pub fn octets(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// The name of a key and how it signs; its secret is put into the forms below as base64, or as what stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tsig {
    /// Its name, without a final dot.
    pub name: String,
    /// How it signs.
    pub algorithm: TsigAlgorithm,
}

impl Tsig {
    /// A key of this name.
    ///
    /// # Errors
    /// It is no domain name, which names of keys are.
    pub fn new(name: &str, algorithm: TsigAlgorithm) -> Result<Self, DnsError> {
        plain("a TSIG key", name)?;
        Ok(Self { name: DomainName::absolute(name)?.plain(), algorithm })
    }

    /// The name of the secret: the base64 alone.
    pub fn secret(&self) -> String {
        format!("dns/tsig/{}/secret", self.name)
    }

    /// The `key` statement of named.conf(5), and of the files that `nsupdate -k` and `dig -k` read.
    pub fn bind(&self, secret: &str) -> String {
        let (name, algorithm) = (&self.name, self.algorithm.name());
        format!("key \"{name}\" {{\n    algorithm {algorithm};\n    secret \"{secret}\";\n}};\n")
    }

    /// The `key` section of knot.conf(5).
    pub fn knot(&self, secret: &str) -> String {
        let (name, algorithm) = (&self.name, self.algorithm.name());
        format!("key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n")
    }

    /// The `key` clause of nsd.conf(5).
    pub fn nsd(&self, secret: &str) -> String {
        let (name, algorithm) = (&self.name, self.algorithm.name());
        format!("key:\n    name: \"{name}\"\n    algorithm: {algorithm}\n    secret: \"{secret}\"\n")
    }

    /// What `-y` of dig(1), nsupdate(1) and kdig(1) takes. Every user of a machine sees it there: `-k` is better.
    pub fn client(&self, secret: &str) -> String {
        format!("{}:{}:{secret}", self.algorithm.name(), self.name)
    }
}

/// The keys of a zone: transfers, updates by anybody, updates of ACME challenges, and notifications.
pub const ROLES: [&str; 4] = ["transfer", "update", "acme-update", "notify"];

impl Dns {
    /// Whether the key is there; needs no secret.
    ///
    /// # Errors
    /// Its name cannot name a secret.
    pub fn look_tsig(&self, key: &Tsig) -> Result<Verdict<()>, DnsError> {
        let there = self.store.root().join(Name::parse(&key.secret())?.file()).exists();
        let reason = || vec![format!("TSIG key `{}` is not made yet", key.name)];
        Ok(if there { Verdict::Keep(()) } else { Verdict::Make(reason()) })
    }

    /// Makes the secret of a key when there is none, and keeps it.
    ///
    /// # Errors
    /// The project has no secrets yet, or the one that is there is too short for the algorithm, or no base64.
    pub fn ensure_tsig(&self, key: &Tsig) -> Result<Zeroizing<String>, DnsError> {
        let make = || {
            let mut octets = Zeroizing::new(vec![0; key.algorithm.octets()]);
            random(&mut octets);
            BASE64_STANDARD.encode(&*octets).into_bytes()
        };
        let kept = self.store.get_or_put(&key.secret(), make)?;
        let octets = Zeroizing::new(BASE64_STANDARD.decode(kept.trim_ascii()).unwrap_or_default());
        if octets.len() < key.algorithm.octets() {
            let (secret, algorithm, wanted) = (key.secret(), key.algorithm.name(), key.algorithm.octets());
            return Err(DnsError::wrong(format!(
                "the secret `{secret}` is no base64 of {wanted} octets, as {algorithm} wants"
            ))
            .hinted(format!("`rhapsode secret rm {secret}`, and the next apply makes one")));
        }
        Ok(Zeroizing::new(String::from_utf8_lossy(kept.trim_ascii()).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_one_of_a_zone() {
        let key = Tsig::new("Notify-10.in-addr.arpa.", TsigAlgorithm::Sha256).expect("a name");
        assert_eq!(
            (key.name.as_str(), key.secret().as_str()),
            ("notify-10.in-addr.arpa", "dns/tsig/notify-10.in-addr.arpa/secret")
        );
        assert_eq!(key.client("c2VjcmV0"), "hmac-sha256:notify-10.in-addr.arpa:c2VjcmV0");
        for bad in ["", "a b", "a\"; };", "../x", "a/b"] {
            assert!(Tsig::new(bad, TsigAlgorithm::Sha256).is_err(), "{bad}");
        }
    }
}
