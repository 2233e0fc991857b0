//! Revocation, and the lists of it.

use super::held::Held;
use super::judge::day;
use super::pem::{blocks, encode};
use super::pki::Pki;
use super::read::{hex, instant};
use super::record::{Issued, Reason, Revoked};
use super::shelf::{CRL, RECORD, check_name};
use super::sign::{date, failed, issuer_of};
use super::want::Kind;
use crate::pki::PkiError;
use jiff::Timestamp;
use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber};
use std::collections::BTreeMap;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::x509::SubjectPublicKeyInfo;

/// The revocation list of an authority, as it lies in the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crl {
    /// The NAME of the authority.
    pub authority: String,
    /// In PEM.
    pub pem: String,
    /// Grows with every list.
    pub number: u64,
    /// Valid from then on, an hour before it was made.
    pub this_update: Timestamp,
    /// Holds until then.
    pub next_update: Timestamp,
    /// The serials in it, in hexadecimal.
    pub serials: Vec<String>,
    /// Why it was made; empty when the one that was there holds.
    pub reasons: Vec<String>,
}

/// What making a revocation list would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrlVerdict {
    /// Nothing: it holds.
    Keep(Box<Crl>),
    /// Another one is made.
    Make {
        /// Why, for people.
        reasons: Vec<String>,
    },
}

/// What a revocation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The NAME of the authority in whose books it stands.
    pub authority: String,
    /// The certificate.
    pub issued: Issued,
    /// The list that tells it.
    pub crl: Crl,
}

/// Clocks differ, and a list that is not valid yet makes who asks it refuse everybody.
const BACK: i64 = 3_600;

/// A list as it was read.
struct Read {
    number: u64,
    this_update: i64,
    next_update: i64,
    /// Serials with when and why.
    entries: BTreeMap<String, (i64, u8)>,
}

impl Read {
    fn told(self, authority: &str, pem: String) -> Crl {
        Crl {
            authority: authority.to_owned(),
            pem,
            number: self.number,
            this_update: instant(self.this_update),
            next_update: instant(self.next_update),
            serials: self.entries.into_keys().collect(),
            reasons: Vec::new(),
        }
    }
}

impl Pki {
    /// Takes a certificate back, by its name or its serial in hexadecimal, and makes the revocation list that tells it.
    ///
    /// A hold ([`Reason::CertificateHold`]) is lifted by [`Reason::RemoveFromCrl`]; nothing else is ever undone.
    ///
    /// # Errors
    /// There is no such certificate; it is self-signed; it was revoked before.
    pub fn revoke(&self, which: &str, reason: Reason, now: Timestamp) -> Result<Revocation, PkiError> {
        let _lock = self.shelf.lock()?;
        let (authority, serial) = self.found(which)?;
        let mut issuer = self.shelf.held(&authority)?;
        let Some(entry) = issuer.record.entry_mut(&serial) else {
            let problem = format!("serial {serial} of `{which}` is missing in it");
            return Err(PkiError::Damaged { path: super::shelf::Shelf::shown(&authority, RECORD), problem });
        };
        let before = entry.revoked.as_ref().map(|revoked| revoked.reason);
        entry.revoked = match (before, reason) {
            (Some(Reason::CertificateHold), Reason::RemoveFromCrl) => None,
            (_, Reason::RemoveFromCrl) => {
                return Err(PkiError::invalid(format!("`{which}` is not on hold: nothing can be lifted")));
            }
            (Some(before), reason) if before == reason => entry.revoked.clone(),
            (None | Some(Reason::CertificateHold), reason) => Some(Revoked { at: instant(now.as_second()), reason }),
            (Some(before), _) => {
                return Err(PkiError::invalid(format!("`{which}` was revoked already: {before}")));
            }
        };
        let issued = entry.clone();
        self.shelf.write(&authority, RECORD, &issuer.record.text())?;
        let crl = self.crl_of(issuer, now)?;
        Ok(Revocation { authority, issued, crl })
    }

    /// The authority and the serial of a certificate, by its name or serial.
    fn found(&self, which: &str) -> Result<(String, String), PkiError> {
        if check_name(which).is_ok()
            && let Some(record) = self.shelf.record(which)?
        {
            let Some(issuer) = record.want.issuer() else {
                let problem = format!("`{which}` signed itself: there is nobody to revoke it");
                let hint = match record.kind() {
                    Kind::Root => format!("`rhapsode pki rotate {which}` brings another root"),
                    _ => format!("`rhapsode pki renew {which}` makes another one; take it from where it is trusted"),
                };
                return Err(PkiError::invalid_hint(problem, hint));
            };
            return Ok((issuer.to_owned(), record.serial));
        }
        let serial = which.replace(':', "").to_ascii_lowercase();
        for name in self.shelf.names()? {
            let record = self.shelf.record(&name)?;
            if record.is_some_and(|record| record.entry(&serial).is_some()) {
                return Ok((name, serial));
            }
        }
        // Names the nearest one.
        check_name(which)?;
        let held = self.shelf.held(which)?;
        Err(PkiError::Missing { name: held.record.name, near: None })
    }

