//! Git merges what two branches issued and revoked.

use crate::secrets::{Person, git, run};
use crate::support::project::Project;
use std::process::Command;

/// A project with an authority and three certificates of it, committed.
fn home() -> (Person, Project) {
    let ada = Person::new();
    let project = Project::new().git();
    ada.cli(&project, ["secret", "init", "-q"]).success();
    ada.cli(&project, ["pki", "init", "home", "-q"]).success();
    ["one", "two", "three"].iter().for_each(|name| issue(&ada, &project, name, "internal"));
    project.commit("an authority");
    (ada, project)
}

fn issue(ada: &Person, project: &Project, name: &str, domain: &str) {
    let (name, san) = (format!("home/{name}"), format!("{name}.{domain}"));
    ada.cli(project, ["pki", "issue", &name, "--ca", "home", "--san", &san, "-q"]).success();
}

/// Commits what each side does on a branch of its own; ours is checked out then.
fn branches(project: &Project, theirs: impl FnOnce(), ours: impl FnOnce()) {
    let checkout =
        |words: &[&str]| _ = run(Command::new("git").current_dir(project.root()).arg("checkout").args(words));
    checkout(&["-q", "-b", "theirs"]);
    theirs();
    project.commit("theirs");
    checkout(&["-q", "main"]);
    ours();
    project.commit("ours");
}

#[test]
fn branches_that_both_issue_and_revoke_merge_and_the_next_list_tells_it_all() {
    let (ada, project) = home();
    let revoke = |name: &str| ada.cli(&project, ["pki", "revoke", name, "-q"]).success();
    branches(
        &project,
        || {
            issue(&ada, &project, "theirs", "internal");
            revoke("home/one");
        },
        || {
            issue(&ada, &project, "ours", "internal");
            revoke("home/two");
        },
    );
    let merged = git(&project, &ada, &["merge", "--no-edit", "theirs"]);
    assert!(merged.status.success(), "{}", String::from_utf8_lossy(&[merged.stdout, merged.stderr].concat()));

    let issued = ada.cli(&project, ["pki", "list", "--issued-by", "home"]).any_stdout().success().stdout;
    for name in ["one", "two", "three", "ours", "theirs"] {
        assert!(issued.contains(&format!("home/{name} ")), "{name} is missing in {issued}");
    }
    // Each side made a list with the same number, and neither tells what the other one revoked.
    ada.cli(&project, ["pki", "crl"]).stderr_contains("home: made, number 2").success();
    let list = project.root().join("pki/home/crl.pem");
    let told = run(Command::new("openssl").args(["crl", "-noout", "-text", "-in"]).arg(list));
    assert_eq!(String::from_utf8_lossy(&told.stdout).matches("Serial Number:").count(), 2);
    for (name, status) in [("one", "revoked"), ("two", "revoked"), ("three", "valid"), ("ours", "valid")] {
        let listed = ada.cli(&project, ["pki", "list"]).any_stdout().success().stdout;
        let line = listed.lines().find(|line| line.starts_with(&format!("home/{name} "))).expect("listed");
        assert!(line.contains(status), "{line}");
    }
}

#[test]
fn an_authority_that_both_sides_issue_anew_is_a_conflict_and_ours_stays() {
    let (ada, project) = home();
    let renew = || ada.cli(&project, ["pki", "renew", "home", "-q"]).success();
    branches(&project, || _ = renew(), || _ = renew());
    let ours = project.read("pki/home/record.json");
    let merged = git(&project, &ada, &["merge", "--no-edit", "theirs"]);
    assert!(!merged.status.success());
    let said = String::from_utf8_lossy(&[merged.stderr, merged.stdout].concat()).into_owned();
    assert!(said.contains("both sides issued `home` anew"), "{said}");
    assert_eq!(project.read("pki/home/record.json"), ours);
    // The advice works.
    for file in ["certificate.pem", "chain.pem", "record.json"] {
        let file = format!("pki/home/{file}");
        assert!(git(&project, &ada, &["checkout", "theirs", "--", &file]).status.success(), "{file}");
    }
    ada.cli(&project, ["pki", "verify", "home"]).stdout_contains("home: good").success();
}

