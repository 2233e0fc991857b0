//! What a plan cannot know is marked, passed on, and never guessed.

use super::Scene;
use rstest::rstest;

#[rstest]
#[case::equal("if r.stdout == \"ready\" { log(1); }")]
#[case::differs("if r.stdout != \"ready\" { log(1); }")]
#[case::turned("if \"ready\" == r.stdout { log(1); }")]
#[case::code("if r.code == 0 { log(1); }")]
#[case::number("if r.code > 0 { log(1); }")]
#[case::contains("if r.stdout.contains(\"x\") { log(1); }")]
#[case::in_text("if \"x\" in r.stdout { log(1); }")]
#[case::joined("let text = \"a\" + r.stdout; if text == \"ab\" { log(1); }")]
#[case::interpolated("let text = `a${r.stdout}`; if text == \"ab\" { log(1); }")]
#[case::length("if r.stdout.len() > 3 { log(1); }")]
#[case::length_property("if r.stdout.len > 3 { log(1); }")]
#[case::split("for line in r.stdout.split(\"\\n\") { log(line); }")]
#[case::upper("log(r.stdout.to_upper());")]
#[case::trim("let text = r.stdout; text.trim(); log(text);")]
#[case::replace("let text = `${r.stdout}`; text.replace(\"a\", \"b\"); log(text);")]
#[case::sub_string("log(`${r.stdout}`.sub_string(0, 2));")]
#[case::index_of("log(`${r.stdout}`.index_of(\"a\"));")]
#[case::parse("log(parse_int(r.stdout));")]
#[case::parse_text("log(parse_int(`${r.stdout}`));")]
#[case::negated("if !(r.stdout == \"a\") { log(1); }")]
#[case::iterated("for letter in `${r.stdout}`.chars() { log(letter); }")]
#[case::iterated_value("for letter in r.stdout { log(letter); }")]
#[case::reckoned("log(r.code + 1);")]
#[case::compared_lists("if [r.stdout] == [\"a\"] { log(1); }")]
#[case::ordered("if `${r.stdout}` > \"a\" { log(1); }")]
#[case::array("if [\"a\"].contains(r.stdout) { log(1); }")]
#[case::array_of_text("if [\"a\"].contains(`${r.stdout}`) { log(1); }")]
#[case::text_in_array("if `${r.stdout}` in [\"a\"] { log(1); }")]
#[case::key("let map = #{ a: 1 }; log(map[`${r.stdout}`]);")]
#[case::asserted("assert(r.stdout == \"a\", \"no\");")]
#[case::whiled("while r.code != 0 { log(1); }")]
#[case::and("if true && r.stdout == \"x\" { log(1); }")]
#[case::padded("let text = `${r.stdout}`; text.pad(90, \"x\"); log(text);")]
#[case::switched("switch r.stdout { \"ready\" => log(1), _ => log(2) }")]
#[case::switched_text("switch `a${r.stdout}` { \"aready\" => log(1), _ => log(2) }")]
#[case::switched_number("let done = switch r.code + 1 { 1 => true, _ => false }; log(done);")]
#[case::reversed("log(`${r.stdout}`.chars());")]
fn a_look_at_an_unknown_ends_the_plan_of_the_host_there(#[case] look: &str) {
    let script =
        format!("cmd::run(\"true before\");\nlet r = cmd::run(\"echo ready\");\n\n{look}\ncmd::run(\"after\");\n");
    let scene = Scene::shells(&["a", "b"]).playbook(&script);
    let document = scene.planned(0);
    for host in ["a", "b"] {
        assert_eq!(document.operations(host), ["true before: changed", "echo ready: changed"]);
        assert_eq!(document.status(host), "changed");
        assert!(document.error(host).contains("not predictable after site.rhai:4:"), "{}", document.error(host));
        assert_eq!(document.log(host), [] as [&str; 0]);
    }
    assert_eq!(document.0["totals"]["not_predictable"], 2);
}

#[test]
fn a_plan_that_ends_early_is_shown_and_counts_as_pending() {
    let scene =
        Scene::shells(&["a"]).playbook("let r = cmd::run(\"echo\");\nif r.stdout == \"\" { cmd::run(\"x\"); }\n");
    let ran = scene.plan().any_stderr().success();
    assert!(
        ran.stderr.contains("not predictable after line 2") || ran.stderr.contains("not predictable after site.rhai:2"),
        "{}",
        ran.stderr
    );
    scene.plan().arg("--exit-code").any_stderr().exit(2);
    scene.cli(["drift", "site.rhai"]).any_stderr().any_stdout().exit(2);
}

#[test]
fn unknown_values_can_be_passed_on_and_make_operations_unknown() {
    let scene = Scene::shells(&["a"]).playbook(
        "let r = cmd::run(\"printf 7\");
         cmd::run(`echo version ${r.stdout}`);
         cmd::run([\"echo\", r.stdout]);
         cmd::run(\"cat\", #{ stdin: r.stdout });
         cmd::run(\"echo env\", #{ env: #{ VERSION: r.stdout } });
         cmd::run(\"echo when\", #{ when: r.changed });
         cmd::run(\"echo closure\", #{ when: || r.stdout == \"7\" });
         cmd::run(`echo ${render(\"v{{ v }}\", #{ v: r.stdout })}`);
         let text = \"a\" + r.stdout + \"b\";
         log(`got ${text}`);
         cmd::run(\"echo end\");",
    );
    let document = scene.planned(0);
    let statuses: Vec<String> =
        document.operations("a").iter().map(|line| line.rsplit(": ").next().unwrap_or_default().to_owned()).collect();
    assert_eq!(
        statuses,
        ["changed", "unknown", "unknown", "unknown", "changed", "changed", "unknown", "unknown", "changed"],
        "{:?}",
        document.operations("a")
    );
    assert_eq!(document.0["totals"]["unknown"], 5);
    assert!(document.log("a")[0].contains("known after apply"), "{:?}", document.log("a"));
    assert!(!document.0.to_string().contains('\u{e000}'), "no token leaves the process");
    let document = scene.applied(0);
    assert_eq!(document.log("a"), ["got a7b"]);
    assert_eq!(document.operations("a")[1], "echo version 7: changed");
    assert_eq!(document.0["totals"]["changes"], 9);
}

#[test]
fn hosts_go_on_without_one_whose_plan_ended() {
    let scene = Scene::shells(&["a", "b", "c"]).playbook(
        "if host.name == \"b\" { let r = cmd::run(\"echo\"); if r.stdout == \"\" { cmd::run(\"true\"); } }
         let all = gather(host.name);
         barrier();
         log(all.len());",
    );
    let document = scene.planned(0);
    assert_eq!(["a", "b", "c"].map(|host| document.log(host).join("")), ["2", "", "2"]);
    let document = scene.applied(0);
    assert_eq!(["a", "b", "c"].map(|host| document.log(host).join("")), ["3", "3", "3"]);
}

#[test]
fn a_condition_that_catches_errors_does_not_hide_the_unknown() {
    let scene = Scene::shells(&["a"]).playbook(
        "let r = cmd::run(\"echo\");
         try { if r.stdout == \"\" { cmd::run(\"x\"); } } catch (e) { log(\"caught\"); }
         block(\"b\", |h| { if r.stdout == \"\" { log(1); } }, #{ rescue: |h, e| { log(\"rescued\"); } });",
    );
    let document = scene.planned(0);
    assert_eq!(document.log("a"), [] as [&str; 0]);
    assert!(document.error("a").contains("not predictable after site.rhai:2:"), "{}", document.error("a"));
}
