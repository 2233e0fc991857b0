//! Ctrl-C in the middle of long operations, over ssh and in containers: nothing is left, and the rest can be done.

use super::interrupt::{Running, processes_naming};
use super::{Document, Scene};
use crate::support::docker::Container;
use crate::support::hosts::eventually;
use crate::support::loopback::Loopback;
use crate::support::store::{Bed, Kind};
use rstest::rstest;

/// One host is in the middle of writing a file, the others in a command.
const LONG: &str = r#"
    let dir = host.data("dir");
    let waits = `touch ${dir}/waits-${host.name}; while [ ! -e ${dir}/go ]; do sleep 0.1; done`;
    cmd::run(`echo x >>${dir}/count-${host.name}`);
    if host.name == "writes" {
        file::put(dir + "/settings", #{ content: "settled\n", validate: waits + "; test -e %s" });
    } else {
        cmd::run(waits);
    }
    cmd::run(`touch ${dir}/after-${host.name}`);
"#;

const HOSTS: [&str; 5] = ["ssh-1", "ssh-2", "ssh-3", "runs", "writes"];

struct Site {
    scene: Scene,
    /// `runs` and `writes`.
    containers: [Container; 2],
    temp: tempfile::TempDir,
    _sshd: Loopback,
}

impl Site {
    fn new(bed: &Bed) -> Self {
        let sshd = Loopback::start("");
        let containers = [Container::asleep("rh-busybox", &[]), Container::asleep("rh-busybox", &[])];
        containers.iter().for_each(|container| drop(container.exec("mkdir -p /srv")));
        let scene = Scene::with("").state_in(bed);
        let dir = scene.project.path("far");
        std::fs::create_dir_all(&dir).expect("a folder");
        let ssh = |name: &str| {
            let (config, dir) = (sshd.config(), dir.display());
            format!("  {name}: {{ address: bed, ssh_config: {}, data: {{ dir: '{dir}' }} }}\n", config.display())
        };
        let docker = |name: &str, container: &Container| {
            format!("  {name}: {{ connect: docker, container: {}, data: {{ dir: /srv }} }}\n", container.name())
        };
        let [one, two, three, runs, writes] = HOSTS;
        let hosts = [ssh(one), ssh(two), ssh(three), docker(runs, &containers[0]), docker(writes, &containers[1])];
        let scene = scene.file("inv.yaml", format!("hosts:\n{}", hosts.concat())).playbook(LONG);
        // Short, for the sockets in it.
        let temp = tempfile::Builder::new().prefix("rht").tempdir_in("/tmp").expect("a temp folder");
        Self { scene, containers, temp, _sshd: sshd }
    }

    /// Runs a script where a host keeps its files.
    fn on(&self, host: &str, script: &str) -> String {
        match HOSTS.iter().position(|name| *name == host) {
            Some(at @ 3..) => self.containers[at - 3].says(&format!("cd /srv; {script}")),
            _ => {
                let mut sh = std::process::Command::new("sh");
                let output = sh.args(["-c", script]).current_dir(self.scene.project.path("far")).output();
                String::from_utf8(output.expect("sh").stdout).expect("text").trim_end().to_owned()
            }
        }
    }

    fn start(&self, hosts: &[&str]) -> Running {
        let limit = hosts.join(",");
        let words = ["apply", "site.rhai", "--yes", "--json", "--limit", &limit];
        let running = Running::with_temp(&self.scene, &words, self.temp.path());
        let waits = |host: &&str| self.on(host, &format!("ls waits-{host} 2>/dev/null")) != "";
        eventually("all are at work", || hosts.iter().all(&waits));
        running
    }

    fn assert_nothing_left(&self) {
        eventually("the masters end", || processes_naming(self.temp.path()).is_empty());
        let left: Vec<_> =
            std::fs::read_dir(self.temp.path()).expect("the folder").flatten().map(|one| one.path()).collect();
        assert!(left.is_empty(), "left here: {left:?}");
        for container in &self.containers {
            let runs = || {
                container.says(
                    "ps -o args | grep -v -e COMMAND -e '^sleep 600' -e 'ps -o' -e grep -e '^\\[' -e '^sh -c' || true",
                )
            };
            eventually("nothing runs there any more", || runs().is_empty());
            assert_eq!(container.says("ls -A /tmp"), "");
        }
        let files = self.on("writes", "ls -A");
        assert_eq!(files.replace('\n', " "), "count-writes waits-writes", "no temp file is left");
        let far = self.scene.project.path("far").display().to_string();
        eventually("nothing runs behind ssh", || processes_naming(far.as_ref()).is_empty());
    }
}

#[rstest]
fn an_interrupted_run_over_five_hosts_leaves_nothing_and_is_resumed(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let bed = Bed::new(kind);
    let site = Site::new(&bed);
    let running = site.start(&HOSTS);
    let other = site.scene.apply().stderr_contains("inventory `inv.yaml` is in use by `");
    other.stderr_contains("which runs `rhapsode apply site.rhai` since ").exit(5);
    running.signal("INT");
    let (code, stdout) = running.wait();
    assert_eq!(code, Some(130), "{stdout}");
    let document = Document(serde_json::from_str(&stdout).expect("one document"));
    site.assert_nothing_left();
    for host in HOSTS {
        assert_eq!(document.operations(host).len(), 1, "what was done is recorded: {stdout}");
        assert!(document.error(host).contains("interrupted"), "{}", document.error(host));
    }
    for host in HOSTS {
        site.on(host, "touch go");
    }
    let resumed = Document(site.scene.cli(["resume", "--json"]).any_stderr().json(0));
    assert_eq!(resumed.0["resumes"], document.0["run"]);
    for host in HOSTS {
        assert_eq!(site.on(host, &format!("cat count-{host}; ls after-{host}")), format!("x\nafter-{host}"));
    }
    assert_eq!(site.on("writes", "cat settings"), "settled");
}

#[rstest]
fn a_killed_run_loses_its_lock_and_is_resumed(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    // Without ssh: what ends its masters then is that nobody uses them for half a minute.
    const HERE: [&str; 2] = ["runs", "writes"];
    let bed = Bed::new(kind);
    let site = Site::new(&bed);
    let running = site.start(&HERE);
    running.signal("KILL");
    running.wait();
    for host in HERE {
        site.on(host, "touch go");
    }
    let resumed = Document(site.scene.cli(["resume", "--json"]).any_stderr().json(0));
    assert_eq!(resumed.hosts(), HERE);
    for host in HERE {
        assert_eq!(site.on(host, &format!("cat count-{host}; ls after-{host}")), format!("x\nafter-{host}"));
    }
    let files = site.on("writes", "cat settings; ls -A").replace('\n', " ");
    assert_eq!(files, "settled after-writes count-writes go settings waits-writes", "no temp file is left");
}
