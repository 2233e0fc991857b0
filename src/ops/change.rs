//! Changes as data: what they are called, how they are done, and what they make of the host.

use super::resource::{Key, Resource, State};
use super::touch::{ACCOUNTS, Touch, Touched};
use super::tree_write::TreeWrite;
use crate::event::Sign;
use crate::remote::{Command, Output};
use crate::secret::{fingerprint, tokens};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// All that an operation would change; empty when reality is as wanted.
#[derive(Debug, Default)]
pub struct Plan {
    /// In the order in which they are done.
    pub changes: Vec<Change>,
    /// What is waited for after the changes; a wait is no change.
    pub waits: Vec<Step>,
    /// The answer to a question that the operation stands for: `cmd::read`.
    pub output: Option<Output>,
    /// Why nothing is done though something could be: what others need stays.
    pub left: Option<String>,
}

/// One change.
#[derive(Debug)]
pub struct Change {
    /// What kind of change.
    pub sign: Sign,
    /// A few words: `mode 0600 -> 0644`.
    pub text: String,
    /// Text before and after, where people want to see it.
    pub diff: Option<(String, String)>,
    /// That it comes is certain, but only an apply can tell it in full: the version of a package.
    pub open: bool,
    /// How it is done.
    pub steps: Vec<Step>,
    /// What it makes of the host; the overlay of a plan takes it.
    pub effects: Vec<Effect>,
    /// The paths that its commands alter, where they alter nothing else: see [`Change::touching`].
    pub touches: Option<Vec<Touched>>,
}

/// How a change is done.
#[derive(Debug, Clone)]
pub enum Step {
    /// A command that must succeed. Its output becomes the operation's output.
    Run(Command),
    /// A whole file, put in place at once.
    Write(FileWrite),
    /// Many files below one directory, sent as one archive.
    Tree(Arc<TreeWrite>),
    /// A command repeated until it succeeds.
    Wait {
        /// The question.
        command: Command,
        /// Between two tries.
        every: Duration,
        /// When to give up.
        timeout: Duration,
        /// What is waited for, in words.
        what: String,
    },
    /// Asks for a restart of the host and waits until it answers again.
    Reboot {
        /// What starts it.
        command: Command,
        /// When to give up.
        timeout: Duration,
    },
    /// Steps that are undone when the check fails: nobody may be locked out by a typing error.
    Guarded {
        /// What is done.
        steps: Vec<Step>,
        /// A login on a fresh connection must succeed afterwards.
        fresh_login: bool,
        /// What brings back the state before.
        undo: Vec<Step>,
    },
}

/// A whole file: temp file beside it, mode and owner first, fsync, rename.
#[derive(Debug, Clone)]
pub struct FileWrite {
    /// Absolute path.
    pub path: String,
    /// What it shall hold.
    pub content: Source,
    /// Permission bits; those of the file before, or 0644 less the umask, when unset.
    pub mode: Option<u32>,
    /// User name or number.
    pub owner: Option<String>,
    /// Group name or number.
    pub group: Option<String>,
    /// Command that must accept the temp file before it is put in place; `%s` is its path.
    pub validate: Option<String>,
    /// Write into the existing file instead of renaming over it (mount points).
    pub in_place: bool,
    /// Keep the content before in `PATH.TIMESTAMP.bak`.
    pub backup: bool,
    /// Make missing parent directories.
    pub create_dirs: bool,
}

/// Where content comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// In memory; a UTF-8 text may hold secret tokens, swapped when it is sent.
    Bytes(Arc<[u8]>),
    /// A file on this machine, streamed.
    Local(PathBuf),
    /// POSIX sh on the host that puts it into the existing file `$t`.
    Script {
        /// The commands; they exit when they fail.
        fill: String,
        /// Their stdin; a text may hold secret tokens, swapped when it is sent.
        stdin: Arc<[u8]>,
    },
}

