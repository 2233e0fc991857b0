//! The one test binary: one file a feature.

mod support;

mod cases;
mod layout;
mod ops_packages;
mod ops_services;
mod ops_sys;
