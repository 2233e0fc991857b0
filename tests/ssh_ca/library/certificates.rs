//! Certificates: what they say, when they are issued anew, and what is revoked.

use super::{Bed, now, shown, want};
use crate::secrets::{Person, run};
use jiff::SignedDuration;
use rhapsode::pki::ssh::{CertificateWant, Issued, KeyType, KeyWant, Kind, Look, Revoke, read_public};
use std::path::Path;
use std::process::Command;

#[test]
fn a_look_changes_nothing() {
    let bed = Bed::new();
    assert!(matches!(bed.ssh.look_key("a", &KeyWant::default()), Ok(Look::Make(_))));
    assert!(matches!(bed.ssh.look_authority("a", &KeyWant::default()), Ok(Look::Make(_))));
    assert!(!bed.folder.path().join("pki").exists() && !bed.folder.path().join("secrets").exists());
    let ca = bed.authority("ca");
    let want = bed.user(&["ada"]);
    let before = bed.read("ca/authority.json");
    assert!(matches!(bed.ssh.look_certificate("ca", "ada", &want, now()), Ok(Look::Make(_))));
    assert_eq!(bed.read("ca/authority.json"), before);
    ca.issue("ada", &want, now());
    assert!(matches!(bed.ssh.look_certificate("ca", "ada", &want, now()), Ok(Look::Keep(_))));
    assert!(matches!(bed.ssh.look_revoked("ca", &Revoke::Serial(1)), Ok(Look::Make(_))));
    assert!(!bed.read("ca/authority.json").contains("\"at\""));
}

#[test]
fn certificates_say_what_was_wanted_by_authorities_of_every_type() {
    let bed = Bed::new();
    for kind in [KeyType::Ed25519, KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Rsa] {
        let name = format!("ca-{kind}");
        if kind == KeyType::Rsa {
            bed.keep_rsa(&name);
        }
        bed.ssh.ensure_authority(&name, &want(kind, None)).expect("an authority");
        let mut wanted = bed.user(&["ada", "deploy"]);
        wanted.key_id = Some("Ada Lovelace".into());
        wanted.options.insert("force-command".into(), "uptime".into());
        wanted.options.insert("source-address".into(), "192.0.2.0/24,2001:db8::/32".into());
        let (issued, reasons) = bed.ssh.ensure_certificate(&name, "ada@laptop", &wanted, now()).expect("issued");
        assert_eq!((issued.serial, reasons.len()), (1, 1));
        let shown = shown(&issued.path);
        for part in [
            "ssh-ed25519-cert-v01@openssh.com user certificate",
            "Key ID: \"Ada Lovelace\"",
            "Serial: 1\n",
            "                ada\n                deploy\n",
            "force-command uptime",
            "source-address 192.0.2.0/24,2001:db8::/32",
            "permit-pty",
        ] {
            assert!(shown.contains(part), "{kind}: {part}: {shown}");
        }
        assert!(shown.contains(&bed.ssh.key(&name).expect("there").fingerprint().to_string()), "{shown}");
        assert_eq!(bed.ssh.ensure_certificate(&name, "ada@laptop", &wanted, now()).expect("kept").1.len(), 0);
    }
}

#[test]
fn every_other_wish_issues_anew_and_is_told() {
    let bed = Bed::new();
    let ca = bed.authority("ca");
    let start = now();
    let mut want = bed.user(&["ada"]);
    ca.issue("ada", &want, start);
    let mut told = Vec::new();
    let mut change = |want: &CertificateWant| {
        let (issued, reasons) = ca.issue("ada", want, start);
        told.push(reasons.join("; "));
        assert_eq!(issued.serial as usize, told.len() + 1);
        assert!(ca.issue("ada", want, start).1.is_empty());
    };
    want.principals.push("deploy".into());
    change(&want);
    want.principals.remove(0);
    change(&want);
    want.key_id = Some("x".into());
    change(&want);
    want.extensions.remove("permit-pty");
    change(&want);
    want.options.insert("force-command".into(), "true".into());
    change(&want);
    want.options.insert("force-command".into(), "false".into());
    change(&want);
    want.valid_secs = 86_400;
    want.renew_secs = 3_600;
    change(&want);
    want.key = bed.ssh.ensure_key("other", &KeyWant::default()).expect("a key").0.public;
    let keys = ["ada", "other"].map(|name| bed.ssh.key(name).expect("there").fingerprint());
    change(&want);
    assert_eq!(
        told,
        [
            "principal `deploy` added",
            "principal `ada` removed",
            "key id `ada` => `x`",
            "extension `permit-pty` removed",
            "option `force-command` added",
            "option `force-command`: `true` => `false`",
            "valid for 90 days => 24 hours",
            &format!("key {} => {}", keys[0], keys[1]),
        ]
    );
    let record: serde_json::Value = serde_json::from_str(&bed.read("ca/authority.json")).expect("JSON");
    assert_eq!((&record["last_serial"], record["issued"].as_array().expect("a list").len()), (&9.into(), 9));
    assert_eq!(record["issued"][1]["principals"], serde_json::json!(["ada", "deploy"]));
}

