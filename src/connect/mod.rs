//! Local, ssh, docker, podman, command template: opens a shell on a host.

mod escalate;
mod folder;
mod host;
mod process;
mod ssh;

pub use host::{Host, Settings};
