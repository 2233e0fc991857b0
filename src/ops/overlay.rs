//! What a plan predicted so far: over reality, so that later operations see what earlier ones would have done.

use super::OpError;
use super::change::Effect;
use super::resource::{Contents, Digest, Key, Path, Resource, State, is_below, joined, parent};
use std::collections::{BTreeSet, HashMap};

/// The predicted states of one host, none while applying, and what its operations declared so far.
#[derive(Debug, Default)]
pub struct Overlay {
    states: HashMap<Key, (usize, Predicted)>,
    /// What was predicted of everything below a path, oldest first. Single paths that were predicted later win.
    wholes: Vec<Whole>,
    /// Files that hold what other ones hold on the host now.
    copies: HashMap<String, String>,
    bringing: HashMap<&'static str, String>,
    declared: BTreeSet<String>,
    changes: usize,
}

/// Links in a row that the kernel follows at most (path_resolution(7)).
const MOST_LINKS: usize = 40;

#[derive(Debug, Clone)]
enum Predicted {
    State(State),
    /// It is there, or becomes something that only an apply can tell.
    There(String),
    Unknown(String),
}

#[derive(Debug)]
enum Whole {
    /// A state that says what becomes of other things of its kind.
    State(Key, State),
    /// Whatever is below this folder.
    Unknown(String, String),
}

/// Kinds whose keys are paths, and whether they tell of what is below them, too.
const FILES: [(&str, bool); 5] =
    [("path", false), ("contents", false), ("digest", false), ("tree", true), ("children", true)];

fn tells_of(kind: &str, id: &str, folder: &str) -> bool {
    let known = FILES.iter().find(|(file, _)| *file == kind);
    known.is_some_and(|(_, deep)| is_below(id, folder) || (*deep && (id == folder || is_below(folder, id))))
}

impl Overlay {
    /// Takes the effects of a change that was only planned.
    pub fn take(&mut self, effects: Vec<Effect>) {
        self.changes += 1;
        for effect in effects {
            match effect {
                Effect::Becomes(key, state) => self.becomes(self.resolved(key), state),
                Effect::There(key, why) => self.note(self.resolved(key), Predicted::There(why)),
                Effect::Unknown(key, why) => self.note(self.resolved(key), Predicted::Unknown(why)),
                Effect::Copied { from, to } => self.copied(from, to),
                Effect::UnknownBelow { folder, why } => {
                    self.states.retain(|key, _| !tells_of(key.kind, &key.id, &folder));
                    self.copies.retain(|path, _| !is_below(path, &folder));
                    self.wholes.push(Whole::Unknown(folder, why));
                }
                Effect::MayAppear { kind, why } => {
                    self.bringing.insert(kind, why);
                }
            }
        }
    }

    /// The name of a path without the links above it that a plan makes.
    pub(super) fn resolve(&self, path: &str) -> Option<String> {
        let mut resolved: Option<String> = None;
        for _ in 0..MOST_LINKS {
            let path = resolved.as_deref().unwrap_or(path);
            let ends = path.match_indices('/').map(|(end, _)| end).filter(|end| *end > 0);
            let through = ends.into_iter().find_map(|end| Some((self.link_at(&path[..end])?, &path[end + 1..])));
            match through {
                Some((real, rest)) => resolved = Some(joined(&real, rest)),
                None => break,
            }
        }
        resolved
    }

    fn link_at(&self, path: &str) -> Option<String> {
        let (_, Predicted::State(state)) = self.states.get(&Key::of::<Path>(path))? else { return None };
        Some(joined(parent(path), state.get::<Path>()?.target.as_deref()?))
    }

    /// True for kinds whose keys are paths.
    pub(super) fn is_of_files<R: Resource>() -> bool {
        FILES.iter().any(|(kind, _)| *kind == R::KIND)
    }

    fn resolved(&self, key: Key) -> Key {
        let is_file = FILES.iter().any(|(kind, _)| *kind == key.kind);
        let id = if is_file { self.resolve(&key.id) } else { None };
        Key { id: id.unwrap_or(key.id), ..key }
    }

