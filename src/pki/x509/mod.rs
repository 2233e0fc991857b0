//! X.509 certificates (RFC 5280).

mod check;
mod constraint;
mod content;
mod crl;
mod held;
mod judge;
mod key;
mod list;
mod pem;
mod pkcs12;
mod pki;
mod read;
mod record;
mod rotate;
mod san;
mod shelf;
mod sign;
mod span;
mod subject;
mod verify;
mod want;

pub use constraint::NameConstraint;
pub use crl::{Crl, CrlVerdict, Revocation};
pub use key::{KeyType, PrivateKey};
pub use list::{Listed, OtherRoot};
pub use pem::{certificate_pem, read_certificates};
pub use pkcs12::{Opened, Pkcs12, Pkcs12Want, open_pkcs12};
pub use pki::{Certificate, Ensured, Pki, Verdict};
pub use read::{Inspection, inspect};
pub use record::{Issued, Reason, Revoked, RotationStage};
pub use rotate::Rotation;
pub use san::San;
pub use span::Span;
pub use subject::Subject;
pub use verify::Verified;
pub use want::{Authority, KeyUsage, Kind, Leaf, Use, Want};
