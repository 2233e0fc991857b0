//! Revocation lists, asked by openssl.

use super::{Bed, below, later, leaf, root, web};
use rhapsode::pki::{CrlVerdict, Reason, Want};

impl Bed {
    /// Both lists, with the bundle behind them, where `openssl verify` finds them.
    fn lists(&self) -> String {
        let lists = ["home", "home/ca"].map(|name| self.pki.crl(name, later(0)).expect("made").pem);
        self.write("crls.pem", lists.concat()).display().to_string()
    }

    fn crl_text(&self, name: &str) -> String {
        self.openssl(&["crl", "-noout", "-text", "-in", &format!("pki/{name}/crl.pem")])
    }
}

#[test]
fn a_revoked_certificate_is_refused_by_who_asks_the_list() {
    let bed = Bed::with_web();
    bed.ensure("home/other", &Want::Leaf(leaf("home/ca", &["other.internal"])));
    let lists = bed.lists();
    bed.verifies("home/web", &["-crl_check_all", "-CRLfile", &lists]);
    let done = bed.pki.revoke("home/web", Reason::KeyCompromise, later(0)).expect("revoked");
    assert_eq!((done.authority.as_str(), done.issued.name.as_str()), ("home/ca", "home/web"));
    let lists = bed.lists();
    let said = bed.fails_to_verify("home/web", &["-crl_check_all", "-CRLfile", &lists], 0);
    assert!(said.contains("certificate revoked"), "{said}");
    bed.verifies("home/other", &["-crl_check_all", "-CRLfile", &lists]);
    let text = bed.crl_text("home/ca");
    let serial = bed.show("home/web").seen.serial.to_uppercase();
    assert!(text.contains(&format!("Serial Number: {serial}")) && text.contains("Key Compromise"), "{text}");
    assert!(text.contains("Issuer: C = UN, O = Home, CN = home/ca"), "{text}");
    let key_id = bed.show("home/ca").seen.key_id.expect("it has one").to_uppercase();
    let key_id: Vec<String> =
        key_id.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned()).collect();
    assert!(text.contains(&key_id.join(":")), "the authority key identifier: {text}");
    let error = bed.pki.verify("home/web", later(0)).expect_err("revoked");
    assert!(error.to_string().contains("`home/web` was revoked: key compromise"), "{error}");
    assert_eq!(bed.reasons("home/web", &web(), 0), ["was revoked: key compromise"]);
    bed.ensure("home/web", &web());
    bed.verifies("home/web", &["-crl_check_all", "-CRLfile", &lists]);
    bed.pki.verify("home/web", later(0)).expect("good again");
}

#[test]
fn a_list_is_kept_while_it_holds_and_its_number_grows() {
    let bed = Bed::with_web();
    assert_eq!(
        bed.pki.look_crl("home/ca", later(0)).expect("looked"),
        CrlVerdict::Make { reasons: vec!["there is none yet".into()] }
    );
    let first = bed.pki.crl("home/ca", later(0)).expect("made");
    assert_eq!((first.number, first.serials.len()), (1, 0));
    assert_eq!(first.next_update, later(30));
    let again = bed.pki.crl("home/ca", later(19)).expect("kept");
    assert_eq!((&again.pem, again.reasons.len()), (&first.pem, 0));
    assert!(matches!(bed.pki.look_crl("home/ca", later(19)), Ok(CrlVerdict::Keep(_))));
    let second = bed.pki.crl("home/ca", later(20)).expect("made");
    assert_eq!((second.number, second.reasons), (2, vec!["it holds until 2026-12-20".to_owned()]));
    let revoked = bed.pki.revoke("home/web", Reason::Superseded, later(20)).expect("revoked");
    assert_eq!(revoked.crl.number, 3);
    assert_eq!(revoked.crl.reasons, ["`home/web` was revoked: superseded"]);
    std::fs::remove_file(bed.path("pki/home/ca/crl.pem")).expect("removed");
    assert_eq!(bed.pki.crl("home/ca", later(20)).expect("made").number, 4, "also when the list is lost");
    assert!(bed.crl_text("home/ca").contains("X509v3 CRL Number: \n                4"), "{}", bed.crl_text("home/ca"));
}

#[test]
fn a_list_that_was_changed_is_made_again() {
    let bed = Bed::with_web();
    let crl = bed.pki.revoke("home/web", Reason::Superseded, later(0)).expect("revoked").crl;
    let middle = crl.pem.len() / 2;
    let other = if &crl.pem[middle..=middle] == "A" { "B" } else { "A" };
    let mut changed = crl.pem.clone();
    changed.replace_range(middle..=middle, other);
    bed.write("pki/home/ca/crl.pem", changed);
    let again = bed.pki.crl("home/ca", later(0)).expect("made");
    assert_eq!((again.number, again.serials), (2, crl.serials));
    assert_eq!(again.reasons, ["it is not the last one that was made"]);
}

