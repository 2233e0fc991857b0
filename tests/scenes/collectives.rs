//! Where hosts wait for each other: plays and their batches, `once`, `gather`, `barrier`, `delegate`, `local`.

use super::Scene;

/// Notes a word in a file that all hosts share, one line each, in the order in which it happened.
const NOTE: &str = "fn note(word) { cmd::run(`echo '${word}' >>../../order`); }\n";

/// A pause that differs from host to host: whoever does not wait is found out.
const DAWDLE: &str = "fn dawdle() { cmd::run(`sleep 0.$(( $(basename $PWD | cksum | cut -c1-2) % 4 ))`); }\n";

impl Scene {
    fn story(self, script: &str) -> Self {
        self.playbook(&format!("{NOTE}{DAWDLE}{script}"))
    }

    fn order(&self) -> Vec<String> {
        self.project.read("order").lines().map(str::to_owned).collect()
    }
}

fn sorted(lines: &[String]) -> Vec<&str> {
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn every_host_of_the_run_waits_for_the_end_of_a_play() {
    let scene = Scene::shells(&["a", "b", "c", "d"]).story(
        "play(\"a | b\", |h| { dawdle(); note(`one ${h.name}`); });
         play(\"c | d\", |h| { note(`two ${h.name}`); });
         play(\"all\", |h| { note(`three ${h.name}`); });",
    );
    scene.applied(0);
    let order = scene.order();
    assert_eq!(sorted(&order[..2]), ["one a", "one b"]);
    assert_eq!(sorted(&order[2..4]), ["two c", "two d"]);
    assert_eq!(order.len(), 8);
}

#[test]
fn batches_run_one_after_the_other_and_the_last_size_repeats() {
    let scene = Scene::shells(&["a", "b", "c", "d", "e"]).story(
        "play(\"all\", #{ serial: [1, \"40%\"] }, |h| { dawdle(); note(`in ${h.name}`); note(`out ${h.name}`); });",
    );
    scene.applied(0);
    let order = scene.order();
    assert_eq!(order[..2], ["in a", "out a"]);
    assert_eq!(sorted(&order[2..6]), ["in b", "in c", "out b", "out c"]);
    assert_eq!(sorted(&order[6..]), ["in d", "in e", "out d", "out e"]);
}

#[test]
fn hosts_of_a_play_go_backwards_when_asked() {
    let scene = Scene::shells(&["a", "b", "c"])
        .story("play(\"all\", #{ serial: 1, order: \"reverse\" }, |h| { note(h.name); });");
    scene.applied(0);
    assert_eq!(scene.order(), ["c", "b", "a"]);
}

#[test]
fn a_linear_play_runs_each_operation_on_all_hosts_before_the_next() {
    let scene = Scene::shells(&["a", "b", "c"]).story(
        "play(\"all\", #{ strategy: \"linear\" }, |h| {
             dawdle();
             cmd::run(\"echo 1 >>../../order\");
             if h.name != \"b\" { cmd::run(\"echo 2 >>../../order\"); }
             cmd::run(\"echo 3 >>../../order\");
         });",
    );
    scene.applied(0);
    assert_eq!(scene.order(), ["1", "1", "1", "2", "2", "3", "3", "3"]);
}

#[test]
fn a_canary_that_fails_keeps_the_others_untouched() {
    let scene = Scene::shells(&["a", "b", "c"]).story(
        "play(\"all\", #{ serial: [1, \"100%\"] }, |h| { note(h.name); cmd::run(\"exit 3\"); });\nnote(\"after\");",
    );
    let document = scene.applied(3);
    assert_eq!(scene.order(), ["a"]);
    assert_eq!(["a", "b", "c"].map(|host| document.status(host)), ["failed", "skipped", "skipped"]);
    assert!(document.error("b").contains("1 of 1 hosts of the batch failed"), "{}", document.error("b"));
}

#[test]
fn max_fail_must_be_exceeded_and_counts_unreachable_hosts() {
    let names = ["a", "b", "c", "d", "e"];
    let script = |most: &str| {
        format!(
            "play(\"all\", #{{ max_fail: {most} }}, |h| {{ if h.name == \"a\" {{ cmd::run(\"false\"); }} note(h.name); }});
             note(`after ${{host.name}}`);"
        )
    };
    let scene = Scene::shells(&names);
    let lost = scene
        .project
        .read("inv.yaml")
        .replace("  b: { connect: exec, command: [sh,", "  b: { connect: exec, command: ['false',");
    assert!(lost.contains("'false'"));
    let scene = scene.file("inv.yaml", lost).story(&script("\"40%\""));
    let document = scene.applied(3);
    assert_eq!(names.map(|host| document.status(host)), ["failed", "unreachable", "changed", "changed", "changed"]);
    assert_eq!(sorted(&scene.order()), ["after c", "after d", "after e", "c", "d", "e"]);
    let scene = scene.story(&script("1"));
    let document = scene.applied(3);
    assert_eq!(names.map(|host| document.status(host)), ["failed", "unreachable", "changed", "changed", "changed"]);
    assert!(document.error("c").contains("2 of 5 hosts of the batch failed, max_fail is 1"), "{}", document.error("c"));
    assert_eq!(sorted(&scene.order()[6..]), ["c", "d", "e"]);
}

#[test]
fn rolling_stops_at_the_first_failure_and_a_gate_fails_its_host() {
    let scene = Scene::shells(&["a", "b", "c"]).story(
        "rolling(\"all\", #{ batches: 1, gate: |h| { note(`gate ${h.name}`); if h.name == \"b\" { fail(\"not healthy\"); } } },
             |h| { note(`body ${h.name}`); });",
    );
    let document = scene.applied(3);
    assert_eq!(scene.order(), ["body a", "gate a", "body b", "gate b"]);
    assert_eq!(["a", "b", "c"].map(|host| document.status(host)), ["changed", "failed", "skipped"]);
    assert_eq!(document.error("b"), "not healthy");
}

#[test]
fn once_runs_on_the_first_host_that_answers_and_tells_all() {
    let scene = Scene::shells(&["a", "b", "c"]);
    let lost = scene.project.read("inv.yaml").replacen("command: [sh,", "command: ['false',", 1);
    let scene = scene.file("inv.yaml", lost).story(
        "let where_ = once(|| { note(`migrated ${host.name}`); cmd::read(\"basename $PWD\").stdout });
         log(`on ${where_}`);
         cmd::run(\"echo\", #{ run_once: true });",
    );
    let document = scene.applied(4);
    assert_eq!(scene.order(), ["migrated b"]);
    assert_eq!(["a", "b", "c"].map(|host| document.status(host)), ["unreachable", "changed", "ok"]);
    assert_eq!(document.log("c"), ["on b"]);
    assert!(document.error("a").contains("`a` is unreachable"), "{}", document.error("a"));
}

#[test]
fn once_that_fails_fails_every_host_with_its_reason() {
    let scene = Scene::shells(&["a", "b"]).story("once(|| cmd::run(\"echo broken >&2; exit 7\"));\nnote(\"after\");");
    let document = scene.applied(3);
    assert_eq!(["a", "b"].map(|host| document.status(host)), ["failed", "failed"]);
    assert!(document.error("a").contains("exited with 7"), "{}", document.error("a"));
    let told = "`once` failed on `a`: cmd::run `echo broken >&2; exit 7` failed on `a`";
    assert_eq!(document.error("b"), told);
    assert!(!scene.project.path("order").exists());
}

#[test]
fn gather_gives_every_host_the_values_of_those_that_are_left() {
    let scene = Scene::shells(&["a", "b", "c", "d"]).story(
        "dawdle();
         if host.name == \"b\" { cmd::run(\"false\"); }
         let all = gather(cmd::read(\"basename $PWD\").stdout);
         log(all.keys().reduce(|text, key| text + key, \"\") + all[\"d\"]);
         barrier();
         note(host.name);",
    );
    let document = scene.applied(3);
    for host in ["a", "c", "d"] {
        assert_eq!(document.log(host), ["acdd"], "{host}");
    }
    assert_eq!(sorted(&scene.order()), ["a", "c", "d"]);
}

#[test]
fn delegated_blocks_act_on_the_other_host_and_local_ones_here() {
    let scene = Scene::shells(&["web-1", "web-2", "lb"]).story(
        "play(\"web-*\", #{ serial: 1 }, |h| {
             delegate(\"lb\", |lb| { cmd::run(`echo out ${h.name} as ${lb.name} >>pool`); });
             cmd::run(\"touch deployed\");
             cmd::run(`echo in ${h.name} >>pool`, #{ delegate_to: \"lb\" });
         });
         play(\"lb\", |h| { log(local(|| cmd::read(\"echo $HERE\").stdout)); });",
    );
    let document = super::Document(scene.apply().arg("--json").env("HERE", "my machine").any_stderr().json(0));
    assert_eq!(scene.project.read("hosts/lb/pool"), "out web-1 as lb\nin web-1\nout web-2 as lb\nin web-2\n");
    assert!(scene.project.path("hosts/web-2/deployed").exists());
    assert!(!scene.project.path("hosts/lb/deployed").exists());
    assert_eq!(document.log("lb"), ["my machine"]);
}

#[test]
fn a_run_limited_to_one_host_may_delegate_to_another_and_does_not_wait_for_it() {
    let scene = Scene::shells(&["web-1", "web-2", "lb"])
        .story("delegate(\"lb\", || cmd::run(`echo ${host.name} >>pool`)); barrier(); log(gather(1).len());");
    let document = super::Document(scene.apply().host("web-2").arg("--json").any_stderr().json(0));
    assert_eq!(document.hosts(), ["web-2"]);
    assert_eq!(document.log("web-2"), ["1"]);
    assert_eq!(scene.project.read("hosts/lb/pool"), "lb\n");
}

#[test]
fn hosts_that_come_to_different_places_get_an_error_with_both_lines() {
    for (script, lines) in [
        ("if host.name == \"a\" { barrier();\n} else { barrier(); }", ["site.rhai:3:23", "site.rhai:4:10"]),
        ("if host.name == \"a\" { gather(1);\n} else {\nplay(\"all\", |h| {}); }", ["site.rhai:3:23", "site.rhai:5:1"]),
        ("if host.name == \"a\" { once(|| 1);\n} else {\nbarrier(); }", ["site.rhai:3:23", "site.rhai:5:1"]),
    ] {
        let scene = Scene::shells(&["a", "b"]).story(script);
        for document in [scene.planned(1), scene.applied(1)] {
            for host in ["a", "b"] {
                let error = document.error(host);
                assert!(error.contains("hosts disagree") && lines.iter().all(|line| error.contains(line)), "{error}");
                assert_eq!(document.status(host), "failed");
            }
        }
    }
}

#[test]
fn a_host_that_never_comes_is_named_by_those_who_wait() {
    for script in [
        "if host.name != \"b\" { barrier(); }",
        "play(\"all\", |h| { if host.name != \"b\" { gather(1); } });",
        "play(\"all\", |h| { if host.name == \"b\" { return; } barrier(); });",
        "if host.name == \"b\" { throw_away(); } else { once(|| 1); }\nfn throw_away() {}",
    ] {
        let scene = Scene::shells(&["a", "b", "c"]).story(script);
        let document = scene.applied(1);
        let error = document.error("a");
        assert!(error.contains("hosts disagree") && error.contains("`b` ended its part"), "{script}: {error}");
        assert_eq!(["a", "c"].map(|host| document.status(host)), ["failed", "failed"], "{script}");
    }
}

#[test]
fn a_script_may_catch_a_disagreement_and_meet_again() {
    let scene = Scene::shells(&["a", "b"]).story(
        "try { if host.name == \"a\" { barrier(); } else { gather(1); } } catch (e) { log(e.message); }
         barrier();
         note(\"both\");",
    );
    let document = scene.applied(0);
    assert_eq!(scene.order(), ["both", "both"]);
    assert!(document.log("a")[0].contains("hosts disagree"), "{:?}", document.log("a"));
}

#[test]
fn hosts_that_fail_in_the_middle_hold_up_nobody() {
    let names: Vec<String> = (0..10).map(|number| format!("h{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let scene = Scene::shells(&names).story(
        "play(\"all\", #{ strategy: \"linear\", max_fail: \"100%\" }, |h| {
             dawdle();
             try { if h.name == \"h1\" { cmd::run(\"exit 1\"); } } catch (e) { note(\"caught\"); }
             barrier();
             if h.name == \"h2\" { cmd::run(\"exit 2\"); }
             let all = gather(h.name);
             if h.name == \"h3\" { fail(\"h3\"); }
             if h.name == \"h4\" { throw \"h4\"; }
             once(|| note(\"once\"));
         });
         play(\"h5 | h2\", |h| { note(h.name); });
         log(gather(1).len());",
    );
    let document = scene.applied(3);
    assert_eq!(sorted(&scene.order()), ["caught", "h5", "once"]);
    for host in &names {
        let failed = ["h2", "h3", "h4"].contains(host);
        assert_eq!(document.status(host) == "failed", failed, "{host}");
        assert_eq!(document.log(host), if failed { vec![] } else { vec!["7"] }, "{host}");
    }
}

#[test]
fn one_place_is_enough_for_hosts_that_wait_for_each_other() {
    let names: Vec<String> = (0..10).map(|number| format!("h{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let scene = Scene::shells(&names).story(
        "note(\"1\"); barrier(); note(\"2\");
         let all = gather(host.name);
         play(\"all\", #{ strategy: \"linear\" }, |h| { note(\"3\"); barrier(); note(\"4\"); once(|| note(\"5\")); });
         log(all.len());",
    );
    let document = super::Document(scene.apply().arg("--forks").arg("1").arg("--json").any_stderr().json(0));
    assert_eq!(document.log("h9"), ["10"]);
    let order = scene.order();
    let expected = ["1", "2", "3", "4"].iter().flat_map(|word| std::iter::repeat_n(*word, 10)).chain(["5"]);
    assert_eq!(order, expected.collect::<Vec<_>>());
}

#[test]
fn plays_inside_plays_meet_among_their_own_hosts() {
    let scene = Scene::shells(&["a", "b", "c", "d"]).story(
        "play(\"a | b | c\", |h| {
             play(\"a | b\", #{ serial: 1 }, |h| { note(h.name); });
             barrier();
             log(gather(1).len());
         });
         log(gather(1).len());",
    );
    let document = scene.applied(0);
    assert_eq!(scene.order(), ["a", "b"]);
    assert_eq!(document.log("b"), ["3", "4"]);
    assert_eq!(document.log("d"), ["4"]);
}
