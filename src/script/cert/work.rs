//! What the project holds of certificates: looked at in plans, made in applies.

use super::super::world::Authority;
use super::handles::Kept;
use crate::engine::Shared;
use crate::event::Sign;
use crate::ops::{Change, OpError};
use crate::pki::{Pki, PkiError, Verdict, Want};
use jiff::Timestamp;
use std::sync::Arc;

/// A certificate under a name.
pub struct Issue<'a> {
    pub name: &'a str,
    pub want: &'a Want,
    pub authority: &'a Authority,
}

/// The time, as the library has it.
pub fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).expect("the time of now, without its fraction")
}

/// The certificate that is there under a name, whatever is wanted of it.
pub fn there(authority: &Authority, name: &str) -> Result<Option<Arc<Kept>>, PkiError> {
    for pki in [Some(authority.own()), authority.elsewhere()].into_iter().flatten() {
        match pki.show(name) {
            Ok(certificate) => return Ok(Some(Arc::new(Kept { certificate, pki }))),
            Err(PkiError::Missing { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Why nothing can be made in a rollback.
pub fn frozen(name: &str, what: &str) -> OpError {
    OpError::refused_with(
        format!("neither this commit nor the project has the {what} `{name}` as it is wanted here"),
        "a rollback issues nothing: apply the project as it is, or go back to a commit that has it",
    )
}

impl Issue<'_> {
    /// The certificate that is as wanted.
    pub fn found(&self) -> Result<Option<Arc<Kept>>, PkiError> {
        Ok(self.verdict()?.ok())
    }

    /// The certificate, or why it must be issued. A rollback takes that of its commit while it holds, then that of the
    /// project as it is.
    fn verdict(&self) -> Result<Result<Arc<Kept>, Vec<String>>, PkiError> {
        let look = |pki: Arc<Pki>| -> Result<Result<Arc<Kept>, Vec<String>>, PkiError> {
            Ok(match pki.look(self.name, self.want, now())? {
                Verdict::Keep(certificate) => Ok(Arc::new(Kept { certificate: *certificate, pki })),
                Verdict::Issue { reasons } => Err(reasons),
            })
        };
        let own = look(self.authority.own())?;
        let (Err(reasons), Some(current)) = (&own, self.authority.elsewhere()) else { return Ok(own) };
        if let Some(kept) = there(self.authority, self.name)?.filter(|kept| kept.certificate.seen.not_after > now()) {
            return Ok(Ok(kept));
        }
        Ok(look(current)?.map_err(|_| reasons.clone()))
    }
}

impl Shared for Issue<'_> {
    fn key(&self) -> String {
        format!("certificate {}", self.name)
    }

    fn want(&self) -> String {
        serde_json::to_string(self.want).expect("wants have a JSON form")
    }

    fn look(&self) -> Result<Vec<Change>, OpError> {
        match self.verdict().map_err(refused)? {
            Ok(_) => match self.want.issuer().filter(|issuer| self.authority.is_pending(issuer)) {
                Some(issuer) => {
                    self.authority.pends(self.name);
                    Err(OpError::Unknown(format!("what becomes of its authority `{issuer}`")))
                }
                None => Ok(Vec::new()),
            },
            Err(_) if self.authority.elsewhere().is_some() => Err(frozen(self.name, "certificate")),
            Err(reasons) => {
                self.authority.pends(self.name);
                let there = there(self.authority, self.name).map_err(refused)?.is_some();
                Ok(issued(there, &reasons))
            }
        }
    }

    fn work(&self) -> Result<(), OpError> {
        self.authority.own().ensure(self.name, self.want, now()).map_err(refused)?;
        self.authority.settles(self.name);
        Ok(())
    }
}

fn issued(there: bool, reasons: &[String]) -> Vec<Change> {
    let (sign, text) = if there { (Sign::Update, "issue anew") } else { (Sign::Create, "issue") };
    let told = reasons.iter().map(|reason| Change::new(sign, format!("{text}: {reason}")));
    told.collect()
}

/// An error of the library as one of an operation.
pub fn refused(error: PkiError) -> OpError {
    let hint = error.hint();
    let sources = std::iter::successors(std::error::Error::source(&error), |error| error.source());
    let causes = sources.map(ToString::to_string);
    let message = std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": ");
    OpError::Refused { message, hint }
}
