//! Git merges secrets by value.

use super::{Person, git, run};
use crate::support::project::Project;
use std::process::Command;

fn two_branches(ada: &Person, ours: (&str, &str), theirs: (&str, &str)) -> Project {
    let project = Project::new().git();
    ada.cli(&project, ["secret", "init", "-q"]).success();
    for name in ["a", "b", "c"] {
        ada.set(&project, name, "one-value");
    }
    project.commit("secrets");
    run(Command::new("git").current_dir(project.root()).args(["checkout", "-q", "-b", "theirs"]));
    ada.set(&project, theirs.0, theirs.1);
    project.commit("theirs");
    run(Command::new("git").current_dir(project.root()).args(["checkout", "-q", "main"]));
    ada.set(&project, ours.0, ours.1);
    project.commit("ours");
    project
}

#[test]
fn branches_that_change_different_secrets_merge_without_a_conflict() {
    let ada = Person::new();
    let project = two_branches(&ada, ("a", "our-value"), ("b", "their-value"));
    let merged = git(&project, &ada, &["merge", "--no-edit", "theirs"]);
    assert!(merged.status.success(), "{}", String::from_utf8_lossy(&merged.stdout));
    let values = ["a", "b", "c"].map(|name| ada.get(&project, name));
    assert_eq!(values, ["our-value", "their-value", "one-value"]);
}

#[test]
fn a_secret_that_both_changed_is_a_conflict_and_ours_stays() {
    let ada = Person::new();
    let project = two_branches(&ada, ("a", "our-value"), ("a", "their-value"));
    let merged = git(&project, &ada, &["merge", "--no-edit", "theirs"]);
    assert!(!merged.status.success());
    let said = String::from_utf8_lossy(&[merged.stderr, merged.stdout].concat()).into_owned();
    assert!(said.contains("both sides changed `a`") && !said.contains("-value"), "{said}");
    assert_eq!(ada.get(&project, "a"), "our-value");
}
