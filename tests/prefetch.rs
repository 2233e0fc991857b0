//! Asking hosts ahead of its use saves exchanges and changes nothing else.

mod exchanges;
mod playbooks;
mod users;

use crate::scenes::Scene;
use crate::support::seed::seed;
use playbooks::{DISTURBANCES, PLAYBOOKS};
use rhapsode::state::{Store, Trace};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What a run knows before it asks.
#[derive(Debug, Clone, Copy)]
enum Before {
    /// Nothing, and it may ask nothing ahead.
    NoPrefetch,
    /// Nothing.
    Fresh,
    /// What the same playbook asked on equal hosts.
    Own,
    /// What another playbook of the same name asked.
    Foreign,
    /// A trace that is no JSON.
    Corrupt,
    /// Kinds, fields and commands that nobody knows.
    Alien,
    /// Thousands of things that nobody asks for any more.
    Stale,
}

const HOSTS: [&str; 2] = ["a", "b"];

/// Two hosts with some files, and their initial state again after every run that only makes a trace.
fn bed(script: &str) -> Scene {
    let scene = Scene::shells(&HOSTS).playbook(script);
    reset(&scene);
    scene
}

fn reset(scene: &Scene) {
    for host in HOSTS {
        let folder = scene.project.path(&format!("hosts/{host}"));
        let _ = fs::remove_dir_all(&folder);
        scene.project.write(&format!("hosts/{host}/conf"), "one=1\ntwo=2\n");
        scene.project.write(&format!("hosts/{host}/old/deep/file"), "old\n");
        std::os::unix::fs::symlink("conf", folder.join("link")).expect("the folder takes a link");
    }
}

/// A run that made a trace left more, which would be told: what it managed is an orphan of another playbook.
fn keep_nothing_but_traces(scene: &Scene) {
    let path = scene.project.path(Store::PATH);
    let traces = Store::open(&path).expect("a store").traces("site.rhai", HOSTS.map(|host| (host, &[][..])));
    let traces = traces.expect("the store has traces");
    fs::remove_dir_all(path.parent().expect("a folder")).expect("the store goes");
    let kept = traces.into_iter().map(|(host, json)| Trace { host, groups: Vec::new(), json: json.to_string() });
    let kept: Vec<Trace> = kept.collect();
    assert_eq!(kept.len(), HOSTS.len(), "a trace a host");
    Store::open(&path).expect("a store").save_traces("site.rhai", &kept).expect("the store takes traces");
}

fn keep_trace(scene: &Scene, json: &str) {
    let store = Store::open(&scene.project.path(Store::PATH)).expect("a store");
    let traces = HOSTS.map(|host| Trace { host: host.into(), groups: Vec::new(), json: json.into() });
    store.save_traces("site.rhai", &traces).expect("the store takes traces");
}

fn prepare(scene: &Scene, script: &str, before: Before) {
    match before {
        Before::NoPrefetch | Before::Fresh => {}
        Before::Own => {
            outcome(scene, &["apply", "--yes"]);
            keep_nothing_but_traces(scene);
        }
        Before::Foreign => {
            let other = PLAYBOOKS.iter().find(|(_, other)| !script.starts_with(*other)).expect("there are several");
            scene.project.write("site.rhai", other.1);
            outcome(scene, &["apply", "--yes"]);
            keep_nothing_but_traces(scene);
            scene.project.write("site.rhai", script);
        }
        Before::Corrupt => keep_trace(scene, "{\"\": {\"things\": "),
        Before::Alien => {
            let things = r#"{"oracle": {"x": 1}, "path": {"": 3}}"#;
            let commands = r#"{"exit 3": 1, "(": 2, "kill $$": 1}"#;
            keep_trace(scene, &format!(r#"{{"": {{"things": {things}, "omens": [1], "commands": {commands}}}}}"#));
        }
        Before::Stale => keep_trace(scene, &stale(scene)),
    }
    reset(scene);
}

fn stale(scene: &Scene) -> String {
    let ids = |what: &str| -> BTreeMap<String, u32> {
        let own = ["conf", "old", "old/deep/file", "link", "."];
        let here = own.map(|path| format!("{}/{path}", scene.project.path("hosts/a").display()));
        here.into_iter().chain((0..3000).map(|number| format!("/nowhere/{what}/{number}"))).map(|id| (id, 9)).collect()
    };
    let things = serde_json::json!({ "path": ids("p"), "contents": ids("c"), "tree": { "/dev": 1 }, "account": { "nobody": 7 } });
    serde_json::json!({ "": { "things": things, "commands": { "cat conf": 5 } }, "sudo root": { "things": things } })
        .to_string()
}

/// Runs the playbook; gives the document without what may differ, with places of the project made equal.
fn outcome(scene: &Scene, words: &[&str]) -> String {
    let mut cli = scene.cli([words[0], "site.rhai", "--json", "--diff"]).any_stderr();
    for word in &words[1..] {
        cli = cli.arg(word);
    }
    let mut document = cli.json_of_any_exit();
    let root = scene.project.root().display().to_string();
    strip(&mut document, &[root.replace('/', "\\/"), root]);
    serde_json::to_string_pretty(&document).expect("JSON")
}

fn strip(value: &mut Value, roots: &[String]) {
    match value {
        Value::Object(map) => {
            for key in ["run", "duration_ms", "exchanges", "started"] {
                map.shift_remove(key);
            }
            map.values_mut().for_each(|value| strip(value, roots));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| strip(value, roots)),
        Value::String(text) => roots.iter().for_each(|root| *text = text.replace(root, "ROOT")),
        _ => {}
    }
}

/// Every path below a folder with kind, mode, and content or target.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).expect("a folder").flatten() {
            let (path, meta) = (entry.path(), entry.metadata().expect("metadata"));
            let content = match () {
                () if meta.is_symlink() => fs::read_link(&path).expect("a link").display().to_string(),
                () if meta.is_dir() => "directory".to_owned(),
                () => String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned(),
            };
            let name = path.strip_prefix(folder).expect("below").display().to_string();
            found.insert(name, format!("{:o} {content}", meta.permissions().mode()));
            if meta.is_dir() {
                open.push(path);
            }
        }
    }
    found
}

