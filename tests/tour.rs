//! The shipped playbooks do what the README says of them.

use crate::support::cli::Cli;
use crate::support::docker::{docker, owner};
use crate::support::project::Project;
use std::fs;
use std::path::Path;

/// A copy of what the repository ships.
fn shipped() -> Project {
    let project = Project::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["playbooks", "modules", "inventories"] {
        copy(&project, &root.join(name), name);
    }
    project.write("rhapsode.yaml", fs::read(root.join("rhapsode.yaml")).expect("the settings"));
    project
}

fn copy(project: &Project, from: &Path, to: &str) {
    for entry in fs::read_dir(from).expect("a folder of the repository").flatten() {
        let name = format!("{to}/{}", entry.file_name().to_string_lossy());
        match entry.path() {
            path if path.is_dir() => copy(project, &path, &name),
            path => project.write(&name, fs::read(path).expect("a file of the repository")),
        }
    }
}

/// `changes` of a run's totals, after `failed` and `unreachable` were seen to be 0.
fn changes(report: &serde_json::Value) -> u64 {
    let total = |name: &str| report["totals"][name].as_u64().unwrap_or_else(|| panic!("no total `{name}`: {report}"));
    assert_eq!((total("failed"), total("unreachable")), (0, 0), "{report}");
    total("changes")
}

fn quickstart(project: &Project, verb: &str, more: &[&str]) -> serde_json::Value {
    let cli = Cli::new([verb, "playbooks/quickstart.rhai", "-i", "inventories/local.yaml", "--yes", "--json"]);
    more.iter().fold(cli, Cli::arg).within(project).any_stderr().json(0)
}

#[test]
fn every_shipped_playbook_passes_check() {
    Cli::new(["check"]).within(&shipped()).any_stdout().any_stderr().success();
}

#[test]
fn the_quickstart_makes_a_release_once_and_follows_its_data() {
    let project = shipped();
    assert_eq!(changes(&quickstart(&project, "plan", &[])), 12);
    assert!(!project.path(".rhapsode/quickstart").exists(), "a plan changes nothing");
    assert_eq!(changes(&quickstart(&project, "apply", &[])), 12);
    assert!(project.read(".rhapsode/quickstart/current/index.html").contains("Hello from local"));
    assert!(project.read(".rhapsode/quickstart/shared/manifest.txt").contains(" style.css"));
    let id = project.read(".rhapsode/quickstart/shared/install-id");
    assert_eq!(id.trim_end().len(), 16, "{id}");

    assert_eq!(changes(&quickstart(&project, "apply", &[])), 0, "the second run");
    let other = ["--data", "greeting=it's $(me)"];
    let plan = quickstart(&project, "plan", &other);
    assert_eq!((changes(&plan), plan["totals"]["unknown"].as_u64()), (3, Some(0)), "as getting started says: {plan}");
    assert_eq!(changes(&quickstart(&project, "apply", &other)), 3);
    assert!(project.read(".rhapsode/quickstart/shared/settings.env").contains(r"GREETING='it'\''s $(me)'"));
    assert_eq!(project.read(".rhapsode/quickstart/shared/install-id"), id);

    project.write(".rhapsode/quickstart/current/style.css", "");
    let drift = Cli::new(["drift", "playbooks/quickstart.rhai", "-i", "inventories/local.yaml", "--json"]);
    drift.arg("--data").arg("greeting=it's $(me)").within(&project).any_stderr().json(2);
}

/// The staging of the README under names of its own, removed when dropped.
struct Staging(Project);

impl Staging {
    fn up() -> Self {
        let project = shipped();
        let inventory = project.read("inventories/docker_staging.yaml");
        let prefix = format!("rh-test-{}-tour-", std::process::id());
        let labelled = format!("connect: docker\n  run: [\"--label=rhapsode-test={}\"]", owner());
        let inventory = inventory.replace("rhapsode-staging-", &prefix).replacen("connect: docker", &labelled, 1);
        project.write("inventories/docker_staging.yaml", inventory);
        let staging = Self(project);
        Cli::new(["staging", "up"])
            .within(&staging.0)
            .stdout("web-1: started\ndb-1: started\nedge-1: started\n")
            .any_stderr()
            .success();
        staging
    }

    fn run(&self, verb: &str, exit: i32) -> serde_json::Value {
        let cli = Cli::new([verb, "playbooks/site.rhai", "--yes", "--json"]);
        cli.within(&self.0).any_stderr().json(exit)
    }

    fn container(&self, host: &str) -> String {
        format!("rh-test-{}-tour-{host}", std::process::id())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        for host in ["web-1", "db-1", "edge-1"] {
            let _ = std::process::Command::new("docker").args(["rm", "-fv", &self.container(host)]).output();
        }
    }
}

#[test]
fn the_tour_on_staging_goes_as_the_readme_tells_it() {
    let staging = Staging::up();
    assert!(changes(&staging.run("plan", 0)) > 10);
    assert!(changes(&staging.run("apply", 0)) > 20);
    assert_eq!(changes(&staging.run("apply", 0)), 0, "the second run");
    let page = docker(&["exec", &staging.container("web-1"), "curl", "-s", "http://127.0.0.1:8080/"]);
    assert!(page.contains("<h1>hello 1.0 on web-1</h1>"), "{page}");
    let upstreams = docker(&["exec", &staging.container("edge-1"), "cat", "/etc/edge/upstreams"]);
    assert_eq!(upstreams, "web-1:8080\n");

    let meddle = Cli::new(["exec", "-l", "web-1", "--yes", "--", "sh", "-c", "echo hello > /etc/motd"]);
    meddle.within(&staging.0).any_stdout().any_stderr().success();
    assert_eq!(changes(&staging.run("drift", 2)), 1, "the message of the day");
    assert_eq!(changes(&staging.run("apply", 0)), 1);
    Cli::new(["history"]).within(&staging.0).stdout_contains("drift  playbooks/site.rhai").success();

    let shell = Cli::new(["staging", "shell", "web-1"]).stdin("hostname; pwd\n");
    shell.within(&staging.0).stdout("web-1\n/root\n").success();
    let down = Cli::new(["staging", "down"]).within(&staging.0);
    down.stdout("web-1: removed\ndb-1: removed\nedge-1: removed\n").success();
}
