//! Git: working trees and settings.

mod config;
mod refs;
mod repo;
mod script;

pub use config::Config;
pub use repo::Repo;
