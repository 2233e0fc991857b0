//! Bad input: one error with its place and what to do, the exit code of the table, and nothing contacted.

use super::{Document, Scene};
use rstest::rstest;

/// An inventory whose only host notes when somebody logs in.
fn trap() -> Scene {
    let scene = Scene::with("");
    let host = format!(
        "{{ connect: exec, command: [sh, -c, 'touch \"$1\"; exec sh', sh, '{}'], data: {{ color: red }} }}",
        scene.project.path("contacted").display()
    );
    scene.file("inv.yaml", format!("hosts:\n  trap: {host}\ngroups:\n  web: {{ hosts: [trap] }}\n"))
}

impl Scene {
    /// Each verb must refuse this, in the same words, without a login.
    #[track_caller]
    fn refused(&self, code: i32, at: &str, message: &str, hint: &str) {
        for verb in [&["check"][..], &["plan"], &["apply", "--yes"]] {
            let cli = verb.iter().fold(self.cli([]), |cli, word| cli.arg(word)).arg("site.rhai");
            let ran = cli.any_stderr().any_stdout().exit(code);
            self.told_once(&ran.stderr, at, message, hint);
        }
    }

    #[track_caller]
    fn told_once(&self, stderr: &str, at: &str, message: &str, hint: &str) {
        assert_eq!(stderr.matches("error: ").count(), 1, "one error\n{stderr}");
        assert!(stderr.contains(&format!("error: {message}")), "lacks `{message}`\n{stderr}");
        assert!(stderr.contains(&format!("    at {at}\n")), "lacks `at {at}`\n{stderr}");
        let told = stderr.lines().find_map(|line| line.strip_prefix("hint: "));
        assert!(told.is_some_and(|told| told.contains(hint)), "lacks the hint `{hint}`\n{stderr}");
        assert!(!self.project.path("contacted").exists(), "the host was contacted\n{stderr}");
    }
}

#[rstest]
#[case::comma("cmd::run(\"a\"", "site.rhai:1:13", "expecting ')'", "is a `,` or a `)`")]
#[case::semicolon("cmd::run(\"a\")\ncmd::run(\"b\")\n", "site.rhai:2:1", "expecting ';'", "end with `;`")]
#[case::quote("cmd::run(\"a);\n", "site.rhai:1:10", "open string is not terminated", "look at what stands here")]
#[case::variable("let port = 1;\ncmd::run(`${prot}`);", "site.rhai:2:13", "no variable `prot`", "did you mean `port`?")]
#[case::outer_variable(
    "let a_port = 1;\nfn f() { cmd::run(`${xyz}`); }\nf();",
    "site.rhai:2:22",
    "no variable `xyz`",
    "a function sees its parameters"
)]
#[case::function("frobnicate();", "site.rhai:1:1", "unknown function `frobnicate`", "rhapsode docs")]
#[case::near_function("flush_handler();", "site.rhai:1:1", "unknown function `flush_handler`", "`flush_handlers`")]
#[case::operation("cmd::rum(\"a\");", "site.rhai:1:6", "unknown operation `cmd::rum`", "did you mean `cmd::run`?")]
#[case::module("cdm::run(\"a\");", "site.rhai:1:1", "no module `cdm`", "did you mean `cmd`?")]
#[case::argument(
    "cmd::run(\"a\", #{\n    name: \"n\",\n    create: \"/x\",\n});",
    "site.rhai:3:5",
    "`cmd::run` has no argument `create`",
    "did you mean `creates`?"
)]
#[case::type_of_argument(
    "cmd::run(\"a\", #{\n    creates: 42,\n});",
    "site.rhai:2:14",
    "`cmd::run`: argument `creates`: invalid type",
    "rhapsode docs cmd::run"
)]
#[case::type_of_target("cmd::run(42);", "site.rhai:1:10", "`cmd::run`: argument `command`", "rhapsode docs cmd::run")]
#[case::type_in_words(
    "wait::port(\"ssh\");",
    "site.rhai:1:12",
    "`wait::port`: argument `port`: invalid type: string \"ssh\", expected a whole number from 0 to 65535",
    "rhapsode docs wait::port"
)]
#[case::type_of_common(
    "cmd::run(\"a\", #{ retries: \"many\" });",
    "site.rhai:1:27",
    "`cmd::run`: argument `retries` must be a number",
    "rhapsode docs cmd::run"
)]
#[case::no_map(
    "file::put(\"/a\", \"text\");",
    "site.rhai:1:17",
    "`file::put` takes its arguments in a map, not string",
    "#{ name: value }"
)]
#[case::too_few(
    "file::put(\"/a\");",
    "site.rhai:1:7",
    "`file::put` takes 2 arguments, not 1",
    "file::put(path: any, want: map)"
)]
#[case::own_function(
    "fn up(a, b) {}\nup(1);",
    "site.rhai:2:1",
    "`up` takes 2 arguments, not 1",
    "it is defined as `up(a, b)`"
)]
#[case::inside_a_play(
    "play(\"web\", |h| {\n    block(\"b\", |h| {\n        cmd::run(\"a\", #{ chdirr: \"/\" });\n    });\n});",
    "site.rhai:3:26",
    "`cmd::run` has no argument `chdirr`",
    "did you mean `chdir`?"
)]
#[case::handler(
    "handler(\"reload web\", |h| {});\ncmd::run(\"a\", #{ notify: \"reload wed\" });",
    "site.rhai:2:26",
    "no handler `reload wed`",
    "did you mean `reload web`?"
)]
#[case::group("play(\"webb\", |h| {});", "site.rhai:1:6", "unknown host or group `webb`", "did you mean `web`?")]
#[case::selector("play(\"web &\", |h| {});", "site.rhai:1:6", "a name is missing at column 6", "as in `web & !db1`")]
#[case::missing_import(
    "import \"modules/none\" as none;",
    "site.rhai:1:8",
    "cannot import `modules/none`",
    "project's root"
)]
#[case::package("package::installed(\"curl\");", "site.rhai:1:1", "'package' is a reserved", "`pkg::installed`")]
#[case::sync("sync::mirror(\"/srv\");", "site.rhai:1:1", "'sync' is a reserved", "`file::mirror`")]
#[case::default("let default = 1;", "site.rhai:1:5", "'default' is a reserved", "`host.data(\"key\", fallback)`")]
#[case::key_if("cmd::run(\"a\", #{ if: true });", "site.rhai:1:18", "expecting '}'", "`when:` or `unless:`")]
#[case::key_until("cmd::run(\"a\", #{\n  until: true });", "site.rhai:2:3", "expecting '}'", "`retry_until:`")]
#[case::key_match("cmd::run(\"a\", #{ match: true });", "site.rhai:1:18", "'match' is a reserved", "`pattern:`")]
#[case::key_new("cmd::run(\"a\", #{ new: true });", "site.rhai:1:18", "'new' is a reserved", "quote the key: \"new\"")]
fn a_playbook_with_a_mistake_is_refused_before_any_login(
    #[case] script: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] hint: &str,
) {
    trap().playbook(script).refused(1, at, message, hint);
}

