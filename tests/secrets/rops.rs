//! Files that `rops`, an implementation of SOPS in Rust, has written; see `rops/README.md`.

use rhapsode::secret::sops::{Document, Format, Identities};
use serde_json::{Value, json};

const KEY: &str = include_str!("rops/throwaway.key");
const YAML: &str = include_str!("rops/all.sops.yaml");
const JSON: &str = include_str!("rops/all.sops.json");

/// What `clear.yaml` says.
fn expected() -> Value {
    json!({
        "text": "plain words", "quoted": "12", "lines": "one\ntwo\n", "empty": "", "number": 42, "negative": -7,
        "ratio": 0.25, "whole_ratio": 2.0, "large": 1e21, "yes": true, "no": false, "unicode": "grüße → 漢字",
        "nested": { "deep": { "key": "value" } }, "list": ["one", 2, { "key": "value" }]
    })
}

fn opened(text: &str, format: Format) -> Result<Document, String> {
    let identities = Identities::of_text(KEY).expect("a key");
    Document::open(text.as_bytes(), format, &identities).map_err(|error| error.to_string())
}

#[test]
fn files_of_rops_are_read_with_every_type_of_scalar() {
    let clear = opened(YAML, Format::Yaml).expect("opened").clear().expect("clear");
    let read: Value = serde_yaml::from_str(std::str::from_utf8(&clear).expect("a text")).expect("YAML");
    assert_eq!(read, expected());
    let clear = opened(JSON, Format::Json).expect("opened").clear().expect("clear");
    assert_eq!(serde_json::from_slice::<Value>(&clear).expect("JSON"), expected());
}

#[test]
fn a_changed_file_of_rops_is_refused() {
    let moved = YAML.replacen("yes: ", "x: ", 1).replacen("no: ", "yes: ", 1).replacen("x: ", "no: ", 1);
    assert_ne!(moved, YAML);
    assert!(opened(&moved, Format::Yaml).is_err());
}
