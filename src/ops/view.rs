//! What an operation sees of a host: reality, and over it what a plan predicted so far.

use super::OpError;
use super::change::Effect;
use super::known::Known;
use super::resource::{Key, Reader, Remembered, Resource, State};
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
                    // What was predicted below a directory goes with it.
                    self.states.retain(|other, _| other.kind != key.kind || !state.settles(&key.id, &other.id));
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

    /// The name that an account of this number gets, by what is planned of accounts of this kind.
    pub(super) fn name_of<R: Resource>(&self, is: impl Fn(&R) -> bool) -> Option<String> {
        let same_kind = self.states.iter().filter(|(key, _)| key.kind == R::KIND);
        let mut named = same_kind.filter_map(|(key, predicted)| match predicted {
            Predicted::State(state) => state.get::<R>().filter(|state| is(state)).map(|_| key.id.clone()),
            Predicted::Unknown(_) => None,
        });
        named.next()
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
    /// What is absent stays so, whatever a package may bring.
    whole: bool,
}

/// A question of any kind; made by [`View::ask`].
pub trait Question {
    /// All that is asked, and how it is read.
    fn asked(&self) -> (Reader, &[String]);

    /// What is still open, and how it is read.
    fn open(&self) -> Option<(Reader, Vec<String>)>;

    /// Takes what is known; every question is noted once, before it is asked.
    ///
    /// # Errors
    /// As [`View::see_all`].
    fn recall(&mut self, overlay: &Overlay, known: &Known) -> Result<(), OpError>;
}

impl<R> Asked<R> {
    /// The states, in the order of the keys.
    ///
    /// # Panics
    /// When it was not answered before.
    pub fn states(self) -> Vec<R> {
        self.states.into_iter().map(|state| state.expect("answered before it is used")).collect()
    }
}

impl<R: Resource> Question for Asked<R> {
    fn asked(&self) -> (Reader, &[String]) {
        (Reader::of::<R>(), &self.ids)
    }

    fn open(&self) -> Option<(Reader, Vec<String>)> {
        let open = self.ids.iter().zip(&self.states).filter(|(_, state)| state.is_none());
        let open: Vec<String> = open.map(|(id, _)| id.clone()).collect();
        (!open.is_empty()).then(|| (Reader::of::<R>(), open))
    }

    fn recall(&mut self, overlay: &Overlay, known: &Known) -> Result<(), OpError> {
        for (id, slot) in self.ids.iter().zip(&mut self.states).filter(|(_, state)| state.is_none()) {
            let Some(real) = known.state(&Key::of::<R>(id)) else {
                continue;
            };
            let real = real.get::<R>().expect("a key's kind is its type").clone();
            if let Some(unknown) = overlay.brought(id, &real).filter(|_| !self.whole) {
                return Err(unknown);
            }
            *slot = Some(real.under(overlay));
        }
        Ok(())
    }
}

/// A host as an operation sees it. It cannot tell a plan from an apply.
pub struct View<'a> {
    shell: &'a mut dyn Shell,
    overlay: &'a Overlay,
    known: Memory<'a>,
    /// Where the commands of a playbook run; things have absolute names.
    chdir: Option<String>,
}

enum Memory<'a> {
    Own(Box<Known>),
    Shared(&'a mut Known),
}

impl Memory<'_> {
    fn get(&mut self) -> &mut Known {
        match self {
            Self::Own(known) => known,
            Self::Shared(known) => known,
        }
    }
}

impl<'a> View<'a> {
    /// Looks through an overlay at a host.
    pub fn new(shell: &'a mut dyn Shell, overlay: &'a Overlay) -> Self {
        Self { shell, overlay, known: Memory::Own(Box::default()), chdir: None }
    }

    /// The same with what is known of the host already.
    pub fn remembering(shell: &'a mut dyn Shell, overlay: &'a Overlay, known: &'a mut Known) -> Self {
        Self { shell, overlay, known: Memory::Shared(known), chdir: None }
    }

    /// Runs the playbook's own commands in a directory.
    #[must_use]
    pub fn within(mut self, chdir: Option<String>) -> Self {
        self.chdir = chdir;
        self
    }

    /// Runs a command that only reads what no change of a playbook touches; prefer [`View::see`].
    ///
    /// # Errors
    /// [`OpError::Shell`]; an exit status other than 0 is no error here.
    pub fn read(&mut self, command: &Command) -> Result<Output, OpError> {
        if let Some(output) = self.known.get().output(command) {
            return Ok(output.clone());
        }
        self.known.get().run(self.shell, command)
    }

    /// Runs a command that a playbook says only reads. It is never asked ahead: nobody but this call vouches for it.
    ///
    /// # Errors
    /// As [`View::read`].
    pub fn read_for_playbook(&mut self, command: &Command) -> Result<Output, OpError> {
        let mut command = command.clone();
        command.chdir = command.chdir.or_else(|| self.chdir.clone());
        Ok(self.shell.read(&command)?)
    }

    /// The state of one thing.
    ///
    /// # Errors
    /// As [`View::see_all`].
    pub fn see<R: Resource>(&mut self, id: &str) -> Result<R, OpError> {
        let mut states = self.see_all::<R>(&[id.to_owned()])?;
        Ok(states.pop().expect("one state a key"))
    }

    /// What the ledger remembers of a thing that this operation looked at.
    pub(super) fn remembered(&mut self, key: &Key) -> Option<Remembered> {
        self.known.get().state(key).map(State::remembered)
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
        Ok(Asked { ids: ids.to_vec(), states, whole: false })
    }

    /// The same for what the operation makes as a whole: it does not matter what a package would have brought there.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub fn ask_whole<R: Resource>(&self, ids: &[String]) -> Result<Asked<R>, OpError> {
        Ok(Asked { whole: true, ..self.ask(ids)? })
    }

    /// Puts questions to the host in one exchange, unless a plan's predictions or what is known answer them all.
    ///
    /// # Errors
    /// As [`View::see_all`].
    pub fn answer(&mut self, questions: &mut [&mut dyn Question]) -> Result<(), OpError> {
        let known = self.known.get();
        for question in questions.iter_mut() {
            // What a plan predicts, the apply behind it asks.
            let (reader, ids) = question.asked();
            known.note(&reader, ids);
            question.recall(self.overlay, known)?;
        }
        let open: Vec<(Reader, Vec<String>)> = questions.iter().filter_map(|question| question.open()).collect();
        if open.is_empty() {
            return Ok(());
        }
        known.ask(self.shell, open)?;
        for question in questions.iter_mut() {
            question.recall(self.overlay, known)?;
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
