//! What stands in a certificate.

use super::constraint::NameConstraint;
use super::key::KeyType;
use super::san::San;
use super::want::KeyUsage;
use crate::pki::PkiError;
use crate::pki::trust;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use x509_parser::extensions::{DistributionPointName, GeneralName, GeneralSubtree, ParsedExtension};
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_SIG_ED25519};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// What stands in a certificate, for people and machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// `CN=web,O=Home`
    pub subject: String,
    /// The subject of whoever signed it.
    pub issuer: String,
    /// In hexadecimal.
    pub serial: String,
    /// Valid from then on.
    pub not_before: Timestamp,
    /// Valid until then.
    pub not_after: Timestamp,
    /// The kind of its key; `None` when it is none that we make.
    pub key: Option<KeyType>,
    /// Subject alternative names; those of other kinds in words.
    pub sans: Vec<String>,
    /// Whether it may sign certificates.
    pub authority: bool,
    /// How many authorities may follow below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_length: Option<u32>,
    /// What its key may do; empty when nothing is said.
    pub key_usages: Vec<KeyUsage>,
    /// `server`, `client`, and other purposes; empty when nothing is said.
    pub uses: Vec<String>,
    /// Names it may certify.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permitted: Vec<String>,
    /// Names it may not certify.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
    /// Where its issuer publishes revocation lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crl_urls: Vec<String>,
    /// Where the certificate of its issuer is published.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub issuer_urls: Vec<String>,
    /// The subject hash of OpenSSL.
    pub subject_hash: String,
    /// SHA-256 of the certificate in hexadecimal.
    pub sha256: String,
    /// Subject key identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Authority key identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer_key_id: Option<String>,
}

/// Parses a certificate, all of it.
pub(super) fn parsed(der: &[u8]) -> Result<X509Certificate<'_>, PkiError> {
    let failed = |problem: String| PkiError::Unreadable { what: "the certificate".into(), problem };
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|error| failed(error.to_string()))?;
    if !rest.is_empty() {
        return Err(failed(format!("{} octets follow it", rest.len())));
    }
    for extension in certificate.extensions() {
        if let Some(error) = extension.parsed_extension().error() {
            return Err(failed(format!("its extension {}: {error}", extension.oid)));
        }
    }
    Ok(certificate)
}

/// Reads what stands in a certificate.
///
/// # Errors
/// It does not parse.
pub fn inspect(der: &[u8]) -> Result<Inspection, PkiError> {
    let certificate = parsed(der)?;
    let mut seen = Inspection {
        subject: shown(certificate.subject()),
        issuer: shown(certificate.issuer()),
        serial: hex(certificate.raw_serial()),
        not_before: instant(certificate.validity().not_before.timestamp()),
        not_after: instant(certificate.validity().not_after.timestamp()),
        key: spki_type(certificate.public_key().raw),
        sans: Vec::new(),
        authority: false,
        path_length: None,
        key_usages: Vec::new(),
        uses: Vec::new(),
        permitted: Vec::new(),
        excluded: Vec::new(),
        crl_urls: Vec::new(),
        issuer_urls: Vec::new(),
        subject_hash: trust::subject_hash(der)?,
        sha256: hex(&Sha256::digest(der)),
        key_id: None,
        issuer_key_id: None,
    };
    certificate.extensions().iter().for_each(|extension| seen.take(extension.parsed_extension()));
    Ok(seen)
}

impl Inspection {
    fn take(&mut self, extension: &ParsedExtension<'_>) {
        match extension {
            ParsedExtension::SubjectAlternativeName(names) => {
                self.sans = names.general_names.iter().map(name_in_words).collect();
            }
            ParsedExtension::BasicConstraints(basic) => {
                (self.authority, self.path_length) = (basic.ca, basic.path_len_constraint);
            }
            ParsedExtension::KeyUsage(usage) => self.key_usages = key_usages(usage),
            ParsedExtension::ExtendedKeyUsage(usage) => {
                let known = [
                    (usage.server_auth, "server"),
                    (usage.client_auth, "client"),
                    (usage.code_signing, "code_signing"),
                    (usage.email_protection, "email_protection"),
                    (usage.time_stamping, "time_stamping"),
                    (usage.ocsp_signing, "ocsp_signing"),
                    (usage.any, "any"),
                ];
                let known = known.iter().filter(|(is, _)| *is).map(|(_, name)| (*name).to_owned());
                self.uses = known.chain(usage.other.iter().map(ToString::to_string)).collect();
            }
            ParsedExtension::NameConstraints(constraints) => {
                self.permitted = subtrees(constraints.permitted_subtrees.as_deref());
                self.excluded = subtrees(constraints.excluded_subtrees.as_deref());
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                let names = points.points.iter().filter_map(|point| match &point.distribution_point {
                    Some(DistributionPointName::FullName(names)) => Some(names),
                    _ => None,
                });
                self.crl_urls = names.flatten().filter_map(uri).collect();
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                let issuers =
                    access.accessdescs.iter().filter(|access| access.access_method.to_id_string() == CA_ISSUERS);
                self.issuer_urls = issuers.filter_map(|access| uri(&access.access_location)).collect();
            }
            ParsedExtension::SubjectKeyIdentifier(id) => self.key_id = Some(hex(id.0)),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                self.issuer_key_id = id.key_identifier.as_ref().map(|id| hex(id.0));
            }
            _ => {}
        }
    }
}

