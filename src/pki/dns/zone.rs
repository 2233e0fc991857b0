//! The file of a zone, made of its hosts.

use super::record::{Meaning, Record, of_host};
use super::{DnsError, DomainName, Policy};
use domain::base::iana::Rtype;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;

/// What is wanted of a zone. Times are seconds; those of secondaries are the ones of RIPE-203.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ZoneWant {
    /// Its name servers.
    #[serde(deserialize_with = "super::one_or_more")]
    pub ns: Vec<String>,
    /// Whom to write to: an address of e-mail, or a name as SOA records have it.
    pub contact: String,
    /// How long records are kept by others.
    pub ttl: u32,
    /// How often secondaries look for a new serial.
    pub refresh: u32,
    /// How soon they look again when nobody answers.
    pub retry: u32,
    /// When they give up.
    pub expire: u32,
    /// How long others keep that a name is not there (RFC 2308).
    pub minimum: u32,
    /// How serials rise.
    pub serial: Policy,
    /// Names with what they have: an address, several, or a map of types of records.
    pub hosts: IndexMap<String, Value>,
}

impl Default for ZoneWant {
    fn default() -> Self {
        Self {
            ns: Vec::new(),
            contact: "hostmaster".into(),
            ttl: 3600,
            refresh: 86_400,
            retry: 7200,
            expire: 3_600_000,
            minimum: 3600,
            serial: Policy::default(),
            hosts: IndexMap::new(),
        }
    }
}

impl ZoneWant {
    /// The records of its hosts.
    fn records(&self, zone: &DomainName) -> Result<Vec<Record>, DnsError> {
        let mut records = Vec::new();
        for (owner, host) in &self.hosts {
            let place = |error: DnsError| error.at(format!("zone `{zone}`, host `{owner}`"));
            let owner = DomainName::within(owner, zone).map_err(place)?;
            records.extend(of_host(&owner, host, zone).map_err(place)?);
        }
        Ok(records)
    }

    /// Whether each of its hosts can be, whatever zone it is.
    ///
    /// # Errors
    /// A name or a record that there cannot be.
    pub fn check_hosts(&self) -> Result<(), DnsError> {
        self.records(&DomainName::absolute("zone.example").expect("a name")).map(drop)
    }
}

/// A zone without its serial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its name.
    pub name: DomainName,
    /// How its serial rises.
    pub policy: Policy,
    /// The name servers.
    pub servers: Vec<DomainName>,
    before_serial: String,
    after_serial: String,
    records: Vec<Record>,
}

impl Zone {
    /// The zone of a name.
    ///
    /// # Errors
    /// A name, a record or a combination of records that there cannot be.
    pub fn new(name: &str, want: &ZoneWant) -> Result<Self, DnsError> {
        let name = DomainName::absolute(name)?;
        let records = want.records(&name)?;
        Self::of_records(name, want, records)
    }

    /// The same of records; names of servers are relative to the zone.
    pub(super) fn of_records(name: DomainName, want: &ZoneWant, records: Vec<Record>) -> Result<Self, DnsError> {
        let place = |error: DnsError| error.at(format!("zone `{name}`"));
        let servers = want.ns.iter().map(|server| DomainName::within(server, &name));
        let servers = servers.collect::<Result<Vec<_>, _>>().map_err(place)?;
        let Some(first) = servers.first() else {
            return Err(place(DnsError::wrong("it has no name server").hinted("name one: `ns: [\"ns1\"]`")));
        };
        let contact = contact(&want.contact, &name).map_err(place)?;
        let own =
            servers.iter().map(|server| Record::read(name.clone(), None, Rtype::NS, &server.relative_to(&name), &name));
        let mut records: Vec<Record> = own.chain(records.into_iter().map(Ok)).collect::<Result<_, _>>()?;
        records.sort_by(|one, other| (&one.owner, one.kind).cmp(&(&other.owner, other.kind)));
        records.dedup();
        check(&name, &records).map_err(place)?;
        let (first, contact) = (first.relative_to(&name), contact.relative_to(&name));
        let ZoneWant { ttl, refresh, retry, expire, minimum, .. } = want;
        let before_serial = format!("$ORIGIN {name}\n$TTL {ttl}\n@ IN SOA {first} {contact} ");
        let after_serial = format!(" {refresh} {retry} {expire} {minimum}\n");
        Ok(Self { name, policy: want.serial, servers, before_serial, after_serial, records })
    }

    /// The file with this serial.
    pub fn text(&self, serial: u32) -> String {
        let mut text = format!("{}{serial}{}", self.before_serial, self.after_serial);
        for record in &self.records {
            let _ = write!(text, "{}", record.line(&self.name));
        }
        text
    }

    /// What a new serial hangs on.
    pub fn content(&self) -> String {
        self.text(0)
    }

    /// The addresses of its names, for reverse zones.
    pub fn addresses(&self) -> impl Iterator<Item = (&DomainName, IpAddr)> {
        self.records.iter().filter_map(|record| match record.meaning {
            Meaning::Address(address) => Some((&record.owner, address)),
            _ => None,
        })
    }
}

/// `ada.lovelace@example.org` as `ada\.lovelace.example.org.` (RFC 1035, 8).
fn contact(text: &str, zone: &DomainName) -> Result<DomainName, DnsError> {
    match text.split_once('@') {
        Some((who, domain)) => DomainName::absolute(&format!("{}.{domain}", who.replace('.', "\\."))),
        None => DomainName::within(text, zone),
    }
}

