//! `rollback`: back to what an earlier commit made of the hosts.

use super::interrupt::Running;
use super::{Document, Scene};
use crate::support::hosts::eventually;
use crate::support::project::Project;
use std::path::Path;
use std::process::Command as Process;

/// A repository whose first commit is applied; the playbook asks a module, the inventory and a template.
fn applied() -> (Scene, String) {
    let scene = Scene::shells(&["a", "b"])
        .file(".gitignore", "/hosts/\n/secret.txt\n")
        .file("secret.txt", "not in git\n")
        .file("modules/text.rhai", "fn text() { \"one\" }\n")
        .file("group_data/all.yaml", "word: first\n")
        .file("greeting.j2", "{{ word }} of the first\n")
        .playbook(PLAYBOOK);
    let Scene { project } = scene;
    let scene = Scene { project: project.git() };
    let commit = scene.project.commit("one");
    scene.applied(0);
    (scene, commit)
}

const PLAYBOOK: &str = r#"
    import "modules/text" as text;
    let here = host.data("here");
    file::put(here + "/text", #{ content: text::text() });
    file::template(here + "/greeting", #{ src: "greeting.j2" });
    file::put(here + "/secret", #{ src: "secret.txt" });
"#;

/// A second commit that changes everything the first one was made of, applied too.
fn changed(scene: &Scene) -> String {
    scene.project.write("modules/text.rhai", "fn text() { \"two\" }\nfn more() { }\n");
    scene.project.write("group_data/all.yaml", "word: second\n");
    scene.project.write("greeting.j2", "{{ word }} of the second\n");
    let commit = scene.project.commit("two");
    scene.applied(0);
    commit
}

fn read(scene: &Scene, host: &str) -> [String; 3] {
    ["text", "greeting", "secret"].map(|name| scene.project.read(&format!("hosts/{host}/{name}")))
}

fn first() -> [String; 3] {
    ["one", "first of the first\n", "not in git\n"].map(str::to_owned)
}

fn second() -> [String; 3] {
    ["two", "second of the second\n", "not in git\n"].map(str::to_owned)
}

/// Nothing of a checkout is left: neither in git's list nor in the folder for temporary files.
fn assert_tidy(project: &Project, temp: &Path) {
    let listed = Process::new("git").args(["worktree", "list"]).current_dir(project.root()).output().expect("git");
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 1, "{listed:?}");
    let left: Vec<_> = std::fs::read_dir(temp).expect("the folder").flatten().map(|left| left.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_last_good_run_is_brought_back_with_everything_it_was_made_of() {
    let (scene, commit) = applied();
    let later = changed(&scene);
    assert_eq!(read(&scene, "a"), second());
    let newest = scene.cli(["show", "last", "--json"]).json(0);
    let temp = tempfile::tempdir().expect("a folder");
    let back = scene.cli(["rollback", "--yes", "--json"]).env("TMPDIR", temp.path());
    let back = back.stderr_contains("plan site.rhai on 2 hosts").stderr_contains("undoes").json(0);
    assert_eq!((back["commit"].as_str(), back["dirty"].as_bool()), (Some(commit.as_str()), Some(false)));
    assert_eq!(back["undoes"], newest["run"]);
    assert_eq!(["a", "b"].map(|host| read(&scene, host)), [first(), first()]);
    assert_tidy(&scene.project, temp.path());
    let head = Process::new("git").args(["rev-parse", "HEAD"]).current_dir(scene.project.root()).output().expect("git");
    assert_eq!(String::from_utf8_lossy(&head.stdout).trim(), later, "the work tree is left alone");
    let newest = newest["run"].as_str().expect("a run");
    let undone_by = format!("undone by {}", &back["run"].as_str().expect("a run")[..10]);
    scene.cli(["history"]).stdout_contains(&format!("undoes {}", &newest[..10])).stdout_contains(&undone_by).success();
    let shown = scene.cli(["show", "last"]).stdout_contains(&format!("undoes {}", &newest[..10]));
    shown.success();
    let none = scene.cli(["rollback", "--yes"]).stderr_contains("no good run of `site.rhai` comes before `");
    none.exit(1);
}

#[test]
fn a_run_or_a_commit_or_a_tag_may_be_named_and_one_host_comes_first() {
    let (scene, commit) = applied();
    let run = scene.cli(["show", "last", "--json"]).json(0)["run"].as_str().expect("a run").to_owned();
    let later = changed(&scene);
    scene.cli(["rollback", &commit[..10], "--yes", "--limit", "a"]).any_stderr().success();
    assert_eq!([read(&scene, "a"), read(&scene, "b")], [first(), second()]);
    scene.cli(["rollback", &run[..14], "--yes"]).any_stderr().success();
    assert_eq!([read(&scene, "a"), read(&scene, "b")], [first(), first()]);
    scene.project.git_says(&["tag", "v2", &later]);
    scene.cli(["rollback", "v2", "--yes"]).any_stderr().success();
    assert_eq!([read(&scene, "a"), read(&scene, "b")], [second(), second()]);
}

#[test]
fn a_run_is_repeated_with_its_own_arguments() {
    let (scene, _) = applied();
    let once = scene.apply().arg("--limit").arg("b").arg("--data").arg("word=given").arg("--json").any_stderr().json(0);
    assert_eq!(scene.project.read("hosts/b/greeting"), "given of the first\n");
    changed(&scene);
    scene.cli(["rollback", once["run"].as_str().expect("a run"), "--yes"]).any_stderr().success();
    assert_eq!(scene.project.read("hosts/b/greeting"), "given of the first\n");
    assert_eq!(read(&scene, "a"), second(), "that run did not touch it");
}

#[test]
fn a_project_below_the_top_of_its_repository_goes_back_too() {
    let whole = Project::new().file("infra/rhapsode.yaml", "inventory: inv.yaml\n");
    let folder = whole.path("host").display().to_string();
    whole.write(".gitignore", "/host/\n");
    whole.write("host/there", "");
    whole.write("infra/inv.yaml", format!("hosts: {{ here: {{ connect: local, data: {{ here: '{folder}' }} }} }}\n"));
    let playbook = |text: &str| format!("file::put(host.data(\"here\") + \"/text\", #{{ content: \"{text}\" }});\n");
    whole.write("infra/playbooks/site.rhai", playbook("one"));
    let whole = whole.git();
    let call = |words: [&str; 3]| crate::support::cli::Cli::new(words).within_folder(&whole.path("infra/playbooks"));
    call(["apply", "site.rhai", "--yes"]).any_stderr().success();
    whole.write("infra/playbooks/site.rhai", playbook("two"));
    whole.commit("two");
    call(["apply", "site.rhai", "--yes"]).any_stderr().success();
    assert_eq!(whole.read("host/text"), "two");
    call(["rollback", "HEAD~1", "--yes"]).any_stderr().success();
    assert_eq!(whole.read("host/text"), "one");
    whole.write("moved/keep", "");
    std::fs::rename(whole.path("infra"), whole.path("moved/infra")).expect("it moves");
    whole.commit("moved");
    let call = |words: [&str; 3]| crate::support::cli::Cli::new(words).within_folder(&whole.path("moved/infra"));
    call(["rollback", "HEAD~1", "--yes"]).stderr_contains("has no folder `moved/infra/`").exit(1);
}

#[test]
fn what_cannot_be_gone_back_to_is_refused_before_any_host_is_asked() {
    let (scene, commit) = applied();
    let nowhere = scene.project.read("inv.yaml").replace("exec sh", "exec false");
    let run = scene.cli(["show", "last", "--json"]).json(0)["run"].as_str().expect("a run").to_owned();
    let refused = |words: &[&str], told: &str| {
        let cli = words.iter().fold(scene.cli(["rollback"]), |cli, word| cli.arg(word));
        cli.stderr_contains(told).exit(1);
    };
    refused(&["nonsense", "--yes"], "there is no commit `nonsense` in this repository");
    refused(&["--yes"], "no good run of `site.rhai` comes before `");
    scene.cli(["rollback", &commit]).stderr_contains("cannot ask").stderr_contains("add `--yes`").exit(64);

    scene.project.write("site.rhai", "file::put(\"/x\", #{ content: ;\n");
    let broken = scene.project.commit("broken");
    refused(&[&broken, "--yes"], "commit `");
    let told = scene.cli(["rollback", &broken, "--yes"]).stderr_contains("cannot be applied");
    told.stderr_contains("at site.rhai:1:").exit(1);

    scene.project.write("site.rhai", PLAYBOOK);
    scene.project.write("inv.yaml", &nowhere);
    refused(&[&commit, "--yes"], "the work tree differs from its commit");
    scene.cli(["rollback", &commit, "--yes", "--allow-dirty"]).any_stderr().success();
    assert_eq!(scene.project.read("inv.yaml"), nowhere, "the work tree is left alone");

    scene.project.git_says(&["checkout", "--", "inv.yaml"]);
    scene.project.write("note", "untracked");
    scene.applied(0);
    std::fs::remove_file(scene.project.path("note")).expect("it is there");
    scene.project.commit("clean");
    let dirty = scene.cli(["show", "last", "--json"]).json(0)["run"].as_str().expect("a run").to_owned();
    refused(&[&dirty, "--yes"], "was made from a work tree that differed from commit");
    let plan = scene.planned(0).0["run"].as_str().expect("a run").to_owned();
    refused(&[&plan, "--yes"], "is no apply of a playbook");
    scene.cli(["rollback", &run, "--yes", "--tags", "x"]).stderr_contains("brings its own tags and data").exit(64);
}

#[test]
fn without_git_or_a_repository_it_is_said_so() {
    let scene = Scene::shells(&["a"]).playbook("cmd::run(\"true\");");
    scene.cli(["rollback", "--yes"]).stderr_contains("no run is recorded yet").exit(1);
    scene.applied(0);
    scene.cli(["rollback", "--yes"]).stderr_contains("is in no git repository").exit(1);
    let blind = scene.cli(["rollback", "--yes"]).env("PATH", "/nonexistent");
    blind.stderr_contains("cannot start `git`").stderr_contains("install git").exit(1);
    let Scene { project } = scene;
    let scene = Scene { project: project.git() };
    let run = scene.cli(["show", "last", "--json"]).json(0)["run"].as_str().expect("a run").to_owned();
    let none = scene.cli(["rollback", &run, "--yes", "--allow-dirty"]).stderr_contains("was made from no commit");
    none.exit(1);
}

#[test]
fn a_shallow_clone_tells_how_to_get_the_commit() {
    let (scene, commit) = applied();
    changed(&scene);
    let clone = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", scene.project.root().display());
    let path = clone.path().join("clone");
    let done = Process::new("git").args(["clone", "-q", "--depth=1", &url]).arg(&path).status().expect("git");
    assert!(done.success());
    let state = scene.project.path(".rhapsode/state.db");
    let call = scene.cli(["rollback", &commit, "--yes", "--state"]).arg(&state).within_folder(&path);
    call.stderr_contains("there is no commit `").stderr_contains("`git fetch --unshallow` brings the rest").exit(1);
}

#[test]
fn an_interrupt_leaves_no_checkout_behind_and_a_killed_one_is_swept_up() {
    let scene = Scene::shells(&["a"]).file(".gitignore", "/hosts/\n").playbook(
        "cmd::run(\"while [ -e slow ]; do touch waits; sleep 0.1; done\");
         file::put(host.data(\"here\") + \"/text\", #{ content: \"one\" });",
    );
    let Scene { project } = scene;
    let scene = Scene { project: project.git() };
    scene.applied(0);
    scene.project.write("site.rhai", "cmd::run(\"true\");\n");
    scene.project.commit("two");
    scene.applied(0);
    let temp = tempfile::tempdir().expect("a folder");
    for signal in ["INT", "KILL"] {
        scene.project.write("hosts/a/slow", "");
        let running = Running::with_temp(&scene, &["rollback", "--yes"], temp.path());
        eventually("it waits", || scene.project.path("hosts/a/waits").exists());
        assert!(std::fs::read_dir(temp.path()).expect("the folder").count() > 0, "there is a checkout");
        running.signal(signal);
        let code = running.wait().0;
        assert_eq!(code, if signal == "INT" { Some(130) } else { None });
        let _ = std::fs::remove_file(scene.project.path("hosts/a/waits"));
        let commit = scene.project.git_says(&["rev-parse", "HEAD~1"]);
        let resumed = scene.cli(["resume"]).stderr_contains("is a rollback: it goes on with the sources of an earlier");
        resumed.stderr_contains(&format!("`rhapsode rollback {}`", commit.trim())).exit(1);
        if signal == "INT" {
            assert_tidy(&scene.project, temp.path());
        }
    }
    std::fs::remove_file(scene.project.path("hosts/a/slow")).expect("it is there");
    let again = scene.cli(["rollback", "--yes", "--json"]).env("TMPDIR", temp.path());
    assert_eq!(Document(again.any_stderr().json(0)).status("a"), "changed");
    assert_tidy(&scene.project, temp.path());
}
