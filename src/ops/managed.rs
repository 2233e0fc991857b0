//! What operations keep in a state, as the ledger remembers it.

use super::file::local_digest;
use super::resource::{Contents, Key, Resource};
use crate::secret::{contains_token, fingerprint, redact, sealed};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Longer texts are remembered by their digest.
const LONGEST: usize = 1024;

/// One thing that an operation keeps in a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Managed {
    /// What it is: `path`, `unit`.
    pub kind: &'static str,
    /// Which one: `/etc/motd`.
    pub id: String,
    /// What is wanted of it, aspect by aspect; no secret. Two operations contradict each other when they name the
    /// same thing and one aspect differs.
    pub want: Map<String, Value>,
    /// The states that tell how it is; whether it is there, is said by the first one.
    pub reads: Vec<Key>,
    /// The file or table that holds it.
    pub held_by: Option<Key>,
}

/// The arguments of a call, as the script gave them.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a>(pub &'a Value);

impl<'a> Args<'a> {
    /// A text; empty when it was not given.
    pub fn text(&self, name: &str) -> &'a str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// One text or several.
    pub fn texts(&self, name: &str) -> Vec<&'a str> {
        match self.0.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text],
            _ => Vec::new(),
        }
    }

    /// A flag that was given.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    /// False when the call says `present: false`.
    pub fn is_present(&self) -> bool {
        self.flag("present") != Some(false)
    }

    /// A thing of this call.
    pub fn thing(&self, kind: &'static str, id: impl AsRef<str>) -> Managed {
        let id = redact(id.as_ref());
        Managed { kind, id, want: Map::new(), reads: Vec::new(), held_by: None }
    }

    /// Something that is done to a thing and does not last.
    pub fn action(&self, op: &str, id: impl AsRef<str>, names: &[&str]) -> Managed {
        self.thing(Managed::ACTION, id).aspect("op", op).takes(self, names)
    }

    /// A thing that may be wanted absent by `present: false`, with these arguments as aspects.
    pub fn kept(&self, kind: &'static str, id: impl AsRef<str>, names: &[&str]) -> Managed {
        let thing = self.thing(kind, id);
        match self.is_present() {
            true => thing.state("present").takes(self, names),
            false => thing.state("absent"),
        }
    }

    /// What stands at a path, with owner, group and mode as far as they were given.
    pub fn path(&self, state: &str) -> Managed {
        let path = tidy(self.text("path"));
        self.thing("path", path)
            .state(state)
            .takes(self, &["owner", "group", "mode"])
            .reads::<super::resource::Path>(path)
    }
}

impl Managed {
    /// The kind of what is done and does not last, such as a restart: the ledger has none of it, but it may have to be
    /// done again when something else is undone.
    pub const ACTION: &'static str = "action";

    /// True for what does not last.
    pub fn is_action(&self) -> bool {
        self.kind == Self::ACTION
    }

    /// Wants a state by its name; those of one thing exclude each other.
    #[must_use]
    pub fn state(self, state: &str) -> Self {
        self.aspect("state", state)
    }

    /// Wants an aspect.
    #[must_use]
    pub fn aspect(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.want.insert(name.to_owned(), kept(&value.into()));
        self
    }

    /// Takes these arguments of the call as aspects, where they were given.
    #[must_use]
    pub fn takes(mut self, args: &Args<'_>, names: &[&str]) -> Self {
        for name in names {
            if let Some(value) = args.0.get(*name).filter(|value| !value.is_null()) {
                self.want.insert((*name).to_owned(), kept(value));
            }
        }
        self
    }

    /// Takes `content`, or the file that `src` names on this machine.
    #[must_use]
    pub fn content(mut self, args: &Args<'_>) -> Self {
        let digest = match (args.0.get("content"), args.0.get("src").and_then(Value::as_str)) {
            (Some(content), _) if !content.is_null() => Some(digest_of(content)),
            // One that cannot be read is said by the operation itself.
            (_, Some(src)) => local_digest(src.as_ref()).ok().map(|digest| format!("sha256:{digest}")),
            _ => None,
        };
        if let Some(digest) = digest {
            self.want.insert("content".to_owned(), digest.into());
        }
        let id = self.id.clone();
        self.within_file(&id)
    }

    /// Is told by a state.
    #[must_use]
    pub fn reads<R: Resource>(mut self, id: impl Into<String>) -> Self {
        self.reads.push(Key::of::<R>(id));
        self
    }

    /// Is part of a file, whose content tells more.
    #[must_use]
    pub fn within_file(mut self, path: &str) -> Self {
        self.held_by = Some(Key::of::<Contents>(tidy(path)));
        self
    }

    /// The first aspect that another declaration of the same thing wants otherwise.
    pub fn contradiction<'a>(&'a self, other: &'a Map<String, Value>) -> Option<(&'a str, &'a Value, &'a Value)> {
        let mut both = self.want.iter().filter_map(|(name, mine)| Some((name.as_str(), mine, other.get(name)?)));
        both.find(|(_, mine, theirs)| mine != theirs)
    }
}

/// A path as the ledger has it: without a slash at its end.
fn tidy(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => path,
        tidy => tidy,
    }
}

fn kept(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONGEST && !contains_token(text) => digest_of(value).into(),
        Value::String(text) => sealed(text).into(),
        Value::Array(items) => items.iter().map(kept).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), kept(value))).collect::<Map<_, _>>().into(),
        other => other.clone(),
    }
}

/// `sha256:` and a digest, or a keyed hash of what holds a secret.
fn digest_of(content: &Value) -> String {
    let bytes: Vec<u8> = match content {
        Value::String(text) if contains_token(text) || redact(text) != *text => return sealed(text),
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Array(items) => items.iter().filter_map(|item| Some(item.as_u64()? as u8)).collect(),
        other => other.to_string().into_bytes(),
    };
    format!("sha256:{}", super::resource::hex(&Sha256::digest(bytes)))
}

/// The keyed hash of an id that may hold a secret, for the end of a readable one.
pub(super) fn short_hash(text: &str) -> String {
    fingerprint(text).map_or_else(|| "unknown".to_owned(), |print| print[..8].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(args: Value) -> Managed {
        Args(&args).path("file").content(&Args(&args))
    }

    #[test]
    fn only_an_aspect_that_both_name_can_contradict() {
        let mode = path(json!({ "path": "/etc/motd", "mode": "0644" }));
        let content = path(json!({ "path": "/etc/motd", "content": "hi" }));
        assert_eq!(mode.contradiction(&content.want), None);
        let other = path(json!({ "path": "/etc/motd", "content": "ho", "mode": "0644" }));
        assert_eq!(content.contradiction(&other.want).map(|(name, ..)| name), Some("content"));
    }

    #[test]
    fn a_secret_is_kept_as_its_keyed_hash() {
        let token = crate::secret::conceal("s3cr3t-of-managed").to_string();
        let managed = path(json!({ "path": "/etc/x", "content": token, "owner": "app" }));
        assert!(managed.want["content"].as_str().is_some_and(|text| text.starts_with("secret:")), "{managed:?}");
    }
}
