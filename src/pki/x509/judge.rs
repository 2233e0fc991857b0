//! Whether a certificate is as it is wanted, and why not.

use super::content::Content;
use super::held::{Found, Held};
use super::pki::Pki;
use super::read::instant;
use super::record::{Reason, Record, RotationStage};
use super::shelf::{RECORD, Shelf, check_name};
use super::span::Span;
use super::want::{Kind, Want};
use crate::pki::PkiError;
use jiff::Timestamp;

/// What is to be done about a name.
pub(super) enum Decision {
    Keep(Box<Held>),
    /// Its issuers changed, but not their keys: its chain alone is written anew.
    Chain(Box<Held>, String),
    Issue {
        reasons: Vec<String>,
        before: Option<Box<Held>>,
        /// Whether an authority must not keep its key.
        new_key: bool,
    },
}

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// The dates of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

impl Validity {
    /// Begins a bit in the past, as clocks differ; ends with its lifetime, but not behind its issuer.
    pub fn wanted(name: &str, want: &Want, issuer: Option<&Held>, now: Timestamp) -> Result<Self, PkiError> {
        let lifetime = want.lifetime()?.map(Span::in_secs);
        let issuer_ends = issuer.map(|issuer| issuer.seen.not_after.as_second());
        let back = lifetime.map_or(HOUR, |lifetime| HOUR.min(lifetime / 24));
        let begins = issuer.map_or(i64::MIN, |issuer| issuer.seen.not_before.as_second()).max(now.as_second() - back);
        let ends = match (lifetime, issuer_ends) {
            (Some(lifetime), Some(limit)) => (begins + lifetime).min(limit),
            (Some(lifetime), None) => begins + lifetime,
            (None, Some(limit)) => limit - DAY,
            (None, None) => unreachable!("who has no issuer has a lifetime"),
        };
        if let Some(issuer) = issuer.filter(|_| ends <= now.as_second()) {
            return Err(PkiError::Refused {
                issuer: issuer.record.name.clone(),
                name: name.to_owned(),
                problem: match issuer.seen.not_after <= now {
                    true => format!("it expired on {}", day(issuer.seen.not_after)),
                    false => format!("it ends on {}, too soon", day(issuer.seen.not_after)),
                },
                hint: Some(format!("renew it first: `rhapsode pki renew {}`", issuer.record.name)),
            });
        }
        Ok(Self { not_before: instant(begins), not_after: instant(ends) })
    }
}

/// The day of an instant, in UTC.
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

impl Pki {
    /// Compares what is wanted with what there is.
    pub(super) fn judge(&self, name: &str, want: &Want, now: Timestamp) -> Result<Decision, PkiError> {
        check_name(name)?;
        want.check(name)?;
        let found = self.shelf.find(name)?;
        let issuers = want.issuer().map_or(Ok(Vec::new()), |issuer| self.shelf.issuers(issuer))?;
        let content = Content::wanted(name, want, &issuers)?;
        let validity = Validity::wanted(name, want, issuers.first(), now);
        let held = match found {
            Found::Nothing => {
                validity?;
                let reasons = vec!["there is none yet".into()];
                return Ok(Decision::Issue { reasons, before: None, new_key: false });
            }
            Found::Unfinished(record) => {
                validity?;
                let reasons = vec!["an earlier run was interrupted".into()];
                let new_key = record.map_or(Ok(false), |record| self.is_revoked(&record))?;
                return Ok(Decision::Issue { reasons, before: None, new_key });
            }
            Found::Held(held) => held,
        };
        same_sort(&held, want)?;
        if self.is_announced(&held, want)? {
            return Ok(Decision::Keep(held));
        }
        let mut reasons = content.differences(&held.seen);
        fixed_for_roots(&held, &content)?;
        reasons.extend(lifetime_change(&held.record.want, want)?);
        reasons.extend(self.issuer_change(&held, want, issuers.first())?);
        reasons.extend(self.key_missing(&held)?);
        reasons.extend(expiry(&held, want, validity.as_ref().ok(), now));
        if !reasons.is_empty() {
            validity?;
            let new_key = self.is_revoked(&held.record)?;
            return Ok(Decision::Issue { reasons, before: Some(held), new_key });
        }
        let chain = self.shelf.chain(&held.der, &issuers)?;
        Ok(match chain == held.chain {
            true => Decision::Keep(held),
            false => Decision::Chain(held, "the certificates of its issuers changed".into()),
        })
    }

    /// Whether the books of its issuer take it back.
    pub(super) fn is_revoked(&self, record: &Record) -> Result<bool, PkiError> {
        let issuer = record.want.issuer().map(|issuer| self.shelf.record(issuer)).transpose()?.flatten();
        let entry = issuer.as_ref().and_then(|issuer| issuer.entry(&record.serial));
        Ok(entry.is_some_and(|entry| entry.revoked.is_some()))
    }

    /// Whether it is the next root, which waits for its turn.
    fn is_announced(&self, held: &Held, want: &Want) -> Result<bool, PkiError> {
        let Some(rotating) = &held.record.rotation else { return Ok(false) };
        Ok(rotating.stage == RotationStage::Announced
            && rotating.want.as_ref() == Some(want)
            && *want != held.record.want)
    }

