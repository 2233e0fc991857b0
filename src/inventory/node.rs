//! A document with the place of each value.

use super::{InventoryError, Spot};
use crate::secret::refer;
use serde_json::{Map, Number, Value};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub at: Spot,
    pub data: Data,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map; `at` is the place of the key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub key: String,
    pub at: Spot,
    pub value: Node,
}

impl Node {
    /// A value that has one place for all of its parts: made by a script, or parsed from a command line.
    pub fn placed(value: Value, at: &Spot) -> Self {
        let data = match value {
            Value::Null => Data::Null,
            Value::Bool(yes) => Data::Bool(yes),
            Value::Number(number) => Data::Number(number),
            Value::String(text) => Data::Text(text),
            Value::Array(items) => Data::List(items.into_iter().map(|item| Self::placed(item, at)).collect()),
            Value::Object(map) => {
                let entry = |(key, value)| Entry { key, at: at.clone(), value: Self::placed(value, at) };
                Data::Map(map.into_iter().map(entry).collect())
            }
        };
        Self { at: at.clone(), data }
    }

    /// The plain value; `{ secret: REFERENCE }` is a hidden one, fetched when it is needed.
    pub fn to_value(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(yes) => Value::Bool(*yes),
            Data::Number(number) => Value::Number(number.clone()),
            Data::Text(text) => Value::String(text.clone()),
            Data::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Data::Map(_) if self.reference().is_some() => {
                let reference = self.reference().unwrap_or_default();
                Value::String(refer(reference, Some(self.at.to_string())).to_string())
            }
            Data::Map(entries) => {
                let pair = |entry: &Entry| (entry.key.clone(), entry.value.to_value());
                Value::Object(entries.iter().map(pair).collect::<Map<_, _>>())
            }
        }
    }

    /// The reference of `{ secret: REFERENCE }`.
    pub fn reference(&self) -> Option<&str> {
        let Data::Map(entries) = &self.data else { return None };
        match entries.as_slice() {
            [Entry { key, value: Node { data: Data::Text(reference), .. }, .. }] if key == "secret" => Some(reference),
            _ => None,
        }
    }

    /// What it is, for errors.
    pub fn kind(&self) -> String {
        match &self.data {
            Data::Null => "nothing".into(),
            Data::Bool(yes) => format!("`{yes}`"),
            Data::Number(number) => format!("the number `{number}`"),
            Data::Text(text) => format!("the text `{}`", shortened(text)),
            Data::List(_) => "a list".into(),
            Data::Map(_) => "a map".into(),
        }
    }

    /// The error for a value of the wrong type; `wants` is what it should be: "a number from 1 to 65535".
    pub fn wrong(&self, what: &str, wants: &str) -> InventoryError {
        InventoryError::at(&self.at, format!("{what} is {wants}, not {}", self.kind()))
    }

    /// The entries of a map; nothing counts as an empty one.
    pub fn entries(self, what: &str) -> Result<Vec<Entry>, InventoryError> {
        match self.data {
            Data::Map(entries) => Ok(entries),
            Data::Null => Ok(Vec::new()),
            _ => Err(self
                .wrong(what, "a map")
                .hint("write it as `{ key: value }`, or as `key: value` on lines of its own")),
        }
    }

    /// The text.
    pub fn text(&self, what: &str) -> Result<&str, InventoryError> {
        match &self.data {
            Data::Text(text) => Ok(text),
            Data::Bool(_) | Data::Number(_) => Err(self.wrong(what, "a text").hint("quote it")),
            _ => Err(self.wrong(what, "a text").hint("write one word")),
        }
    }

    /// The texts of a list, each with its place; nothing counts as an empty one.
    pub fn texts(self, what: &str) -> Result<Vec<(String, Spot)>, InventoryError> {
        let items = match self.data {
            Data::List(items) => items,
            Data::Null => return Ok(Vec::new()),
            _ => return Err(self.wrong(what, "a list of names").hint("write it as `[one, two]`")),
        };
        let text = |item: Node| match item.data {
            Data::Text(text) => Ok((text, item.at)),
            _ => Err(item.wrong(&format!("each of {what}"), "a text").hint("quote names that look like numbers")),
        };
        items.into_iter().map(text).collect()
    }
}

fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(40).collect();
    if short == text { short } else { format!("{short}…") }
}
