//! `rhapsode pki`, as people call it.

use crate::secrets::{Person, run};
use crate::support::cli::Cli;
use crate::support::project::Project;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// A person's project with an authority and a certificate.
fn home() -> (Person, Project) {
    let ada = Person::new();
    let project = ada.project();
    let subject = "CN=Home Root,O=Home,C=DE";
    ada.cli(&project, ["pki", "init", "home", "--subject", subject, "-q"]).success();
    ada.cli(&project, ["pki", "init", "home/ca", "--ca", "home", "--days", "1000", "-q"]).success();
    web(&ada, &project).arg("-q").success();
    (ada, project)
}

fn web(ada: &Person, project: &Project) -> Cli {
    ada.cli(project, ["pki", "issue", "home/web", "--ca", "home/ca", "--san", "web.internal", "--days", "90"])
}

#[test]
fn an_authority_and_a_certificate_in_three_commands() {
    let ada = Person::new();
    let project = ada.project();
    ada.cli(&project, ["pki", "init", "home"])
        .stderr_contains("home: issued, valid until ")
        .stderr_contains("(there is none yet)")
        .success();
    let issue = || ada.cli(&project, ["pki", "issue", "home/web", "--ca", "home", "--san", "web.internal"]);
    issue().stderr_contains("home/web: issued").success();
    issue().stderr_contains("home/web: unchanged, valid until ").success();
    issue().arg("--san").arg("ip:10.0.0.1").stderr_contains("(SAN ip:10.0.0.1 added)").success();
    let document = issue().arg("--json").json(0);
    assert_eq!(document["certificates"][0]["changed"], true);
    assert_eq!(document["certificates"][0]["reasons"][0], "SAN ip:10.0.0.1 removed");
    assert_eq!(document["certificates"][0]["certificate"]["sans"][0], "dns:web.internal");
    ada.cli(&project, ["pki", "verify"])
        .stdout_contains("home: good, CN=home\n")
        .stdout_contains("home/web: good, CN=web.internal < CN=home")
        .success();
}

#[test]
fn what_expires_is_listed_and_told_by_the_exit_status() {
    let (ada, project) = home();
    ada.cli(&project, ["pki", "list"])
        .stdout_contains("NAME      KIND          ISSUER   ENDS        DAYS  STATUS\n")
        .stdout_contains("home/web  leaf          home/ca")
        .stdout_contains("valid\n")
        .success();
    ada.cli(&project, ["pki", "list", "--expiring", "30d"]).stdout_contains("NAME").success();
    let soon = ada.cli(&project, ["pki", "list", "--expiring", "90d"]).stdout_contains("home/web").exit(2).stdout;
    assert_eq!(soon.lines().count(), 2, "{soon}");
    let document = ada.cli(&project, ["pki", "list", "--expiring", "90d", "--json"]).json(2);
    assert_eq!(
        (document["certificates"][0]["name"].as_str(), document["certificates"][0]["days_left"].as_i64()),
        (Some("home/web"), Some(89))
    );
    ada.cli(&project, ["pki", "revoke", "home/web", "--reason", "cessation_of_operation", "-q"]).success();
    // What is revoked is not waited for, but the list that tells it is.
    let soon =
        ada.cli(&project, ["pki", "list", "--expiring", "30d"]).stdout_contains("home/ca/crl  crl").exit(2).stdout;
    assert_eq!(soon.lines().count(), 2, "{soon}");
    ada.cli(&project, ["pki", "list", "--expiring", "29d"]).stdout_contains("NAME").success();
    ada.cli(&project, ["pki", "list"]).stdout_contains("revoked (cessation of operation)").success();
    ada.cli(&project, ["pki", "list", "--expiring", "soon"]).stderr_contains("write `30d`, `48h` or `2y`").exit(64);
}

