//! What a block undoes when it fails.

use super::closure::Kept;
use super::error::{RhaiResultOf, stopped_at_end};
use super::here::Here;
use crate::engine::{Reversal, Stop};
use crate::event::Event;
use rhai::{Dynamic, Engine};
use std::sync::{Arc, Mutex};

/// How one operation is taken back.
#[derive(Clone)]
pub enum Undo {
    /// By a closure of the playbook.
    Closure(Box<ByClosure>),
    /// By what was there before.
    Reversal(Arc<Reversal>),
}

/// An `undo` closure with what it shall be called with.
#[derive(Clone)]
pub struct ByClosure {
    /// Shown when it runs: `nala::installed curl`.
    pub what: String,
    /// The closure; it may be of a module that the block knows nothing of.
    pub closure: Kept,
    /// Its arguments; it may take fewer.
    pub arguments: Vec<Dynamic>,
}

impl Undo {
    /// By a closure of the playbook.
    pub fn closure(what: String, closure: Kept, arguments: Vec<Dynamic>) -> Self {
        Self::Closure(Box::new(ByClosure { what, closure, arguments }))
    }
}

/// Frames of the blocks around; a frame collects the undos of what changed inside.
#[derive(Default)]
pub struct UndoStack(Mutex<Vec<Vec<Undo>>>);

impl UndoStack {
    /// A block begins.
    pub fn open(&self) {
        self.frames().push(Vec::new());
    }

    /// The block ends; gives what was collected, last first.
    pub fn close(&self) -> Vec<Undo> {
        let mut undos = self.frames().pop().unwrap_or_default();
        undos.reverse();
        undos
    }

    /// Notes an undo in the innermost block; outside of blocks nothing would call it.
    pub fn note(&self, undo: Undo) {
        if let Some(frame) = self.frames().last_mut() {
            frame.push(undo);
        }
    }

    /// The block succeeded: a block around it may still fail.
    pub fn keep(&self) {
        let mut frames = self.frames();
        let inner = frames.pop().unwrap_or_default();
        if let Some(outer) = frames.last_mut() {
            outer.extend(inner);
        }
    }

    /// Drops what the innermost block collected since [`UndoStack::len`] was asked: one undo stands for all of it.
    pub fn cut(&self, len: usize) {
        if let Some(frame) = self.frames().last_mut() {
            frame.truncate(len);
        }
    }

    /// How much the innermost block collected so far.
    pub fn len(&self) -> usize {
        self.frames().last().map_or(0, Vec::len)
    }

    fn frames(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Undo>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Takes operations back, as far as that can be done; one that cannot is told. `what` failed: `block x`.
///
/// # Errors
/// The host was lost, or the run interrupted.
pub fn take_back(engine: &Engine, here: &Here, what: &str, undos: Vec<Undo>) -> RhaiResultOf<()> {
    let mut reversals = Vec::new();
    for undo in undos {
        match undo {
            Undo::Closure(by) => {
                let ByClosure { what: operation, closure, arguments } = *by;
                warn(here, format!("{what} failed: undoing {operation}"));
                let undone = here.actor().unplanned(|| closure.run(engine, arguments));
                if let Err(failed) = undone {
                    warn(here, format!("undoing {operation} failed: {failed}"));
                }
            }
            Undo::Reversal(reversal) => {
                told(here, &reversal.what, here.actor().reverse(&reversal))?;
                reversals.push(reversal);
            }
        }
    }
    // What was restarted with the new state must run with the old one.
    let again = here.actor().reverse_actions(&reversals);
    told(here, "a restart", again)
}

/// Only what ends a host stops the way back.
fn told(here: &Here, what: &str, undone: Result<(), Stop>) -> RhaiResultOf<()> {
    match undone {
        Ok(()) => Ok(()),
        Err(Stop::Failed(failed)) => {
            warn(here, format!("undoing {what} failed: {}", failed.failure.message));
            Ok(())
        }
        Err(stop) => Err(stopped_at_end(stop)),
    }
}

fn warn(here: &Here, text: String) {
    let host = Some(here.actor().own().name().to_owned());
    here.actor().run.emit(Event::Warning { host, text: crate::secret::redact(&text) });
}