    fn note(&mut self, key: Key, what: Predicted) {
        self.states.insert(key, (self.changes, what));
    }

    /// What a plan wrote before is copied as it is predicted, all else as the host has it: a plan changes nothing there.
    fn copied(&mut self, from: String, to: String) {
        self.copies.remove(&to);
        for kind in [Contents::KIND, Digest::KIND] {
            let key = |id: &String| Key { kind, id: id.clone() };
            match self.states.get(&key(&from)).cloned() {
                Some((_, predicted)) => self.note(key(&to), predicted),
                None => {
                    self.states.remove(&key(&to));
                    let origin = self.copies.get(&from).unwrap_or(&from).clone();
                    self.copies.insert(to.clone(), origin);
                }
            }
        }
    }

    /// The file of the host that holds what this one is predicted to hold.
    pub(super) fn origin<R: Resource>(&self, id: &str) -> Option<&String> {
        let is_content = [Contents::KIND, Digest::KIND].contains(&R::KIND);
        self.copies.get(id).filter(|_| is_content && !self.states.contains_key(&Key::of::<R>(id)))
    }

    fn becomes(&mut self, key: Key, state: State) {
        // What was predicted below a directory goes with it, and does not come back when the directory does.
        self.states.retain(|other, _| other.kind != key.kind || !state.settles(&key.id, &other.id));
        if state.settles(&key.id, &format!("{}/below", key.id)) {
            let gone = |path: &str| (state.is_absent() && path == key.id) || is_below(path, &key.id);
            self.copies.retain(|path, _| key.kind != Path::KIND || !gone(path));
            self.wholes.push(Whole::State(key.clone(), state.clone()));
        }
        self.note(key, Predicted::State(state));
    }

    /// Notes the target of an operation that ended: what `purge` must leave alone from now on.
    pub fn declare(&mut self, target: impl Into<String>) {
        self.declared.insert(target.into());
    }

    /// What was declared so far.
    pub(super) fn declared(&self) -> impl Iterator<Item = &str> {
        self.declared.iter().map(String::as_str)
    }

    /// The name that an account of this number gets, by what is planned of accounts of this kind.
    pub(super) fn name_of<R: Resource>(&self, is: impl Fn(&R) -> bool) -> Option<String> {
        let same_kind = self.states.iter().filter(|(key, _)| key.kind == R::KIND);
        let mut named = same_kind.filter_map(|(key, (_, predicted))| match predicted {
            Predicted::State(state) => state.get::<R>().filter(|state| is(state)).map(|_| key.id.clone()),
            Predicted::Unknown(_) | Predicted::There(_) => None,
        });
        named.next()
    }

    /// How many changes were planned so far.
    pub fn changes(&self) -> usize {
        self.changes
    }

    /// The number of the last change that touched a thing like this.
    pub(super) fn last(&self, mut like: impl FnMut(&Key) -> bool) -> Option<usize> {
        self.states.iter().filter(|(key, _)| like(key)).map(|(_, (at, _))| *at).max()
    }

    /// All keys of a kind that something was predicted of.
    pub(super) fn keys<R: Resource>(&self) -> Vec<String> {
        self.states.keys().filter(|key| key.kind == R::KIND).map(|key| key.id.clone()).collect()
    }

    /// All predicted states of a kind.
    pub(super) fn all<R: Resource>(&self) -> Vec<(String, R)> {
        let states = self.states.iter().filter(|(key, _)| key.kind == R::KIND);
        let known = states.filter_map(|(key, (_, predicted))| match predicted {
            Predicted::State(state) => Some((key.id.clone(), state.get::<R>()?.clone())),
            Predicted::There(_) | Predicted::Unknown(_) => None,
        });
        known.collect()
    }

    /// Whether a thing is predicted to be there or not.
    pub(super) fn foreseen<R: Resource>(&self, id: &str) -> Option<bool> {
        match self.states.get(&self.resolved(Key::of::<R>(id))) {
            Some((_, Predicted::State(state))) => Some(!state.is_absent()),
            Some((_, Predicted::There(_))) => Some(true),
            Some((_, Predicted::Unknown(_))) | None => None,
        }
    }

