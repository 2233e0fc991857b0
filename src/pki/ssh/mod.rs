//! Keys of OpenSSH, and authorities that certify them.
//!
//! In the project stand, in clear: `pki/ssh/NAME.pub` for each key pair; `pki/ssh/NAME/authority.json` for an authority,
//! with all that it issued and revoked; `pki/ssh/NAME/revoked.krl`, the same for sshd; and
//! `pki/ssh/NAME/CERTIFICATE-cert.pub`. Private keys are in the project's secrets, under `pki/ssh/NAME/key`.

mod authority;
mod certificate;
mod differ;
mod error;
mod key;
mod krl;
mod lines;
mod list;
mod merge;
mod place;
mod record;
mod signer;

pub(super) use authority::LIST;
pub use authority::{AuthorityWant, Revoke};
pub use certificate::{CertificateWant, Issued, Kind};
pub use error::SshError;
pub use key::{KeyPair, KeyType, KeyWant, line, read_public};
pub use lines::authorized_keys;
pub use list::Listed;
pub(super) use merge::merge_records;
pub(super) use record::RECORD;

use crate::secret::Store;
use place::Place;
use std::path::Path;
use std::sync::Arc;

/// The keys and authorities of one project.
pub struct Ssh {
    store: Arc<Store>,
    place: Place,
}

/// What a look found, which changes nothing.
#[derive(Debug)]
pub enum Look<T> {
    /// All is as wanted.
    Keep(T),
    /// It is to be made, for these reasons.
    Make(Vec<String>),
}

impl Ssh {
    /// Those of a project.
    pub fn of_project(root: &Path) -> Self {
        Self::with(Arc::new(Store::of_project(root)))
    }

    /// The same, with private keys in this store.
    pub fn with(store: Arc<Store>) -> Self {
        Self { place: Place::of_project(store.root()), store }
    }
}
