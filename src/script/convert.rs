//! Values of scripts as JSON, and back.

use super::opaque::Opaque;
use rhai::{Array, Blob, Dynamic, FLOAT, INT, Map};
use serde_json::{Number, Value};

/// A script value as JSON; hidden values stay tokens.
///
/// # Errors
/// The name of a type that has no JSON form: a closure, a handle.
pub fn to_json(value: &Dynamic) -> Result<Value, String> {
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Some(opaque) = value.read_lock::<Opaque>() {
        return Ok(Value::String(opaque.0.clone()));
    }
    if let Some(array) = value.read_lock::<Array>() {
        return array.iter().map(to_json).collect::<Result<_, _>>().map(Value::Array);
    }
    if let Some(map) = value.read_lock::<Map>() {
        let entries = map.iter().map(|(key, value)| Ok((key.to_string(), to_json(value)?)));
        return entries.collect::<Result<_, String>>().map(Value::Object);
    }
    if let Some(blob) = value.read_lock::<Blob>() {
        return Ok(blob.iter().map(|byte| Value::from(*byte)).collect());
    }
    scalar(value).ok_or_else(|| format!("a {} cannot be given here", value.type_name()))
}

fn scalar(value: &Dynamic) -> Option<Value> {
    if let Ok(flag) = value.as_bool() {
        return Some(Value::Bool(flag));
    }
    if let Ok(number) = value.as_int() {
        return Some(number.into());
    }
    if let Ok(number) = value.as_float() {
        return Number::from_f64(number).map(Value::Number);
    }
    if let Ok(letter) = value.as_char() {
        return Some(Value::String(letter.to_string()));
    }
    value.clone().into_string().ok().map(Value::String)
}

/// JSON as a script value; texts with tokens become hidden values.
pub fn from_json(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Dynamic::from(number as INT),
            None => Dynamic::from(number.as_f64().unwrap_or_default() as FLOAT),
        },
        Value::String(text) if crate::secret::contains_token(text) => Dynamic::from(Opaque(text.clone())),
        Value::String(text) => text.clone().into(),
        Value::Array(items) => items.iter().map(from_json).collect::<Array>().into(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.as_str().into(), from_json(value))).collect::<Map>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_there_and_back() {
        let json = serde_json::json!({ "a": [1, 2.5, true, null, "x"], "b": { "c": "d" } });
        assert_eq!(to_json(&from_json(&json)), Ok(json));
    }

    #[test]
    fn a_closure_has_no_json_form() {
        let closure = Dynamic::from(rhai::FnPtr::new("f").expect("a name"));
        assert!(to_json(&closure).expect_err("no form").contains("Fn"));
    }
}
