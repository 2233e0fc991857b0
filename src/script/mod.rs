//! Rhai bindings.

mod ensure;
mod done;

pub use done::Done;
pub use ensure::{RhaiResultOf, ensure};
