//! Operations: what is wanted, what is seen, and the changes between.
//!
//! One file a family. `probe` only reads, `plan` is pure, changes are data and applied in one place, `apply`.

mod apply;
mod apt;
mod before;
mod cert;
pub mod args;
mod blur;
mod change;
mod difference;
mod cron;
mod error;
mod known;
mod overlay;
mod managed;
mod pkg;
pub mod resource;
mod registry;
mod service;
mod sys;
mod touch;
mod systemd;
mod file;
mod tree_write;
mod undo;
mod view;
mod write;

pub mod fact;

mod cmd;
mod docker;
mod git;
mod group;
pub mod ssh;
mod sudo;
mod user;
mod wait;

pub use apply::{Applied, apply};
pub use before::Before;
pub use blur::blur;
pub use change::{Change, Effect, FileWrite, Plan, Source, Step};
pub use difference::Difference;
pub use error::OpError;
pub use known::{Known, Questions, Trace};
pub use managed::{Args, Managed};
pub use overlay::Overlay;
pub use registry::{ArgumentError, Entry, OPERATIONS, Planned, all_known, arguments, entry, fields};
pub use resource::Resource;
pub use touch::Touch;
pub use tree_write::{TreeEntry, TreeItem, TreeWrite};
pub use undo::{Inverse, Past, Undo, again, undo};
pub use view::{Asked, Question, View};

pub use write::INLINE_LIMIT;

use serde::de::DeserializeOwned;

/// A typed statement about one thing on a host.
pub trait Operation: DeserializeOwned + Sized {
    /// Its name in scripts: `file::put`.
    const NAME: &'static str;

    /// The field that the first argument of the binding fills: the thing on the host.
    const TARGET: &'static str = "name";

    /// True when the first argument may be an array that makes one operation; others run once for each element.
    const TAKES_MANY: bool = false;

    /// Fields that name files on this machine; found from the project's root or beside the script.
    const LOCAL_PATHS: &'static [&'static str] = &[];

    /// What was found on the host.
    type Seen;

    /// Refuses contradicting arguments; called before any host is asked.
    ///
    /// # Errors
    /// A text that names the arguments and says what to do.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Things that a call with these arguments keeps in a state, in the order in which they come; none for an action,
    /// such as a restart.
    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let _ = args;
        Vec::new()
    }

    /// Finds out how the host is. Only reads.
    ///
    /// # Errors
    /// [`OpError`]; [`OpError::Unknown`] when only an apply can tell.
    fn probe(&self, view: &mut View<'_>) -> Result<Self::Seen, OpError>;

    /// Says what must change. Pure.
    ///
    /// # Errors
    /// [`OpError`] when the wanted state cannot be reached from what was seen.
    fn plan(&self, seen: &Self::Seen) -> Result<Plan, OpError>;
}