#[test]
fn a_certificate_is_renewed_before_it_ends_and_after() {
    let bed = Bed::new();
    let ca = bed.authority("ca");
    let start = now();
    let mut want = bed.user(&["ada"]);
    (want.valid_secs, want.renew_secs) = (10 * 86_400, 3 * 86_400);
    ca.issue("ada", &want, start);
    let days = |days: i64| start + SignedDuration::from_hours(24 * days);
    assert!(ca.issue("ada", &want, days(6)).1.is_empty());
    let soon = ca.issue("ada", &want, days(8)).1;
    assert!(soon.len() == 1 && soon[0].ends_with(" UTC, renewed 3 days before"), "{soon:?}");
    let late = ca.issue("ada", &want, days(30)).1;
    assert!(late.len() == 1 && late[0].starts_with("expired on "), "{late:?}");
    let early = ca.issue("ada", &want, days(1)).1;
    assert!(early.len() == 1 && early[0].starts_with("it is valid only from "), "{early:?}");
}

#[test]
fn what_was_tampered_with_is_issued_anew() {
    let bed = Bed::new();
    let ca = bed.authority("ca");
    let want = bed.user(&["ada"]);
    let start = now();
    let (issued, _) = ca.issue("ada", &want, start);
    let text = std::fs::read_to_string(&issued.path).expect("there");
    let (kind, rest) = text.split_once(' ').expect("a type");
    let (blob, _) = rest.split_once(' ').expect("a blob");
    for at in 0..blob.len() {
        let other = if blob.as_bytes()[at] == b'A' { 'B' } else { 'A' };
        let mut flipped = blob.to_owned();
        flipped.replace_range(at..=at, &other.to_string());
        std::fs::write(&issued.path, format!("{kind} {flipped} ada\n")).expect("written");
        let look = bed.ssh.look_certificate("ca", "ada", &want, start);
        assert!(matches!(look, Ok(Look::Make(_))), "digit {at}: {look:?}");
    }
    std::fs::write(&issued.path, text).expect("written");
    assert!(ca.issue("ada", &want, start).1.is_empty());
    std::fs::write(bed.path("ca/authority.json"), "{").expect("written");
    assert!(bed.ssh.look_certificate("ca", "ada", &want, start).is_err());
}

#[test]
fn an_authority_with_another_key_issues_all_anew() {
    let bed = Bed::new();
    let ca = bed.authority("ca");
    let want = bed.user(&["ada"]);
    ca.issue("ada", &want, now());
    std::fs::remove_file(bed.path("ca.pub")).expect("removed");
    bed.store.rm("pki/ssh/ca/key").expect("removed");
    bed.authority("ca");
    assert_eq!(ca.issue("ada", &want, now()).1, ["the authority `ca` has another key"]);
}

