//! What `pki` tells of certificates.

use super::super::table;
use crate::pki::{Inspection, Issued, Kind};
use jiff::Timestamp;

/// Whole days from now on; negative when it is past.
pub fn days_left(until: Timestamp, now: Timestamp) -> i64 {
    (until.as_second() - now.as_second()).div_euclid(86_400)
}

/// The day of an instant, in UTC.
pub fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// How it is with a certificate.
pub fn status(revoked: Option<&crate::pki::Revoked>, not_after: Timestamp, now: Timestamp) -> String {
    match revoked {
        Some(revoked) => format!("revoked ({})", revoked.reason),
        None if not_after < now => "expired".into(),
        None => "valid".into(),
    }
}

/// The books of an authority as a table.
pub fn books(all: &[Issued], now: Timestamp) -> String {
    let header = ["SERIAL", "NAME", "ENDS", "STATUS"].map(str::to_owned);
    let rows = all.iter().map(|issued| {
        let status = status(issued.revoked.as_ref(), issued.not_after, now);
        [issued.serial.clone(), issued.name.clone(), day(issued.not_after), status]
    });
    table::aligned(std::iter::once(header).chain(rows))
}

/// What stands in a certificate, a line each.
pub fn lines(seen: &Inspection, kind: Option<Kind>, now: Timestamp) -> String {
    let mut rows: Vec<[String; 2]> = Vec::new();
    let mut row = |what: &str, value: String| {
        if !value.is_empty() {
            rows.push([what.to_owned(), value]);
        }
    };
    let words = |values: &[String]| values.join(", ");
    row("kind", kind.map(|kind| kind.to_string()).unwrap_or_default());
    row("subject", seen.subject.clone());
    row("issuer", seen.issuer.clone());
    row("serial", seen.serial.clone());
    row("valid from", seen.not_before.to_string());
    row("valid until", format!("{} ({} days)", seen.not_after, days_left(seen.not_after, now)));
    row("names", words(&seen.sans));
    row("use", words(&seen.uses));
    let usages = seen.key_usages.iter().filter_map(|usage| serde_json::to_value(usage).ok());
    let usages = usages.filter_map(|usage| usage.as_str().map(|usage| usage.replace('_', " "))).collect::<Vec<_>>();
    row("key usage", words(&usages));
    row("key", seen.key.map_or_else(|| "unknown".into(), |key| key.to_string()));
    row("authority", if seen.authority { "yes".into() } else { String::new() });
    row("path length", seen.path_length.map(|length| length.to_string()).unwrap_or_default());
    row("permitted", words(&seen.permitted));
    row("excluded", words(&seen.excluded));
    row("CRL at", words(&seen.crl_urls));
    row("issuer at", words(&seen.issuer_urls));
    row("subject hash", seen.subject_hash.clone());
    row("SHA-256", seen.sha256.clone());
    table::aligned(rows)
}
