//! What `--data` says.

use super::data::Block;
use super::node::{Entry, Node};
use super::{InventoryError, Spot, yaml};
use serde_json::Value;

/// Reads `key=value` pairs; a key that is given twice keeps its last value.
///
/// A value is a YAML scalar, so `true` and `8080` are no texts; one that begins with `[`, `{`, `"` or `'` is YAML as
/// a whole. Everything else is taken as it is, `#fff` and `a: b` too.
pub(super) fn read(pairs: &[String]) -> Result<Block, InventoryError> {
    let spot = Spot::whole("--data");
    let mut block = Block { layer: "`--data`".to_owned(), values: indexmap::IndexMap::new() };
    for pair in pairs {
        let Some((key, text)) = pair.split_once('=') else {
            let error = InventoryError::at(&spot, format!("`--data {pair}` has no value"));
            return Err(error.hint(format!("write `--data {pair}=VALUE`")));
        };
        let value = value(key, text)?;
        block.values.shift_remove(key.strip_suffix('+').unwrap_or(key));
        block.put(Entry { key: key.to_owned(), at: spot.clone(), value: Node::placed(value, &spot) })?;
    }
    Ok(block)
}

fn value(key: &str, text: &str) -> Result<Value, InventoryError> {
    let plain = || Value::String(text.to_owned());
    if text.starts_with(['[', '{', '"', '\'']) {
        return Ok(yaml::parse(text, &format!("--data {key}"))?.to_value());
    }
    if text.is_empty() || text.contains('#') {
        return Ok(plain());
    }
    match yaml::parse(text, "--data").map(|node| node.to_value()) {
        Ok(value @ (Value::Bool(_) | Value::Number(_))) => Ok(value),
        Ok(Value::Null) if !text.trim().is_empty() => Ok(Value::Null),
        _ => Ok(plain()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("true", json!(true))]
    #[case("8080", json!(8080))]
    #[case("1.5", json!(1.5))]
    #[case("null", json!(null))]
    #[case("yes", json!("yes"))]
    #[case("", json!(""))]
    #[case("[a, 1]", json!(["a", 1]))]
    #[case("{a: {b: c}}", json!({ "a": { "b": "c" } }))]
    #[case("'8080'", json!("8080"))]
    #[case("http://x:80/?a=b", json!("http://x:80/?a=b"))]
    #[case("a: b", json!("a: b"))]
    #[case("#fff", json!("#fff"))]
    #[case("*star", json!("*star"))]
    #[case("- x", json!("- x"))]
    #[case("0644", json!("0644"))]
    fn a_value_is_a_yaml_scalar(#[case] text: &str, #[case] wanted: Value) {
        assert_eq!(value("k", text).expect("a value"), wanted);
    }

    #[test]
    fn a_broken_list_is_an_error_and_so_is_a_key_alone() {
        let error = read(&["k=[a".to_owned()]).expect_err("broken");
        assert_eq!(error.position().as_deref(), Some("--data k:1:1"));
        let error = read(&["k".to_owned()]).expect_err("no value");
        assert_eq!(error.hint.as_deref(), Some("write `--data k=VALUE`"));
    }
}
