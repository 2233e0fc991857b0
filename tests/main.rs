//! The one test binary: one file a feature.

mod support;

mod cases;
mod facts;
mod layout;
mod ops_accounts;
mod ops_cmd;
mod ops_docker;
mod ops_git;
mod ops_ssh;
