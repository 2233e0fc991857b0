//! Containers for the tests of accounts, docker and facts. Same calls as `support::docker` and `support::sshd`.

use std::process::{Command as Process, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A running container, removed when dropped.
pub struct Container(String);

impl Container {
    /// Debian with systemd as PID 1 and sshd.
    pub fn debian() -> Self {
        Self::debian_with(&[])
    }

    /// The same with further words for `docker run`.
    pub fn debian_with(words: &[&str]) -> Self {
        const SYSTEMD: &[&str] = &[
            "--cap-add=SYS_ADMIN",
            "--security-opt=seccomp=unconfined",
            "--security-opt=apparmor=unconfined",
            "--cgroupns=host",
            "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
            "--tmpfs=/run",
            "--tmpfs=/run/lock",
        ];
        let container = Self::start("rh-debian", &[SYSTEMD, words].concat());
        let boot =
            "n=0; until systemctl is-active -q multi-user.target || [ $n -ge 300 ]; do n=$((n+1)); sleep 0.2; done";
        container.exec(boot);
        container
    }

    /// A static busybox and nothing else.
    pub fn busybox() -> Self {
        Self::start("rh-busybox", &[])
    }

    fn start(image: &str, words: &[&str]) -> Self {
        let name = format!("rh-users-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let fixed = ["run", "--detach", "--pull=never", "--name", &name, "--hostname", "bed"];
        docker(&[&fixed, words, &[image]].concat());
        Self(name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Runs a script with `sh` as root and gives its stdout; panics when it fails.
    pub fn exec(&self, script: &str) -> String {
        let output = self.try_exec(script);
        assert!(output.status.success(), "in {}: {script}\n{output:?}", self.0);
        String::from_utf8(output.stdout).expect("the script prints UTF-8")
    }

    /// Runs a script with `sh` as root, however it ends.
    pub fn try_exec(&self, script: &str) -> Output {
        let mut process = Process::new("docker");
        process.args(["exec", &self.0, "sh", "-c", script]).stdin(Stdio::null());
        process.output().expect("docker starts")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Process::new("docker").args(["rm", "-f", "-v", &self.0]).output();
    }
}

/// Runs docker and gives its stdout; panics when it fails.
pub fn docker(words: &[&str]) -> String {
    let output = Process::new("docker").args(words).output().expect("docker starts");
    assert!(output.status.success(), "docker {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