/// A playbook with changes between its lines, the same for the same seed. `RHAPSODE_TEST_SEED` gives others.
fn disturbed(script: &str, part: u64) -> String {
    let mut state = (seed() + part).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut text = String::new();
    for line in script.lines() {
        text.push_str(line);
        text.push('\n');
        // A marked line takes a disturbance behind it; others are in the middle of something.
        if line.ends_with("//") && next(2) == 0 {
            text.push_str(DISTURBANCES[next(DISTURBANCES.len())]);
            text.push('\n');
        }
    }
    text
}

/// What comes out of a plan, an apply and another apply, and the files at their end.
fn story(script: &str, before: Before) -> [String; 4] {
    let scene = bed(script);
    prepare(&scene, script, before);
    let words = |verb| match before {
        Before::NoPrefetch => vec![verb, "--no-prefetch"],
        _ => vec![verb],
    };
    let with_yes = || [words("apply"), vec!["--yes"]].concat();
    let documents = [words("plan"), with_yes(), with_yes()].map(|words| outcome(&scene, &words));
    let places = HOSTS.map(|host| tree(&scene.project.path(&format!("hosts/{host}"))));
    let root = scene.project.root().display().to_string();
    let [plan, apply, again] = documents;
    [plan, apply, again, format!("{places:#?}").replace(&root, "ROOT")]
}

fn compare(script: &str, plain: &[String; 4], before: Before) {
    let ahead = story(script, before);
    for (what, (plain, ahead)) in ["plan", "apply", "second apply", "end state"].iter().zip(plain.iter().zip(&ahead)) {
        equal(&format!("{what}, {before:?}\n{script}"), plain, ahead);
    }
}

fn equal(what: &str, plain: &str, ahead: &str) {
    let diff = similar::TextDiff::from_lines(plain, ahead);
    assert!(plain == ahead, "{what}\n{}", diff.unified_diff().context_radius(8));
}

/// Each with changes between its lines that a seed decides.
#[rstest::rstest]
fn what_is_known_before_a_run_changes_neither_verdicts_nor_diffs_nor_ends(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)] playbook: usize,
) {
    let (_, script) = PLAYBOOKS[playbook];
    let script = disturbed(script, 11 + playbook as u64);
    let plain = story(&script, Before::NoPrefetch);
    let all = [Before::Fresh, Before::Own, Before::Foreign, Before::Corrupt, Before::Alien, Before::Stale];
    all.into_iter().for_each(|before| compare(&script, &plain, before));
}

#[rstest::rstest]
fn other_changes_behind_the_back_of_a_run_are_seen_too(#[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)] playbook: usize) {
    let (_, script) = PLAYBOOKS[playbook];
    let script = disturbed(script, 101 + 7 * playbook as u64);
    compare(&script, &story(&script, Before::NoPrefetch), Before::Own);
}

#[test]
fn a_playbook_that_polls_sees_what_happens_meanwhile() {
    let script = r#"
        cmd::run("(sleep 0.3; echo >ready) >/dev/null 2>&1 &", #{ creates: host.data("here") + "/ready" });
        let tries = 0;
        while tries < 200 && cmd::read("test -e ready", #{ success_codes: [0, 1] }).code != 0 {
            sleep(0.1);
            tries += 1;
        }
        log(if tries < 200 { "ready" } else { "never" });
    "#;
    let scene = bed(script);
    assert_eq!(scene.applied(0).log("a"), ["ready"]);
    assert_eq!(scene.applied(0).log("a"), ["ready"]);
}

#[test]
fn every_playbook_is_compared() {
    assert_eq!(PLAYBOOKS.len(), 10);
}
