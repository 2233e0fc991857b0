//! Public halves of keys, in one form whatever the format of the key.

use ssh_key::private::Ed25519Keypair;
use ssh_key::public::KeyData;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// What tells a key from all others: the modulus of RSA, the uncompressed point of an elliptic curve, the 32 octets of
/// Ed25519.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public(Vec<u8>);

/// The octets of the object identifiers, without tag and length.
const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: [u8; 3] = [0x2b, 0x65, 0x70];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;

impl Public {
    /// That of a `SubjectPublicKeyInfo` in DER (RFC 5280, 4.1.2.7).
    pub fn of_spki(spki: &[u8]) -> Option<Self> {
        let (_, info) = SubjectPublicKeyInfo::from_der(spki).ok()?;
        match info.parsed().ok()? {
            PublicKey::RSA(key) => Some(Self::of_modulus(key.modulus)),
            PublicKey::EC(point) => Some(Self(point.data().to_vec())),
            _ => Some(Self(info.subject_public_key.data.to_vec())),
        }
    }

    /// That of a public key of OpenSSH.
    pub fn of_ssh(key: &KeyData) -> Option<Self> {
        match key {
            KeyData::Rsa(key) => key.n.as_positive_bytes().map(Self::of_modulus),
            KeyData::Ecdsa(key) => Some(Self(key.as_sec1_bytes().to_vec())),
            KeyData::Ed25519(key) => Some(Self(key.0.to_vec())),
            _ => None,
        }
    }

    /// That of a private key in DER: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC1 (RFC 5915). What follows it is left out.
    pub fn of_private(der: &[u8]) -> Option<Self> {
        let (SEQUENCE, body, _) = value(der)? else { return None };
        let (INTEGER, _, body) = value(body)? else { return None };
        match value(body)? {
            (INTEGER, modulus, _) => Some(Self::of_modulus(modulus)),
            (OCTETS, scalar, _) => Self::of_scalar(scalar),
            (SEQUENCE, algorithm, body) => {
                let (_, algorithm, _) = value(algorithm)?;
                let (OCTETS, key, _) = value(body)? else { return None };
                match algorithm {
                    _ if algorithm == RSA || algorithm == EC => Self::of_private(key),
                    _ if algorithm == ED25519 => Self::of_seed(value(key)?.1),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// That of a private key as OpenSSH keeps it, without its PEM. One that has a passphrase shows it, too.
    pub fn of_openssh(bytes: &[u8]) -> Option<Self> {
        let key = ssh_key::PrivateKey::from_bytes(bytes).ok()?;
        Self::of_ssh(key.public_key().key_data())
    }

    fn of_modulus(modulus: &[u8]) -> Self {
        Self(modulus.iter().copied().skip_while(|octet| *octet == 0).collect())
    }

    /// Whatever curve is named: another one gives a point that nobody has.
    fn of_scalar(scalar: &[u8]) -> Option<Self> {
        use p256::elliptic_curve::sec1::ToEncodedPoint;
        let point = match scalar.len() {
            ..=32 => p256::SecretKey::from_slice(scalar).ok()?.public_key().to_encoded_point(false).as_bytes().to_vec(),
            _ => p384::SecretKey::from_slice(scalar).ok()?.public_key().to_encoded_point(false).as_bytes().to_vec(),
        };
        Some(Self(point))
    }

    fn of_seed(seed: &[u8]) -> Option<Self> {
        let pair = Ed25519Keypair::from_seed(seed.try_into().ok()?);
        Some(Self(pair.public.0.to_vec()))
    }
}

/// The tag and the content of a value in DER, and what follows it.
fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}
