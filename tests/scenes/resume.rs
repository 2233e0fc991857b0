//! `resume`: what a run left, on the hosts on which it left it.

use super::interrupt::Running;
use super::{Document, Scene};
use crate::support::hosts::eventually;
use serde_json::Value;

/// The first command counts how often it ran; the second one takes until it is told to end.
const COUNTING: &str = r#"
    let first = cmd::run("echo x >>count");
    if first.changed { file::put(host.data("here") + "/follows", #{ content: "1" }); }
    if host.name != "a" { cmd::run("touch waits; while [ ! -e go ]; do sleep 0.1; done"); }
    cmd::run("touch after");
"#;

fn count(scene: &Scene, host: &str) -> usize {
    scene.project.read(&format!("hosts/{host}/count")).lines().count()
}

fn waits(scene: &Scene, hosts: &[&str]) -> bool {
    hosts.iter().all(|host| scene.project.path(&format!("hosts/{host}/waits")).exists())
}

fn let_go(scene: &Scene, hosts: &[&str]) {
    hosts.iter().for_each(|host| scene.project.write(&format!("hosts/{host}/go"), ""));
}

/// A run on three hosts that was stopped by a signal when one was done and two were at work.
fn stopped(signal: &str) -> (Scene, Option<String>) {
    let scene = Scene::shells(&["a", "b", "c"]).playbook(COUNTING);
    let running = Running::start(&scene, &[]);
    eventually("two wait", || waits(&scene, &["b", "c"]));
    let recorded = || scene.cli(["show", "last", "--json"]).any_stderr().json_of_any_exit();
    let done = |host: &str| recorded()["hosts"][host]["operations"].as_array().map_or(0, Vec::len);
    eventually("it is written down", || done("a") == 3 && done("b") == 2 && done("c") == 2);
    running.signal(signal);
    let (_, stdout) = running.wait();
    let run = serde_json::from_str::<Value>(&stdout).ok().and_then(|run| run["run"].as_str().map(str::to_owned));
    (scene, run)
}

#[test]
fn an_interrupted_run_goes_on_where_it_was() {
    let (scene, run) = stopped("INT");
    let_go(&scene, &["b", "c"]);
    let resumed = Document(scene.cli(["resume", "--json"]).any_stderr().json(0));
    assert_eq!(resumed.0["resumes"].as_str(), run.as_deref());
    assert_eq!(resumed.hosts(), ["b", "c"], "the host that was done is left alone");
    let folder = scene.project.path("hosts/b").display().to_string();
    assert_eq!(
        resumed.operations("b"),
        [
            "echo x >>count: unchanged",
            &format!("{folder}/follows: unchanged"),
            "touch waits; while [ ! -e go ]; do sleep 0.1; done: changed",
            "touch after: changed",
        ],
        "what depends on a change follows, as it did"
    );
    for host in ["a", "b", "c"] {
        assert_eq!(count(&scene, host), 1, "nothing is done twice on {host}");
        assert!(scene.project.path(&format!("hosts/{host}/after")).exists());
    }
    let again = scene.cli(["resume"]).stderr_contains("every apply is complete: there is nothing to resume");
    again.exit(1);
    let run = run.expect("a document");
    let again = scene.cli(["resume", &run]).stderr_contains("is complete: there is nothing to resume");
    again.exit(1);
    scene.cli(["history"]).stdout_contains(&format!("resumes {}", &run[..10])).success();
}

#[test]
fn a_killed_run_is_resumed_and_one_that_is_interrupted_again_goes_on_from_there() {
    let (scene, _) = stopped("KILL");
    let resuming = Running::verb(&scene, &["resume", "--json"]);
    let recorded = || scene.cli(["show", "last", "--json"]).any_stderr().json_of_any_exit();
    eventually("it goes on", || recorded()["resumes"].is_string());
    let_go(&scene, &["b"]);
    let done = || recorded()["hosts"]["b"]["operations"].as_array().map_or(0, Vec::len);
    eventually("one gets to its end", || done() == 4);
    resuming.signal("INT");
    assert_eq!(resuming.wait().0, Some(130));
    let_go(&scene, &["c"]);
    let resumed = Document(scene.cli(["resume", "--json"]).any_stderr().json(0));
    assert_eq!(resumed.hosts(), ["c"]);
    for host in ["a", "b", "c"] {
        assert_eq!(count(&scene, host), 1, "nothing is done twice on {host}");
        assert!(scene.project.path(&format!("hosts/{host}/after")).exists());
    }
}

#[test]
fn a_failed_host_is_resumed_with_the_arguments_of_the_run() {
    let scene = Scene::shells(&["a", "b", "c"]).playbook(
        r#"cmd::run("echo x >>count");
           cmd::run(`test ${host.name} = a -o -e repaired`, #{ tags: ["yes"] });
           cmd::run("touch never", #{ tags: ["no"] });
           cmd::run("echo " + host.data("word") + " >word");"#,
    );
    let words = ["--limit", "a,b", "--data", "word=hello", "--skip-tags", "no"];
    let apply = words.iter().fold(scene.apply().arg("--json"), |cli, word| cli.arg(word));
    let failed = apply.any_stderr().json(3);
    scene.project.write("hosts/b/repaired", "");
    let id = failed["run"].as_str().expect("a run");
    let resumed = Document(scene.cli(["resume", id, "--json"]).any_stderr().json(0));
    assert_eq!(resumed.hosts(), ["b"]);
    assert_eq!((count(&scene, "b"), scene.project.read("hosts/b/word").as_str()), (1, "hello\n"));
    assert!(!scene.project.path("hosts/b/never").exists());
    let other = scene.cli(["resume", id, "--limit", "c"]);
    other.stderr_contains("a resumed run brings its own selection and data").exit(64);
}

#[test]
fn other_sources_are_refused_until_that_is_known() {
    let scene = Scene::shells(&["a"]).playbook("cmd::run(\"test -e repaired\");\ncmd::run(\"touch old\");\n");
    let failed = scene.applied(3);
    scene.project.write("hosts/a/repaired", "");
    let scene = scene.playbook("cmd::run(\"test -e repaired\");\ncmd::run(\"touch new\");\n");
    let refused = scene.cli(["resume"]).stderr_contains("error: `site.rhai` is another one than in run `");
    refused.stderr_contains("hint: `apply` starts anew; `resume --changed` goes on with what is there now").exit(1);
    assert!(!scene.project.path("hosts/a/new").exists());
    let run = failed.0["run"].as_str().expect("a run");
    scene.cli(["resume", run, "--changed"]).any_stderr().success();
    assert!(scene.project.path("hosts/a/new").exists());
}

/// A playbook that reads a file of each kind, stops on the first host and fails on the second one.
const READING: &str = r#"
    import "modules/text" as text;
    let d = host.data("here");
    let part = "t" + "wo.j2";
    file::put(d + "/put", #{ src: "files/" + "put" });
    file::template(d + "/one", #{ src: "one.j2" });
    file::template(d + "/two", #{ src: part });
    file::mirror(d + "/tree", #{ src: "tree" });
    file::put(d + "/text", #{ content: text::text() });
    if host.name == "b" { cmd::run("test -e repaired"); }
"#;

#[rstest::rstest]
#[case::what_an_operation_sends("files/put")]
#[case::a_template("one.j2")]
#[case::a_template_whose_name_is_computed("two.j2")]
#[case::a_file_of_a_tree("tree/sub/file")]
#[case::a_module("modules/text.rhai")]
#[case::data("group_data/all.yaml")]
#[case::the_inventory("inv.yaml")]
fn a_file_that_was_read_is_another_one_when_a_run_is_resumed(#[case] path: &str) {
    let scene = Scene::shells(&["a", "b"])
        .file("files/put", "put\n")
        .file("one.j2", "{{ word }}\n")
        .file("two.j2", "two\n")
        .file("tree/sub/file", "file\n")
        .file("modules/text.rhai", "fn text() { \"text\" }\n")
        .file("group_data/all.yaml", "word: hello\n")
        .file("never.j2", "not read\n")
        .playbook(READING);
    scene.applied(3);
    let before = scene.project.read(path);
    scene.project.write(path, format!("{before}\n"));
    scene.project.write("never.j2", "no run has read it\n");
    let told = if path.starts_with("tree") { "tree" } else { path };
    let refused = scene.cli(["resume"]).stderr_contains(&format!("error: `{told}` is another one than in run `"));
    refused.exit(1);
    scene.project.write(path, before);
    scene.project.write("hosts/b/repaired", "");
    scene.cli(["resume"]).any_stderr().success();
}

#[test]
fn another_commit_is_named_when_a_run_is_resumed() {
    let scene = Scene::shells(&["a"]).playbook("cmd::run(\"test -e repaired\");").file(".gitignore", "/hosts\n");
    let Scene { project } = scene;
    let scene = Scene { project: project.git() };
    scene.applied(3);
    let commit = scene.project.commit("second");
    let refused = scene.cli(["resume"]).stderr_contains("was made from commit `");
    refused.stderr_contains(&format!("and this is `{}`", &commit[..7])).exit(1);
}

#[test]
fn the_output_of_a_command_that_ran_earlier_is_not_made_up() {
    let scene = Scene::shells(&["a"])
        .playbook("let said = cmd::run(\"echo word\");\ncmd::run(\"test -e repaired\");\nlog(said.stdout);\n");
    scene.applied(3);
    scene.project.write("hosts/a/repaired", "");
    let resumed = Document(scene.cli(["resume", "--json"]).any_stderr().json_of_any_exit());
    let error = resumed.error("a");
    assert!(
        error.contains("the output of cmd::run `echo word` is not known: it ran in the run that is resumed"),
        "{error}"
    );
}

#[test]
fn a_run_that_applied_nothing_cannot_be_resumed() {
    let scene = Scene::shells(&["a"]).playbook("cmd::run(\"true\");");
    scene.cli(["resume"]).stderr_contains("no run is recorded yet").exit(1);
    let plan = scene.planned(0);
    let run = plan.0["run"].as_str().expect("a run");
    scene.cli(["resume", run]).stderr_contains("is no apply of a playbook: there is nothing to resume").exit(1);
    scene.cli(["resume", "nonsense"]).stderr_contains("no run `nonsense` is recorded").exit(1);
}

#[test]
fn a_run_that_still_goes_on_is_not_resumed() {
    let scene = Scene::shells(&["a", "b"]).playbook(COUNTING);
    let running = Running::start(&scene, &[]);
    eventually("one waits", || waits(&scene, &["b"]));
    let refused = scene.cli(["resume"]).stderr_contains("inventory `inv.yaml` is in use by `");
    refused.stderr_contains("which runs `rhapsode apply site.rhai` since ").exit(5);
    let_go(&scene, &["b"]);
    assert_eq!(running.wait().0, Some(0));
}
