//! A root gives way to another one, and nobody is without trust meanwhile.

use super::{Bed, below, later, leaf, root, web};
use rhapsode::pki::{Authority, RotationStage, Want, read_certificates};

impl Bed {
    /// `openssl verify` by somebody who trusts these roots alone, with the chain that a server sends.
    fn trusted_by(&self, roots: &str, name: &str) -> bool {
        self.write("trusted.pem", roots);
        let at = super::NOW.to_string();
        let chain = format!("pki/{name}/chain.pem");
        let words = [
            "verify",
            "-attime",
            &at,
            "-no-CApath",
            "-no-CAstore",
            "-CAfile",
            "trusted.pem",
            "-untrusted",
            &chain,
            &chain,
        ];
        let openssl = std::process::Command::new("openssl").current_dir(self.root()).args(words).output();
        openssl.expect("openssl starts").status.success()
    }
}

#[test]
fn the_three_stages_of_a_rotation_never_break_trust() {
    let bed = Bed::with_web();
    bed.ensure("home/direct", &Want::Leaf(leaf("home", &["direct.internal"])));
    let (direct, old) = (Want::Leaf(leaf("home", &["direct.internal"])), bed.show("home"));
    let names = ["home/web", "home/direct"];

    let told = bed.pki.rotate("home", None, later(0)).expect("announced");
    assert_eq!(told.stage, Some(RotationStage::Announced));
    let bundle = bed.show("home/web").bundle_pem;
    let roots = read_certificates(&bundle).expect("read");
    assert_eq!(roots.len(), 2, "both are trusted");
    let new = rhapsode::pki::certificate_pem(&roots[1]);
    assert_eq!(bed.show("home").pem, old.pem, "the current one still issues");
    assert!(bed.reasons("home", &root(), 0).is_empty());
    for (name, want) in [("home/ca", below("home")), ("home/web", web()), ("home/direct", direct.clone())] {
        assert!(bed.reasons(name, &want, 0).is_empty(), "{name}");
    }
    for name in names {
        assert!(bed.trusted_by(&old.pem, name) && bed.trusted_by(&bundle, name) && !bed.trusted_by(&new, name));
    }

    let told = bed.pki.rotate("home", None, later(0)).expect("switched");
    assert_eq!(told.stage, Some(RotationStage::Switched));
    assert_eq!(bed.show("home").pem, new);
    assert!(bed.reasons("home", &root(), 0).is_empty(), "the next one is what is wanted");
    let error = bed.pki.rotate("home", None, later(0)).expect_err("it is too soon");
    assert!(error.to_string().contains("`home/ca`, `home/direct`"), "{error}");
    for name in names {
        assert!(bed.trusted_by(&bundle, name), "what was not issued anew yet: {name}");
    }
    assert_eq!(bed.ensure("home/ca", &below("home")).reasons, ["issuer `home` has another key"]);
    assert_eq!(bed.ensure("home/web", &web()).reasons, ["the certificates of its issuers changed"]);
    assert_eq!(bed.ensure("home/direct", &direct).reasons, ["issuer `home` has another key"]);
    assert_eq!(
        read_certificates(&bed.show("home/web").chain_pem).expect("read").len(),
        3,
        "with the cross-signed root"
    );
    for name in names {
        for trusted in [&old.pem, &new, &bundle] {
            assert!(bed.trusted_by(trusted, name), "{name}");
        }
        bed.pki.verify(name, later(0)).expect("good");
    }

    let told = bed.pki.rotate("home", None, later(0)).expect("retired");
    assert_eq!(told.stage, None);
    assert_eq!(bed.show("home/web").bundle_pem, new);
    assert_eq!(bed.ensure("home/web", &web()).reasons, ["the certificates of its issuers changed"]);
    assert_eq!(bed.ensure("home/direct", &direct).reasons, ["the certificates of its issuers changed"]);
    for name in names {
        assert!(bed.trusted_by(&new, name) && !bed.trusted_by(&old.pem, name));
        bed.pki.verify(name, later(0)).expect("good");
    }
    let kept = format!("pki/home/previous/{}.pem", old.seen.serial);
    assert_eq!(bed.read(&kept), old.pem, "what was is history");
    assert!(
        !bed.read("secrets/pki/home.sops.yaml").contains("\nkey:")
            && bed.read("secrets/pki/home.sops.yaml").contains("key-2:")
    );
    assert!(!bed.path("pki/home/next.pem").exists() && !bed.path("pki/home/cross.pem").exists());
}