    /// What the issuer has to say about it.
    fn issuer_change(&self, held: &Held, want: &Want, issuer: Option<&Held>) -> Result<Vec<String>, PkiError> {
        let name = &held.record.name;
        let (Some(issuer), before) = (issuer, held.record.want.issuer()) else {
            let was = held.record.want.issuer().map(|before| format!("self-signed, was issued by `{before}`"));
            return Ok(was.into_iter().collect());
        };
        let ca = want.issuer().expect("it has an issuer");
        if before != Some(ca) {
            let was = before.map_or("self-signed".to_owned(), |before| format!("by `{before}`"));
            return Ok(vec![format!("issued by `{ca}`, was {was}")]);
        }
        if held.seen.issuer_key_id != issuer.seen.key_id {
            return Ok(vec![format!("issuer `{ca}` has another key")]);
        }
        if held.seen.issuer != issuer.seen.subject {
            return Ok(vec![format!("issuer `{ca}` has another subject")]);
        }
        if !held.is_signed_by(&issuer.spki) {
            let problem = format!("it is not signed by `{ca}`");
            return Err(PkiError::Damaged { path: Shelf::shown(name, super::shelf::CERTIFICATE), problem });
        }
        let entry = issuer.record.entry(&held.record.serial).filter(|entry| entry.name == *name);
        let Some(entry) = entry else {
            let problem = format!("serial {} of `{name}` is missing in it", held.record.serial);
            return Err(PkiError::Damaged { path: Shelf::shown(ca, RECORD), problem });
        };
        match &entry.revoked {
            None => Ok(Vec::new()),
            Some(revoked) if revoked.reason == Reason::CertificateHold => Err(PkiError::Refused {
                issuer: ca.to_owned(),
                name: name.clone(),
                problem: format!("it is on hold since {}", day(revoked.at)),
                hint: Some(format!("`rhapsode pki revoke {name} --reason remove_from_crl` lifts the hold")),
            }),
            Some(revoked) => Ok(vec![format!("was revoked: {}", revoked.reason)]),
        }
    }

    fn key_missing(&self, held: &Held) -> Result<Option<String>, PkiError> {
        if self.has_secret(&held.record.key)? {
            return Ok(None);
        }
        match held.record.kind().is_authority() {
            true => Err(PkiError::Key {
                name: held.record.name.clone(),
                problem: format!("is not among the secrets, as `{}`", held.record.key),
                hint: Some("take the file of secrets back from git".into()),
            }),
            false => Ok(Some("its private key is not among the secrets".into())),
        }
    }
}

/// An authority stays one, and others do not become one.
fn same_sort(held: &Held, want: &Want) -> Result<(), PkiError> {
    let (before, now) = (held.record.kind(), want.kind());
    if before == now || !before.is_authority() && !now.is_authority() {
        return Ok(());
    }
    let problem = format!("`{}` is a certificate of another kind: {before}, not {now}", held.record.name);
    Err(PkiError::invalid_hint(problem, "take another name"))
}

/// What everybody who trusts a root knows it by.
fn fixed_for_roots(held: &Held, content: &Content) -> Result<(), PkiError> {
    let same = held.seen.subject == content.subject.to_string() && held.seen.key == Some(content.key);
    if held.record.kind() != Kind::Root || same {
        return Ok(());
    }
    let problem =
        format!("the root `{}` cannot change its subject or key type: nobody would trust it", held.record.name);
    Err(PkiError::invalid_hint(
        problem,
        format!("`rhapsode pki rotate {}` makes another root beside it", held.record.name),
    ))
}

fn lifetime_change(before: &Want, want: &Want) -> Result<Option<String>, PkiError> {
    let in_words = |span: Option<Span>| span.map_or("as long as its issuer".to_owned(), |span| span.to_string());
    let (before, now) = (before.lifetime().ok().flatten(), want.lifetime()?);
    Ok((before != now).then(|| format!("lifetime {}, was {}", in_words(now), in_words(before))))
}

/// In its last days, where another one would last longer; before its first one.
fn expiry(held: &Held, want: &Want, next: Option<&Validity>, now: Timestamp) -> Option<String> {
    let (begins, ends, now) = (held.seen.not_before.as_second(), held.seen.not_after.as_second(), now.as_second());
    // A clock was wrong when it was issued; below an authority that begins as late another one is no better.
    if now < begins && next.is_none_or(|next| next.not_before.as_second() < begins) {
        return Some(format!("valid only from {}", held.seen.not_before));
    }
    let window = want.window().map_or_else(|| default_window(want, ends - begins), Span::in_secs);
    // One that its issuer cuts short ends no later when it is issued again.
    if now < ends - window || next.is_some_and(|next| next.not_after.as_second() <= ends) {
        return None;
    }
    let days = |seconds: i64| match seconds / DAY {
        0 => "less than a day".to_owned(),
        1 => "a day".to_owned(),
        days => format!("{days} days"),
    };
    // The day and not how far it is: a plan that is saved says tomorrow what it says today.
    let end = day(held.seen.not_after);
    Some(match now > ends {
        true => format!("expired on {end}"),
        false => format!("expires on {end}, renewed {} before", days(window)),
    })
}

/// A third of its life, but not more than a month; a year for an authority, as what it issues ends with it.
pub(super) fn default_window(want: &Want, life_secs: i64) -> i64 {
    let longest = if want.kind().is_authority() { 365 * DAY } else { 30 * DAY };
    longest.min(life_secs / 3)
}
