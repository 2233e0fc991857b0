//! JSON, and whole files wrapped in it.

use super::error::SopsError;
use super::tree::{Element, Entry, Node};
use base64::Engine;
use serde::Serialize;
use serde_json::{Map, Number, Value};

/// Reads an object.
pub fn read(text: &str) -> Result<Vec<Entry>, SopsError> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| SopsError::Syntax { line: error.line(), problem: fragment(&error.to_string()) })?;
    match value {
        Value::Object(map) => Ok(entries(map)),
        _ => Err(SopsError::Syntax { line: 1, problem: "a document is an object".into() }),
    }
}

fn fragment(message: &str) -> String {
    message.split(" at line ").next().unwrap_or_default().to_owned()
}

fn entries(map: Map<String, Value>) -> Vec<Entry> {
    map.into_iter().map(|(key, value)| Entry::Pair(key, node(value))).collect()
}

fn node(value: Value) -> Node {
    match value {
        Value::Null => Node::Null,
        Value::Bool(truth) => Node::Bool(truth),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Node::Int(number),
            None => Node::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Node::text(text),
        Value::Array(items) => Node::List(items.into_iter().map(|item| Element::Item(node(item))).collect()),
        Value::Object(map) => Node::Map(entries(map)),
    }
}

/// The text of an object, indented by tabs as `sops` does it; JSON has no comments.
pub fn write(entries: &[Entry]) -> String {
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    object(entries).serialize(&mut serializer).expect("memory takes everything");
    text.push(b'\n');
    String::from_utf8(text).expect("JSON is text")
}

fn object(entries: &[Entry]) -> Value {
    let pair = |entry: &Entry| match entry {
        Entry::Pair(key, node) => Some((key.clone(), value(node))),
        Entry::Comment(_) => None,
    };
    Value::Object(entries.iter().filter_map(pair).collect())
}

/// A value as JSON has it; bytes that are no text as base64.
pub fn value(node: &Node) -> Value {
    match node {
        Node::Null => Value::Null,
        Node::Bool(truth) => Value::Bool(*truth),
        Node::Int(number) => (*number).into(),
        Node::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Node::Text(text) => text.as_str().into(),
        Node::Time(time) => time.as_str().into(),
        Node::Bytes(bytes) => base64::engine::general_purpose::STANDARD.encode(bytes.as_slice()).into(),
        Node::List(items) => items
            .iter()
            .filter_map(|item| match item {
                Element::Item(node) => Some(value(node)),
                Element::Comment(_) => None,
            })
            .collect(),
        Node::Map(entries) => object(entries),
    }
}