#[test]
fn the_next_root_may_be_another_one() {
    let bed = Bed::with_web();
    let next = Want::Root(Authority {
        subject: "CN=Home Root CA 2,O=Home,C=UN".parse().expect("a subject"),
        key: Some("p256".parse().expect("a kind")),
        ..Authority::default()
    });
    bed.pki.rotate("home", Some(&next), later(0)).expect("announced");
    assert!(bed.reasons("home", &root(), 0).is_empty(), "who still wants the old one");
    assert!(bed.reasons("home", &next, 0).is_empty(), "and who wants the next one already");
    assert!(bed.ensure("home", &next).reasons.is_empty());
    let old = bed.show("home").pem;
    bed.pki.rotate("home", None, later(0)).expect("switched");
    assert_eq!(bed.show("home").seen.subject, "CN=Home Root CA 2,O=Home,C=UN");
    assert!(bed.refused("home", &root()).to_string().contains("cannot change its subject"));
    bed.ensure("home/ca", &below("home"));
    bed.ensure("home/web", &web());
    assert!(bed.trusted_by(&old, "home/web") && bed.trusted_by(&bed.show("home").pem, "home/web"));
    bed.pki.rotate("home", None, later(0)).expect("retired");
    bed.ensure("home/web", &web());
    bed.verifies("home/web", &[]);
    let again = bed.pki.rotate("home", None, later(0)).expect("and another time");
    assert_eq!(again.stage, Some(RotationStage::Announced));
    assert!(bed.read("secrets/pki/home.sops.yaml").contains("key-3:"));
}

#[test]
fn what_a_rotation_cannot_be_asked_is_told() {
    let bed = Bed::with_web();
    assert!(bed.pki.rotate("home/web", None, later(0)).expect_err("a leaf").hint().expect("a hint").contains("renew"));
    assert!(bed.pki.rotate("home", Some(&web()), later(0)).is_err(), "a root becomes no leaf");
    bed.pki.rotate("home", None, later(0)).expect("announced");
    assert!(bed.pki.rotate("home", Some(&root()), later(0)).expect_err("too late").to_string().contains("begins"));
    bed.write("pki/home/next.pem", bed.show("home/web").pem);
    let error = bed.pki.show("home/web").expect_err("another certificate in its place");
    assert!(error.to_string().contains("pki/home/next.pem"), "{error}");
}

#[test]
fn a_root_is_not_retired_before_its_key_is_removed() {
    let bed = Bed::with_web();
    for _ in 0..2 {
        bed.pki.rotate("home", None, later(0)).expect("a step");
    }
    bed.ensure("home/ca", &below("home"));
    let secrets = bed.read("secrets/pki/home.sops.yaml");
    bed.write("secrets/pki/home.sops.yaml", "torn");
    bed.pki.rotate("home", None, later(0)).expect_err("its key cannot be removed");
    bed.write("secrets/pki/home.sops.yaml", secrets);
    assert_eq!(bed.show("home").bundle_pem.matches("BEGIN CERTIFICATE").count(), 2);
    bed.pki.rotate("home", None, later(0)).expect("retired");
    assert!(bed.store().get("pki/home/key").is_err(), "the former key is gone");
    assert_eq!(bed.show("home").bundle_pem.matches("BEGIN CERTIFICATE").count(), 1);
}
