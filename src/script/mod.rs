//! Rhai bindings.

mod ensure;
mod done;

pub mod cmd;
pub mod docker;
pub mod git;
pub mod group;
pub mod server;
pub mod ssh;
pub mod sudo;
pub mod user;
pub mod wait;

pub use done::Done;
pub use ensure::{RhaiResultOf, ensure};
