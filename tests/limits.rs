//! Too few open files, threads or processes on this machine: what can be done is done, and the rest is told.

use crate::scenes::Scene;
use rstest::rstest;
use std::fs::File;
use std::process::{Command, Output};

const HOSTS: usize = 60;
const HINT_OF_FILES: &str = "raise the limit of open files (`ulimit -n`)";
const HINT_OF_THREADS: &str = "raise the limit of processes and threads (`ulimit -u`, `pids.max`";

/// Hosts that are done make room for others; behind a barrier none is.
const SINGLE: &str = "file::present(host.data(\"here\") + \"/x\");\n";
const TOGETHER: &str = "file::present(host.data(\"here\") + \"/x\");\nbarrier();\n";

fn scene(script: &str) -> Scene {
    let names: Vec<String> = (0..HOSTS).map(|number| format!("h{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Scene::shells(&names).playbook(script)
}

/// Hosts on which the file was made.
fn made(scene: &Scene) -> usize {
    (0..HOSTS).filter(|number| scene.project.path(&format!("hosts/h{number}/x")).exists()).count()
}

fn apply(scene: &Scene, limiting: &mut Command, forks: &str) -> (Option<i32>, String) {
    limiting.arg(env!("CARGO_BIN_EXE_rhapsode")).args(["apply", "site.rhai", "--yes", "-q", "--forks", forks]);
    let Output { status, stderr, .. } = limiting.current_dir(scene.project.root()).output().expect("it starts");
    let said = String::from_utf8_lossy(&stderr).into_owned();
    assert!(!said.contains("panicked") && !said.contains("rhapsode itself failed"), "{said}");
    (status.code(), said)
}

/// With so many open files at most, or so many at first.
fn files(limit: &str) -> Command {
    let mut command = Command::new("prlimit");
    command.arg(format!("--nofile={limit}"));
    command
}

/// As a user who has no other process and may read and write everything, with so many threads and processes at most:
/// the limit does not hold for root.
fn threads(limit: usize) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--reuid").arg((1_900_000_000 + std::process::id()).to_string());
    command.args(["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]);
    command.args(["prlimit", &format!("--nproc={limit}")]);
    command
}

#[test]
fn many_hosts_need_more_open_files_than_most_systems_give_at_first() {
    let scene = scene(TOGETHER);
    let (code, said) = apply(&scene, &mut files("100:20000"), "60");
    assert_eq!((code, made(&scene)), (Some(0), HOSTS), "{said}");
}

#[test]
fn hosts_that_are_done_make_room_for_others() {
    let scene = scene(SINGLE);
    let (code, said) = apply(&scene, &mut files("120:120"), "5");
    assert_eq!((code, made(&scene)), (Some(0), HOSTS), "{said}");
}

/// The state store has its files and threads before the hosts take what is left.
#[rstest]
fn too_few_open_files_are_told_as_such(#[values(64, 90, 105, 110, 120, 150)] limit: u32) {
    let scene = scene(TOGETHER);
    let (code, said) = apply(&scene, &mut files(&format!("{limit}:{limit}")), "60");
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains(HINT_OF_FILES) && !said.contains("state store"), "{said}");
}

#[rstest]
fn where_nothing_can_be_opened_nothing_begins(#[values(4, 6, 7, 20, 63)] limit: u32) {
    let scene = scene(SINGLE);
    let (code, said) = apply(&scene, &mut files(&format!("{limit}:{limit}")), "5");
    let told = format!("error: only {limit} files may be open at the same time\nhint: raise the limit to 64 at least");
    assert_eq!((code, made(&scene)), (Some(1), 0), "{said}");
    assert!(said.starts_with(&told), "{said}");
}

#[test]
fn without_a_thread_for_each_host_none_begins_and_the_run_can_be_resumed() {
    let scene = scene(TOGETHER);
    let (code, said) = apply(&scene, &mut threads(40), "60");
    assert_eq!((code, made(&scene)), (Some(1), 0), "{said}");
    assert!(said.contains("the system has no room for 60 threads, one a host; nothing was begun"), "{said}");
    assert!(said.contains(HINT_OF_THREADS) && said.contains("the same on 59 more"), "{said}");
    scene.cli(["resume"]).any_stderr().success();
    assert_eq!(made(&scene), HOSTS);
}

/// The lower ones do not even reach a host, the higher ones leave no room for the shells of all.
#[rstest]
fn whatever_threads_there_are_the_end_is_told(#[values(2, 3, 6, 8, 9, 10, 11, 12, 13, 80, 100)] limit: usize) {
    let scene = scene(TOGETHER);
    let (code, said) = apply(&scene, &mut threads(limit), "60");
    let told = if limit < 60 { [Some(1), Some(5)] } else { [Some(3), Some(4)] };
    assert!(told.contains(&code) && said.contains(HINT_OF_THREADS), "{code:?} {said}");
    assert!(limit > 60 || made(&scene) == 0, "{said}");
}

/// What was asked for and is nowhere is a reason to fail, though the run did its work.
#[test]
fn results_that_cannot_be_written_are_no_success() {
    let scene = Scene::shells(&["a"]).playbook(SINGLE);
    for (words, what) in [
        (&["apply", "site.rhai", "--yes", "--json"][..], "cannot write the JSON document"),
        (&["plan", "site.rhai", "--events", "-"], "cannot write the events file"),
        (&["exec", "--", "echo", "hello"], "cannot write the outputs"),
        (&["state", "list"], "cannot write the output"),
    ] {
        let full = File::options().write(true).open("/dev/full").expect("every Linux has it");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rhapsode"));
        let output = command.args(words).current_dir(scene.project.root()).stdout(full).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(what), "{words:?}: {:?} {said}", output.status);
    }
    assert!(scene.project.path("hosts/a/x").exists());
}

/// A full disk behind a redirection, or a reader that went away.
#[test]
fn what_nobody_reads_is_no_reason_to_fail() {
    let scene = Scene::shells(&["a"]).playbook(SINGLE);
    for words in [&["plan", "site.rhai", "--save", "site.plan"][..], &["apply", "site.rhai", "--yes", "-vvv"]] {
        let full = || File::options().write(true).open("/dev/full").expect("every Linux has it");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rhapsode"));
        let status = command.args(words).current_dir(scene.project.root()).stdout(full()).stderr(full()).status();
        assert_eq!(status.expect("it starts").code(), Some(0), "{words:?}");
    }
    assert!(scene.project.path("site.plan").exists() && scene.project.path("hosts/a/x").exists());
}
