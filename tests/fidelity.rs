//! Plans say what applies do: every playbook of `tests/fidelity` is planned and then applied on a fresh host, and each
//! verdict, change and diff of the plan is compared with what came.

mod bed;
mod random;
mod scenario;

use crate::scenes::Scene;
use bed::Bed;
use rstest::rstest;
use serde_json::Value;
use std::path::Path;

/// What a plan says, and the apply behind it.
struct Pair {
    planned: Vec<Value>,
    applied: Vec<Value>,
}

impl Pair {
    fn of(plan: &Value, apply: &Value) -> Self {
        Self { planned: operations(plan), applied: operations(apply) }
    }

    /// What the plan left open, as `file::line /etc/x: why`.
    fn unknown(&self) -> Vec<String> {
        let open = self.planned.iter().filter(|operation| operation["status"] == "unknown");
        open.map(|operation| format!("{}: {}", named(operation), text(&operation["reason"]))).collect()
    }

    /// Where the apply did something else than the plan said. What was left open may come out in any way.
    fn false_predictions(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for planned in &self.planned {
            let Some(applied) = self.applied.iter().find(|applied| applied["id"] == planned["id"]) else {
                wrong.push(format!("{} did not come", named(planned)));
                continue;
            };
            for part in ["status", "changes", "diff", "op", "at"] {
                if planned["status"] != "unknown" && !agree(&planned[part], &applied[part]) {
                    let both = format!("{part} planned {:#}, applied {:#}", planned[part], applied[part]);
                    wrong.push(format!("{} at {}: {both}", named(planned), text(&planned["at"])));
                }
            }
        }
        let unforeseen = self.applied.iter().filter(|applied| self.planned.iter().all(|p| p["id"] != applied["id"]));
        wrong.extend(unforeseen.map(|applied| format!("{} came unforeseen", named(applied))));
        wrong
    }
}

/// The text of a change may be open where it is certain that the change comes.
fn agree(planned: &Value, applied: &Value) -> bool {
    let (Some(all), Some(found)) = (planned.as_array(), applied.as_array()) else { return planned == applied };
    let same = |(change, found): (&Value, &Value)| change["open"] == true || change == found;
    all.len() == found.len() && all.iter().zip(found).all(same)
}

fn operations(document: &Value) -> Vec<Value> {
    document["hosts"]["bed"]["operations"].as_array().unwrap_or_else(|| panic!("no operations: {document:#}")).clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn named(operation: &Value) -> String {
    format!("{} {}", text(&operation["op"]), text(&operation["target"]))
}

fn copy(scene: &Scene, from: &Path, to: &str) {
    for entry in std::fs::read_dir(from).expect("a folder of the tests").flatten() {
        let (path, to) = (entry.path(), format!("{to}/{}", entry.file_name().to_string_lossy()));
        match entry.file_type().expect("a type") {
            kind if kind.is_dir() => copy(scene, &path, &to),
            kind if kind.is_symlink() => {
                let target = std::fs::read_link(&path).expect("a link");
                std::fs::create_dir_all(scene.project.path(&to).parent().expect("a folder")).expect("it is made");
                std::os::unix::fs::symlink(target, scene.project.path(&to)).expect("the project takes a link");
            }
            _ => scene.project.write(&to, std::fs::read(path).expect("a file of the tests")),
        }
    }
}

/// A project with one host, `bed`, and one of the playbooks.
fn scene(bed: &Bed, playbook: &str) -> Scene {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fidelity");
    let script = std::fs::read_to_string(folder.join(playbook)).expect("a playbook of the test-bed");
    let scene = Scene::with(&bed.inventory()).playbook(&script);
    copy(&scene, &folder.join("files"), "files");
    if let Some(key) = bed.key() {
        scene.project.write("files/key.asc", key);
    }
    scene
}

/// Runs a verb; a host that fails ends the test with its error.
#[track_caller]
fn run<const N: usize>(scene: &Scene, words: [&str; N]) -> Value {
    let document = scene.cli(words).arg("--json").any_stderr().json_of_any_exit();
    assert_eq!(document["exit"], 0, "{words:?}: {:#}", document["hosts"]["bed"]["error"]);
    document
}

/// Plans, applies, and compares. Gives what the plan left open, and how much changed.
#[track_caller]
fn compared(scene: &Scene, bed: &Bed) -> (Vec<String>, u64) {
    let before = bed.digest();
    let plan = run(scene, ["plan", "site.rhai", "--save", "site.plan"]);
    assert_eq!(before.changes(&bed.digest()), [""; 0], "a plan changes nothing");
    assert_eq!(plan["totals"]["not_predictable"], 0, "{:#}", plan["hosts"]["bed"]["not_predictable"]);
    // So that all deviations are told, and not the first alone.
    let apply = run(scene, ["apply", "site.plan", "--allow-deviation"]);
    let pair = Pair::of(&plan, &apply);
    let wrong = pair.false_predictions();
    assert!(wrong.is_empty(), "{} false predictions:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(apply["hosts"]["bed"].get("warnings"), None, "the contract was kept");
    (pair.unknown(), apply["totals"]["changes"].as_u64().expect("a number"))
}

#[rstest]
#[case::a_package_ships_a_file_that_is_edited("package_edit", 4, 0)]
#[case::a_new_user_owns_what_comes_next("user_owner", 0, 0)]
#[case::a_tree_of_directories("directories", 0, 0)]
#[case::the_service_of_a_new_package("package_service", 1, 0)]
#[case::a_compose_project("compose", 0, 0)]
#[case::a_repository_its_key_and_a_package("repository", 1, 0)]
#[case::sudoers_and_their_users("sudoers", 0, 0)]
#[case::a_unit_and_a_timer("units", 0, 0)]
#[case::jobs_of_cron("cron", 0, 0)]
#[case::a_mount("mount", 0, 0)]
#[case::a_checkout_that_is_built_once("build", 1, 0)]
#[case::facts_that_change("changed_fact", 0, 0)]
#[case::functions_of_modules("modules", 0, 4)]
#[case::directories_that_go_and_come_back("tree", 0, 9)]
#[case::links("links", 0, 16)]
#[case::a_mirror_and_edits("mirror", 0, 9)]
#[case::memberships("groups", 0, 15)]
#[case::packages_that_come_and_go("packages", 0, 8)]
#[case::the_system_itself("system", 0, 6)]
#[case::one_file_and_many_edits("edits", 0, 15)]
#[case::what_goes_and_comes_back("recreate", 0, 16)]
#[case::what_becomes_something_else("churn", 0, 26)]
#[case::commands("commands", 3, 5)]
fn a_plan_says_what_the_apply_does(#[case] name: &str, #[case] unknown: usize, #[case] again: u64) {
    let bed = Bed::start(name);
    let scene = scene(&bed, &format!("{name}.rhai"));
    let (open, changes) = compared(&scene, &bed);
    assert!(changes > 0, "the bed is fresh");
    assert_eq!(open.len(), unknown, "unknown:\n{}", open.join("\n"));
    let (open, changes) = compared(&scene, &bed);
    assert_eq!(open, [""; 0], "nothing is open on a host that has everything");
    assert_eq!(changes, again, "what the playbook does and undoes");
}
