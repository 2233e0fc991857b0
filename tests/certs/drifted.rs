//! `drift` of what the project holds: told with the reasons, and nothing is made.

use super::{Bed, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn playbook(sans: &str, address: &str) -> String {
    format!(
        r#"let here = host.data("here");
           let home = cert::ca("home");
           let web = cert::issue("home/web", #{{ ca: home, sans: [{sans}] }});
           cert::present(here + "/tls", web);
           cert::crl(here + "/list.pem", home);
           let users = ssh::ca("users");
           let ada = ssh::user_certificate("ada", #{{ ca: users, key: ssh::key("ada"), principals: ["ada"] }});
           file::put(here + "/cert.pub", #{{ content: ada.certificate }});
           let zone = dns::zone("internal", #{{ ns: "ns1", hosts: #{{ ns1: "{address}" }} }});
           file::put(here + "/zone", #{{ content: zone.text }});
           dns::tsig("transfer");"#
    )
}

/// The document of a drift that exits with `code`.
#[track_caller]
fn drift(bed: &Bed, code: i32) -> Value {
    bed.ada.cli(&bed.scene.project, ["drift", "site.rhai", "--json"]).any_stderr().json(code)
}

/// Operation, target without its folder, cause and changes of what differs.
fn told(document: &Value) -> Vec<(String, Value, Vec<String>)> {
    let operations = document["hosts"]["a"]["operations"].as_array().expect("operations");
    let differs = operations.iter().filter(|one| one["status"] == "changed");
    let entry = |one: &Value| {
        let target = one["target"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        let changes = one["changes"].as_array().into_iter().flatten();
        let texts = changes.map(|change| change["text"].as_str().unwrap_or_default().to_owned()).collect();
        (format!("{} {target}", one["op"].as_str().unwrap_or_default()), one["cause"].clone(), texts)
    };
    differs.map(entry).collect()
}

/// Every file of the project's own folders with its content.
fn files(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(folder).expect("listed").flatten() {
        match entry.path().is_dir() {
            true => files(&entry.path(), found),
            false => drop(found.insert(
                entry.path(),
                String::from_utf8_lossy(&std::fs::read(entry.path()).expect("read")).into_owned(),
            )),
        }
    }
}

fn held(bed: &Bed) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for folder in ["pki", "secrets", "dns"] {
        files(&bed.scene.project.path(folder), &mut found);
    }
    found
}

#[test]
fn what_differs_in_the_project_is_told_with_its_reasons_and_left_alone() {
    let bed = Bed::shells(&["a"]);
    let project = &bed.scene.project;
    bed.playbook(&playbook("\"web.internal\"", "10.0.0.2"));
    bed.applied(0);
    assert_eq!(told(&drift(&bed, 0)), []);
    let before = held(&bed);

    bed.playbook(&playbook("\"web.internal\", \"new.internal\"", "10.0.0.3"));
    let document = drift(&bed, 2);
    let found = told(&document);
    assert_eq!(
        found[0],
        ("cert::issue web".into(), Value::Null, vec!["issue anew: SAN dns:new.internal added".into()])
    );
    let ops: Vec<&str> = found.iter().map(|(op, ..)| op.as_str()).collect();
    assert_eq!(ops, ["cert::issue web", "dns::zone internal.", "file::put zone"]);
    assert_eq!((&document["totals"]["unknown"], &found[2].1), (&1.into(), &"repository".into()), "{document:#}");
    assert_eq!(held(&bed), before, "a drift made something");
    let shown = bed.ada.cli(project, ["drift", "site.rhai"]).any_stdout();
    shown.stderr_contains("issue anew: SAN dns:new.internal added").exit(2);

    bed.playbook(&playbook("\"web.internal\"", "10.0.0.2"));
    bed.ada.cli(project, ["pki", "revoke", "home/web"]).any_stderr().success();
    project.write("pki/ssh/users/ada-cert.pub", "by hand\n");
    project.write("hosts/a/tls/privkey.pem", "by hand\n");
    let before = held(&bed);
    let found = told(&drift(&bed, 2));
    let ops: Vec<&str> = found.iter().map(|(op, ..)| op.as_str()).collect();
    assert_eq!(ops, ["cert::issue web", "cert::crl list.pem", "ssh::user_certificate ada"]);
    assert_eq!(found[0].2, ["issue anew: was revoked: unspecified"]);
    assert_eq!(found[2].2, ["`pki/ssh/users/ada-cert.pub` is no certificate"]);
    assert_eq!(held(&bed), before, "a drift made something");

    bed.applied(0);
    assert_eq!(told(&drift(&bed, 0)), [], "an apply heals it");
    project.write("hosts/a/tls/privkey.pem", "by hand\n");
    let found = told(&drift(&bed, 2));
    assert_eq!((found.len(), found[0].0.as_str(), &found[0].1), (1, "cert::present tls", &"hand".into()));
}

#[test]
fn a_file_of_the_project_that_was_changed_by_hand_is_an_error_that_names_it() {
    let bed = Bed::shells(&["a"]);
    bed.playbook(&playbook("\"web.internal\"", "10.0.0.2"));
    bed.applied(0);
    let certificate = bed.scene.project.path("pki/home/web/certificate.pem");
    let torn = text(&certificate).replace("-----END", "----END");
    std::fs::write(&certificate, &torn).expect("written");
    let document = drift(&bed, 3);
    let error = document["hosts"]["a"]["error"]["causes"].to_string();
    assert!(error.contains("`pki/home/web/certificate.pem` is not what was issued"), "{document:#}");
    assert_eq!(text(&certificate), torn);
}
