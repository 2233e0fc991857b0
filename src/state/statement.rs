//! SQL over plain values, as every database takes it.

use super::StateError;
use std::borrow::Cow;

/// One statement: text with `$1`, `$2`, … and the values for them.
///
/// `host IN (EACH($2))` takes a [`Value::Texts`]: the one thing that databases spell apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub sql: Cow<'static, str>,
    pub values: Vec<Value>,
    /// A write that touches no row undoes its transaction with [`StateError::Fenced`].
    pub required: bool,
}

/// A column's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Bytes(Option<Vec<u8>>),
    Texts(Vec<String>),
}

impl Value {
    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.as_deref(),
            _ => None,
        }
    }
}

/// A row of an answer, read by position.
#[derive(Debug)]
pub(super) struct Row {
    pub values: Vec<Value>,
}

impl Statement {
    pub fn new<const N: usize>(sql: &'static str, values: [Value; N]) -> Self {
        Self { sql: sql.into(), values: values.into(), required: false }
    }

    /// The text with `EACH($n)` as a database spells it: what stands before and after `$n`.
    pub fn spelled(&self, before: &str, after: &str) -> String {
        let mut text = String::with_capacity(self.sql.len() + 32);
        let mut parts = self.sql.split("EACH(");
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let end = part.find(')').unwrap_or(part.len());
            text.extend([before, &part[..end], after, part.get(end + 1..).unwrap_or_default()]);
        }
        text
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

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

impl From<&[String]> for Value {
    fn from(texts: &[String]) -> Self {
        Self::Texts(texts.to_vec())
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Int(Some(yes.into()))
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
            Some(Value::Int(None) | Value::Bytes(None)) => Ok(None),
            _ => Err(surprise(column, "a text")),
        }
    }

    pub fn number(&self, column: usize) -> Result<u64, StateError> {
        self.maybe_int(column)?.and_then(|n| u64::try_from(n).ok()).ok_or_else(|| surprise(column, "a number"))
    }

    pub fn maybe_int(&self, column: usize) -> Result<Option<i64>, StateError> {
        match self.values.get(column) {
            Some(Value::Int(number)) => Ok(*number),
            Some(Value::Text(None) | Value::Bytes(None)) => Ok(None),
            _ => Err(surprise(column, "a number")),
        }
    }

    pub fn int(&self, column: usize) -> Result<i64, StateError> {
        self.maybe_int(column)?.ok_or_else(|| surprise(column, "a number"))
    }

    pub fn yes(&self, column: usize) -> Result<bool, StateError> {
        Ok(self.int(column)? != 0)
    }

    pub fn maybe_bytes(&mut self, column: usize) -> Result<Option<Vec<u8>>, StateError> {
        match self.values.get_mut(column) {
            Some(Value::Bytes(bytes)) => Ok(bytes.take()),
            Some(Value::Int(None) | Value::Text(None)) => Ok(None),
            _ => Err(surprise(column, "bytes")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_texts_is_spelled_as_each_database_has_it() {
        let statement = Statement::new("SELECT 1 WHERE a IN (EACH($1)) OR b IN (EACH($2)) ORDER BY a", []);
        let spelled = statement.spelled("SELECT unnest(", ")");
        assert_eq!(spelled, "SELECT 1 WHERE a IN (SELECT unnest($1)) OR b IN (SELECT unnest($2)) ORDER BY a");
        assert_eq!(Statement::new("SELECT 1", []).spelled("x", "y"), "SELECT 1");
    }
}
