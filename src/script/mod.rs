//! Rhai bindings: playbooks, their modules, and what they see of hosts.

mod block;
mod builder;
mod closure;
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
mod opaque;
mod project;
mod template;
mod undo;
mod world;

pub use builder::bare;
pub use done::Done;
pub use drive::{HostEnd, drive};
pub use ensure::ensure;
pub use error::RhaiResultOf;
pub use project::Project;
pub use world::{Limits, Select, World};