#[test]
fn modules_that_import_each_other_are_refused_with_the_circle() {
    let scene = trap()
        .file("modules/a.rhai", "import \"modules/b\" as b;\nfn up() { b::up() }")
        .file("modules/b.rhai", "import \"modules/a\" as a;\nfn up() { a::up() }")
        .playbook("import \"modules/a\" as a;\na::up();");
    let circle = "modules import each other in a circle: modules/a.rhai -> modules/b.rhai -> modules/a.rhai";
    scene.refused(1, "modules/b.rhai:1:8", circle, "a third module");
}

#[test]
fn a_mistake_in_a_module_is_shown_where_it_is() {
    let scene = trap().file("modules/a.rhai", "fn up(h) {\n    cmd::run(\"a\", #{ shel: \"sh\" });\n}\n");
    let scene = scene.playbook("import \"modules/a\" as a;\na::up(host);");
    scene.refused(1, "modules/a.rhai:2:22", "`cmd::run` has no argument `shel`", "did you mean `shell`?");
    let scene = scene.file("modules/a.rhai", "fn up(h) {}\n").playbook("import \"modules/a\" as a;\na::upp(host);");
    scene.refused(1, "site.rhai:2:4", "the module `a` has no function `upp`", "did you mean `a::up`?");
}

#[rstest]
#[case::broken("hosts: {\n", "inv.yaml:1:8", "broken YAML", "close the bracket")]
#[case::key("hosts:\n  a: { adress: x }\n", "inv.yaml:2:8", "unknown key `adress`", "`address`")]
#[case::circle(
    "hosts: { a: {} }\ngroups:\n  x: { children: [y] }\n  y: { children: [x] }\n",
    "inv.yaml:4:19",
    "groups go round in a circle",
    "take `x` out"
)]
#[case::twice("hosts:\n  a: {}\n  a: {}\n", "inv.yaml:3:3", "the key `a` stands here twice", "line 2")]
fn an_inventory_with_a_mistake_is_refused_before_any_login(
    #[case] inventory: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] hint: &str,
) {
    trap().file("inv.yaml", inventory).playbook("cmd::run(\"a\");").refused(1, at, message, hint);
}

