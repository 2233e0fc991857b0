//! YAML (and so JSON) with the line and column of every key and value.

use super::node::{Data, Entry, Node};
use super::{InventoryError, Spot};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_yaml::{DuplicateKeyPolicy, Location, Spanned, UserMessageFormatter};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Parses one document. Only `true` and `false` are booleans (YAML 1.2), so that `no` stays a country.
///
/// # Errors
/// At the place of the syntax error, the key that stands twice, or the tag nobody knows.
///
/// Spec: YAML 1.2.2, core schema; a number with leading zeros (`0644`), or too large for 64 bits, stays text.
pub(super) fn parse(text: &str, file: &str) -> Result<Node, InventoryError> {
    let file: Arc<str> = file.into();
    let options = serde_yaml::options! {
        // Ours says where the first one is.
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
        // Room for 100,000 hosts; the limits on aliases stay.
        budget: serde_yaml::budget! { max_events: 8_000_000, max_nodes: 4_000_000 },
    };
    let raw: Spanned<Raw> = serde_yaml::from_str_with_options(text, options).map_err(|error| broken(&error, &file))?;
    Reader { text: text.strip_prefix('\u{FEFF}').unwrap_or(text), file }.node(raw)
}

fn broken(error: &serde_yaml::Error, file: &Arc<str>) -> InventoryError {
    use serde_yaml::Error;
    let (line, column) = error.location().map_or((0, 0), place);
    let spot = Spot::new(file.clone(), line, column);
    let say = |message: &str, hint: &str| InventoryError::at(&spot, message).hint(hint);
    match innermost(error) {
        Error::MultipleDocuments { .. } => say("a second YAML document begins here", "put it into a file of its own"),
        Error::NullIntoString { .. } => say("a key is a text, not nothing", "quote it, or take the line out"),
        Error::UnsupportedTag { tag, .. } => {
            say(&format!("the tag `{tag}` means nothing here"), "write the plain value")
        }
        Error::NonFiniteFloat { value, .. } => say(&format!("`{value}` is not a finite number"), "quote it"),
        Error::UnknownAnchor { .. } => {
            say("no anchor of that name stands above", "define it by `&name`, or quote the value")
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            say("the document is too large or nested too deeply", "split it, and use fewer aliases")
        }
        other => {
            let message = message(other);
            say(&format!("broken YAML: {message}"), advice(&message))
        }
    }
}

fn innermost(error: &serde_yaml::Error) -> &serde_yaml::Error {
    match error.without_snippet() {
        serde_yaml::Error::AliasError { error, .. } => innermost(error),
        error => error,
    }
}

/// The parser's message without the place, which we give ourselves.
fn message(error: &serde_yaml::Error) -> String {
    let text = error.render_with_formatter(&UserMessageFormatter);
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].trim_end_matches([',', '.', ':']).to_owned()
}

/// What helps against what the parser says; the first that is found in the message.
const ADVICE: &[(&str, &str)] = &[
    ("tab", "indent with blanks"),
    ("mapping values", "check the indentation, and quote values that hold `: `"),
    ("unclosed", "close the bracket or quote that is opened here"),
    ("quoted scalar", "close the quote"),
    ("expected ','", "close the bracket that is open, or add the comma"),
    ("expected key", "indent the keys of one map alike"),
    ("unexpected character", "quote values that begin with one of `@ % & * ! | > [ {` or a backtick"),
    ("recursi", "nest less, and let no alias hold itself"),
    ("string scalar", "a key is a text: quote it"),
];

fn advice(message: &str) -> &'static str {
    let found = ADVICE.iter().find(|(part, _)| message.contains(part));
    found.map_or("check indentation, brackets and quotes on the lines above", |(_, advice)| advice)
}

fn place(location: Location) -> (usize, usize) {
    (usize::try_from(location.line()).unwrap_or(0), usize::try_from(location.column()).unwrap_or(0))
}

/// A value as the parser gives it.
enum Raw {
    Null,
    Bool(bool),
    Number(Number),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

/// Gives each value its place, and finds keys that stand twice.
struct Reader<'a> {
    text: &'a str,
    file: Arc<str>,
}

