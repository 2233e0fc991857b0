//! Docker networks that only their own containers reach.

use super::docker::{Container, docker, owner};
use std::process::Command as Process;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(1);

/// An internal network, removed when dropped; its containers must be dropped before.
#[derive(Debug)]
pub struct Network {
    name: String,
}

impl Network {
    /// A new one, without a way out.
    pub fn new() -> Self {
        let name = format!("rh-test-{}-net-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        docker(&["network", "create", "--internal", &format!("--label=rhapsode-test={}", owner()), &name]);
        Self { name }
    }

    /// Its name, for `--network`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts a running container on it, beside the networks it is on; gives its address here.
    pub fn connect(&self, container: &Container) -> String {
        docker(&["network", "connect", &self.name, container.name()]);
        let format = format!("{{{{(index .NetworkSettings.Networks \"{}\").IPAddress}}}}", self.name);
        docker(&["inspect", "--format", &format, container.name()]).trim().to_owned()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // A test that panicked already has something to say; this must not hide it.
        let _ = Process::new("docker").args(["network", "rm", &self.name]).output();
    }
}
