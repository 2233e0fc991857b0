//! What an operation gives back to the script.

/// The handle of an operation that ended.
#[derive(Debug, Clone, Default)]
pub struct Done {}
