//! What tests share.

pub mod cli;
pub mod digest;
pub mod docker;
pub mod events;
pub mod hosts;
pub mod network;
pub mod loopback;
pub mod postgres;
pub mod project;
pub mod aptrepo;
pub mod seed;
pub mod shell;
pub mod sshd;
pub mod store;
