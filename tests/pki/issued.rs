//! What is issued, and what openssl sees in it.

use super::{Bed, NOW, below, later, leaf, root, web};
use rhapsode::pki::{Authority, KeyType, Leaf, San, Use, Want, read_certificates};
use rstest::rstest;

/// What a line of `openssl x509` says, behind the name of the field.
fn field(bed: &Bed, name: &str, option: &str) -> String {
    let said =
        bed.openssl(&["x509", "-noout", option, "-nameopt", "RFC2253", "-in", &format!("pki/{name}/certificate.pem")]);
    said.trim_end().split_once('=').map_or(said.clone(), |(_, value)| value.to_owned())
}

fn hours(bed: &Bed, name: &str) -> i64 {
    let seen = bed.show(name).seen;
    (seen.not_after.as_second() - seen.not_before.as_second()) / 3600
}

/// Scenario 2 of infra-shared: its curves, usages, subjects, chain orders and lifetimes, with its defaults.
#[test]
fn a_root_two_authorities_a_sub_authority_and_a_host_are_as_the_former_system_had_them() {
    let bed = Bed::new();
    let authority = |ca: Option<&str>, subject: &str, days| Authority {
        ca: ca.map(str::to_owned),
        subject: subject.parse().expect("a subject"),
        days,
        ..Authority::default()
    };
    let all: Vec<(&str, Want)> = vec![
        ("root", Want::Root(authority(None, "CN=p-s-Root-CA,O=p-s,L=World,C=UN", None))),
        ("provision", Want::Intermediate(authority(Some("root"), "CN=p-s-Provision-CA,OU=provision", None))),
        ("alternate", Want::Intermediate(authority(Some("root"), "CN=p-s-Alternate-Provision-CA,OU=alt", None))),
        ("acme", Want::Intermediate(authority(Some("provision"), "CN=p-s-ACME-CA", Some(1000)))),
        (
            "host",
            Want::Leaf(Leaf {
                subject: "CN=host.p.internal,OU=host".parse().expect("a subject"),
                ..leaf("provision", &["host.p.internal", "10.87.240.1"])
            }),
        ),
        ("acme/web", Want::Leaf(leaf("acme", &["web.internal"]))),
    ];
    for (name, want) in &all {
        assert_eq!(bed.reasons(name, want, 0).len(), 1, "{name}");
        bed.ensure(name, want);
    }
    for name in ["root", "provision", "alternate", "acme"] {
        let text = bed.text(name);
        assert!(text.contains("ASN1 OID: secp384r1") && text.contains("CA:TRUE"), "{text}");
        assert!(text.contains("Digital Signature, Certificate Sign, CRL Sign"), "{text}");
    }
    let text = bed.text("host");
    assert!(text.contains("ASN1 OID: prime256v1") && text.contains("CA:FALSE"), "{text}");
    assert!(text.contains("TLS Web Server Authentication, TLS Web Client Authentication"), "{text}");
    assert!(text.contains("DNS:host.p.internal, IP Address:10.87.240.1"), "{text}");
    assert_eq!(field(&bed, "root", "-subject"), "CN=p-s-Root-CA,O=p-s,L=World,C=UN");
    assert_eq!(field(&bed, "host", "-subject"), "CN=host.p.internal,OU=host,O=p-s,C=UN");
    assert_eq!(field(&bed, "acme", "-issuer"), "CN=p-s-Provision-CA,OU=provision,O=p-s,C=UN");
    assert_eq!(hours(&bed, "root"), 70_080);
    assert_eq!((hours(&bed, "provision"), hours(&bed, "alternate")), (70_056, 70_056), "a day less than the root");
    assert_eq!(hours(&bed, "acme"), 24_000, "a sub-authority has the lifetime that was asked for");
    assert_eq!(hours(&bed, "host"), 19_776);
    let own = |name: &str| read_certificates(&bed.show(name).pem).expect("read").remove(0);
    let chain = |name: &str| read_certificates(&bed.read(&format!("pki/{name}/chain.pem"))).expect("read");
    assert_eq!(chain("root"), [own("root")]);
    assert_eq!(chain("provision"), [own("provision")]);
    assert_eq!(chain("host"), [own("host"), own("provision")]);
    assert_eq!(chain("acme/web"), [own("acme/web"), own("acme"), own("provision")]);
    let before: Vec<String> = all.iter().map(|(name, _)| bed.read(&format!("pki/{name}/record.json"))).collect();
    for (name, want) in &all {
        bed.verifies(name, &[]);
        assert!(bed.ensure(name, want).reasons.is_empty(), "{name}");
        bed.pki.verify(name, later(0)).unwrap_or_else(|error| panic!("{error}"));
    }
    let after: Vec<String> = all.iter().map(|(name, _)| bed.read(&format!("pki/{name}/record.json"))).collect();
    assert_eq!(before, after, "the second time nothing changes");
}

