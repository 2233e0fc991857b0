//! Files that somebody or something changed are told, never taken for what was issued.

use super::{Bed, below, later, leaf, root, web};
use proptest::prelude::*;
use rhapsode::pki::{PkiError, Want, inspect, read_certificates};
use std::sync::OnceLock;

#[test]
fn every_flipped_bit_of_a_certificate_or_its_chain_is_told() {
    let bed = Bed::with_web();
    for file in ["pki/home/web/certificate.pem", "pki/home/web/chain.pem"] {
        let good = std::fs::read(bed.path(file)).expect("read");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            bed.write(file, &bad);
            let error = bed.pki.show("home/web").expect_err("changed");
            assert!(matches!(&error, PkiError::Damaged { path, .. } if path == file), "{at}: {error}");
        }
        bed.write(file, &good);
    }
    bed.pki.show("home/web").expect("as it was");
}

/// What stands in the certificate too is held against it; what does not is when to renew, and no claim about it.
#[test]
fn every_flipped_bit_of_a_record_is_told_or_changes_nothing_that_was_issued() {
    let bed = Bed::with_web();
    let (file, shown) = ("pki/home/web/record.json", bed.show("home/web"));
    let good = std::fs::read(bed.path(file)).expect("read");
    let mut told = 0;
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 7);
        bed.write(file, &bad);
        match bed.pki.show("home/web") {
            Ok(now) => assert_eq!(
                (now.pem, now.chain_pem, now.seen),
                (shown.pem.clone(), shown.chain_pem.clone(), shown.seen.clone())
            ),
            Err(error) => {
                assert!(
                    matches!(error, PkiError::Damaged { .. } | PkiError::Missing { .. } | PkiError::Invalid { .. }),
                    "{at}: {error}"
                );
                told += 1;
            }
        }
    }
    assert!(told * 10 > good.len() * 8, "{told} of {}", good.len());
}

#[test]
fn what_is_missing_or_stands_elsewhere_is_named() {
    let bed = Bed::with_web();
    bed.ensure("home/other", &rhapsode::pki::Want::Leaf(super::leaf("home/ca", &["other.internal"])));
    let good = |file: &str| bed.read(&format!("pki/home/web/{file}"));
    let (certificate, chain, record) = (good("certificate.pem"), good("chain.pem"), good("record.json"));
    let other = |file: &str| bed.read(&format!("pki/home/other/{file}"));
    let serial = bed.show("home/web").seen.serial;
    for (file, content, problem) in [
        ("certificate.pem", None, "it is missing"),
        ("chain.pem", None, "it is missing"),
        ("record.json", None, "it is missing"),
        ("certificate.pem", Some(other("certificate.pem")), "its record is that of another one"),
        ("certificate.pem", Some(format!("{certificate}{certificate}")), "it does not hold one certificate"),
        ("certificate.pem", Some(format!("a remark\n{certificate}")), "it holds more than certificates"),
        ("chain.pem", Some(certificate.clone()), "it is not the one in the record"),
        ("chain.pem", Some(other("chain.pem")), "it is not the one in the record"),
        ("record.json", Some(other("record.json")), "it is that of `home/other`"),
        ("record.json", Some("{}".into()), "missing field"),
        ("record.json", Some(record.replace("\"format\": 1", "\"format\": 2")), "format 2 is not known"),
        (
            "record.json",
            Some(record.replace("dns:web.internal", "dns:evil.internal")),
            "its list of names is not that of the certificate",
        ),
        (
            "record.json",
            Some(record.replace(&serial, &serial.replace(&serial[..4], "4fff"))),
            "its serial is not that of the certificate",
        ),
        (
            "record.json",
            Some(record.replace("\"not_after\": \"2029", "\"not_after\": \"2039")),
            "its validity is not that of the certificate",
        ),
        ("record.json", Some(record.replace("\"kind\"", "\"extra\": 1, \"kind\"")), "unknown field"),
    ] {
        let path = format!("pki/home/web/{file}");
        match &content {
            Some(content) => drop(bed.write(&path, content)),
            None => std::fs::remove_file(bed.path(&path)).expect("removed"),
        }
        let error = bed.pki.look("home/web", &web(), later(0)).expect_err(problem);
        assert!(error.to_string().contains(problem) && error.to_string().contains(&path), "{problem}: {error}");
        let renewed = bed.pki.renew("home/web", later(0)).expect_err("it is not issued over it");
        assert_eq!(renewed.to_string(), error.to_string());
        bed.write("pki/home/web/certificate.pem", &certificate);
        bed.write("pki/home/web/chain.pem", &chain);
        bed.write("pki/home/web/record.json", &record);
    }
    assert!(bed.reasons("home/web", &web(), 0).is_empty());
}

