//! What makes no sense is told before anything is issued.

use super::{Bed, below, leaf, root, web};
use rhapsode::pki::{Authority, KeyUsage, Leaf, Want};
use rstest::rstest;

fn authority(change: impl FnOnce(&mut Authority)) -> Authority {
    let mut authority = Authority::default();
    change(&mut authority);
    authority
}

fn asked(change: impl FnOnce(&mut Leaf)) -> Want {
    let mut leaf = leaf("home", &["web.internal"]);
    change(&mut leaf);
    Want::Leaf(leaf)
}

#[rstest]
#[case("home/x", asked(|leaf| leaf.days = Some(0)), "`days` is 0")]
#[case("home/x", asked(|leaf| leaf.days = Some(-3)), "`days` is -3")]
#[case("home/x", asked(|leaf| leaf.hours = Some(i64::MAX)), "`hours` is 9223372036854775807")]
#[case("home/x", asked(|leaf| (leaf.days, leaf.hours) = (Some(1), Some(1))), "both `days` and `hours`")]
#[case("home/x", asked(|leaf| leaf.subject.common_name = Some(String::new())), "`CN` of the subject is empty")]
#[case("home/x", asked(|leaf| leaf.subject.country = Some("Germany".into())), "`C` of the subject is a code")]
#[case("home/x", asked(|leaf| leaf.sans.clear()), "`home/x` has no names")]
#[case("home/x", asked(|leaf| leaf.ca = None), "nobody is named to issue `home/x`")]
#[case("home/x", asked(|leaf| leaf.ca = Some("../x".into())), "`../x` is no name of a certificate")]
#[case("home/x", asked(|leaf| leaf.ca = Some("hom".into())), "there is no certificate `hom`")]
#[case("home", asked(|_| {}), "`home` cannot be its own issuer")]
#[case("home/x", asked(|leaf| leaf.key_usages = vec![KeyUsage::CertSign]), "must not sign certificates")]
#[case("home/x", asked(|leaf| (leaf.days, leaf.renew_before) = (Some(9), Some("10d".parse().expect("a time")))), "not shorter than the lifetime 9d")]
#[case("../x", asked(|_| {}), "`../x` is no name of a certificate")]
#[case("home/x", Want::Root(authority(|root| root.ca = Some("home".into()))), "signs itself")]
#[case("home/x", Want::Intermediate(Authority::default()), "nobody is named to issue")]
#[case("home/x", Want::Root(authority(|root| root.crl_urls = vec!["home.crl".into()])), "`home.crl` is no URL")]
#[case("home/x", Want::Root(authority(|root| root.crl_days = Some(0))), "`crl_days` is 0")]
#[case("home", Want::Root(authority(|root| root.subject = "CN=Other".parse().expect("a subject"))), "cannot change its subject or key type")]
#[case("home", below("x"), "there is no certificate `x`")]
fn nonsense_is_refused(#[case] name: &str, #[case] want: Want, #[case] problem: &str) {
    let bed = Bed::new();
    bed.ensure("home", &root());
    let error = bed.refused(name, &want);
    assert!(error.to_string().contains(problem), "{error}");
    let names: Vec<String> = bed.pki.list().expect("listed").into_iter().map(|listed| listed.name).collect();
    assert_eq!(names, ["home"], "nothing was issued");
    assert!(bed.pki.issued("home").expect("there").is_empty() && !bed.path("pki/home/x").exists());
}

#[test]
fn an_authority_does_not_issue_beyond_its_path_length() {
    let bed = Bed::new();
    bed.ensure("home", &Want::Root(authority(|root| root.path_length = Some(1))));
    let ca = bed.ensure("home/ca", &below("home")).certificate;
    assert_eq!(ca.seen.path_length, Some(0), "what the one above leaves");
    let error = bed.refused("home/ca/sub", &below("home/ca"));
    assert!(error.to_string().contains("path length 0 leaves room for no further authority"), "{error}");
    let error = bed
        .refused("home/b", &Want::Intermediate(authority(|b| (b.ca, b.path_length) = (Some("home".into()), Some(1)))));
    assert!(error.to_string().contains("a path length of 1 is not below its own of 1"), "{error}");
    bed.ensure("home/web", &web());
    bed.verifies("home/web", &[]);
}

#[test]
fn a_certificate_issues_nothing() {
    let bed = Bed::with_web();
    let error = bed.refused("home/x", &Want::Leaf(leaf("home/web", &["x.internal"])));
    assert!(error.to_string().contains("`home/web` cannot issue `home/x`: it is no authority"), "{error}");
    let error = bed.refused("home/web", &root());
    assert!(error.to_string().contains("of another kind: leaf, not root"), "{error}");
}

