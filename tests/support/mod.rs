//! What tests share.

pub mod hosts;
pub mod shell;
pub mod sshd;
