//! The command line.

pub mod staging;
pub mod inventory;
