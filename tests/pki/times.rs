//! Dates at their borders: the year 2050, the first and the last second, clocks that were wrong.

use super::{Bed, below, later, leaf, root, web};
use jiff::Timestamp;
use rhapsode::pki::{Authority, Leaf, Want};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// The dates of a file as they stand in it.
fn dates(bed: &Bed, file: &str) -> Vec<String> {
    let shown = bed.openssl(&["asn1parse", "-in", file]);
    let times = shown.lines().filter(|line| line.contains("TIME")).map(|line| {
        let (kind, value) = line.split_once("prim: ").expect("a value").1.split_once(':').expect("a kind");
        format!("{} {value}", kind.trim())
    });
    times.collect()
}

#[test]
fn dates_from_2050_on_are_written_otherwise_and_read_again() {
    let bed = Bed::new();
    let now = at("2049-12-20T12:00:00Z");
    let ensure = |name: &str, want: &Want| bed.pki.ensure(name, want, now).expect("issued");
    ensure("home", &root());
    let soon = |days| Want::Leaf(Leaf { days: Some(days), ..leaf("home", &["web.internal"]) });
    ensure("home/short", &soon(5));
    ensure("home/long", &soon(90));
    bed.pki.crl("home", now).expect("made");
    let begins = "UTCTIME 491220110000Z".to_owned();
    for (name, ends) in [
        ("home", "GENERALIZEDTIME 20571218110000Z"),
        ("home/short", "UTCTIME 491225110000Z"),
        ("home/long", "GENERALIZEDTIME 20500320110000Z"),
    ] {
        assert_eq!(dates(&bed, &format!("pki/{name}/certificate.pem")), [begins.clone(), ends.to_owned()], "{name}");
    }
    assert_eq!(dates(&bed, "pki/home/crl.pem"), [begins, "GENERALIZEDTIME 20500119120000Z".into()]);
    let listed = bed.pki.list().expect("read again");
    assert_eq!(listed[1].not_after, at("2050-03-20T11:00:00Z"));
    let verify = |time: &str| {
        let time = at(time).as_second().to_string();
        let words = ["verify", "-x509_strict", "-attime", &time, "-crl_check", "-CRLfile", "pki/home/crl.pem"];
        bed.openssl(&[&words[..], &["-CAfile", "pki/home/certificate.pem", "pki/home/long/certificate.pem"]].concat());
    };
    ["2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z", "2050-01-19T11:59:59Z"].into_iter().for_each(verify);
    let century = Want::Root(Authority { days: Some(36_500), ..Authority::default() });
    ensure("century", &century);
    assert_eq!(dates(&bed, "pki/century/certificate.pem")[1], "GENERALIZEDTIME 21491126110000Z");
    assert!(bed.pki.ensure("century", &century, now).expect("kept").reasons.is_empty());
}

#[test]
fn a_certificate_is_valid_in_its_last_second_and_renewed_in_the_first_of_its_window() {
    let bed = Bed::new();
    bed.ensure("home", &root());
    let want = Want::Leaf(Leaf { days: Some(90), ..leaf("home", &["web.internal"]) });
    let ends = bed.ensure("home/web", &want).certificate.seen.not_after.as_second();
    let second = |at: i64| Timestamp::from_second(at).expect("a time");
    let is_kept = |at: i64| match bed.pki.look("home/web", &want, second(at)).expect("looked") {
        rhapsode::pki::Verdict::Keep(_) => true,
        rhapsode::pki::Verdict::Issue { .. } => false,
    };
    let window = 30 * 86_400;
    assert!(is_kept(ends - window - 1) && !is_kept(ends - window));
    let verified = |at: i64| {
        let time = at.to_string();
        let words = ["verify", "-attime", &time, "-CAfile", "pki/home/certificate.pem", "pki/home/web/certificate.pem"];
        let ours = bed.pki.verify("home/web", second(at)).is_ok();
        let theirs =
            std::process::Command::new("openssl").current_dir(bed.root()).args(words).output().expect("openssl");
        assert_eq!(ours, theirs.status.success(), "{at}");
        ours
    };
    let begins = bed.show("home/web").seen.not_before.as_second();
    assert_eq!([begins - 1, begins, ends - 1, ends + 1].map(verified), [false, true, true, false]);
    assert!(bed.pki.verify("home/web", second(ends)).is_ok(), "RFC 5280, 4.1.2.5: inclusive");
}

#[test]
fn what_was_issued_by_a_clock_that_was_ahead_is_issued_again() {
    let bed = Bed::new();
    for (name, want) in [("home", root()), ("home/ca", below("home")), ("home/web", web())] {
        bed.pki.ensure(name, &want, later(400)).expect("issued");
    }
    bed.pki.crl("home/ca", later(400)).expect("made");
    assert_eq!(bed.reasons("home", &root(), 0), ["valid only from 2027-12-25T11:00:00Z"]);
    assert!(bed.reasons("home/web", &web(), 0).is_empty(), "one that its authority issues now would begin no earlier");
    for (name, want) in [("home", root()), ("home/ca", below("home")), ("home/web", web())] {
        assert_eq!(bed.ensure(name, &want).reasons, ["valid only from 2027-12-25T11:00:00Z"], "{name}");
        assert!(bed.ensure(name, &want).reasons.is_empty(), "{name}");
    }
    let crl = bed.pki.crl("home/ca", later(0)).expect("made");
    assert_eq!((crl.number, crl.reasons), (2, vec!["it is valid only from 2027-12-25T11:00:00Z".to_owned()]));
    bed.verifies("home/web", &[]);
}

#[test]
fn a_new_list_is_accepted_by_who_is_a_little_late() {
    let bed = Bed::with_web();
    bed.pki.revoke("home/web", rhapsode::pki::Reason::Superseded, later(0)).expect("revoked");
    bed.ensure("home/web", &web());
    let time = (later(0).as_second() - 1800).to_string();
    bed.write("bundle.pem", bed.show("home").pem);
    let chain = "pki/home/web/chain.pem";
    let words = ["verify", "-attime", &time, "-crl_check", "-CRLfile", "pki/home/ca/crl.pem", "-CAfile", "bundle.pem"];
    bed.openssl(&[&words[..], &["-untrusted", chain, "pki/home/web/certificate.pem"]].concat());
}
