//! Beds for file operations: a directory here, and containers that go when the test ends.

use super::shell::PlainShell;
use std::process::Command;

/// A running container.
pub struct Container {
    /// Its name.
    pub name: String,
}

impl Container {
    /// Starts an image that only sleeps; `options` are further words for `docker run`.
    pub fn start(image: &str, options: &[&str]) -> Self {
        let name = format!("rh-files-{:x}-{:x}", std::process::id(), rand());
        let run = Command::new("docker")
            .args(["run", "-d", "--rm", "--name", &name, "--network", "none"])
            .args(options)
            .args([image, "sleep", "600"])
            .output()
            .expect("docker is installed");
        assert!(run.status.success(), "{image}: {}", String::from_utf8_lossy(&run.stderr));
        Self { name }
    }

    /// A shell in it.
    pub fn shell(&self) -> PlainShell {
        PlainShell::docker(&self.name)
    }

    /// What a script prints in it; the script must succeed.
    pub fn sh(&self, script: &str) -> String {
        let run = Command::new("docker").args(["exec", &self.name, "sh", "-c", script]).output().expect("docker runs");
        assert!(run.status.success(), "{script}: {}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8_lossy(&run.stdout).trim_end().to_owned()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "-f", "-v", &self.name]).output();
    }
}

fn rand() -> u32 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos())
}
