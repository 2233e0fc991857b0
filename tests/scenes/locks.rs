//! One apply at a time: killed, frozen and waiting holders, on either kind of store.

use super::interrupt::Running;
use super::{Document, Scene};
use crate::support::cli::Cli;
use crate::support::hosts::eventually;
use crate::support::store::{Bed, Kind};
use rstest::rstest;

/// Whoever is asked to waits; all of them sign.
const SIGNING: &str = r#"
    if host.data("waits", "") == "yes" { cmd::run("touch waits; while [ ! -e go ]; do sleep 0.1; done"); }
    file::put(host.data("here") + "/signed", #{ content: host.data("who", "nobody") });
    cmd::run(`echo ${host.data("who", "nobody")} >>log`);
"#;

fn stored(bed: &Bed) -> Scene {
    let scene = Scene::shells(&["a"]).playbook(SIGNING);
    scene.state_in(bed)
}

fn waiting(scene: &Scene) -> Running {
    let running = Running::start(scene, &["--data", "who=first", "--data", "waits=yes"]);
    eventually("it waits", || scene.project.path("hosts/a/waits").exists());
    running
}

fn second(scene: &Scene) -> Cli {
    scene.apply().arg("--data").arg("who=second")
}

#[rstest]
fn a_killed_holder_is_taken_over_at_once(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    let scene = stored(&bed);
    let running = waiting(&scene);
    let refused = second(&scene).stderr_contains("inventory `inv.yaml` is in use by `");
    refused.stderr_contains("hint: `--lock-wait SECS` waits for it").exit(5);
    running.signal("KILL");
    assert_eq!(running.wait().0, None);
    second(&scene).any_stderr().success();
    assert_eq!(scene.project.read("hosts/a/log"), "second\n");
    let runs = bed.open().runs(9).expect("runs");
    assert_eq!(runs.iter().map(|run| run.exit).collect::<Vec<_>>(), [Some(0), None], "both are remembered");
}

#[rstest]
fn a_frozen_holder_writes_and_changes_nothing_more_once_it_lost_the_lock(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let bed = Bed::new(kind);
    let scene = stored(&bed);
    let running = waiting(&scene);
    running.signal("STOP");
    second(&scene).stderr_contains("is in use by").exit(5);
    let unlock = scene.cli(["state", "unlock"]).stdout_contains("took the lock of inventory `inv.yaml` from `");
    unlock.stdout_contains("if it still runs, it stops before its next change").success();
    second(&scene).any_stderr().success();
    // What it waited for is there when it wakes up.
    scene.project.write("hosts/a/go", "");
    running.signal("CONT");
    let (code, stdout) = running.wait();
    assert_eq!(code, Some(5), "{stdout}");
    assert_eq!(scene.project.read("hosts/a/log"), "second\n");
    assert_eq!(scene.project.read("hosts/a/signed"), "second");
    let runs = bed.open().runs(9).expect("runs");
    assert_eq!(runs.iter().map(|run| run.exit).collect::<Vec<_>>(), [Some(0), None], "its end was not written");
    assert_eq!(second(&scene).arg("--json").any_stderr().json(0)["hosts"]["a"]["operations"][0]["status"], "unchanged");
}

#[rstest]
fn one_who_waits_for_the_lock_finds_nothing_left_to_do(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    let scene = Scene::shells(&["a"]).state_in(&bed).playbook(
        "cmd::run(\"touch waits; while [ ! -e go ]; do sleep 0.1; done; touch went\", #{ creates: host.data(\"here\") + \"/went\" });
         file::put(host.data(\"here\") + \"/text\", #{ content: \"one\" });",
    );
    // Another controller has a copy of the project; a file is shared by none but PostgreSQL.
    let other = match kind {
        Kind::Sqlite => None,
        Kind::Postgres => Some(scene.copy().state_in(&bed)),
    };
    let first = Running::start(&scene, &[]);
    eventually("it waits", || scene.project.path("hosts/a/waits").exists());
    let other = other.as_ref().unwrap_or(&scene);
    let events = other.project.path("events.jsonl");
    let words = ["--lock-wait", "100", "--events", "events.jsonl"];
    let mut second = Running::start_loud(other, &words);
    second.hears("waiting for `");
    assert!(!events.exists(), "nothing has begun");
    scene.project.write("hosts/a/go", "");
    let (code, stdout) = first.wait();
    assert_eq!((code, Document(serde_json::from_str(&stdout).expect("JSON")).status("a")), (Some(0), "changed"));
    let (code, stdout) = second.wait();
    let document = Document(serde_json::from_str(&stdout).expect("JSON"));
    assert_eq!((code, document.status("a")), (Some(0), "ok"), "{stdout}");
}
