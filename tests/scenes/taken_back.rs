//! What failed is taken back: blocks with `undo`, batches with `rollback_batch`.

use super::{Document, Scene};
use std::collections::BTreeMap;
use std::path::Path;

/// Every path below a folder, with its mode and its content or target.
fn digest(folder: &Path) -> BTreeMap<String, String> {
    let script = "cd \"$1\" && find . -exec stat -c '%n %F %a' {} + && find . -type f -exec sha256sum {} + ; find . -type l -exec readlink {} +";
    let output = std::process::Command::new("sh").args(["-c", script, "sh"]).arg(folder).output().expect("sh starts");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| (line.to_owned(), String::new())).collect()
}

/// Scenario S14.
#[test]
fn a_block_that_fails_leaves_what_was_there_before_it() {
    let scene = Scene::shells(&["a", "b"]).playbook(
        r#"let d = host.data("here");
        block("release", |h| {
            file::put(d + "/old", #{ content: "new\n", mode: "0600" });
            file::put(d + "/made/here", #{ content: "x\n", create_dirs: true });
            file::line(d + "/conf", #{ line: "c = 3" });
            file::replace(d + "/conf", #{ pattern: "a = 1", to: "a = one" });
            file::line(d + "/conf", #{ pattern: "^b", present: false });
            file::block(d + "/conf", #{ content: "in a block" });
            file::link(d + "/link", #{ to: "elsewhere" });
            file::absent(d + "/gone");
            file::dir(d + "/dir", #{ mode: "0700" });
            file::mirror(d + "/tree", #{ src: "tree" });
            if h.name == "a" { cmd::run("echo why >&2; exit 7"); }
        }, #{
            undo: true,
            rescue: |h, error| { log(`${error.op} ${error.host} ${error.code} ${error.stderr}`); },
            always: |h| { log("always"); },
        });"#,
    );
    let scene = scene.file("tree/one", "1\n");
    for host in ["a", "b"] {
        let put = |name: &str, text: &str| scene.project.write(&format!("hosts/{host}/{name}"), text);
        put("old", "old\n");
        put("conf", "a = 1\nb = 2\nno newline at the end");
        put("gone", "was here\n");
        put("dir/foreign", "x");
        std::os::unix::fs::symlink("conf", scene.project.path(&format!("hosts/{host}/link"))).expect("a link");
    }
    let folder = |host: &str| scene.project.path(&format!("hosts/{host}"));
    let before = digest(&folder("a"));
    let document = scene.applied(0);
    assert_eq!(digest(&folder("a")), before, "{:#}", document.0["hosts"]["a"]);
    assert_eq!(document.log("a"), ["cmd::run a 7 why", "always"]);
    assert_eq!(document.log("b"), ["always"]);
    assert_ne!(digest(&folder("b")), before, "other hosts are not affected");
    // What was taken back is not on record; what stays is.
    let store = rhapsode::state::Store::open(&scene.project.path(rhapsode::state::Store::PATH)).expect("a store");
    let resources = store.resources(&rhapsode::state::LedgerFilter::default()).expect("resources");
    let kinds = |host: &str| -> Vec<&str> {
        resources.iter().filter(|one| one.host == host).map(|one| one.kind.as_str()).collect()
    };
    assert_eq!(kinds("a"), ["command"], "nobody knows what the command did");
    assert_eq!(kinds("b").len(), 10, "{resources:#?}");
}

#[test]
fn a_block_takes_back_what_a_failed_operation_did_half() {
    let scene = Scene::shells(&["a"]).playbook(
        r#"let d = host.data("here");
        block("half", |h| {
            cmd::run("echo 1 >kept", #{ undo: || cmd::run("rm kept") });
            cmd::run("echo 2 >lost");
            op::custom("mine", "x", #{
                read: |h| true,
                apply: |h, left| { file::put(d + "/inside", #{ content: "x\n" }); },
            });
            file::put(d + "/checked", #{ content: "x\n" });
            file::put(d + "/checked2", #{ content: "x\n", validate: "false %s" });
        }, #{ undo: true });"#,
    );
    let document = scene.applied(3);
    let there = |name: &str| scene.project.path(&format!("hosts/a/{name}")).exists();
    assert!(!there("kept") && !there("inside") && !there("checked") && there("lost"));
    let warnings = document.0["hosts"]["a"]["warnings"].to_string();
    assert!(warnings.contains("cmd::run echo 2 >lost cannot be undone"), "{warnings}");
}

const RELEASE: &str = r#"
    handler("again", |h| { cmd::run("cat release >>runs"); });
    play("all", #{ batches: [1, "50%", "100%"], OPTIONS on_failure: "rollback_batch",
        gate: |h| { cmd::run("! grep -q broken release"); } }, |h| {
        file::put(h.data("here") + "/release", #{ content: h.data("release") + "\n", notify: "again" });
        file::put(h.data("here") + "/more", #{ content: "x\n" });
    });"#;

/// Scenario S8, the part that goes back.
#[test]
fn a_canary_that_fails_its_gate_is_put_back_and_the_others_are_left_alone() {
    let hosts = ["w1", "w2", "w3", "w4", "w5", "w6"];
    let scene = Scene::shells(&hosts).playbook(&RELEASE.replace("OPTIONS", "max_fail: 0,"));
    scene.apply().arg("--data").arg("release=good").any_stderr().success();
    let folder = |host: &str| scene.project.path(&format!("hosts/{host}"));
    std::fs::remove_file(folder("w1").join("more")).expect("gone by hand");
    let before: Vec<_> = hosts.iter().map(|host| digest(&folder(host))).collect();
    let document = Document(scene.apply().arg("--data").arg("release=broken").arg("--json").any_stderr().json(3));
    for (host, before) in hosts.iter().zip(&before).skip(1) {
        assert_eq!(digest(&folder(host)), *before, "{host}");
    }
    assert_eq!(document.status("w1"), "failed");
    assert_eq!(scene.project.read("hosts/w1/release"), "good\n");
    assert!(!folder("w1").join("more").exists());
    // What runs by the release was called again with the one that is back.
    assert_eq!(scene.project.read("hosts/w1/runs"), "good\nbroken\ngood\n");
    scene.apply().arg("--data").arg("release=good").any_stderr().success();
}

#[test]
fn a_batch_goes_back_as_a_whole_and_only_when_it_failed() {
    let script = r#"play("all", #{ batches: ["2"], max_fail: 0, on_failure: "rollback_batch" }, |h| {
        file::put(h.data("here") + "/release", #{ content: "new\n" });
        if h.name == h.data("bad", "nobody") { cmd::run("false"); }
    });"#;
    let scene = Scene::shells(&["a", "b", "c", "d"]).playbook(script);
    let document = Document(scene.apply().arg("--data").arg("bad=c").arg("--json").any_stderr().json(3));
    let there = |host: &str| scene.project.path(&format!("hosts/{host}/release")).exists();
    assert_eq!(["a", "b", "c", "d"].map(there), [true, true, false, false], "{:#}", document.0);
    // Below the limit, what failed stays as it is.
    scene.project.write("site.rhai", script.replace("max_fail: 0", "max_fail: 1"));
    scene.apply().arg("--data").arg("bad=c").any_stderr().exit(3);
    assert_eq!(["a", "b", "c", "d"].map(there), [true; 4]);
}
