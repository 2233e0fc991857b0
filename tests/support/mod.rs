//! What tests share.

pub mod shell;
pub mod events;
