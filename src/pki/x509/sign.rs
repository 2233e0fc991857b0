//! From what shall stand in a certificate to the certificate.

use super::constraint::NameConstraint;
use super::content::Content;
use super::held::Held;
use super::judge::Validity;
use super::key::PrivateKey;
use super::san::San;
use super::want::{KeyUsage, Use};
use crate::pki::PkiError;
use crate::pki::trust::tlv;
use crate::secret::random;
use jiff::Timestamp;
use rcgen::string::{Ia5String, PrintableString};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CrlDistributionPoint, CustomExtension, DistinguishedName, DnType,
    DnValue, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
    SerialNumber,
};
use time::OffsetDateTime;

/// The number of a certificate: 16 octets, positive, never to be guessed (RFC 5280, 4.1.2.2 allows 20).
pub(super) fn new_serial() -> [u8; 16] {
    let mut serial = [0; 16];
    random(&mut serial);
    // The first octet is neither 0 nor negative: every serial has the same length.
    serial[0] = serial[0] & 0x3f | 0x40;
    serial
}

pub(super) fn failed(error: &rcgen::Error) -> PkiError {
    PkiError::Crypto { doing: "sign", problem: error.to_string() }
}

/// Signs a certificate for the public half of a key: by its issuer, or by the key itself.
pub(super) fn sign(
    content: &Content,
    validity: Validity,
    serial: [u8; 16],
    key: &PrivateKey,
    issuer: Option<(&Held, &PrivateKey)>,
) -> Result<Vec<u8>, PkiError> {
    let mut params = params(content)?;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    (params.not_before, params.not_after) = (date(validity.not_before), date(validity.not_after));
    let pair = key.pair();
    let signed = match issuer {
        None => params.self_signed(&*pair),
        Some((held, issuer_key)) => {
            params.use_authority_key_identifier_extension = true;
            let issuer_pair = issuer_key.pair();
            params.signed_by(&*pair, &issuer_of(held, &issuer_pair)?)
        }
    };
    Ok(signed.map_err(|error| failed(&error))?.der().to_vec())
}

/// An authority as rcgen signs with it.
pub(super) fn issuer_of<'a>(held: &Held, pair: &'a KeyPair) -> Result<Issuer<'static, &'a KeyPair>, PkiError> {
    Issuer::from_ca_cert_der(&held.der.clone().into(), pair).map_err(|error| failed(&error))
}

pub(super) fn date(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.as_second()).expect("a hundred years from now are in range")
}

fn params(content: &Content) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(content)?;
    params.is_ca = match (content.authority, content.path_length) {
        (true, None) => IsCa::Ca(BasicConstraints::Unconstrained),
        (true, Some(length)) => IsCa::Ca(BasicConstraints::Constrained(length)),
        (false, _) => IsCa::ExplicitNoCa,
    };
    params.subject_alt_names = content.sans.iter().map(san).collect::<Result<_, _>>()?;
    params.key_usages = content.key_usages.iter().map(|usage| key_usage(*usage)).collect();
    params.extended_key_usages = match content.usage {
        None => Vec::new(),
        Some(Use::Server) => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Some(Use::Client) => vec![ExtendedKeyUsagePurpose::ClientAuth],
        Some(Use::Both) => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
    };
    if !content.permitted.is_empty() || !content.excluded.is_empty() {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: content.permitted.iter().map(subtree).collect(),
            excluded_subtrees: content.excluded.iter().map(subtree).collect(),
        });
    }
    if !content.crl_urls.is_empty() {
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: content.crl_urls.clone() }];
    }
    params.custom_extensions.extend(issuer_access(&content.issuer_urls));
    Ok(params)
}

fn name(content: &Content) -> Result<DistinguishedName, PkiError> {
    let mut name = DistinguishedName::new();
    for (kind, value) in content.subject.parts() {
        let kind = match kind {
            "C" => DnType::CountryName,
            "ST" => DnType::StateOrProvinceName,
            "L" => DnType::LocalityName,
            "O" => DnType::OrganizationName,
            "OU" => DnType::OrganizationalUnitName,
            _ => DnType::CommonName,
        };
        // The country is a PrintableString (RFC 5280, appendix A), all else UTF-8 (4.1.2.4).
        let value = match kind {
            DnType::CountryName => {
                DnValue::PrintableString(PrintableString::try_from(value).map_err(|error| failed(&error))?)
            }
            _ => DnValue::Utf8String(value.to_owned()),
        };
        name.push(kind, value);
    }
    Ok(name)
}

fn san(san: &San) -> Result<SanType, PkiError> {
    let text = |text: &str| Ia5String::try_from(text).map_err(|error| failed(&error));
    Ok(match san {
        San::Dns(name) => SanType::DnsName(text(name)?),
        San::Ip(address) => SanType::IpAddress(*address),
        San::Uri(uri) => SanType::URI(text(uri)?),
        San::Email(address) => SanType::Rfc822Name(text(address)?),
    })
}

fn key_usage(usage: KeyUsage) -> KeyUsagePurpose {
    match usage {
        KeyUsage::DigitalSignature => KeyUsagePurpose::DigitalSignature,
        KeyUsage::ContentCommitment => KeyUsagePurpose::ContentCommitment,
        KeyUsage::KeyEncipherment => KeyUsagePurpose::KeyEncipherment,
        KeyUsage::DataEncipherment => KeyUsagePurpose::DataEncipherment,
        KeyUsage::KeyAgreement => KeyUsagePurpose::KeyAgreement,
        KeyUsage::CertSign => KeyUsagePurpose::KeyCertSign,
        KeyUsage::CrlSign => KeyUsagePurpose::CrlSign,
    }
}

fn subtree(tree: &NameConstraint) -> GeneralSubtree {
    match tree {
        NameConstraint::Dns(name) => GeneralSubtree::DnsName(name.clone()),
        NameConstraint::Email(name) => GeneralSubtree::Rfc822Name(name.clone()),
        NameConstraint::Ip(network, prefix) => {
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*network, *prefix))
        }
    }
}

/// id-pe-authorityInfoAccess with the addresses of the issuer's certificate (RFC 5280, 4.2.2.1).
fn issuer_access(urls: &[String]) -> Option<CustomExtension> {
    const ACCESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
    /// id-ad-caIssuers
    const CA_ISSUERS: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
    let access = |url: &String| tlv(0x30, &[tlv(0x06, &CA_ISSUERS), tlv(0x86, url.as_bytes())].concat());
    let all: Vec<u8> = urls.iter().flat_map(access).collect();
    (!all.is_empty()).then(|| CustomExtension::from_oid_content(&ACCESS, tlv(0x30, &all)))
}
