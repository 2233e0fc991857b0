//! The command line.

pub mod staging;
