//! Large keys of RSA: one of each size, as making them takes seconds.

use super::{Bed, leaf};
use rhapsode::pki::{Authority, Custody, KeyType, Leaf, Want};
use rhapsode::secret::Inspect;

#[test]
fn an_authority_of_4096_bits_signs_a_key_of_3072() {
    let bed = Bed::new();
    bed.ensure("ca", &Want::Root(Authority { key: Some(KeyType::Rsa4096), ..Authority::default() }));
    let want = Want::Leaf(Leaf { key: Some(KeyType::Rsa3072), ..leaf("ca", &["web.internal"]) });
    let done = bed.ensure("ca/web", &want);
    assert_eq!((bed.show("ca").seen.key, done.certificate.seen.key), (Some(KeyType::Rsa4096), Some(KeyType::Rsa3072)));
    assert!(bed.text("ca").contains("Public-Key: (4096 bit)") && bed.text("ca/web").contains("Public-Key: (3072 bit)"));
    bed.verifies("ca/web", &["-purpose", "sslserver"]);
    bed.pki.verify("ca/web", super::later(0)).expect("good");
    assert!(bed.ensure("ca/web", &want).reasons.is_empty());
    for name in ["ca", "ca/web"] {
        bed.write("key.pem", bed.pki.key(name).expect("kept").pem().as_bytes());
        assert!(bed.openssl(&["rsa", "-in", "key.pem", "-check", "-noout"]).contains("RSA key ok"));
        let of_key = bed.openssl(&["pkey", "-in", "key.pem", "-pubout"]);
        assert_eq!(of_key, bed.openssl(&["x509", "-noout", "-pubkey", "-in", &format!("pki/{name}/certificate.pem")]));
    }
    let crl = bed.pki.crl("ca", super::later(0)).expect("made");
    bed.verifies("ca/web", &["-crl_check", "-CRLfile", "pki/ca/crl.pem"]);
    assert_eq!(crl.number, 1);
    bed.write("key.pem", bed.pki.key("ca").expect("kept").pem().as_bytes());
    let traditional = bed.openssl(&["rsa", "-in", "key.pem", "-traditional"]);
    Custody::of_projects([bed.root().to_owned()]).inspect("x", &traditional).expect_err("the key of an authority");
}
