//! Saved plans, handlers that outlive a failed run, and one apply at a time: through the command line.

use crate::support::cli::Cli;
use crate::support::project::Project;
use std::path::Path;
use std::process::{Command, Stdio};

fn project(playbook: &str) -> Project {
    let project = Project::new().file("inventories/here.yaml", "hosts: { here: { connect: local } }\n");
    let root = project.root().display().to_string();
    project.write("playbooks/site.rhai", playbook.replace("@", &root));
    project.write("rhapsode.yaml", "inventory: inventories/here.yaml\n");
    project
}

fn run<const N: usize>(project: &Project, words: [&str; N], exit: i32) -> serde_json::Value {
    Cli::new(words).arg("--json").within(project).any_stderr().json(exit)
}

fn changes(document: &serde_json::Value) -> u64 {
    document["totals"]["changes"].as_u64().expect("a number")
}

const FILES: &str = r#"
    file::dir("@/out", #{ mode: "0755" });
    file::put("@/out/a", #{ content: host.data("text", "one") });
    file::link("@/out/b", #{ to: "a" });
"#;

#[test]
fn a_saved_plan_is_applied_as_it_was_announced() {
    let project = project(FILES);
    run(&project, ["plan", "playbooks/site.rhai", "--save", "site.plan", "--data", "text=two"], 0);
    assert!(!project.path("out").exists(), "a plan changes nothing");
    let applied = run(&project, ["apply", "site.plan"], 0);
    assert_eq!(changes(&applied), 3);
    assert_eq!(project.read("out/a"), "two", "the plan brings its data");
}

#[test]
fn a_host_that_is_another_one_by_now_is_stopped_before_the_change() {
    let project = project(FILES);
    run(&project, ["apply", "playbooks/site.rhai", "--yes"], 0);
    run(&project, ["plan", "playbooks/site.rhai", "--save", "site.plan", "--data", "text=two"], 0);
    project.write("out/a", "by hand");
    let stopped = run(&project, ["apply", "site.plan"], 7);
    let error = stopped["hosts"]["here"]["error"]["message"].as_str().expect("an error").to_owned();
    assert!(error.contains("file::put") && error.contains("deviates from the saved plan"), "{error}");
    assert_eq!(project.read("out/a"), "by hand");
    let stale = Cli::new(["apply", "site.plan"]).within(&project);
    stale.stderr_contains("something was applied to this inventory since the plan was made").exit(7);
    run(&project, ["apply", "site.plan", "--allow-deviation"], 0);
    assert_eq!(project.read("out/a"), "two");
}

#[test]
fn a_source_that_changed_since_makes_the_plan_stale_before_any_host_is_asked() {
    let project = project(FILES);
    run(&project, ["plan", "playbooks/site.rhai", "--save", "site.plan"], 0);
    let script = project.read("playbooks/site.rhai");
    project.write("playbooks/site.rhai", format!("{script}\n// later"));
    let stale = Cli::new(["apply", "site.plan"]).within(&project);
    stale.stderr_contains("`playbooks/site.rhai` is another one than when the plan was made").exit(7);
    assert!(!project.path("out").exists());
}

#[test]
fn what_no_plan_can_evaluate_is_not_held_against_it() {
    let project = project(
        r#"
        op::custom("note", "mine", #{
            read: |h| if cmd::read("test -e @/note && echo there || true").stdout == "there" { () } else { "a note" },
            apply: |h, left| cmd::run("touch @/note"),
        });
        block("may fail", |h| {
            cmd::run("exit 4");
        }, #{ rescue: |h, error| { cmd::run("touch @/rescued"); } });
        cmd::run("echo try >>@/tries; test $(wc -l <@/tries) -ge 2", #{ retries: 3, delay: 0 });
        "#,
    );
    run(&project, ["plan", "playbooks/site.rhai", "--save", "site.plan"], 0);
    run(&project, ["apply", "site.plan"], 0);
    assert!(project.path("note").exists() && project.path("rescued").exists());
    assert_eq!(project.read("tries"), "try\ntry\n");
}

#[test]
fn an_apply_that_expects_no_changes_stops_before_the_first() {
    let project = project(FILES);
    run(&project, ["apply", "playbooks/site.rhai", "--expect-no-changes"], 7);
    assert!(!project.path("out").exists());
    run(&project, ["apply", "playbooks/site.rhai", "--yes"], 0);
    run(&project, ["apply", "playbooks/site.rhai", "--expect-no-changes"], 0);
}

#[test]
fn a_handler_that_was_due_when_a_run_failed_runs_once_in_the_next_one() {
    let project = project(
        r#"
        handler("restart", |h| { cmd::run("echo restarted >>@/restarts"); });
        file::put("@/conf", #{ content: "new", notify: "restart" });
        if host.data("broken", false) { fail("a later operation"); }
        "#,
    );
    run(&project, ["apply", "playbooks/site.rhai", "--yes", "--data", "broken=true"], 3);
    assert!(!project.path("restarts").exists());
    let next = run(&project, ["apply", "playbooks/site.rhai", "--yes"], 0);
    assert_eq!(changes(&next), 1, "the handler, and no file");
    let third = run(&project, ["apply", "playbooks/site.rhai", "--yes"], 0);
    assert_eq!(changes(&third), 0);
    assert_eq!(project.read("restarts"), "restarted\n");
}

#[test]
fn a_second_apply_meanwhile_is_refused_and_names_the_holder() {
    let project = project("cmd::run(\"touch @/started; sleep 30\");");
    let binary = env!("CARGO_BIN_EXE_rhapsode");
    let mut first = Command::new(binary);
    first.args(["apply", "playbooks/site.rhai", "--yes", "-q"]).current_dir(project.root());
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the first apply starts");
    wait_for(&project.path("started"));
    let second = Cli::new(["apply", "playbooks/site.rhai", "--yes"]).within(&project);
    second.stderr_contains(&format!("pid {}", first.id())).exit(5);
    first.kill().expect("the holder is killed");
    first.wait().expect("it ends");
    // A dead holder on this machine is known at once.
    run(&project, ["op", "log(\"mine\")", "--yes"], 0);
}

fn wait_for(path: &Path) {
    for _ in 0..600 {
        if path.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{} does not come", path.display());
}
