//! S25: operations that people write themselves, and errors that scripts catch.

use super::Scene;

/// A package manager of thirty lines: names in a file, one command to add some and one to take them away.
const NALA: &str = r#"
fn missing(h, names) {
    let known = cmd::read("cat installed 2>/dev/null || true").stdout.split("\n");
    names.filter(|name| !(name in known))
}

fn installed(names, args) {
    op::custom("nala::installed", names, args + #{
        read: |h| missing(h, names),
        diff: |h, missing| missing.reduce(|text, name| text + "+" + name + "\n", ""),
        apply: |h, missing| {
            for name in missing { cmd::run(["sh", "-c", "echo \"$1\" >>installed", "sh", name]); }
        },
        undo: |h, missing| {
            for name in missing { cmd::run(["sh", "-c", "grep -vx \"$1\" installed >rest; mv rest installed", "sh", name]); }
        },
    })
}
"#;

fn nala(script: &str) -> Scene {
    Scene::shells(&["a"])
        .file("modules/nala.rhai", NALA)
        .playbook(&format!("import \"modules/nala\" as nala;\n{script}"))
}

fn installed(scene: &Scene) -> String {
    std::fs::read_to_string(scene.project.path("hosts/a/installed")).unwrap_or_default()
}

/// Without the reads that it makes.
fn own(document: &super::Document) -> Vec<String> {
    document.operations("a").into_iter().filter(|line| !line.starts_with("cat ")).collect()
}

#[test]
fn an_own_operation_has_plan_diff_and_idempotence() {
    let scene =
        nala("let r = nala::installed([\"curl\", \"jq\"], #{ name: \"tools\", tags: \"base\" });\nlog(r.changed);\n");
    let plan = scene.planned(0);
    let inside = ["curl", "jq"].map(|name| format!("sh -c echo \"$1\" >>installed sh {name}: changed"));
    assert_eq!(own(&plan), [&inside[0], &inside[1], "curl jq: changed"], "the operations inside predict themselves");
    assert!(plan.0["hosts"]["a"]["operations"][3]["diff"].as_str().expect("a diff").contains("+jq"));
    assert_eq!(plan.log("a"), ["true"]);
    assert_eq!(installed(&scene), "");
    let first = scene.applied(0);
    assert_eq!(first.log("a"), ["true"]);
    assert_eq!(installed(&scene), "curl\njq\n");
    assert_eq!(first.0["hosts"]["a"]["operations"][3]["op"], "nala::installed");
    let again = scene.applied(0);
    assert_eq!(again.log("a"), ["false"]);
    assert_eq!(own(&again), ["curl jq: unchanged"]);
    assert_eq!(again.0["totals"]["changes"], 0);
    scene.cli(["drift", "site.rhai"]).any_stderr().any_stdout().success();
    let skipped = super::Document(scene.apply().arg("--skip-tags").arg("base").arg("--json").any_stderr().json(0));
    assert_eq!(own(&skipped), ["curl jq: skipped"]);
}

