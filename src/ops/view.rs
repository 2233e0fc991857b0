//! What an operation sees of a host: reality, and over it what a plan predicted so far.

use super::OpError;
use super::change::Effect;
use super::resource::{Key, Resource, State};
use crate::remote::{Command, Output, Shell};
use std::collections::{BTreeSet, HashMap};

/// The predicted states of one host, none while applying, and what its operations declared so far.
#[derive(Debug, Default)]
pub struct Overlay {
    states: HashMap<Key, Predicted>,
    bringing: HashMap<&'static str, String>,
    declared: BTreeSet<String>,
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

    /// Notes the target of an operation that ended: what `purge` must leave alone from now on.
    pub fn declare(&mut self, target: impl Into<String>) {
        self.declared.insert(target.into());
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

/// A question about things of one kind, answered by a plan's predictions as far as they go.
pub struct Asked<R> {
    ids: Vec<String>,
    states: Vec<Option<R>>,
}

/// A question of any kind; made by [`View::ask`].
pub trait Question {
    /// What must be asked of the host, if anything.
    fn command(&self) -> Option<Command>;

    /// Takes the host's answer.
    ///
    /// # Errors
    /// As [`View::see_all`].
    fn take(&mut self, overlay: &Overlay, command: &Command, output: &Output) -> Result<(), OpError>;
}

impl<R> Asked<R> {
    /// The states, in the order of the keys.
    ///
    /// # Panics
    /// When it was not answered before.
    pub fn states(self) -> Vec<R> {
        self.states.into_iter().map(|state| state.expect("answered before it is used")).collect()
    }

    fn open(&self) -> Vec<String> {
        let open = self.ids.iter().zip(&self.states).filter(|(_, state)| state.is_none());
        open.map(|(id, _)| id.clone()).collect()
    }
}

impl<R: Resource> Question for Asked<R> {
    fn command(&self) -> Option<Command> {
        let open = self.open();
        (!open.is_empty()).then(|| R::script(&open))
    }

    fn take(&mut self, overlay: &Overlay, command: &Command, output: &Output) -> Result<(), OpError> {
        let mut read = R::parse(&self.open(), output)?.into_iter();
        for (id, slot) in self.ids.iter().zip(&mut self.states).filter(|(_, state)| state.is_none()) {
            let real = read.next().ok_or_else(|| OpError::answer(command, &output.stdout))?;
            if let Some(unknown) = overlay.brought(id, &real) {
                return Err(unknown);
            }
            *slot = Some(real);
        }
        Ok(())
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
        let mut asked = self.ask::<R>(ids)?;
        self.answer(&mut [&mut asked])?;
        Ok(asked.states())
    }

    /// Begins a question about things of one kind; [`View::answer`] puts several to the host in one exchange.
    ///
    /// # Errors
    /// [`OpError::Unknown`] when only an apply can tell.
    pub fn ask<R: Resource>(&self, ids: &[String]) -> Result<Asked<R>, OpError> {
        let states = ids.iter().map(|id| self.overlay.predicted::<R>(id).transpose()).collect::<Result<_, _>>()?;
        Ok(Asked { ids: ids.to_vec(), states })
    }

    /// Puts questions to the host in one exchange, unless a plan's predictions answer them all.
    ///
    /// # Errors
    /// As [`View::see_all`].
    pub fn answer(&mut self, questions: &mut [&mut dyn Question]) -> Result<(), OpError> {
        let mut open: Vec<(&mut &mut dyn Question, Command)> = questions
            .iter_mut()
            .filter_map(|question| {
                let command = question.command()?;
                Some((question, command))
            })
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        let commands: Vec<Command> = open.iter().map(|(_, command)| command.clone()).collect();
        let outputs = self.shell.read_all(&commands)?;
        for ((question, command), output) in open.iter_mut().zip(&outputs) {
            question.take(self.overlay, command, output)?;
        }
        Ok(())
    }

    /// What a plan predicted for things of one kind, whatever their names. Empty while applying.
    pub fn predicted<R: Resource>(&self) -> Vec<(String, R)> {
        let states = self.overlay.states.iter().filter(|(key, _)| key.kind == R::KIND);
        let known = states.filter_map(|(key, predicted)| match predicted {
            Predicted::State(state) => Some((key.id.clone(), state.get::<R>()?.clone())),
            Predicted::Unknown(_) => None,
        });
        known.collect()
    }

    /// Targets of the operations before this one, in plan and apply alike.
    pub fn declared(&self) -> impl Iterator<Item = &str> {
        self.overlay.declared.iter().map(String::as_str)
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
