//! Trust anchors: what resolvers are told about keys that no parent zone vouches for.

use super::key::{PublicKey, dnskey_text, ds_texts};
use super::{DnsError, DomainName};
use domain::base::iana::Class;
use domain::rdata::ZoneRecordData;
use domain::zonefile::inplace::{Entry, Zonefile};
use std::fmt::Write;

/// The anchors of some zones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchors(Vec<(DomainName, Anchor)>);

/// One anchor: the type and data of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Anchor {
    Dnskey(String),
    Ds(String),
}

impl Anchors {
    /// Adds a key for each of these zones.
    pub(super) fn add(&mut self, zones: &[DomainName], key: &PublicKey) {
        let data = dnskey_text(&key.dnskey(false));
        self.0.extend(zones.iter().map(|zone| (zone.clone(), Anchor::Dnskey(data.clone()))));
    }

    /// Reads DNSKEY and DS records: what another resolver trusts, or `/usr/share/dns/root.key`.
    ///
    /// # Errors
    /// A line that is no such record.
    pub fn parse(text: &str) -> Result<Self, DnsError> {
        let mut file = Zonefile::from(format!("{}\n", text.trim_end()).as_str());
        file.set_default_class(Class::IN);
        let wrong = |problem: &dyn std::fmt::Display| {
            DnsError::wrong(format!("the extra trust anchors cannot be read: {problem}"))
                .hinted("they are DNSKEY or DS records: `. IN DS 20326 8 2 E06D44B8...`")
        };
        let mut anchors = Self::default();
        while let Some(entry) = file.next_entry().map_err(|error| wrong(&error))? {
            let Entry::Record(record) = entry else {
                return Err(wrong(&"`$INCLUDE` is not followed"));
            };
            let anchor = match record.data() {
                ZoneRecordData::Dnskey(key) => Anchor::Dnskey(dnskey_text(key)),
                ZoneRecordData::Ds(ds) => {
                    let digest: String = ds.digest().iter().map(|byte| format!("{byte:02X}")).collect();
                    let (tag, algorithm, kind) = (ds.key_tag(), ds.algorithm().to_int(), ds.digest_type().to_int());
                    Anchor::Ds(format!("{tag} {algorithm} {kind} {digest}"))
                }
                _ => return Err(wrong(&format!("a record of type {}", record.rtype()))),
            };
            anchors.0.push((DomainName::of(record.owner()), anchor));
        }
        Ok(anchors)
    }

    /// These, and others after them; what is the same stands once.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        for other in others.0 {
            if !self.0.contains(&other) {
                self.0.push(other);
            }
        }
        self
    }

    /// As records: for `trust-anchor-file` of unbound.conf(5) and `trust_anchors.add_file` of Knot Resolver.
    pub fn records(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, (zone, anchor)| {
            let _ = match anchor {
                Anchor::Dnskey(data) => writeln!(text, "{zone} IN DNSKEY {data}"),
                Anchor::Ds(data) => writeln!(text, "{zone} IN DS {data}"),
            };
            text
        })
    }

    /// As the `trust-anchors` of named.conf(5).
    pub fn bind(&self) -> String {
        let lines = self.0.iter().map(|(zone, anchor)| {
            let (kind, data) = match anchor {
                Anchor::Dnskey(data) => ("static-key", data),
                Anchor::Ds(data) => ("static-ds", data),
            };
            let (numbers, last) = data.rsplit_once(' ').expect("four words");
            format!("    \"{zone}\" {kind} {numbers} \"{last}\";\n")
        });
        format!("trust-anchors {{\n{}}};\n", lines.collect::<String>())
    }
}

/// The DS records of a key for a zone above, by SHA-256 and SHA-384.
pub(super) fn ds_records(zones: &[DomainName], key: &PublicKey) -> String {
    let dnskey = key.dnskey(false);
    let of_zone = |zone: &DomainName| ds_texts(zone, &dnskey).map(|data| format!("{zone} IN DS {data}\n")).concat();
    zones.iter().map(of_zone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From /usr/share/dns/root.key of Debian.
    const ROOT: &str = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D ; second\n";

    #[test]
    fn anchors_of_others_are_read_and_written_in_both_forms() {
        let anchors = Anchors::parse(ROOT).expect("the anchor of the root");
        assert_eq!(anchors.records(), ROOT.split(" ;").next().expect("a record").to_owned() + "\n");
        let bind = "trust-anchors {\n    \".\" static-ds 20326 8 2 \"E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\";\n};\n";
        assert_eq!(anchors.bind(), bind);
        assert_eq!(anchors.clone().and(anchors.clone()), anchors);
        for bad in ["x.example. 60 IN A 192.0.2.1\n", "$INCLUDE /etc/passwd\n", "nonsense"] {
            assert!(Anchors::parse(bad).is_err(), "{bad}");
        }
    }
}
