//! Keys and trust anchors in the programs that sign and verify.

use super::{accepts, file, home, refuses, system};
use crate::secrets::Person;
use crate::support::project::Project;
use rhapsode::pki::dns::{Dns, DomainName, Ksk, KskWant};
use rhapsode::secret::Store;
use rhapsode::secret::sops::Identities;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The keys of a project of somebody.
pub fn keys() -> (Person, Project, Dns) {
    let ada = Person::new();
    let project = ada.project();
    let key = std::fs::read_to_string(ada.path("age.txt")).expect("made");
    ada.cli(&project, ["secret", "rekey", "-q", "--add", &ada.age()]).any_stdout().success();
    let identities = Identities::of_text(&key).expect("a key");
    let dns = Dns::with(Store::opened_by(project.root(), identities));
    (ada, project, dns)
}

fn ksk(dns: &Dns, name: &str, want: Value) -> Ksk {
    let want: KskWant = serde_json::from_value(want).expect("options");
    dns.ensure_ksk(name, &want).expect("keys")
}

/// The key files of BIND in a folder; their name without the ending.
fn bind_files(dns: &Dns, ksk: &Ksk, folder: &Path) -> String {
    let pair = ksk.bind_files(dns).expect("the key").remove(0);
    file(folder, &format!("{}.key", pair.file), &pair.public);
    file(folder, &format!("{}.private", pair.file), &pair.private);
    pair.file
}

#[test]
fn ds_records_and_key_tags_are_those_of_bind() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_ada, _project, dns) = keys();
    for (name, algorithm) in [("home.example", "ecdsap256sha256"), ("lab.example", "ed25519")] {
        let ksk = ksk(&dns, name, json!({"algorithm": algorithm}));
        let name = bind_files(&dns, &ksk, folder.path());
        assert!(name.ends_with(&format!("{:05}", ksk.keys[0].key_tag())), "{name}");
        let theirs: BTreeSet<String> = ["SHA-256", "SHA-384"]
            .map(|digest| {
                let mut command = Command::new("dnssec-dsfromkey");
                accepts(command.args(["-a", digest, &name]).current_dir(folder.path())).trim_end().to_owned()
            })
            .into();
        assert_eq!(ksk.ds().lines().map(str::to_owned).collect::<BTreeSet<_>>(), theirs);
    }
}

#[test]
fn a_zone_signed_by_our_key_is_verified_and_a_changed_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_ada, _project, dns) = keys();
    for algorithm in ["ecdsap256sha256", "ed25519"] {
        let ksk = ksk(&dns, algorithm, json!({"zones": ["home.example"], "algorithm": algorithm}));
        let key = bind_files(&dns, &ksk, folder.path());
        let zone = format!("{}{}", home().text(1), ksk.dnskeys());
        let path = file(folder.path(), "zone", &zone);
        let mut sign = Command::new("dnssec-signzone");
        accepts(
            sign.args(["-z", "-o", "home.example", "-f", "signed"]).arg(&path).arg(&key).current_dir(folder.path()),
        );
        let verify = || {
            let mut command = Command::new("dnssec-verify");
            command.args(["-z", "-o", "home.example", "signed"]).current_dir(folder.path());
            command
        };
        accepts(&mut verify());
        let signed = std::fs::read_to_string(folder.path().join("signed")).expect("signed");
        file(folder.path(), "signed", &signed.replacen("10.87.240.10", "10.87.240.11", 1));
        let said = refuses(&mut verify());
        assert!(said.contains("No correct") || said.contains("failed"), "{said}");
    }
}

#[test]
fn knot_takes_the_key_and_publishes_the_same_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_ada, _project, dns) = keys();
    for (name, algorithm, number) in [("home.example", "ecdsap256sha256", "13"), ("lab.example", "ed25519", "15")] {
        let ksk = ksk(&dns, name, json!({"algorithm": algorithm}));
        let pem = dns.ksk_key(name, "ksk").expect("the key").pem();
        let pem = file(folder.path(), "key.pem", &pem);
        let keymgr = |words: &[&str]| {
            let mut command = system("keymgr");
            accepts(command.arg("-D").arg(folder.path().join("keys")).arg(name).args(words))
        };
        keymgr(&["import-pem", pem.to_str().expect("a path"), &format!("algorithm={number}"), "ksk=yes"]);
        let tag = ksk.keys[0].key_tag().to_string();
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
        let theirs = keymgr(&["ds", &tag]);
        let ours = ksk.ds().replace(" IN DS ", " DS ");
        for line in ours.lines() {
            assert!(theirs.lines().any(|their| squeezed(their) == squeezed(line)), "{line}\n{theirs}");
        }
        let theirs = squeezed(&keymgr(&["dnskey", &tag]));
        let ours = squeezed(&ksk.dnskeys().replace(" 3600 IN DNSKEY ", " DNSKEY "));
        assert_eq!(ours, theirs);
    }
}

