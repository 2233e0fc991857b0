//! What is known of a host until its next change, what its operations asked, and what they are expected to ask.
//!
//! An optimisation only: every answer here is one that the host gave since the last change. A trace of an earlier run
//! says what to ask along with the first question; a wrong one costs time and never changes a verdict.

use super::OpError;
use super::resource::{Contents, Digest, KINDS, Key, Path, Reader, Resource, State};
use super::touch::{Altered, Folders, Touch};
use crate::remote::{Command, Output, Shell, ShellError};
use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Bytes of keys that one script asks for: a command line has room for 128 KiB, on old systems for all of it together.
const KEYS_LIMIT: usize = 24 * 1024;

/// What one user of a host was asked, in a form that can be stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Ids by kind, and how often each was asked for: after a change, only what is still needed is asked again.
    #[serde(default)]
    pub things: IndexMap<String, Counts>,
    /// Commands of built-in operations that only read.
    #[serde(default)]
    pub commands: Counts,
}

impl Trace {
    fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.things.values().all(Counts::is_empty)
    }
}

/// How often each was asked for.
pub type Counts = IndexMap<String, u32>;

/// See the module. One for each user of a host.
#[derive(Debug, Default)]
pub struct Known {
    states: HashMap<Key, State>,
    folders: Folders,
    outputs: HashMap<String, Output>,
    asked: Trace,
    expected: Trace,
    /// The host answered once.
    begun: bool,
    /// There is no host: what can be guessed is, so that what is asked after it is learnt, too.
    guesses: bool,
}

/// An answer that no parser understood.
pub struct Odd {
    kind: &'static str,
    ids: Vec<String>,
    error: OpError,
}

/// What is asked in one exchange: commands, and what their answers say.
pub struct Questions {
    things: Vec<(Reader, Vec<String>)>,
    texts: Vec<String>,
    /// One for each of the things, then one for each of the texts.
    pub commands: Vec<Command>,
}

impl Known {
    /// Expects what an earlier run asked; kinds that this version does not know are left out.
    pub fn expect(&mut self, trace: Trace) {
        self.expected = trace;
        self.expected.things.retain(|kind, _| KINDS.iter().any(|reader| reader.kind == *kind));
    }

    /// The same where no host answers: guesses, to learn what would be asked.
    #[must_use]
    pub fn guessing(mut self, guesses: bool) -> Self {
        self.guesses = guesses;
        self
    }

    /// What was asked so far.
    pub fn asked(&self) -> &Trace {
        &self.asked
    }

    /// What a change may alter is known no more.
    pub fn forget(&mut self, touch: &Touch) {
        self.outputs.clear();
        let Touch::Paths(paths) = touch else {
            return self.forget_all();
        };
        let at = |path: &str| self.states.get(&Key::of::<Path>(path)).and_then(State::get::<Path>);
        let Some(altered) = Altered::new(paths, &self.folders, &at) else {
            return self.forget_all();
        };
        let gone = self.states.iter().filter(|(key, state)| !state.outlasts(&key.id, &altered));
        let gone: Vec<Key> = gone.map(|(key, _)| key.clone()).collect();
        gone.iter().for_each(|key| drop(self.states.remove(key)));
        self.folders.forget_all(paths);
    }

    fn forget_all(&mut self) {
        self.states.clear();
        self.folders = Folders::default();
    }

    /// The state of a thing, when it is known.
    pub(super) fn state(&self, key: &Key) -> Option<&State> {
        self.states.get(key)
    }

    /// Notes that things were asked for.
    pub(super) fn note(&mut self, reader: &Reader, ids: &[String]) {
        let asked = self.asked.things.entry(reader.kind.to_owned()).or_default();
        // A token names a slot of this process: in the next one it is nothing, or another secret.
        ids.iter().filter(|id| !crate::secret::contains_token(id)).for_each(|id| count(asked, id));
        if let Some(expected) = self.expected.things.get_mut(reader.kind) {
            ids.iter().for_each(|id| discount(expected, id));
        }
    }

    /// The answer to a command, when it is known; notes that it was asked.
    pub(super) fn output(&mut self, command: &Command) -> Option<&Output> {
        if !command.is_plain() {
            return None;
        }
        count(&mut self.asked.commands, command.text());
        discount(&mut self.expected.commands, command.text());
        self.outputs.get(command.text())
    }

    /// Everything that is still expected and not known, in few commands.
    pub fn expected(&self) -> Questions {
        self.questions(&[])
    }

