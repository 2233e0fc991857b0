//! `rhapsode secret` where things go wrong: nothing that was kept is lost, and what is asked is asked once.

use super::terminal::at_terminal;
use super::{Person, run};
use crate::support::project::Project;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn a_value_that_cannot_be_made_takes_no_other_away() {
    let ada = Person::new();
    let project = ada.project();
    ada.set(&project, "token", "kept-4711");
    for wrong in [["--length", "0"], ["--length", "99999"], ["--charset", "a"]] {
        let set = ada.cli(&project, ["secret", "set", "token", "--generate", wrong[0], wrong[1]]);
        set.stderr_contains("token").exit(1);
    }
    ada.cli(&project, ["secret", "set", "token"]).stdin("").stderr_contains("no value for `token`").exit(1);
    ada.cli(&project, ["secret", "set", "env:X"]).stdin("x").stderr_contains("is no name of a secret").exit(1);
    assert_eq!(ada.get(&project, "token"), "kept-4711");
    ada.cli(&project, ["secret", "set", "token", "--generate", "--length", "12", "--charset", "hex", "-q"]).success();
    let made = ada.get(&project, "token");
    assert!(made.len() == 12 && made.chars().all(|c| c.is_ascii_hexdigit()), "{made}");
}

/// An editor that lets somebody else set a secret while it is open.
fn editor(ada: &Person, project: &Project, name: &str, edit: &str) -> std::path::PathBuf {
    let path = ada.path("editor");
    let set = format!("printf theirs-4711 | {} secret set {name} -q", env!("CARGO_BIN_EXE_rhapsode"));
    let script = format!("#!/bin/sh\n( cd '{}' && {set} ) || exit 1\n{edit} \"$1\"\n", project.root().display());
    std::fs::write(&path, script).expect("written");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("set");
    path
}

#[test]
fn an_editor_takes_back_nothing_that_somebody_else_did_meanwhile() {
    let ada = Person::new();
    let project = ada.project();
    ada.set(&project, "one", "first");
    ada.set(&project, "two", "second");
    let edit = |editor| ada.cli(&project, ["secret", "edit", "-q"]).env("EDITOR", editor).env("VISUAL", "");
    edit(editor(&ada, &project, "two", "sed -i s/first/mine/")).success();
    assert_eq!((ada.get(&project, "one").as_str(), ada.get(&project, "two").as_str()), ("mine", "theirs-4711"));
    ada.set(&project, "two", "second");
    let both = edit(editor(&ada, &project, "two", "sed -i s/second/mine/"));
    let ran = both.stderr_contains("somebody else changed `two`").stderr_contains("nothing was kept").exit(1);
    assert!(!ran.stderr.contains("4711"), "{}", ran.stderr);
    assert_eq!(ada.get(&project, "two"), "theirs-4711");
}

#[test]
fn whoever_cannot_open_the_files_changes_no_recipients() {
    let (ada, eve) = (Person::new(), Person::new());
    let project = ada.project();
    ada.set(&project, "token", "tok-4711-xyz");
    let rules = project.read(".sops.yaml");
    eve.cli(&project, ["secret", "rekey", "--add", &eve.age()]).stderr_contains("none of your keys").exit(1);
    assert_eq!(project.read(".sops.yaml"), rules);
    let stranger = ada.cli(&project, ["secret", "rekey", "--remove", &eve.age()]);
    stranger.stderr_contains("is no recipient of this project").stderr_contains(&ada.ssh()).exit(1);
}

#[test]
fn an_age_key_is_enough_to_begin() {
    let ada = Person::new();
    let project = Project::new();
    std::fs::remove_dir_all(ada.path(".ssh")).expect("removed");
    std::fs::create_dir_all(ada.path(".config/sops/age")).expect("made");
    std::fs::copy(ada.path("age.txt"), ada.path(".config/sops/age/keys.txt")).expect("copied");
    ada.cli(&project, ["secret", "init"]).stdout_contains(&ada.age()).success();
    ada.set(&project, "token", "tok-4711-xyz");
    assert_eq!(ada.get(&project, "token"), "tok-4711-xyz");
}

#[test]
fn nobody_is_asked_for_a_value_that_could_not_be_kept() {
    let ada = Person::new();
    let project = Project::new();
    let shown = super::terminal::refused_at_terminal(&ada, project.root(), "secret set token");
    assert!(shown.contains("rhapsode secret init") && !shown.contains("value of token"), "{shown}");
    ada.cli(&project, ["secret", "export", "x.age"]).stderr_contains("names nobody").stderr_contains("--to").exit(1);
}

#[test]
fn bytes_that_are_no_text_are_exported_whole() {
    let ada = Person::new();
    let project = ada.project();
    project.write("key.bin", [0xff, 0, 0x80]);
    ada.cli(&project, ["secret", "set", "key", "--file", "key.bin", "-q"]).success();
    ada.cli(&project, ["secret", "export", "out.age", "--to", &ada.age()]).success();
    let opened = run(Command::new("age").arg("-d").arg("-i").arg(ada.path("age.txt")).arg(project.path("out.age")));
    let opened: serde_json::Value = serde_json::from_slice(&opened.stdout).expect("JSON");
    assert_eq!(opened, serde_json::json!({ "key": { "base64": "/wCA" } }));
}

#[test]
fn the_passphrase_of_a_key_is_asked_for_once_for_all_files() {
    let (ada, bob) = (Person::new(), Person::new());
    let key = ada.path(".ssh/id_ed25519");
    run(Command::new("ssh-keygen").args(["-q", "-p", "-P", "", "-N", "open sesame", "-f"]).arg(&key));
    let scene = super::scene(
        r#"let here = host.data("here");
           for name in ["a/x", "b/x", "c/x"] { file::put(here + "/" + name[0], #{ content: secret(name) }); }
           file::put(here + "/all", #{ content: secret("a/x") + secret("b/x") + secret("c/x") });"#,
    );
    ada.cli(&scene.project, ["secret", "init", "-q", "--to", &bob.age(), "--to", &bob.ssh(), "--to", &ada.ssh()])
        .success();
    for name in ["a/x", "b/x", "c/x"] {
        ada.set(&scene.project, name, &format!("<{name}>"));
    }
    let without = ada.cli(&scene.project, ["secret", "get", "a/x", "--reveal"]);
    without.stderr_contains("it has a passphrase, and there is no terminal to ask at").exit(1);
    let shown = at_terminal(&ada, scene.project.root(), "apply site.rhai --yes", Some("open sesame"));
    assert_eq!(shown.matches("passphrase of").count(), 1, "{shown}");
    assert_eq!(scene.project.read("hosts/here/all"), "<a/x><b/x><c/x>");
}
