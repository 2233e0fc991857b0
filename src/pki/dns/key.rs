//! The key pair of a zone, and its forms.

use super::{DnsError, DomainName};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::base::iana::SecurityAlgorithm;
use domain::rdata::Dnskey;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::{Decode, SliceReader};
use pkcs8::{AlgorithmIdentifierRef, LineEnding, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument};
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha384};
use zeroize::Zeroizing;

/// Zone key and secure entry point: a key signing key (RFC 4034, 2.1.1).
const KSK: u16 = 0x0101;
/// Its holder says that it is no anchor any more (RFC 5011, 2.1).
const REVOKED: u16 = 0x0080;
/// RFC 4034, 2.1.2.
const PROTOCOL: u8 = 3;

const OID_EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const OID_P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const OID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// How a key signs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256: number 13, RFC 6605.
    #[default]
    EcdsaP256Sha256,
    /// Ed25519: number 15, RFC 8080.
    Ed25519,
}

impl Algorithm {
    /// Its number and name of the IANA registry.
    pub fn iana(self) -> (u8, &'static str) {
        match self {
            Self::EcdsaP256Sha256 => (13, "ECDSAP256SHA256"),
            Self::Ed25519 => (15, "ED25519"),
        }
    }

    fn signature(self) -> &'static SignatureAlgorithm {
        match self {
            Self::EcdsaP256Sha256 => &PKCS_ECDSA_P256_SHA256,
            Self::Ed25519 => &PKCS_ED25519,
        }
    }

    fn of(algorithm: &AlgorithmIdentifierRef<'_>) -> Option<Self> {
        match (algorithm.oid, algorithm.parameters_oid().ok()) {
            (OID_EC, Some(OID_P256)) => Some(Self::EcdsaP256Sha256),
            (OID_ED25519, _) => Some(Self::Ed25519),
            _ => None,
        }
    }
}

/// A private key with its public one.
pub struct Key {
    public: PublicKey,
    /// PKCS#8, version 1: not every program reads the newer version, which holds the public key too.
    der: Zeroizing<Vec<u8>>,
}

impl Key {
    /// A new one.
    pub fn generate(algorithm: Algorithm) -> Self {
        let made = rcgen::KeyPair::generate_for(algorithm.signature()).expect("the kernel gives random bytes");
        let der = Zeroizing::new(made.serialize_der());
        let info = PrivateKeyInfoRef::try_from(der.as_slice()).expect("a key of rcgen is PKCS#8");
        let first = PrivateKeyInfoRef::new(info.algorithm, info.private_key);
        let document = SecretDocument::try_from(first).expect("what was read can be written");
        Self { public: PublicKey::new(algorithm, made.public_key_raw()), der: document.to_bytes() }
    }

    /// Reads PKCS#8 PEM, as `openssl genpkey` and this program write it.
    ///
    /// # Errors
    /// It is none, or its algorithm is neither ECDSA P-256 nor Ed25519.
    pub fn from_pem(pem: &str) -> Result<Self, DnsError> {
        let wrong = |_| DnsError::wrong("the private key is no PKCS#8 PEM (`-----BEGIN PRIVATE KEY-----`)");
        let (label, document) = SecretDocument::from_pem(pem).map_err(wrong)?;
        let info: PrivateKeyInfoRef<'_> = document.decode_msg().map_err(wrong)?;
        let algorithm = Algorithm::of(&info.algorithm).filter(|_| label == "PRIVATE KEY").ok_or_else(|| {
            DnsError::wrong("the private key is neither ECDSA P-256 nor Ed25519")
                .hinted("`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one that signs zones")
        })?;
        let der = document.to_bytes();
        let pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&der.as_slice().into(), algorithm.signature())
            .map_err(|_| DnsError::wrong("the private key and the public key in its PEM do not belong together"))?;
        Ok(Self { public: PublicKey::new(algorithm, pair.public_key_raw()), der })
    }

    /// PKCS#8 PEM: what `keymgr import-pem` of Knot DNS takes.
    pub fn pem(&self) -> Zeroizing<String> {
        let document = SecretDocument::try_from(self.der.as_slice()).expect("it is DER");
        document.to_pem("PRIVATE KEY", LineEnding::LF).expect("DER has a PEM form")
    }

    /// Its public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The `K*.private` file of BIND.
    pub fn bind_private(&self) -> Zeroizing<String> {
        let (number, name) = self.public.algorithm.iana();
        let scalar = Zeroizing::new(BASE64_STANDARD.encode(&*self.scalar()));
        let text = format!("Private-key-format: v1.3\nAlgorithm: {number} ({name})\nPrivateKey: {}\n", *scalar);
        Zeroizing::new(text)
    }

    /// The 32 octets of the private key: `ECPrivateKey` (RFC 5915, 3) or `CurvePrivateKey` (RFC 8410, 7).
    fn scalar(&self) -> Zeroizing<Vec<u8>> {
        let info = PrivateKeyInfoRef::try_from(self.der.as_slice()).expect("read before");
        let octets = info.private_key.as_bytes();
        let read = || -> pkcs8::der::Result<Vec<u8>> {
            let mut reader = SliceReader::new(octets)?;
            let found: &OctetStringRef = match self.public.algorithm {
                Algorithm::Ed25519 => <&OctetStringRef>::decode(&mut reader)?,
                Algorithm::EcdsaP256Sha256 => {
                    pkcs8::der::Header::decode(&mut reader)?;
                    u8::decode(&mut reader)?;
                    <&OctetStringRef>::decode(&mut reader)?
                }
            };
            Ok(found.as_bytes().to_vec())
        };
        Zeroizing::new(read().expect("ring has read it too"))
    }
}