    /// The same, and what is wanted at once.
    fn questions(&self, wanted: &[(Reader, Vec<String>)]) -> Questions {
        let mut things: IndexMap<&'static str, (Reader, IndexSet<String>)> = IndexMap::new();
        let due = KINDS.iter().filter(|reader| reader.cheap || !self.begun);
        let expected = due.filter_map(|reader| {
            let ids = self.expected.things.get(reader.kind)?.keys();
            Some((*reader, ids.filter(|id| !self.states.contains_key(&reader.key(id))).cloned().collect()))
        });
        for (reader, ids) in wanted.iter().cloned().chain(expected) {
            things.entry(reader.kind).or_insert_with(|| (reader, IndexSet::new())).1.extend(ids);
        }
        self.ask_above(&mut things);
        let things = things.into_values().map(|(reader, ids)| (reader, ids.into_iter().collect::<Vec<_>>()));
        let texts = self.expected.commands.keys().filter(|text| !self.outputs.contains_key(*text));
        Questions::new(things.filter(|(_, ids)| !ids.is_empty()).collect(), texts.cloned().collect())
    }

    /// Asks for the directories above the paths that are asked for, in the same process: what they are tells what a
    /// later change leaves alone.
    fn ask_above(&self, things: &mut IndexMap<&'static str, (Reader, IndexSet<String>)>) {
        const OF_PATHS: [&str; 3] = [Path::KIND, Contents::KIND, Digest::KIND];
        let asked = OF_PATHS.iter().filter_map(|kind| things.get(kind)).flat_map(|(_, ids)| ids);
        let above = self.folders.missing(asked.filter(|id| *id != Path::ME));
        if let Some((_, paths)) = things.get_mut(Path::KIND).filter(|(_, paths)| !paths.is_empty()) {
            paths.extend(above);
        }
    }

    /// Asks for these things, and for everything that is expected along with them, in one exchange.
    ///
    /// # Errors
    /// [`OpError::Shell`]; an answer about the wanted things that no parser understands.
    pub(super) fn ask(&mut self, shell: &mut dyn Shell, wanted: Vec<(Reader, Vec<String>)>) -> Result<(), OpError> {
        if self.guesses && self.guess(&wanted) {
            return Ok(());
        }
        let questions = self.questions(&wanted);
        let mut odd = match shell.read_all(&questions.commands) {
            Ok(outputs) => self.learn(&questions, &outputs),
            Err(error) => {
                self.distrust(error)?;
                Vec::new()
            }
        };
        for (reader, ids) in wanted {
            let open: Vec<String> = ids.into_iter().filter(|id| !self.states.contains_key(&reader.key(id))).collect();
            if let Some(at) = odd.iter().position(|odd| odd.kind == reader.kind && odd.ids == open) {
                return Err(odd.swap_remove(at).error);
            }
            if !open.is_empty() {
                // Among many others one odd answer may spoil all: asked alone, it is understood or named.
                let output = shell.read(&(reader.script)(&open))?;
                self.keep(&reader, &open, (reader.parse)(&open, &output)?);
            }
        }
        Ok(())
    }

    /// Takes what can be guessed of these things; true when that is all.
    fn guess(&mut self, wanted: &[(Reader, Vec<String>)]) -> bool {
        for (reader, ids) in wanted {
            self.states.extend(ids.iter().filter_map(|id| Some((reader.key(id), (reader.guess)()?))));
        }
        wanted.iter().all(|(reader, ids)| ids.iter().all(|id| self.states.contains_key(&reader.key(id))))
    }

    /// Runs a command that only reads, with everything that is expected along with it.
    ///
    /// # Errors
    /// [`OpError::Shell`].
    pub(super) fn run(&mut self, shell: &mut dyn Shell, command: &Command) -> Result<Output, OpError> {
        let questions = self.expected();
        let mut commands = vec![command.clone()];
        commands.extend(questions.commands.iter().cloned());
        let output = match shell.read_all(&commands) {
            Ok(mut outputs) => {
                let answers = outputs.split_off(outputs.len().min(1));
                self.learn(&questions, &answers);
                outputs.pop().ok_or_else(|| OpError::answer(command, b""))?
            }
            Err(error) => {
                self.distrust(error)?;
                shell.read(command)?
            }
        };
        if command.is_plain() {
            self.outputs.insert(command.text().to_owned(), output.clone());
        }
        Ok(output)
    }

