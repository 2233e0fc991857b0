//! Where a script stands: the tag of the engine of one host.

use super::closure::Kept;
use super::places;
use super::project::Project;
use super::undo::UndoStack;
use super::world::World;
use crate::engine::Actor;
use indexmap::IndexMap;
use rhai::{NativeCallContext, Position};
use std::sync::{Arc, Mutex};

/// The host thread that evaluates a script. Every binding finds it through [`NativeCallContext::tag`].
#[derive(Clone)]
pub struct Here(Arc<Inner>);

struct Inner {
    actor: Actor,
    world: Arc<World>,
    handlers: Mutex<IndexMap<String, Kept>>,
    undo: UndoStack,
}

impl Here {
    /// The place of one host thread.
    pub fn new(actor: Actor, world: Arc<World>) -> Self {
        Self(Arc::new(Inner { actor, world, handlers: Mutex::default(), undo: UndoStack::default() }))
    }

    /// The place of the script that calls a binding.
    ///
    /// # Panics
    /// When the engine was not made for a host: only such engines have the bindings that ask.
    pub fn of(ctx: &NativeCallContext) -> Self {
        let tag = ctx.tag().expect("every engine has a tag");
        tag.clone().try_cast().expect("engines of hosts are tagged")
    }

    /// What acts on hosts.
    pub fn actor(&self) -> &Actor {
        &self.0.actor
    }

    /// The project that the playbook belongs to.
    pub fn project(&self) -> &Arc<Project> {
        &self.0.world.project
    }

    /// What all hosts of the run share.
    pub fn world(&self) -> &World {
        &self.0.world
    }

    /// What to undo when a block fails.
    pub fn undo(&self) -> &UndoStack {
        &self.0.undo
    }

    /// Handlers by name, in the order of their definition.
    pub fn handlers(&self) -> std::sync::MutexGuard<'_, IndexMap<String, Kept>> {
        self.0.handlers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// `playbooks/site.rhai:12:5`.
pub fn position(source: Option<&str>, position: Position) -> String {
    let source = source.filter(|source| !source.is_empty()).unwrap_or("script");
    match (position.line(), position.position()) {
        (Some(line), Some(column)) => {
            let column = super::switch::column(source, line, column);
            format!("{source}:{line}:{column}")
        }
        (Some(line), None) => format!("{source}:{line}"),
        _ => source.to_owned(),
    }
}

/// The position of the call of a binding.
pub fn called_at(ctx: &NativeCallContext) -> String {
    position(places::calling(ctx).as_deref(), ctx.call_position())
}
