//! `docker exec` on Debian and on a bare busybox, this machine, and a command template.

use crate::support::docker::Container;
use crate::support::hosts::{self, eventually, noise, run, say};
use crate::support::loopback::processes;
use rhapsode::inventory::{Connect, Connection};
use rhapsode::ops::{FileWrite, Source};
use rhapsode::remote::{Command, Shell, ShellError};

fn docker(container: &Container) -> Connection {
    Connection { connect: Connect::Docker, container: Some(container.name().to_owned()), ..Connection::default() }
}

fn local() -> Connection {
    Connection { connect: Connect::Local, ..Connection::default() }
}

#[test]
fn a_shell_in_debian_and_in_a_bare_busybox() {
    for container in [Container::debian(), Container::busybox()] {
        let host = hosts::host(&docker(&container));
        let mut shell = host.shell(None);
        let output = run(&mut *shell, r"printf 'a\000b'; printf e >&2; exit 3").expect("an answer");
        assert_eq!((output.stdout, output.stderr, output.code), (b"a\0b".to_vec(), b"e".to_vec(), 3));
        assert_eq!(say(&mut *shell, "echo $$"), say(&mut *host.shell(None), "echo $$"));
        assert!(say(&mut *shell, "echo $PATH").contains("/usr/local/sbin"));
        assert!(matches!(run(&mut *shell, "kill -9 $$"), Err(ShellError::Broken)));
        assert_eq!(say(&mut *shell, "echo on"), "on");
        shell.prove_login().expect("it answers");
    }
}

fn takes_twenty_megabytes(shell: &mut dyn Shell, path: &str) {
    let content = noise((20 << 20) + 1);
    let write = FileWrite::new(path, Source::Bytes(content.clone().into()));
    let output = write.stream(shell).expect("an answer");
    assert!(output.ok(), "{output:?}");
    let back = shell.read(&Command::new("cat").arg(path)).expect("an answer");
    assert!(back.stdout == content, "{} bytes came back", back.stdout.len());
    run(shell, &format!("rm {}", rhapsode::remote::quote(path))).expect("an answer");
}

#[test]
fn twenty_megabytes_arrive_byte_equal_over_every_connector_without_ssh() {
    let container = Container::busybox();
    takes_twenty_megabytes(&mut *hosts::host(&docker(&container)).shell(None), "/tmp/it's $HOME");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("it's `large`").display().to_string();
    takes_twenty_megabytes(&mut *hosts::host(&local()).shell(None), &path);
    let template = hosts::through(&["docker", "exec", "-i", container.name(), "sh"]);
    takes_twenty_megabytes(&mut *hosts::host(&template).shell(None), "/tmp/by template");
}

#[test]
fn a_command_in_a_container_ends_with_its_time() {
    let container = Container::busybox();
    let host = hosts::host(&Connection { timeout_secs: Some(1), ..docker(&container) });
    let mut shell = host.shell(None);
    let error = run(&mut *shell, "sleep 4717; :").expect_err("it hangs");
    assert!(matches!(error, ShellError::Timeout { .. }), "{error}");
    eventually("the end of the process", || !container.exec("ps").contains("4717"));
    assert_eq!(say(&mut *shell, "echo on"), "on");
}

#[test]
fn a_paused_container_is_unreachable_after_the_timeout() {
    let container = Container::busybox();
    let host = hosts::host(&Connection { timeout_secs: Some(1), ..docker(&container) });
    let mut shell = host.shell(None);
    say(&mut *shell, "true");
    container.pause();
    let error = run(&mut *shell, "echo never").expect_err("frozen");
    assert!(matches!(&error, ShellError::Unreachable { reason, .. } if reason.contains("is paused")), "{error}");
    container.unpause();
    assert_eq!(say(&mut *shell, "echo on"), "on");
}

