//! PKCS#12 files and encrypted keys, opened by openssl.

use super::{Bed, later, leaf};
use proptest::prelude::*;
use rhapsode::pki::{KeyType, Leaf, Pkcs12Want, Use, Want, open_pkcs12, read_certificates};
use std::sync::OnceLock;

fn ada(sans: &[&str]) -> Want {
    let subject = "CN=Ada Lovelace,OU=client".parse().expect("a subject");
    Want::Leaf(Leaf { subject, usage: Some(Use::Client), ..leaf("home/ca", sans) })
}

/// Scenario 3 of infra-shared.
#[test]
fn a_bundle_opens_with_its_password_stays_as_it_is_and_is_renewed_with_its_certificate() {
    let bed = Bed::with_web();
    bed.ensure("home/ada", &ada(&[]));
    let want = Pkcs12Want::default();
    assert_eq!(bed.pki.look_pkcs12("home/ada", &want).expect("looked"), ["there is none yet"]);
    let first = bed.pki.pkcs12("home/ada", &want).expect("made");
    assert_eq!(first.password.len(), 24);
    assert!(first.password.chars().all(|c| c.is_ascii_alphanumeric()));
    bed.write("ada.p12", &*first.der);
    let pass = format!("pass:{}", *first.password);
    let said = bed.openssl(&["pkcs12", "-in", "ada.p12", "-info", "-passin", &pass, "-passout", "pass:x-4711"]);
    assert_eq!(said.matches("BEGIN CERTIFICATE").count(), 2, "the client and its issuer, without the root: {said}");
    assert!(said.contains("friendlyName: Ada Lovelace") && said.contains("BEGIN ENCRYPTED PRIVATE KEY"), "{said}");
    let client = said.find("subject=C = UN, O = Home, OU = client, CN = Ada Lovelace").expect("the client");
    assert!(client < said.find("subject=C = UN, O = Home, CN = home/ca").expect("its issuer"));
    let info = bed.openssl(&["asn1parse", "-inform", "DER", "-in", "ada.p12"]);
    assert!(info.contains("sha256"), "{info}");
    let details = bed.openssl_says(&["pkcs12", "-in", "ada.p12", "-info", "-noout", "-passin", &pass]);
    assert!(details.contains("MAC: sha256") && details.contains("AES-256-CBC"), "{details}");
    assert!(
        bed.openssl_refuses(&["pkcs12", "-in", "ada.p12", "-noout", "-passin", "pass:wrong"])
            .contains("invalid password")
    );

    assert!(bed.ensure("home/ada", &ada(&[])).reasons.is_empty());
    let again = bed.again().pkcs12("home/ada", &want).expect("kept");
    assert!(again.reasons.is_empty() && bed.pki.look_pkcs12("home/ada", &want).expect("looked").is_empty());
    assert_eq!(
        (&again.der, &again.password, &again.encrypted_key_pem),
        (&first.der, &first.password, &first.encrypted_key_pem)
    );

    bed.ensure("home/ada", &ada(&["email:ada@example.org"]));
    let renewed = bed.pki.pkcs12("home/ada", &want).expect("made");
    assert!(renewed.password != first.password && renewed.der != first.der);
    let opened = open_pkcs12(&renewed.der, &renewed.password).expect("opens");
    assert_eq!(opened.certificates, read_certificates(&bed.show("home/ada").chain_pem).expect("read"));
    assert_eq!(opened.key.as_slice(), bed.pki.key("home/ada").expect("kept").der());
    assert_eq!(format!("{renewed:?}"), "Pkcs12 { reasons: [\"certificate, key or chain changed\"], .. }");

    let named = Pkcs12Want { friendly_name: Some("ada@home".into()) };
    let other = bed.pki.pkcs12("home/ada", &named).expect("made");
    assert_eq!(other.reasons, ["friendly name `ada@home`, was `Ada Lovelace`"]);
    assert_eq!(other.password, renewed.password, "kept until certificate, key or chain change");
}

#[test]
fn another_issuer_in_the_chain_makes_another_bundle() {
    let bed = Bed::with_web();
    let first = bed.pki.pkcs12("home/web", &Pkcs12Want::default()).expect("made");
    bed.pki.renew("home/ca", later(0)).expect("renewed");
    bed.ensure("home/web", &super::web());
    let second = bed.pki.pkcs12("home/web", &Pkcs12Want::default()).expect("made");
    assert_eq!(second.reasons, ["certificate, key or chain changed"]);
    assert_ne!(first.password, second.password);
}

