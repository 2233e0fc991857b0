//! Reverse zones: the names of the addresses of a network.

use super::record::Record;
use super::zone::{Zone, ZoneWant};
use super::{Classless, DnsError, DomainName, Prefix};
use domain::base::iana::Rtype;
use indexmap::IndexMap;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What is wanted of the reverse zones of a network. Names in it are whole, with a final dot or without.
#[derive(Debug, Clone)]
pub struct ReverseWant {
    zone: ZoneWant,
    own: Own,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Own {
    /// How the zone of a network smaller than a /24 is called.
    classless: Classless,
    /// Names of addresses; they win over those of `from`.
    hosts: IndexMap<IpAddr, Names>,
    /// Zones whose addresses get names.
    from: Vec<From>,
}

/// The names of an address.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
struct Names(#[serde(deserialize_with = "super::one_or_more")] Vec<String>);

/// What counts of a zone.
#[derive(Debug, Clone, Deserialize)]
struct From {
    addresses: Vec<Named>,
}

#[derive(Debug, Clone, Deserialize)]
struct Named {
    name: String,
    address: IpAddr,
}

impl<'de> Deserialize<'de> for ReverseWant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut zone = serde_json::Map::deserialize(deserializer)?;
        let own = ["classless", "hosts", "from"].into_iter().filter_map(|key| zone.remove_entry(key)).collect();
        let own = serde_json::from_value(Value::Object(own)).map_err(D::Error::custom)?;
        let contact = zone.contains_key("contact");
        let mut zone: ZoneWant = serde_json::from_value(Value::Object(zone)).map_err(D::Error::custom)?;
        // Nobody has a name server below `in-addr.arpa.`, and BIND refuses a contact in a zone with a `/`.
        zone.ns.iter_mut().for_each(whole);
        if contact {
            whole(&mut zone.contact);
        } else if let Some((_, domain)) = zone.ns.first().and_then(|server| server.split_once('.')) {
            zone.contact = format!("hostmaster.{domain}");
        }
        Ok(Self { zone, own })
    }
}

fn whole(name: &mut String) {
    if !name.ends_with('.') && !name.contains('@') {
        name.push('.');
    }
}

/// A reverse zone, and what the zone around a classless one has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverse {
    /// The zone.
    pub zone: Zone,
    /// Lines for the zone of the /24 around it (RFC 2317, 4).
    pub delegation: Option<String>,
}

impl ReverseWant {
    /// The zones of a network.
    ///
    /// # Errors
    /// A name that is none, or a named address that is not in the network.
    pub fn zones(&self, prefix: Prefix) -> Result<Vec<Reverse>, DnsError> {
        let names = self.names(prefix)?;
        let zone_of = |(name, part): (DomainName, Prefix)| {
            let within = names.iter().filter(|(address, _)| part.contains(**address));
            let records = within.flat_map(|(address, names)| names.iter().map(|target| (*address, target)));
            let records = records.map(|(address, target)| {
                Record::read(Prefix::owner(&name, address), None, Rtype::PTR, &target.to_string(), &name)
            });
            let zone = Zone::of_records(name.clone(), &self.zone, records.collect::<Result<_, _>>()?)?;
            let delegation = part.delegation(&zone.name, &zone.servers);
            Ok(Reverse { zone, delegation })
        };
        prefix.zones(self.own.classless).into_iter().map(zone_of).collect()
    }

    /// The names of the addresses of the network.
    fn names(&self, prefix: Prefix) -> Result<BTreeMap<IpAddr, Vec<DomainName>>, DnsError> {
        let mut found: BTreeMap<IpAddr, Vec<DomainName>> = BTreeMap::new();
        let all = self.own.from.iter().flat_map(|zone| &zone.addresses);
        for named in all.filter(|named| prefix.contains(named.address) && !named.name.starts_with("*.")) {
            let name = DomainName::absolute(&named.name)?;
            let names = found.entry(named.address).or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for (address, names) in &self.own.hosts {
            if !prefix.contains(*address) {
                return Err(DnsError::wrong(format!("`{address}` is not in the network `{prefix}`")));
            }
            let names = names.0.iter().map(|name| DomainName::absolute(name)).collect::<Result<_, _>>()?;
            found.insert(*address, names);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn zones(network: &str, want: Value) -> Result<Vec<Reverse>, String> {
        let want: ReverseWant = serde_json::from_value(want).map_err(|error| error.to_string())?;
        want.zones(network.parse().expect("a network")).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_of_zones_get_names_in_the_zone_they_belong_to() {
        let named = |name: &str, address: &str| json!({"name": name, "address": address});
        let from = json!([{"name": "internal.", "addresses": [
            named("web.internal.", "10.0.6.1"), named("*.internal.", "10.0.6.1"), named("api.internal.", "10.0.6.1"),
            named("db.internal.", "10.0.7.2"), named("far.internal.", "10.9.9.9"), named("web.internal.", "fd00::1"),
        ]}]);
        let hosts = json!({"10.0.7.9": "printer.internal", "10.0.7.2": ["db-new.internal."]});
        let made = zones("10.0.6.0/23", json!({"ns": ["ns.internal"], "from": from, "hosts": hosts})).expect("zones");
        let texts: Vec<String> = made.iter().map(|made| made.zone.text(1)).collect();
        assert!(
            texts[0]
                .starts_with("$ORIGIN 6.0.10.in-addr.arpa.\n$TTL 3600\n@ IN SOA ns.internal. hostmaster.internal. 1 "),
            "{}",
            texts[0]
        );
        assert!(
            texts[0].ends_with("@ IN NS ns.internal.\n1 IN PTR web.internal.\n1 IN PTR api.internal.\n"),
            "{}",
            texts[0]
        );
        assert!(texts[1].ends_with("2 IN PTR db-new.internal.\n9 IN PTR printer.internal.\n"), "{}", texts[1]);
    }

    #[test]
    fn an_address_outside_of_the_network_is_an_error() {
        let error =
            zones("10.0.6.0/24", json!({"ns": ["ns.internal"], "hosts": {"10.0.7.1": "a.b"}})).expect_err("outside");
        assert_eq!(error, "`10.0.7.1` is not in the network `10.0.6.0/24`");
        assert!(
            zones("10.0.6.0/24", json!({"ns": ["a."], "form": []}))
                .expect_err("a typo")
                .contains("unknown field `form`")
        );
    }
}
