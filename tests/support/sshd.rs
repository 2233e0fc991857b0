//! OpenSSH access to a container: a key of its own, a published loopback port, and an ssh_config that names both.

use super::docker::{Container, docker};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use tempfile::TempDir;

/// A Debian container that is reached by ssh, as `root` and as whoever [`Sshd::admit`] let in.
#[derive(Debug)]
pub struct Sshd {
    /// The container; `docker exec` reaches it too.
    pub container: Container,
    folder: TempDir,
    port: u16,
}

impl Sshd {
    /// Starts one whose root accepts the key.
    pub fn start() -> Self {
        let container = Container::debian_with(&["--publish=127.0.0.1::22"]);
        let port = container.published(22);
        let sshd = Self { container, folder: tempfile::tempdir().expect("a temp folder"), port };
        sshd.make_key();
        sshd.write_known_hosts();
        sshd.admit("root");
        fs::write(sshd.config(), sshd.host_block("bed")).expect("the folder takes the config");
        sshd
    }

    /// Lets the key in as `user`, an account of the container.
    pub fn admit(&self, user: &str) {
        let key = fs::read_to_string(self.key().with_extension("pub")).expect("the key was made");
        self.container.exec(&format!(
            r#"home=$(getent passwd '{user}' | cut -d: -f6) && mkdir -p "$home/.ssh" && chmod 0700 "$home/.ssh" &&
            printf '%s\n' '{}' >>"$home/.ssh/authorized_keys" && chmod 0600 "$home/.ssh/authorized_keys" &&
            chown -R '{user}:' "$home/.ssh""#,
            key.trim_end()
        ));
    }

    /// The loopback port of its sshd.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The private key.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("id_ed25519")
    }

    /// An ssh_config in which `bed` is this container; more can be appended with [`Sshd::host_block`] as a pattern.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// The folder of key, config and known_hosts.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The lines of ssh_config that make `alias` this container.
    pub fn host_block(&self, alias: &str) -> String {
        format!(
            "Host {alias}\n    HostName 127.0.0.1\n    Port {}\n    User root\n    IdentityFile {}\n    IdentitiesOnly yes\n    \
             UserKnownHostsFile {}\n    GlobalKnownHostsFile /dev/null\n    StrictHostKeyChecking yes\n",
            self.port,
            self.key().display(),
            self.folder.path().join("known_hosts").display(),
        )
    }

    fn make_key(&self) {
        let key = self.key();
        let mut process = Process::new("ssh-keygen");
        process.args(["-q", "-t", "ed25519", "-N", "", "-C", "rhapsode test", "-f"]).arg(&key);
        let made = process.status().expect("ssh-keygen starts; `tests/run` installs what the tests need");
        assert!(made.success(), "ssh-keygen makes no key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("the key is ours");
    }

    fn write_known_hosts(&self) {
        let key = docker(&["exec", self.container.name(), "cat", "/etc/ssh/ssh_host_ed25519_key.pub"]);
        let line = format!("[127.0.0.1]:{} {key}", self.port);
        fs::write(self.folder.path().join("known_hosts"), line).expect("the folder takes known_hosts");
    }
}