/// What servers would refuse, or resolvers stumble over.
fn check(zone: &DomainName, records: &[Record]) -> Result<(), DnsError> {
    let mut at: BTreeMap<&DomainName, Vec<&Record>> = BTreeMap::new();
    for record in records {
        if !record.owner.is_in(zone) {
            return Err(DnsError::wrong(format!("`{}` is outside of it", record.owner)));
        }
        at.entry(&record.owner).or_default().push(record);
    }
    for (owner, records) in &at {
        let aliases = records.iter().filter(|record| record.meaning == Meaning::Alias).count();
        if aliases > 0 && (records.len() > 1 || *owner == zone) {
            return Err(DnsError::wrong(format!("`{owner}` is an alias, and has other records (RFC 1034, 3.6.2)")));
        }
        if records.iter().any(|record| record.kind == records[0].kind && record.ttl != records[0].ttl) {
            return Err(DnsError::wrong(format!("records of `{owner}` have different `ttl`s (RFC 2181, 5.2)")));
        }
    }
    let cuts: BTreeSet<&DomainName> = records
        .iter()
        .filter(|record| record.kind == Rtype::NS && record.owner != *zone)
        .map(|record| &record.owner)
        .collect();
    records.iter().try_for_each(|record| server_has_address(zone, record, &at, &cuts))
}

fn server_has_address(
    zone: &DomainName,
    record: &Record,
    at: &BTreeMap<&DomainName, Vec<&Record>>,
    cuts: &BTreeSet<&DomainName>,
) -> Result<(), DnsError> {
    let Meaning::Server(server) = &record.meaning else {
        return Ok(());
    };
    // What stands below a delegation is known to the other zone; only its own servers need an address here.
    let elsewhere = cuts.iter().any(|cut| server.is_in(cut)) && record.kind != Rtype::NS;
    let wildcard = server.parent().and_then(|parent| DomainName::within("*", &parent).ok());
    let found = at.get(server).or_else(|| at.get(&wildcard?));
    let known = found.is_some_and(|records| records.iter().any(|record| matches!(record.meaning, Meaning::Address(_))));
    if !server.is_in(zone) || elsewhere || known {
        return Ok(());
    }
    let (owner, kind) = (record.owner.relative_to(zone), record.kind);
    let problem = format!("`{owner} {kind}` names `{server}`, which has no address");
    Err(DnsError::wrong(problem)
        .hinted("an alias does not do (RFC 2181, 10.3); a name of another zone ends with a dot"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn zone(want: Value) -> Result<Zone, String> {
        let want: ZoneWant = serde_json::from_value(want).map_err(|error| error.to_string())?;
        Zone::new("internal.example", &want).map_err(|error| error.to_string())
    }

    #[test]
    fn a_zone_is_written_in_a_stable_order() {
        let want = json!({
            "ns": ["ns1", "ns.other.example."], "contact": "ada.lovelace@example.org", "minimum": 300,
            "hosts": {"www": {"cname": "web1"}, "web1": ["10.0.0.1", "fd00::1"], "ns1": "10.0.0.2", "@": {"mx": "10 web1"}},
        });
        let zone = zone(want).expect("a zone");
        let text = "$ORIGIN internal.example.\n$TTL 3600\n\
                    @ IN SOA ns1 ada\\.lovelace.example.org. 7 86400 7200 3600000 300\n\
                    @ IN NS ns1\n@ IN NS ns.other.example.\n@ IN MX 10 web1\n\
                    ns1 IN A 10.0.0.2\nweb1 IN A 10.0.0.1\nweb1 IN AAAA fd00::1\nwww IN CNAME web1\n";
        assert_eq!(zone.text(7), text);
        assert_eq!(zone.addresses().count(), 3);
    }

    #[test]
    fn what_servers_would_refuse_is_an_error() {
        let hosts = |hosts: Value| json!({"ns": ["ns.other.example."], "hosts": hosts});
        for (want, words) in [
            (json!({}), "it has no name server"),
            (json!({"ns": ["ns1"]}), "`@ NS` names `ns1.internal.example.`, which has no address"),
            (json!({"ns": ["ns1"], "hosts": {"ns1": {"cname": "a.b."}}}), "which has no address"),
            (hosts(json!({"a": {"cname": "b", "txt": "x"}})), "is an alias, and has other records"),
            (hosts(json!({"a": {"cname": ["b", "c"]}})), "is an alias, and has other records"),
            (hosts(json!({"@": {"cname": "b"}})), "is an alias, and has other records"),
            (hosts(json!({"@": {"mx": "10 mail"}})), "`@ MX` names `mail.internal.example.`"),
            (hosts(json!({"a.example.": "10.0.0.1"})), "`a.example.` is outside of it"),
            (hosts(json!({"a b": "10.0.0.1"})), "host `a b`: `a b` is no domain name"),
            (json!({"nss": []}), "unknown field `nss`"),
        ] {
            let error = zone(want.clone()).expect_err(&want.to_string());
            assert!(error.contains(words), "{want}: {error}");
        }
        for fine in [
            hosts(json!({"@": {"mx": "0 ."}})),
            hosts(json!({"sub": {"ns": "ns.sub"}, "ns.sub": "10.0.0.1", "@": {"mx": "10 mail.sub"}})),
            hosts(json!({"*": "10.0.0.1", "@": {"mx": "10 mail"}})),
        ] {
            zone(fine.clone()).unwrap_or_else(|error| panic!("{fine}: {error}"));
        }
    }
}
