//! Containers, networks, volumes and compose projects on the docker engine of this machine.

use crate::support::shell::{PlainShell, converge, plan};
use rhapsode::ops::{Change, OpError, Overlay, View, apply, entry};
use serde_json::{Value, json};
use std::process::Command as Process;

/// A name of its own for each test; what carries it is removed at the end.
struct Name(String);

impl Name {
    fn new(of: &str) -> Self {
        Self(format!("rh-users-{}-{of}", std::process::id()))
    }

    fn quiet(words: &[&str]) {
        let _ = Process::new("docker").args(words).output();
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let filter = format!("name={}", self.0);
        let list = |words: &[&str]| {
            let output = Process::new("docker").args(words).args(["-q", "--filter", &filter]).output();
            String::from_utf8(output.expect("docker starts").stdout).unwrap_or_default()
        };
        list(&["ps", "-a"]).lines().for_each(|id| Self::quiet(&["rm", "-f", "-v", id]));
        list(&["network", "ls"]).lines().for_each(|id| Self::quiet(&["network", "rm", id]));
        list(&["volume", "ls"]).lines().for_each(|id| Self::quiet(&["volume", "rm", id]));
        Self::quiet(&["rmi", &self.0]);
    }
}

fn id(container: &str) -> String {
    docker(&["inspect", "--format", "{{.Id}}", container])
}

/// Runs the docker client and gives its stdout without white space at the end.
fn docker(words: &[&str]) -> String {
    crate::support::docker::docker(words).trim_end().to_owned()
}

#[test]
fn a_container_is_made_anew_only_when_its_parts_change() {
    let name = Name::new("web");
    let mut shell = PlainShell::local();
    let want = |ports: &[&str], value: &str| {
        json!({"name": name.0, "image": "rh-busybox", "command": ["sleep", "600"], "options": ["--stop-timeout=0"],
            "ports": ports, "env": {"MODE": value, "N": 7}, "labels": {"a": "b"}, "restart": "unless-stopped"})
    };
    let both = ["127.0.0.1::80", "127.0.0.1::81/udp"];
    assert_eq!(converge(&mut shell, "docker::container", want(&both, "x")), ["create from rh-busybox"]);
    assert_eq!(docker(&["exec", &name.0, "sh", "-c", "echo $MODE $N"]), "x 7");
    let first = id(&name.0);

    let swapped = ["127.0.0.1::81/udp", "127.0.0.1::80"];
    assert!(converge(&mut shell, "docker::container", want(&swapped, "x")).is_empty());
    assert_eq!(id(&name.0), first);
    assert_eq!(converge(&mut shell, "docker::container", want(&both[..1], "x")), ["recreate: ports"]);
    assert_ne!(id(&name.0), first);
    docker(&["stop", &name.0]);
    assert_eq!(converge(&mut shell, "docker::container", want(&both[..1], "x")), ["start"]);

    let secret = rhapsode::secret::conceal("s3cret two words").to_string();
    assert_eq!(converge(&mut shell, "docker::container", want(&both[..1], &secret)), ["recreate: env"]);
    assert_eq!(docker(&["exec", &name.0, "sh", "-c", "echo $MODE"]), "s3cret two words");
    assert!(shell.changed.iter().all(|command| !command.contains("s3cret")));

    let gone = json!({"name": name.0, "present": false});
    assert_eq!(converge(&mut shell, "docker::container", gone), ["remove"]);
}

#[test]
fn a_container_that_cannot_be_replaced_keeps_running() {
    let name = Name::new("keep");
    let mut shell = PlainShell::local();
    let want = |command: &str| json!({"name": name.0, "image": "rh-busybox", "command": [command, "600"], "options": ["--stop-timeout=0"]});
    converge(&mut shell, "docker::container", want("sleep"));
    let before = id(&name.0);
    let wrong = plan(&mut shell, "docker::container", want("/no/such/program")).expect("a plan");
    apply(&wrong, &mut shell).expect_err("it does not start");
    assert_eq!(id(&name.0), before);
    assert_eq!(docker(&["inspect", "--format", "{{.State.Running}}", &name.0]), "true");
    assert_eq!(docker(&["ps", "-a", "-q", "--filter", &format!("name={}.rhapsode-old", name.0)]), "");

    docker(&["tag", "rh-busybox", &name.0]);
    let other = json!({"name": name.0, "image": name.0, "command": ["sleep", "600"], "options": ["--stop-timeout=0"]});
    assert_eq!(converge(&mut shell, "docker::container", other.clone()), ["recreate: image"]);
    newer_image(&name.0);
    assert_eq!(converge(&mut shell, "docker::container", other), ["recreate: newer image"]);
}

