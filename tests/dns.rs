//! Zones, trust anchors and keys of DNS, held against the programs that they are for.

mod keys;
mod playbooks;
mod servers;
mod zones;

use crate::secrets::run;
use rhapsode::pki::dns::{Zone, ZoneWant};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a program says of a file that it must accept.
fn accepts(command: &mut Command) -> String {
    let output = run(command);
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What a program says of a file that it must refuse.
fn refuses(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success(), "{command:?} accepts it: {said}");
    said
}

/// A program that Debian keeps for root.
fn system(program: &str) -> Command {
    Command::new(format!("/usr/sbin/{program}"))
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path
}

/// A zone of a network at home, with a record of every kind that people write by hand.
fn home() -> Zone {
    let want: ZoneWant = serde_json::from_value(json!({
        "ns": ["ns1", "ns2"], "contact": "ada.lovelace@home.example", "ttl": 600, "hosts": hosts(),
    }))
    .expect("options");
    Zone::new("home.example", &want).expect("a zone")
}

fn hosts() -> Value {
    json!({
        "@": {"address": ["10.87.240.1", "fd00:87:240::1"], "mx": ["10 mail", "20 mx.other.example."],
              "txt": ["v=spf1 mx -all", "grüße", "a \"quoted\" ; text \\ ".repeat(20)], "caa": "0 issue \"ca.example\""},
        "ns1": ["10.87.240.2", "fd00:87:240::2"],
        "ns2": {"a": "10.88.0.2", "aaaa": "fd00:87:240::3", "ttl": 60},
        "mail": "10.87.240.3", "web-1": "10.87.240.10", "www": {"cname": "web-1"}, "bücher": {"cname": "web-1"},
        "*.apps": "10.88.7.1", "_sip._tcp": {"srv": "0 5 5060 web-1"},
        "ssh": {"address": "10.88.255.254", "sshfp": format!("4 2 {}", "ab".repeat(32))},
        "_25._tcp.mail": {"tlsa": format!("3 1 1 {}", "cd".repeat(32))},
        "sub": {"ns": ["ns.sub"], "ds": format!("12345 13 2 {}", "ef".repeat(32))}, "ns.sub": "10.88.9.1",
        "svc": {"https": "1 . alpn=h2"}, "old": {"dname": "new.example."},
    })
}
