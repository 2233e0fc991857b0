//! The SSH server, and the keys of hosts we know.

mod known_host;
mod known_hosts;
mod options;
mod server;

pub use known_host::KnownHost;
pub use known_hosts::{Key, Lines};
pub use server::Server;
