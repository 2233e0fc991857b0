//! Random sequences of file operations on this machine: what the plan says is what the apply does.

use super::Pair;
use crate::scenes::Scene;
use crate::support::seed::seed;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Few names, so that operations meet.
const NAMES: [&str; 5] = ["a", "b", "d", "d/a", "d/e/a"];
const TEXTS: [&str; 3] = ["one\\n", "one\\ntwo\\n", "three\\n"];
const MODES: [&str; 3] = ["0644", "0600", "0755"];

fn operation() -> impl Strategy<Value = String> {
    let name = prop::sample::select(&NAMES[..]);
    let other = prop::sample::select(&NAMES[..]);
    let text = prop::sample::select(&TEXTS[..]);
    let mode = prop::sample::select(&MODES[..]);
    (0..15_u8, name, other, text, mode).prop_map(|(kind, name, other, text, mode)| {
        let path = format!("d + \"/{name}\"");
        let line = text.trim_end_matches("\\n").rsplit("\\n").next().unwrap_or_default();
        match kind {
            0 => format!("file::put({path}, #{{ redeclare: true, content: \"{text}\" }});"),
            1 => format!(
                "file::put({path}, #{{ redeclare: true, content: \"{text}\", mode: \"{mode}\", create_dirs: true }});"
            ),
            2 => format!(
                "file::put({path}, #{{ redeclare: true, content: \"{text}\", force: true, create_dirs: true }});"
            ),
            3 => format!("file::line({path}, #{{ redeclare: true, line: \"{line}\" }});"),
            4 => {
                format!("file::line({path}, #{{ redeclare: true, pattern: \"^o\", line: \"{line}\", create: true }});")
            }
            5 => format!("file::line({path}, #{{ redeclare: true, line: \"{line}\", present: false }});"),
            6 => format!("file::block({path}, #{{ redeclare: true, id: \"x\", content: \"{line}\", create: true }});"),
            7 => format!("file::replace({path}, #{{ redeclare: true, pattern: \"^t.*$\", to: \"X\" }});"),
            8 | 9 => format!("file::absent({path}, #{{ redeclare: true, recursive: true }});"),
            10 => format!("file::dir({path}, #{{ redeclare: true, mode: \"{mode}\" }});"),
            11 => format!("file::dir({path}, #{{ redeclare: true }});"),
            12 => format!("file::link({path}, #{{ redeclare: true, to: \"{other}\", force: true }});"),
            13 => format!("file::present({path}, #{{ redeclare: true, mode: \"{mode}\" }});"),
            _ => format!("file::mirror({path}, #{{ redeclare: true, src: \"files/tree\", delete: true }});"),
        }
    })
}

/// What a host may have before.
fn found() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let thing = (prop::sample::select(&NAMES[..]), prop::sample::select(&["file", "dir", "link"][..]));
    prop::collection::vec(thing, 0..4)
}

fn lay(scene: &Scene, found: &[(&str, &str)]) {
    for (name, kind) in found {
        let path = scene.project.path(&format!("hosts/bed/{name}"));
        let _ = std::fs::create_dir_all(path.parent().expect("a folder"));
        let _ = match *kind {
            "file" => std::fs::write(&path, "one\nfound\n"),
            "dir" => std::fs::create_dir(&path),
            _ => std::os::unix::fs::symlink("c", &path),
        };
    }
    let _ = std::fs::create_dir(scene.project.path("hosts/bed/c"));
}

/// An operation that fails in the plan fails in the apply, too: each may be refused, and the next one goes on.
fn script(operations: &[String]) -> String {
    let caught = operations.iter().map(|operation| format!("try {{ {operation} }} catch {{ log(\"refused\"); }}\n"));
    format!("let d = host.data(\"here\");\n{}", caught.collect::<String>())
}

/// The same sequences for the same seed: what fails can be run again. `RHAPSODE_TEST_SEED` gives others.
#[rstest::rstest]
fn random_sequences_of_file_operations_come_as_they_are_planned(#[values(0, 1, 2, 3)] part: u64) {
    let scene = Scene::shells(&["bed"]).file("files/tree/a", "one\n").file("files/tree/e/b", "two\n");
    let folder = scene.project.path("hosts/bed");
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let seed = seed() + part;
    let bytes: Vec<u8> = seed.to_le_bytes().repeat(4);
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let sequences = (found(), prop::collection::vec(operation(), 1..14));
    let outcome = runner.run(&sequences, |(found, operations)| {
        std::fs::remove_dir_all(&folder).expect("removed");
        std::fs::create_dir(&folder).expect("made");
        lay(&scene, &found);
        scene.project.write("site.rhai", script(&operations));
        let plan = scene.cli(["plan", "site.rhai", "--json"]).any_stderr().json_of_any_exit();
        // What is below links in a circle is absent to a host; a plan refuses it.
        if plan.to_string().contains("in a circle") {
            return Ok(());
        }
        let apply = scene.cli(["apply", "site.rhai", "--yes", "--json"]).any_stderr().json_of_any_exit();
        let pair = Pair::of(&plan, &apply);
        let wrong = pair.false_predictions();
        prop_assert!(wrong.is_empty(), "found {:?}\n{}\n{}", found, script(&operations), wrong.join("\n"));
        prop_assert_eq!(pair.unknown(), [""; 0], "{}", script(&operations));
        Ok(())
    });
    if let Err(failed) = outcome {
        panic!("RHAPSODE_TEST_SEED={seed}: {failed}");
    }
}
