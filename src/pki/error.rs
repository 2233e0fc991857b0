//! Why a certificate cannot be had.

use crate::secret::SecretError;

/// Split by what a caller can do; never holds a key.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// What is wanted makes no sense.
    #[error("{problem}")]
    Invalid {
        /// What is wrong, with the value.
        problem: String,
        /// Something to do about it.
        hint: Option<String>,
    },
    /// There is no such certificate or authority.
    #[error("there is no certificate `{name}`")]
    Missing {
        /// The name that was asked for.
        name: String,
        /// What there is instead.
        near: Option<String>,
    },
    /// A run that issued it was interrupted.
    #[error("the certificate `{name}` is not finished: an earlier run was interrupted")]
    Unfinished {
        /// The certificate.
        name: String,
    },
    /// The issuer must not sign what is wanted.
    #[error("`{issuer}` cannot issue `{name}`: {problem}")]
    Refused {
        /// The authority.
        issuer: String,
        /// What it should sign.
        name: String,
        /// Why it must not.
        problem: String,
        /// Something to do about it.
        hint: Option<String>,
    },
    /// A file is not what was written: changed by hand, torn, or merged wrongly.
    #[error("`{path}` is not what was issued: {problem}")]
    Damaged {
        /// From the project.
        path: String,
        /// What does not fit.
        problem: String,
    },
    /// A text or file that is no certificate, key or PKCS#12 file.
    #[error("{what} cannot be read: {problem}")]
    Unreadable {
        /// Which one.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The key in the secrets is missing or of another certificate.
    #[error("the private key of `{name}` {problem}")]
    Key {
        /// The certificate.
        name: String,
        /// `is not the one of its certificate`
        problem: String,
        /// Something to do about it.
        hint: Option<String>,
    },
    /// The chain does not hold.
    #[error("`{name}` does not verify: {problem}")]
    Unverified {
        /// The certificate.
        name: String,
        /// Where and why.
        problem: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {doing} `{path}`")]
    File {
        /// `read`, `write`, `lock`.
        doing: &'static str,
        /// From the project.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The secrets of the project cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A library failed where nothing of the caller's is wrong.
    #[error("cannot {doing}: {problem}")]
    Crypto {
        /// What was being done.
        doing: &'static str,
        /// What the library says.
        problem: String,
    },
}

impl PkiError {
    /// Something to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Invalid { hint, .. } | Self::Refused { hint, .. } | Self::Key { hint, .. } => return hint.clone(),
            Self::Missing { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::Missing { near: None, .. } => "`rhapsode pki list` shows what there is".into(),
            Self::Unfinished { name } => format!("run it again, or `rhapsode pki renew {name}`"),
            Self::Damaged { .. } => {
                "take the folder back from git; that of a certificate can be removed instead, and the certificate be issued \
                 again as it was; that of an authority cannot"
                    .into()
            }
            Self::Secret(error) => return error.hint.clone(),
            _ => return None,
        })
    }

    /// A wrong value, in words.
    pub fn invalid(problem: impl Into<String>) -> Self {
        Self::Invalid { problem: problem.into(), hint: None }
    }

    /// A wrong value, and what to do about it.
    pub fn invalid_hint(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Invalid { problem: problem.into(), hint: Some(hint.into()) }
    }
}
