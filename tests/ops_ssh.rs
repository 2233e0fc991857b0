//! sshd options that cannot lock anybody out, and the keys of known hosts.

use crate::support::docker::Container;
use crate::support::shell::{PlainShell, converge, plan};
use rhapsode::ops::{OpError, apply};
use rhapsode::remote::{Command, Output, Shell, ShellError};
use serde_json::json;
use std::io::Read;
use std::process::Command as Process;
use tempfile::TempDir;

/// Acts in a container through docker, and proves logins with a real ssh.
struct LoginShell {
    bed: Container,
    inner: PlainShell,
    folder: TempDir,
    port: String,
}

impl LoginShell {
    fn start() -> Self {
        let bed = Container::debian_with(&["--publish=127.0.0.1::22"]);
        let port = crate::support::docker::docker(&["port", bed.name(), "22/tcp"]);
        let port = port.lines().next().and_then(|line| line.rsplit(':').next()).expect("a port").to_owned();
        let folder = tempfile::tempdir().expect("a temp folder");
        let key = folder.path().join("key");
        let made = Process::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
        assert!(made.expect("ssh-keygen starts").success());
        let public = std::fs::read_to_string(key.with_extension("pub")).expect("a public key");
        let mut inner = PlainShell::docker(bed.name());
        converge(&mut inner, "user::keys", json!({"name": "root", "keys": public}));
        bed.exec("n=0; until systemctl is-active -q ssh || [ $n -ge 100 ]; do n=$((n+1)); sleep 0.2; done");
        Self { bed, inner, folder, port }
    }

    fn logs_in(&self) -> Result<(), String> {
        let mut ssh = Process::new("ssh");
        ssh.args([
            "-F",
            "/dev/null",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "ConnectTimeout=10",
        ]);
        ssh.args(["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-p", &self.port, "-i"]);
        let output =
            ssh.arg(self.folder.path().join("key")).args(["root@127.0.0.1", "true"]).output().expect("ssh starts");
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }
}

impl Shell for LoginShell {
    fn read_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        self.inner.read_all(commands)
    }

    fn change_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        self.inner.change_all(commands)
    }

    fn stream(&mut self, command: &Command, content: &mut (dyn Read + Send)) -> Result<Output, ShellError> {
        self.inner.stream(command, content)
    }

    fn exchanges(&self) -> u64 {
        self.inner.exchanges()
    }

    fn reconnect(&mut self) -> Result<(), ShellError> {
        Ok(())
    }

    fn prove_login(&mut self) -> Result<(), ShellError> {
        self.logs_in().map_err(|reason| ShellError::Unreachable { reason, hint: None })
    }
}

const FILES: &str = "for f in /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*; do echo \"$f\"; cat \"$f\"; done; \
                     stat -c '%n %a %U' /etc/ssh/sshd_config.d";

fn effective(bed: &Container, keyword: &str) -> String {
    bed.exec(&format!("sshd -T | grep '^{keyword} '")).trim_end().to_owned()
}

#[test]
fn sshd_takes_valid_options_and_nobody_is_locked_out_by_others() {
    let mut shell = LoginShell::start();
    shell.logs_in().expect("the key is accepted");
    let want = json!({"options": {"PasswordAuthentication": false, "MaxAuthTries": 4, "AcceptEnv": ["LANG", "LC_*"]}});
    assert_eq!(converge(&mut shell, "ssh::server", want).len(), 1);
    assert_eq!(effective(&shell.bed, "passwordauthentication"), "passwordauthentication no");
    shell.logs_in().expect("after the reload too");

    let before = shell.bed.exec(FILES);
    let changed = shell.inner.changed.len();
    let typo = plan(&mut shell, "ssh::server", json!({"options": {"PermitRotLogin": "no"}})).expect("a plan");
    let error = apply(&typo, &mut shell).expect_err("sshd refuses");
    assert!(matches!(&error, OpError::Command { stderr, .. } if stderr.contains("PermitRotLogin")), "{error:?}");
    assert_eq!(shell.inner.changed.len(), changed + 1, "the check came before any change");
    assert_eq!(shell.bed.exec(FILES), before);

    let shut = plan(&mut shell, "ssh::server", json!({"options": {"DenyUsers": "root"}})).expect("a plan");
    let error = apply(&shut, &mut shell).expect_err("nobody could log in");
    assert!(error.to_string().contains("Permission denied"), "{error}");
    assert_eq!(shell.bed.exec(FILES), before);
    shell.logs_in().expect("the options before are back in force");
}

#[test]
fn without_an_include_the_block_goes_on_top_of_the_main_file() {
    let mut shell = LoginShell::start();
    shell.bed.exec("echo 'MaxAuthTries 6' > /etc/ssh/sshd_config; echo 'UsePAM yes' >> /etc/ssh/sshd_config");
    converge(
        &mut shell,
        "ssh::server",
        json!({"options": {"MaxAuthTries": 3, "Match User nobody": {"X11Forwarding": "no"}}}),
    );
    assert_eq!(effective(&shell.bed, "maxauthtries"), "maxauthtries 3");
    assert_eq!(effective(&shell.bed, "usepam"), "usepam yes");
    shell.logs_in().expect("still open");
}

#[test]
fn a_host_key_is_scanned_once_and_found_under_a_hashed_name() {
    let shell = LoginShell::start();
    let bed = &shell.bed;
    let mut shell = PlainShell::docker(bed.name());
    let want = json!({"name": "localhost", "scan": true, "system": true});
    assert_eq!(converge(&mut shell, "ssh::known_host", want.clone()), ["key in /etc/ssh/ssh_known_hosts"]);
    let ssh = "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes localhost true 2>&1 || :";
    assert!(bed.exec(ssh).contains("Permission denied"), "{}", bed.exec(ssh));
    bed.exec("cd /etc/ssh && ssh-keygen -q -H -f ssh_known_hosts && ! grep -q localhost ssh_known_hosts");
    assert!(converge(&mut shell, "ssh::known_host", want).is_empty());

    let key = bed.exec("cat /etc/ssh/ssh_host_ed25519_key.pub");
    let want = json!({"name": "Git.example", "port": 2222, "key": key});
    assert_eq!(converge(&mut shell, "ssh::known_host", want), ["key in /root/.ssh/known_hosts"]);
    assert!(bed.exec("ssh-keygen -F '[git.example]:2222' | tail -1").starts_with("[git.example]:2222 ssh-ed25519 "));
    let gone = json!({"name": "git.example", "port": 2222, "present": false});
    assert_eq!(converge(&mut shell, "ssh::known_host", gone), ["forget in /root/.ssh/known_hosts"]);

    let closed = plan(&mut shell, "ssh::known_host", json!({"name": "127.0.0.1", "port": 1, "scan": true}));
    assert!(matches!(closed, Err(OpError::Refused { hint: Some(_), .. })), "{closed:?}");
}
