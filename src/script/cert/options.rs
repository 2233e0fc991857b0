//! What playbooks say of a certificate, as the library wants it.

use super::handles::Certificate;
use crate::ops::{ArgumentError, Entry, OpError, Plan, Planned, View, arguments, fields};
use crate::pki::{Authority, Leaf, PkiError, Reason, Want};
use rhai::{Dynamic, Map};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Other words that playbooks have for fields of the library; `use` is a word of their language.
const WORDS: [(&str, &str); 2] = [("key_type", "key"), ("usage", "use")];

/// Operations on the project: no host knows of them, and `check` asks here what they take.
pub static ENTRIES: [Entry; 5] = [
    Entry::of_project("cert::ca", "name", || known("cert::ca"), |want| accepted("cert::ca", want)),
    Entry::of_project(
        "cert::intermediate",
        "name",
        || known("cert::intermediate"),
        |want| accepted("cert::intermediate", want),
    ),
    Entry::of_project("cert::issue", "name", || known("cert::issue"), |want| accepted("cert::issue", want)),
    Entry::of_project(
        "cert::self_signed",
        "name",
        || known("cert::self_signed"),
        |want| accepted("cert::self_signed", want),
    ),
    Entry::of_project("cert::revoke", "name", || &["name", "reason"], |want| revocation(want).map(|_| nothing())),
];

/// What an operation takes. Who signs himself has no authority.
fn known(op: &str) -> &'static [&'static str] {
    static AUTHORITY: OnceLock<Vec<&'static str>> = OnceLock::new();
    static LEAF: OnceLock<Vec<&'static str>> = OnceLock::new();
    let below = match is_authority(op) {
        true => AUTHORITY.get_or_init(|| with_words(fields::<Authority>())),
        false => LEAF.get_or_init(|| with_words(fields::<Leaf>())),
    };
    if matches!(op, "cert::ca" | "cert::self_signed") { &below[1..] } else { below }
}

fn with_words(fields: &[&'static str]) -> Vec<&'static str> {
    let word = |field: &'static str| WORDS.iter().find(|(_, of)| *of == field).map_or(field, |(word, _)| *word);
    let others = fields.iter().filter(|field| **field != "ca").map(|field| word(field));
    ["ca", "name", "cn"].into_iter().chain(others).collect()
}

/// Stands for an operation that does nothing on a host.
struct Nothing;

impl Planned for Nothing {
    fn plan(&self, _: &mut View<'_>) -> Result<Plan, OpError> {
        Ok(Plan::new())
    }
}

fn nothing() -> Box<dyn Planned> {
    Box::new(Nothing)
}

fn accepted(op: &'static str, want: Value) -> Result<Box<dyn Planned>, ArgumentError> {
    self::want(op, want).map(|_| nothing())
}

/// The options as JSON: a certificate stands for its name.
///
/// # Errors
/// The option that has no such form, and why.
pub fn json_of(map: &Map) -> Result<Value, (String, String)> {
    let mut json = serde_json::Map::new();
    for (key, value) in map {
        let value = match value.read_lock::<Certificate>() {
            Some(certificate) => Value::String(certificate.name().to_owned()),
            None => crate::script::convert::to_json(value).map_err(|problem| (key.to_string(), problem))?,
        };
        json.insert(key.to_string(), value);
    }
    Ok(Value::Object(json))
}

/// The certificate that an argument names or is.
pub fn name_of(value: &Dynamic) -> Result<String, String> {
    match value.read_lock::<Certificate>() {
        Some(certificate) => Ok(certificate.name().to_owned()),
        None => crate::script::common::text(value).map_err(|_| "must be a certificate, or the name of one".to_owned()),
    }
}

/// What is wanted, from options with the name among them.
///
/// # Errors
/// An option that there is none of, or a wrong value.
pub fn want(op: &'static str, options: Value) -> Result<Want, ArgumentError> {
    let known = known(op);
    let Value::Object(mut options) = options else { unreachable!("options are a map") };
    if let Some(field) = options.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(ArgumentError::UnknownField { op, field: field.clone(), known });
    }
    options.remove("name");
    if let Some(cn) = options.remove("cn") {
        let subject = options.entry("subject").or_insert_with(|| json!({}));
        let Some(subject) = subject.as_object_mut() else {
            let problem = "`cn` and a `subject` that is a text say the same".to_owned();
            return Err(ArgumentError::Arguments { op, problem });
        };
        subject.insert("cn".into(), cn);
    }
    for (word, field) in WORDS {
        if let Some(value) = options.remove(word) {
            options.insert(field.into(), value);
        }
    }
    if let Some(sans @ Value::String(_)) = options.get_mut("sans") {
        *sans = json!([sans.clone()]);
    }
    let options = Value::Object(options);
    Ok(match op {
        "cert::ca" => Want::Root(read(op, options)?),
        "cert::intermediate" => Want::Intermediate(read(op, options)?),
        "cert::issue" => Want::Leaf(read(op, options)?),
        _ => Want::SelfSigned(read(op, options)?),
    })
}

fn is_authority(op: &str) -> bool {
    matches!(op, "cert::ca" | "cert::intermediate")
}

fn read<T: DeserializeOwned>(op: &'static str, options: Value) -> Result<T, ArgumentError> {
    arguments(op, options).map_err(|error| match error {
        ArgumentError::Value { op, field, problem } => {
            let word = WORDS.iter().find(|(_, of)| *of == field).map(|(word, _)| (*word).to_owned());
            ArgumentError::Value { op, field: word.unwrap_or(field), problem }
        }
        error => error,
    })
}

/// Why a certificate is revoked.
///
/// # Errors
/// As [`want`].
pub fn revocation(options: Value) -> Result<Reason, ArgumentError> {
    let op = "cert::revoke";
    let known: &'static [&'static str] = &["name", "reason"];
    if let Some(field) = options.as_object().and_then(|map| map.keys().find(|key| !known.contains(&key.as_str()))) {
        return Err(ArgumentError::UnknownField { op, field: field.clone(), known });
    }
    let Some(reason) = options.get("reason") else { return Ok(Reason::Unspecified) };
    let wrong = |problem: String| ArgumentError::Value { op, field: "reason".to_owned(), problem };
    let text = reason.as_str().ok_or_else(|| wrong("it must be a text".to_owned()))?;
    text.parse().map_err(|error: PkiError| wrong([error.to_string(), error.hint().unwrap_or_default()].join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_playbooks_are_those_of_the_library() {
        let options = json!({ "name": "web", "cn": "web", "key_type": "ed25519", "sans": "web.example", "ca": "home" });
        let Want::Leaf(leaf) = want("cert::issue", options).expect("good options") else { panic!("a leaf") };
        assert_eq!(leaf.subject.to_string(), "CN=web");
        assert_eq!((leaf.ca.as_deref(), leaf.sans.len(), leaf.key.is_some()), (Some("home"), 1, true));
    }

    #[test]
    fn a_wrong_option_is_named_as_it_was_written() {
        let wrong = want("cert::issue", json!({ "name": "web", "key_type": "dsa" })).expect_err("no such key");
        assert!(wrong.to_string().starts_with("`cert::issue`: argument `key_type`: "), "{wrong}");
        let wrong = want("cert::ca", json!({ "name": "web", "reuse_key": true })).expect_err("authorities keep theirs");
        assert!(matches!(wrong, ArgumentError::UnknownField { .. }), "{wrong}");
        let wrong = want("cert::issue", json!({ "name": "web", "sans": ["a", "b c"] })).expect_err("no name");
        assert!(wrong.to_string().contains("`sans[1]`"), "{wrong}");
    }
}
