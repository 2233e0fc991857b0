//! What outlives a run that fails or is killed: handlers that are due, and changes that nobody saw end.

use super::interrupt::Running;
use super::{Document, Scene};
use crate::support::hosts::eventually;
use crate::support::store::{Bed, Kind};

/// Scenario S7.
fn a_handler_survives_a_failed_run(state: Option<String>) {
    let script = |fails: &str| {
        format!(
            "let d = host.data(\"here\");
             handler(\"restart\", |h| {{ cmd::run(\"echo restart >>runs\"); }});
             file::put(d + \"/one\", #{{ content: \"1\\n\", notify: \"restart\" }});
             file::put(d + \"/two\", #{{ content: \"2\\n\", notify: \"restart\" }});
             {fails}"
        )
    };
    let scene = Scene::shells(&["a"]).playbook(&script("cmd::run(\"false\");"));
    if let Some(url) = state {
        scene.project.write("rhapsode.yaml", format!("inventory: inv.yaml\nstate: {url}\n"));
    }
    scene.applied(3);
    let runs = scene.project.path("hosts/a/runs");
    assert!(!runs.exists());
    scene.project.write("site.rhai", script(""));
    scene.applied(0);
    assert_eq!(scene.project.read("hosts/a/runs"), "restart\n");
    let third = scene.applied(0);
    assert_eq!(third.0["totals"]["changes"], 0);
    assert_eq!(scene.project.read("hosts/a/runs"), "restart\n");
}

#[test]
fn a_handler_survives_a_failed_run_with_sqlite() {
    a_handler_survives_a_failed_run(None);
}

#[test]
fn a_handler_survives_a_failed_run_with_postgres() {
    a_handler_survives_a_failed_run(Some(Bed::new(Kind::Postgres).url()));
}

/// Kills an apply of this command with SIGKILL once it said `started`.
fn killed(command: &str) -> Scene {
    let scene = Scene::shells(&["a"]).playbook(&format!(
        "handler(\"restart\", |h| {{ cmd::run(\"echo restart >>runs\"); }});
         file::put(host.data(\"here\") + \"/before\", #{{ content: \"x\\n\" }});
         cmd::run(`{command}`, #{{ creates: host.data(\"here\") + \"/made\", notify: \"restart\" }});
         file::put(host.data(\"here\") + \"/after\", #{{ content: \"x\\n\" }});"
    ));
    let running = Running::start(&scene, &[]);
    eventually("the command runs", || scene.project.path("hosts/a/started").exists());
    running.signal("KILL");
    drop(running);
    // Lets go what is left of it on the host.
    scene.project.write("hosts/a/go", "");
    scene
}

const WAIT: &str = "touch started; while [ ! -e go ]; do sleep 0.05; done";

/// What is told of the command; results are written a moment after they are known, so that the operation before it may
/// be open, too.
fn unfinished(document: &Document) -> Vec<String> {
    let unfinished = document.0["hosts"]["a"]["unfinished"].as_array().into_iter().flatten();
    unfinished
        .filter(|one| one["op"] == "cmd::run")
        .map(|one| format!("{} {}", one["op"], one["end"]).replace('"', ""))
        .collect()
}

#[test]
fn a_change_that_was_done_before_the_crash_is_not_done_again() {
    let scene = killed(&format!("echo once >>effects; touch made; {WAIT}"));
    let human = scene.plan().any_stderr().success();
    assert!(human.stderr.contains("unfinished: a: run "), "{}", human.stderr);
    assert!(human.stderr.contains("it was done"), "{}", human.stderr);
    // A plan settles nothing.
    assert_eq!(unfinished(&scene.planned(0)), ["cmd::run done"]);
    let applied = scene.applied(0);
    assert_eq!(unfinished(&applied), ["cmd::run done"]);
    assert_eq!(scene.project.read("hosts/a/effects"), "once\n");
    assert_eq!(scene.project.read("hosts/a/runs"), "restart\n", "its handler was due all the time");
    let next = scene.applied(0);
    assert_eq!((unfinished(&next).len(), next.0["totals"]["changes"].as_u64()), (0, Some(0)));
    assert_eq!(scene.project.read("hosts/a/runs"), "restart\n");
}

#[test]
fn a_change_that_was_not_done_before_the_crash_is_done_by_the_next_apply() {
    let scene = killed(&format!("[ -e go ] || {{ {WAIT}; exit 1; }}; echo once >>effects; touch made"));
    let planned = scene.planned(0);
    assert_eq!(unfinished(&planned), ["cmd::run repeated"]);
    assert_eq!(unfinished(&scene.applied(0)), ["cmd::run repeated"]);
    assert_eq!(scene.project.read("hosts/a/effects"), "once\n");
    assert!(unfinished(&scene.applied(0)).is_empty());
}

#[test]
fn a_change_that_the_playbook_has_no_more_is_dropped_by_a_whole_apply() {
    let scene = killed(&format!("touch made; {WAIT}"));
    scene.project.write("site.rhai", "handler(\"restart\", |h| {});\nlog(\"nothing\");\n");
    assert_eq!(unfinished(&scene.planned(0)), ["cmd::run open"]);
    assert_eq!(unfinished(&scene.applied(0)), ["cmd::run dropped"]);
    assert!(unfinished(&scene.planned(0)).is_empty());
}
