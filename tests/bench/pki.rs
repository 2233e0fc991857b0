//! How fast certificates are issued: `cargo bench --bench pki`.

use age::secrecy::ExposeSecret;
use jiff::Timestamp;
use rhapsode::pki::{Authority, Leaf, Pkcs12Want, Pki, Want};
use rhapsode::secret::Store;
use rhapsode::secret::sops::{Identities, Recipient, Rules};
use std::sync::Arc;
use std::time::Instant;

/// Certificates that are issued.
const LEAFS: usize = 1000;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let identity = age::x25519::Identity::generate();
    let recipient: Recipient = identity.to_public().to_string().parse().expect("a recipient");
    let mut rules = Rules::of_project(folder.path()).expect("none yet");
    rules.change("secrets/x.sops.yaml", &[recipient], &[]).expect("a rule");
    rules.save().expect("written");
    let identities = Identities::of_text(identity.to_string().expose_secret()).expect("a key");
    let pki = Pki::with(Arc::new(Store::opened_by(folder.path(), identities)));
    let now = Timestamp::from_second(Timestamp::now().as_second()).expect("a time");
    let ca = |ca: Option<&str>| Authority { ca: ca.map(str::to_owned), ..Authority::default() };
    pki.ensure("home", &Want::Root(ca(None)), now).expect("made");
    pki.ensure("home/ca", &Want::Intermediate(ca(Some("home"))), now).expect("made");
    let leaf = |at: usize| {
        let sans = vec![format!("dns:web-{at}.internal").parse().expect("a name")];
        Want::Leaf(Leaf { ca: Some("home/ca".into()), sans, ..Leaf::default() })
    };
    measured("leaf certificates issued, ECDSA P-256", LEAFS, |at| {
        pki.ensure(&format!("home/web-{at}"), &leaf(at), now).expect("issued");
    });
    measured("found to be as they are wanted", LEAFS, |at| {
        assert!(pki.ensure(&format!("home/web-{at}"), &leaf(at), now).expect("kept").reasons.is_empty());
    });
    measured("verified with their keys", 100, |at| {
        pki.verify(&format!("home/web-{at}"), now).expect("good");
    });
    measured("PKCS#12 files made", 100, |at| {
        pki.pkcs12(&format!("home/web-{at}"), &Pkcs12Want::default()).expect("made");
    });
    measured("listed", 1, |_| assert_eq!(pki.list().expect("listed").len(), LEAFS + 2));
}

fn measured(what: &str, count: usize, each: impl Fn(usize)) {
    let started = Instant::now();
    (0..count).for_each(each);
    let seconds = started.elapsed().as_secs_f64();
    let rate = count as f64 / seconds;
    println!(
        "{count:>6} {what:<42} {seconds:>8.2} s   {rate:>8.0} per second   {:>7.2} ms each",
        seconds / count as f64 * 1e3
    );
}
