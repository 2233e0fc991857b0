//! Shows a run: to people on a terminal, to machines as one document or as lines.

mod clean;
mod diff;
mod events;
mod failure;
mod human;
mod json;
mod keys;
mod live;
mod look;
mod names;
mod operation;
mod orphans;
mod outputs;
mod page;
mod problems;
mod screen;
mod summary;
mod table;

pub use clean::one_line;
pub use events::EventLines;
pub use failure::failure_text;
pub use human::Human;
pub use json::{Document, HostDocument, Json, NotPredictable, OperationDocument};
pub use keys::restore as restore_keys;
pub use look::{Look, Paint, Verbosity};
pub use names::names;
pub use outputs::Outputs;
pub use table::{Align, Cell, Table};

/// Characters of a run's id that people are shown: its millisecond, which no two runs of a project share.
pub const SHORT_RUN: usize = 10;
