//! Serials of zones: they rise when the content changes, and only then.

use super::{Dns, DnsError, DomainName, Zone};
use crate::pki::merge::{Merged, Misfit, Sides};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How the next serial is found; never below the last one and one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The date and a number of two digits: `2026112000` (RFC 1912, 2.2), in UTC.
    #[default]
    Date,
    /// Seconds since 1970.
    Unix,
    /// One more, from 1.
    Increment,
}

/// `dns/zones/NAME.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    serial: u32,
    sha256: String,
}

/// The serial of a zone, and whether it is a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Serial {
    /// The number.
    pub number: u32,
    /// The one before, when the content changed; 0 for a new zone.
    pub before: Option<u32>,
}

impl Policy {
    /// Whether nobody can tell a serial before it is taken.
    pub fn is_of_the_moment(self) -> bool {
        self == Self::Unix
    }

    fn next(self, last: u32, now: jiff::Timestamp) -> Option<u32> {
        let date = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let base = match self {
            Self::Date => {
                let (year, month, day) = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
                year * 1_000_000 + month * 10_000 + day * 100
            }
            Self::Unix => now.as_second(),
            Self::Increment => 1,
        };
        // From here on 32 bits would have to wrap, which secondaries take only in two steps (RFC 1982).
        let next = last.checked_add(1)?;
        Some(u32::try_from(base).ok()?.max(next))
    }
}

impl Dns {
    /// The serial that a zone has, or would have now; writes nothing.
    ///
    /// # Errors
    /// The file of the last one cannot be read; there is no higher one.
    pub fn look_serial(&self, zone: &Zone, now: jiff::Timestamp) -> Result<Serial, DnsError> {
        self.next_serial(&zone.name, &zone.content(), zone.policy, now)
    }

    /// The same, and keeps it.
    ///
    /// # Errors
    /// As for [`Dns::look_serial`]; the file cannot be written.
    pub fn ensure_serial(&self, zone: &Zone, now: jiff::Timestamp) -> Result<Serial, DnsError> {
        self.keep_serial(&zone.name, &zone.content(), zone.policy, now)
    }

    fn next_serial(
        &self,
        zone: &DomainName,
        content: &str,
        policy: Policy,
        now: jiff::Timestamp,
    ) -> Result<Serial, DnsError> {
        let kept: Kept = self.read(&file(zone))?;
        if kept.sha256 == digest(content) {
            return Ok(Serial { number: kept.serial, before: None });
        }
        let number = policy.next(kept.serial, now).ok_or_else(|| {
            DnsError::wrong(format!("there is no serial after {} for the zone `{zone}`", kept.serial))
        })?;
        Ok(Serial { number, before: Some(kept.serial) })
    }

    fn keep_serial(
        &self,
        zone: &DomainName,
        content: &str,
        policy: Policy,
        now: jiff::Timestamp,
    ) -> Result<Serial, DnsError> {
        let held = self.lock()?;
        let serial = self.next_serial(zone, content, policy, now)?;
        if serial.before.is_some() {
            self.write(&held, &file(zone), &Kept { serial: serial.number, sha256: digest(content) })?;
        }
        Ok(serial)
    }
}

/// True for the file with the last serial of a zone.
pub(in crate::pki) fn is_serial(path: &std::path::Path) -> bool {
    path.extension().is_some_and(|kind| kind == "json")
        && path.parent().is_some_and(|folder| folder.ends_with("dns/zones"))
}

/// The next serial follows the greater one, whatever the zone holds then.
pub(in crate::pki) fn merge_serials(sides: Sides<&str>) -> Result<Merged, Misfit> {
    let sides = sides.read(|text| serde_json::from_str::<Kept>(text).map_err(|error| error.to_string()))?;
    let kept = Kept { serial: sides.ours.serial.max(sides.theirs.serial), sha256: String::new() };
    Ok(Merged::clean(super::folder::text(&kept)))
}

/// A zone may have a `/` in its name (RFC 2317), a file may not.
fn file(zone: &DomainName) -> String {
    format!("zones/{}.json", zone.plain().replace('/', "%2F"))
}

fn digest(content: &str) -> String {
    Sha256::digest(content.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> jiff::Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_serial_rises_when_the_content_changes_and_only_then() {
        let dir = tempfile::tempdir().expect("a folder");
        let dns = Dns::of_project(dir.path());
        let zone = DomainName::absolute("0/25.2.0.192.in-addr.arpa").expect("a name");
        let (monday, tuesday) = (at("2026-11-16T23:59:59Z"), at("2026-11-17T00:00:00Z"));
        let looked = dns.next_serial(&zone, "one", Policy::Date, monday).expect("a serial");
        assert_eq!(looked, Serial { number: 2_026_111_600, before: Some(0) });
        assert!(!dir.path().join("dns").exists(), "a look writes nothing");
        let ensure = |content, policy, now| dns.keep_serial(&zone, content, policy, now).expect("a serial").number;
        assert_eq!(ensure("one", Policy::Date, monday), 2_026_111_600);
        assert_eq!(ensure("one", Policy::Date, tuesday), 2_026_111_600);
        assert_eq!(ensure("two", Policy::Date, monday), 2_026_111_601);
        assert_eq!(ensure("one", Policy::Date, tuesday), 2_026_111_700);
        assert_eq!(ensure("two", Policy::Unix, tuesday), 2_026_111_701);
        assert_eq!(ensure("three", Policy::Increment, tuesday), 2_026_111_702);
        assert!(dir.path().join("dns/zones/0%2F25.2.0.192.in-addr.arpa.json").exists());
        let other = DomainName::absolute("other").expect("a name");
        let unix = dns.next_serial(&other, "x", Policy::Unix, tuesday).expect("a serial");
        assert_eq!(unix.number, tuesday.as_second() as u32);
        assert_eq!(dns.next_serial(&other, "x", Policy::Increment, tuesday).expect("a serial").number, 1);
    }
}
