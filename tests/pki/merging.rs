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
