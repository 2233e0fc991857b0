//! Certificates on hosts: whom they trust, and what their services show.

mod file;
mod hashed;
mod layout;
mod pem;
mod present;
mod together;
mod trust;

pub use file::{Crl, Pkcs12};
pub use present::Present;
pub use trust::Trust;
