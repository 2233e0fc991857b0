//! Files as SOPS keeps them: names in clear, values encrypted, a MAC over all.
//!
//! Spec: <https://getsops.io/docs/#sops-file-format>, and the behaviour of `sops` 3.10.

mod cipher;
mod document;
mod error;
mod formats;
mod identities;
mod ini;
mod json;
mod lines;
mod locked;
mod merge;
mod metadata;
mod outside;
mod path;
mod recipients;
mod rules;
mod seal;
mod tree;
mod yaml;
mod yaml_write;

pub use document::Document;
pub use error::SopsError;
pub use formats::Format;
pub use identities::{Identities, passphrase};
pub use merge::merge;
pub use outside::decrypt as decrypt_outside;
pub use path::KeyPath;
pub use recipients::{Recipient, decrypt_age, encrypt_age};
pub use rules::Rules;
pub use tree::{Element, Entry, Node};
