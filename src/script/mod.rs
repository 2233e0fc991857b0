//! Rhai bindings: playbooks, their modules, and what they see of hosts.

mod block;
mod builder;
mod careful;
mod check;
mod closure;
mod common;
mod compared;
mod convert;
mod custom;
mod done;
pub mod file;
mod drive;
mod ensure;
mod error;
mod fact;
mod flow;
mod guard;
mod handler;
mod hidden;
mod here;
mod host;
mod import;
mod inventory;
mod literal;
mod needed;
mod nowhere;
mod once;
mod opaque;
mod places;
pub mod plan;
mod playbook;
mod project;
pub mod reference;
mod refused;
mod shape;
mod switch;
mod syntax;
mod template;
mod undo;
mod world;

// The families of operations.
pub mod apt;
pub mod cert;
pub mod cmd;
pub mod cron;
pub mod dns;
pub mod docker;
pub mod git;
pub mod group;
pub mod pkg;
pub mod secret;
pub mod server;
pub mod service;
pub mod ssh;
pub mod sudo;
pub mod sys;
pub mod systemd;
pub mod user;
pub mod wait;

pub use builder::bare;
pub use check::{check, check_text};
pub use common::COMMON;
pub use done::Done;
pub use drive::{Fault, HostEnd, drive};
pub use ensure::ensure;
pub use error::RhaiResultOf;
pub use inventory::RhaiInventories;
pub use needed::{needed, needed_data};
pub use nowhere::{foresee, rehearse};
pub use project::Project;
pub use world::{Authority, Limits, Select, World};

use crate::ops::Entry;

/// What an operation on the project takes, which no host knows of.
pub(crate) fn project_entry(name: &str) -> Option<&'static Entry> {
    cert::entry(name).or_else(|| ssh::entry(name)).or_else(|| dns::entry(name))
}
