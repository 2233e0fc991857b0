//! Types of Rust in the words of scripts.

use regex::{Captures, Regex};
use std::sync::OnceLock;

/// A Rust type as `docs` shows it: `any` for `Dynamic`, nothing for the unit type.
pub fn of_type(rust: &str) -> String {
    let rust = rust.trim().trim_start_matches("&mut ").trim();
    let result = rust.strip_prefix("Result<").and_then(|inner| inner.strip_suffix(", Box<EvalAltResult>>"));
    let alias = rust.strip_prefix("RhaiResultOf<").and_then(|inner| inner.strip_suffix('>'));
    match result.or(alias).unwrap_or(rust) {
        "()" => String::new(),
        plain => renamed(plain, "any"),
    }
}

/// The names in a text, each as scripts have it; `any` stands for a value of any type.
pub fn renamed(text: &str, any: &str) -> String {
    static NAMES: OnceLock<Regex> = OnceLock::new();
    let names = NAMES.get_or_init(|| Regex::new(r"&?[A-Za-z_][A-Za-z0-9_]*|\?").expect("a valid pattern"));
    let name = |found: &Captures<'_>| match &found[0] {
        "Dynamic" | "?" => any.to_owned(),
        "ImmutableString" | "String" | "&str" => "string".into(),
        "Map" => "map".into(),
        "Array" => "array".into(),
        "FnPtr" => "Fn".into(),
        "INT" | "i64" => "int".into(),
        "FLOAT" | "f64" => "float".into(),
        "HostRef" => "Host".into(),
        "Opaque" => "hidden".into(),
        other => other.to_owned(),
    };
    names.replace_all(text, name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_references_are_no_matter_of_scripts() {
        assert_eq!(of_type("Result<Vec<HostRef>, Box<EvalAltResult>>"), "Vec<Host>");
        assert_eq!(of_type("RhaiResultOf<Dynamic>"), "any");
        assert_eq!(of_type("&mut HostRef"), "Host");
        assert_eq!(of_type("&str"), "string");
        assert_eq!(of_type("()"), "");
    }
}
