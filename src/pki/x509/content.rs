//! What shall stand in a certificate, and how that differs from what does.

use super::constraint::NameConstraint;
use super::held::Held;
use super::key::KeyType;
use super::read::Inspection;
use super::san::San;
use super::subject::Subject;
use super::want::{KeyUsage, Use, Want};
use crate::pki::PkiError;
use std::collections::BTreeSet;
use std::fmt::Display;

/// What shall stand in a certificate besides serial, dates and public key.
pub(super) struct Content {
    pub authority: bool,
    pub subject: Subject,
    pub key: KeyType,
    pub sans: Vec<San>,
    pub path_length: Option<u8>,
    pub key_usages: Vec<KeyUsage>,
    /// Purposes; none says nothing.
    pub usage: Option<Use>,
    pub permitted: Vec<NameConstraint>,
    pub excluded: Vec<NameConstraint>,
    pub crl_urls: Vec<String>,
    pub issuer_urls: Vec<String>,
}

impl Content {
    /// What is wanted under a name, issued by the first of these authorities; the root is the last one.
    ///
    /// # Errors
    /// One of them must not issue it.
    pub fn wanted(name: &str, want: &Want, issuers: &[Held]) -> Result<Self, PkiError> {
        let content = match want {
            Want::Root(authority) | Want::Intermediate(authority) => Self {
                authority: true,
                subject: subject_of(&authority.subject, name.chars().take(64).collect(), issuers),
                key: authority.key.unwrap_or(KeyType::P384),
                sans: without_twins(&authority.sans),
                path_length: authority.path_length.or_else(|| left_by(issuers)),
                key_usages: vec![KeyUsage::DigitalSignature, KeyUsage::CertSign, KeyUsage::CrlSign],
                usage: authority.usage,
                permitted: without_twins(&authority.permitted),
                excluded: without_twins(&authority.excluded),
                crl_urls: Vec::new(),
                issuer_urls: Vec::new(),
            },
            Want::Leaf(leaf) | Want::SelfSigned(leaf) => {
                let key = leaf.key.unwrap_or(KeyType::P256);
                let mut key_usages = without_twins(&leaf.key_usages);
                if key_usages.is_empty() {
                    key_usages.push(KeyUsage::DigitalSignature);
                    key_usages
                        .extend((key.is_rsa() && leaf.purpose() != Use::Client).then_some(KeyUsage::KeyEncipherment));
                }
                key_usages.sort();
                Self {
                    authority: false,
                    subject: subject_of(&leaf.subject, leaf.default_common_name(name), issuers),
                    key,
                    sans: without_twins(&leaf.sans),
                    path_length: None,
                    key_usages,
                    usage: Some(leaf.purpose()),
                    permitted: Vec::new(),
                    excluded: Vec::new(),
                    crl_urls: Vec::new(),
                    issuer_urls: Vec::new(),
                }
            }
        };
        let issuer = issuers.first().and_then(|issuer| issuer.record.want.authority());
        let (crl_urls, issuer_urls) =
            issuer.map(|issuer| (issuer.crl_urls.clone(), issuer.issuer_urls.clone())).unwrap_or_default();
        let content = Self { crl_urls, issuer_urls, ..content };
        issuers.iter().enumerate().try_for_each(|(between, issuer)| content.allowed_by(name, issuer, between))?;
        not_revoked(name, issuers)?;
        Ok(content)
    }

    /// Asks an authority; `between` says how many stand between it and this certificate.
    fn allowed_by(&self, name: &str, issuer: &Held, between: usize) -> Result<(), PkiError> {
        let refused = |problem: String, hint: &str| PkiError::Refused {
            issuer: issuer.record.name.clone(),
            name: name.to_owned(),
            problem,
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
        };
        if !issuer.seen.authority {
            return Err(refused("it is no authority".into(), "`rhapsode pki list` shows which are"));
        }
        let below = between + usize::from(self.authority);
        if let Some(length) = issuer.seen.path_length.map(|length| length as usize).filter(|length| below > *length) {
            let problem = format!("its path length {length} leaves room for no further authority");
            return Err(refused(problem, "raise `path_length` of the authority, or issue from one above it"));
        }
        if let (Some(length), Some(above)) = (self.path_length, issuer.seen.path_length)
            && between == 0
            && u32::from(length) >= above
        {
            let problem = format!("a path length of {length} is not below its own of {above}");
            return Err(refused(problem, "leave `path_length` out to have what the authority leaves"));
        }
        let uses = &issuer.seen.uses;
        let foreign =
            purposes(self.usage).into_iter().find(|usage| !uses.iter().any(|known| known == usage || known == "any"));
        if let Some(usage) = foreign.filter(|_| !uses.is_empty()) {
            return Err(refused(format!("it issues nothing for a {usage}"), "say `use` otherwise, here or there"));
        }
        let parsed =
            |texts: &[String]| texts.iter().filter_map(|text| text.parse().ok()).collect::<Vec<NameConstraint>>();
        let (permitted, excluded) = (parsed(&issuer.seen.permitted), parsed(&issuer.seen.excluded));
        for san in self.names() {
            if let Some(tree) = excluded.iter().find(|tree| tree.touches(&san)) {
                return Err(refused(format!("`{san}` is among the names it excludes, `{tree}`"), ""));
            }
            let concerned: Vec<&NameConstraint> = permitted.iter().filter(|tree| tree.concerns(&san)).collect();
            if !concerned.is_empty() && !concerned.iter().any(|tree| tree.holds(&san)) {
                let all: Vec<String> = concerned.iter().map(|tree| format!("`{tree}`")).collect();
                return Err(refused(format!("`{san}` is not among the names it permits, {}", all.join(", ")), ""));
            }
        }
        Ok(())
    }