/// What a change makes of the host.
#[derive(Debug, Clone)]
pub enum Effect {
    /// A resource is in this state afterwards.
    Becomes(Key, State),
    /// Something is there afterwards, and only an apply can tell what.
    There(Key, String),
    /// A resource changes in a way that only an apply can tell.
    Unknown(Key, String),
    /// A file holds what another one does.
    Copied {
        /// The other one.
        from: String,
        /// The file.
        to: String,
    },
    /// Only an apply can tell what is below this folder afterwards.
    UnknownBelow {
        /// The folder.
        folder: String,
        /// Why: `the checkout of /srv/app`.
        why: String,
    },
    /// Resources of this kind that are absent now may be there afterwards: a package brings files, units, users.
    MayAppear {
        /// `Resource::KIND`.
        kind: &'static str,
        /// Why: `package nginx`.
        why: String,
    },
}

impl Plan {
    /// Nothing to change.
    pub fn new() -> Self {
        Self::default()
    }

    /// These changes, in this order.
    pub fn of(changes: impl IntoIterator<Item = Change>) -> Self {
        Self { changes: changes.into_iter().collect(), ..Self::default() }
    }

    /// Adds a change.
    #[must_use]
    pub fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Adds a change when one field differs. `None` as `wanted` leaves it alone.
    #[must_use]
    pub fn set<T: PartialEq>(self, seen: T, wanted: Option<T>, change: impl FnOnce(T) -> Change) -> Self {
        match wanted {
            Some(wanted) if wanted != seen => self.with(change(wanted)),
            _ => self,
        }
    }

    /// Adds a wait, which is no change.
    #[must_use]
    pub fn wait(mut self, step: Step) -> Self {
        self.waits.push(step);
        self
    }

    /// Gives an answer to the script.
    #[must_use]
    pub fn answer(mut self, output: Output) -> Self {
        self.output = Some(output);
        self
    }

    /// Nothing to change, and why.
    pub fn leaving(why: impl Into<String>) -> Self {
        Self { left: Some(why.into()), ..Self::default() }
    }

    /// True when there is something to do on the host: changes, or waits alone.
    pub fn has_steps(&self) -> bool {
        !self.waits.is_empty() || self.changes.iter().any(|change| !change.steps.is_empty())
    }

    /// What doing all this may alter.
    pub fn touch(&self) -> Touch {
        let waits = if self.waits.is_empty() { Touch::NOTHING } else { Touch::Anything };
        self.changes.iter().map(Change::touch).fold(waits, Touch::and)
    }

    /// True when reality is as wanted.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl From<Change> for Plan {
    fn from(change: Change) -> Self {
        Self::new().with(change)
    }
}

impl Change {
    /// The file that it writes.
    pub fn file(&self) -> Option<&str> {
        self.steps.iter().find_map(|step| match step {
            Step::Write(write) => Some(write.path.as_str()),
            _ => None,
        })
    }

    /// A change in words; `steps` and `effects` are added by the methods below.
    pub fn new(sign: Sign, text: impl Into<String>) -> Self {
        Self { sign, text: text.into(), diff: None, open: false, steps: Vec::new(), effects: Vec::new(), touches: None }
    }

