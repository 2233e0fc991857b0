//! The one test binary: one file a feature.

mod support;

mod cases;
mod history;
mod layout;
mod machine_output;
mod report;
mod store_errors;
