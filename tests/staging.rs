//! `staging up|down|reset|shell` against the real engine.

use crate::support::docker::{Container, docker, owner};
use crate::support::project::Project;
use rhapsode::cli::staging::{Staging, StagingError};
use rhapsode::inventory::{Connect, Connection, Host};
use std::path::Path;

/// A staging of a test, taken down when dropped.
struct Bed {
    project: Project,
    hosts: Vec<Host>,
}

impl Bed {
    fn new(hosts: &[(&str, &str)]) -> Self {
        let prefix = format!("rh-test-{}-staging", std::process::id());
        let hosts = hosts.iter().map(|(name, image)| host(name, image, &format!("{prefix}-{name}"))).collect();
        Self { project: Project::new(), hosts }
    }

    fn staging(&self) -> Staging<'_> {
        Staging { hosts: &self.hosts, inventory: Path::new("inventories/test.yaml"), project: self.project.root() }
    }

    fn up(&self) -> Result<String, StagingError> {
        said(|out| self.staging().up(out))
    }

    fn down(&self) -> Result<String, StagingError> {
        said(|out| self.staging().down(out))
    }

    fn exec(&self, host: usize, script: &str) -> String {
        docker(&["exec", self.container(host), "sh", "-c", script])
    }

    fn container(&self, host: usize) -> &str {
        self.hosts[host].connection.container.as_deref().expect("the bed names its containers")
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let _ = self.down();
    }
}

fn host(name: &str, image: &str, container: &str) -> Host {
    let connection = Connection {
        connect: Connect::Docker,
        container: Some(container.to_owned()),
        image: Some(image.to_owned()),
        run: vec![format!("--label=rhapsode-test={}", owner()), "--pull=never".to_owned()],
        ..Connection::default()
    };
    Host { name: name.to_owned(), groups: vec!["all".to_owned()], connection, data: Default::default() }
}

fn said(act: impl FnOnce(&mut dyn std::io::Write) -> Result<(), StagingError>) -> Result<String, StagingError> {
    let mut out = Vec::new();
    act(&mut out)?;
    Ok(String::from_utf8(out).expect("the report is UTF-8"))
}

#[test]
fn up_boots_what_is_missing_and_leaves_alone_what_runs() {
    let bed = Bed::new(&[("web-1", "rh-debian"), ("edge-1", "rh-busybox")]);
    assert_eq!(bed.up().unwrap(), "web-1: started\nedge-1: started\n");
    assert_eq!(bed.exec(0, "systemctl is-system-running; cat /etc/hostname"), "running\nweb-1\n");
    assert_eq!(bed.exec(1, "cat /etc/hostname"), "edge-1\n");
    bed.exec(1, "touch /srv-was-here");
    docker(&["pause", bed.container(0)]);
    docker(&["kill", bed.container(1)]);
    assert_eq!(bed.up().unwrap(), "web-1: woken\nedge-1: started again\n");
    assert_eq!(bed.up().unwrap(), "web-1: runs already\nedge-1: runs already\n");
    assert_eq!(bed.exec(1, "ls /srv-was-here"), "/srv-was-here\n");
}

#[test]
fn reset_gives_a_fresh_container_and_down_removes_it() {
    let bed = Bed::new(&[("edge-1", "rh-busybox")]);
    bed.up().unwrap();
    bed.exec(0, "touch /was-here");
    assert_eq!(said(|out| bed.staging().reset(out)).unwrap(), "edge-1: started\n");
    assert_eq!(bed.exec(0, "ls /was-here 2>&1 || true"), "ls: /was-here: No such file or directory\n");
    assert_eq!(bed.down().unwrap(), "edge-1: removed\n");
    assert_eq!(bed.down().unwrap(), "edge-1: not there\n");
}

#[test]
fn a_container_of_somebody_else_is_neither_used_nor_removed() {
    let other = Container::busybox();
    let mut bed = Bed::new(&[("edge-1", "rh-busybox")]);
    bed.hosts[0].connection.container = Some(other.name().to_owned());
    for result in [bed.up(), bed.down(), said(|out| bed.staging().reset(out))] {
        let error = result.expect_err("it is not ours");
        assert_eq!(
            error.to_string(),
            format!("container `{}` of host `edge-1` was not started by this inventory", other.name())
        );
    }
    assert_eq!(other.exec("echo alive"), "alive\n");
}

#[test]
fn an_image_that_was_not_built_is_named_with_the_command_that_builds_it() {
    let bed = Bed::new(&[("web-1", "rh-nothing-like-it"), ("edge-1", "rh-busybox")]);
    let error = bed.up().expect_err("there is no such image");
    assert_eq!(error.to_string(), "no image `rh-nothing-like-it` for host `web-1`: it was not built yet");
    let known = StagingError::Image { host: "h".into(), image: "rh-debian".into(), answer: String::new() };
    assert!(known.hint().expect("a hint").starts_with("`tests/staging/build debian`"));
}

#[test]
fn other_words_for_the_same_container_are_said_and_change_nothing() {
    let mut bed = Bed::new(&[("edge-1", "rh-busybox")]);
    bed.up().unwrap();
    bed.hosts[0].connection.run.push("--env=A=1".to_owned());
    assert_eq!(bed.up().unwrap(), "edge-1: runs with older settings; `rhapsode staging reset` makes it anew\n");
    said(|out| bed.staging().reset(out)).unwrap();
    assert_eq!(bed.exec(0, "echo $A"), "1\n");
}

#[test]
fn a_container_that_ends_at_once_is_an_error_with_its_last_words() {
    let mut bed = Bed::new(&[("edge-1", "rh-busybox")]);
    bed.hosts[0].connection.run.push("--entrypoint=/bin/false".to_owned());
    let error = bed.up().expect_err("it has no process");
    assert!(matches!(&error, StagingError::NotReady { host, .. } if host == "edge-1"), "{error}");
}

#[test]
fn hosts_without_an_image_are_no_staging() {
    let mut bed = Bed::new(&[("here", "")]);
    bed.hosts[0].connection.image = None;
    let error = bed.up().expect_err("there is nothing to start");
    assert_eq!(error.to_string(), "no host of `inventories/test.yaml` has an `image`");
}

#[test]
fn shell_wants_a_host_of_the_staging_that_runs() {
    let bed = Bed::new(&[("edge-1", "rh-busybox")]);
    let error = bed.staging().shell("edge-2").expect_err("there is no such host");
    assert_eq!(error.hint().as_deref(), Some("staging hosts are: edge-1"));
    let error = bed.staging().shell("edge-1").expect_err("it is down");
    assert_eq!(error.to_string(), "container of `edge-1` does not run");
}
