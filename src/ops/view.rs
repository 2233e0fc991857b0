//! What an operation sees of a host: reality, and over it what a plan predicted so far.

use super::OpError;
use super::change::Effect;
use super::resource::{Key, Resource, State};
use crate::remote::{Command, Output, Shell};
use std::collections::HashMap;

/// The predicted states of one host. Empty while applying.
#[derive(Debug, Default)]
pub struct Overlay {
    states: HashMap<Key, Predicted>,
    bringing: HashMap<&'static str, String>,
    changes: usize,
}

#[derive(Debug, Clone)]
enum Predicted {
    State(State),
    Unknown(String),
}

impl Overlay {
    /// Takes the effects of a change that was only planned.
    pub fn take(&mut self, effects: Vec<Effect>) {
        self.changes += 1;
        for effect in effects {
            match effect {
                Effect::Becomes(key, state) => {
                    self.states.insert(key, Predicted::State(state));
                }
                Effect::Unknown(key, why) => {
                    self.states.insert(key, Predicted::Unknown(why));
                }
                Effect::MayAppear { kind, why } => {
                    self.bringing.insert(kind, why);
                }
            }
        }
    }

    /// How many changes were planned so far.
    pub fn changes(&self) -> usize {
        self.changes
    }

    fn predicted<R: Resource>(&self, id: &str) -> Option<Result<R, OpError>> {
        if let Some(predicted) = self.states.get(&Key::of::<R>(id)) {
            return Some(match predicted {
                Predicted::State(state) => Ok(state.get::<R>().expect("a key's kind is its type").clone()),
                Predicted::Unknown(why) => Err(OpError::Unknown(why.clone())),
            });
        }
        let same_kind = self.states.iter().filter(|(key, _)| key.kind == R::KIND);
        let states = same_kind.filter_map(|(key, predicted)| match predicted {
            Predicted::State(state) => Some((key, state.get::<R>()?)),
            Predicted::Unknown(_) => None,
        });
        let mut follows = states.filter_map(|(key, state)| R::follows_from(id, &key.id, state));
        follows.next().map(Ok)
    }

    fn brought<R: Resource>(&self, id: &str, real: &R) -> Option<OpError> {
        let why = self.bringing.get(R::KIND)?;
        let open = real.is_absent() && R::may_be_brought(id);
        open.then(|| OpError::Unknown(format!("{} `{id}` may come with {why}", R::KIND)))
    }
}

/// A host as an operation sees it. It cannot tell a plan from an apply.
pub struct View<'a> {
    shell: &'a mut dyn Shell,
    overlay: &'a Overlay,
}

impl<'a> View<'a> {
    /// Looks through an overlay at a host.
    pub fn new(shell: &'a mut dyn Shell, overlay: &'a Overlay) -> Self {
        Self { shell, overlay }
    }

    /// Runs a command that only reads what no change of a playbook touches; prefer [`View::see`].
    ///
    /// # Errors
    /// [`OpError::Shell`]; an exit status other than 0 is no error here.
    pub fn read(&mut self, command: &Command) -> Result<Output, OpError> {
        Ok(self.shell.read(command)?)
    }

    /// The state of one thing.
    ///
    /// # Errors
    /// As [`View::see_all`].
    pub fn see<R: Resource>(&mut self, id: &str) -> Result<R, OpError> {
        let mut states = self.see_all::<R>(&[id.to_owned()])?;
        Ok(states.pop().expect("one state a key"))
    }

    /// The states of many things, in one exchange.
    ///
    /// # Errors
    /// [`OpError::Unknown`] when only an apply can tell; [`OpError`] when the host cannot be asked or understood.
    pub fn see_all<R: Resource>(&mut self, ids: &[String]) -> Result<Vec<R>, OpError> {
        let mut states: Vec<Option<R>> = Vec::with_capacity(ids.len());
        for id in ids {
            states.push(self.overlay.predicted::<R>(id).transpose()?);
        }
        let open: Vec<String> =
            ids.iter().zip(&states).filter(|(_, state)| state.is_none()).map(|(id, _)| id.clone()).collect();
        if !open.is_empty() {
            let command = R::script(&open);
            let output = self.shell.read(&command)?;
            let mut read = R::parse(&open, &output)?.into_iter();
            for (id, slot) in ids.iter().zip(&mut states).filter(|(_, state)| state.is_none()) {
                let real = read.next().ok_or_else(|| OpError::answer(&command, &output.stdout))?;
                if let Some(unknown) = self.overlay.brought(id, &real) {
                    return Err(unknown);
                }
                *slot = Some(real);
            }
        }
        Ok(states.into_iter().flatten().collect())
    }

    /// Whether a plan predicts another state than the host has for a thing like this; false while applying.
    pub fn is_planned(&self, mut like: impl FnMut(&Key) -> bool) -> bool {
        self.overlay.states.keys().any(&mut like)
    }

    /// How many changes a plan predicted on this host so far; 0 while applying.
    pub fn planned_changes(&self) -> usize {
        self.overlay.changes()
    }
}
