//! cli

pub mod failure;
pub mod history;
