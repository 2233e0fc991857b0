//! Rhai bindings: playbooks, their modules, and what they see of hosts.

mod block;
mod builder;
mod check;
mod closure;
mod cmd;
mod common;
mod convert;
mod custom;
mod done;
mod drive;
mod ensure;
mod error;
mod flow;
mod handler;
mod here;
mod host;
mod import;
mod inventory;
mod nowhere;
mod opaque;
mod project;
pub mod reference;
mod template;
mod undo;
mod world;

pub use builder::bare;
pub use check::{check, check_text};
pub use common::COMMON;
pub use done::Done;
pub use drive::{HostEnd, drive};
pub use ensure::ensure;
pub use error::RhaiResultOf;
pub use inventory::RhaiInventories;
pub use nowhere::rehearse;
pub use project::Project;
pub use world::{Limits, Select, World};
