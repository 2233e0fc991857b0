//! Options of sshd_config(5), from a map to lines.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Keywords with their values. `Match ...` with a map makes a block at the end.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Options(Map<String, Value>);

impl Options {
    /// Lines for every connection, and the `Match` blocks, which must stand last.
    ///
    /// # Errors
    /// A text that names the keyword.
    pub fn lines(&self) -> Result<(String, String), String> {
        let mut lines = String::new();
        let mut blocks = String::new();
        for (keyword, value) in &self.0 {
            match value {
                Value::Object(inner) if keyword.to_ascii_lowercase().starts_with("match ") => {
                    one_line(keyword, keyword)?;
                    blocks.push_str(&format!("{keyword}\n"));
                    for (keyword, value) in inner {
                        push(&mut blocks, "    ", keyword, value)?;
                    }
                }
                _ => push(&mut lines, "", keyword, value)?,
            }
        }
        Ok((lines, blocks))
    }

    /// Keywords outside of blocks, in lower case.
    pub fn keywords(&self) -> Vec<String> {
        let outside = self.0.iter().filter(|(_, value)| !value.is_object());
        outside.map(|(keyword, _)| keyword.to_ascii_lowercase()).collect()
    }
}

fn push(lines: &mut String, indent: &str, keyword: &str, value: &Value) -> Result<(), String> {
    if keyword.is_empty() || !keyword.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(format!("argument `options`: {keyword:?} is no keyword of sshd_config"));
    }
    let values = match value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    for value in values {
        let text = match value {
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            _ => return Err(format!("argument `options`: `{keyword}` takes a text, a number, a boolean or a list")),
        };
        one_line(keyword, &text)?;
        lines.push_str(&format!("{indent}{keyword} {text}\n"));
    }
    Ok(())
}

fn one_line(keyword: &str, text: &str) -> Result<(), String> {
    match text.trim().is_empty() || text.contains(|c: char| c.is_control()) {
        true => Err(format!("argument `options`: `{keyword}` must have a value without line breaks")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_what_sshd_reads() {
        let options = serde_json::json!({"PermitRootLogin": false, "Match User ops": {"X11Forwarding": true},
            "Port": [22, 2222]});
        let options: Options = serde_json::from_value(options).expect("a map");
        let (lines, blocks) = options.lines().expect("valid");
        assert_eq!(lines, "PermitRootLogin no\nPort 22\nPort 2222\n");
        assert_eq!(blocks, "Match User ops\n    X11Forwarding yes\n");
        assert_eq!(options.keywords(), ["permitrootlogin", "port"]);
    }

    #[test]
    fn a_value_cannot_smuggle_a_line() {
        let options: Options =
            serde_json::from_value(serde_json::json!({"Banner": "x\nPermitRootLogin yes"})).expect("a map");
        assert!(options.lines().is_err());
    }
}
