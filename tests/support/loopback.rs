//! OpenSSH servers of our own on loopback ports, and the ssh_config that reaches them.

use super::hosts::eventually;
use rhapsode::inventory::Connection;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use tempfile::TempDir;

/// A running sshd that lets one key in; it ends when dropped.
#[derive(Debug)]
pub struct Loopback {
    folder: TempDir,
    port: u16,
    server: Child,
}

impl Loopback {
    /// Starts one with further lines for its sshd_config.
    pub fn start(lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temp folder");
        for key in ["host_key", "id"] {
            make_key(&folder.path().join(key));
        }
        fs::copy(folder.path().join("id.pub"), folder.path().join("authorized_keys")).expect("the key was made");
        // sshd of Debian separates its privileges there, as systemd would have prepared it.
        let _ = fs::create_dir("/run/sshd");
        let port = free_port();
        let server = serve(folder.path(), port, lines);
        let loopback = Self { folder, port, server };
        loopback.know_host();
        fs::write(loopback.config(), loopback.host_block("bed")).expect("the folder takes the config");
        loopback
    }

    /// The loopback port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Number of the listening process.
    pub fn server(&self) -> u32 {
        self.server.id()
    }

    /// The folder of keys, config and known_hosts.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The private key that is let in.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("id")
    }

    /// An ssh_config in which `bed` is this server.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// The known_hosts that the config names.
    pub fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    /// The line of known_hosts for this server.
    pub fn host_line(&self) -> String {
        let key = fs::read_to_string(self.folder.path().join("host_key.pub")).expect("the key was made");
        format!("[127.0.0.1]:{} {}", self.port, key)
    }

    /// The lines of ssh_config that make `alias` this server.
    pub fn host_block(&self, alias: &str) -> String {
        format!(
            "Host {alias}\n    HostName 127.0.0.1\n    Port {}\n    User root\n    IdentityFile {}\n    \
             IdentitiesOnly yes\n    UserKnownHostsFile {}\n    GlobalKnownHostsFile /dev/null\n    \
             StrictHostKeyChecking yes\n",
            self.port,
            self.key().display(),
            self.known_hosts().display(),
        )
    }

    /// How the inventory would say it.
    pub fn connection(&self) -> Connection {
        Connection {
            address: Some("bed".to_owned()),
            ssh_config: Some(self.config().display().to_string()),
            ..Connection::default()
        }
    }

    /// Starts the server anew with other lines; connections made before live on.
    pub fn restart(&mut self, lines: &str) {
        self.stop();
        self.server = serve(self.folder.path(), self.port, lines);
    }

    /// Ends the listening server.
    pub fn stop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Logins that the server let in so far.
    pub fn logins(&self) -> usize {
        self.log().lines().filter(|line| line.starts_with("Accepted publickey")).count()
    }

    /// What the server wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).expect("the server writes a log")
    }

    fn know_host(&self) {
        fs::write(self.known_hosts(), self.host_line()).expect("the folder takes known_hosts");
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.stop();
    }
}

fn make_key(path: &Path) {
    let mut process = Process::new("ssh-keygen");
    process.args(["-q", "-t", "ed25519", "-N", "", "-C", "rhapsode test", "-f"]).arg(path);
    let made = process.status().expect("ssh-keygen starts; `tests/run` installs what the tests need");
    assert!(made.success(), "ssh-keygen makes no key");
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}

fn serve(folder: &Path, port: u16, lines: &str) -> Child {
    let at = folder.display();
    let config = format!(
        "{lines}\nListenAddress 127.0.0.1\nPort {port}\nHostKey {at}/host_key\nAuthorizedKeysFile {at}/authorized_keys\n\
         PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin yes\nMaxStartups 100\nSubsystem sftp internal-sftp\n"
    );
    let file = folder.join("sshd_config");
    fs::write(&file, config).expect("the folder takes the config");
    let mut sshd = Process::new("/usr/sbin/sshd");
    sshd.args(["-D", "-f"]).arg(&file).arg("-E").arg(folder.join("log"));
    let server = sshd.stdin(Stdio::null()).spawn().expect("sshd starts; `tests/run` installs what the tests need");
    eventually("sshd", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    server
}

/// Ids of processes with this word on their command line.
pub fn processes(word: &str) -> Vec<i32> {
    let entries = fs::read_dir("/proc").expect("procfs").flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let with_word = |id: &i32| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word)
    };
    ids.filter(with_word).collect()
}
