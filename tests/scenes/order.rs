//! What runs when: source order on many hosts, conditions on results, handlers, tags.

use super::{Document, Scene};

/// Twenty hosts, each slower than others at another moment.
fn twenty() -> (Scene, Vec<String>) {
    let names: Vec<String> = (1..=20).map(|number| format!("h{number}")).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    (Scene::shells(&known), names)
}

/// S4: operations in loops inside nested imported functions, and conditions on what they changed.
#[test]
fn loops_in_nested_imported_functions_run_in_source_order_on_twenty_hosts() {
    let (scene, names) = twenty();
    let scene = scene
        .file(
            "modules/outer.rhai",
            "import \"modules/inner\" as inner;
             fn all(h) { for word in [\"a\", \"b\"] { cmd::run(`echo outer ${word} >>log`); inner::each(h, word); } }",
        )
        .file(
            "modules/inner.rhai",
            "fn each(h, word) {
                 for n in 0..3 {
                     cmd::run(`sleep 0.0$(( ($$ + ${n}) % 7 )); echo inner ${word}${n} >>log`);
                 }
                 let mark = cmd::run(`touch ${word}.done`, #{ creates: `${h.data(\"here\")}/${word}.done` });
                 if mark.changed { cmd::run(`echo first ${word} >>log`); }
             }",
        )
        .playbook("import \"modules/outer\" as outer;\nouter::all(host);\nlog(cmd::read(\"wc -l <log\").stdout);\n");
    let once = "outer a\ninner a0\ninner a1\ninner a2\nfirst a\nouter b\ninner b0\ninner b1\ninner b2\nfirst b\n";
    let again = once.replace("first a\n", "").replace("first b\n", "");
    let first = scene.applied(0);
    let plan = scene.planned(0);
    let second = scene.applied(0);
    for host in &names {
        assert_eq!(scene.project.read(&format!("hosts/{host}/log")), format!("{once}{again}"));
        assert_eq!(first.log(host), ["10"]);
        // The plan says of every operation what the apply after it did.
        let planned: Vec<String> = plan.operations(host);
        assert_eq!(planned[..planned.len() - 1], second.operations(host)[..planned.len() - 1], "{host}");
        assert_eq!(planned.iter().filter(|line| line.starts_with("touch")).count(), 2);
        assert!(planned.contains(&"touch a.done: unchanged".to_owned()), "{planned:?}");
    }
}

#[test]
fn handlers_run_once_at_the_end_of_the_play_in_the_order_of_their_definition() {
    let scene = Scene::shells(&["a"])
        .file(
            "modules/web.rhai",
            "fn site() { cmd::run(\"echo site >>log\", #{ notify: [\"restart\", \"reload\"] }); }",
        )
        .file(
            "modules/handlers.rhai",
            "fn define() { handler(\"from module\", |h| { cmd::run(`echo module on ${h.name} >>log`); }); }",
        )
        .playbook(
            "import \"modules/web\" as web;
             import \"modules/handlers\" as handlers;
             handlers::define();
             handler(\"reload\", |h| { cmd::run(\"echo reload >>log\", #{ notify: \"after\" }); });
             handler(\"restart\", |h| { web::site2(h); });
             handler(\"after\", || { cmd::run(\"echo after >>log\"); });
             handler(\"never\", || { cmd::run(\"echo never >>log\"); });
             play(\"all\", |h| {
                 web::site();
                 web::site();
                 cmd::run(\"true\", #{ creates: `${h.data(\"here\")}/log`, notify: \"never\" });
                 cmd::run(\"echo body >>log\", #{ notify: \"from module\" });
             });
             cmd::run(\"echo end >>log\");",
        );
    let module = scene.project.read("modules/web.rhai") + "\nfn site2(h) { cmd::run(\"echo restart >>log\"); }\n";
    let scene = scene.file("modules/web.rhai", module);
    scene.applied(0);
    let log = scene.project.read("hosts/a/log");
    assert_eq!(log, "site\nsite\nbody\nmodule on a\nreload\nrestart\nafter\nend\n");
}

#[test]
fn handlers_can_be_flushed_and_those_of_the_script_itself_run_at_its_end() {
    let scene = Scene::shells(&["a"]).playbook(
        "handler(\"h\", || { cmd::run(\"echo handled >>log\"); });
         cmd::run(\"echo 1 >>log\", #{ notify: \"h\" });
         flush_handlers();
         flush_handlers();
         cmd::run(\"echo 2 >>log\");
         notify(\"h\");
         cmd::run(\"echo 3 >>log\");",
    );
    scene.applied(0);
    assert_eq!(scene.project.read("hosts/a/log"), "1\nhandled\n2\n3\nhandled\n");
}

#[test]
fn a_plan_shows_the_handlers_that_would_run() {
    let scene = Scene::shells(&["a"]).playbook(
        "handler(\"h\", || { cmd::run(\"handled\"); });
         handler(\"g\", || { cmd::run(\"not handled\"); });
         cmd::run(\"touch x\", #{ creates: \"/none\", notify: \"h\" });
         cmd::run(\"touch y\", #{ creates: \"/\", notify: \"g\" });",
    );
    assert_eq!(scene.planned(0).operations("a"), ["touch x: changed", "touch y: unchanged", "handled: changed"]);
}

#[test]
fn a_handler_that_fails_fails_its_host() {
    let scene = Scene::shells(&["a", "b"]).playbook(
        "handler(\"h\", |h| { if h.name == \"a\" { cmd::run(\"exit 4\"); } });
         play(\"all\", |h| { cmd::run(\"true\", #{ notify: \"h\" }); });
         cmd::run(\"touch after\");",
    );
    let document = scene.applied(3);
    assert_eq!(["a", "b"].map(|host| document.status(host)), ["failed", "changed"]);
    assert!(!scene.project.path("hosts/a/after").exists() && scene.project.path("hosts/b/after").exists());
}

#[test]
fn tags_leave_operations_out_and_list_them() {
    let scene = Scene::shells(&["a"]).playbook(
        "block(\"base\", |h| { cmd::run(\"base\", #{ when: true }); }, #{ tags: \"base\" });
         play(\"all\", #{ tags: [\"app\"] }, |h| {
             cmd::run(\"true app\");
             cmd::run(\"true slow\", #{ tags: \"slow\" });
         });
         cmd::run(\"true always\", #{ tags: \"always\" });
         cmd::run(\"never\", #{ tags: [\"never\", \"debug\"] });
         cmd::run(\"plain\");",
    );
    let apply = |words: [&str; 4]| {
        let cli = words.iter().filter(|word| !word.is_empty()).fold(scene.apply(), |cli, word| cli.arg(word));
        Document(cli.arg("--json").any_stderr().json(0))
    };
    let document = apply(["--tags", "app", "--skip-tags", "slow"]);
    assert_eq!(
        document.operations("a"),
        [
            "base: skipped",
            "true app: changed",
            "true slow: skipped",
            "true always: changed",
            "never: skipped",
            "plain: skipped"
        ]
    );
    let reasons: Vec<&str> = document.0["hosts"]["a"]["operations"]
        .as_array()
        .expect("operations")
        .iter()
        .filter_map(|op| op["reason"].as_str())
        .collect();
    let none = "has none of the tags app";
    assert_eq!(reasons, [none, "tag `slow` is skipped", "tag `never`", none]);
    let ran = scene.apply().arg("--tags").arg("app").arg("--skip-tags").arg("slow").arg("-v").any_stderr().success();
    assert!(ran.stderr.contains("base") && ran.stderr.contains("has none of the tags app"), "{}", ran.stderr);
}

#[test]
fn limits_are_set_expressions_and_know_who_failed_last_time() {
    let scene = Scene::shells(&["web-1", "web-2", "web-3", "db-1"]);
    let inventory = scene.project.read("inv.yaml") + "groups:\n  web: { hosts: [web-1, web-2, web-3] }\n";
    let scene = scene
        .file("inv.yaml", inventory)
        .playbook("if host.name in [\"web-2\", \"db-1\"] { cmd::run(\"test -e healed\"); }\ncmd::run(\"touch done\");");
    let hosts = |limit: &str, code: i32| {
        let document = scene.apply().host(limit).arg("--json").any_stderr().json(code);
        Document(document).hosts().join(" ")
    };
    assert_eq!(hosts("web & !web-2", 0), "web-1 web-3");
    assert_eq!(hosts("*-1", 3), "web-1 db-1");
    assert_eq!(hosts("all", 3), "web-1 web-2 web-3 db-1");
    scene.project.write("hosts/db-1/healed", "");
    assert_eq!(hosts("@failed", 3), "web-2 db-1");
    assert_eq!(hosts("@failed & web", 3), "web-2");
    scene.project.write("hosts/web-2/healed", "");
    assert_eq!(hosts("@failed", 0), "web-2");
    scene.apply().host("@failed").stderr_contains("error: no host matches").exit(6);
}
