//! What operations on keys and zones give to the script: maps, in a plan with what only an apply can tell.

use super::super::opaque::Opaque;
use crate::pki::dns::{Dns, Ksk, Tsig, Zone};
use rhai::{Array, Dynamic, Map};

/// Stands for values that an apply will tell.
fn soon<const N: usize>(map: &mut Map, what: &str, of: &str, keys: [&str; N]) {
    for key in keys {
        map.insert(key.into(), Dynamic::from(Opaque::unknown(format!("`{key}` of the {what} `{of}`"))));
    }
}

fn texts(values: impl IntoIterator<Item = String>) -> Dynamic {
    values.into_iter().map(Dynamic::from).collect::<Array>().into()
}

/// A secret of the project; it is fetched where it is used.
fn secret(name: &str, at: &str) -> Opaque {
    Opaque(crate::secret::refer(name, Some(at.to_owned())).to_string())
}

/// The keys of some zones.
pub fn ksk(ksk: &Ksk, at: &str) -> Map {
    let keys: Vec<Map> = ksk
        .keys
        .iter()
        .map(|key| {
            let mut map = Map::new();
            map.insert("label".into(), key.label.clone().into());
            map.insert("revoked".into(), key.revoked.into());
            map.insert("key_tag".into(), i64::from(key.key_tag()).into());
            map.insert("algorithm".into(), i64::from(key.public.algorithm.iana().0).into());
            map.insert("pem".into(), Dynamic::from(secret(&Dns::ksk_secret(&ksk.name, &key.label), at)));
            map
        })
        .collect();
    let mut map = Map::new();
    for key in ["key_tag", "algorithm", "pem"] {
        map.insert(key.into(), keys[0][key].clone());
    }
    map.insert("keys".into(), keys.into_iter().map(Dynamic::from).collect::<Array>().into());
    map.insert("name".into(), ksk.name.clone().into());
    map.insert("zones".into(), texts(ksk.zones.iter().map(ToString::to_string)));
    map.insert("dnskey".into(), ksk.dnskeys().into());
    map.insert("ds".into(), ksk.ds().into());
    map.insert("anchors".into(), ksk.anchors().records().into());
    map.insert("bind_anchors".into(), ksk.anchors().bind().into());
    map
}

/// Keys that an apply will make.
pub fn ksk_soon(name: &str) -> Map {
    let mut map = Map::new();
    map.insert("name".into(), name.into());
    let keys = ["key_tag", "algorithm", "pem", "keys", "zones", "dnskey", "ds", "anchors", "bind_anchors"];
    soon(&mut map, "key", name, keys);
    map
}

/// A TSIG key. Its forms hold what stands for the secret.
pub fn tsig(key: &Tsig, at: &str) -> Map {
    let secret = secret(&key.secret(), at);
    let forms = [
        ("bind", key.bind(&secret.0)),
        ("knot", key.knot(&secret.0)),
        ("nsd", key.nsd(&secret.0)),
        ("client", key.client(&secret.0)),
    ];
    let mut map = Map::new();
    for (form, text) in forms {
        map.insert(form.into(), Dynamic::from(Opaque(text)));
    }
    map.insert("name".into(), key.name.clone().into());
    map.insert("algorithm".into(), key.algorithm.name().into());
    map.insert("secret".into(), Dynamic::from(secret));
    map
}

/// A TSIG key that an apply will make.
pub fn tsig_soon(key: &Tsig) -> Map {
    let mut map = Map::new();
    map.insert("name".into(), key.name.clone().into());
    map.insert("algorithm".into(), key.algorithm.name().into());
    soon(&mut map, "TSIG key", &key.name, ["secret", "bind", "knot", "nsd", "client"]);
    map
}

/// A zone with its serial.
pub fn zone(zone: &Zone, serial: u32) -> Map {
    let address = |(name, address): (&crate::pki::dns::DomainName, std::net::IpAddr)| {
        let mut map = Map::new();
        map.insert("name".into(), name.to_string().into());
        map.insert("address".into(), address.to_string().into());
        Dynamic::from(map)
    };
    let mut map = Map::new();
    map.insert("name".into(), zone.name.to_string().into());
    map.insert("serial".into(), i64::from(serial).into());
    map.insert("text".into(), zone.text(serial).into());
    map.insert("addresses".into(), zone.addresses().map(address).collect::<Array>().into());
    map
}

/// A zone whose serial is the moment of an apply.
pub fn zone_at_apply(zone: &Zone) -> Map {
    let mut map = self::zone(zone, 0);
    soon(&mut map, "zone", &zone.name.to_string(), ["serial", "text"]);
    map
}

/// A zone of which an apply will tell more.
pub fn zone_soon(name: &str) -> Map {
    let mut map = Map::new();
    map.insert("name".into(), name.into());
    soon(&mut map, "zone", name, ["serial", "text", "addresses"]);
    map
}