/// Gives the tag another image.
fn newer_image(tag: &str) {
    let container = docker(&["create", "rh-busybox", "true"]);
    docker(&["commit", "--change", "LABEL newer=yes", &container, tag]);
    docker(&["rm", &container]);
}

#[test]
fn containers_of_others_are_not_replaced_unasked() {
    let name = Name::new("other");
    let mut shell = PlainShell::local();
    docker(&["run", "-d", "--stop-timeout=0", "--name", &name.0, "rh-busybox", "sleep", "600"]);
    let want =
        json!({"name": name.0, "image": "rh-busybox", "command": ["sleep", "600"], "options": ["--stop-timeout=0"]});
    let refused = plan(&mut shell, "docker::container", want.clone());
    assert!(matches!(refused, Err(OpError::Refused { hint: Some(_), .. })), "{refused:?}");
    let mut forced = want;
    forced["force"] = true.into();
    assert_eq!(converge(&mut shell, "docker::container", forced), ["recreate: made by others"]);
}

#[test]
fn networks_volumes_and_images_come_and_go() {
    let name = Name::new("net");
    let mut shell = PlainShell::local();
    let network = json!({"name": name.0, "internal": true, "labels": {"a": 1}});
    assert_eq!(converge(&mut shell, "docker::network", network), ["create"]);
    let other = plan(&mut shell, "docker::network", json!({"name": name.0, "driver": "macvlan"}));
    assert!(matches!(other, Err(OpError::Refused { hint: Some(_), .. })), "{other:?}");
    assert_eq!(converge(&mut shell, "docker::volume", json!({"name": name.0})), ["create"]);

    let second = Name::new("second");
    converge(&mut shell, "docker::network", json!({"name": second.0}));
    let want = json!({"name": name.0, "image": "rh-busybox", "command": "touch /data/it; exec sleep 600",
        "networks": [second.0, name.0], "volumes": [format!("{}:/data", name.0)], "options": ["--stop-timeout=0"]});
    converge(&mut shell, "docker::container", want);
    let networks = docker(&["inspect", "--format", "{{len .NetworkSettings.Networks}}", &name.0]);
    assert_eq!(networks, "2");

    let archive = std::env::temp_dir().join(&name.0);
    docker(&["tag", "rh-busybox", &name.0]);
    docker(&["save", "-o", archive.to_str().expect("UTF-8"), &name.0]);
    assert_eq!(converge(&mut shell, "docker::image", json!({"name": name.0, "present": false})), ["remove"]);
    let loaded = converge(&mut shell, "docker::image", json!({"name": name.0, "archive": archive}));
    assert_eq!(loaded, [format!("load {}", archive.display())]);
    std::fs::remove_file(archive).expect("it is there");

    converge(&mut shell, "docker::container", json!({"name": name.0, "present": false}));
    assert_eq!(
        converge(&mut shell, "docker::volume", json!({"name": name.0, "present": false})),
        ["remove, with its data"]
    );
    assert_eq!(converge(&mut shell, "docker::network", json!({"name": name.0, "present": false})), ["remove"]);
}

#[test]
fn without_an_engine_it_is_refused_or_unknown_behind_a_planned_change() {
    let bed = crate::support::docker::Container::busybox();
    let mut shell = PlainShell::docker(bed.name());
    for (op, want) in [
        ("docker::network", json!({"name": "front"})),
        ("docker::container", json!({"name": "web", "image": "i"})),
        ("docker::compose", json!({"project": "app", "dir": "/srv"})),
    ] {
        let refused = plan(&mut shell, op, want.clone());
        assert!(matches!(refused, Err(OpError::Refused { hint: Some(_), .. })), "{refused:?}");
        let mut overlay = Overlay::default();
        overlay.take(Change::new(rhapsode::event::Sign::Create, "install docker").effects);
        let accepted = (entry(op).expect("an operation").accept)(want).expect("accepted");
        let unknown = accepted.plan(&mut View::new(&mut shell, &overlay));
        assert!(matches!(unknown, Err(OpError::Unknown(_))), "{unknown:?}");
    }
}

