//! DNSSEC keys and trust anchors, TSIG keys, zones and reverse zones.
//!
//! What is secret stands in the project's secrets (`secrets/dns/`), what is public in `dns/`: both belong into git.

mod anchor;
mod error;
mod folder;
mod key;
mod ksk;
mod name;
mod prefix;
mod record;
mod reverse;
mod serial;
mod tsig;
mod zone;

pub use anchor::Anchors;
pub use error::DnsError;
pub use key::{Algorithm, Key, PublicKey};
pub use ksk::{BindFiles, Ksk, KskWant, SigningKey};
pub use name::DomainName;
pub use prefix::{Classless, Prefix, reverse_name};
pub use reverse::{Reverse, ReverseWant};
pub use serial::{Policy, Serial};
pub(super) use serial::{is_serial, merge_serials};
pub use tsig::{ROLES, Tsig, TsigAlgorithm};
pub use zone::{Zone, ZoneWant};

use crate::secret::Store;
use serde::{Deserialize, Deserializer};
use std::path::Path;

/// The DNS keys and serials of one project.
pub struct Dns {
    store: Store,
}

/// What is there, or what an ensure would do and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<T> {
    /// It is there.
    Keep(T),
    /// It would be made; with the reasons, for people.
    Make(Vec<String>),
}

impl Dns {
    /// Those of a project.
    pub fn of_project(root: &Path) -> Self {
        Self { store: Store::of_project(root) }
    }

    /// The same with a store of secrets that is open already.
    pub fn with(store: Store) -> Self {
        Self { store }
    }
}

/// One text, or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "it must be a text or an array of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(text) => vec![text],
        OneOrMore::More(texts) => texts,
    })
}
