//! What tests share.

pub mod files_bed;
pub mod shell;
