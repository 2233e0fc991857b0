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
fn whatever_a_plan_read_of_this_machine_must_be_as_it_was() {
    let playbook = r#"
        import "modules/lib" as lib;
        file::template("@/out", #{ src: "files/t.j2", vars: #{ n: lib::n() } });
        file::put("@/sent", #{ src: "files/sent" });
        file::mirror("@/tree", #{ src: "files/tree" });
        cmd::script("files/make.sh", #{ creates: "@/made" });
    "#;
    let project = project(playbook);
    let files = ["modules/lib.rhai", "files/t.j2", "files/sent", "files/tree/deep/a", "files/make.sh"];
    let texts = ["fn n() { 7 }", "{{ n }}\n", "sent\n", "a\n", "true\n"];
    files.iter().zip(texts).for_each(|(file, text)| project.write(file, text));
    project.write("inventories/host_data/here.yaml", "kind: laptop\n");
    run(&project, ["plan", "playbooks/site.rhai", "--save", "site.plan"], 0);
    let named = |file: &str| if file.starts_with("files/tree") { "files/tree" } else { file }.to_owned();
    for file in files.into_iter().chain(["inventories/host_data/here.yaml", "inventories/here.yaml", "rhapsode.yaml"]) {
        let before = project.read(file);
        project.write(file, format!("{before}\n# later\n"));
        let stale = Cli::new(["apply", "site.plan"]).within(&project);
        stale.stderr_contains(&format!("`{}` is another one than when the plan was made", named(file))).exit(7);
        project.write(file, before);
    }
    project.write("inventories/group_data/all.yaml", "more: 1\n");
    let stale = Cli::new(["apply", "site.plan"]).within(&project);
    stale.stderr_contains("`inventories/group_data/all.yaml` was not read when the plan was made").exit(7);
    std::fs::remove_dir_all(project.path("inventories/group_data")).expect("removed");
    assert!(!project.path("out").exists());
    run(&project, ["apply", "site.plan"], 0);
}

#[test]
fn a_fact_that_is_another_one_stops_the_host_and_is_named() {
    let project = project(
        r#"
        file::put("@/before", #{ content: "x" });
        let conf = fact("files.FileContents", #{ path: "@/conf" });
        file::put("@/out", #{ content: "same" });
        log(`${fact("server.Date")} ${host.arch} ${host.hostname}`);
        "#,
    );
    project.write("conf", "one\n");
    run(&project, ["plan", "playbooks/site.rhai", "--save", "site.plan"], 0);
    let saved: serde_json::Value = serde_json::from_str(&project.read("site.plan")).expect("JSON");
    let facts = saved["hosts"]["here"]["facts"].as_object().expect("facts");
    assert_eq!(facts.len(), 3, "{facts:?}");
    project.write("conf", "two\n");
    let stopped = run(&project, ["apply", "site.plan"], 7);
    let error = stopped["hosts"]["here"]["error"]["message"].as_str().expect("an error").to_owned();
    assert!(error.starts_with("fact `files.FileContents` {\"path\":"), "{error}");
    assert!(error.ends_with("of `here` is another one than when the plan was made"), "{error}");
    assert!(!project.path("out").exists());
    project.write("conf", "one\n");
    std::fs::remove_file(project.path("before")).expect("removed");
    std::fs::remove_dir_all(project.path(".rhapsode")).expect("removed");
    run(&project, ["apply", "site.plan"], 0);
}

#[test]
fn a_plan_holds_its_selection() {
    let project = project(FILES);
    let two = "hosts: { here: { connect: local }, there: { connect: local } }\n";
    project.write("inventories/here.yaml", two);
    run(&project, ["plan", "playbooks/site.rhai", "--save", "site.plan", "-l", "here"], 0);
    let words = Cli::new(["apply", "site.plan", "-l", "there"]).within(&project);
    words.stderr_contains("a saved plan brings its own inventory, selection and data").exit(64);
    run(&project, ["plan", "playbooks/site.rhai", "--save", "all.plan"], 0);
    let other = Cli::new(["apply", "all.plan"]).env("RHAPSODE_LIMIT", "there").within(&project);
    other.stderr_contains("`here` is not selected any more, other than when the plan was made").exit(7);
    assert_eq!(run(&project, ["apply", "site.plan"], 0)["totals"]["hosts"], 1);
}

#[test]
fn what_a_failure_sets_off_in_a_catch_is_not_held_against_a_saved_plan() {
    let project = project(
        r#"
        try { cmd::run("exit 4"); file::put("@/never", #{ content: "x" }); } catch (e) { file::put("@/caught", #{ content: "x" }); }
        let tried = cmd::run("exit 5", #{ ignore_errors: true });
        if tried.failed { file::put("@/failed", #{ content: "x" }); }
        file::put("@/last", #{ content: "last" });
        "#,
    );
    run(&project, ["plan", "playbooks/site.rhai", "--save", "site.plan"], 0);
    run(&project, ["apply", "site.plan"], 0);
    assert!(project.path("caught").exists() && project.path("failed").exists() && project.path("last").exists());
    assert!(!project.path("never").exists());
}

#[test]
fn a_drifted_file_is_left_alone_when_no_changes_are_expected() {
    let project = project(FILES);
    run(&project, ["apply", "playbooks/site.rhai", "--yes"], 0);
    project.write("out/a", "drifted");
    let stopped = Cli::new(["apply", "playbooks/site.rhai", "--expect-no-changes"]).within(&project);
    stopped.stderr_contains("file::put `").stderr_contains("no change is expected").exit(7);
    assert_eq!(project.read("out/a"), "drifted");
}

#[test]
fn an_expectation_of_the_playbook_refuses_the_plan_and_the_apply_before_the_first_change() {
    let script =
        format!("plan::expect(#{{ max_changes: 2, forbid: [\"file::link\", \"file::absent @/**\"] }});{FILES}");
    let project = project(&script);
    let plan = Cli::new(["plan", "playbooks/site.rhai", "--save", "site.plan"]).within(&project);
    let plan = plan
        .stderr_contains(
            "/out/b on here at playbooks/site.rhai:4:11: `file::link` forbids it (playbooks/site.rhai:1:7)",
        )
        .stderr_contains("3 changes, where `max_changes` is 2 (playbooks/site.rhai:1:7)")
        .stderr_contains("the guards refuse what is named above; nothing was changed")
        .exit(7);
    assert!(!project.path("site.plan").exists(), "{}", plan.stderr);
    Cli::new(["apply", "playbooks/site.rhai", "--yes"])
        .within(&project)
        .stderr_contains("`file::link` forbids it")
        .exit(7);
    assert!(!project.path("out").exists(), "nothing was changed");
    let misspelt = Cli::new(["plan", "playbooks/site.rhai"]).within(&project);
    project.write("playbooks/site.rhai", "plan::expect(#{ forbids: [] });");
    misspelt
        .stderr_contains("`plan::expect` has no argument `forbids`")
        .stderr_contains("did you mean `forbid`?")
        .exit(1);
}

#[test]
fn what_no_plan_saw_is_refused_before_it_is_done() {
    let project = project(
        r#"
        plan::expect(#{ forbid: "file::put @/forbidden" });
        file::put("@/allowed", #{ content: "x" });
        let r = cmd::run("echo yes");
        if r.stdout == "yes" { file::put("@/forbidden", #{ content: "x" }); }
        "#,
    );
    let stopped = run(&project, ["apply", "playbooks/site.rhai", "--yes"], 7);
    let error = stopped["hosts"]["here"]["error"]["message"].as_str().expect("an error").to_owned();
    assert!(error.contains("/forbidden` on `here` is refused: `file::put"), "{error}");
    assert!(project.path("allowed").exists() && !project.path("forbidden").exists());
}

/// `max_changes` for an own operation with two in it and a command that comes to its end at the second try: four.
#[rstest::rstest]
#[case::a_plan(3, true)]
#[case::an_apply_whose_plan_saw_nothing(3, false)]
#[case::a_plan_that_may_do_so_much(4, true)]
#[case::an_apply_that_may_do_so_much(4, false)]
fn plan_and_apply_count_the_same_changes(#[case] most: u32, #[case] planned: bool) {
    let body = r#"
        op::custom("my::thing", "x", #{ read: |h| true, apply: |h, left| {
            file::put("@/one", #{ content: "x" });
            file::put("@/two", #{ content: "x" });
        } });
        cmd::run("test -e @/tried || { touch @/tried; false; }", #{ retries: 1, delay: 0 });
    "#;
    let body = if planned { body.to_owned() } else { format!("if !is_planning() {{ {body} }}") };
    let project = project(&format!("plan::expect(#{{ max_changes: {most} }}); {body}"));
    let apply = Cli::new(["apply", "playbooks/site.rhai", "--yes"]).within(&project);
    match (most, planned) {
        (4, _) => _ = apply.any_stderr().success(),
        (_, true) => _ = apply.stderr_contains("4 changes, where `max_changes` is 3 (").exit(7),
        (_, false) => _ = apply.stderr_contains("it would be change 4, where `max_changes` is 3 (").exit(7),
    }
    assert_eq!(project.path("tried").exists(), most == 4);
}

#[test]
fn guards_of_the_settings_may_be_stricter_for_one_inventory() {
    let project = project(FILES);
    let guards = "inventory: inventories/here.yaml\nguards:\n  max_changes: 9\n  inventories:\n    production: { max_changes: 1 }\n";
    project.write("rhapsode.yaml", guards);
    project.write("inventories/production.yaml", project.read("inventories/here.yaml"));
    let strict = Cli::new(["apply", "playbooks/site.rhai", "--yes", "-i", "inventories/production.yaml"]);
    strict
        .within(&project)
        .stderr_contains("3 changes, where `max_changes` is 1 (guards of production in rhapsode.yaml)")
        .exit(7);
    assert!(!project.path("out").exists());
    run(&project, ["apply", "playbooks/site.rhai", "--yes"], 0);
    for (wrong, at, says) in [
        ("guards:\n  max_change: 9\n", "rhapsode.yaml:2:3", "did you mean `max_changes`?"),
        ("guards:\n  inventories:\n    x: { forbids: [] }\n", "rhapsode.yaml:3:10", "did you mean `forbid`?"),
        ("guards:\n  forbid: [\"service::stoped\"]\n", "rhapsode.yaml:2:", "did you mean `service::stopped`?"),
    ] {
        project.write("rhapsode.yaml", wrong);
        let plan = Cli::new(["plan", "playbooks/site.rhai"]).within(&project);
        plan.stderr_contains(at).stderr_contains(says).exit(1);
    }
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
