//! Keys, certificates and authorities of a project: certificates in `pki/`, in clear; private keys in its secrets.

mod custody;
pub mod dns;
mod error;
mod merge;
pub mod ssh;
pub mod trust;
mod x509;

pub use custody::Custody;
pub use error::PkiError;
pub use merge::{Merged, Sides, is_made_again, merge};
pub use x509::{
    Authority, Certificate, Crl, CrlVerdict, Ensured, Inspection, Issued, KeyType, KeyUsage, Kind, Leaf, Listed,
    NameConstraint, Opened, Pkcs12, Pkcs12Want, Pki, PrivateKey, Reason, Revocation, Revoked, Rotation, RotationStage,
    San, Span, Subject, Use, Verdict, Verified, Want, certificate_pem, inspect, open_pkcs12, read_certificates,
};