#[test]
fn a_block_that_fails_undoes_what_it_changed_last_first() {
    let scene = nala(
        "nala::installed([\"base\"], #{});
         block(\"release\", |h| {
             nala::installed([\"base\", \"one\"], #{});
             nala::installed([\"two\"], #{});
             cmd::run(\"touch mark\", #{ undo: || cmd::run(\"echo undone >>undone\") });
             block(\"inner\", |h| { nala::installed([\"three\"], #{}); });
             cmd::run(\"echo wrong >&2; exit 8\");
         }, #{
             undo: true,
             rescue: |h, e| { log(`${e.op}|${e.host}|${e.code}|${e.stderr}|${e.at}`); },
             always: |h| { log(\"always\"); },
         });
         log(cmd::read(\"cat installed\").stdout);",
    );
    let document = scene.applied(0);
    assert_eq!(document.log("a"), ["cmd::run|a|8|wrong|site.rhai:8:19", "always", "base"]);
    assert_eq!(installed(&scene), "base\n");
    assert_eq!(scene.project.read("hosts/a/undone"), "undone\n");
    let warnings = document.0["hosts"]["a"]["warnings"].to_string();
    assert!(warnings.find("nala::installed three") < warnings.find("nala::installed two"), "{warnings}");
}

#[test]
fn without_undo_a_block_leaves_what_it_did_and_fails_its_host() {
    let scene =
        nala("block(\"b\", |h| { nala::installed([\"x\"], #{}); cmd::run(\"exit 2\"); });\ncmd::run(\"touch after\");");
    scene.applied(3);
    assert_eq!(installed(&scene), "x\n");
    assert!(!scene.project.path("hosts/a/after").exists());
}

#[test]
fn a_caught_error_is_a_map_with_all_that_is_known() {
    let scene = nala(
        "try { cmd::run(\"echo out; echo why >&2; exit 4\"); } catch (e) {
             log(`${e.op}|${e.host}|${e.code}|${e.stderr}|${e.at}`);
             log(e.message);
             log(`${e.keys().contains(\"hint\")}`);
         }
         try { nala::installed([\"x\"], #{ failed_when: true }); } catch (e) { log(e.op); }
         try { fail(\"given up\"); } catch (e) { log(`${e.op} ${e.message} ${e.at}`); }
         try { assert(1 > 2, \"numbers\"); } catch (e) { log(e.message); }
         try { throw \"plain\"; } catch (e) { log(e); }
         try { throw #{ why: 7 }; } catch (e) { log(e.why); }
         try { cmd::run(\"x\", #{ creates: 7 + 1 }); } catch (e) { log(e.message); }",
    );
    let document = scene.applied(0);
    assert_eq!(
        document.log("a"),
        [
            "cmd::run|a|4|why|site.rhai:2:12",
            "cmd::run `echo out; echo why >&2; exit 4` failed on `a`",
            "true",
            "nala::installed",
            "fail given up site.rhai:8:16",
            "assertion failed: numbers",
            "plain",
            "7",
            "`cmd::run`: argument `creates`: invalid type: integer `8`, expected a string",
        ]
    );
}

#[test]
fn conditions_delegation_and_handlers_hold_for_own_operations() {
    let scene = Scene::shells(&["a", "b"]).file("modules/nala.rhai", NALA).playbook(
        "import \"modules/nala\" as nala;
         handler(\"h\", |h| { log(\"handled\"); });
         nala::installed([\"never\"], #{ when: |h| h.name == \"c\" });
         nala::installed([\"there\"], #{ delegate_to: \"b\", run_once: true, notify: \"h\" });
         let r = cmd::run(\"echo x\");
         nala::installed([r.stdout], #{});",
    );
    let plan = scene.planned(0);
    let inside = "sh -c echo \"$1\" >>installed sh there: changed";
    let unknown = "[known after apply]: unknown";
    assert_eq!(own(&plan), ["never: skipped", inside, "there: changed", "echo x: changed", unknown]);
    let document = scene.applied(0);
    assert_eq!(own(&document)[..3], ["never: skipped", inside, "there: changed"]);
    assert_eq!(document.log("a"), ["handled"]);
    assert_eq!(installed(&scene), "x\n");
    assert_eq!(scene.project.read("hosts/b/installed"), "there\nx\n");
}

#[test]
fn mistakes_in_an_own_operation_are_explained() {
    for (want, message) in [
        ("#{ read: |h| 1 }", "`x::y` needs the closure `apply`"),
        ("#{ apply: |h| 1 }", "`x::y` needs the closure `read`"),
        ("#{ read: 7, apply: |h| 1 }", "`x::y`: `read` must be a closure"),
        ("#{ read: |h| 1, apply: |h| 1, aply: 1 }", "`x::y` has no argument `aply`"),
    ] {
        let scene = nala(&format!("op::custom(\"x::y\", \"t\", {want});"));
        let ran = scene.cli(["check", "site.rhai"]).any_stderr().exit(1);
        assert!(ran.stderr.contains(message), "{want}: {}", ran.stderr);
        assert!(ran.stderr.contains("    at site.rhai:2:5\n"), "{want}: {}", ran.stderr);
    }
}