#[test]
fn what_is_revoked_is_in_the_list_that_ssh_keygen_reads() {
    let bed = Bed::new();
    let ca = bed.authority("ca");
    let want = bed.user(&["ada"]);
    let start = now();
    let list = bed.ssh.revocation_list("ca");
    let is_revoked = |certificate: &Path| {
        let output =
            Command::new("ssh-keygen").args(["-Q", "-f"]).arg(&list).arg(certificate).output().expect("starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.success(), said.trim_end().ends_with(": ok"), "{output:?}");
        said.contains("REVOKED")
    };
    let copy = |issued: &Issued, name: &str| {
        let path = bed.folder.path().join(name);
        std::fs::copy(&issued.path, &path).expect("copied");
        path
    };
    let first = copy(&ca.issue("ada", &want, start).0, "first-cert.pub");
    assert!(!is_revoked(&first));
    let reasons = bed.ssh.ensure_revoked("ca", &Revoke::Serial(1), Some("lost"), start).expect("revoked");
    assert_eq!(reasons, ["revoke the serial 1"]);
    let bytes = std::fs::read(&list).expect("there");
    assert!(bed.ssh.ensure_revoked("ca", &Revoke::Serial(1), None, start).expect("kept").is_empty());
    assert_eq!(std::fs::read(&list).expect("there"), bytes);
    let (second, reasons) = ca.issue("ada", &want, start);
    assert_eq!((second.serial, reasons.as_slice()), (2, ["its serial 1 is revoked".to_owned()].as_slice()));
    let second = copy(&second, "second-cert.pub");
    assert!(is_revoked(&first) && !is_revoked(&second));

    let reasons = bed.ssh.ensure_revoked("ca", &Revoke::Name("ada".into()), None, start).expect("revoked");
    assert_eq!(reasons, ["revoke `ada`, serials 1, 2"]);
    assert!(is_revoked(&second));
    let refused = bed.ssh.look_certificate("ca", "ada", &want, start).expect_err("never again");
    assert!(refused.to_string().contains("`ada` is revoked"), "{refused}");

    let third = copy(&ca.issue("third", &want, start).0, "third-cert.pub");
    assert!(!is_revoked(&third));
    bed.ssh.ensure_revoked("ca", &Revoke::Key(Box::new(want.key.clone())), None, start).expect("revoked");
    assert!(is_revoked(&third) && is_revoked(&bed.path("ada.pub")));
    assert!(bed.ssh.look_certificate("ca", "fourth", &want, start).is_err());
    let said = run(Command::new("ssh-keygen").args(["-Q", "-l", "-f"]).arg(&list)).stdout;
    let said = String::from_utf8(said).expect("text");
    assert!(said.contains("# KRL version 3") && said.contains("serial: 1-2"), "{said}");

    for unknown in [Revoke::Serial(99), Revoke::Name("nobody".into())] {
        assert!(bed.ssh.ensure_revoked("ca", &unknown, None, start).is_err());
    }
    std::fs::write(&list, b"").expect("written");
    assert_eq!(bed.ssh.ensure_authority("ca", &KeyWant::default()).expect("healed").1.len(), 1);
    assert!(is_revoked(&first));
}

#[test]
fn many_at_once_get_the_same_certificate_and_no_serial_twice() {
    let bed = Bed::new();
    let ca = bed.authority("ca");
    let want = bed.user(&["ada"]);
    let start = now();
    let serials = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let (ca, want) = (&ca, &want);
                scope.spawn(move || {
                    (ca.issue("shared", want, start).0.serial, ca.issue(&format!("own-{n}"), want, start).0.serial)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert!(serials.windows(2).all(|pair| pair[0].0 == pair[1].0), "{serials:?}");
    let mut own: Vec<u64> = serials.iter().map(|(_, own)| *own).collect();
    own.sort_unstable();
    own.dedup();
    assert_eq!(own.len(), 8);
}

#[test]
fn what_sshd_would_refuse_is_refused_before() {
    let bed = Bed::new();
    bed.authority("ca");
    let plain = bed.user(&["ada"]);
    let refused = |edit: &dyn Fn(&mut CertificateWant)| {
        let mut want = plain.clone();
        edit(&mut want);
        want.check().expect_err("refused").to_string()
    };
    type Change<'a> = &'a dyn Fn(&mut CertificateWant);
    let cases: [(Change<'_>, &str); 10] = [
        (&|want| want.principals.clear(), "needs `principals`"),
        (&|want| want.principals.push("a,b".into()), "no name of a user"),
        (&|want| want.key_id = Some("a\nb".into()), "`key_id`"),
        (&|want| want.valid_secs = 0, "`days`"),
        (&|want| want.renew_secs = want.valid_secs, "`renew_days`"),
        (&|want| drop(want.options.insert("force-comand".into(), "x".into())), "none that OpenSSH knows"),
        (&|want| drop(want.options.insert("source-address".into(), "10.0.0.0/33".into())), "addresses and networks"),
        (&|want| drop(want.options.insert("force-command".into(), " ".into())), "is a command"),
        (&|want| drop(want.extensions.insert("permit-tty".into(), String::new())), "no extension"),
        (&|want| want.kind = Kind::Host, "neither `options` nor `extensions`"),
    ];
    for (edit, message) in cases {
        let said = refused(edit);
        assert!(said.contains(message), "{said}");
    }
    let missing = bed.ssh.look_certificate("nobody", "ada", &plain, now()).expect_err("no such authority");
    assert_eq!(missing.hint.as_deref(), Some("`ssh::ca(\"nobody\")` makes one"));
}

#[test]
fn the_key_of_a_person_is_certified_too() {
    let bed = Bed::new();
    let ca = bed.authority("ca");
    let ada = Person::new();
    let key = read_public("the key", &ada.ssh()).expect("a key");
    let (issued, _) = ca.issue("ada", &CertificateWant::new(Kind::User, key, vec!["ada".into()]), now());
    assert!(shown(&issued.path).contains("Valid: from "));
}
