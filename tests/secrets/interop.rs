//! Our SOPS files are read by another implementation, and files of other implementations by us.

use super::{Person, run};
use crate::support::project::Project;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Every type of scalar, nested and in lists.
const YAML: &str = "# a comment\ntext: plain words\nquoted: \"12\"\nlines: |\n    one\n    two\nempty: \"\"\nnumber: 42\nnegative: -7\n\
ratio: 0.25\nyes: true\nno: false\nnothing: null\nunicode: grüße → 漢字\nnested:\n    deep:\n        key: value\nlist:\n    - one\n    - 2\n    \
- key: value\nclear_unencrypted: readable\n";

fn expected() -> Value {
    json!({
        "text": "plain words", "quoted": "12", "lines": "one\ntwo\n", "empty": "", "number": 42, "negative": -7,
        "ratio": 0.25, "yes": true, "no": false, "nothing": null, "unicode": "grüße → 漢字",
        "nested": { "deep": { "key": "value" } }, "list": ["one", 2, { "key": "value" }], "clear_unencrypted": "readable"
    })
}

/// The JavaScript implementation, which `tests/run` installs.
fn read_by_sops_age(person: &Person, file: &Path) -> Value {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/node");
    let script = "import('sops-age').then(async ({ decryptSops }) => console.log(JSON.stringify(await decryptSops(\
        { path: process.argv[1] }))))";
    let mut node = Command::new("node");
    node.current_dir(tools).env("SOPS_AGE_KEY_FILE", person.path("age.txt")).env("HOME", person.path(""));
    let output = run(node.args(["--input-type=commonjs", "-e", script]).arg(file));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Puts clear text into a file of secrets as an editor does.
fn written(person: &Person, project: &Project, file: &str, text: &str) {
    project.write("clear.txt", text);
    let editor = format!("cp {} ", project.path("clear.txt").display());
    person.cli(project, ["secret", "edit", file, "-q"]).env("EDITOR", editor).env("VISUAL", "").success();
}

fn project(person: &Person) -> Project {
    let project = Project::new();
    let both = [person.age(), person.ssh()];
    person.cli(&project, ["secret", "init", "-q", "--to", &both[0], "--to", &both[1]]).success();
    project
}

#[test]
fn sops_age_reads_our_yaml_and_json_with_every_type_of_scalar() {
    let ada = Person::new();
    let project = project(&ada);
    written(&ada, &project, "secrets/all.sops.yaml", YAML);
    assert_eq!(read_by_sops_age(&ada, &project.path("secrets/all.sops.yaml")), expected());
    written(&ada, &project, "secrets/all.sops.json", &expected().to_string());
    assert_eq!(read_by_sops_age(&ada, &project.path("secrets/all.sops.json")), expected());
}

#[test]
fn sops_age_reads_our_dotenv() {
    let ada = Person::new();
    let project = project(&ada);
    written(&ada, &project, "secrets/app.sops.env", "# comment\nTOKEN=tok 4711\nPORT=8080\n");
    let read = read_by_sops_age(&ada, &project.path("secrets/app.sops.env"));
    assert_eq!(read, json!({ "TOKEN": "tok 4711", "PORT": "8080" }));
}

#[test]
fn every_format_gives_its_values_to_playbooks() {
    let ada = Person::new();
    let project = project(&ada);
    written(&ada, &project, "secrets/all.sops.yaml", YAML);
    written(&ada, &project, "secrets/all.sops.json", &expected().to_string());
    written(&ada, &project, "secrets/app.sops.env", "TOKEN=tok 4711\n");
    written(&ada, &project, "secrets/app.sops.ini", "[db]\npassword = tok;4711\n");
    written(&ada, &project, "secrets/app.sops.key", "any bytes\nat all\n");
    for (reference, value) in [
        ("sops:secrets/all.sops.yaml#nested.deep.key", "value"),
        ("sops:secrets/all.sops.yaml#list[2].key", "value"),
        ("sops:secrets/all.sops.yaml#yes", "true"),
        ("sops:secrets/all.sops.json#ratio", "0.25"),
        ("sops:secrets/app.sops.env#TOKEN", "tok 4711"),
        ("sops:secrets/app.sops.ini#db.password", "tok;4711"),
        ("sops:secrets/app.sops.key", "any bytes\nat all\n"),
    ] {
        ada.cli(&project, ["secret", "get", reference, "--reveal"]).stdout(value).success();
    }
}

#[test]
fn the_age_program_opens_the_key_of_a_file_by_either_identity() {
    let ada = Person::new();
    let project = project(&ada);
    ada.set(&project, "token", "tok-4711");
    let file = project.read("secrets/main.sops.yaml");
    let armored: Vec<String> = file.split("enc: |\n").skip(1).map(unindented).collect();
    assert_eq!(armored.len(), 2, "{file}");
    for (armor, identity) in armored.iter().zip(["age.txt", ".ssh/id_ed25519"]) {
        project.write("key.age", armor);
        let opened = run(Command::new("age").arg("-d").arg("-i").arg(ada.path(identity)).arg(project.path("key.age")));
        assert_eq!(opened.stdout.len(), 32, "a data key of 256 bits");
    }
}

fn unindented(block: &str) -> String {
    let lines = block.lines().map(str::trim).take_while(|line| !line.starts_with("- ") && !line.contains(": "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_file_of_the_age_program_is_a_secret() {
    let ada = Person::new();
    let project = Project::new().file("plain", "tok-4711\n");
    let sealed = project.path("token.age");
    run(Command::new("age").args(["-r", &ada.ssh(), "-o"]).arg(sealed).arg(project.path("plain")));
    ada.cli(&project, ["secret", "get", "age:token.age", "--reveal"]).stdout("tok-4711").success();
}

/// A program `sops` with the arguments and the output of the real one.
const SOPS: &str = r#"#!/bin/sh
echo "$@" >>"$HOME/sops.log"
[ "$1 $2 $3 $4 $5" = "--decrypt --input-type yaml --output-type yaml" ] || exit 64
[ -z "$SOPS_LOCKED" ] || { echo "Failed to get the data key required to decrypt the SOPS file." >&2; exit 128; }
printf 'db:\n    password: pgp-4711\n'
"#;

#[test]
fn keys_that_are_not_ours_are_left_to_the_sops_program_and_kept() {
    use std::os::unix::fs::PermissionsExt;
    let ada = Person::new();
    let project = project(&ada);
    ada.set(&project, "db/password", "tok-4711");
    let file = project.read("secrets/db.sops.yaml");
    let pgp = "    pgp:\n        - created_at: \"2026-01-01T00:00:00Z\"\n          enc: |-\n            -----BEGIN PGP MESSAGE-----\n            \
        hQEMA\n            -----END PGP MESSAGE-----\n          fp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4\n";
    let both = file.replacen("    lastmodified:", &format!("{pgp}    lastmodified:"), 1);
    project.write("secrets/db.sops.yaml", &both);
    assert_eq!(ada.get(&project, "db/password"), "tok-4711", "either key opens it");
    let (bob, eve) = (Person::new(), Person::new());
    ada.cli(&project, ["secret", "rekey", "--add", &bob.age()]).any_stdout().success();
    let more = project.read("secrets/db.sops.yaml");
    assert!(both.lines().all(|line| more.contains(line)), "no value and no recipient of another kind changed:\n{more}");
    let bin = eve.path("bin");
    std::fs::create_dir(&bin).expect("made");
    std::fs::write(bin.join("sops"), SOPS).expect("written");
    std::fs::set_permissions(bin.join("sops"), PermissionsExt::from_mode(0o755)).expect("set");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("set"));
    let get = || eve.cli(&project, ["secret", "get", "sops:secrets/db.sops.yaml#db.password", "--reveal"]);
    get().env("PATH", &path).stdout("pgp-4711").success();
    get().env("PATH", &path).env("SOPS_LOCKED", "1").stderr_contains("does not open it").exit(1);
    get().stderr_contains("pgp keys").stderr_contains("there is no program `sops`").exit(1);
}