#[test]
fn certificates_of_openssh_and_self_signed_ones_are_told_too() {
    let (ada, project) = home();
    project.write("inv.yaml", "hosts: { here: { connect: local } }\n");
    let playbook = |options: &str| {
        format!(
            "let users = ssh::ca(\"users\");
             ssh::ca(\"users/eu\");
             ssh::user_certificate(\"ada\", #{{ ca: users, key: ssh::key(\"ada\"), principals: [\"ada\"] }});
             ssh::user_certificate(\"eu/bob\", #{{ ca: users, key: ssh::key(\"bob\"), principals: [\"bob\"], days: 2.5 }});
             ssh::user_certificate(\"eve\", #{{ ca: \"users/eu\", key: ssh::key(\"eve\"), principals: [\"eve\"], days: 2.5 }});
             cert::self_signed(\"lab\", #{{ sans: \"lab.internal\", days: 3 }});
             {options}"
        )
    };
    let apply = |options: &str| {
        project.write("site.rhai", playbook(options));
        ada.cli(&project, ["apply", "site.rhai", "--yes", "-i", "inv.yaml"]).any_stdout().any_stderr().success();
    };
    apply("");
    let list = |within: &str, code| {
        let listed = ada.cli(&project, ["pki", "list", "--expiring", within]).any_stdout().exit(code).stdout;
        let rows = listed.lines().skip(1).map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()));
        rows.map(|cells| {
            let cells: Vec<_> = cells.collect();
            [0, 1, 2, 4, 5].map(|at| cells[at]).join(",")
        })
        .collect::<Vec<_>>()
    };
    let soon = [
        "lab,self-signed,-,2,valid",
        "ssh/users/eu/bob,ssh user,ssh/users,2,valid",
        "ssh/users/eu/eve,ssh user,ssh/users/eu,2,valid",
    ];
    assert_eq!(list("3d", 2), soon);
    assert_eq!(list("1d", 0), [""; 0]);
    assert!(list("91d", 2).iter().any(|row| row.starts_with("ssh/users/ada,ssh user,ssh/users,")));
    let document = ada.cli(&project, ["pki", "list", "--expiring", "3d", "--json"]).json(2);
    let bob = &document["ssh_certificates"][0];
    assert_eq!(
        [&bob["name"], &bob["kind"], &bob["authority"], &bob["principals"][0], &bob["serial"], &bob["days_left"]],
        [
            &"eu/bob".into(),
            &"user".into(),
            &"users".into(),
            &"bob".into(),
            &serde_json::json!(2),
            &serde_json::json!(2)
        ]
    );
    // What is revoked is waited for by nobody.
    project.write("site.rhai", "ssh::revoked(\"users\", [\"eu/bob\"]);");
    ada.cli(&project, ["apply", "site.rhai", "--yes", "-i", "inv.yaml"]).any_stdout().any_stderr().success();
    assert_eq!(list("3d", 2), [soon[0], soon[2]]);
    ada.cli(&project, ["pki", "list"]).stdout_contains("revoked\n").success();
    project.write("pki/ssh/users/ada-cert.pub", "torn");
    ada.cli(&project, ["pki", "list"]).stderr_contains("`pki/ssh/users/ada-cert.pub` is no certificate").exit(1);
}

#[test]
fn what_is_half_made_and_lists_of_a_former_key_are_told_too() {
    let (ada, project) = home();
    let list = |code| ada.cli(&project, ["pki", "list", "--expiring", "1d"]).any_stdout().exit(code).stdout;
    assert_eq!(list(0).lines().count(), 1);
    ada.cli(&project, ["pki", "crl", "home/ca", "-q"]).success();
    assert_eq!(list(0).lines().count(), 1);
    ada.cli(&project, ["pki", "rotate", "home/ca", "-q"]).success();
    assert!(list(2).contains("home/ca/crl  crl   home/ca  -     -     not of this key\n"), "{}", list(2));
    let document = ada.cli(&project, ["pki", "list", "--expiring", "1d", "--json"]).json(2);
    assert_eq!(
        (&document["crls"][0]["authority"], &document["crls"][0]["number"]),
        (&"home/ca".into(), &serde_json::Value::Null)
    );
    ada.cli(&project, ["pki", "crl", "home/ca", "-q"]).success();
    assert_eq!(list(0).lines().count(), 1);
    project.write("pki/home/web/.unfinished", "");
    assert!(list(2).contains("home/web  -     -       -     -     unfinished\n"), "{}", list(2));
    ada.cli(&project, ["pki", "renew", "--due", "-q"]).success();
    assert_eq!(list(0).lines().count(), 1);
}

#[test]
fn revoking_makes_the_list_and_the_books_tell_it() {
    let (ada, project) = home();
    ada.cli(&project, ["pki", "revoke", "home/web", "--reason", "keyCompromise"])
        .stderr_contains("`home/web` is revoked: key compromise; revocation list 1 of `home/ca` holds until ")
        .success();
    ada.cli(&project, ["pki", "list", "--issued-by", "home/ca"]).stdout_contains("revoked (key compromise)").success();
    ada.cli(&project, ["pki", "crl"])
        .stderr_contains("home/ca: unchanged, number 1")
        .stderr_contains("home: made, number 1")
        .success();
    let verified = ada.cli(&project, ["pki", "verify", "--json"]).any_stderr().json(1);
    assert_eq!(
        verified["certificates"][2]["problem"],
        "`home/web` does not verify: `home/web` was revoked: key compromise"
    );
    ada.cli(&project, ["pki", "renew", "home/web"]).stderr_contains("home/web: issued").success();
    ada.cli(&project, ["pki", "verify", "home/web"]).stdout_contains("good").success();
    ada.cli(&project, ["pki", "revoke", "home/web", "--reason", "lost"])
        .stderr_contains("there is no reason `lost`")
        .exit(64);
}

#[test]
fn parts_are_exported_and_keys_only_where_they_are_safe() {
    let (ada, project) = home();
    let get = |what: &str| ada.cli(&project, ["pki", "export", "home/web"]).arg(what);
    let (cert, chain) = (get("cert").any_stdout().success().stdout, get("chain").any_stdout().success().stdout);
    get("fullchain").stdout(&format!("{cert}{chain}")).success();
    assert_eq!((cert.matches("BEGIN CERTIFICATE").count(), chain.matches("BEGIN CERTIFICATE").count()), (1, 1));
    let root = ada.cli(&project, ["pki", "export", "home", "cert"]).any_stdout().success().stdout;
    get("bundle").stdout(&root).success();
    project.write("more.pem", format!("# another one\n{chain}"));
    get("bundle").arg("--extra").arg("more.pem").stdout(&format!("{root}{chain}")).success();
    for private in ["key", "password"] {
        get(private).stderr_contains("--reveal").exit(64);
    }
    let key = get("key").arg("--reveal").any_stdout().success().stdout;
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{key}");
    get("key").arg("-o").arg("out.key").success();
    assert_eq!(project.read("out.key"), key);
    get("p12").arg("-o").arg("out.p12").success();
    get("cert").arg("-o").arg("out.pem").success();
    let mode = |file: &str| std::fs::metadata(project.path(file)).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode("out.key"), mode("out.p12"), mode("out.pem")), (0o600, 0o600, 0o644));
    let password = get("password").arg("--reveal").any_stdout().success().stdout;
    let mut openssl = Command::new("openssl");
    openssl.current_dir(project.root()).args(["pkcs12", "-in", "out.p12", "-noout", "-passin"]);
    run(openssl.arg(format!("pass:{}", password.trim_end())));
    let kept = ada.get(&project, "pki/home/web/pkcs12_password");
    assert_eq!(format!("{kept}\n"), password);
    ada.cli(&project, ["pki", "export", "home/ca", "p12"]).stderr_contains("goes nowhere").exit(1);
}

#[test]
fn certificates_are_shown_by_name_and_from_files() {
    let (ada, project) = home();
    let shown = ada.cli(&project, ["pki", "show", "home/web"]).any_stdout().success().stdout;
    for line in [
        "kind          leaf\n",
        "subject       CN=web.internal,O=Home,C=DE\n",
        "names         dns:web.internal\n",
        "use           server, client\n",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let file = ada.cli(&project, ["pki", "show", "pki/home/web/chain.pem"]).any_stdout().success().stdout;
    assert_eq!(file.matches("subject hash").count(), 2, "{file}");
    let document = ada.cli(&project, ["pki", "show", "home/ca", "--json"]).json(0);
    assert_eq!((&document["kind"], &document["certificate"]["authority"]), (&"intermediate".into(), &true.into()));
    ada.cli(&project, ["pki", "show", "home/wep"]).stderr_contains("did you mean `home/web`?").exit(1);
    project.write("no.pem", "nothing");
    ada.cli(&project, ["pki", "show", "no.pem"]).stderr_contains("there is no certificate in it").exit(1);
}

#[test]
fn what_is_due_is_renewed_authorities_first() {
    let (ada, project) = home();
    let short = ["pki", "issue", "home/short", "--ca", "home/ca", "--san", "s.internal", "--hours", "1", "-q"];
    ada.cli(&project, short).success();
    ada.cli(&project, ["pki", "renew", "--due"]).success();
    // Its authority was made with another lifetime than its own record tells by now: it is due.
    let record = project.read("pki/home/ca/record.json").replace("\"days\": 1000", "\"days\": 1200");
    project.write("pki/home/ca/record.json", record);
    ada.cli(&project, ["pki", "renew", "--due"]).success();
    ada.cli(&project, ["pki", "renew"]).any_stderr().exit(64);
}

#[test]
fn a_root_is_rotated_in_three_commands() {
    let (ada, project) = home();
    let rotate = || ada.cli(&project, ["pki", "rotate", "home"]);
    rotate().stderr_contains("stands in the trust bundle").success();
    rotate().stderr_contains("issues from now on").success();
    rotate().stderr_contains("still issued by the previous root of `home`: `home/ca`").exit(1);
    ada.cli(&project, ["pki", "renew", "--due"])
        .stderr_contains("home/ca: issued")
        .stderr_contains("home/web: issued")
        .success();
    rotate().stderr_contains("is trusted no more").success();
    ada.cli(&project, ["pki", "renew", "--due"]).stderr_contains("home/web").success();
    ada.cli(&project, ["pki", "verify"]).stdout_contains("home/web: good").success();
}

#[test]
fn mistakes_are_one_clear_error() {
    let ada = Person::new();
    let bare = Project::new();
    ada.cli(&bare, ["pki", "init", "home"]).stderr_contains("run `rhapsode secret init`").exit(1);
    assert!(!bare.path("pki/home/certificate.pem").exists());
    let (ada, project) = home();
    let issue =
        |words: &[&str]| words.iter().fold(ada.cli(&project, ["pki", "issue", "home/x"]), |cli, word| cli.arg(word));
    issue(&["--ca", "home/ca"]).stderr_contains("error: `home/x` has no names").exit(1);
    issue(&["--ca", "home/ca", "--san", "a b"]).stderr_contains("`a b` is no DNS name").exit(64);
    issue(&["--ca", "home/ca", "--san", "a.b", "--days", "0"]).stderr_contains("`days` is 0").exit(1);
    issue(&["--ca", "home/ca", "--san", "a.b", "--key", "dsa"]).stderr_contains("there are p256, p384").exit(64);
    issue(&["--san", "a.b"]).stderr_contains("--ca").exit(64);
    issue(&["--ca", "hone", "--san", "a.b"]).stderr_contains("did you mean `home`?").exit(1);
    project.write("pki/home/web/certificate.pem", "torn");
    ada.cli(&project, ["pki", "list"]).stderr_contains("`pki/home/web/certificate.pem` is not what was issued").exit(1);
}
