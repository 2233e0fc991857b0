//! Containers for the tests of packages, services and the system; replaced by `docker.rs` once it is there.

use super::shell::PlainShell;
use std::io::Write;
use std::process::{Command as Process, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const SYSTEMD: &[&str] = &[
    "--cap-add=SYS_ADMIN",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--cgroupns=host",
    "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
    "--tmpfs=/run",
    "--tmpfs=/run/lock",
];

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A running container, removed when dropped.
pub struct Container {
    name: String,
}

impl Container {
    /// Debian with systemd as PID 1, once its boot has ended.
    pub fn debian() -> Self {
        Self::debian_with(&[])
    }

    /// The same with further words for `docker run`.
    pub fn debian_with(words: &[&str]) -> Self {
        let container = Self::start("rh-debian", &[SYSTEMD, words].concat());
        container.wait_for_boot();
        container
    }

    /// A static busybox and nothing else.
    pub fn busybox() -> Self {
        Self::busybox_with(&[])
    }

    /// The same with further words for `docker run`.
    pub fn busybox_with(words: &[&str]) -> Self {
        Self::start("rh-busybox", words)
    }

    fn start(image: &str, words: &[&str]) -> Self {
        let name = format!("rh-packages-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let fixed = ["run", "--detach", "--pull=never", "--name", &name];
        let output = Process::new("docker").args([&fixed, words, &[image]].concat()).output().expect("docker starts");
        let container = Self { name };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        container
    }

    /// Runs a script as root and gives its stdout; panics when it fails.
    pub fn exec(&self, script: &str) -> String {
        let output = self.try_exec(script);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}\n{}{stderr}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs a script as root, however it ends.
    pub fn try_exec(&self, script: &str) -> Output {
        let mut process = Process::new("docker");
        process.args(["exec", &self.name, "sh", "-c", script]).stdin(Stdio::null());
        process.output().expect("docker starts")
    }

    /// Writes a file, byte for byte; its folder must exist.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let mut process = Process::new("docker");
        process.args(["exec", "-i", &self.name, "sh", "-c", "cat > \"$1\"", "sh", path]);
        let mut child = process.stdin(Stdio::piped()).spawn().expect("docker starts");
        child.stdin.take().expect("piped").write_all(content.as_ref()).expect("the container takes the content");
        assert!(child.wait().expect("docker ends").success(), "cannot write {path}");
    }

    /// Reads a file, byte for byte.
    pub fn read(&self, path: &str) -> Vec<u8> {
        let output = Process::new("docker").args(["exec", &self.name, "cat", path]).output().expect("docker starts");
        assert!(output.status.success(), "cannot read {path}");
        output.stdout
    }

    /// A shell that acts in it as root.
    pub fn shell(&self) -> PlainShell {
        PlainShell::docker(&self.name)
    }

    fn wait_for_boot(&self) {
        self.exec(
            "n=0; until case $(systemctl is-system-running --wait 2>/dev/null) in running | degraded) ;; *) false ;; esac; \
             do n=$((n + 1)); [ $n -lt 600 ] || exit 1; sleep 0.1; done",
        );
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Process::new("docker").args(["rm", "--force", "--volumes", &self.name]).output();
    }
}
