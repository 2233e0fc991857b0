//! What the hosts of a run declare, and what is remembered of it.

use crate::ops::{Before, Managed, Past};
use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// A thing that an earlier run of the playbook declared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Owned {
    /// As it was declared last, and what was there before us; the content of that is fetched when it is needed.
    pub thing: Declaration,
    /// Names the content before.
    pub content: Option<String>,
    /// Counts the things of a host in the order in which they came.
    pub seq: u64,
    /// False when nobody knows how its last change ended.
    pub settled: bool,
    /// Other playbooks that declare it too.
    pub shared_with: Vec<String>,
}

/// How a thing was declared, so that it can be undone in the same way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// `file::put`.
    pub op: String,
    /// `sudo root`; `nobody` for the login user against the setting of the host; `None` for that setting.
    pub acting: Option<String>,
    /// Handlers that its changes call.
    pub notify: Vec<String>,
}

/// A thing as a run declares it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declaration {
    /// The host that it is on.
    pub host: String,
    /// What it is: `path`.
    pub kind: String,
    /// Which one: `/etc/motd`.
    pub id: String,
    /// The host whose thread declares it: another one under delegation.
    pub actor: String,
    /// What is wanted of it.
    pub want: Map<String, Value>,
    /// Where: `playbooks/site.rhai:12:5`.
    pub at: String,
    /// Never removed.
    pub keep: bool,
    /// What was there; counts at first sight only.
    pub before: Before,
    /// How.
    pub origin: Origin,
}

/// A change that is about to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// The host that it is on.
    pub host: String,
    /// Id of the operation.
    pub id: String,
    /// `file::put`.
    pub op: String,
    /// `/etc/motd`.
    pub target: String,
    /// Script position.
    pub at: String,
    /// What it manages.
    pub things: Vec<Declaration>,
    /// Handlers that are due once it is made, by the host they are due on.
    pub notifies: Vec<(String, String)>,
}

/// A change of an earlier run of which nobody knows how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Id of the operation.
    pub id: String,
    /// `file::put`.
    pub op: String,
    /// `/etc/motd`.
    pub target: String,
    /// Script position.
    pub at: String,
    /// The playbook that it belongs to.
    pub playbook: String,
    /// The run that began it.
    pub run: String,
}

/// What is declared on one host in this run, whoever declared it.
#[derive(Debug, Default)]
pub struct Declared {
    things: IndexMap<(String, String), Entry>,
    /// Operations that could not tell what they manage.
    pub vague: HashSet<String>,
}

#[derive(Debug, Clone)]
struct Entry {
    want: Map<String, Value>,
    at: String,
    /// What is to be recorded; `None` for what an operation declares that did not run.
    declaration: Option<Declaration>,
    /// True when an intent wrote it.
    written: bool,
}

/// Two declarations that contradict each other.
#[derive(Debug, PartialEq)]
pub struct Conflict {
    /// `mode`.
    pub aspect: String,
    /// What this one wants.
    pub wanted: String,
    /// What the other one wants.
    pub other: String,
    /// Where the other one stands.
    pub at: String,
}

impl Declared {
    /// Takes what an operation manages.
    ///
    /// # Errors
    /// [`Conflict`] when another operation wants an aspect otherwise.
    pub fn take(&mut self, thing: &Managed, at: &str, redeclare: bool) -> Result<(), Conflict> {
        let key = (thing.kind.to_owned(), thing.id.clone());
        let entry = self.things.entry(key);
        let entry =
            entry.or_insert_with(|| Entry { want: Map::new(), at: at.to_owned(), declaration: None, written: false });
        if !redeclare && let Some((aspect, wanted, other)) = thing.contradiction(&entry.want) {
            let (wanted, other) = (shown(wanted), shown(other));
            return Err(Conflict { aspect: aspect.to_owned(), wanted, other, at: entry.at.clone() });
        }
        entry.want.extend(thing.want.clone());
        Ok(())
    }

    /// Takes what an operation would manage that does not run.
    pub fn spare(&mut self, thing: &Managed) {
        let key = (thing.kind.to_owned(), thing.id.clone());
        let none = || Entry { want: Map::new(), at: String::new(), declaration: None, written: false };
        self.things.entry(key).or_insert_with(none);
    }

    /// True when somebody declared it, whether or not it was done.
    pub fn has(&self, kind: &str, id: &str) -> bool {
        self.things.contains_key(&(kind.to_owned(), id.to_owned()))
    }

    /// Adds what shall be recorded of a thing; gives it back with all that the run wants of it so far.
    pub fn note(&mut self, declaration: Declaration) -> Declaration {
        let key = (declaration.kind.clone(), declaration.id.clone());
        let Some(entry) = self.things.get_mut(&key) else { return declaration };
        let kept = match entry.declaration.take() {
            // What was there before us, the first one saw.
            Some(first) => {
                Declaration { before: first.before, at: first.at, keep: first.keep || declaration.keep, ..declaration }
            }
            None => declaration,
        };
        let kept = Declaration { want: entry.want.clone(), ..kept };
        entry.declaration = Some(kept.clone());
        kept
    }

    /// An intent recorded it.
    pub fn wrote(&mut self, kind: &str, id: &str) {
        if let Some(entry) = self.things.get_mut(&(kind.to_owned(), id.to_owned())) {
            entry.written = true;
        }
    }

    /// It was undone: there is nothing to record of it.
    pub fn undone(&mut self, kind: &str, id: &str) {
        if let Some(entry) = self.things.get_mut(&(kind.to_owned(), id.to_owned())) {
            entry.declaration = None;
        }
    }

    /// What an actor declared, in order; true stands for what an intent wrote as it is.
    pub fn of(&self, actor: &str) -> Vec<(Declaration, bool)> {
        let all = self.things.values().filter_map(|entry| Some((entry.declaration.as_ref()?, entry.written)));
        let own = all.filter(|(declaration, _)| declaration.actor == actor);
        own.map(|(declaration, written)| (declaration.clone(), written)).collect()
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.starts_with("secret:") => "a secret".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Owned {
    /// Its address: `web-1/path/\/etc\/motd`.
    pub fn address(&self) -> String {
        let id = self.thing.id.replace('\\', r"\\").replace('/', r"\/");
        format!("{}/{}/{id}", self.thing.host, self.thing.kind)
    }

    /// The same for the way back, with its content.
    pub fn past(&self, content: Option<Arc<[u8]>>) -> Past {
        let Declaration { kind, id, want, before, .. } = self.thing.clone();
        Past { kind, id, want, before: Before { content, ..before }, fresh: false }
    }

    /// True when a declaration says nothing new.
    pub fn is_same(&self, declaration: &Declaration) -> bool {
        self.settled && self.thing == Declaration { before: self.thing.before.clone(), ..declaration.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn thing(want: Value) -> Managed {
        let want = want.as_object().cloned().expect("a map");
        Managed { kind: "path", id: "/etc/x".into(), want, reads: Vec::new(), held_by: None }
    }

    #[test]
    fn a_contradiction_names_the_other_place() {
        let mut declared = Declared::default();
        declared.take(&thing(json!({ "mode": "0644" })), "p:1:1", false).expect("the first");
        declared.take(&thing(json!({ "owner": "app" })), "p:2:1", false).expect("another aspect");
        let conflict = declared.take(&thing(json!({ "mode": "0600" })), "p:3:1", false).expect_err("contradicts");
        assert_eq!((conflict.aspect.as_str(), conflict.at.as_str()), ("mode", "p:1:1"));
        declared.take(&thing(json!({ "mode": "0600" })), "p:3:1", true).expect("told so");
    }
}
