//! Why a certificate that is there is not the one that is wanted, in words for a plan.

use super::certificate::{CertificateWant, EARLIER_SECS, timestamp};
use super::key::KeyPair;
use super::record::Record;
use jiff::Timestamp;
use ssh_key::{Certificate, HashAlg};
use std::collections::BTreeMap;

/// Why a certificate is not the wanted one.
pub fn differences(
    certificate: &Certificate,
    authority: &KeyPair,
    record: &Record,
    name: &str,
    want: &CertificateWant,
    now: Timestamp,
) -> Vec<String> {
    let mut reasons = Vec::new();
    let signed = certificate.validate_at(certificate.valid_after(), &[authority.fingerprint()]).is_ok();
    if certificate.signature_key() != authority.public.key_data() {
        reasons.push(format!("the authority `{}` has another key", authority.name));
    } else if !signed {
        reasons.push("its signature does not verify".into());
    }
    match record.entry(certificate.serial()) {
        Some(entry) if entry.name == name => {}
        Some(entry) => reasons.push(format!("its serial {} is that of `{}`", certificate.serial(), entry.name)),
        None => reasons.push(format!("the authority does not know its serial {}", certificate.serial())),
    }
    if record.revokes_serial(certificate.serial()) {
        reasons.push(format!("its serial {} is revoked", certificate.serial()));
    }
    if certificate.cert_type() != want.kind.cert_type() {
        reasons.push(format!("it shall be for a {}", want.kind.word()));
    }
    if certificate.public_key() != want.key.key_data() {
        let old = certificate.public_key().fingerprint(HashAlg::Sha256);
        reasons.push(format!("key {old} => {}", want.key.fingerprint(HashAlg::Sha256)));
    }
    if certificate.key_id() != want.id(name) {
        reasons.push(format!("key id `{}` => `{}`", certificate.key_id(), want.id(name)));
    }
    names(&mut reasons, "principal", certificate.valid_principals(), &want.principals);
    values(&mut reasons, "option", certificate.critical_options(), &want.options);
    values(&mut reasons, "extension", certificate.extensions(), &want.extensions);
    let span = certificate.valid_before().saturating_sub(certificate.valid_after());
    if span != want.span() {
        reasons.push(format!("valid for {} => {}", long(span.saturating_sub(EARLIER_SECS)), long(want.valid_secs)));
    }
    reasons.extend(ending(certificate, want, now));
    reasons
}

fn ending(certificate: &Certificate, want: &CertificateWant, now: Timestamp) -> Option<String> {
    let now = u64::try_from(now.as_second()).unwrap_or_default();
    let end = certificate.valid_before();
    match end.saturating_sub(now) {
        0 => Some(format!("expired on {}", day(end))),
        left if left <= want.renew_secs => {
            Some(format!("expires on {}, renewed {} before", day(end), long(want.renew_secs)))
        }
        _ if certificate.valid_after() > now => {
            Some(format!("it is valid only from {}", day(certificate.valid_after())))
        }
        _ => None,
    }
}

fn names(reasons: &mut Vec<String>, what: &str, is: &[String], wanted: &[String]) {
    let missing = |one: &[String], other: &[String], word: &str| -> Vec<String> {
        one.iter().filter(|name| !other.contains(name)).map(|name| format!("{what} `{name}` {word}")).collect()
    };
    let before = reasons.len();
    reasons.extend(missing(wanted, is, "added"));
    reasons.extend(missing(is, wanted, "removed"));
    if reasons.len() == before && is != wanted {
        reasons.push(format!("{what}s in another order"));
    }
}

fn values(reasons: &mut Vec<String>, what: &str, is: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) {
    for (name, value) in wanted {
        match is.get(name) {
            None => reasons.push(format!("{what} `{name}` added")),
            Some(old) if old != value => reasons.push(format!("{what} `{name}`: `{old}` => `{value}`")),
            Some(_) => {}
        }
    }
    reasons.extend(is.keys().filter(|name| !wanted.contains_key(*name)).map(|name| format!("{what} `{name}` removed")));
}

fn day(secs: u64) -> String {
    timestamp(secs).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `3 days`, `5 hours`.
fn long(secs: u64) -> String {
    let (count, unit) = match secs {
        0..7_200 => (secs / 60, "minute"),
        7_200..172_800 => (secs / 3_600, "hour"),
        _ => (secs / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
