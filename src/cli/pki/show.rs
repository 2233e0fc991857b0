//! What `pki` tells of certificates.

use super::super::table;
use crate::pki::{Crl, Inspection, Issued, Kind, Listed};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Whole days from now on; negative when it is past.
pub fn days_left(until: Timestamp, now: Timestamp) -> i64 {
    (until.as_second() - now.as_second()).div_euclid(86_400)
}

/// The day of an instant, in UTC.
pub fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn status(revoked: Option<&crate::pki::Revoked>, not_after: Timestamp, now: Timestamp) -> String {
    match revoked {
        Some(revoked) => format!("revoked ({})", revoked.reason),
        None if not_after < now => "expired".into(),
        None => "valid".into(),
    }
}

/// Certificates as a table.
pub fn table_of(all: &[Listed], crls: &[Crl], now: Timestamp) -> String {
    let header = ["NAME", "KIND", "ISSUER", "ENDS", "DAYS", "STATUS"].map(str::to_owned);
    let rows = all.iter().map(|listed| {
        [
            listed.name.clone(),
            listed.kind.to_string(),
            listed.issuer.clone().unwrap_or_else(|| "-".into()),
            day(listed.not_after),
            days_left(listed.not_after, now).to_string(),
            status(listed.revoked.as_ref(), listed.not_after, now),
        ]
    });
    let lists = crls.iter().map(|crl| {
        let (kind, issuer) = ("crl".to_owned(), crl.authority.clone());
        let left = days_left(crl.next_update, now).to_string();
        [format!("{issuer}/crl"), kind, issuer, day(crl.next_update), left, status(None, crl.next_update, now)]
    });
    table::aligned(std::iter::once(header).chain(rows).chain(lists))
}

/// The same as JSON.
pub fn json_of(all: &[Listed], crls: &[Crl], now: Timestamp) -> Value {
    let row = |listed: &Listed| {
        let mut value = serde_json::to_value(listed).expect("it has a JSON form");
        value["days_left"] = days_left(listed.not_after, now).into();
        value
    };
    let list = |crl: &Crl| {
        json!({ "authority": crl.authority, "number": crl.number, "next_update": crl.next_update,
                "days_left": days_left(crl.next_update, now), "revoked": crl.serials })
    };
    json!({ "certificates": all.iter().map(row).collect::<Vec<_>>(),
            "crls": crls.iter().map(list).collect::<Vec<_>>() })
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
