//! Unit files from maps.

use indexmap::IndexMap;
use serde_json::Value;

/// Sections of a unit file, each with its settings; a list gives one line an element.
pub type Sections = IndexMap<String, IndexMap<String, Value>>;

/// The text of a unit file: `[Unit]` first, `[Install]` last, the others between as given.
///
/// Spec: systemd.syntax(7): a setting with an empty value resets a list.
///
/// # Errors
/// A text that names the setting whose value has no form in a unit file.
pub fn text(sections: &Sections) -> Result<String, String> {
    let rank = |name: &str| match name {
        "Unit" => 0,
        "Install" => 2,
        _ => 1,
    };
    let mut ordered: Vec<_> = sections.iter().collect();
    ordered.sort_by_key(|(name, _)| rank(name));
    let parts: Result<Vec<String>, String> = ordered.into_iter().map(|(name, keys)| section(name, keys)).collect();
    Ok(parts?.join("\n"))
}

fn section(name: &str, settings: &IndexMap<String, Value>) -> Result<String, String> {
    if name.is_empty() || name.contains([']', '[', '\n']) {
        return Err(format!("argument `sections`: `{name}` is no section name"));
    }
    let mut text = format!("[{name}]\n");
    for (key, value) in settings {
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err(format!("argument `sections`: `{key}` is no setting of `{name}`"));
        }
        let values = match value {
            Value::Array(values) => values.iter().collect(),
            one => vec![one],
        };
        for value in values {
            text.push_str(&format!("{key}={}\n", one(name, key, value)?));
        }
    }
    Ok(text)
}

fn one(section: &str, key: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if text.contains('\n') => {
            Err(format!("argument `sections`: `{section}.{key}` holds a newline: give a list for many lines"))
        }
        Value::String(text) => Ok(text.clone()),
        Value::Bool(on) => Ok(if *on { "true" } else { "false" }.into()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(format!("argument `sections`: `{section}.{key}` must be a text, number, boolean, or a list of them")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sections_are_ordered_as_people_read_them() {
        let sections = json!({
            "Install": {"WantedBy": "multi-user.target"},
            "Service": {"Environment": ["A=1", "B=2"], "ExecStart": "/bin/app --x=\"%i\"", "RemainAfterExit": true},
            "Unit": {"Description": "App"},
        });
        let text = text(&serde_json::from_value(sections).expect("sections")).expect("a unit file");
        assert_eq!(
            text,
            "[Unit]\nDescription=App\n\n[Service]\nEnvironment=A=1\nEnvironment=B=2\n\
             ExecStart=/bin/app --x=\"%i\"\nRemainAfterExit=true\n\n[Install]\nWantedBy=multi-user.target\n"
        );
    }

    #[test]
    fn a_newline_cannot_smuggle_in_a_setting() {
        let sections = serde_json::from_value(json!({"Unit": {"Description": "x\nRequires=y"}})).expect("sections");
        assert!(text(&sections).expect_err("refused").contains("`Unit.Description` holds a newline"));
    }
}