#[test]
fn every_reason_of_the_standard_is_told_to_openssl() {
    let bed = Bed::with_web();
    let reasons = [
        (Reason::Unspecified, ""),
        (Reason::KeyCompromise, "Key Compromise"),
        (Reason::CaCompromise, "CA Compromise"),
        (Reason::AffiliationChanged, "Affiliation Changed"),
        (Reason::Superseded, "Superseded"),
        (Reason::CessationOfOperation, "Cessation Of Operation"),
        (Reason::CertificateHold, "Certificate Hold"),
        (Reason::PrivilegeWithdrawn, "Privilege Withdrawn"),
        (Reason::AaCompromise, "AA Compromise"),
    ];
    for (at, (reason, _)) in reasons.iter().enumerate() {
        let name = format!("home/r{at}");
        bed.ensure(&name, &Want::Leaf(leaf("home/ca", &["r.internal"])));
        bed.pki.revoke(&name, *reason, later(0)).expect("revoked");
    }
    let text = bed.crl_text("home/ca");
    for (_, said) in reasons {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(text.matches("Serial Number:").count(), reasons.len());
    assert_eq!(text.matches("X509v3 CRL Reason Code").count(), reasons.len() - 1, "what is unspecified has no reason");
}

#[test]
fn a_hold_is_lifted_and_nothing_else_is() {
    let bed = Bed::with_web();
    bed.pki.revoke("home/web", Reason::CertificateHold, later(0)).expect("held");
    let error = bed.pki.look("home/web", &web(), later(0)).expect_err("it is on hold");
    assert!(error.to_string().contains("on hold since 2026-11-20"), "{error}");
    let lifted = bed.pki.revoke("home/web", Reason::RemoveFromCrl, later(1)).expect("lifted");
    assert!(lifted.crl.serials.is_empty() && bed.reasons("home/web", &web(), 1).is_empty());
    assert!(bed.pki.revoke("home/web", Reason::RemoveFromCrl, later(1)).is_err(), "nothing to lift");
    bed.pki.revoke("home/web", Reason::CertificateHold, later(1)).expect("held");
    bed.pki.revoke("home/web", Reason::KeyCompromise, later(2)).expect("for good");
    let error = bed.pki.revoke("home/web", Reason::Superseded, later(3)).expect_err("it was");
    assert!(error.to_string().contains("was revoked already: key compromise"), "{error}");
    assert!(bed.pki.revoke("home/web", Reason::RemoveFromCrl, later(3)).is_err());
    let number = bed.pki.crl("home/ca", later(3)).expect("kept").number;
    assert_eq!(bed.pki.revoke("home/web", Reason::KeyCompromise, later(3)).expect("again").crl.number, number);
}

#[test]
fn a_former_certificate_is_revoked_by_its_serial() {
    let bed = Bed::with_web();
    let former = bed.show("home/web").seen.serial;
    bed.pki.renew("home/web", later(0)).expect("renewed");
    let colons: Vec<String> =
        former.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase()).collect();
    let done = bed.pki.revoke(&colons.join(":"), Reason::KeyCompromise, later(0)).expect("revoked");
    assert_eq!((done.issued.serial, done.crl.serials), (former.clone(), vec![former]));
    assert!(bed.reasons("home/web", &web(), 0).is_empty(), "the present one is good");
    for unknown in ["00ff", "home/wob"] {
        let error = bed.pki.revoke(unknown, Reason::Unspecified, later(0)).expect_err("there is none");
        assert!(error.to_string().contains("there is no certificate"), "{error}");
    }
}

#[test]
fn a_revoked_authority_takes_what_it_issued_along_and_a_root_has_nobody_to_revoke_it() {
    let bed = Bed::with_web();
    bed.pki.revoke("home/ca", Reason::CaCompromise, later(0)).expect("revoked");
    let error = bed.pki.verify("home/web", later(0)).expect_err("its issuer is revoked");
    assert!(error.to_string().contains("`home/ca` was revoked: ca compromise"), "{error}");
    let lists = bed.lists();
    assert!(bed.fails_to_verify("home/web", &["-crl_check_all", "-CRLfile", &lists], 0).contains("revoked"));
    let error = bed.pki.revoke("home", Reason::KeyCompromise, later(0)).expect_err("nobody");
    assert!(error.hint().expect("a hint").contains("rotate"), "{error}");
    let refused = bed.refused("home/web", &web());
    assert!(
        refused.to_string().contains("`home/ca` cannot issue `home/web`: it was revoked: ca compromise"),
        "{refused}"
    );
    let key = bed.pki.key("home/ca").expect("kept");
    assert_eq!(bed.ensure("home/ca", &below("home")).reasons, ["was revoked: ca compromise"]);
    assert_ne!(bed.pki.key("home/ca").expect("kept").der(), key.der(), "its key is not to be trusted");
    assert_eq!(bed.ensure("home/web", &web()).reasons, ["issuer `home/ca` has another key"]);
    let lists = bed.lists();
    bed.verifies("home/web", &["-crl_check_all", "-CRLfile", &lists]);
}

#[test]
fn an_entry_stays_until_a_list_was_made_behind_the_end_of_its_certificate() {
    let bed = Bed::new();
    bed.ensure("home", &root());
    let Want::Leaf(short) = Want::Leaf(leaf("home", &["a.internal"])) else { unreachable!("it is one") };
    bed.ensure("home/a", &Want::Leaf(rhapsode::pki::Leaf { days: Some(10), ..short }));
    bed.pki.revoke("home/a", Reason::Superseded, later(1)).expect("revoked");
    let count = |days| bed.pki.crl("home", later(days)).expect("made").serials.len();
    assert_eq!((count(25), count(50), count(75)), (1, 0, 0), "the list of day 25 is the one behind its end");
}
