//! Arguments of facts.

use super::{Fact, no_such};
use crate::ops::OpError;
use crate::ops::cmd::Line;
use crate::remote::quote;
use serde_json::{Map, Value};

/// Arguments that a fact accepted.
pub struct Args(Map<String, Value>);

impl Args {
    /// Checks names, types and presence: values are texts, numbers, booleans or lists of texts.
    ///
    /// # Errors
    /// [`OpError::Refused`] with the nearest name.
    pub fn accept(fact: &Fact, args: Value) -> Result<Self, OpError> {
        let map = match args {
            Value::Null => Map::new(),
            Value::Object(map) => map,
            _ => return Err(OpError::refused(format!("the arguments of fact `{}` are a map", fact.name))),
        };
        let known = || fact.args.iter().map(|name| name.trim_end_matches('!'));
        if let Some(odd) = map.keys().find(|key| !known().any(|name| name == *key)) {
            return Err(no_such(&format!("argument of fact `{}` named", fact.name), odd, known()));
        }
        let missing = |name: &&&str| name.ends_with('!') && !map.contains_key(name.trim_end_matches('!'));
        if let Some(missing) = fact.args.iter().find(missing) {
            let name = missing.trim_end_matches('!');
            return Err(OpError::refused(format!("fact `{}` needs the argument `{name}`", fact.name)));
        }
        for (name, value) in &map {
            let fits = match value {
                Value::Array(items) => items.iter().all(Value::is_string),
                Value::Object(_) | Value::Null => false,
                _ => true,
            };
            if !fits {
                return Err(OpError::refused(format!("argument `{name}` of fact `{}` is a text or a list", fact.name)));
            }
            if let Value::String(text) = value {
                Line::Text(text.clone()).known(&[])?;
            }
        }
        Ok(Self(map))
    }

    /// A text; empty when it was not given.
    pub fn text(&self, name: &str) -> String {
        match self.0.get(name) {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    /// A text, quoted for the shell.
    pub fn quoted(&self, name: &str) -> String {
        quote(&self.text(name))
    }

    /// A list; one text is a list of one.
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(_) => vec![self.text(name)],
        }
    }

    /// True when it was given as `true`.
    pub fn is_set(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool) == Some(true)
    }
}
