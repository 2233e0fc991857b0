//! TSIG keys in configurations, and at a real server that gives its zones only to who has the key.

use super::keys::keys;
use super::{accepts, file, home, refuses, system};
use rhapsode::pki::dns::{ROLES, Tsig, TsigAlgorithm, Verdict};
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use zeroize::Zeroizing;

fn set(zone: &str) -> Vec<Tsig> {
    ROLES.iter().map(|role| Tsig::new(&format!("{role}-{zone}"), TsigAlgorithm::Sha256).expect("a name")).collect()
}

#[test]
fn four_secrets_of_32_octets_are_kept_and_taken_by_every_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ada, project, dns) = keys();
    let set = set("internal");
    assert!(matches!(dns.look_tsig(&set[0]), Ok(Verdict::Make(_))));
    assert!(!project.path("secrets/dns").exists(), "a look makes nothing");
    let secrets: Vec<Zeroizing<String>> = set.iter().map(|key| dns.ensure_tsig(key).expect("a secret")).collect();
    let names: Vec<&str> = set.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["transfer-internal", "update-internal", "acme-update-internal", "notify-internal"]);
    for (key, secret) in set.iter().zip(&secrets) {
        // 32 octets as base64.
        assert!(secret.len() == 44 && secret.ends_with('=') && !secret.ends_with("=="), "{}", key.name);
        assert_eq!(dns.look_tsig(key).expect("there"), Verdict::Keep(()));
        assert_eq!(*dns.ensure_tsig(key).expect("the same"), **secret);
        assert_eq!(ada.get(&project, &key.secret()), **secret);
        assert!(!project.read(&format!("secrets/dns/tsig/{}.sops.yaml", key.name)).contains(secret.as_str()));
    }
    let text = |form: fn(&Tsig, &str) -> String| -> String {
        set.iter().zip(&secrets).map(|(key, secret)| form(key, secret)).collect()
    };
    let check = |name: &str, text: &str| file(folder.path(), name, text);
    accepts(Command::new("named-checkconf").arg(check("named.conf", &text(Tsig::bind))));
    let knot = check("knot.conf", &text(Tsig::knot));
    accepts(system("knotc").arg("-c").arg(&knot).arg("conf-check"));
    accepts(system("nsd-checkconf").arg(check("nsd.conf", &text(Tsig::nsd))));
    let listed = accepts(system("nsd-checkconf").args(["-s", "notify-internal"]).arg(folder.path().join("nsd.conf")));
    assert!(listed.contains(secrets[3].as_str()), "the key that was asked for");

    let broken = |form: fn(&Tsig, &str) -> String| form(&set[0], "not base64!");
    refuses(Command::new("named-checkconf").arg(check("broken", &broken(Tsig::bind))));
    refuses(system("knotc").arg("-c").arg(check("broken", &broken(Tsig::knot))).arg("conf-check"));
}

#[test]
fn a_secret_that_is_too_short_for_its_algorithm_is_refused() {
    let (ada, project, dns) = keys();
    let short = Tsig::new("short", TsigAlgorithm::Sha256).expect("a name");
    ada.set(&project, &short.secret(), "c2hvcnQ=");
    let error = dns.ensure_tsig(&short).expect_err("five octets");
    assert!(error.to_string().contains("no base64 of 32 octets") && !error.to_string().contains("c2hvcnQ"), "{error}");
    let long = Tsig::new("long", TsigAlgorithm::Sha512).expect("a name");
    assert_eq!(dns.ensure_tsig(&long).expect("a secret").len(), 88);
}

/// Knot DNS with one zone, on a port of this machine.
struct Knot {
    server: Child,
    port: String,
}

