//! Values that never print, and where they live.
//!
//! A secret or an unknown value travels through scripts, templates and maps as a *token*: a short text
//! that names a slot in a process-wide table. Sinks that must have the value (file content, stdin, the
//! environment of a remote command) call [`reveal`] at the last moment; everything else that leaves the
//! process goes through [`redact`].

pub mod committed;
mod edited;
mod error;
mod fingerprint;
mod forms;
mod mask;
mod name;
mod program;
mod provider;
mod random;
mod scrub;
mod segment;
pub mod sops;
mod store;
mod stream;
mod table;
mod token;

pub use edited::EditError;
pub use error::SecretError;
pub use fingerprint::{FingerprintKey, fingerprint, fingerprint_by, sealed};
pub use mask::masked_diff;
pub use name::Name;
pub use provider::{Inspect, Needed, Provider, Providers, random_value};
pub use random::{random, random_text};
pub use scrub::{Scrubber, scrubber};
pub use store::Store;
pub use stream::{Scrubbing, Stream};
pub use table::{
    Resolve, conceal, forget_all, install, is_known, redact, refer, reference, resolve, reveal, scrub, short_ones,
    unknown, unknowns,
};
pub use token::{Kind, Token, contains_token, contains_unknown, tokens};

/// What stands in the place of a secret.
pub const SECRET: &str = "[secret]";

/// Why a text cannot be revealed.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum RevealError {
    /// The text depends on what only an apply can tell.
    #[error("the value is known only after apply: {0}")]
    Unknown(String),
    /// A secret must not be put where every user of a host can read it.
    #[error("a secret would stand on a command line: pass it by `stdin` or `env`")]
    CommandLine,
    /// A token of another process or run.
    #[error("the value holds a token that names no slot")]
    Stale,
    /// A script took a part of the text that stands for a secret.
    #[error("a part was taken of a text with a secret in it: work on it inside `secret.map(|value| ...)`")]
    Cut,
    /// The secret cannot be had.
    #[error(transparent)]
    Unresolved(#[from] Box<SecretError>),
}
