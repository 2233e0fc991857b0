//! The one test binary: one file a feature.

mod support;

mod beds;
mod cases;
mod docs;
mod history;
mod layout;
mod staging;