struct App {
    name: Name,
    folder: tempfile::TempDir,
    shell: PlainShell,
}

impl App {
    fn new(of: &str) -> Self {
        Self { name: Name::new(of), folder: tempfile::tempdir().expect("a temp folder"), shell: PlainShell::local() }
    }

    fn write(&self, services: &[(&str, &str)]) {
        let mut text = "version: \"2.4\"\nservices:\n".to_owned();
        for (service, more) in services {
            text.push_str(&format!("  {service}:\n    command: sleep 600\n    stop_grace_period: 0s\n{more}"));
        }
        std::fs::write(self.folder.path().join("docker-compose.yml"), text).expect("written");
    }

    fn want(&self, more: Value) -> Value {
        let mut want = json!({"project": self.name.0, "dir": self.folder.path()});
        for (key, value) in more.as_object().expect("a map") {
            want[key] = value.clone();
        }
        want
    }

    fn converge(&mut self, more: Value) -> Vec<String> {
        let want = self.want(more);
        converge(&mut self.shell, "docker::compose", want)
    }

    fn ids(&self) -> Vec<String> {
        let filter = format!("label=com.docker.compose.project={}", self.name.0);
        let listed = docker(&["ps", "-q", "--no-trunc", "--filter", &filter]);
        let mut ids: Vec<String> = listed.lines().map(str::to_owned).collect();
        ids.sort();
        ids
    }
}

#[test]
fn a_project_changes_only_with_its_file_env_or_image() {
    let mut app = App::new("compose");
    docker(&["tag", "rh-busybox", &app.name.0]);
    let image = format!("    image: {}\n", app.name.0);
    let with_env = "    image: rh-busybox\n    environment: { MODE: \"${MODE}\" }\n";
    app.write(&[("web", with_env), ("db", &image)]);
    let env = json!({"env": {"MODE": "one"}});
    assert_eq!(app.converge(env.clone()), ["service db", "service web"]);
    let first = app.ids();
    assert!(app.converge(env.clone()).is_empty());
    assert_eq!(app.ids(), first);

    assert_eq!(app.converge(json!({"env": {"MODE": "two"}})), ["service web: configuration"]);
    newer_image(&app.name.0);
    let changes = app.converge(json!({"env": {"MODE": "two"}}));
    assert_eq!(changes, ["service db: newer image"]);
    docker(&["stop", &app.ids()[0]]);
    let changes = app.converge(json!({"env": {"MODE": "two"}}));
    assert!(changes.len() == 1 && changes[0].ends_with(": start"), "{changes:?}");

    app.write(&[("web", with_env)]);
    assert!(app.converge(json!({"env": {"MODE": "two"}})).is_empty(), "an orphan is not removed unasked");
    assert_eq!(app.ids().len(), 2);
    let removed = app.converge(json!({"env": {"MODE": "two"}, "remove_orphans": true}));
    assert_eq!(removed, ["service db"]);
    assert_eq!(app.ids().len(), 1);

    std::fs::remove_file(app.folder.path().join("docker-compose.yml")).expect("it is there");
    assert_eq!(app.converge(json!({"present": false})), ["remove web"]);
    assert!(app.ids().is_empty());
}

#[test]
fn a_wrong_compose_file_is_an_error_and_a_job_that_ended_well_is_fine() {
    let mut app = App::new("job");
    std::fs::write(app.folder.path().join("one.yml"), "services: [").expect("written");
    let want = app.want(json!({"files": "one.yml"}));
    let failed = plan(&mut app.shell, "docker::compose", want);
    assert!(matches!(&failed, Err(OpError::Command { stderr, .. }) if stderr.contains("one.yml")), "{failed:?}");

    app.write(&[("web", "    image: rh-busybox\n")]);
    let job = "version: \"2.4\"\nservices:\n  job:\n    image: rh-busybox\n    command: \"true\"\n";
    std::fs::write(app.folder.path().join("job.yml"), job).expect("written");
    let want = json!({"files": ["docker-compose.yml", "job.yml"]});
    let full = app.want(want.clone());
    let planned = plan(&mut app.shell, "docker::compose", full).expect("a plan");
    apply(&planned, &mut app.shell).expect("up");
    docker(&["wait", &format!("{}_job_1", app.name.0)]);
    assert!(app.converge(want).is_empty());
}
