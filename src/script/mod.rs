//! Rhai bindings.

mod ensure;
mod done;
pub mod file;

pub use done::Done;
pub use ensure::{RhaiResultOf, ensure};
