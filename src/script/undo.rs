//! What a block undoes when it fails.

use super::closure::Kept;
use rhai::Dynamic;
use std::sync::Mutex;

/// An `undo` closure with what it shall be called with.
#[derive(Clone)]
pub struct Undo {
    /// Shown when it runs: `nala::installed curl`.
    pub what: String,
    /// The closure; it may be of a module that the block knows nothing of.
    pub closure: Kept,
    /// Its arguments; it may take fewer.
    pub arguments: Vec<Dynamic>,
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

    fn frames(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Undo>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
