//! What a plan would change, as two states side by side: how it is found, and how it is wanted.

use super::View;
use super::change::{Change, Effect, Plan};
use super::resource::crontab::Crontab;
use super::resource::{Contents, Digest, Key, Remembered, Resource, State};
use crate::event::Sign;
use crate::secret::redact;
use serde_json::{Map, Value};

/// Longer contents are told by their size; the diff has them.
const LONGEST: usize = 1024;

/// The aspects in which reality differs from what is wanted, under the same names in both maps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Difference {
    /// How it is.
    pub found: Map<String, Value>,
    /// How it should be.
    pub wanted: Map<String, Value>,
}

impl Difference {
    /// What the plan of an operation on `target` would change. `hide` tells no content.
    pub fn of(plan: &Plan, target: &str, view: &mut View<'_>, hide: bool) -> Self {
        let mut difference = Self::default();
        for change in &plan.changes {
            let told = difference.take_words(change) || {
                // Both: a new file has a content and a mode.
                let text = difference.take_text(change, hide);
                difference.take_effects(change, target, view, hide) || text
            };
            if !told {
                difference.take_sign(change);
            }
        }
        difference
    }

    /// All that is left is what people read: a thing that comes or goes, or what would be done.
    fn take_sign(&mut self, change: &Change) {
        let text = redact(&change.text);
        match change.sign {
            Sign::Create => self.put(&text, "absent".into(), "there".into()),
            Sign::Remove => self.put(&text, "there".into(), "absent".into()),
            Sign::Update | Sign::Run => self.put("state", Value::Null, text.into()),
        }
    }

    /// `mode 0600 -> 0644`
    fn take_words(&mut self, change: &Change) -> bool {
        let parts = change.text.split_once(" -> ").and_then(|(left, wanted)| Some((left.rsplit_once(' ')?, wanted)));
        let Some(((name, found), wanted)) = parts else { return false };
        self.put(name, redact(found).into(), redact(wanted).into());
        true
    }

    /// The text before and after, as far as people may see it.
    fn take_text(&mut self, change: &Change, hide: bool) -> bool {
        let Some((before, after)) = &change.diff else { return false };
        let found = if change.sign == Sign::Create { Value::Null } else { shown(before, hide) };
        self.put("content", found, shown(after, hide));
        true
    }

    fn take_effects(&mut self, change: &Change, target: &str, view: &mut View<'_>, hide: bool) -> bool {
        let mut told = false;
        for effect in &change.effects {
            let Effect::Becomes(key, after) = effect else { continue };
            // The diff hides what may be a former secret.
            if change.diff.is_some() && [Contents::KIND, Digest::KIND, Crontab::KIND].contains(&key.kind) {
                continue;
            }
            let Some(before) = view.remembered(key) else { continue };
            told |= self.take_states(key, target, &before, after, hide);
        }
        if change.diff.is_some() {
            // The content says more.
            self.found.remove("size");
            self.wanted.remove("size");
        }
        told
    }

    fn take_states(&mut self, key: &Key, target: &str, before: &Remembered, after: &State, hide: bool) -> bool {
        let after = after.remembered();
        // What stands elsewhere is named: a file that a purged directory should not hold.
        let name = |aspect: &str| {
            if target.contains(&key.id) { aspect.to_owned() } else { format!("{} of {}", aspect, key.id) }
        };
        let known = self.wanted.len();
        let held = before.held.is_some() || after.held.is_some();
        if held && before.held != after.held {
            self.put(&name("content"), content(before, hide), content(&after, hide));
        } else if !held && before.absent != after.absent {
            let word = |state: &Remembered| if state.absent { "absent".into() } else { kind_of(state) };
            self.put(&name("state"), word(before), word(&after));
        } else if let (Value::Object(one), Value::Object(other)) = (&before.snapshot, &after.snapshot) {
            for (aspect, wanted) in other.iter().filter(|(aspect, wanted)| one.get(*aspect) != Some(*wanted)) {
                self.put(&name(aspect), one.get(aspect).cloned().unwrap_or_default(), wanted.clone());
            }
        }
        self.wanted.len() > known
    }

    fn put(&mut self, aspect: &str, found: Value, wanted: Value) {
        self.found.insert(aspect.to_owned(), found);
        self.wanted.insert(aspect.to_owned(), wanted);
    }
}

fn kind_of(state: &Remembered) -> Value {
    state.snapshot.get("kind").filter(|kind| kind.is_string()).cloned().unwrap_or_else(|| "present".into())
}

fn content(state: &Remembered, hide: bool) -> Value {
    match state.held.as_deref().map(std::str::from_utf8) {
        None if state.absent => "absent".into(),
        None => Value::Null,
        Some(Ok(text)) => shown(text, hide),
        Some(Err(_)) => format!("{} bytes", state.held.as_ref().map_or(0, |bytes| bytes.len())).into(),
    }
}

fn shown(text: &str, hide: bool) -> Value {
    match text {
        _ if hide => "[sensitive]".into(),
        text if text.len() <= LONGEST => redact(text).into(),
        _ => format!("{} bytes", text.len()).into(),
    }
}