#[test]
fn a_container_that_dies_in_a_command_is_unreachable() {
    let container = Container::busybox();
    let host = hosts::host(&docker(&container));
    let mut shell = host.shell(None);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            eventually("the command", || !processes("4718.25").is_empty());
            container.kill();
        });
        let error = run(&mut *shell, "sleep 4718.25; :").expect_err("dead");
        let lost = "cannot reach the host: the connection was lost, ";
        assert!(error.to_string().starts_with(lost), "{error}");
    });
    container.start_again();
    assert_eq!(say(&mut *shell, "echo again"), "again");
}

#[test]
fn an_unknown_container_and_a_missing_command_are_explained() {
    let connection =
        Connection { container: Some("rh-none".to_owned()), connect: Connect::Docker, ..Connection::default() };
    let error = run(&mut *hosts::host(&connection).shell(None), "true").expect_err("no container");
    assert!(error.to_string().contains("No such container: rh-none"), "{error}");
    let error = hosts::host(&connection).shell(None).prove_login().expect_err("no container");
    assert!(error.to_string().contains("No such container: rh-none"), "{error}");
    let error = run(&mut *hosts::host(&hosts::through(&[])).shell(None), "true").expect_err("no command");
    assert_eq!(error.to_string(), "cannot reach the host: `connect: exec` has no `command`");
}

#[test]
fn a_local_shell_has_no_terminal_and_leaves_background_work_alone() {
    let host = hosts::host(&local());
    let mut shell = host.shell(None);
    assert_eq!(say(&mut *shell, "set -- $(cat /proc/$$/stat); [ \"$1\" = \"$6\" ] && echo own session"), "own session");
    say(&mut *shell, "sleep 4719.25 >/dev/null 2>&1 &");
    host.close();
    // Forked it is; that it is `sleep` by now is not said.
    eventually("the work in the background", || processes("4719.25").len() == 1);
    let left = processes("4719.25");
    std::process::Command::new("kill").arg(left[0].to_string()).status().expect("kill starts");
}

#[test]
fn a_template_takes_names_and_numbers() {
    let connection = Connection {
        address: Some("a.example".to_owned()),
        user: Some("eve".to_owned()),
        port: Some(7),
        ..hosts::through(&["sh", "-c", "export WHO=$0; exec sh", "{host}/{user}@{address}:{port}"])
    };
    assert_eq!(say(&mut *hosts::host(&connection).shell(None), "echo $WHO"), "host/eve@a.example:7");
}

#[test]
fn a_client_killed_while_content_is_sent_leaves_the_old_file_and_nothing_else() {
    let container = Container::busybox();
    container.exec("mkdir /srv; echo before >/srv/file");
    let folder = tempfile::tempdir().expect("a folder");
    let large = folder.path().join("large");
    std::fs::File::create(&large).and_then(|file| file.set_len(500 << 20)).expect("a sparse file");
    let host = hosts::host(&docker(&container));
    let mut shell = host.shell(None);
    let write = FileWrite::new("/srv/file", Source::Local(large));
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            eventually("the temp file", || container.exec("ls -A /srv").lines().count() == 2);
            for client in processes(container.name()) {
                let _ = std::process::Command::new("kill").args(["-9", &client.to_string()]).status();
            }
        });
        write.stream(&mut *shell).expect_err("it was cut")
    });
    assert!(matches!(error, ShellError::Broken | ShellError::Unreachable { .. }), "{error}");
    eventually("the end of the temp file", || container.exec("ls -A /srv") == "file\n");
    assert_eq!(container.exec("cat /srv/file"), "before\n");
    let output = write.stream(&mut *shell).expect("the next try arrives");
    assert!(output.ok(), "{output:?}");
}

#[test]
fn a_closed_host_leaves_no_shell_behind() {
    let container = Container::busybox();
    let host = hosts::host(&docker(&container));
    let mut shell = host.shell(None);
    let pid = say(&mut *shell, "echo $$");
    assert!(container.try_exec(&format!("test -d /proc/{pid}")).status.success());
    host.close();
    eventually("the end of the shell", || !container.try_exec(&format!("test -d /proc/{pid}")).status.success());
}