#[rstest]
#[case(KeyType::P256)]
#[case(KeyType::P384)]
#[case(KeyType::Ed25519)]
#[case(KeyType::Rsa2048)]
fn keys_of_every_kind_sign_and_are_read_by_openssl(#[case] kind: KeyType) {
    let bed = Bed::new();
    bed.ensure("ca", &Want::Root(Authority { key: Some(kind), ..Authority::default() }));
    let done = bed.ensure("ca/web", &Want::Leaf(Leaf { key: Some(kind), ..leaf("ca", &["web.internal"]) }));
    assert_eq!(done.certificate.seen.key, Some(kind));
    bed.verifies("ca/web", &["-purpose", "sslserver"]);
    bed.write("key.pem", bed.pki.key("ca/web").expect("kept").pem().as_bytes());
    let of_key = bed.openssl(&["pkey", "-in", "key.pem", "-pubout"]);
    assert_eq!(of_key, bed.openssl(&["x509", "-noout", "-pubkey", "-in", "pki/ca/web/certificate.pem"]));
    let encipherment = bed.text("ca/web").contains("Key Encipherment");
    assert_eq!(encipherment, kind == KeyType::Rsa2048, "RSA servers may be sent keys");
}

#[test]
fn purposes_hold() {
    let bed = Bed::with_web();
    let only = |usage| Want::Leaf(Leaf { usage: Some(usage), ..leaf("home/ca", &["a.internal"]) });
    bed.ensure("home/server", &only(Use::Server));
    bed.ensure("home/client", &only(Use::Client));
    for (name, server, client) in [("home/web", true, true), ("home/server", true, false), ("home/client", false, true)]
    {
        for (purpose, fits) in [("sslserver", server), ("sslclient", client)] {
            match fits {
                true => bed.verifies(name, &["-purpose", purpose]),
                false => assert!(bed.fails_to_verify(name, &["-purpose", purpose], 0).contains("purpose")),
            }
        }
    }
    bed.verifies("home/web", &["-verify_hostname", "web.internal"]);
    bed.verifies("home/web", &["-verify_ip", "10.0.0.1"]);
    assert!(bed.fails_to_verify("home/web", &["-verify_hostname", "other.internal"], 0).contains("hostname"));
}

#[test]
fn names_of_every_kind_stand_in_the_certificate() {
    let bed = Bed::with_web();
    let sans = ["dns:*.web.internal", "ip:fd00::1", "uri:spiffe://home/web", "email:ada@example.org"];
    let done = bed.ensure("home/all", &Want::Leaf(leaf("home/ca", &sans)));
    let text = bed.text("home/all");
    let shown = "DNS:*.web.internal, IP Address:FD00:0:0:0:0:0:0:1, URI:spiffe://home/web, email:ada@example.org";
    assert!(text.contains(shown), "{text}");
    assert_eq!(done.certificate.seen.sans, sans);
    bed.verifies("home/all", &["-verify_hostname", "a.web.internal"]);
    bed.verifies("home/all", &["-verify_email", "ada@example.org"]);
}

#[test]
fn where_lists_and_issuers_are_published_stands_in_what_is_issued() {
    let bed = Bed::new();
    let want = |crl: &str| {
        Want::Root(Authority {
            crl_urls: vec![crl.into()],
            issuer_urls: vec!["http://ca.internal/home.cer".into()],
            ..Authority::default()
        })
    };
    bed.ensure("home", &want("http://ca.internal/home.crl"));
    bed.ensure("home/web", &Want::Leaf(leaf("home", &["web.internal"])));
    let text = bed.text("home/web");
    assert!(text.contains("URI:http://ca.internal/home.crl"), "{text}");
    assert!(text.contains("CA Issuers - URI:http://ca.internal/home.cer"), "{text}");
    let reasons = bed.ensure("home", &want("http://crl.internal/home.crl")).reasons;
    assert!(reasons.is_empty(), "its own certificate has no such address: {reasons:?}");
    let reasons = bed.ensure("home/web", &Want::Leaf(leaf("home", &["web.internal"]))).reasons;
    assert_eq!(
        reasons,
        ["CRL address http://crl.internal/home.crl added", "CRL address http://ca.internal/home.crl removed",]
    );
}

#[test]
fn a_self_signed_certificate_needs_no_authority() {
    let bed = Bed::new();
    let want = Want::SelfSigned(Leaf { ca: None, ..leaf("x", &["box.local"]) });
    bed.ensure("box", &want);
    assert!(bed.text("box").contains("CA:FALSE"));
    assert_eq!(bed.show("box").bundle_pem, bed.show("box").pem);
    bed.openssl(&[
        "verify",
        "-attime",
        &NOW.to_string(),
        "-CAfile",
        "pki/box/certificate.pem",
        "pki/box/certificate.pem",
    ]);
    assert!(bed.ensure("box", &want).reasons.is_empty());
    bed.pki.verify("box", later(0)).expect("good");
}

