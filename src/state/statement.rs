//! SQL over plain values, as every database takes it.

use super::StateError;

/// One statement: text with `$1`, `$2`, … and the values for them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub sql: &'static str,
    pub values: Vec<Value>,
}

/// A column's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
}

/// A row of an answer, read by position.
#[derive(Debug)]
pub(super) struct Row {
    pub values: Vec<Value>,
}

impl Statement {
    pub fn new<const N: usize>(sql: &'static str, values: [Value; N]) -> Self {
        Self { sql, values: values.into() }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Int(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl Row {
    pub fn text(&mut self, column: usize) -> Result<String, StateError> {
        self.maybe_text(column)?.ok_or_else(|| surprise(column, "a text"))
    }

    pub fn maybe_text(&mut self, column: usize) -> Result<Option<String>, StateError> {
        match self.values.get_mut(column) {
            Some(Value::Text(text)) => Ok(text.take()),
            Some(Value::Int(None)) => Ok(None),
            _ => Err(surprise(column, "a text")),
        }
    }

    pub fn number(&mut self, column: usize) -> Result<u64, StateError> {
        self.maybe_int(column)?.and_then(|n| u64::try_from(n).ok()).ok_or_else(|| surprise(column, "a number"))
    }

    pub fn maybe_int(&mut self, column: usize) -> Result<Option<i64>, StateError> {
        match self.values.get(column) {
            Some(Value::Int(number)) => Ok(*number),
            Some(Value::Text(None)) => Ok(None),
            _ => Err(surprise(column, "a number")),
        }
    }

    /// Reads JSON that was stored as text.
    pub fn json<T: serde::de::DeserializeOwned>(&mut self, column: usize) -> Result<Option<T>, StateError> {
        let Some(text) = self.maybe_text(column)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(StateError::record)
    }

    /// Reads a word that stands for a variant: `changed`.
    pub fn word<T: serde::de::DeserializeOwned>(&mut self, column: usize) -> Result<Option<T>, StateError> {
        let Some(text) = self.maybe_text(column)? else { return Ok(None) };
        serde_json::from_value(serde_json::Value::String(text)).map(Some).map_err(StateError::record)
    }
}

fn surprise(column: usize, wanted: &str) -> StateError {
    StateError::record(std::io::Error::other(format!("column {column} holds no {wanted}")))
}

/// JSON as it is stored.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data has a JSON form")
}

/// The word that stands for a variant.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable!("a variant without fields is a word: {other:?}"),
    }
}
