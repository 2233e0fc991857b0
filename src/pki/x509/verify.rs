//! Whether a certificate is valid, from it up to a root.

use super::constraint::NameConstraint;
use super::held::{Held, is_signed_by};
use super::judge::day;
use super::pki::Pki;
use super::read::{Inspection, inspect, parsed};
use super::san::San;
use super::shelf::check_name;
use super::want::KeyUsage;
use crate::pki::PkiError;
use jiff::Timestamp;

/// A certificate that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The subjects from the certificate up to the root.
    pub path: Vec<String>,
    /// What does not make it invalid, but should be known: a revocation list that has ended.
    pub notes: Vec<String>,
}

/// A certificate on the way to its root.
struct Step {
    der: Vec<u8>,
    seen: Inspection,
}

/// Extensions whose meaning is looked at here, or needs no look (RFC 5280, 4.2).
const UNDERSTOOD: [&str; 5] = ["2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.37"];

impl Pki {
    /// Verifies a certificate as others do: from its chain alone up to a root of its bundle, at a time, and against the
    /// revocation lists of the project. Its private key is looked at too.
    ///
    /// # Errors
    /// There is no such certificate, its files do not fit, or [`PkiError::Unverified`] with what does not hold.
    pub fn verify(&self, name: &str, now: Timestamp) -> Result<Verified, PkiError> {
        check_name(name)?;
        let _lock = self.shelf.lock_to_read()?;
        let held = self.shelf.held(name)?;
        let issuers = held.record.want.issuer().map_or(Ok(Vec::new()), |issuer| self.shelf.issuers(issuer))?;
        let roots = self.shelf.roots(issuers.last().unwrap_or(&held))?;
        let unverified = |problem| PkiError::Unverified { name: name.to_owned(), problem };
        let path = verify_chain(&held.chain, &roots, now).map_err(unverified)?;
        let notes = self.revocation(&held, &issuers, now)?;
        self.key_of(&held)?;
        Ok(Verified { path: path.into_iter().map(|seen| seen.subject).collect(), notes })
    }

    /// Asks the lists, and the books, of every authority on the way.
    fn revocation(&self, held: &Held, issuers: &[Held], now: Timestamp) -> Result<Vec<String>, PkiError> {
        let mut notes = Vec::new();
        for (below, issuer) in std::iter::once(held).chain(issuers).zip(issuers) {
            let serial = &below.record.serial;
            let entry = issuer.record.entry(serial).and_then(|entry| entry.revoked.as_ref());
            let list = self.revoked_by(issuer)?;
            let in_list = list.as_ref().is_some_and(|(serials, _)| serials.contains(serial));
            if entry.is_some() || in_list {
                let why = entry.map(|revoked| format!(": {}", revoked.reason)).unwrap_or_default();
                let problem = format!("`{}` was revoked{why}", below.record.name);
                return Err(PkiError::Unverified { name: held.record.name.clone(), problem });
            }
            if let Some((_, until)) = list.filter(|(_, until)| *until < now) {
                notes.push(format!("the revocation list of `{}` ended on {}", issuer.record.name, day(until)));
            }
        }
        Ok(notes)
    }
}