    /// Takes answers; one that is not understood is left out, and asked again when it is needed.
    pub fn learn(&mut self, questions: &Questions, outputs: &[Output]) -> Vec<Odd> {
        self.begun = true;
        let mut odd = Vec::new();
        let (things, texts) = outputs.split_at(questions.things.len().min(outputs.len()));
        for ((reader, ids), output) in questions.things.iter().zip(things) {
            match (reader.parse)(ids, output) {
                Ok(states) => self.keep(reader, ids, states),
                Err(error) => {
                    tracing::debug!(kind = reader.kind, %error, "left out an answer");
                    odd.push(Odd { kind: reader.kind, ids: ids.clone(), error });
                }
            }
        }
        for (text, output) in questions.texts.iter().zip(texts) {
            self.outputs.insert(text.clone(), output.clone());
        }
        odd
    }

    /// After a read that failed as a whole nothing is asked ahead any more: what nobody needs may have done the harm.
    ///
    /// # Errors
    /// The error itself, when asking less cannot help.
    pub fn distrust(&mut self, error: ShellError) -> Result<(), ShellError> {
        let harmless = matches!(error, ShellError::Timeout { .. } | ShellError::Broken | ShellError::TooMuch { .. });
        if !harmless || self.expected.is_empty() {
            return Err(error);
        }
        tracing::debug!(%error, "asks nothing ahead any more");
        self.expected = Trace::default();
        Ok(())
    }

    fn keep(&mut self, reader: &Reader, ids: &[String], states: Vec<State>) {
        for (id, state) in ids.iter().zip(states) {
            if let Some(path) = state.get::<Path>() {
                self.folders.note(id, path);
            }
            self.states.insert(reader.key(id), state);
        }
    }
}

impl Questions {
    fn new(things: Vec<(Reader, Vec<String>)>, texts: Vec<String>) -> Self {
        let things: Vec<(Reader, Vec<String>)> =
            things.into_iter().flat_map(|(reader, ids)| portions(ids).map(move |ids| (reader, ids))).collect();
        let scripts = things.iter().map(|(reader, ids)| (reader.script)(ids));
        let commands = scripts.chain(texts.iter().map(Command::script)).collect();
        Self { things, texts, commands }
    }

    /// True when nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }
}

fn count(counts: &mut Counts, id: &str) {
    match counts.get_mut(id) {
        Some(times) => *times += 1,
        None => {
            counts.insert(id.to_owned(), 1);
        }
    }
}

fn discount(counts: &mut Counts, id: &str) {
    if let Some(times) = counts.get_mut(id) {
        *times = times.saturating_sub(1);
        if *times == 0 {
            counts.swap_remove(id);
        }
    }
}

/// Cuts a list of ids so that each script has room on a command line.
fn portions(ids: Vec<String>) -> impl Iterator<Item = Vec<String>> {
    let mut ids = ids.into_iter().peekable();
    std::iter::from_fn(move || {
        ids.peek()?;
        let mut bytes = 0;
        let mut portion = Vec::new();
        while let Some(id) = ids.next_if(|id| portion.is_empty() || bytes + id.len() < KEYS_LIMIT) {
            bytes += id.len() + 1;
            portion.push(id);
        }
        Some(portion)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_of_ids_are_asked_in_portions() {
        let ids: Vec<String> = (0..1000).map(|number| format!("/srv/{number:0>60}")).collect();
        let portions: Vec<_> = portions(ids.clone()).collect();
        assert!(portions.len() > 1);
        assert!(portions.iter().all(|portion| portion.iter().map(String::len).sum::<usize>() < KEYS_LIMIT));
        assert_eq!(portions.concat(), ids);
    }

    #[test]
    fn a_name_with_a_secret_is_in_no_trace() {
        let mut known = Known::default();
        let secret = format!("/etc/{}", crate::secret::conceal("hush"));
        known.note(&KINDS[0], &["/etc/plain".to_owned(), secret]);
        let asked = &known.asked().things[KINDS[0].kind];
        assert_eq!(asked.keys().collect::<Vec<_>>(), ["/etc/plain"]);
    }

    #[test]
    fn a_trace_of_another_version_is_read_as_far_as_it_is_understood() {
        let mut known = Known::default();
        known.expect(serde_json::from_str(r#"{"things":{"oracle":{"x":1},"path":{"/etc":2}}}"#).expect("a trace"));
        assert_eq!(known.expected().commands.len(), 1);
    }
}
