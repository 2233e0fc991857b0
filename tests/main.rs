//! The one test binary: one file a feature.

mod support;

mod cases;
mod layout;
mod ops_file;
mod ops_file_bed;