#[test]
fn a_mistake_that_only_running_shows_is_told_in_words_of_playbooks_with_the_calls_that_led_there() {
    let scene = trap().file("modules/a.rhai", "fn half(x) {\n    x / #{}\n}\n");
    let scene = scene.playbook("import \"modules/a\" as a;\nfn twice(x) { a::half(x) }\nlog(twice(1));\n");
    let ran = scene.cli(["check", "site.rhai"]).any_stderr().exit(1);
    scene.told_once(&ran.stderr, "modules/a.rhai:2:7", "`/` cannot be used with int and map", "type_of");
    assert!(ran.stderr.contains("    called at site.rhai:2:18\n    called at site.rhai:3:5\n"), "{}", ran.stderr);
    let scene = scene.playbook("let page = file::put(\"/a\", #{ content: \"\" });\nlog(page.chnged);\n");
    let ran = scene.cli(["check", "site.rhai"]).any_stderr().exit(1);
    scene.told_once(&ran.stderr, "site.rhai:2:10", "a Done has no property `chnged`", "`done.changed`");
}

#[test]
fn what_a_closure_of_a_playbook_does_inside_a_module_is_done_by_the_playbook() {
    let scene = trap()
        .file("modules/a.rhai", "fn each(body) {\n    body.call(\"/a\");\n}\n")
        .file("plays/templates/app.j2", "text\n")
        .file("plays/site.rhai", "import \"modules/a\" as a;\n\n\n\na::each(|path| {\n    file::template(path, #{ src: \"templates/app.j2\" });\n    log(1 + #{});\n});\n");
    let ran = scene.cli(["check", "plays/site.rhai"]).any_stderr().exit(1);
    scene.told_once(&ran.stderr, "plays/site.rhai:7:11", "`+` cannot be used with int and map", "type_of");
}

#[test]
fn a_playbook_that_is_not_there_is_answered_with_the_one_that_was_meant() {
    let scene = trap().file("playbooks/web.rhai", "log(1);\n");
    for named in ["wep.rhai", "playbooks/wep.rhai", "web"] {
        scene.cli(["plan", named]).stderr_contains("hint: did you mean `playbooks/web.rhai`?").exit(1);
    }
    let other = scene.project.path("elsewhere");
    std::fs::create_dir_all(&other).expect("a folder");
    scene.cli(["check", "-C", "elsewhere"]).stderr_contains("error: there is no playbook in `").exit(1);
    scene.cli(["check", "-C", "nowhere"]).stderr_contains("error: there is no folder `nowhere`").exit(1);
}

#[test]
fn an_endless_loop_and_an_endless_recursion_are_cut_with_their_line() {
    let scene = trap().file("rhapsode.yaml", "inventory: inv.yaml\nmax_operations: 20000\n");
    for (script, at, message, hint) in [
        (
            "let n = 0;\nloop {\n    n += 1;\n}\ncmd::run(\"a\");",
            "site.rhai:3:",
            "too many operations",
            "max_operations",
        ),
        ("fn f(n) {\n    f(n + 1)\n}\nf(0);\ncmd::run(\"a\");", "site.rhai:4:", "stack overflow", "calls itself"),
    ] {
        let scene = trap().file("rhapsode.yaml", scene.project.read("rhapsode.yaml")).playbook(script);
        let ran = scene.cli(["check", "site.rhai"]).any_stderr().exit(1);
        assert!(ran.stderr.contains(&format!("error: {message}\n    at {at}")), "{}", ran.stderr);
        assert!(ran.stderr.contains(hint), "{}", ran.stderr);
        let ran = scene.apply().any_stderr().exit(1);
        assert!(ran.stderr.contains(&format!("error: trap: {message}\n    at {at}")), "{}", ran.stderr);
        assert!(!scene.project.path("contacted").exists(), "the host was contacted");
    }
}

#[test]
fn check_evaluates_a_playbook_without_any_host() {
    let scene = trap()
        .playbook("let port = 80;\ncmd::run(\"a\");\nif port > 79 {\n    cmd::run(\"a\", #{ creates: port });\n}\n");
    let ran = scene.cli(["check", "site.rhai"]).any_stderr().exit(1);
    scene.told_once(&ran.stderr, "site.rhai:4:10", "`cmd::run`: argument `creates`", "rhapsode docs cmd::run");
    let scene = scene.playbook("cmd::run(\"a\");\nlog(host.data(\"colour\"));\n");
    let ran = scene.cli(["check", "site.rhai"]).any_stderr().exit(1);
    scene.told_once(&ran.stderr, "site.rhai:2:10", "no data `colour` on `trap`", "did you mean `color`?");
    let scene = scene.playbook("cmd::run(\"a\");\nlog(host.data(\"color\"));\n");
    scene.cli(["check", "site.rhai"]).stdout("1 playbook: no mistakes found\n").success();
    assert!(!scene.project.path("contacted").exists(), "the host was contacted");
}

