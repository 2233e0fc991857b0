//! What tests share.

pub mod accounts_bed;
pub mod shell;
