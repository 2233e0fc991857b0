//! OpenSSH access to a container: a key of its own, a published loopback port, and an ssh_config that names both.

use super::docker::{Container, docker};
use super::network::Network;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::Arc;
use tempfile::TempDir;

/// A Debian container that is reached by ssh, as `root` and as whoever [`Sshd::admit`] let in.
#[derive(Debug)]
pub struct Sshd {
    /// The container; `docker exec` reaches it too.
    pub container: Container,
    folder: Arc<TempDir>,
    address: String,
    port: u16,
}

impl Sshd {
    /// Starts one whose root accepts a new key, on a port of 127.0.0.1; its config names it `bed`.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further words for `docker run`.
    pub fn start_with(words: &[&str]) -> Self {
        let container = Container::debian_with(&[&["--publish=127.0.0.1::22"], words].concat());
        let port = container.published(22);
        let folder = Arc::new(tempfile::tempdir().expect("a temp folder"));
        let sshd = Self { container, folder, address: "127.0.0.1".to_owned(), port };
        sshd.make_key();
        sshd.join();
        sshd.add_to_config(&sshd.host_block("bed"));
        sshd
    }

    /// Starts one that only a container of the network reaches; it shares key, known_hosts and config with `self`.
    pub fn behind(&self, network: &Network) -> Self {
        let container = Container::debian_with(&["--network", network.name()]);
        let address = container.address();
        let inner = Self { container, folder: Arc::clone(&self.folder), address, port: 22 };
        inner.join();
        inner
    }

    fn join(&self) {
        self.admit("root");
        self.add_to_known_hosts();
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

    /// The private key.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("id_ed25519")
    }

    /// An ssh_config in which `bed` is this container; [`Sshd::add_to_config`] takes more.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// The folder of key, config and known_hosts.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The lines of ssh_config that make `alias` this container; a `ProxyJump` may follow them.
    pub fn host_block(&self, alias: &str) -> String {
        format!(
            "Host {alias}\n    HostName {}\n    Port {}\n    User root\n    IdentityFile {}\n    IdentitiesOnly yes\n    \
             UserKnownHostsFile {}\n    GlobalKnownHostsFile /dev/null\n    StrictHostKeyChecking yes\n",
            self.address,
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

    /// Appends lines to the ssh_config.
    pub fn add_to_config(&self, lines: &str) {
        append(&self.config(), lines);
    }

    fn add_to_known_hosts(&self) {
        let key = docker(&["exec", self.container.name(), "cat", "/etc/ssh/ssh_host_ed25519_key.pub"]);
        // Brackets are for other ports alone: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
        let name = match self.port {
            22 => self.address.clone(),
            port => format!("[{}]:{port}", self.address),
        };
        append(&self.folder.path().join("known_hosts"), &format!("{name} {key}"));
    }
}

fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).expect("the folder takes a file");
    file.write_all(text.as_bytes()).expect("the folder takes a file");
}