#[test]
fn a_template_with_an_unknown_variable_is_refused_with_its_line() {
    let scene = trap().playbook("log(\"a\");\nlog(render(\"x {{ colour }}\", #{ name: 1 }));\n");
    let ran = scene.cli(["check", "site.rhai"]).any_stderr().exit(1);
    scene.told_once(&ran.stderr, "site.rhai:2:5", "template `text:1`: undefined variable", "in the inventory");
    scene.playbook("log(render(\"{{ color }} {{ n + 1 }}\", #{ n: 1 }));").applied(0);
}

#[test]
fn what_templates_cannot_do_is_told_with_what_can_be_done() {
    for (text, hint) in [("{% include \"b.j2\" %}", "`render(...)`"), ("{{ 1 | nofilter }}", "docs.rs/minijinja")] {
        let scene = trap().file("a.j2", text).playbook("file::template(\"/a\", #{ src: \"a.j2\" });");
        let ran = scene.cli(["check", "site.rhai"]).any_stderr().exit(1);
        scene.told_once(&ran.stderr, "site.rhai:1:7", "template `a.j2:1`: ", hint);
    }
}

#[test]
fn wrong_usage_is_64_with_what_to_do() {
    let scene = trap().playbook("cmd::run(\"a\");");
    scene.cli(["aply", "site.rhai"]).stderr_contains("'apply'").exit(64);
    scene.cli(["apply"]).stderr_contains("<PLAYBOOK").exit(64);
    scene.cli(["plan", "site.rhai", "--jsn"]).stderr_contains("'--json'").exit(64);
    scene.cli(["plan", "site.rhai", "--forks", "0"]).stderr_contains("--forks").exit(64);
    scene.cli(["apply", "site.rhai"]).stderr_contains("hint: add `--yes`").exit(64);
    assert!(!scene.project.path("contacted").exists(), "the host was contacted");
}

#[test]
fn nothing_to_run_is_told_apart_from_nobody_to_run_it_on() {
    let scene = trap().playbook("cmd::run(\"a\");");
    scene.cli(["plan", "none.rhai"]).stderr_contains("error: no playbook `none.rhai`").exit(1);
    let scene = scene.file("playbooks/web.rhai", "log(\"in its folder\");\n").file("playbooks/notes.md", "");
    let scene = scene.file("playbooks/more/site.rhai", "").file("modules/none.rhai", "");
    scene.cli(["plan", "none.rhai"]).stderr_contains("hint: the project has playbooks/web.rhai\n").exit(1);
    scene.cli(["plan", "wbe.rhai"]).stderr_contains("hint: did you mean `playbooks/web.rhai`?").exit(1);
    scene.cli(["plan", "playbooks"]).stderr_contains("error: no playbook `playbooks`").exit(1);
    scene.cli(["plan", "site.rhai", "-i", "none.yaml"]).stderr_contains("hint: ").exit(1);
    scene.plan().host("web & !trap").stderr_contains("error: no host matches").stderr_contains("hint: ").exit(6);
    scene.plan().host("trap*x").stderr_contains("error: no host matches").exit(6);
    scene.plan().arg("--exclude").arg("web").stderr_contains("error: no host").stderr_contains("hint: ").exit(6);
    scene.plan().host("@failed").stderr_contains("error: no host matches").exit(6);
    scene.plan().host("wep").stderr_contains("did you mean `web`?").exit(1);
    assert!(!scene.project.path("contacted").exists(), "the host was contacted");
}

#[test]
fn a_playbook_is_found_in_its_folder_unless_one_of_that_name_is_nearer() {
    let scene = Scene::shells(&["a"]).file("playbooks/web.rhai", "log(\"in its folder\");\n");
    let told = |document: &Document| (document.0["playbook"].clone(), document.log("a")[0].to_owned());
    let plan = |scene: &Scene, name: &str| Document(scene.cli(["plan", name, "--json"]).any_stderr().json(0));
    let found = ("playbooks/web.rhai".into(), "in its folder".to_owned());
    assert_eq!(told(&plan(&scene, "web.rhai")), found);
    assert_eq!(told(&plan(&scene, "playbooks/web.rhai")), found);
    scene.cli(["check", "web.rhai"]).stdout_contains("1 playbook: no mistakes found").success();
    scene.cli(["apply", "web.rhai", "--yes"]).any_stderr().success();
    scene.cli(["drift", "web.rhai"]).any_stderr().success();
    let scene = scene.file("web.rhai", "log(\"at the root\");\n");
    assert_eq!(told(&plan(&scene, "web.rhai")), ("web.rhai".into(), "at the root".to_owned()));
}
