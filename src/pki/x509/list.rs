//! All certificates of a project.

use super::pki::Pki;
use super::record::{Record, Revoked};
use super::want::Kind;
use crate::pki::PkiError;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::HashMap;

/// A certificate in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its NAME.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The NAME of its authority.
    pub issuer: Option<String>,
    /// `CN=web,O=Home`
    pub subject: String,
    /// In hexadecimal.
    pub serial: String,
    /// Valid from then on.
    pub not_before: Timestamp,
    /// Valid until then.
    pub not_after: Timestamp,
    /// Whether and why it was taken back.
    pub revoked: Option<Revoked>,
}

impl Pki {
    /// Every certificate of the project as it is now, sorted by name.
    ///
    /// # Errors
    /// The files of one do not fit.
    pub fn list(&self) -> Result<Vec<Listed>, PkiError> {
        let _lock = self.shelf.lock_to_read()?;
        let mut all = Vec::new();
        let mut books: HashMap<String, Option<Record>> = HashMap::new();
        for name in self.shelf.names()? {
            // One that is being finished has no certificate to tell of.
            if self.shelf.is_unfinished(&name) {
                continue;
            }
            let held = self.shelf.held(&name)?;
            let issuer = held.record.want.issuer().map(str::to_owned);
            let books = match &issuer {
                Some(issuer) if !books.contains_key(issuer) => {
                    let read = self.shelf.record(issuer)?;
                    books.entry(issuer.clone()).or_insert(read).as_ref()
                }
                issuer => issuer.as_ref().and_then(|issuer| books.get(issuer)?.as_ref()),
            };
            let entry = books.and_then(|books| books.entry(&held.record.serial));
            all.push(Listed {
                name,
                kind: held.record.kind(),
                issuer,
                subject: held.seen.subject,
                serial: held.seen.serial,
                not_before: held.seen.not_before,
                not_after: held.seen.not_after,
                revoked: entry.and_then(|entry| entry.revoked.clone()),
            });
        }
        Ok(all)
    }

    /// The public keys of all authorities, as `SubjectPublicKeyInfo` in DER with their names: those that issue, those that
    /// are to follow them and those that went before. What cannot be read is left out, and the first reason given.
    pub fn authority_keys(&self) -> (Vec<(String, Vec<u8>)>, Option<PkiError>) {
        let (mut keys, mut failed) = (Vec::new(), None);
        let read = self.shelf.lock_to_read().and_then(|lock| Ok((lock, self.shelf.names()?)));
        let (_lock, names) = match read {
            Ok(read) => read,
            Err(error) => return (keys, Some(error)),
        };
        for name in names {
            match self.shelf.authority_keys(&name) {
                Ok(spkis) => keys.extend(spkis.into_iter().map(|spki| (name.clone(), spki))),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        (keys, failed)
    }

    /// The names that a run which was interrupted left unfinished, sorted; [`Pki::renew`] finishes them.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn unfinished(&self) -> Result<Vec<String>, PkiError> {
        let _lock = self.shelf.lock_to_read()?;
        Ok(self.shelf.names()?.into_iter().filter(|name| self.shelf.is_unfinished(name)).collect())
    }

    /// Whether and why an authority took a serial back; nothing where there is no such authority or serial.
    ///
    /// # Errors
    /// Its record cannot be read.
    pub fn revocation_of(&self, authority: &str, serial: &str) -> Result<Option<Revoked>, PkiError> {
        super::shelf::check_name(authority)?;
        let _lock = self.shelf.lock_to_read()?;
        let record = self.shelf.record(authority)?;
        Ok(record.and_then(|record| record.entry(serial)?.revoked.clone()))
    }

    /// Every certificate that an authority ever issued, in the order of serials.
    ///
    /// # Errors
    /// There is no such authority, or its files do not fit.
    pub fn issued(&self, authority: &str) -> Result<Vec<super::Issued>, PkiError> {
        super::shelf::check_name(authority)?;
        let _lock = self.shelf.lock_to_read()?;
        Ok(self.shelf.held(authority)?.record.issued)
    }
}