#[test]
fn books_that_lost_a_certificate_are_told() {
    let bed = Bed::with_web();
    let serial = bed.show("home/web").seen.serial;
    let books = bed.read("pki/home/ca/record.json");
    let without: Vec<&str> =
        books.lines().filter(|line| !line.contains(&format!("{{\"serial\":\"{serial}\""))).collect();
    bed.write("pki/home/ca/record.json", without.join("\n"));
    let error = bed.pki.look("home/web", &web(), later(0)).expect_err("lost");
    assert!(
        error.to_string().contains("pki/home/ca/record.json") && error.to_string().contains("is missing in it"),
        "{error}"
    );
}

#[test]
fn issuers_that_go_round_in_a_circle_end() {
    let bed = Bed::with_web();
    let record = bed.read("pki/home/ca/record.json").replace("\"ca\": \"home\"", "\"ca\": \"home/ca\"");
    bed.write("pki/home/ca/record.json", record);
    let error = bed.pki.look("home/web", &web(), later(0)).expect_err("a circle");
    assert!(error.to_string().contains("circle"), "{error}");
}

/// A chain in PEM, made once.
fn pem() -> &'static String {
    static PEM: OnceLock<String> = OnceLock::new();
    PEM.get_or_init(|| Bed::with_web().show("home/web").chain_pem)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_texts_are_no_certificates(text in "\\PC{0,400}") {
        prop_assert!(read_certificates(&text).is_err());
    }

    #[test]
    fn random_octets_between_borders_are_no_certificates(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(inspect(&octets).is_err());
        prop_assert!(read_certificates(&rhapsode::pki::certificate_pem(&octets)).is_err());
    }

    #[test]
    fn cut_texts_are_told(at in any::<prop::sample::Index>()) {
        let pem = pem();
        let first = pem.find("-----END").expect("a border") + "-----END CERTIFICATE-----".len();
        let at = at.index(pem.len() - 1);
        // Behind a whole block nothing is torn, and a few hyphens are no border yet.
        let read = read_certificates(&pem[..at]);
        prop_assert!(read.is_err() || (first..=first + 5).contains(&at));
    }

    #[test]
    fn flipped_octets_never_panic(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut der = read_certificates(pem()).expect("read").remove(0);
        let at = at.index(der.len());
        der[at] ^= 1 << bit;
        if let Ok(seen) = inspect(&der) {
            prop_assert_ne!(seen.sha256, inspect(&read_certificates(pem()).expect("read")[0]).expect("good").sha256);
        }
    }
}

#[test]
fn a_key_that_was_removed_from_its_file_is_missed() {
    let bed = Bed::with_web();
    bed.ensure("home/other", &Want::Leaf(leaf("home/ca", &["other.internal"])));
    assert!(bed.store().rm("pki/home/web/key").expect("removed"));
    assert_eq!(bed.reasons("home/web", &web(), 0), ["its private key is not among the secrets"]);
    bed.ensure("home/web", &web());
    bed.pki.verify("home/web", later(0)).expect("good again");
    assert!(bed.store().rm("pki/home/ca/key").expect("removed"));
    let error = bed.pki.look("home/ca", &below("home"), later(0)).expect_err("an authority keeps its key");
    assert!(error.to_string().contains("is not among the secrets, as `pki/home/ca/key`"), "{error}");
    // As the error about a certificate that is gone has it: begun anew.
    std::fs::remove_dir_all(bed.path("pki/home")).expect("removed");
    let error = bed.refused("home", &root());
    assert!(error.hint().is_some_and(|hint| hint.contains("`rhapsode secret rm pki/home/key`")), "{error}");
    bed.store().rm("pki/home/key").expect("removed");
    bed.ensure("home", &root());
    bed.pki.verify("home", later(0)).expect("good");
}
