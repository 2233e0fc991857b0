//! The `rhapsode` binary.

fn main() {}