#[test]
fn every_wanted_change_issues_anew_and_tells_why() {
    let bed = Bed::with_web();
    let Want::Leaf(before) = web() else { unreachable!("it is one") };
    let san = |text: &str| text.parse::<San>().expect("a name");
    let changed = |change: &dyn Fn(&mut Leaf)| {
        let mut leaf = before.clone();
        change(&mut leaf);
        Want::Leaf(leaf)
    };
    let first = bed.show("home/web");
    for (want, reasons) in [
        (changed(&|leaf| leaf.sans.push(san("dns:new.internal"))), vec!["SAN dns:new.internal added"]),
        (changed(&|leaf| drop(leaf.sans.pop())), vec!["SAN ip:10.0.0.1 removed"]),
        (changed(&|leaf| leaf.sans.reverse()), vec![]),
        (changed(&|leaf| leaf.usage = Some(Use::Server)), vec!["use server, was server+client"]),
        (changed(&|leaf| leaf.key = Some(KeyType::P384)), vec!["key p384, was p256"]),
        (changed(&|leaf| leaf.days = Some(90)), vec!["lifetime 90d, was 824d"]),
        (changed(&|leaf| leaf.hours = Some(824 * 24)), vec![]),
        (changed(&|leaf| leaf.renew_before = Some("10d".parse().expect("a time"))), vec![]),
        (
            changed(&|leaf| leaf.subject = "CN=web,OU=host".parse().expect("a subject")),
            vec!["subject CN=web,OU=host,O=Home,C=UN, was CN=web.internal,O=Home,C=UN"],
        ),
        (changed(&|leaf| leaf.ca = Some("home".into())), vec!["issued by `home`, was by `home/ca`"]),
    ] {
        assert_eq!(bed.reasons("home/web", &want, 0), reasons);
    }
    assert_eq!(bed.show("home/web"), first, "a look changes nothing");
    let key = bed.pki.key("home/web").expect("kept").pem().to_string();
    let want = changed(&|leaf| leaf.sans.push(san("dns:new.internal")));
    assert_eq!(bed.ensure("home/web", &want).reasons.len(), 1);
    assert!(bed.ensure("home/web", &want).reasons.is_empty());
    assert_ne!(bed.pki.key("home/web").expect("kept").pem().to_string(), key, "another certificate has another key");
    let keeping = changed(&|leaf| leaf.reuse_key = true);
    let key = bed.pki.key("home/web").expect("kept").pem().to_string();
    assert_eq!(bed.ensure("home/web", &keeping).reasons, ["SAN dns:new.internal removed"]);
    assert_eq!(bed.pki.key("home/web").expect("kept").pem().to_string(), key, "who asks for it keeps it");
    bed.verifies("home/web", &[]);
}

#[test]
fn a_certificate_is_renewed_in_its_window_and_not_before() {
    let bed = Bed::new();
    bed.ensure("home", &root());
    let want = Want::Leaf(Leaf { days: Some(90), ..leaf("home", &["web.internal"]) });
    bed.ensure("home/web", &want);
    assert!(bed.reasons("home/web", &want, 59).is_empty());
    assert_eq!(bed.reasons("home/web", &want, 61), ["expires on 2027-02-18, renewed 30 days before"]);
    assert_eq!(bed.reasons("home/web", &want, 95), ["expired on 2027-02-18"]);
    let renewed = bed.pki.ensure("home/web", &want, later(61)).expect("issued");
    assert_eq!(renewed.certificate.seen.not_after.as_second(), later(61).as_second() - 3600 + 90 * 86_400);
    assert!(bed.reasons("home/web", &want, 62).is_empty());
    let short = Want::Leaf(Leaf { hours: Some(24), ..leaf("home", &["short.internal"]) });
    bed.ensure("home/short", &short);
    assert!(bed.reasons("home/short", &short, 0).is_empty(), "a third of its life, not a month");
}