#[test]
fn names_are_constrained_from_the_root_on_and_openssl_agrees() {
    let bed = Bed::new();
    let trees = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a tree")).collect();
    bed.ensure(
        "home",
        &Want::Root(authority(|root| {
            root.permitted = trees(&["dns:internal", "ip:10.0.0.0/8", "ip:fd00::/8", "email:example.org"]);
            root.excluded = trees(&["dns:secret.internal", "ip:10.99.0.0/16"]);
        })),
    );
    let text = bed.text("home");
    assert!(text.contains("X509v3 Name Constraints: critical") && text.contains("IP:10.0.0.0/255.0.0.0"), "{text}");
    bed.ensure("home/ca", &below("home"));
    let want = |san: &str| Want::Leaf(leaf("home/ca", &[san]));
    for (at, good) in ["web.internal", "*.web.internal", "10.1.2.3", "fd00::1", "ada@example.org", "https://a.other/"]
        .iter()
        .enumerate()
    {
        let name = format!("home/good{at}");
        bed.ensure(&name, &want(good));
        // openssl compares URIs with constraints of their own kind alone, as we do.
        bed.verifies(&name, &[]);
        bed.pki.verify(&name, super::later(0)).expect("good");
    }
    for bad in [
        "web.example",
        "internal.example",
        "11.0.0.1",
        "ada@b.example.org",
        "a.secret.internal",
        "*.internal",
        "10.99.1.1",
    ] {
        let error = bed.refused("home/bad", &want(bad));
        assert!(error.to_string().contains("`home` cannot issue `home/bad`"), "{bad}: {error}");
    }
    let named =
        Want::Leaf(Leaf { subject: "CN=web.example".parse().expect("a subject"), ..leaf("home/ca", &["10.0.0.1"]) });
    assert!(bed.refused("home/bad", &named).to_string().contains("dns:web.example"), "openssl takes it as a name");
    let client = Leaf {
        usage: Some(rhapsode::pki::Use::Client),
        subject: "CN=Ada".parse().expect("a subject"),
        ..leaf("home/ca", &[])
    };
    bed.ensure("home/ada", &Want::Leaf(client));
    bed.verifies("home/ada", &["-purpose", "sslclient"]);
}

#[test]
fn an_authority_may_have_names_and_purposes_and_issues_for_no_others() {
    let bed = Bed::new();
    let for_clients = |ca: &mut Authority| {
        (ca.ca, ca.usage) = (Some("home".into()), Some(rhapsode::pki::Use::Client));
        ca.sans = vec!["dns:ca.internal".parse().expect("a name")];
    };
    bed.ensure("home", &root());
    bed.ensure("home/ca", &Want::Intermediate(authority(for_clients)));
    assert!(bed.reasons("home/ca", &Want::Intermediate(authority(for_clients)), 0).is_empty());
    let text = bed.text("home/ca");
    assert!(text.contains("DNS:ca.internal") && text.contains("TLS Web Client Authentication"), "{text}");
    let refused = bed.refused("home/web", &web());
    assert!(
        refused.to_string().contains("`home/ca` cannot issue `home/web`: it issues nothing for a server"),
        "{refused}"
    );
    let client = Leaf { usage: Some(rhapsode::pki::Use::Client), ..leaf("home/ca", &[]) };
    bed.ensure("home/ada", &Want::Leaf(client));
    bed.verifies("home/ada", &["-purpose", "sslclient"]);
    assert_eq!(bed.reasons("home/ca", &below("home"), 0), ["use none, was client", "SAN dns:ca.internal removed"]);
}

#[test]
fn what_users_write_is_read_strictly() {
    let read = |text: &str| serde_json::from_str::<Leaf>(text);
    let leaf =
        read(r#"{"ca": "home", "sans": ["a.b", "ip:10.0.0.1"], "use": "server", "days": 90, "renew_before": 10}"#);
    assert_eq!(leaf.expect("read").sans.len(), 2);
    for (wrong, problem) in [
        (r#"{"san": ["a.b"]}"#, "unknown field `san`"),
        (r#"{"sans": ["a b"]}"#, "`a b` is no DNS name"),
        (r#"{"use": "all"}"#, "unknown variant `all`"),
        (r#"{"key": "rsa1024"}"#, "there is no key type `rsa1024`"),
        (r#"{"renew_before": "soon"}"#, "`soon` is no length of time"),
        (r#"{"subject": {"xx": "a"}}"#, "a subject has no `xx`"),
    ] {
        let error = read(wrong).expect_err(wrong).to_string();
        assert!(error.contains(problem), "{error}");
    }
    let error = serde_json::from_str::<Authority>(r#"{"permitted": ["uri:https://a"]}"#).expect_err("no such tree");
    assert!(error.to_string().contains("no name constraint"), "{error}");
}
