//! What is made of certificates and kept in the project: lists of what was revoked, encrypted files.

use super::handles::Kept;
use super::work::{frozen, now, refused};
use crate::engine::Shared;
use crate::event::Sign;
use crate::ops::{Change, OpError};
use crate::pki::{CrlVerdict, Pkcs12, Pkcs12Want, Pki, PkiError, Reason};
use crate::script::world::Authority;
use std::sync::Arc;

/// A certificate that is revoked.
pub struct Revoke<'a> {
    pub name: &'a str,
    pub reason: Reason,
    pub authority: &'a Authority,
}

/// The list of an authority.
pub struct List<'a> {
    pub name: &'a str,
    pub authority: &'a Authority,
}

/// An encrypted file with certificate and key; without them when an apply issues them.
pub struct Pack<'a> {
    pub name: &'a str,
    pub kept: Option<&'a Arc<Kept>>,
    pub friendly: &'a str,
    pub authority: &'a Authority,
}

/// What was revoked stays so: a rollback takes back no revocation, and publishes no list of yesterday.
fn current(authority: &Authority) -> Arc<Pki> {
    authority.elsewhere().unwrap_or_else(|| authority.own())
}

/// Under this name an authority's list is one that a plan would change.
fn list_of(authority: &str) -> String {
    format!("list of {authority}")
}

impl Shared for Revoke<'_> {
    fn key(&self) -> String {
        format!("certificate {}", self.name)
    }

    fn want(&self) -> String {
        "revoked".to_owned()
    }

    fn look(&self) -> Result<Vec<Change>, OpError> {
        let pki = current(self.authority);
        let certificate = pki.show(self.name).map_err(refused)?;
        let issuer = certificate.issuer.as_deref().unwrap_or_default();
        let issued = if issuer.is_empty() { Vec::new() } else { pki.issued(issuer).map_err(refused)? };
        let entry = issued.iter().find(|entry| entry.serial == certificate.seen.serial);
        if entry.is_some_and(|entry| entry.revoked.is_some()) {
            return Ok(Vec::new());
        }
        self.authority.pends(&list_of(issuer));
        let text = format!("revoke serial {}: {}", certificate.seen.serial, self.reason);
        Ok(vec![Change::new(Sign::Remove, text)])
    }

    fn work(&self) -> Result<(), OpError> {
        let revocation = current(self.authority).revoke(self.name, self.reason, now()).map_err(refused)?;
        self.authority.settles(&list_of(&revocation.authority));
        Ok(())
    }
}

impl List<'_> {
    /// The list as it is published.
    pub fn text(&self) -> Result<String, PkiError> {
        match current(self.authority).look_crl(self.name, now())? {
            CrlVerdict::Keep(list) => Ok(list.pem),
            CrlVerdict::Make { .. } => current(self.authority).crl(self.name, now()).map(|list| list.pem),
        }
    }
}

impl Shared for List<'_> {
    fn key(&self) -> String {
        list_of(self.name)
    }

    fn want(&self) -> String {
        String::new()
    }

    fn look(&self) -> Result<Vec<Change>, OpError> {
        if self.authority.is_pending(self.name) || self.authority.is_pending(&list_of(self.name)) {
            return Err(OpError::Unknown(format!("what becomes of the authority `{}`", self.name)));
        }
        Ok(match current(self.authority).look_crl(self.name, now()).map_err(refused)? {
            CrlVerdict::Keep(_) => Vec::new(),
            CrlVerdict::Make { reasons } => told("sign a new list", &reasons),
        })
    }

    fn work(&self) -> Result<(), OpError> {
        current(self.authority).crl(self.name, now()).map(drop).map_err(refused)
    }
}

impl Pack<'_> {
    fn want_of_file(&self) -> Pkcs12Want {
        Pkcs12Want { friendly_name: Some(self.friendly.to_owned()) }
    }

    /// The file with its password.
    pub fn packed(&self, kept: &Kept) -> Result<Pkcs12, PkiError> {
        kept.pki.pkcs12(self.name, &self.want_of_file())
    }
}

impl Shared for Pack<'_> {
    fn key(&self) -> String {
        format!("PKCS#12 file of {}", self.name)
    }

    fn want(&self) -> String {
        self.friendly.to_owned()
    }

    fn look(&self) -> Result<Vec<Change>, OpError> {
        let Some(kept) = self.kept else {
            return Err(OpError::Unknown(format!("the certificate `{}`", self.name)));
        };
        let reasons = kept.pki.look_pkcs12(self.name, &self.want_of_file()).map_err(refused)?;
        match reasons.is_empty() {
            true => Ok(Vec::new()),
            false if self.authority.elsewhere().is_some() => Err(frozen(self.name, "PKCS#12 file of")),
            false => Ok(told("make the file", &reasons)),
        }
    }

    fn work(&self) -> Result<(), OpError> {
        match self.kept {
            Some(kept) => self.packed(kept).map(drop).map_err(refused),
            None => Err(OpError::refused(format!("there is no certificate `{}`", self.name))),
        }
    }
}

fn told(text: &str, reasons: &[String]) -> Vec<Change> {
    reasons.iter().map(|reason| Change::new(Sign::Update, format!("{text}: {reason}"))).collect()
}
