//! The same runs leave equal rows in SQLite and in PostgreSQL.

use super::Scene;
use super::interrupt::Running;
use crate::support::hosts::eventually;
use crate::support::store::{Bed, Kind};
use serde_json::Value;
use std::collections::HashMap;

const FIRST: &str = r#"
    let here = host.data("here");
    handler("note", |h| { cmd::run("echo noted >>notes"); });
    file::put(here + "/text", #{ content: "one", notify: "note" });
"#;

const MORE: &str = r#"
    file::put(here + "/more", #{ content: "more" });
    file::line(here + "/list", #{ line: "a line", create: true });
"#;

const LONG: &str = r#"
    cmd::run("echo x >>count; touch waits; while [ ! -e go ]; do sleep 0.1; done", #{ creates: here + "/go" });
    cmd::run("touch waits; while [ ! -e go ]; do sleep 0.1; done");
"#;

/// Handlers that survive, orphans and prune, an interrupt and a resume, drift, and a rollback.
fn story(bed: &Bed) -> Vec<String> {
    let scene = Scene::shells(&["a"]).state_in(bed).file(".gitignore", "/hosts/\n").playbook(FIRST);
    let Scene { project } = scene;
    let scene = Scene { project: project.git() };
    let first = scene.project.commit("first");
    scene.applied(0);
    let step = |script: String, exit: i32| {
        scene.project.write("site.rhai", script);
        scene.project.commit("next");
        scene.applied(exit);
    };
    let second = FIRST.replace("one", "two");
    step(format!("{second}{MORE}cmd::run(\"test -e repaired\");"), 3);
    scene.project.write("hosts/a/repaired", "");
    scene.applied(0);
    step(second.clone(), 0);
    scene.apply().arg("--prune").any_stderr().success();
    scene.project.write("hosts/a/text", "by hand");
    scene.cli(["drift", "site.rhai"]).any_stderr().exit(2);
    scene.project.write("site.rhai", format!("{second}{LONG}"));
    scene.project.commit("long");
    let running = Running::start(&scene, &[]);
    eventually("it waits", || scene.project.path("hosts/a/waits").exists());
    running.signal("INT");
    assert_eq!(running.wait().0, Some(130));
    scene.project.write("hosts/a/go", "");
    scene.cli(["resume"]).any_stderr().success();
    scene.cli(["rollback", &first, "--yes"]).any_stderr().success();
    assert_eq!(scene.project.read("hosts/a/text"), "one");
    rows(&scene)
}

/// The exported rows without what no two runs share.
fn rows(scene: &Scene) -> Vec<String> {
    let export = scene.cli(["state", "export", "-"]).any_stdout().success().stdout;
    // The only part of its path that is the project's own.
    let name = scene.project.root().file_name().expect("a temp folder").to_string_lossy().into_owned();
    let mut names = HashMap::new();
    let rows = export.lines().filter_map(|line| {
        let row: Value = serde_json::from_str(&line.replace(&name, "@")).expect("JSON");
        let (table, row) = row.as_object().expect("an object").iter().next().expect("a table");
        let skip = ["rhapsode", "end", "blobs", "diffs", "traces", "group_traces", "events", "locks"];
        let row = row.as_object().filter(|_| !skip.contains(&table.as_str()))?;
        let timed = [
            "duration_ms",
            "exchanges",
            "finished",
            "started",
            "since",
            "begun",
            "first_seen",
            "last_seen",
            "totals",
            "seq",
        ];
        let kept = row.iter().filter(|(name, _)| !timed.contains(&name.as_str()));
        let told = kept.map(|(name, value)| format!("{name}={}", named(&mut names, value)));
        Some(format!("{table}: {}", told.collect::<Vec<_>>().join(" ")))
    });
    rows.collect()
}

/// Ids of runs, commits and digests are numbered as they come.
fn named(names: &mut HashMap<String, usize>, value: &Value) -> String {
    let text = value.to_string();
    let is_name = |word: &str| {
        let hex = word.len() >= 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex || word.len() == 26 && word.starts_with("01") && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()).map(|word| {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if !is_name(bare) {
            return word.to_owned();
        }
        let next = names.len();
        let number = names.entry(bare.to_owned()).or_insert(next);
        format!("#{number}{}", &word[bare.len()..])
    });
    words.collect()
}

#[test]
fn the_same_story_leaves_equal_rows_in_both_stores() {
    let stories = std::thread::scope(|scope| {
        let both = [Kind::Sqlite, Kind::Postgres].map(|kind| scope.spawn(move || story(&Bed::new(kind))));
        both.map(|story| story.join().expect("no panic"))
    });
    assert!(stories[0].len() > 40, "{:#?}", stories[0]);
    assert_eq!(stories[0], stories[1]);
}
