//! What every layer's errors mean on the command line: message, place, hint and exit code.

use super::config::ConfigError;
use super::failure::{CommandError, Exit};
use super::staging::StagingError;
use crate::event::Failure;
use crate::inventory::{InventoryError, SelectorError};
use crate::pki::PkiError;
use crate::pki::ssh::SshError;
use crate::secret::SecretError;

impl CommandError {
    /// A mistake of the caller, in words.
    pub fn mistake(message: impl Into<String>) -> Self {
        Self::new(Exit::Invalid, Failure::new(message))
    }

    /// No inventory is named anywhere.
    pub fn no_inventory() -> Self {
        Self::mistake("no inventory").hint("name one with `-i`, or as `inventory:` in rhapsode.yaml")
    }

    /// The selection left no host.
    pub fn no_host() -> Self {
        Self::new(Exit::NoHost, Failure::new("no host is selected"))
            .hint("look at `--limit` and `--exclude`; `rhapsode inventory list` names the hosts")
    }

    /// Nobody can be asked whether to apply.
    pub fn needs_yes() -> Self {
        Self::new(Exit::Usage, Failure::new("an apply without a terminal cannot ask")).hint("add `--yes`")
    }
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        Self::new(Exit::Invalid, failure)
    }
}

impl From<InventoryError> for CommandError {
    fn from(error: InventoryError) -> Self {
        let failure = Failure { at: error.position(), hint: error.hint.clone(), ..Failure::of(&error) };
        Self::new(Exit::Invalid, failure)
    }
}

impl From<SecretError> for CommandError {
    fn from(error: SecretError) -> Self {
        let failure = Failure { at: error.at.clone(), hint: error.hint.clone(), ..Failure::of(&error) };
        Self::new(Exit::Invalid, failure)
    }
}

impl From<PkiError> for CommandError {
    fn from(error: PkiError) -> Self {
        match error {
            PkiError::Secret(error) => error.into(),
            error => Self::new(Exit::Invalid, Failure { hint: error.hint(), ..Failure::of(&error) }),
        }
    }
}

impl From<SshError> for CommandError {
    fn from(error: SshError) -> Self {
        Self::new(Exit::Invalid, Failure { hint: error.hint.clone(), ..Failure::of(&error) })
    }
}

impl From<SelectorError> for CommandError {
    fn from(error: SelectorError) -> Self {
        let exit = if error.is_no_match() { Exit::NoHost } else { Exit::Invalid };
        Self::of(exit, &error).hint(error.hint())
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        let mut failure = Failure::of(&error);
        if let ConfigError::File { at, hint, .. } = &error {
            failure.at = Some(at.clone());
            failure.hint.clone_from(hint);
        }
        Self::new(Exit::Invalid, failure)
    }
}

impl From<StagingError> for CommandError {
    fn from(error: StagingError) -> Self {
        let hint = error.hint();
        let failure = Failure { hint, ..Failure::of(&error) };
        Self::new(Exit::Failed, failure)
    }
}