/// Verifies a chain in DER, its own certificate first, up to one of the roots; gives the way, the root last.
pub(super) fn verify_chain(chain: &[Vec<u8>], roots: &[Vec<u8>], now: Timestamp) -> Result<Vec<Inspection>, String> {
    let step = |der: &Vec<u8>| {
        let seen = inspect(der).map_err(|error| error.to_string())?;
        Ok::<_, String>(Step { der: der.clone(), seen })
    };
    let pool: Vec<Step> = chain.iter().map(step).collect::<Result<_, _>>()?;
    let roots: Vec<Step> = roots.iter().map(step).collect::<Result<_, _>>()?;
    let Some(first) = pool.first() else { return Err("its chain is empty".into()) };
    let mut way = vec![first];
    while let Some(last) = way.last().filter(|last| !roots.iter().any(|root| root.der == last.der)) {
        let issuer = roots.iter().chain(&pool).find(|issuer| issues(issuer, last));
        match issuer.filter(|issuer| !way.iter().any(|known| known.der == issuer.der)) {
            Some(issuer) => way.push(issuer),
            None => {
                return Err(format!(
                    "nobody who is trusted signed `{}`, issued by `{}`",
                    last.seen.subject, last.seen.issuer
                ));
            }
        }
    }
    way.iter().try_for_each(|step| timely(&step.seen, now).and_then(|()| understood(step)))?;
    for (at, issuer) in way.iter().enumerate().skip(1) {
        may_issue(&issuer.seen, &way[..at])?;
    }
    Ok(way.into_iter().map(|step| step.seen.clone()).collect())
}

fn issues(issuer: &Step, below: &Step) -> bool {
    let (Ok(issuer_parsed), Ok(below_parsed)) = (parsed(&issuer.der), parsed(&below.der)) else { return false };
    issuer_parsed.subject().as_raw() == below_parsed.issuer().as_raw()
        && is_signed_by(&below.der, issuer_parsed.public_key().raw)
}

fn timely(seen: &Inspection, now: Timestamp) -> Result<(), String> {
    match now {
        _ if now < seen.not_before => Err(format!("`{}` is not valid before {}", seen.subject, seen.not_before)),
        _ if now > seen.not_after => Err(format!("`{}` expired on {}", seen.subject, day(seen.not_after))),
        _ => Ok(()),
    }
}

fn understood(step: &Step) -> Result<(), String> {
    let parsed = parsed(&step.der).map_err(|error| error.to_string())?;
    let foreign = parsed.extensions().iter().filter(|extension| extension.critical).find_map(|extension| {
        let oid = extension.oid.to_id_string();
        (!UNDERSTOOD.contains(&oid.as_str())).then_some(oid)
    });
    match foreign {
        Some(oid) => Err(format!("`{}` has the critical extension {oid}, which is not known", step.seen.subject)),
        None => Ok(()),
    }
}

/// Whether an authority may stand above these, the last of which it signed (RFC 5280, 6.1.4).
fn may_issue(issuer: &Inspection, below: &[&Step]) -> Result<(), String> {
    let subject = &issuer.subject;
    if !issuer.authority {
        return Err(format!("`{subject}` is no authority"));
    }
    if !issuer.key_usages.is_empty() && !issuer.key_usages.contains(&KeyUsage::CertSign) {
        return Err(format!("the key of `{subject}` may not sign certificates"));
    }
    // What an authority issues to itself does not count.
    let between = below.iter().skip(1).filter(|step| step.seen.subject != step.seen.issuer).count();
    if let Some(length) = issuer.path_length.filter(|length| between > *length as usize) {
        return Err(format!("{between} authorities follow `{subject}`, whose path length is {length}"));
    }
    let trees = |texts: &[String]| texts.iter().filter_map(|text| text.parse().ok()).collect::<Vec<NameConstraint>>();
    let (permitted, excluded) = (trees(&issuer.permitted), trees(&issuer.excluded));
    for (at, step) in below.iter().enumerate() {
        // Authorities that are in between and issued by themselves are left out, as the RFC has it.
        if at > 0 && step.seen.subject == step.seen.issuer {
            continue;
        }
        for san in step.seen.sans.iter().filter_map(|text| text.parse::<San>().ok()) {
            if excluded.iter().any(|tree| tree.touches(&san)) {
                return Err(format!("`{subject}` excludes the name `{san}`"));
            }
            let mut concerned = permitted.iter().filter(|tree| tree.concerns(&san)).peekable();
            if concerned.peek().is_some() && !concerned.any(|tree| tree.holds(&san)) {
                return Err(format!("`{subject}` does not permit the name `{san}`"));
            }
        }
    }
    Ok(())
}
