//! What tests share.

pub mod shell;
