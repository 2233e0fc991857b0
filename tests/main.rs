//! The one test binary: one file a feature.

mod support;

mod cases;
mod inventory;
mod layout;
