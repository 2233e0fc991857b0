//! ssh logins that outlive a run, over servers on loopback ports.

use crate::scenes::Scene;
use crate::support::cli::Cli;
use crate::support::hosts::{RUNTIME, eventually, say};
use crate::support::loopback::{Loopback, processes};
use rhapsode::connect::{Host, Settings};
use rhapsode::inventory::Connection;
use rhapsode::remote::Interrupt;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;

/// A server, a project, and a private folder for sockets.
struct Bed {
    sshd: Loopback,
    scene: Scene,
    runtime: tempfile::TempDir,
}

impl Bed {
    fn new() -> Self {
        let sshd = Loopback::start("");
        let inventory = format!("hosts:\n  bed: {{ ssh_config: {} }}\n", sshd.config().display());
        let scene = Scene::with(&inventory).playbook("log(cmd::read(\"echo in\").stdout);\n");
        Self { sshd, scene, runtime: tempfile::tempdir_in("/tmp").expect("a temp folder") }
    }

    fn apply(&self, keep: &str) -> Cli {
        let cli = self.scene.apply().any_stderr().env("XDG_RUNTIME_DIR", self.runtime.path());
        cli.env("RHAPSODE_KEEP_LOGINS", keep)
    }

    fn sockets(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.runtime.path().join("rhapsode")).into_iter().flatten().flatten();
        let sockets = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()));
        sockets.map(|entry| entry.path()).collect()
    }

    fn masters(&self) -> Vec<i32> {
        processes(&self.sshd.config().display().to_string())
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        // Ours: they name the configuration of this bed.
        signal(&self.masters(), rustix::process::Signal::TERM);
    }
}

#[test]
fn the_next_run_needs_no_login() {
    let bed = Bed::new();
    bed.apply("60").success();
    bed.apply("60").success();
    bed.scene
        .plan()
        .any_stderr()
        .env("XDG_RUNTIME_DIR", bed.runtime.path())
        .env("RHAPSODE_KEEP_LOGINS", "60")
        .success();
    assert_eq!(bed.sshd.logins(), 1, "{}", bed.sshd.log());
    assert_eq!(bed.masters().len(), 1);
    let folder = bed.runtime.path().join("rhapsode");
    assert_eq!(folder.metadata().expect("made").mode() & 0o7777, 0o700);
    for socket in bed.sockets() {
        assert_eq!(socket.metadata().expect("there").mode() & 0o077, 0);
    }
}

#[test]
fn no_login_is_kept_when_none_is_asked_for() {
    let bed = Bed::new();
    bed.apply("0").success();
    eventually("the end of the master", || bed.masters().is_empty());
    bed.apply("0").success();
    assert_eq!(bed.sshd.logins(), 2, "{}", bed.sshd.log());
    assert!(bed.sockets().is_empty());
    eventually("the end of the master", || bed.masters().is_empty());
}

#[test]
fn a_kept_login_ends_by_itself() {
    let bed = Bed::new();
    bed.apply("1").success();
    eventually("the end of the master", || bed.masters().is_empty());
    bed.apply("1").success();
    assert_eq!(bed.sshd.logins(), 2, "{}", bed.sshd.log());
}

#[test]
fn a_socket_without_a_master_is_passed_over_in_silence() {
    let bed = Bed::new();
    bed.apply("60").success();
    signal(&bed.masters(), rustix::process::Signal::KILL);
    eventually("the end of the master", || bed.masters().is_empty());
    assert!(!bed.sockets().is_empty());
    let ran = bed.apply("60").success();
    assert!(!ran.stderr.contains("socket") && !ran.stderr.contains("mux"), "{}", ran.stderr);
    assert_eq!(bed.sshd.logins(), 2, "{}", bed.sshd.log());
    bed.apply("60").success();
    assert_eq!(bed.sshd.logins(), 2, "{}", bed.sshd.log());
}

#[test]
fn a_master_whose_connection_hangs_is_replaced() {
    let bed = Bed::new();
    let inventory = bed.scene.project.read("inv.yaml").replace("{ ", "{ connect_timeout: 5, ");
    bed.scene.project.write("inv.yaml", inventory);
    bed.apply("60").success();
    let of_login = |id: &i32| *id as u32 != bed.sshd.server() && is_below(*id, bed.sshd.server());
    let servers: Vec<i32> = processes("sshd").into_iter().filter(of_login).collect();
    assert!(!servers.is_empty(), "the connection has a process");
    signal(&servers, rustix::process::Signal::STOP);
    bed.apply("60").success();
    assert_eq!(bed.sshd.logins(), 2, "{}", bed.sshd.log());
    signal(&servers, rustix::process::Signal::KILL);
}

fn signal(ids: &[i32], signal: rustix::process::Signal) {
    for id in ids {
        let id = rustix::process::Pid::from_raw(*id).expect("a process number");
        let _ = rustix::process::kill_process(id, signal);
    }
}

fn is_below(id: i32, ancestor: u32) -> bool {
    let mut at = id;
    while at > 1 {
        if at as u32 == ancestor {
            return true;
        }
        let stat = fs::read_to_string(format!("/proc/{at}/stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        at = parent.unwrap_or(0);
    }
    false
}

fn settings(interrupt: &Interrupt) -> Settings {
    Settings::new(RUNTIME.handle().clone(), interrupt.clone()).keeping_logins(60)
}

#[test]
fn a_reconnect_ends_a_kept_login_and_a_proof_never_uses_one() {
    let bed = Bed::new();
    let settings = settings(&Interrupt::new());
    let connection = bed.sshd.connection();
    let host = Host::new("bed", &connection, &settings);
    let mut shell = host.shell(None);
    assert_eq!(say(&mut *shell, "echo in"), "in");
    shell.prove_login().expect("a second login");
    assert_eq!(bed.sshd.logins(), 2);
    shell.reconnect().expect("the old one ends");
    assert_eq!(say(&mut *shell, "echo in"), "in");
    assert_eq!(bed.sshd.logins(), 3);
    host.close();
    assert_eq!(bed.masters().len(), 1, "kept");

    let next = Host::new("bed", &connection, &settings);
    assert_eq!(say(&mut *next.shell(None), "echo in"), "in");
    assert_eq!(bed.sshd.logins(), 3, "found");
    next.close();

    let other_user = Connection { user: Some("nobody".into()), ..connection.clone() };
    let other = Host::new("bed", &other_user, &settings);
    assert!(other.login(None).is_err(), "the login of root serves nobody else");
}

#[test]
fn nothing_stays_behind_an_interrupt() {
    let bed = Bed::new();
    let interrupt = Interrupt::new();
    let host = Host::new("bed", &bed.sshd.connection(), &settings(&interrupt));
    assert_eq!(say(&mut *host.shell(None), "echo in"), "in");
    interrupt.raise();
    host.close();
    eventually("the end of the master", || bed.masters().is_empty());
}