    /// What [`Pki::crl`] would do; changes nothing and opens no secret.
    ///
    /// # Errors
    /// There is no such authority, or its files do not fit.
    pub fn look_crl(&self, authority: &str, now: Timestamp) -> Result<CrlVerdict, PkiError> {
        check_name(authority)?;
        let _lock = self.shelf.lock_to_read()?;
        let held = self.authority(authority)?;
        let (known, reasons) = self.judge_crl(&held, now)?;
        Ok(match known.filter(|_| reasons.is_empty()) {
            Some(crl) => CrlVerdict::Keep(Box::new(crl)),
            None => CrlVerdict::Make { reasons },
        })
    }

    /// The revocation list of an authority: the one there is, or another one where it tells too little or ends soon.
    ///
    /// # Errors
    /// There is no such authority; its key cannot be had.
    pub fn crl(&self, authority: &str, now: Timestamp) -> Result<Crl, PkiError> {
        check_name(authority)?;
        let _lock = self.shelf.lock()?;
        self.crl_of(self.authority(authority)?, now)
    }

    /// The revocation lists there are, sorted by authority; none where a file is no list of its authority: damaged, or
    /// signed by a former key.
    ///
    /// # Errors
    /// The files of an authority do not fit.
    pub fn crls(&self) -> Result<Vec<(String, Option<Crl>)>, PkiError> {
        let _lock = self.shelf.lock_to_read()?;
        let mut all = Vec::new();
        for name in self.shelf.names()? {
            if let Some(pem) = self.shelf.read(&name, CRL)?.filter(|_| !self.shelf.is_unfinished(&name)) {
                let held = self.shelf.held(&name)?;
                let crl = read_crl(&pem, &held.spki).map(|read| read.told(&name, pem));
                all.push((name, crl));
            }
        }
        Ok(all)
    }

    fn authority(&self, name: &str) -> Result<Held, PkiError> {
        let held = self.shelf.held(name)?;
        match held.record.kind().is_authority() {
            true => Ok(held),
            false => Err(PkiError::invalid(format!("`{name}` is no authority: it revokes nothing"))),
        }
    }

    fn crl_of(&self, mut held: Held, now: Timestamp) -> Result<Crl, PkiError> {
        let (known, reasons) = self.judge_crl(&held, now)?;
        if let Some(crl) = known.filter(|_| reasons.is_empty()) {
            return Ok(crl);
        }
        let lifetime = held.record.want.authority().expect("it is one").crl_lifetime()?;
        let number = held.record.crl.unwrap_or(0) + 1;
        let before = self.read_crl(&held)?;
        let entries = listed(&held, before.as_ref());
        let (this_update, next_update) =
            (instant(now.as_second() - BACK), instant(now.as_second() + lifetime.in_secs()));
        let params = CertificateRevocationListParams {
            this_update: date(this_update),
            next_update: date(next_update),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: entries.iter().map(|(issued, revoked)| revoked_params(issued, revoked)).collect(),
            key_identifier_method: KeyIdMethod::PreSpecified(unhex(held.seen.key_id.as_deref().unwrap_or_default())),
        };
        let key = self.key_of(&held)?;
        let pair = key.pair();
        let signed = params.signed_by(&issuer_of(&held, &pair)?).map_err(|error| failed(&error))?;
        let crl = Crl {
            authority: held.record.name.clone(),
            pem: encode("X509 CRL", signed.der()),
            number,
            this_update,
            next_update,
            serials: entries.iter().map(|(issued, _)| issued.serial.clone()).collect(),
            reasons,
        };
        // The number first: should the list be lost, the next one has a greater one all the same.
        held.record.crl = Some(number);
        self.shelf.write(&held.record.name, RECORD, &held.record.text())?;
        self.shelf.write(&held.record.name, CRL, &crl.pem)?;
        Ok(crl)
    }

    /// The list there is, and why another one is needed.
    fn judge_crl(&self, held: &Held, now: Timestamp) -> Result<(Option<Crl>, Vec<String>), PkiError> {
        let name = &held.record.name;
        let lifetime = held.record.want.authority().expect("it is one").crl_lifetime()?;
        let Some(pem) = self.shelf.read(name, CRL)? else { return Ok((None, vec!["there is none yet".into()])) };
        let Some(read) = read_crl(&pem, &held.spki).filter(|read| Some(read.number) == held.record.crl) else {
            return Ok((None, vec!["it is not the last one that was made".into()]));
        };
        let mut reasons = Vec::new();
        let wanted = listed(held, Some(&read));
        for (issued, revoked) in &wanted {
            let known = read.entries.get(&issued.serial);
            if known != Some(&(revoked.at.as_second(), code(revoked.reason))) {
                reasons.push(format!("`{}` was revoked: {}", issued.name, revoked.reason));
            }
        }
        let lifted = read.entries.keys().filter(|serial| !wanted.iter().any(|(issued, _)| issued.serial == **serial));
        reasons.extend(lifted.map(|serial| format!("{serial} needs no entry any more")));
        if read.this_update > now.as_second() {
            reasons.push(format!("it is valid only from {}", instant(read.this_update)));
        }
        if read.next_update - now.as_second() <= lifetime.in_secs() / 3 {
            reasons.push(format!("it holds until {}", day(instant(read.next_update))));
        }
        Ok((Some(read.told(name, pem)), reasons))
    }