    /// What was predicted of a thing.
    pub(super) fn predicted<R: Resource>(&self, id: &str) -> Option<Result<R, OpError>> {
        match self.states.get(&Key::of::<R>(id)) {
            Some((_, Predicted::State(state))) => {
                return Some(Ok(state.get::<R>().expect("a key's kind is its type").clone()));
            }
            Some((_, Predicted::There(why) | Predicted::Unknown(why))) => {
                return Some(Err(OpError::Unknown(why.clone())));
            }
            None => {}
        }
        self.wholes.iter().rev().find_map(|whole| match whole {
            Whole::State(key, state) if key.kind == R::KIND => R::follows_from(id, &key.id, state.get::<R>()?).map(Ok),
            Whole::Unknown(folder, why) if tells_of(R::KIND, id, folder) => Some(Err(OpError::Unknown(why.clone()))),
            Whole::State(..) | Whole::Unknown(..) => None,
        })
    }

    /// Whether no prediction concerns a path or what is below it.
    pub(super) fn leaves_alone(&self, path: &str) -> bool {
        let is_file = |key: &Key| FILES.iter().any(|(kind, _)| *kind == key.kind);
        let near = |other: &str| other == path || is_below(other, path) || is_below(path, other);
        let in_whole = self.wholes.iter().any(|whole| match whole {
            Whole::State(key, _) => is_file(key) && near(&key.id),
            Whole::Unknown(folder, _) => near(folder),
        });
        let is_near = |key: &Key| is_file(key) && (key.id == path || is_below(&key.id, path));
        let is_brought = self.bringing.contains_key(Path::KIND) && Path::may_be_brought(path);
        !in_whole && !is_brought && self.resolve(path).is_none() && !self.states.keys().any(is_near)
    }

    /// Why a thing that is absent now may be there.
    pub(super) fn brought<R: Resource>(&self, id: &str, real: &R) -> Option<OpError> {
        let why = self.bringing.get(R::KIND)?;
        let open = real.is_absent() && R::may_be_brought(id);
        open.then(|| OpError::Unknown(format!("{} `{id}` may come with {why}", R::KIND)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Sign;
    use crate::ops::Change;
    use crate::ops::resource::Kind;

    fn change() -> Change {
        Change::new(Sign::Update, "")
    }

    fn seen(overlay: &Overlay, path: &str) -> Option<Option<Kind>> {
        overlay.predicted::<Path>(path).map(|state| state.ok().map(|path| path.kind))
    }

    fn dir() -> Path {
        Path { kind: Kind::Dir, ..Path::absent() }
    }

    #[test]
    fn nothing_comes_back_with_a_directory_that_is_made_anew() {
        let mut overlay = Overlay::default();
        overlay.take(change().makes("/srv/a/x", dir()).effects);
        overlay.take(change().makes("/srv/a", Path::absent()).effects);
        overlay.take(change().makes("/srv/a", dir()).effects);
        assert_eq!(seen(&overlay, "/srv/a"), Some(Some(Kind::Dir)));
        assert_eq!(seen(&overlay, "/srv/a/x"), Some(Some(Kind::Absent)));
        assert_eq!(seen(&overlay, "/srv/b"), None);
    }

    #[test]
    fn what_is_below_an_unknown_folder_is_unknown_until_it_is_predicted_again() {
        let mut overlay = Overlay::default();
        overlay.take(change().makes("/srv/a/x", dir()).effects);
        overlay.take(change().makes("/srv/a", dir()).unknown_below("/srv/a", "a checkout").effects);
        assert_eq!(seen(&overlay, "/srv/a"), Some(Some(Kind::Dir)));
        assert_eq!((seen(&overlay, "/srv/a/x"), seen(&overlay, "/srv/ab")), (Some(None), None));
        overlay.take(change().makes("/srv/a/x", dir()).effects);
        assert_eq!(seen(&overlay, "/srv/a/x"), Some(Some(Kind::Dir)));
        overlay.take(change().makes("/srv/a", Path::absent()).effects);
        assert_eq!(seen(&overlay, "/srv/a/x"), Some(Some(Kind::Absent)));
    }
}
