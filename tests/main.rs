//! The one test binary: one file a feature.

mod support;

mod beds;
mod cases;
mod facts;
mod connect_container;
mod connect_escalation;
mod connect_ssh;
mod docs;
mod history;
mod init;
mod inventory;
mod layout;
mod script_facts;
mod shell_framing;
mod scenes;
mod staging;
mod tour;
mod ops_accounts;
mod machine_output;
mod report;
mod store_errors;
mod ops_cmd;
mod ops_docker;
mod ops_git;
mod ops_ssh;
mod ops_packages;
mod ops_file;
mod ops_file_bed;
mod ops_services;
mod ops_sys;
mod state_lock;
mod state_memory;
mod state_server;
mod state_transfer;
mod state_verbs;
