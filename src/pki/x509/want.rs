//! What a certificate shall be, as its user says it.

use super::constraint::NameConstraint;
use super::key::KeyType;
use super::san::San;
use super::span::Span;
use super::subject::Subject;
use serde::{Deserialize, Serialize};

/// What is wanted under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Want {
    /// An authority that signs itself.
    Root(Authority),
    /// An authority below another one.
    Intermediate(Authority),
    /// A certificate for a server, a client, or both.
    Leaf(Leaf),
    /// A certificate without an authority.
    SelfSigned(Leaf),
}

/// What a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An authority that signs itself.
    Root,
    /// An authority below another one.
    Intermediate,
    /// A certificate for a server, a client, or both.
    Leaf,
    /// A certificate without an authority.
    SelfSigned,
}

/// An authority. Fields that are left out take the defaults that are told with them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Authority {
    /// The NAME of the authority above; an intermediate must have one, a root must not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Default: the name as common name, and the organization and country of the issuer.
    #[serde(skip_serializing_if = "Subject::is_empty")]
    pub subject: Subject,
    /// Subject alternative names, where its certificate is served or looked up by them. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sans: Vec<San>,
    /// What it may issue certificates for. Default: anything.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub usage: Option<Use>,
    /// Default: ECDSA P-384.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyType>,
    /// Its lifetime. Default: 2920 days (8 years) for a root; an intermediate ends a day before its issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
    /// Its lifetime in hours, instead of `days`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<i64>,
    /// How long before its end it is renewed, with the same key. Default: a year, at most a third of its lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew_before: Option<Span>,
    /// How many authorities may follow below it (RFC 5280, 4.2.1.9). Default: what the issuer leaves, else no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_length: Option<u8>,
    /// Names that may be issued below it, of each kind that is named here (RFC 5280, 4.2.1.10).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permitted: Vec<NameConstraint>,
    /// Names that may not be issued below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<NameConstraint>,
    /// Where its revocation list is published; stands in every certificate it issues.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crl_urls: Vec<String>,
    /// Where its own certificate is published; stands in every certificate it issues (authority information access).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub issuer_urls: Vec<String>,
    /// How many days a revocation list holds; a new one is made in the last third. Default: 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crl_days: Option<i64>,
}

/// A certificate that signs no others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Leaf {
    /// The NAME of its authority; a self-signed one must have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Default: the first DNS name, else the last part of the name, as common name; the organization of the issuer.
    #[serde(skip_serializing_if = "Subject::is_empty")]
    pub subject: Subject,
    /// Subject alternative names: `dns:a.example`, `ip:10.0.0.1`, `uri:...`, `email:...`. Needed by a server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sans: Vec<San>,
    /// Default: both.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub usage: Option<Use>,
    /// Default: digital signature, and key encipherment for the RSA key of a server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_usages: Vec<KeyUsage>,
    /// Default: ECDSA P-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyType>,
    /// Its lifetime. Default: 824 days; never beyond that of its issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
    /// Its lifetime in hours, instead of `days`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<i64>,
    /// How long before its end it is issued anew. Default: 30 days, at most a third of its lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew_before: Option<Span>,
    /// Whether it keeps its key when it is issued anew. Default: no.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reuse_key: bool,
}

/// What a certificate is for (RFC 5280, 4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// TLS servers.
    Server,
    /// TLS clients.
    Client,
    /// Both.
    Both,
}

/// What a key may do (RFC 5280, 4.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyUsage {
    /// Sign what is no certificate: TLS handshakes.
    DigitalSignature,
    /// Sign so that it cannot be denied.
    ContentCommitment,
    /// Encrypt keys: TLS with RSA key exchange.
    KeyEncipherment,
    /// Encrypt data.
    DataEncipherment,
    /// Agree on keys.
    KeyAgreement,
    /// Sign certificates; authorities have it.
    CertSign,
    /// Sign revocation lists; authorities have it.
    CrlSign,
}

impl Want {
    /// What it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Root(_) => Kind::Root,
            Self::Intermediate(_) => Kind::Intermediate,
            Self::Leaf(_) => Kind::Leaf,
            Self::SelfSigned(_) => Kind::SelfSigned,
        }
    }

    /// The NAME of the authority that issues it.
    pub fn issuer(&self) -> Option<&str> {
        match self {
            Self::Root(authority) | Self::Intermediate(authority) => authority.ca.as_deref(),
            Self::Leaf(leaf) | Self::SelfSigned(leaf) => leaf.ca.as_deref(),
        }
    }

    /// The authority, where it is one.
    pub fn authority(&self) -> Option<&Authority> {
        match self {
            Self::Root(authority) | Self::Intermediate(authority) => Some(authority),
            Self::Leaf(_) | Self::SelfSigned(_) => None,
        }
    }
}

impl Kind {
    /// Whether it signs others.
    pub fn is_authority(self) -> bool {
        matches!(self, Self::Root | Self::Intermediate)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Intermediate => "intermediate",
            Self::Leaf => "leaf",
            Self::SelfSigned => "self-signed",
        })
    }
}
