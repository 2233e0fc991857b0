//! What the project holds of certificates: looked at in plans, made in applies.

use super::handles::Kept;
use crate::engine::Shared;
use crate::event::Sign;
use crate::ops::{Change, OpError};
use crate::pki::{Pki, PkiError, Revoked, Verdict, Want};
use crate::script::world::Authority;
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
    let own = in_pki(authority.own(), name)?;
    let Some(current) = authority.elsewhere() else { return Ok(own) };
    match own {
        Some(kept) if taken_back(&kept, &current)?.is_none() => Ok(Some(kept)),
        _ => in_pki(current, name),
    }
}

/// Why the project as it is now takes a certificate of an earlier commit back, or one of those that issued it.
fn taken_back(kept: &Kept, current: &Pki) -> Result<Option<Revoked>, PkiError> {
    let mut next = Some(kept.certificate.clone());
    while let Some(certificate) = next {
        let Some(issuer) = &certificate.issuer else { break };
        if let Some(revoked) = current.revocation_of(issuer, &certificate.seen.serial)? {
            return Ok(Some(revoked));
        }
        next = kept.pki.show(issuer).ok();
    }
    Ok(None)
}

fn in_pki(pki: Arc<Pki>, name: &str) -> Result<Option<Arc<Kept>>, PkiError> {
    match pki.show(name) {
        Ok(certificate) => Ok(Some(Arc::new(Kept { certificate, pki }))),
        Err(PkiError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
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

    /// Whether there is none yet, nor one that an interrupted run left half made.
    fn is_new(&self) -> Result<bool, PkiError> {
        match there(self.authority, self.name) {
            Err(PkiError::Unfinished { .. }) => Ok(false),
            found => Ok(found?.is_none()),
        }
    }

    /// The certificate, or why it must be issued. A rollback takes that of its commit while it holds and was not taken
    /// back since, then that of the project as it is.
    fn verdict(&self) -> Result<Result<Arc<Kept>, Vec<String>>, PkiError> {
        let look = |pki: Arc<Pki>| -> Result<Result<Arc<Kept>, Vec<String>>, PkiError> {
            Ok(match pki.look(self.name, self.want, now())? {
                Verdict::Keep(certificate) => Ok(Arc::new(Kept { certificate: *certificate, pki })),
                Verdict::Issue { reasons } => Err(reasons),
            })
        };
        let own = look(self.authority.own())?;
        let Some(current) = self.authority.elsewhere() else { return Ok(own) };
        let lasting = || in_pki(self.authority.own(), self.name).map(|kept| kept.filter(is_valid));
        let kept = own.as_ref().ok().cloned().map_or_else(lasting, |kept| Ok(Some(kept)))?;
        match kept {
            Some(kept) if taken_back(&kept, &current)?.is_none() => Ok(Ok(kept)),
            _ => Ok(look(current)?.map_err(|reasons| own.err().unwrap_or(reasons))),
        }
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
        let waits = self.want.issuer().filter(|issuer| self.authority.is_pending(issuer));
        let verdict = self.verdict().map_err(refused)?;
        if verdict.is_err() && self.authority.elsewhere().is_some() {
            return Err(frozen(self.name, "certificate"));
        }
        if verdict.is_err() || waits.is_some() {
            self.authority.pends(self.name);
        }
        match (verdict, waits) {
            (Ok(_), Some(issuer)) => Err(OpError::Unknown(format!("what becomes of its authority `{issuer}`"))),
            (Ok(_), None) => Ok(Vec::new()),
            (Err(_), _) if self.is_new().map_err(refused)? => Ok(vec![Change::new(Sign::Create, "issue")]),
            // Its authority may bring more reasons with it.
            (Err(reasons), Some(_)) => Ok(again(&reasons).into_iter().map(Change::open_until_applied).collect()),
            (Err(reasons), None) => Ok(again(&reasons)),
        }
    }

    fn work(&self) -> Result<(), OpError> {
        self.authority.own().ensure(self.name, self.want, now()).map_err(refused)?;
        self.authority.settles(self.name);
        Ok(())
    }
}

fn is_valid(kept: &Arc<Kept>) -> bool {
    kept.certificate.seen.not_after > now()
}

fn again(reasons: &[String]) -> Vec<Change> {
    reasons.iter().map(|reason| Change::new(Sign::Update, format!("issue anew: {reason}"))).collect()
}

/// An error of the library as one of an operation.
pub fn refused(error: PkiError) -> OpError {
    let hint = error.hint();
    let sources = std::iter::successors(std::error::Error::source(&error), |error| error.source());
    let causes = sources.map(ToString::to_string);
    let message = std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": ");
    OpError::Refused { message, hint }
}