    /// Says that its steps alter these paths, what is below them, and nothing else; else a command may alter anything.
    #[must_use]
    pub fn touching<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        let touched = paths.into_iter().map(|path| Touched::new(path, true));
        self.touches.get_or_insert_default().extend(touched);
        self
    }

    /// The same when what is below the path stays as it is: permissions of a directory, a new one.
    #[must_use]
    pub fn touching_itself(mut self, path: impl Into<String>) -> Self {
        self.touches.get_or_insert_default().push(Touched::new(path, false));
        self
    }

    /// The same for the tools of accounts.
    #[must_use]
    pub fn touching_accounts(self) -> Self {
        self.touching(ACCOUNTS.iter().copied())
    }

    /// The same for a tool that only adds the accounts that the change [makes](Change::makes).
    #[must_use]
    pub fn adding_accounts(mut self) -> Self {
        let adds = |effect: &Effect| match effect {
            Effect::Becomes(key, _) => Some(key.clone()),
            _ => None,
        };
        let adds: Vec<Key> = self.effects.iter().filter_map(adds).collect();
        let touched = ACCOUNTS.iter().map(|path| Touched { adds: adds.clone(), ..Touched::new(*path, true) });
        self.touches.get_or_insert_default().extend(touched);
        self
    }

    /// What doing it may alter.
    pub fn touch(&self) -> Touch {
        self.touches.clone().map_or_else(|| Touch::of_steps(self), Touch::Paths)
    }

    /// Adds a command.
    #[must_use]
    pub fn run(self, command: Command) -> Self {
        self.step(Step::Run(command))
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// A keyed fingerprint of the secrets that its steps send; nothing when they send none.
    pub fn secrets(&self) -> Option<String> {
        let mut found = String::new();
        self.steps.iter().for_each(|step| step.secrets(&mut found));
        (!found.is_empty()).then(|| fingerprint(&found)).flatten()
    }

    /// Shows the text before and after.
    #[must_use]
    pub fn diff(mut self, before: impl Into<String>, after: impl Into<String>) -> Self {
        self.diff = Some((before.into(), after.into()));
        self
    }

    /// Says in which state a resource is afterwards.
    #[must_use]
    pub fn makes<R: Resource>(mut self, key: impl Into<String>, state: R) -> Self {
        self.effects.push(Effect::Becomes(Key::of::<R>(key), State::new(state)));
        self
    }

    /// Says that a resource changes in a way that only an apply can tell.
    #[must_use]
    pub fn makes_unknown<R: Resource>(mut self, key: impl Into<String>, why: impl Into<String>) -> Self {
        self.effects.push(Effect::Unknown(Key::of::<R>(key), why.into()));
        self
    }

    /// Says that something is there afterwards, whatever it is.
    #[must_use]
    pub fn brings_there<R: Resource>(mut self, key: impl Into<String>, why: impl Into<String>) -> Self {
        self.effects.push(Effect::There(Key::of::<R>(key), why.into()));
        self
    }

    /// Says that a file holds afterwards what another one does.
    #[must_use]
    pub fn copies(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.effects.push(Effect::Copied { from: from.into(), to: to.into() });
        self
    }

    /// Says that only an apply can tell what is below a folder afterwards.
    #[must_use]
    pub fn unknown_below(mut self, folder: impl Into<String>, why: impl Into<String>) -> Self {
        self.effects.push(Effect::UnknownBelow { folder: folder.into(), why: why.into() });
        self
    }

    /// Says that only an apply can tell the change in full.
    #[must_use]
    pub fn open_until_applied(mut self) -> Self {
        self.open = true;
        self
    }

    /// Says that absent resources of a kind may be there afterwards.
    #[must_use]
    pub fn may_bring<R: Resource>(mut self, why: impl Into<String>) -> Self {
        self.effects.push(Effect::MayAppear { kind: R::KIND, why: why.into() });
        self
    }
}

impl Step {
    /// The tokens of secrets in what it sends.
    fn secrets(&self, found: &mut String) {
        let mut take = |text: &str| tokens(text).into_iter().for_each(|token| found.push_str(&token.to_string()));
        let mut take_bytes = |bytes: &[u8]| std::str::from_utf8(bytes).map_or((), &mut take);
        match self {
            Self::Run(command) => {
                command.stdin.iter().for_each(|stdin| take_bytes(stdin));
                command.prints().iter().for_each(|printed| take_bytes(printed));
                command.env.values().for_each(|value| take_bytes(value.as_bytes()));
            }
            Self::Write(write) => match &write.content {
                Source::Bytes(bytes) | Source::Script { stdin: bytes, .. } => take_bytes(bytes),
                Source::Local(_) => {}
            },
            Self::Guarded { steps, .. } => steps.iter().for_each(|step| step.secrets(found)),
            Self::Tree(_) | Self::Wait { .. } | Self::Reboot { .. } => {}
        }
    }
}