    fn read_crl(&self, held: &Held) -> Result<Option<Read>, PkiError> {
        let pem = self.shelf.read(&held.record.name, CRL)?;
        Ok(pem.and_then(|pem| read_crl(&pem, &held.spki)))
    }

    /// The serials that the list of an authority revokes, and until when it holds; none where there is no list.
    pub(super) fn revoked_by(&self, held: &Held) -> Result<Option<(Vec<String>, Timestamp)>, PkiError> {
        let read = self.read_crl(held)?;
        Ok(read.map(|read| (read.entries.into_keys().collect(), instant(read.next_update))))
    }
}

/// What stands in a list. An entry stays until one list was made behind the end of its certificate (RFC 5280, 3.3).
fn listed<'a>(held: &'a Held, before: Option<&Read>) -> Vec<(&'a Issued, &'a Revoked)> {
    let told = before.map_or(i64::MIN, |before| before.this_update);
    let all = held.record.issued.iter().filter_map(|issued| Some((issued, issued.revoked.as_ref()?)));
    all.filter(|(issued, _)| issued.not_after.as_second() >= told).collect()
}

/// A list that this key signed.
fn read_crl(pem: &str, spki: &[u8]) -> Option<Read> {
    let blocks = blocks(pem).ok()?;
    let [(label, der)] = blocks.as_slice() else { return None };
    let (rest, crl) = CertificateRevocationList::from_der(der).ok()?;
    let (_, key) = SubjectPublicKeyInfo::from_der(spki).ok()?;
    let whole = label == "X509 CRL" && rest.is_empty() && encode(label, der) == pem;
    if !whole || crl.verify_signature(&key).is_err() {
        return None;
    }
    let entry = |entry: &x509_parser::revocation_list::RevokedCertificate<'_>| {
        let reason = entry.reason_code().map_or(0, |(_, reason)| reason.0);
        (hex(entry.raw_serial()), (entry.revocation_date.timestamp(), reason))
    };
    Some(Read {
        number: u64::try_from(crl.crl_number()?).ok()?,
        this_update: crl.last_update().timestamp(),
        next_update: crl.next_update()?.timestamp(),
        entries: crl.iter_revoked_certificates().map(entry).collect(),
    })
}

/// The number of a list, whoever signed it.
pub(super) fn number(pem: &str) -> Option<u64> {
    let blocks = blocks(pem).ok()?;
    let [(_, der)] = blocks.as_slice() else { return None };
    let (_, crl) = CertificateRevocationList::from_der(der).ok()?;
    u64::try_from(crl.crl_number()?).ok()
}

fn revoked_params(issued: &Issued, revoked: &Revoked) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: SerialNumber::from(unhex(&issued.serial)),
        revocation_time: date(revoked.at),
        // What is unspecified has no reason (RFC 5280, 5.3.1).
        reason_code: match revoked.reason {
            Reason::Unspecified => None,
            Reason::KeyCompromise => Some(RevocationReason::KeyCompromise),
            Reason::CaCompromise => Some(RevocationReason::CaCompromise),
            Reason::AffiliationChanged => Some(RevocationReason::AffiliationChanged),
            Reason::Superseded => Some(RevocationReason::Superseded),
            Reason::CessationOfOperation => Some(RevocationReason::CessationOfOperation),
            Reason::CertificateHold => Some(RevocationReason::CertificateHold),
            Reason::RemoveFromCrl => Some(RevocationReason::RemoveFromCrl),
            Reason::PrivilegeWithdrawn => Some(RevocationReason::PrivilegeWithdrawn),
            Reason::AaCompromise => Some(RevocationReason::AaCompromise),
        },
        invalidity_date: None,
    }
}

fn code(reason: Reason) -> u8 {
    match reason {
        Reason::Unspecified => 0,
        Reason::KeyCompromise => 1,
        Reason::CaCompromise => 2,
        Reason::AffiliationChanged => 3,
        Reason::Superseded => 4,
        Reason::CessationOfOperation => 5,
        Reason::CertificateHold => 6,
        Reason::RemoveFromCrl => 8,
        Reason::PrivilegeWithdrawn => 9,
        Reason::AaCompromise => 10,
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len()).step_by(2).filter_map(digit).collect()
}
