//! Machine use (S10): no terminal, exit codes, one document or lines of events on stdout, people's text on stderr.

use super::Scene;
use serde_json::Value;

/// One good host, one on which an operation fails, one that nobody reaches.
fn mixed() -> Scene {
    let scene = Scene::shells(&["good", "bad"]);
    let inventory = scene.project.read("inv.yaml") + "  lost: { connect: exec, command: ['false'] }\n";
    scene.file("inv.yaml", inventory).playbook(
        "cmd::run(\"echo one\");\nif host.name == \"bad\" { cmd::run(\"echo no >&2; exit 9\"); }\ncmd::run(\"touch done\");\n",
    )
}

#[test]
fn the_worst_host_makes_the_exit_code_and_the_others_finish() {
    let scene = mixed();
    let document = scene.applied(3);
    assert_eq!(["good", "bad", "lost"].map(|host| document.status(host)), ["changed", "failed", "unreachable"]);
    assert!(scene.project.path("hosts/good/done").exists());
    assert_eq!(scene.apply().host("good | lost").arg("--json").any_stderr().json(4)["exit"], 4);
    assert_eq!(scene.apply().host("good").arg("--json").any_stderr().json(0)["exit"], 0);
    assert_eq!(scene.plan().host("good").arg("--exit-code").arg("--json").any_stderr().json(2)["exit"], 2);
    assert_eq!(scene.plan().host("good").arg("--json").any_stderr().json(0)["exit"], 0);
}

#[test]
fn the_document_is_that_of_the_design() {
    let document = mixed().applied(3).0;
    let keys = |value: &Value| value.as_object().expect("a map").keys().cloned().collect::<Vec<_>>();
    let first = ["run", "mode", "playbook", "commit", "dirty", "exit", "duration_ms", "totals", "hosts"];
    assert_eq!(keys(&document)[..first.len()], first);
    let totals =
        ["hosts", "ok", "changed", "failed", "unreachable", "skipped", "operations", "changes", "unknown", "exchanges"];
    assert_eq!(keys(&document["totals"])[..totals.len()], totals);
    let counts = totals.map(|key| document["totals"][key].as_u64().expect("a number"));
    assert_eq!(counts[..9], [3, 0, 1, 1, 1, 0, 4, 3, 0]);
    assert_eq!(document["mode"], "apply");
    assert_eq!(document["playbook"], "site.rhai");
    let bad = &document["hosts"]["bad"];
    assert_eq!(keys(bad)[..4], ["status", "exchanges", "error", "operations"]);
    let operation = &bad["operations"][1];
    let fields = ["id", "op", "target", "status", "diff", "at", "play", "duration_ms"];
    assert_eq!(keys(operation)[..fields.len()], fields);
    assert_eq!(operation["status"], "failed");
    assert_eq!(operation["at"], "site.rhai:2:30");
    assert_eq!(bad["error"]["code"], 9);
    assert_eq!(bad["error"]["stderr"], "no");
    assert_eq!(document["hosts"]["good"]["error"], Value::Null);
    assert!(document["hosts"]["lost"]["error"]["message"].as_str().expect("a text").contains("`lost` is unreachable"));
}

#[test]
fn every_line_of_events_is_json_with_run_and_host() {
    let scene = mixed();
    scene.apply().arg("--events").arg("events.jsonl").any_stderr().exit(3);
    let text = scene.project.read("events.jsonl");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert!(lines.iter().all(|line| line["run"] == lines[0]["run"] && line["type"].is_string()));
    let ended: Vec<&Value> = lines.iter().filter(|line| line["type"] == "operation_finished").collect();
    assert_eq!(ended.len(), 4);
    for line in ended {
        for key in ["host", "op", "status", "id", "target", "at"] {
            assert!(line[key].is_string(), "no {key} in {line}");
        }
        assert!(line["duration_ms"].is_u64(), "{line}");
    }
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((of("run_started"), of("host_finished"), of("run_finished")), (1, 3, 1));
    let stdout = scene.apply().arg("--events").arg("-").any_stderr().any_stdout().exit(3).stdout;
    assert!(stdout.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{stdout}");
}

#[test]
fn people_read_stderr_and_stdout_holds_results_only() {
    let scene = mixed();
    let ran = scene.apply().any_stderr().stdout("").exit(3);
    for part in
        ["apply site.rhai on 3 hosts", "`echo no >&2; exit 9` exited with 9", "`lost` is unreachable", "3 changes"]
    {
        assert!(ran.stderr.contains(part), "lacks {part}\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains('\u{1b}'), "no colours without a terminal");
    let ran = scene.apply().arg("-q").any_stderr().stdout("").exit(3);
    assert!(!ran.stderr.contains("echo one"), "{}", ran.stderr);
}

#[test]
fn an_apply_that_cannot_ask_is_wrong_usage_and_touches_nothing() {
    let scene = mixed();
    for input in ["", "y\n", "yes\n"] {
        scene
            .cli(["apply", "site.rhai"])
            .stdin(input)
            .stderr_contains("error: an apply without a terminal cannot ask")
            .stderr_contains("hint: add `--yes`")
            .exit(64);
    }
    assert!(!scene.project.path("hosts/good/done").exists());
}

#[test]
fn a_command_never_reads_what_is_on_our_stdin() {
    let scene = Scene::shells(&["a"])
        .playbook("log(cmd::run(\"cat; echo end\").stdout); log(cmd::read(\"read x; echo got $x\").stdout);");
    let document = super::Document(scene.apply().stdin("secret words\n").arg("--json").any_stderr().json(0));
    assert_eq!(document.log("a"), ["end", "got"]);
}

#[test]
fn runs_are_remembered_and_shown_again() {
    let scene = mixed();
    let run = scene.applied(3).0["run"].as_str().expect("an id").to_owned();
    let listed = scene.cli(["history", "--json"]).any_stdout().success().stdout;
    assert!(listed.contains(&run), "{listed}");
    let shown = scene.cli(["show", "last"]).any_stdout().any_stderr().success();
    let shown = format!("{}{}", shown.stdout, shown.stderr);
    assert!(shown.contains("exited with 9") && shown.contains("lost"), "{shown}");
    let document = scene.cli(["show", "last", "--json"]).any_stderr().json(0);
    assert_eq!(document["run"], run);
    assert_eq!(document["hosts"]["bad"]["operations"][1]["status"], "failed");
}

#[test]
fn one_liners_and_commands_run_on_the_selected_hosts() {
    let scene = Scene::shells(&["a", "b"]);
    let ran = scene.cli(["exec", "-l", "a", "--", "echo", "it's $HOME"]).any_stderr().any_stdout().success();
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains("it's $HOME"));
    scene.cli(["exec", "--", "exit 3"]).any_stderr().any_stdout().exit(3);
    let ran = scene.cli(["op", "cmd::run(\"touch x\")", "--plan"]).any_stderr().any_stdout().success();
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains("touch x"));
    assert!(!scene.project.path("hosts/a/x").exists());
    scene.cli(["op", "cmd::run(\"touch x\")", "--yes"]).any_stderr().any_stdout().success();
    assert!(scene.project.path("hosts/a/x").exists() && scene.project.path("hosts/b/x").exists());
    scene.cli(["op", "cmd::rum(\"x\")", "--yes"]).stderr_contains("did you mean `cmd::run`?").exit(1);
}