impl Reader<'_> {
    fn spot(&self, location: Location) -> Spot {
        let (line, column) = place(location);
        Spot::new(self.file.clone(), line, column)
    }

    fn node(&self, raw: Spanned<Raw>) -> Result<Node, InventoryError> {
        let at = self.spot(raw.referenced);
        let data = match raw.value {
            Raw::Null => Data::Null,
            Raw::Bool(yes) => Data::Bool(yes),
            Raw::Number(number) => Data::Number(number),
            Raw::Text(text) => Data::Text(text),
            Raw::Float(number) => self.number(number, raw.defined),
            Raw::List(items) => Data::List(items.into_iter().map(|item| self.node(item)).collect::<Result<_, _>>()?),
            Raw::Map(entries) => Data::Map(self.entries(entries)?),
        };
        Ok(Node { at, data })
    }

    /// The parser makes a float of `0644` and of 20 digits: what was written says more.
    fn number(&self, number: f64, defined: Location) -> Data {
        let span = defined.span();
        let written = span.byte_offset().zip(span.byte_len()).and_then(|(from, length)| {
            let from = usize::try_from(from).ok()?;
            self.text.get(from..from + usize::try_from(length).ok()?)
        });
        let digits = written.filter(|text| text.trim_start_matches(['-', '+']).bytes().all(|b| b.is_ascii_digit()));
        match (digits, Number::from_f64(number)) {
            (Some(digits), _) => Data::Text(digits.to_owned()),
            (None, Some(number)) => Data::Number(number),
            (None, None) => Data::Null,
        }
    }

    fn entries(&self, raw: Vec<(Spanned<String>, Spanned<Raw>)>) -> Result<Vec<Entry>, InventoryError> {
        let mut seen: HashMap<String, Spot> = HashMap::new();
        let mut entries = Vec::with_capacity(raw.len());
        for (key, value) in raw {
            let at = self.spot(key.referenced);
            if let Some(first) = seen.insert(key.value.clone(), at.clone()) {
                let hint = format!("the first is in line {}: keep one of them", first.line);
                return Err(InventoryError::at(&at, format!("the key `{}` stands here twice", key.value)).hint(hint));
            }
            entries.push(Entry { key: key.value, at, value: self.node(value)? });
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn place_of(text: &str) -> (usize, usize, String) {
        let error = parse(text, "x.yaml").expect_err("broken");
        (error.line, error.column, error.message)
    }

    #[test]
    fn gives_every_value_its_place() {
        let node = parse("a: 1\nb: { c: [x, y] }\n", "x.yaml").expect("parses");
        let Data::Map(entries) = &node.data else { panic!("a map") };
        assert_eq!((entries[1].at.line, entries[1].at.column), (2, 1));
        let Data::Map(inner) = &entries[1].value.data else { panic!("a map") };
        let Data::List(items) = &inner[0].value.data else { panic!("a list") };
        assert_eq!(items[1].at.to_string(), "x.yaml:2:13");
    }

    #[test]
    fn keeps_what_only_looks_like_another_type() {
        let node = parse("[no, Yes, 0644, 0o644, 99999999999999999999, 1.5, 2024-01-01, ~]", "x.yaml").expect("parses");
        let wanted = json!(["no", "Yes", "0644", 420, "99999999999999999999", 1.5, "2024-01-01", null]);
        assert_eq!(node.to_value(), wanted);
    }

    #[test]
    fn reads_json_with_surrogate_pairs() {
        let node = parse("{\"a\": \"\\ud83d\\ude00\",\n\t\"b\": [1]}", "x.json").expect("parses");
        assert_eq!(node.to_value(), json!({ "a": "😀", "b": [1] }));
    }

    #[test]
    fn expands_aliases_and_merge_keys() {
        let node = parse("base: &b { x: 1, y: 2 }\nh: { <<: *b, x: 3 }\n", "x.yaml").expect("parses");
        assert_eq!(node.to_value()["h"], json!({ "x": 3, "y": 2 }));
    }

    #[test]
    fn names_the_place_of_what_is_broken() {
        let tab = "broken YAML: tabs disallowed within this context (block indentation)";
        assert_eq!(place_of("a:\n\tb: 1\n"), (2, 2, tab.into()));
        assert_eq!(place_of("a: 1\nb: 2\na: 3\n"), (3, 1, "the key `a` stands here twice".into()));
        assert_eq!(place_of("---\na: 1\n---\nb: 2\n").2, "a second YAML document begins here");
        assert_eq!(place_of("a: !vault x\n").2, "the tag `!vault` means nothing here");
    }

    #[test]
    fn refuses_a_billion_laughs() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            text += &format!("a{level}: &a{level} [{aliases}]\n");
        }
        assert_eq!(place_of(&text).2, "the document is too large or nested too deeply");
    }
}
