//! What was there before an operation, so that it can be brought back.

use super::View;
use super::change::{Effect, Plan};
use super::managed::Managed;
use super::resource::{Contents, Key, Path, Resource, is_below, parent};
use crate::remote::Command;
use crate::secret::redact;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Bytes of the largest content that is fetched to be kept.
const CAP: u64 = 1 << 20;

/// What was there before us.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Before {
    /// Whether the thing was there; for part of a file, whether it was as wanted.
    pub existed: bool,
    /// What it was like, by kind of state.
    pub state: Map<String, Value>,
    /// The file or table that holds it, unless it is large or holds a secret.
    pub content: Option<Arc<[u8]>>,
}

impl Before {
    /// What the operation saw. `hide` leaves the content out: nobody shall read it anywhere.
    pub fn of(thing: &Managed, view: &mut View<'_>, plan: &Plan, hide: bool) -> Self {
        let mut before = Self { existed: plan.is_empty(), ..Self::default() };
        if thing.kind == "tree" {
            before.note_tree(thing, view);
            return before;
        }
        for (at, key) in thing.reads.iter().enumerate() {
            let Some(seen) = view.remembered(key) else { continue };
            if at == 0 {
                before.existed = !seen.absent;
            }
            before.state.insert(key.kind.to_owned(), seen.snapshot);
        }
        before.note_parents(thing, view, plan);
        before.note_content(thing, view, plan, hide);
        before
    }

    /// Which files of a tree were there: their contents are not kept, so they stay.
    fn note_tree(&mut self, thing: &Managed, view: &mut View<'_>) {
        let there = |key: &&Key| view.remembered(key).is_some_and(|seen| key.id != thing.id && !seen.absent);
        let there: Vec<Value> = thing.reads.iter().filter(there).map(|key| key.id.clone().into()).collect();
        self.existed = view.remembered(&Key::of::<Path>(&thing.id)).is_some_and(|seen| !seen.absent);
        self.state.insert("there".to_owned(), there.into());
    }

    /// Directories that had to be made for it.
    fn note_parents(&mut self, thing: &Managed, view: &mut View<'_>, plan: &Plan) {
        if !matches!(thing.kind, "path") || self.existed {
            return;
        }
        let made = effects(plan, Path::KIND).filter(|id| is_below(&thing.id, id));
        let made = made.filter(|id| view.remembered(&Key::of::<Path>(*id)).is_some_and(|seen| seen.absent));
        let made: Vec<Value> = made.map(Value::from).collect();
        if !made.is_empty() {
            self.state.insert("made".to_owned(), made.into());
        }
    }

    fn note_content(&mut self, thing: &Managed, view: &mut View<'_>, plan: &Plan, hide: bool) {
        let written = || effects(plan, Contents::KIND).next().map(Key::of::<Contents>);
        let Some(holder) = thing.held_by.clone().or_else(written) else { return };
        let holder = if holder.kind == Contents::KIND { followed(view, holder) } else { holder };
        self.state.insert("file".to_owned(), holder.id.clone().into());
        let held = view.remembered(&holder).and_then(|seen| seen.held);
        let large = if held.is_none() && !plan.is_empty() { size(view, &holder) } else { None };
        let content = held.or_else(|| large.filter(|size| *size <= CAP).and_then(|_| fetched(view, &holder)));
        match content {
            Some(_) if hide => self.lost("the operation is `sensitive`"),
            Some(_) if plan.changes.iter().any(|change| change.secrets().is_some()) => {
                self.lost("it may hold the secret that is being replaced");
            }
            Some(content) if holds_secret(&content) => self.lost("it holds a secret"),
            Some(content) => self.content = Some(content),
            None if large.is_some_and(|size| size > CAP) => self.lost("it is larger than 1 MiB"),
            None => {}
        }
    }

    fn lost(&mut self, why: &str) {
        self.state.insert("not_kept".to_owned(), json!(why));
    }
}

fn effects<'a>(plan: &'a Plan, kind: &'static str) -> impl Iterator<Item = &'a str> {
    let effects = plan.changes.iter().flat_map(|change| &change.effects);
    effects.filter_map(move |effect| match effect {
        Effect::Becomes(key, _) | Effect::Unknown(key, _) if key.kind == kind => Some(key.id.as_str()),
        _ => None,
    })
}

/// Where a link leads, as far as the operation looked.
fn followed(view: &mut View<'_>, holder: Key) -> Key {
    const MOST_LINKS: usize = 8;
    let mut id = holder.id;
    for _ in 0..MOST_LINKS {
        let target = view.remembered(&Key::of::<Path>(&id));
        let target = target.and_then(|seen| seen.snapshot["target"].as_str().map(str::to_owned));
        match target {
            Some(target) if target.starts_with('/') => id = target,
            Some(target) => id = format!("{}/{target}", parent(&id).trim_end_matches('/')),
            None => break,
        }
    }
    Key::of::<Contents>(id)
}

/// Bytes of a regular file whose content the operation did not look at.
fn size(view: &mut View<'_>, holder: &Key) -> Option<u64> {
    let path = view.remembered(&Key::of::<Path>(&holder.id))?;
    path.snapshot["size"].as_u64().filter(|_| path.snapshot["kind"] == "file")
}

/// A content that the operation had no need to look at. It is read once, before it goes.
fn fetched(view: &mut View<'_>, holder: &Key) -> Option<Arc<[u8]>> {
    let output = view.read_for_playbook(&Command::new("cat").arg("--").arg(&holder.id)).ok()?;
    output.ok().then(|| output.stdout.into())
}

fn holds_secret(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content);
    redact(&text) != text
}
