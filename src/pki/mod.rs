//! Keys, certificates, authorities, and the trust of DNS. Blocking; uses the project's secrets, never prints.

pub mod dns;
