//! Zones and reverse zones are loaded by BIND, Knot DNS and NSD.

use super::{accepts, file, home, refuses, system};
use rhapsode::pki::dns::{Prefix, ReverseWant};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Every server takes the file as this zone; BIND gives it back with all names in full.
fn loads(folder: &Path, zone: &str, text: &str) -> String {
    let path = file(folder, "zone", text);
    let said = accepts(Command::new("named-checkzone").args(["-i", "local", "-k", "fail", "-D", zone]).arg(&path));
    assert!(!said.contains("warning"), "{said}");
    accepts(Command::new("kzonecheck").args(["-o", zone]).arg(&path));
    accepts(system("nsd-checkzone").arg(zone).arg(&path));
    said
}

/// The records of a type in what BIND gives back: owner and data.
fn records(said: &str, kind: &str) -> Vec<(String, String)> {
    let words = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let of_kind = words.filter(|words| words.get(3) == Some(&kind));
    of_kind.map(|words| (words[0].to_owned(), words[4..].join(" "))).collect()
}

#[test]
fn a_zone_is_loaded_by_every_server_and_says_what_was_meant() {
    let folder = tempfile::tempdir().expect("a folder");
    let zone = home();
    let said = loads(folder.path(), "home.example", &zone.text(2_026_112_000));
    let named = |kind| records(&said, kind);
    assert!(said.contains("loaded serial 2026112000"), "{said}");
    let soa = ("home.example.", "ns1.home.example. ada\\.lovelace.home.example. 2026112000 86400 7200 3600000 3600");
    assert_eq!(named("SOA"), [(soa.0.to_owned(), soa.1.to_owned())]);
    let alias = |name: &str| (format!("{name}.home.example."), "web-1.home.example.".to_owned());
    assert_eq!(named("CNAME"), [alias("www"), alias("xn--bcher-kva")]);
    assert_eq!(named("A").len(), 8);
    assert_eq!(named("AAAA").len(), 3);
    let txt = named("TXT");
    assert_eq!(txt.len(), 3);
    assert!(txt.iter().any(|(_, data)| data == "\"v=spf1 mx -all\""), "{txt:?}");
    assert!(txt.iter().any(|(_, data)| data.len() > 380 && data.split("\" \"").count() == 2), "{txt:?}");
}

#[test]
fn reverse_zones_of_every_kind_of_network_are_loaded_and_hold_the_names_of_their_addresses() {
    let folder = tempfile::tempdir().expect("a folder");
    let named: Vec<Value> =
        home().addresses().map(|(name, address)| json!({"name": name.to_string(), "address": address})).collect();
    let want: ReverseWant =
        serde_json::from_value(json!({"ns": ["ns1.home.example"], "from": [{"addresses": named}]})).expect("options");
    for (network, zones, names) in [
        ("10.87.240.1/24", vec!["240.87.10.in-addr.arpa."], 4),
        ("10.88.0.1/16", vec!["88.10.in-addr.arpa."], 3),
        ("fd00:87:240::1/64", vec!["0.0.0.0.0.4.2.0.7.8.0.0.0.0.d.f.ip6.arpa."], 3),
        ("10.87.240.0/28", vec!["0/28.240.87.10.in-addr.arpa."], 4),
        ("10.88.254.0/23", vec!["254.88.10.in-addr.arpa.", "255.88.10.in-addr.arpa."], 1),
        ("10.87.240.3/32", vec!["3.240.87.10.in-addr.arpa."], 1),
    ] {
        let reverse = want.zones(network.parse::<Prefix>().expect("a network")).expect("zones");
        assert_eq!(reverse.iter().map(|made| made.zone.name.to_string()).collect::<Vec<_>>(), zones);
        let said: Vec<String> =
            reverse.iter().map(|made| loads(folder.path(), &made.zone.name.to_string(), &made.zone.text(1))).collect();
        let pointers: Vec<_> = said.iter().flat_map(|said| records(said, "PTR")).collect();
        assert_eq!(pointers.len(), names, "{network}: {pointers:?}");
    }
    let reverse = want.zones("10.87.240.0/24".parse().expect("a network")).expect("zones");
    let said = loads(folder.path(), "240.87.10.in-addr.arpa", &reverse[0].zone.text(1));
    let web = ("10.240.87.10.in-addr.arpa.".to_owned(), "web-1.home.example.".to_owned());
    assert!(records(&said, "PTR").contains(&web), "{said}");
}

#[test]
fn the_zone_around_a_classless_network_delegates_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let want: ReverseWant = serde_json::from_value(json!({
        "ns": ["ns.home.example"], "hosts": {"192.0.2.130": "web.home.example"},
    }))
    .expect("options");
    let made = want.zones("192.0.2.128/26".parse().expect("a network")).expect("zones").remove(0);
    let around =
        "$ORIGIN 2.0.192.in-addr.arpa.\n$TTL 60\n@ IN SOA ns.isp.example. x 1 2 3 4 5\n@ IN NS ns.isp.example.\n";
    let around = format!("{around}{}", made.delegation.expect("classless"));
    let said = loads(folder.path(), "2.0.192.in-addr.arpa", &around);
    assert_eq!(records(&said, "CNAME").len(), 64);
    let alias = ("130.2.0.192.in-addr.arpa.".to_owned(), "130.128/26.2.0.192.in-addr.arpa.".to_owned());
    assert!(records(&said, "CNAME").contains(&alias), "{said}");
    let said = loads(folder.path(), "128/26.2.0.192.in-addr.arpa", &made.zone.text(1));
    assert_eq!(records(&said, "PTR"), [(alias.1, "web.home.example.".to_owned())]);
}

#[test]
fn what_the_servers_refuse_is_refused_before() {
    // The programs say no: so the check of `loads` can fail.
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = home().text(1).replace("www IN CNAME", "web-1 IN CNAME");
    let path = file(folder.path(), "zone", &wrong);
    let said = refuses(Command::new("named-checkzone").args(["-i", "local", "home.example"]).arg(&path));
    assert!(said.contains("CNAME and other data"), "{said}");
    refuses(Command::new("kzonecheck").args(["-o", "home.example"]).arg(&path));
}