#[test]
fn nothing_outlives_its_issuer_and_what_cannot_last_longer_is_left_alone() {
    let bed = Bed::new();
    let want = |days| {
        Want::Root(Authority {
            days: Some(days),
            renew_before: Some("10d".parse().expect("a time")),
            ..Authority::default()
        })
    };
    bed.ensure("home", &want(100));
    bed.ensure(
        "home/ca",
        &Want::Intermediate(Authority { ca: Some("home".into()), days: Some(900), ..Authority::default() }),
    );
    let web = Want::Leaf(leaf("home/ca", &["web.internal"]));
    bed.ensure("home/web", &web);
    let ends = |name: &str| bed.show(name).seen.not_after;
    assert_eq!((ends("home/ca"), ends("home/web")), (ends("home"), ends("home")));
    assert!(bed.reasons("home/web", &web, 85).is_empty(), "its issuer ends as soon");
    let refused = bed.pki.ensure("home/new", &web, later(101)).expect_err("its issuer expired");
    assert!(refused.to_string().contains("it expired on 2027-02-28"), "{refused}");
    assert_eq!(bed.reasons("home", &want(100), 95), ["expires on 2027-02-28, renewed 10 days before"]);
    let key = bed.pki.key("home").expect("kept").pem().to_string();
    bed.pki.ensure("home", &want(100), later(95)).expect("renewed");
    assert_eq!(bed.pki.key("home").expect("kept").pem().to_string(), key, "an authority keeps its key");
    let ca = bed.pki.want("home/ca").expect("kept");
    assert!(bed.reasons("home/ca", &ca, 95)[0].starts_with("expires on 2027-02-28"));
    bed.pki.ensure("home/ca", &ca, later(95)).expect("renewed");
    assert!(bed.reasons("home/web", &web, 95)[0].starts_with("expires on 2027-02-28"));
}

#[test]
fn a_renewed_issuer_changes_the_chain_but_not_the_certificate() {
    let bed = Bed::with_web();
    let before = bed.show("home/web");
    bed.pki.renew("home/ca", later(0)).expect("renewed");
    assert_eq!(bed.reasons("home/web", &web(), 0), ["the certificates of its issuers changed"]);
    let after = bed.ensure("home/web", &web()).certificate;
    assert_eq!((&after.pem, after.chain_pem == before.chain_pem), (&before.pem, false));
    assert!(bed.ensure("home/web", &web()).reasons.is_empty());
    bed.verifies("home/web", &[]);
    bed.pki.rotate("home/ca", None, later(0)).expect("another key");
    assert_eq!(bed.reasons("home/web", &web(), 0), ["issuer `home/ca` has another key"]);
    bed.ensure("home/web", &web());
    bed.verifies("home/web", &[]);
}

#[test]
fn serials_are_long_positive_and_in_the_books() {
    let bed = Bed::with_web();
    for at in 0..20 {
        bed.ensure(&format!("home/n{at}"), &Want::Leaf(leaf("home/ca", &["n.internal"])));
    }
    let books = bed.pki.issued("home/ca").expect("there");
    assert_eq!(books.len(), 21);
    assert!(books.windows(2).all(|pair| pair[0].serial < pair[1].serial));
    for issued in &books {
        assert_eq!(issued.serial.len(), 32);
        assert!(issued.serial.starts_with(['4', '5', '6', '7']), "{}", issued.serial);
        assert_eq!(bed.show(&issued.name).seen.serial, issued.serial);
    }
    let shown = field(&bed, "home/web", "-serial").to_lowercase();
    assert_eq!(shown, bed.show("home/web").seen.serial);
}

#[test]
fn keys_stand_nowhere_but_encrypted_among_the_secrets() {
    let bed = Bed::with_web();
    let keys: Vec<_> = ["home", "home/ca", "home/web"].iter().map(|name| bed.pki.key(name).expect("kept")).collect();
    let mut looked = 0;
    for file in walk(bed.root()) {
        let bytes = std::fs::read(&file).expect("read");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("PRIVATE KEY"), "{}", file.display());
        for key in &keys {
            let pem = key.pem();
            let line = pem.lines().nth(1).expect("a line of base64");
            assert!(!text.contains(line), "{}", file.display());
        }
        looked += 1;
    }
    assert!(looked >= 12, "{looked}");
    assert!(bed.read("secrets/pki/home/web.sops.yaml").starts_with("key: ENC["));
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries.flat_map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { vec![entry.path()] }).collect()
}

#[test]
fn a_look_opens_no_secret_and_an_authority_that_is_to_come_is_waited_for() {
    let bed = Bed::new();
    assert_eq!(bed.reasons("home/web", &web(), 0), ["its authority `home/ca` is not made yet"]);
    assert!(!bed.path("pki").exists(), "a look makes nothing");
    assert!(bed.refused("home/web", &web()).to_string().contains("no certificate `home/ca`"));
    bed.ensure("home", &root());
    bed.ensure("home/ca", &below("home"));
    bed.ensure("home/web", &web());
    let stranger = age::x25519::Identity::generate();
    let identity = age::secrecy::ExposeSecret::expose_secret(&stranger.to_string()).to_owned();
    let locked = super::opened(bed.root(), &identity);
    assert!(matches!(locked.look("home/web", &web(), later(0)), Ok(rhapsode::pki::Verdict::Keep(_))));
    assert!(locked.renew("home/web", later(0)).is_err());
    assert!(bed.ensure("home/web", &web()).reasons.is_empty(), "who could not open it changed nothing");
}