#[test]
fn resolvers_take_the_anchors_of_three_zones_with_one_key_and_those_of_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_ada, project, dns) = keys();
    let root = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
    let want = json!({"zones": ["internal", "podman", "nspawn"], "extra_anchors": root});
    let keys = ksk(&dns, "internal", want.clone());
    let anchors = keys.anchors().records();
    let data = anchors.lines().next().and_then(|line| line.strip_prefix("internal. ")).expect("the first zone");
    let expected = format!("internal. {data}\npodman. {data}\nnspawn. {data}\n{root}\n");
    assert_eq!(anchors, expected);
    let path = file(folder.path(), "anchors.key", &anchors);
    let unbound = |path: &Path| {
        let server = format!(
            "server:\n chroot: \"\"\n username: \"\"\n directory: \"/\"\n trust-anchor-file: \"{}\"\n",
            path.display()
        );
        file(folder.path(), "unbound.conf", &server)
    };
    accepts(system("unbound-checkconf").arg(unbound(&path)));
    let broken = file(folder.path(), "broken.key", &anchors.replacen(" 257 3 ", " 257 x ", 1));
    refuses(system("unbound-checkconf").arg("-f").arg(unbound(&broken)));
    refuses(Command::new("named-checkconf").arg(file(
        folder.path(),
        "broken.conf",
        "trust-anchors { internal. static-key 257; };",
    )));
    accepts(Command::new("named-checkconf").arg(file(folder.path(), "anchors.conf", &keys.anchors().bind())));

    // The second time it is the same key, and no secret is needed to know it.
    assert_eq!(
        Dns::of_project(project.root())
            .ensure_ksk("internal", &serde_json::from_value(want).expect("options"))
            .expect("known"),
        keys
    );
    let mode = |path: &str| std::fs::metadata(project.path(path)).expect(path).permissions().mode() & 0o777;
    assert_eq!(mode("dns/ksk/internal.json"), 0o644);
    let secret = project.read("secrets/dns/ksk/internal.sops.yaml");
    assert!(secret.starts_with("ksk: ENC[") && !secret.contains("PRIVATE"), "{secret}");
}

#[test]
fn a_roll_over_publishes_the_new_key_beside_the_old_one_and_revokes_that() {
    let (_ada, project, dns) = keys();
    let first = ksk(&dns, "home.example", json!({}));
    let both = ksk(&dns, "home.example", json!({"keys": ["ksk", "next"]}));
    assert_eq!(both.keys[0], first.keys[0]);
    assert_eq!(
        (both.dnskeys().lines().count(), both.anchors().records().lines().count(), both.ds().lines().count()),
        (2, 2, 4)
    );
    let revoked = ksk(&dns, "home.example", json!({"keys": ["next"], "revoked": ["ksk"]}));
    assert!(revoked.dnskeys().contains(" IN DNSKEY 385 3 13 "), "{}", revoked.dnskeys());
    assert_eq!(revoked.keys[1].key_tag(), (first.keys[0].key_tag() & 0xff7f | 0x80).max(revoked.keys[1].key_tag()));
    assert_eq!(revoked.anchors(), ksk(&dns, "home.example", json!({"keys": ["next"]})).anchors());
    assert_eq!(revoked.ds().lines().count(), 2);

    // BIND sees the revocation in the same record.
    let folder = tempfile::tempdir().expect("a folder");
    let zone = DomainName::absolute("home.example").expect("a name");
    let old = &revoked.keys[1];
    let name = old.public.bind_file(&zone, true);
    file(folder.path(), &format!("{name}.key"), &old.bind_public(&zone));
    assert!(accepts(Command::new("dnssec-dsfromkey").args(["-A", &name]).current_dir(folder.path())).is_empty());

    let error = dns.ensure_ksk("home.example", &serde_json::from_value(json!({"revoked": ["none"]})).expect("options"));
    assert!(error.expect_err("never made").to_string().contains("there is no key `none`"));
    project.write(
        "dns/ksk/home.example.json",
        project.read("dns/ksk/home.example.json").replacen("\"public_key\": \"", "\"public_key\": \"!", 1),
    );
    assert!(
        dns.look_ksk("home.example", &KskWant::default()).expect_err("damaged").to_string().contains("no public key")
    );
}

#[test]
fn a_private_key_that_was_kept_before_a_crash_is_the_one_that_is_published() {
    let (_ada, project, dns) = keys();
    let first = ksk(&dns, "home.example", json!({}));
    std::fs::remove_file(project.path("dns/ksk/home.example.json")).expect("there");
    assert_eq!(ksk(&dns, "home.example", json!({})), first);
    let other = ksk(&dns, "other.example", json!({}));
    let record = project.read("dns/ksk/other.example.json");
    project.write("dns/ksk/home.example.json", &record);
    let error = dns.ksk_key("home.example", "ksk").err().expect("another key");
    assert!(error.to_string().contains("is not the key of `dns/ksk/home.example.json`"), "{error}");
    assert_ne!(other.keys, first.keys);
}