    /// Names that constraints are about. Without a DNS name, verifiers take the common name as one.
    fn names(&self) -> Vec<San> {
        let mut names = self.sans.clone();
        if !self.authority && !names.iter().any(|san| matches!(san, San::Dns(_))) {
            let common = self.subject.common_name.as_deref().filter(|name| name.contains('.'));
            names.extend(common.and_then(|name| format!("dns:{name}").parse().ok()));
        }
        names
    }

    /// How a certificate differs from it, as reasons to issue another one.
    pub fn differences(&self, seen: &Inspection) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut one = |what: &str, now: String, before: String| {
            if now != before {
                let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
                reasons.push(format!("{what} {}, was {}", or_none(now), or_none(before)));
            }
        };
        one("subject", self.subject.to_string(), seen.subject.clone());
        one("key", self.key.to_string(), seen.key.map(|key| key.to_string()).unwrap_or_default());
        one("use", purposes(self.usage).join("+"), seen.uses.join("+"));
        one("key usages", in_words(&self.key_usages), in_words(&seen.key_usages));
        let length = |length: Option<u32>| length.map(|length| length.to_string()).unwrap_or_default();
        one("path length", length(self.path_length.map(u32::from)), length(seen.path_length));
        let lists = [
            ("SAN", texts(&self.sans), &seen.sans),
            ("permitted name", texts(&self.permitted), &seen.permitted),
            ("excluded name", texts(&self.excluded), &seen.excluded),
            ("CRL address", self.crl_urls.clone(), &seen.crl_urls),
            ("issuer address", self.issuer_urls.clone(), &seen.issuer_urls),
        ];
        for (what, now, before) in lists {
            let (now, before): (BTreeSet<&String>, BTreeSet<&String>) = (now.iter().collect(), before.iter().collect());
            reasons.extend(now.difference(&before).map(|text| format!("{what} {text} added")));
            reasons.extend(before.difference(&now).map(|text| format!("{what} {text} removed")));
        }
        reasons
    }
}

/// Asks the books of each authority for the one below it.
fn not_revoked(name: &str, issuers: &[Held]) -> Result<(), PkiError> {
    for (below, above) in issuers.iter().zip(issuers.iter().skip(1)) {
        let entry = above.record.entry(&below.record.serial);
        if let Some(revoked) = entry.and_then(|entry| entry.revoked.as_ref()) {
            return Err(PkiError::Refused {
                issuer: below.record.name.clone(),
                name: name.to_owned(),
                problem: format!("it was revoked: {}", revoked.reason),
                hint: Some(format!("`rhapsode pki renew {}` issues it with another key", below.record.name)),
            });
        }
    }
    Ok(())
}

/// Purposes in the order of inspections.
pub(super) fn purposes(usage: Option<Use>) -> Vec<&'static str> {
    match usage {
        None => Vec::new(),
        Some(Use::Server) => vec!["server"],
        Some(Use::Client) => vec!["client"],
        Some(Use::Both) => vec!["server", "client"],
    }
}

fn texts<T: Display>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn in_words(usages: &[KeyUsage]) -> String {
    let words = usages.iter().filter_map(|usage| serde_json::to_value(usage).ok());
    words.filter_map(|word| word.as_str().map(|word| word.replace('_', " "))).collect::<Vec<_>>().join("+")
}

fn without_twins<T: Clone + PartialEq>(values: &[T]) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for value in values {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
    kept
}

fn left_by(issuers: &[Held]) -> Option<u8> {
    let above = issuers.first()?.seen.path_length?;
    u8::try_from(above.saturating_sub(1)).ok()
}

/// What is not said is taken from the issuer, the common name from elsewhere.
fn subject_of(given: &Subject, common_name: String, issuers: &[Held]) -> Subject {
    let issuer: Subject = issuers.first().and_then(|issuer| issuer.seen.subject.parse().ok()).unwrap_or_default();
    let mut subject = given.clone();
    subject.common_name.get_or_insert(common_name);
    subject.organization = subject.organization.or(issuer.organization);
    subject.country = subject.country.or(issuer.country);
    subject
}
