//! How often a host is asked.

use crate::scenes::{Document, Scene};
use crate::support::docker::Container;

const SCRIPT: &str = r#"
let d = host.data("here");
for n in 0..10 {
    file::dir(`${d}/dir${n}`);
    file::put(`${d}/dir${n}/file`, #{ content: `${n}\n`, mode: "0640" });
    file::link(`${d}/link${n}`, #{ to: `dir${n}/file` });
}
for n in 0..10 {
    file::line(`${d}/lines`, #{ line: `line ${n}`, create: true });
    cmd::run(`echo ${n} >${d}/mark${n}`, #{ creates: `${d}/mark${n}` });
}
"#;

const GROUPED: &str = "groups: { web: { hosts: [a, b] } }\n";

fn scene(script: &str) -> Scene {
    let scene = Scene::shells(&["a", "b"]).playbook(script);
    let hosts = scene.project.read("inv.yaml");
    scene.file("inv.yaml", format!("{hosts}{GROUPED}"))
}

/// Exchanges and changes of a host.
fn counted(document: &Document, host: &str) -> (u64, u64) {
    let host = &document.0["hosts"][host];
    let operations = host["operations"].as_array().expect("operations");
    let changed = operations.iter().filter(|operation| operation["status"] == "changed").count() as u64;
    (host["exchanges"].as_u64().expect("a number"), changed)
}

fn only(scene: &Scene, host: &str) -> Document {
    Document(scene.apply().host(host).arg("--json").any_stderr().json(0))
}

#[test]
fn a_run_without_changes_needs_no_more_than_two_exchanges() {
    let scene = scene(SCRIPT);
    scene.applied(0);
    for document in [scene.applied(0), scene.planned(0)] {
        for host in ["a", "b"] {
            let (exchanges, changes) = counted(&document, host);
            assert_eq!(changes, 0);
            assert!(exchanges <= 2, "{exchanges} exchanges");
        }
    }
}

#[test]
fn whole_trees_come_with_the_first_question_too() {
    let scene = scene(
        r#"let d = host.data("here");
file::mirror(d + "/copy", #{ src: "tree", delete: true });
file::dir(d + "/old", #{ mode: "0750", recursive: true });
file::dir(d + "/kept");
file::put(d + "/kept/one", #{ content: "1\n" });
file::dir(d + "/kept", #{ purge: true });
"#,
    );
    let scene = scene.file("tree/one", "1\n").file("tree/sub/two", "2\n");
    scene.applied(0);
    let (exchanges, changes) = counted(&scene.applied(0), "a");
    assert_eq!((exchanges, changes), (1, 0));
}

#[test]
fn a_first_run_asks_ahead_what_a_rehearsal_of_the_playbook_would_ask() {
    let count = |words: &[&str]| {
        let scene = scene(SCRIPT);
        let cli = words.iter().fold(scene.apply(), |cli, word| cli.arg(word));
        counted(&Document(cli.arg("--json").any_stderr().json(0)), "a")
    };
    let (exchanges, changes) = count(&[]);
    assert_eq!(changes, 50);
    assert!(exchanges <= changes + 3, "{exchanges} exchanges, {changes} changes");
    let (plain, changes) = count(&["--no-prefetch"]);
    assert_eq!(changes, 50);
    assert!(plain > exchanges + 20, "{plain} exchanges without, {exchanges} with");
}

#[test]
fn a_first_run_knows_what_accounts_lead_to() {
    let container = Container::asleep("rh-debian", &[]);
    let inventory = format!("hosts:\n  a: {{ connect: docker, container: {} }}\n", container.name());
    let scene = Scene::with(&inventory).playbook(
        r#"group::present("app");
group::present("ops");
user::present("app", #{ group: "app", home: "/srv/app", create_home: false });
user::present("deploy", #{ groups: ["ops"], shell: "/bin/bash" });
file::dir("/srv/app", #{ owner: "app", group: "app" });
"#,
    );
    let (exchanges, changes) = counted(&scene.applied(0), "a");
    assert_eq!(changes, 5);
    assert!(exchanges <= changes + 3, "{exchanges} exchanges, {changes} changes");
}

#[test]
fn a_rehearsal_that_takes_long_or_fails_is_passed_over() {
    let slow = "fn turn(n) { let sum = 0; for i in 0..n { sum += i; } sum }\nlet d = host.data(\"here\");\n\
                if !is_planning() { file::present(d + \"/x\"); } else { turn(3_000_000); sleep(3600); }\n";
    for script in [slow, "if is_planning() { throw \"not today\"; }\nfile::present(host.data(\"here\") + \"/x\");\n"] {
        let scene = scene(script);
        assert_eq!(scene.applied(0).status("a"), "changed", "{script}");
    }
}

#[test]
fn each_change_costs_one_exchange_after_a_plan() {
    let scene = scene(SCRIPT);
    scene.planned(0);
    let (exchanges, changes) = counted(&scene.applied(0), "a");
    assert_eq!(changes, 50);
    assert!(exchanges <= changes + 3, "{exchanges} exchanges, {changes} changes");
}

#[test]
fn each_change_costs_one_exchange_after_a_run_on_another_host_of_the_group() {
    let scene = scene("");
    let shared = scene.project.path("shared").display().to_string();
    let scene = scene.playbook(&SCRIPT.replace("host.data(\"here\")", &format!("\"{shared}\"")));
    std::fs::create_dir(&shared).expect("the project takes a folder");
    only(&scene, "a");
    std::fs::remove_dir_all(&shared).expect("it was there");
    std::fs::create_dir(&shared).expect("the project takes a folder");
    let (exchanges, changes) = counted(&only(&scene, "b"), "b");
    assert!(changes >= 40, "{changes} changes");
    assert!(exchanges <= changes + 3, "{exchanges} exchanges, {changes} changes");
}