impl Knot {
    fn start(folder: &Path, config: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let server = format!(
            "server:\n  listen: 127.0.0.1@{port}\n  rundir: {0}\ndatabase:\n  storage: {0}\nlog:\n  - target: stderr\n    any: info\n{config}",
            folder.display()
        );
        let config = file(folder, "knot.conf", &server);
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let server =
            system("knotd").arg("-c").arg(config).stdout(Stdio::null()).stderr(log).spawn().expect("knotd starts");
        let mut knot = Self { server, port: port.to_string() };
        for _ in 0..200 {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(_) => return knot,
                Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
            }
            let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(knot.server.try_wait().expect("a child").is_none(), "knotd ended: {}", log());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("knotd does not answer: {}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
    }

    /// The same, once the zone is loaded and signed.
    fn answer(&self, folder: &Path, words: &[&str]) -> String {
        for _ in 0..200 {
            let answer = self.dig(words);
            if !answer.is_empty() {
                return answer;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("knotd has no answer: {}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
    }

    fn dig(&self, words: &[&str]) -> String {
        accepts(Command::new("dig").args(["@127.0.0.1", "-p", &self.port, "+tcp", "+tries=1"]).args(words))
    }
}

impl Drop for Knot {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// What Knot DNS does with the zone; who may do what hangs on the key.
const ZONE: &str = "
acl:
  - id: transfer
    key: transfer-home.example
    action: transfer
  - id: update
    key: update-home.example
    action: update
policy:
  - id: ours
    algorithm: ecdsap256sha256
    ksk-lifetime: 0
zone:
  - domain: home.example
    acl: [transfer, update]
    dnssec-signing: on
    dnssec-policy: ours
    zonefile-load: difference-no-serial
    zonefile-sync: -1
    journal-content: all
";

#[test]
fn a_server_gives_its_signed_zone_to_who_has_the_key_and_to_nobody_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_ada, _project, dns) = keys();
    let set = set("home.example");
    let secrets: Vec<Zeroizing<String>> = set.iter().map(|key| dns.ensure_tsig(key).expect("a secret")).collect();
    let keys: String = set.iter().zip(&secrets).map(|(key, secret)| key.knot(secret)).collect();
    let ksk = dns.ensure_ksk("home.example", &Default::default()).expect("a key");
    let pem = file(folder.path(), "key.pem", &dns.ksk_key("home.example", "ksk").expect("the key").pem());
    let keymgr = |words: &[&str]| {
        accepts(system("keymgr").arg("-D").arg(folder.path().join("keys")).arg("home.example").args(words))
    };
    keymgr(&["import-pem", pem.to_str().expect("a path"), "algorithm=13", "ksk=yes"]);
    // Knot DNS would take a zone without a key for its records for one that changes its algorithm.
    keymgr(&["generate", "algorithm=13"]);
    file(folder.path(), "home.example.zone", &home().text(2_026_112_000));
    let zone_file = folder.path().join("home.example.zone");
    let knot = Knot::start(folder.path(), &format!("{keys}{ZONE}    file: {}\n", zone_file.display()));
    // The zone is signed before it is served: its only key signing key is ours.
    let answered = knot.answer(folder.path(), &["home.example", "DNSKEY", "+short", "+nosplit"]);
    let ours = ksk.dnskeys();
    let ours = ours.trim_end().rsplit_once("IN DNSKEY ").expect("a record").1;
    let theirs: Vec<&str> = answered.lines().filter(|line| line.starts_with("257 ")).collect();
    assert_eq!(theirs, [ours]);

    let axfr = |key: &[&str]| knot.dig(&[key, &["home.example", "AXFR"]].concat());
    let transferred = axfr(&["-y", &set[0].client(&secrets[0])]);
    assert!(transferred.contains("web-1.home.example.") && transferred.contains("RRSIG"), "{transferred}");
    for refused in [axfr(&[]), axfr(&["-y", &set[1].client(&secrets[1])]), axfr(&["-y", &set[0].client(&secrets[1])])] {
        assert!(!refused.contains("web-1.home.example.") && refused.contains("Transfer failed"), "{refused}");
    }

    let update = |key: &Tsig, secret: &str| {
        let file = file(folder.path(), "update.key", &key.bind(secret));
        let script = format!(
            "server 127.0.0.1 {}\nzone home.example\nupdate add new.home.example 60 A 10.87.240.99\nsend\n",
            knot.port
        );
        let script = super::file(folder.path(), "update", &script);
        let mut command = Command::new("nsupdate");
        command.arg("-v").arg("-k").arg(file).arg(script);
        command
    };
    let said = refuses(&mut update(&set[0], &secrets[0]));
    assert!(said.contains("REFUSED") || said.contains("NOTAUTH"), "{said}");
    accepts(&mut update(&set[1], &secrets[1]));
    assert_eq!(knot.dig(&["new.home.example", "A", "+short"]), "10.87.240.99\n");
}