#[test]
fn a_lost_bundle_is_made_again_with_the_password_it_had() {
    let bed = Bed::with_web();
    let first = bed.pki.pkcs12("home/web", &Pkcs12Want::default()).expect("made");
    for (lost, same) in [("pkcs12", true), ("encrypted_key", true), ("pkcs12_password", false)] {
        let before = bed.pki.pkcs12("home/web", &Pkcs12Want::default()).expect("kept");
        assert!(bed.store().rm(&format!("pki/home/web/{lost}")).expect("removed"));
        let made = bed.pki.pkcs12("home/web", &Pkcs12Want::default()).expect("made");
        assert_eq!(made.reasons, ["it is not among the secrets"], "{lost}");
        assert_eq!(made.password == before.password, same, "{lost}");
        open_pkcs12(&made.der, &made.password).expect("opens");
    }
    assert_ne!(first.der, bed.pki.pkcs12("home/web", &Pkcs12Want::default()).expect("kept").der);
}

#[test]
fn the_encrypted_key_opens_with_the_same_password_for_every_kind_of_key() {
    let bed = Bed::with_web();
    for kind in [KeyType::P256, KeyType::P384, KeyType::Ed25519, KeyType::Rsa2048] {
        let name = format!("home/{kind}");
        bed.ensure(&name, &Want::Leaf(Leaf { key: Some(kind), ..leaf("home/ca", &["a.internal"]) }));
        let packed = bed.pki.pkcs12(&name, &Pkcs12Want::default()).expect("made");
        bed.write("key.pem", packed.encrypted_key_pem.as_bytes());
        let pass = format!("pass:{}", *packed.password);
        let public = bed.openssl(&["pkey", "-in", "key.pem", "-passin", &pass, "-pubout"]);
        let certificate = format!("pki/{name}/certificate.pem");
        assert_eq!(public, bed.openssl(&["x509", "-noout", "-pubkey", "-in", &certificate]));
        bed.openssl_refuses(&["pkey", "-in", "key.pem", "-passin", "pass:wrong"]);
        bed.write("bundle.p12", &*packed.der);
        bed.openssl(&["pkcs12", "-in", "bundle.p12", "-noout", "-passin", &pass]);
    }
}

#[test]
fn the_key_of_an_authority_is_packed_for_nobody() {
    let bed = Bed::with_web();
    for name in ["home", "home/ca"] {
        let error = bed.pki.pkcs12(name, &Pkcs12Want::default()).expect_err("refused");
        assert!(error.to_string().contains("is that of an authority, and goes nowhere"), "{error}");
    }
}

/// A bundle and its password, made once.
fn bundle() -> &'static (Vec<u8>, String) {
    static BUNDLE: OnceLock<(Vec<u8>, String)> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        let bed = Bed::with_web();
        let packed = bed.pki.pkcs12("home/web", &Pkcs12Want::default()).expect("made");
        (packed.der.to_vec(), packed.password.to_string())
    })
}

#[test]
fn a_cut_or_prolonged_bundle_is_refused() {
    let (der, password) = bundle();
    let whole = open_pkcs12(der, password).expect("opens").certificates;
    assert_eq!(whole.len(), 2);
    for length in (0..der.len()).step_by(97) {
        assert!(open_pkcs12(&der[..length], password).is_err(), "{length} octets");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// The MAC is over all that is packed: what opens is what was packed.
    #[test]
    fn a_bundle_with_a_flipped_bit_is_refused_or_the_same(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let (der, password) = bundle();
        let mut flipped = der.clone();
        let at = at.index(flipped.len());
        flipped[at] ^= 1 << bit;
        if let Ok(opened) = open_pkcs12(&flipped, password) {
            let whole = open_pkcs12(der, password).expect("opens");
            prop_assert_eq!(opened.certificates, whole.certificates);
            prop_assert_eq!(opened.key, whole.key);
        }
    }

    #[test]
    fn random_octets_are_no_bundle(octets in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(open_pkcs12(&octets, "x").is_err());
    }

    #[test]
    fn random_passwords_open_nothing(password in "[a-zA-Z0-9]{1,30}") {
        let (der, right) = bundle();
        prop_assume!(password != *right);
        prop_assert!(open_pkcs12(der, &password).is_err());
    }
}
