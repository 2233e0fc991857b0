//! The one test binary: one file a feature.

mod support;

mod beds;
mod cases;
mod connect_container;
mod connect_escalation;
mod connect_ssh;
mod docs;
mod history;
mod layout;
mod shell_framing;
mod staging;
