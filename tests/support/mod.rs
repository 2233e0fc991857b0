//! What tests share.

pub mod aptrepo;
pub mod packages_bed;
pub mod shell;
