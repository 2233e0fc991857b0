//! Export and import: JSON lines that carry everything from one kind of store to the other.
//!
//! ```text
//! {"rhapsode":"state","format":1,"exported":"2026-11-20T10:00:00Z"}
//! {"runs":{"run":"01J…","mode":"apply",…}}
//! {"end":{"rows":1}}
//! ```
//!
//! Texts and numbers stand as they are, bytes in base64. The last line tells a whole file from one that was cut off.

mod export;
mod import;
mod tables;

/// The version that is written, and the newest that is read.
const FORMAT: u64 = 1;
