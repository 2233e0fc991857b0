//! Mistakes in playbooks: named before any host is asked, with what was probably meant.

use super::Bed;

/// The error and the hint of a `check`.
fn checked(script: &str) -> String {
    let bed = Bed::shells(&["a"]);
    bed.playbook(script);
    let ran = bed.ada.cli(&bed.scene.project, ["check", "site.rhai"]).any_stdout().any_stderr().exit(1);
    ran.stderr
}

#[test]
fn check_knows_the_functions_and_what_they_take() {
    let cases = [
        ("cert::isue(\"web\", #{});", "unknown operation `cert::isue`", "did you mean `cert::issue`?"),
        ("cert::issue(\"web\", #{ san: \"web\" });", "`cert::issue` has no argument `san`", "did you mean `sans`?"),
        ("cert::ca(\"home\", #{ key_tpye: \"ed25519\" });", "no argument `key_tpye`", "did you mean `key_type`?"),
        ("cert::issue(\"web\", #{ ca: \"home\", sans: [\"a b\"] });", "`sans[0]`", "no DNS name"),
        ("cert::self_signed(\"web\", #{ key_type: \"dsa\" });", "argument `key_type`", "dsa"),
        ("cert::self_signed(\"web\", #{ ca: \"home\" });", "has no argument `ca`", "cert::self_signed"),
        ("cert::revoke(\"web\", #{ reason: \"lost\" });", "argument `reason`", "key_compromise"),
        ("cert::present(\"/etc/tls\", \"web\", #{ onwer: \"app\" });", "no argument `onwer`", "did you mean `owner`?"),
        ("cert::present(\"/etc/tls\", \"web\", #{ mode: 600 });", "argument `mode`", "write the mode as text"),
        ("cert::pkcs12(\"/srv/a.p12\", \"web\", #{ friendlyname: \"x\" });", "no argument", "friendly_name"),
        ("cert::crl(\"/srv/crl.pem\", \"home\", #{ mod: \"0644\" });", "no argument `mod`", "did you mean `mode`?"),
        ("cert::trust(\"home\", #{ certifcate: \"x\" });", "no argument `certifcate`", "did you mean `certificate`?"),
    ];
    for (script, error, hint) in cases {
        let said = checked(script);
        assert!(said.contains(error) && said.contains(hint) && said.contains("site.rhai:1:"), "{script}\n{said}");
    }
}

/// Why an apply on one host fails.
fn failed(script: &str) -> (Bed, String) {
    let bed = Bed::shells(&["a"]);
    bed.playbook(script);
    let document = bed.applied_any();
    let hint = document.0["hosts"]["a"]["error"]["hint"].as_str().unwrap_or_default().to_owned();
    let error = format!("{}; {hint}", document.error("a"));
    (bed, error)
}

#[test]
fn the_key_of_an_authority_goes_nowhere() {
    let ca = "let home = cert::ca(\"home\");\nlet here = host.data(\"here\");\n";
    let cases = [
        ("cert::present(here + \"/tls\", home);", "stays in the project"),
        ("cert::pkcs12(here + \"/home.p12\", home);", "stays in the project"),
        ("file::put(here + \"/key\", #{ content: home.key });", "stays in the project"),
        (
            "cert::present(here + \"/tls\", #{ cert: home.cert, key: secret::hide(\"x\") });",
            "that of an authority, whose key stays in the project",
        ),
    ];
    for (script, error) in cases {
        let (bed, said) = failed(&format!("{ca}{script}"));
        assert!(said.contains(error), "{script}\n{said}");
        let left: Vec<_> = std::fs::read_dir(bed.scene.project.path("hosts/a")).expect("listed").flatten().collect();
        assert!(left.is_empty(), "{script}: {left:?}");
    }
}

#[test]
fn what_cannot_be_is_told() {
    let (_, said) = failed("cert::issue(\"web\", #{ sans: \"web.internal\" });");
    assert!(said.contains("nobody is named to issue `web`"), "{said}");
    let (_, said) = failed("cert::issue(\"web\", #{ ca: \"hoem\", sans: \"web.internal\" });");
    assert!(said.contains("hoem"), "{said}");
    let (_, said) = failed("cert::ca(\"home\"); cert::ca(\"home\", #{ days: 100 });");
    assert!(said.contains("`home` is wanted otherwise at site.rhai:1:"), "{said}");
    let (_, said) = failed(
        "let h = cert::ca(\"home\");\nlet w = cert::issue(\"w\", #{ ca: h, sans: \"w.a\" });\ncert::trust(\"w\", w);",
    );
    assert!(said.contains("`w` is no authority"), "{said}");
    let (_, said) = failed("cert::named(\"web\");");
    assert!(said.contains("there is no certificate `web` in this project"), "{said}");
}

#[test]
fn without_secrets_the_way_to_them_is_told() {
    let scene = crate::scenes::Scene::shells(&["a"]).playbook("cert::ca(\"home\");");
    let ada = crate::secrets::Person::new();
    let cli = ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]);
    cli.stderr_contains("rhapsode secret init").any_stdout().exit(3);
    assert!(!scene.project.path("pki/home/certificate.pem").exists());
}