/// id-ad-caIssuers (RFC 5280, 4.2.2.1).
const CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";

/// The subject as `Subject` shows it, where it has no other parts than that.
fn shown(name: &x509_parser::x509::X509Name<'_>) -> String {
    let mut subject = super::subject::Subject::default();
    let taken = name.iter_attributes().all(|attribute| {
        let kind = match attribute.attr_type().to_id_string().as_str() {
            "2.5.4.6" => "C",
            "2.5.4.8" => "ST",
            "2.5.4.7" => "L",
            "2.5.4.10" => "O",
            "2.5.4.11" => "OU",
            "2.5.4.3" => "CN",
            _ => return false,
        };
        attribute.as_str().is_ok_and(|value| subject.set(kind, value).is_ok())
    });
    if taken { subject.to_string() } else { name.to_string() }
}

fn key_usages(usage: &x509_parser::extensions::KeyUsage) -> Vec<KeyUsage> {
    let all = [
        (usage.digital_signature(), KeyUsage::DigitalSignature),
        (usage.non_repudiation(), KeyUsage::ContentCommitment),
        (usage.key_encipherment(), KeyUsage::KeyEncipherment),
        (usage.data_encipherment(), KeyUsage::DataEncipherment),
        (usage.key_agreement(), KeyUsage::KeyAgreement),
        (usage.key_cert_sign(), KeyUsage::CertSign),
        (usage.crl_sign(), KeyUsage::CrlSign),
    ];
    all.into_iter().filter(|(is, _)| *is).map(|(_, usage)| usage).collect()
}

fn uri(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    }
}

/// A name of a certificate in our words; one that we do not write in those of the parser.
fn name_in_words(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => San::Dns(name.to_ascii_lowercase()).to_string(),
        GeneralName::RFC822Name(name) => San::Email((*name).to_owned()).to_string(),
        GeneralName::URI(uri) => San::Uri((*uri).to_owned()).to_string(),
        GeneralName::IPAddress(octets) => match address(octets) {
            Some(address) => San::Ip(address).to_string(),
            None => format!("ip:{}", hex(octets)),
        },
        other => other.to_string(),
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

fn subtrees(trees: Option<&[GeneralSubtree<'_>]>) -> Vec<String> {
    let in_words = |tree: &GeneralSubtree<'_>| match &tree.base {
        GeneralName::DNSName(name) => {
            NameConstraint::Dns(name.trim_start_matches('.').to_ascii_lowercase()).to_string()
        }
        GeneralName::RFC822Name(name) => NameConstraint::Email((*name).to_owned()).to_string(),
        GeneralName::IPAddress(octets) => {
            network(octets).map_or_else(|| format!("ip:{}", hex(octets)), |tree| tree.to_string())
        }
        other => other.to_string(),
    };
    trees.unwrap_or_default().iter().map(in_words).collect()
}

/// An address and its mask, where the mask is a run of ones.
fn network(octets: &[u8]) -> Option<NameConstraint> {
    let (front, mask) = octets.split_at(octets.len() / 2);
    let prefix = mask.iter().map(|octet| octet.leading_ones()).sum::<u32>();
    let whole = mask.iter().map(|octet| octet.count_ones()).sum::<u32>();
    let run = mask.iter().skip_while(|octet| **octet == 0xff).skip(1).all(|octet| *octet == 0);
    (prefix == whole && run).then_some(NameConstraint::Ip(address(front)?, u8::try_from(prefix).ok()?))
}

/// The kind of a public key.
pub(super) fn spki_type(spki: &[u8]) -> Option<KeyType> {
    let (_, info) = SubjectPublicKeyInfo::from_der(spki).ok()?;
    let algorithm = &info.algorithm.algorithm;
    if *algorithm == OID_SIG_ED25519 {
        return Some(KeyType::Ed25519);
    }
    if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
        return [(OID_EC_P256, KeyType::P256), (OID_NIST_EC_P384, KeyType::P384)]
            .into_iter()
            .find_map(|(oid, kind)| (curve == oid).then_some(kind));
    }
    match info.parsed().ok()? {
        PublicKey::RSA(key) => match key.key_size() {
            2048 => Some(KeyType::Rsa2048),
            3072 => Some(KeyType::Rsa3072),
            4096 => Some(KeyType::Rsa4096),
            _ => None,
        },
        _ => None,
    }
}

/// Seconds since 1970 as an instant; what lies outside of its range as its border.
pub(super) fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// In hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