#[test]
fn ssh_authorities_merge_and_a_serial_that_both_gave_is_given_once_again() {
    let ada = Person::new();
    let project = Project::new().git().file("inv.yaml", "hosts: { here: { connect: local } }\n");
    let keys = ["one", "two", "three"].map(|name| format!("let {name} = ssh::key(\"{name}\");\n")).concat();
    let playbook = |more: &str| format!("{keys}let ca = ssh::ca(\"users\");\n{more}");
    let certify =
        |name: &str| format!("ssh::user_certificate(\"{name}\", #{{ ca: ca, key: {name}, principals: [\"ada\"] }});\n");
    let apply = |text: &str| {
        project.write("site.rhai", playbook(text));
        ada.cli(&project, ["apply", "site.rhai", "-i", "inv.yaml", "--yes", "-q"]).success()
    };
    ada.cli(&project, ["secret", "init", "-q"]).success();
    apply(&certify("one"));
    project.commit("an authority");
    // Each side gives the serial 2, and revokes something.
    let two = [certify("one"), certify("two")].concat();
    let three = [certify("one"), certify("three")].concat();
    branches(
        &project,
        || _ = apply(&format!("{three}ssh::revoked(ca, [1]);\n")),
        || _ = apply(&format!("{two}ssh::revoked(ca, [one.public_key]);\n")),
    );
    let merged = git(&project, &ada, &["merge", "--no-edit", "-X", "ours", "theirs"]);
    assert!(merged.status.success(), "{}", String::from_utf8_lossy(&[merged.stdout, merged.stderr].concat()));

    project.write("site.rhai", playbook(&[certify("two"), certify("three")].concat()));
    ada.cli(&project, ["plan", "site.rhai", "-i", "inv.yaml"])
        .stderr_contains("its revocation list is not that of its record")
        .stderr_contains("its serial 2 is that of `three`")
        .stderr_contains("2 changes")
        .success();
    ada.cli(&project, ["apply", "site.rhai", "-i", "inv.yaml", "--yes", "-q"]).success();
    ada.cli(&project, ["apply", "site.rhai", "-i", "inv.yaml", "--expect-no-changes", "-q"]).success();
    let list = project.path("pki/ssh/users/revoked.krl");
    let told = run(Command::new("ssh-keygen").args(["-Q", "-l", "-f"]).arg(list)).stdout;
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(told.contains("serial: 1") && told.contains("hash: SHA256:"), "{told}");
}

#[test]
fn the_serial_of_a_zone_that_both_sides_changed_rises_above_both() {
    let ada = Person::new();
    let project = Project::new().git().file("inv.yaml", "hosts: { here: { connect: local } }\n");
    let apply = |hosts: &str| {
        let zone = format!(
            "dns::zone(\"home.arpa\", #{{ ns: [\"ns\"], hosts: #{{ ns: \"10.0.0.1\", {hosts} }}, serial: \"increment\" }});\n"
        );
        project.write("site.rhai", zone);
        ada.cli(&project, ["apply", "site.rhai", "-i", "inv.yaml", "--yes", "-q"]).success();
    };
    let serial = || {
        let kept: serde_json::Value = serde_json::from_str(&project.read("dns/zones/home.arpa.json")).expect("kept");
        kept["serial"].as_u64().expect("a number")
    };
    ada.cli(&project, ["secret", "init", "-q"]).success();
    apply("a: \"10.0.0.2\"");
    project.commit("a zone");
    branches(
        &project,
        || {
            apply("a: \"10.0.0.2\", b: \"10.0.0.3\"");
            apply("a: \"10.0.0.2\", b: \"10.0.0.4\"");
        },
        || apply("a: \"10.0.0.2\", c: \"10.0.0.5\""),
    );
    assert_eq!(serial(), 2);
    let merged = git(&project, &ada, &["merge", "--no-edit", "-X", "ours", "theirs"]);
    assert!(merged.status.success(), "{}", String::from_utf8_lossy(&[merged.stdout, merged.stderr].concat()));
    assert_eq!(serial(), 3);
    // What was served as 3 was another zone.
    apply("a: \"10.0.0.2\", b: \"10.0.0.4\", c: \"10.0.0.5\"");
    assert_eq!(serial(), 4);
}
