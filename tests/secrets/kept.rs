//! `rhapsode secret`: init, set, get, edit, list, rm, rotate, rekey, export.

use super::{Person, run};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn two_minutes_from_nothing_to_a_secret_in_a_file() {
    let ada = Person::new();
    let scene = super::scene(r#"file::put(host.data("here") + "/token", #{ content: secret("app/token") });"#);
    ada.cli(&scene.project, ["secret", "init"]).stdout_contains(&ada.ssh()).success();
    ada.set(&scene.project, "app/token", "tok-4711-xyz");
    let file = scene.project.read("secrets/app.sops.yaml");
    assert!(file.starts_with("token: ENC[AES256_GCM,data:") && !file.contains("tok-4711"), "{file}");
    ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]).any_stderr().success();
    assert_eq!(scene.project.read("hosts/here/token"), "tok-4711-xyz");
    let mode = std::fs::metadata(scene.project.path("hosts/here/token")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_secret_is_shown_only_to_who_says_so() {
    let ada = Person::new();
    let project = ada.project();
    ada.set(&project, "token", "tok-4711-xyz\n");
    let refused = ada.cli(&project, ["secret", "get", "token"]).stderr_contains("--reveal").exit(64);
    assert!(!refused.stderr.contains("4711"));
    assert_eq!(ada.get(&project, "token"), "tok-4711-xyz");
    let eve = Person::new();
    let refused =
        eve.cli(&project, ["secret", "get", "token", "--reveal"]).stderr_contains("none of your keys").exit(1);
    assert!(!refused.stderr.contains("4711"));
}

#[test]
fn names_are_listed_and_removed() {
    let ada = Person::new();
    let project = ada.project();
    ada.set(&project, "db/password", "one-secret");
    ada.set(&project, "db/user.name", "ada");
    ada.set(&project, "token", "two-secret");
    let listed = "NAME          TYPE\ndb/password   text\ndb/user.name  text\ntoken         text\n";
    ada.cli(&project, ["secret", "list"]).stdout(listed).success();
    ada.cli(&project, ["secret", "rm", "db/user.name"]).stderr_contains("`db/user.name` is removed").success();
    ada.cli(&project, ["secret", "rm", "db/user.name"]).stderr_contains("there is no secret").exit(1);
    ada.cli(&project, ["secret", "get", "db/passwort", "--reveal"]).stderr_contains("did you mean `password`?").exit(1);
}

#[test]
fn the_editor_has_a_private_draft_that_is_gone_afterwards() {
    let ada = Person::new();
    let project = ada.project();
    ada.set(&project, "token", "before-secret");
    let editor = ada.path("editor");
    let script =
        "#!/bin/sh\nstat -c '%a %n' \"$1\" \"$(dirname \"$1\")\" >\"$HOME/seen\"\nsed -i s/before/after/ \"$1\"\n";
    std::fs::write(&editor, script).expect("written");
    std::fs::set_permissions(&editor, PermissionsExt::from_mode(0o755)).expect("set");
    ada.cli(&project, ["secret", "edit", "-q"]).env("EDITOR", &editor).env("VISUAL", "").success();
    assert_eq!(ada.get(&project, "token"), "after-secret");
    let seen = std::fs::read_to_string(ada.path("seen")).expect("the editor ran");
    let modes: Vec<&str> = seen.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(modes, ["600", "700"]);
    assert_drafts_gone(&ada);
    ada.cli(&project, ["secret", "edit"])
        .env("EDITOR", "false")
        .env("VISUAL", "")
        .stderr_contains("nothing was kept")
        .exit(1);
    let broken = ada.cli(&project, ["secret", "edit"]).env("EDITOR", "printf 'a: [' >").env("VISUAL", "");
    broken.stderr_contains("line ").exit(1);
    assert_eq!(ada.get(&project, "token"), "after-secret");
    assert_drafts_gone(&ada);
}

fn assert_drafts_gone(person: &Person) {
    let left = std::fs::read_dir(person.path("")).expect("listed").flatten();
    let drafts: Vec<_> =
        left.filter(|entry| entry.file_name().to_string_lossy().starts_with("rhapsode-secret")).collect();
    assert!(drafts.is_empty(), "{drafts:?}");
}

#[test]
fn another_recipient_changes_no_value_and_a_rotation_changes_all() {
    let (ada, bob) = (Person::new(), Person::new());
    let project = ada.project();
    ada.set(&project, "token", "tok-4711-xyz");
    let before = project.read("secrets/main.sops.yaml");
    ada.cli(&project, ["secret", "rekey", "--add", &bob.age()]).stdout("secrets/main.sops.yaml\n").success();
    let after = project.read("secrets/main.sops.yaml");
    assert!(before.lines().all(|line| after.contains(line)), "{before}\n{after}");
    let by_bob =
        bob.cli(&project, ["secret", "get", "token", "--reveal"]).env("SOPS_AGE_KEY_FILE", bob.path("age.txt"));
    by_bob.stdout("tok-4711-xyz").success();
    ada.cli(&project, ["secret", "rotate"]).stdout("secrets/main.sops.yaml\n").success();
    let rotated = project.read("secrets/main.sops.yaml");
    assert!(!after.lines().any(|line| line.contains("ENC[") && rotated.contains(line)));
    ada.cli(&project, ["secret", "rekey", "--remove", &bob.age()]).any_stdout().success();
    let by_bob =
        bob.cli(&project, ["secret", "get", "token", "--reveal"]).env("SOPS_AGE_KEY_FILE", bob.path("age.txt"));
    by_bob.stderr_contains("none of your keys").exit(1);
    ada.cli(&project, ["secret", "rekey", "--remove", &ada.ssh()]).stderr_contains("nobody could read it").exit(1);
}

#[test]
fn an_export_is_opened_by_the_age_program() {
    let (ada, bob) = (Person::new(), Person::new());
    let project = ada.project();
    ada.set(&project, "db/password", "tok-4711-xyz");
    let out = project.path("out.age");
    ada.cli(&project, ["secret", "export", "out.age", "--to", &bob.age()]).success();
    let opened = run(Command::new("age").arg("-d").arg("-i").arg(bob.path("age.txt")).arg(&out));
    let opened: serde_json::Value = serde_json::from_slice(&opened.stdout).expect("JSON");
    assert_eq!(opened, serde_json::json!({ "db/password": "tok-4711-xyz" }));
    ada.cli(&project, ["secret", "export", "own.age"]).success();
    run(Command::new("age").arg("-d").arg("-i").arg(ada.path(".ssh/id_ed25519")).arg(project.path("own.age")));
}

#[test]
fn a_generated_secret_is_made_once_and_stays() {
    let ada = Person::new();
    let playbook = r#"
        let key = secret::generate("app/key", #{ length: 20, charset: "hex" });
        file::put(host.data("here") + "/key", #{ content: key });
    "#;
    let scene = super::scene(playbook);
    ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]).any_stderr().exit(1);
    ada.cli(&scene.project, ["secret", "init", "-q"]).success();
    for _ in 0..2 {
        ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]).any_stderr().success();
    }
    let key = scene.project.read("hosts/here/key");
    assert!(key.len() == 20 && key.chars().all(|c| c.is_ascii_hexdigit()), "{key}");
    assert_eq!(ada.get(&scene.project, "app/key"), key);
}

#[test]
fn without_a_recipient_the_way_to_one_is_told() {
    let ada = Person::new();
    let project = crate::support::project::Project::new();
    ada.cli(&project, ["secret", "set", "x"]).stdin("y").stderr_contains("rhapsode secret init").exit(1);
    std::fs::remove_dir_all(ada.path(".ssh")).expect("removed");
    ada.cli(&project, ["secret", "init"]).stderr_contains("ssh-keygen -t ed25519").exit(1);
    ada.cli(&project, ["secret", "init", "--to", "age1nonsense"]).stderr_contains("is no recipient").exit(1);
    ada.cli(&project, ["secret", "init", "--to", &ada.age()]).any_stdout().success();
}