/// A public key, as DNSKEY records hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// How it signs.
    pub algorithm: Algorithm,
    octets: Vec<u8>,
}

impl PublicKey {
    fn new(algorithm: Algorithm, raw: &[u8]) -> Self {
        // RFC 6605, 4: both coordinates, without the octet that tells of an uncompressed point.
        let raw = if algorithm == Algorithm::EcdsaP256Sha256 { &raw[1..] } else { raw };
        Self { algorithm, octets: raw.to_vec() }
    }

    /// Reads the base64 of a DNSKEY record.
    ///
    /// # Errors
    /// It is no key of the algorithm.
    pub fn from_base64(algorithm: Algorithm, text: &str) -> Result<Self, DnsError> {
        let wanted = if algorithm == Algorithm::EcdsaP256Sha256 { 64 } else { 32 };
        let octets = BASE64_STANDARD.decode(text).ok().filter(|octets| octets.len() == wanted);
        octets
            .map(|octets| Self { algorithm, octets })
            .ok_or_else(|| DnsError::wrong(format!("`{text}` is no public key of {}", algorithm.iana().1)))
    }

    /// The base64 of its DNSKEY record.
    pub fn to_base64(&self) -> String {
        BASE64_STANDARD.encode(&self.octets)
    }

    pub(super) fn dnskey(&self, revoked: bool) -> Dnskey<Vec<u8>> {
        let flags = if revoked { KSK | REVOKED } else { KSK };
        let algorithm = SecurityAlgorithm::from_int(self.algorithm.iana().0);
        Dnskey::new(flags, PROTOCOL, algorithm, self.octets.clone()).expect("a short key")
    }

    /// The key tag (RFC 4034, appendix B); revoking a key changes it.
    pub fn key_tag(&self, revoked: bool) -> u16 {
        self.dnskey(revoked).key_tag()
    }

    /// The name of the files of BIND for it, without their endings: `Kinternal.+013+12345`.
    pub fn bind_file(&self, zone: &DomainName, revoked: bool) -> String {
        format!("K{zone}+{:03}+{:05}", self.algorithm.iana().0, self.key_tag(revoked))
    }
}

/// The data of a DNSKEY record: `257 3 13 BASE64`.
pub(super) fn dnskey_text(key: &Dnskey<impl AsRef<[u8]>>) -> String {
    let (flags, protocol, algorithm) = (key.flags(), key.protocol(), key.algorithm().to_int());
    format!("{flags} {protocol} {algorithm} {}", BASE64_STANDARD.encode(key.public_key()))
}

/// The data of the DS records of a key, by SHA-256 and SHA-384 (RFC 4034, 5.1.4; RFC 4509; RFC 6605, 2).
pub(super) fn ds_texts(owner: &DomainName, key: &Dnskey<impl AsRef<[u8]>>) -> [String; 2] {
    let mut data = owner.wire().to_vec();
    data.extend(key.flags().to_be_bytes());
    data.extend([key.protocol(), key.algorithm().to_int()]);
    data.extend(key.public_key().as_ref());
    let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let (tag, algorithm) = (key.key_tag(), key.algorithm().to_int());
    [(2, hex(&Sha256::digest(&data))), (4, hex(&Sha384::digest(&data)))]
        .map(|(kind, digest)| format!("{tag} {algorithm} {kind} {digest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standards_come_out() {
        // RFC 6605, 6.1.
        let key = "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==";
        let key = PublicKey::from_base64(Algorithm::EcdsaP256Sha256, key).expect("a key");
        assert_eq!(key.key_tag(false), 55648);
        let owner = DomainName::absolute("example.net").expect("a name");
        let [sha256, _] = ds_texts(&owner, &key.dnskey(false));
        assert_eq!(sha256, "55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17");
        assert_eq!(key.bind_file(&owner, false), "Kexample.net.+013+55648");
        // RFC 8080, 6.1.
        let key =
            PublicKey::from_base64(Algorithm::Ed25519, "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=").expect("a key");
        let owner = DomainName::absolute("example.com").expect("a name");
        assert_eq!(dnskey_text(&key.dnskey(false)), "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=");
        let [sha256, _] = ds_texts(&owner, &key.dnskey(false));
        assert_eq!(sha256, "3613 15 2 3AA5AB37EFCE57F737FC1627013FEE07BDF241BD10F3B1964AB55C78E79A304B");
    }

    #[test]
    fn a_private_key_goes_to_pem_and_back() {
        for algorithm in [Algorithm::EcdsaP256Sha256, Algorithm::Ed25519] {
            let key = Key::generate(algorithm);
            let again = Key::from_pem(&key.pem()).expect("its own PEM");
            assert_eq!(again.public(), key.public());
            assert_eq!(again.bind_private(), key.bind_private());
            assert_ne!(Key::generate(algorithm).public(), key.public());
        }
        // RFC 8080, 6.1, has the private key too.
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIDgyMjYwMzg0NjI4MDgwMTIyNjQ1MTkwMjA0MTQyMjYy\n-----END PRIVATE KEY-----\n";
        let key = Key::from_pem(pem).expect("a key");
        assert_eq!(key.public().to_base64(), "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=");
        assert!(key.bind_private().ends_with("PrivateKey: ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=\n"));
        assert!(Key::from_pem("nonsense").is_err());
    }
}
