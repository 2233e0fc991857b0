//! Ctrl-C: in order the first time, at once the second time.

use super::{Document, Scene};
use crate::support::hosts::eventually;
use crate::support::loopback::Loopback;
use serde_json::Value;
use std::io::{BufRead, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::time::Instant;

/// `rhapsode apply` in the background.
pub struct Running(Child);

impl Running {
    /// Starts it with further words.
    pub fn start(scene: &Scene, words: &[&str]) -> Self {
        Self::start_with(scene, words, &[])
    }

    fn start_with(scene: &Scene, words: &[&str], env: &[(&str, &Path)]) -> Self {
        Self::of(scene, &[&["apply", "site.rhai", "--yes", "--json"], words].concat(), env)
    }

    /// Starts any command.
    pub fn verb(scene: &Scene, words: &[&str]) -> Self {
        Self::of(scene, words, &[])
    }

    /// The same with a folder of its own for temporary files.
    pub fn with_temp(scene: &Scene, words: &[&str], temp: &Path) -> Self {
        Self::of(scene, words, &[("TMPDIR", temp)])
    }

    /// The same as `start`, with ears for what it says on stderr.
    pub fn start_loud(scene: &Scene, words: &[&str]) -> Self {
        let words = [&["apply", "site.rhai", "--yes", "--json"], words].concat();
        let mut process = Self::process(scene, &words, &[]);
        Self(process.stderr(Stdio::piped()).spawn().expect("the binary starts"))
    }

    /// Waits for this on stderr.
    pub fn hears(&mut self, part: &str) {
        let mut said = std::io::BufReader::new(self.0.stderr.take().expect("piped"));
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            assert!(said.read_line(&mut line).expect("text") > 0, "it ended without `{part}`");
        }
        // Nobody listens any more, and it may still want to say something.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    }

    /// Starts any command with these variables.
    pub fn of(scene: &Scene, words: &[&str], env: &[(&str, &Path)]) -> Self {
        Self(Self::process(scene, words, env).spawn().expect("the binary starts"))
    }

    fn process(scene: &Scene, words: &[&str], env: &[(&str, &Path)]) -> Process {
        let mut process = Process::new(env!("CARGO_BIN_EXE_rhapsode"));
        process.args(words).current_dir(scene.project.root()).envs(env.iter().copied());
        // What a kept login leaves is `logins_kept.rs`.
        process.env("RHAPSODE_KEEP_LOGINS", "0");
        process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        process
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) {
        let sent = Process::new("kill").args([format!("-{signal}"), self.0.id().to_string()]).status();
        assert!(sent.expect("kill starts").success());
    }

    /// Processes that it started and that are of this program.
    pub fn children(&self, program: &str) -> Vec<u32> {
        let stat = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let pids = std::fs::read_dir("/proc").expect("/proc").flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        // `PID (NAME) STATE PARENT`, proc_pid_stat(5).
        let ours = format!(" {} ", self.0.id());
        pids.filter(|pid| {
            let stat = stat(pid);
            let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
            stat.contains(&format!("({program})")) && after.get(1..).is_some_and(|rest| rest.starts_with(&ours))
        })
        .collect()
    }

    /// Its exit code and what it wrote on stdout.
    pub fn wait(mut self) -> (Option<i32>, String) {
        let mut stdout = String::new();
        self.0.stdout.take().expect("piped").read_to_string(&mut stdout).expect("text");
        (self.0.wait().expect("it ends").code(), stdout)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

const LONG: &str =
    "cmd::run(\"touch before\");\ncmd::run(\"echo $$ >started; exec sleep 600\");\ncmd::run(\"touch after\");\n";

fn started(scene: &Scene, hosts: &[&str]) -> bool {
    let pid = |host: &&str| std::fs::read_to_string(scene.project.path(&format!("hosts/{host}/started")));
    hosts.iter().all(|host| pid(host).is_ok_and(|pid| pid.ends_with('\n')))
}

#[test]
fn an_interrupted_run_ends_soon_tells_so_and_is_remembered() {
    let hosts = ["a", "b", "c", "d", "e"];
    for signal in ["INT", "TERM"] {
        let scene = Scene::shells(&hosts).playbook(LONG);
        let running = Running::start(&scene, &[]);
        eventually("every host sleeps", || started(&scene, &hosts));
        let asked = Instant::now();
        running.signal(signal);
        let (code, stdout) = running.wait();
        assert!(asked.elapsed().as_secs() < 30, "it went on for {:?}", asked.elapsed());
        assert_eq!(code, Some(130), "{stdout}");
        let document = Document(serde_json::from_str(&stdout).expect("one document"));
        for host in hosts {
            assert_eq!(document.operations(host)[0], "touch before: changed");
            assert_eq!(document.status(host), "changed");
            assert!(document.error(host).contains("interrupted"), "{}", document.error(host));
            assert!(!scene.project.path(&format!("hosts/{host}/after")).exists());
            let pid = scene.project.read(&format!("hosts/{host}/started"));
            let gone = || !std::path::Path::new(&format!("/proc/{}", pid.trim())).exists();
            eventually("the command on the host ends", gone);
        }
        let shown = scene.cli(["show", "last", "--json"]).any_stderr().json(0);
        assert_eq!(shown["exit"], 130);
        assert_eq!(shown["run"], document.0["run"]);
    }
}

#[test]
fn hosts_that_wait_for_each_other_are_interrupted_too() {
    let scene = Scene::shells(&["a", "b", "c"]).playbook(
        "if host.name == \"c\" { cmd::run(\"echo $$ >started; exec sleep 600\"); }
         cmd::run(\"touch ready\"); barrier(); cmd::run(\"touch after\");",
    );
    let running = Running::start(&scene, &["--forks", "1"]);
    eventually("one sleeps", || started(&scene, &["c"]));
    running.signal("INT");
    let (code, stdout) = running.wait();
    assert_eq!(code, Some(130), "{stdout}");
    let document = Document(serde_json::from_str(&stdout).expect("one document"));
    assert_eq!(document.hosts().len(), 3);
    assert!(!scene.project.path("hosts/a/after").exists());
}

#[test]
fn a_script_that_only_reckons_is_interrupted() {
    let scene = Scene::shells(&["a"])
        .file("rhapsode.yaml", "inventory: inv.yaml\nmax_operations: 10000000000\n")
        .playbook("cmd::run(\"echo $$ >started\");\nlet n = 0;\nloop { n += 1; }\n");
    let running = Running::start(&scene, &[]);
    eventually("it reckons", || started(&scene, &["a"]));
    running.signal("INT");
    assert_eq!(running.wait().0, Some(130));
}

#[test]
fn waiting_for_another_try_is_interrupted() {
    let scene = Scene::shells(&["a"]).playbook("cmd::run(\"echo $$ >started; false\", #{ retries: 9, delay: 600 });");
    let running = Running::start(&scene, &[]);
    eventually("it failed once", || started(&scene, &["a"]));
    running.signal("INT");
    assert_eq!(running.wait().0, Some(130));
}

#[test]
fn a_second_interrupt_ends_the_process_at_once() {
    let scene = Scene::with("").playbook(LONG);
    // A host that ignores that it is told to end: the first interrupt waits for it for a moment.
    let host = scene.shell("a").replace("exec sh'", "trap \"\" HUP TERM INT; exec sh'");
    let scene = scene.file("inv.yaml", format!("hosts:\n  a: {host}\n"));
    let running = Running::start(&scene, &[]);
    eventually("the host sleeps", || started(&scene, &["a"]));
    running.signal("INT");
    running.signal("INT");
    assert_eq!(running.wait().0, Some(130));
    let pid = scene.project.read("hosts/a/started");
    let _ = Process::new("kill").args(["-9", pid.trim()]).status();
}

#[test]
fn no_master_connection_outlives_an_interrupted_run() {
    let sshd = Loopback::start("");
    let scene = Scene::with("");
    let folder = scene.project.path("started");
    std::fs::create_dir_all(&folder).expect("a folder");
    let config = sshd.config().display().to_string();
    let hosts = ["one", "two"].map(|host| format!("  {host}: {{ address: bed, ssh_config: {config} }}\n")).concat();
    let scene = scene
        .file("inv.yaml", format!("hosts:\n{hosts}"))
        .playbook(&format!("cmd::run(`echo $$ >{}/${{host.name}}; exec sleep 600`);", folder.display()));
    // Short, for the sockets in it.
    let temp = tempfile::Builder::new().prefix("rht").tempdir_in("/tmp").expect("a temp folder");
    let running = Running::start_with(&scene, &[], &[("TMPDIR", temp.path()), ("XDG_RUNTIME_DIR", temp.path())]);
    eventually("both sleep", || ["one", "two"].iter().all(|host| folder.join(host).exists()));
    assert!(!processes_naming(temp.path()).is_empty(), "there are masters while it runs");
    running.signal("INT");
    assert_eq!(running.wait().0, Some(130));
    eventually("the masters end", || processes_naming(temp.path()).is_empty());
    // The folder of logins for later runs may stay, and is empty.
    let logins = temp.path().join("rhapsode");
    let below = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|left| left.path());
    let left: Vec<_> = below(temp.path()).filter(|left| *left != logins).chain(below(&logins)).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// Processes with the path in their title.
pub fn processes_naming(path: &Path) -> Vec<String> {
    let path = path.display().to_string();
    let title = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("cmdline")).ok();
    let titles = std::fs::read_dir("/proc").expect("/proc").flatten().filter_map(title);
    let titles = titles.map(|title| String::from_utf8_lossy(&title).replace('\0', " "));
    titles.filter(|title| title.contains(&path)).collect()
}

#[test]
fn a_document_of_an_interrupted_run_is_whole() {
    let scene = Scene::shells(&["a"]).playbook(LONG);
    let running = Running::start(&scene, &["--events", "events.jsonl"]);
    eventually("the host sleeps", || started(&scene, &["a"]));
    running.signal("INT");
    assert_eq!(running.wait().0, Some(130));
    let events = scene.project.read("events.jsonl");
    let last: Value = serde_json::from_str(events.lines().last().expect("a line")).expect("JSON");
    assert_eq!((last["type"].as_str(), last["exit"].as_i64()), (Some("run_finished"), Some(130)));
}
