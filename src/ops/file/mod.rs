//! Files, directories and links.

mod absent;
mod attributes;
mod block;
mod content;
mod dir;
mod download;
mod edit;
mod line;
mod lines;
mod link;
mod local_tree;
mod many;
mod mirror;
mod place;
mod present;
mod put;
mod replace;
mod small;

pub(super) use content::{local_digest, masked_edit};
pub(super) use many::{Entry, listed, removals};

pub use absent::Absent;
pub(super) use absent::gone;
pub use block::Block;
pub use dir::Dir;
pub use download::Download;
pub use line::Line;
pub use link::Link;
pub use mirror::Mirror;
pub(super) use place::HostPath;
pub use present::Present;
pub use put::{Put, Template};
pub use replace::Replace;
pub(crate) use small::{Difference, SmallFile, Whole};
