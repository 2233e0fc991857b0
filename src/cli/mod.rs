//! The command line.

pub mod inventory;
