//! Containers that tests act on. They need a docker engine and the images of `tests/staging/build`; `tests/run` sees to both.

use super::digest::Digest;
use super::shell::PlainShell;
use std::io::Write;
use std::process::{Command as Process, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// What systemd as PID 1 needs where `--privileged` is not to be had, on cgroup v1 and v2.
const SYSTEMD: &[&str] = &[
    "--cap-add=SYS_ADMIN",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--cgroupns=host",
    "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
    "--tmpfs=/run",
    "--tmpfs=/run/lock",
];

/// Every container of a test has it; its value is the process that answers for the container.
const LABEL: &str = "rhapsode-test";

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A running container, removed when dropped.
#[derive(Debug)]
pub struct Container {
    name: String,
}

impl Container {
    /// Debian with systemd as PID 1 and sshd, once its boot has ended.
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
        Self::start("rh-busybox", &[])
    }

    /// Starts `image` with further words for `docker run`.
    pub fn start(image: &str, words: &[&str]) -> Self {
        Self::run(image, words, &[])
    }

    /// An image without its init: nothing runs but what the test starts, and no network is there.
    pub fn asleep(image: &str, words: &[&str]) -> Self {
        Self::run(image, &[&["--network=none"], words].concat(), &["sleep", "600"])
    }

    fn run(image: &str, words: &[&str], command: &[&str]) -> Self {
        let name = format!("rh-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let label = format!("--label={LABEL}={}", owner());
        let container = Self { name };
        let fixed =
            ["run", "--detach", "--pull=never", "--name", &container.name, "--hostname", &container.name, &label];
        docker(&[&fixed, words, &[image], command].concat());
        container
    }

    /// Its name, as `docker exec` takes it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a script with `sh` as root and gives its stdout; panics when it fails.
    pub fn exec(&self, script: &str) -> String {
        let output = self.try_exec(script);
        assert!(output.status.success(), "in {}: {script}\n{}", self.name, describe(&output));
        String::from_utf8(output.stdout).expect("the script prints UTF-8")
    }

    /// The same without white space at the end.
    pub fn says(&self, script: &str) -> String {
        self.exec(script).trim_end().to_owned()
    }

    /// A shell that acts in it as root.
    pub fn shell(&self) -> PlainShell {
        PlainShell::docker(&self.name)
    }

    /// Runs a script with `sh` as root, however it ends.
    pub fn try_exec(&self, script: &str) -> Output {
        let mut process = Process::new("docker");
        process.args(["exec", &self.name, "sh", "-c", script]).stdin(Stdio::null());
        process.output().expect("docker starts")
    }

    /// Writes a file, byte for byte; its folder must exist.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let mut process = Process::new("docker");
        process.args(["exec", "-i", &self.name, "sh", "-c", r#"cat >"$1""#, "sh", path]);
        let mut child = process.stdin(Stdio::piped()).spawn().expect("docker starts");
        child.stdin.take().expect("piped").write_all(content.as_ref()).expect("the container takes the content");
        assert!(child.wait().expect("docker ends").success(), "cannot write {path} in {}", self.name);
    }

    /// Reads a file, byte for byte.
    pub fn read(&self, path: &str) -> Vec<u8> {
        let output = Process::new("docker").args(["exec", &self.name, "cat", path]).output().expect("docker starts");
        assert!(output.status.success(), "cannot read {path} in {}: {}", self.name, describe(&output));
        output.stdout
    }

    /// Every file, account and unit state of the container, apart from what changes by itself.
    pub fn digest(&self) -> Digest {
        Digest::parse(&self.exec(super::digest::SCRIPT))
    }

    /// The same for what lies below these paths.
    pub fn digest_of(&self, paths: &[&str]) -> Digest {
        let quoted: Vec<String> = paths.iter().map(|path| format!("'{}'", path.replace('\'', r"'\''"))).collect();
        Digest::parse(&self.exec(&format!("set -- {}\n{}", quoted.join(" "), super::digest::SCRIPT)))
    }

    /// Address on the default bridge.
    pub fn address(&self) -> String {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}\n{{end}}";
        docker(&["inspect", "--format", format, &self.name]).lines().next().unwrap_or_default().to_owned()
    }

    /// Port of this machine's loopback that leads to a published port.
    pub fn published(&self, port: u16) -> u16 {
        let shown = docker(&["port", &self.name, &format!("{port}/tcp")]);
        let port = shown.lines().find_map(|line| line.rsplit(':').next()?.parse().ok());
        port.unwrap_or_else(|| panic!("docker names no port: {shown}"))
    }

    /// Freezes every process: connections stay open and nothing answers.
    pub fn pause(&self) {
        docker(&["pause", &self.name]);
    }

    /// Lets the processes go on.
    pub fn unpause(&self) {
        docker(&["unpause", &self.name]);
    }

    /// Kills PID 1, and everything with it.
    pub fn kill(&self) {
        docker(&["kill", &self.name]);
    }

    /// Starts a stopped container again, and waits for its boot where it boots.
    pub fn start_again(&self) {
        docker(&["start", &self.name]);
        if self.try_exec("command -v systemctl").status.success() {
            self.wait_for_boot();
        }
    }

    fn wait_for_boot(&self) {
        let booted = self.try_exec(
            r#"n=0
            until case $(systemctl is-system-running --wait 2>/dev/null) in running | degraded) true ;; *) false ;; esac; do
                n=$((n + 1)); [ $n -lt 600 ] || exit 1; sleep 0.1
            done"#,
        );
        assert!(booted.status.success(), "{} does not boot: {}", self.name, describe(&booted));
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // A test that panicked already has something to say; this must not hide it.
        let _ = Process::new("docker").args(["rm", "--force", "--volumes", &self.name]).output();
    }
}

/// Runs the docker client and gives its stdout; panics when it fails.
pub fn docker(words: &[&str]) -> String {
    let output = Process::new("docker").args(words).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("docker: {error}; `tests/run` installs what the tests need"));
    assert!(output.status.success(), "docker {}\n{}", words.join(" "), describe(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The process whose end makes a leftover container of this one: `tests/run` where it started us.
pub fn owner() -> String {
    std::env::var("RHAPSODE_TEST_RUN").unwrap_or_else(|_| std::process::id().to_string())
}

fn describe(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    format!("{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr))
}
