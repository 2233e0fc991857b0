//! The arguments that every operation takes, through `cmd::run`.

use super::Scene;

fn one(script: &str) -> Scene {
    Scene::shells(&["a"]).playbook(script)
}

#[test]
fn conditions_are_values_or_closures_and_a_skipped_operation_says_why() {
    let scene = one("let yes = cmd::run(\"touch x\", #{ when: |h| h.name == \"a\" });
         let no = cmd::run(\"touch y\", #{ unless: || true });
         cmd::run(\"touch z\", #{ when: false });
         cmd::run(\"touch w\", #{ when: yes.changed, unless: no.changed, requires: yes });
         cmd::run(\"touch v\", #{ requires: [yes, no] });
         log(`${yes.changed} ${yes.skipped} ${no.changed} ${no.skipped}`);");
    for document in [scene.planned(0), scene.applied(0)] {
        assert_eq!(
            document.operations("a"),
            ["touch x: changed", "touch y: skipped", "touch z: skipped", "touch w: changed", "touch v: skipped"]
        );
        assert_eq!(document.log("a"), ["true false false true"]);
        let reasons: Vec<&str> = document.0["hosts"]["a"]["operations"]
            .as_array()
            .expect("operations")
            .iter()
            .filter_map(|op| op["reason"].as_str())
            .collect();
        assert_eq!(reasons, ["`unless` is true", "`when` is false", "what it requires failed or did not run"]);
    }
    assert!(scene.project.path("hosts/a/w").exists() && !scene.project.path("hosts/a/v").exists());
}

#[test]
fn a_failed_operation_is_tried_again_and_again() {
    let scene = one(
        "cmd::run(\"echo try >>tries; test $(wc -l <tries) -ge 3\", #{ retries: 5, delay: 0.01 });
         let seen = cmd::run(\"echo x >>more; wc -l <more\", #{ retries: 9, delay: 0, retry_until: |r| r.stdout == \"4\" });
         log(seen.stdout);
         cmd::run(\"echo last >>lost; exit 9\", #{ retries: 2, delay: 0 });",
    );
    let document = scene.applied(3);
    assert_eq!(scene.project.read("hosts/a/tries"), "try\n".repeat(3));
    assert_eq!(document.log("a"), ["4"]);
    assert_eq!(scene.project.read("hosts/a/lost"), "last\n".repeat(3));
}

#[test]
fn a_retry_until_that_never_comes_true_fails() {
    let scene = one(
        "cmd::run(\"echo no\", #{ retries: 1, delay: 0, retry_until: |r| r.stdout == \"yes\" }); cmd::run(\"touch x\");",
    );
    let document = scene.applied(3);
    assert!(document.error("a").contains("retry_until"), "{}", document.error("a"));
    assert!(!scene.project.path("hosts/a/x").exists());
}

#[test]
fn errors_can_be_ignored_for_a_call_and_for_a_block() {
    let scene = one("let lost = cmd::run(\"echo why >&2; exit 5\", #{ ignore_errors: true });
         log(`${lost.failed} ${lost.changed} ${lost.code} ${lost.stderr}`);
         log(lost.error);
         block(\"b\", |h| { cmd::run(\"exit 6\"); cmd::run(\"touch on\"); }, #{ ignore_errors: true });
         cmd::run(\"touch never\", #{ requires: lost });");
    let document = scene.applied(0);
    assert_eq!(document.log("a"), ["true false 5 why", "cmd::run `echo why >&2; exit 5` failed on `a`"]);
    assert_eq!(
        document.operations("a"),
        ["echo why >&2; exit 5: failed", "exit 6: failed", "touch on: changed", "touch never: skipped"]
    );
    assert_eq!(document.status("a"), "changed");
}

#[test]
fn the_script_has_the_last_word_on_changed_and_failed() {
    let scene = one("let a = cmd::run(\"echo 0 packages\", #{ changed_when: |r| !r.stdout.starts_with(\"0 \") });
         let b = cmd::run(\"echo ERROR\", #{ failed_when: |r| \"ERROR\" in r.stdout, ignore_errors: true });
         let c = cmd::run(\"exit 1\", #{ failed_when: |r| r.code > 1 });
         let d = cmd::run(\"exit 3\", #{ success_codes: [0, 3] });
         let e = cmd::run(\"true\", #{ changed_when: false });
         log(`${a.changed} ${b.failed} ${c.failed} ${c.changed} ${d.code} ${e.changed}`);");
    let document = scene.applied(0);
    assert_eq!(document.log("a"), ["false true false true 3 false"]);
    assert_eq!(document.0["totals"]["changes"], 2);
}

#[test]
fn variables_folder_interpreter_and_limit_reach_the_command() {
    let scene = one(
        "play(\"all\", #{ env: #{ ONE: \"1\", TWO: \"2\" }, chdir: \"/usr\" }, |h| {
             log(cmd::run(\"echo $ONE $TWO $PWD\", #{ env: #{ TWO: \"it's $2\" } }).stdout);
             log(cmd::run(\"pwd\", #{ chdir: \"/tmp\" }).stdout);
             block(\"b\", |h| { log(cmd::run(\"echo $ONE$THREE $PWD\", #{ env: #{ THREE: 3 } }).stdout); }, #{ chdir: \"/\" });
         });
         log(cmd::run(\"echo [$ONE] ${0##*/}\", #{ shell: \"bash\" }).stdout);
         cmd::run(\"sleep 100\", #{ timeout: 0.3 });",
    );
    let document = scene.applied(3);
    let log = document.log("a");
    assert_eq!(log[..3], ["1 it's $2 /usr", "/tmp", "13 /"]);
    assert_eq!(log[3], "[] bash");
    assert!(document.error("a").contains("300ms") || document.error("a").contains("0.3"), "{}", document.error("a"));
}

#[test]
fn a_shell_that_a_command_ends_or_hangs_is_replaced_for_the_next() {
    let scene = one("try { cmd::run(\"kill -9 $$\"); } catch (e) { log(e.message); }
         cmd::run(\"exit 0\");
         try { cmd::run(\"sleep 100\", #{ timeout: 0.2 }); } catch (e) { log(e.causes[0]); }
         cmd::run(\"touch after\");");
    let document = scene.applied(0);
    assert_eq!(document.log("a").len(), 2, "{:?}", document.log("a"));
    assert!(scene.project.path("hosts/a/after").exists());
}

#[test]
fn a_loud_operation_shows_what_it_printed_under_its_name() {
    let scene = one("cmd::run(\"echo printed words | tr ' ' -\", #{ loud: true, name: \"say it\" });");
    let ran = scene.apply().any_stderr().success();
    assert!(ran.stderr.contains("    | printed-words\n") && ran.stderr.contains("say it"), "{}", ran.stderr);
}

#[test]
fn exec_gives_what_the_command_printed_and_nothing_else_to_a_pipe() {
    let scene = Scene::shells(&["a", "b"]).playbook("");
    let said = "printf \"%s-%s\\n\" some words; printf \"%s\\n\" aside >&2";
    scene.cli(["exec", "-l", "a", "--", said]).stdout("some-words\naside\n").success();
    let both = scene.cli(["exec", "--", said]).any_stdout().success().stdout;
    let mut lines: Vec<&str> = both.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["a: aside", "a: some-words", "b: aside", "b: some-words"]);
    let failed = scene.cli(["exec", "-l", "a", "--", "echo half; echo why >&2; exit 3"]).stdout("half\n");
    failed.stderr_contains("exited with 3").stderr_contains("    | why").exit(3);
}

#[test]
fn an_array_of_targets_is_an_operation_for_each() {
    let scene = one(
        "for line in [\"echo one\", \"echo two\"] { cmd::run(line); }\ncmd::run([\"printf\", \"%s\", \"a b\\n\"]);",
    );
    assert_eq!(
        scene.applied(0).operations("a"),
        ["echo one: changed", "echo two: changed", "printf %s a b\n: changed"]
    );
}

#[test]
fn data_is_that_of_the_host_and_can_be_set_for_the_rest_of_the_run() {
    let scene = one("log(host.data(\"port\", 80));
         host.set(\"port\", 81);
         log(host.data(\"port\"));
         log(render(\"{{ port }} {{ host.name }}\", #{}));
         try { host.data(\"none\"); } catch (e) { log(e.hint); }");
    let document = scene.applied(0);
    assert_eq!(document.log("a")[..3], ["80", "81", "81 a"]);
    assert!(document.log("a")[3].contains("host.data(\"none\", value)"), "{:?}", document.log("a"));
    let document = super::Document(scene.apply().arg("--data").arg("port=8080").arg("--json").any_stderr().json(0));
    assert_eq!(document.log("a")[0], "8080");
}
