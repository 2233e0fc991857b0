//! YAML as `sops` writes it, so that either program leaves the other's files alone.

use super::tree::{Element, Entry, Node};
use base64::Engine;
use std::fmt::Write;

const INDENT: usize = 4;

/// The text of documents.
pub fn write(documents: &[Vec<Entry>]) -> String {
    let texts: Vec<String> = documents.iter().map(|document| one(document)).collect();
    texts.join("---\n")
}

fn one(document: &[Entry]) -> String {
    let mut text = String::new();
    map(document, 0, &mut text);
    if text.is_empty() { "{}\n".into() } else { text }
}

fn map(entries: &[Entry], indent: usize, text: &mut String) {
    for entry in entries {
        pad(indent, text);
        match entry {
            Entry::Comment(comment) => comment_line(comment, indent, text),
            Entry::Pair(key, node) => {
                text.push_str(&scalar_text(key, indent));
                text.push(':');
                value(node, indent, text);
            }
        }
    }
}

/// What stands behind `key:`.
fn value(node: &Node, indent: usize, text: &mut String) {
    match node {
        Node::Map(entries) if entries.is_empty() => text.push_str(" {}\n"),
        Node::List(items) if items.is_empty() => text.push_str(" []\n"),
        Node::Map(entries) => {
            text.push('\n');
            map(entries, indent + INDENT, text);
        }
        Node::List(items) => {
            text.push('\n');
            list(items, indent + INDENT, text);
        }
        leaf => {
            text.push(' ');
            scalar(leaf, indent + INDENT, text);
        }
    }
}

fn list(items: &[Element], indent: usize, text: &mut String) {
    for item in items {
        pad(indent, text);
        match item {
            Element::Comment(comment) => comment_line(comment, indent, text),
            Element::Item(node) => {
                text.push('-');
                listed(node, indent, text);
            }
        }
    }
}

/// What stands behind `-`: maps begin on the same line, unless they begin with a comment.
fn listed(node: &Node, indent: usize, text: &mut String) {
    let nested = match node {
        Node::Map(entries) if matches!(entries.first(), Some(Entry::Pair(..))) => {
            let mut inner = String::new();
            map(entries, indent + 2, &mut inner);
            inner
        }
        Node::List(items) if matches!(items.first(), Some(Element::Item(_))) => {
            let mut inner = String::new();
            list(items, indent + 2, &mut inner);
            inner
        }
        other => return value(other, indent, text),
    };
    text.push(' ');
    text.push_str(nested.trim_start_matches(' '));
}

fn pad(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', indent));
}

fn comment_line(comment: &str, indent: usize, text: &mut String) {
    for (at, line) in comment.split('\n').enumerate() {
        if at > 0 {
            pad(indent, text);
        }
        let _ = writeln!(text, "#{line}");
    }
}

fn scalar(node: &Node, indent: usize, text: &mut String) {
    match node {
        Node::Null => text.push_str("null\n"),
        Node::Int(number) => drop(writeln!(text, "{number}")),
        Node::Float(number) => drop(writeln!(text, "{}", float(*number))),
        Node::Bool(truth) => drop(writeln!(text, "{truth}")),
        Node::Time(time) => drop(writeln!(text, "{time}")),
        Node::Bytes(bytes) => {
            let packed = base64::engine::general_purpose::STANDARD.encode(bytes.as_slice());
            let _ = writeln!(text, "!!binary {packed}");
        }
        Node::Text(plain) if is_block(plain) => block(plain, indent, text),
        Node::Text(plain) => {
            text.push_str(&scalar_text(plain, indent));
            text.push('\n');
        }
        Node::Map(_) | Node::List(_) => {}
    }
}

/// A whole number must be read as a float again.
fn float(number: f64) -> String {
    let text = number.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// A text on one line: bare where nobody could take it for something else.
fn scalar_text(plain: &str, _: usize) -> String {
    if is_bare(plain) { plain.to_owned() } else { quoted(plain) }
}

const WORDS: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

fn is_bare(text: &str) -> bool {
    if super::cipher::is_encrypted(text) {
        return true;
    }
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == '/');
    let all = text.chars().all(|c| c.is_ascii_alphanumeric() || "_./@+- ".contains(c));
    first && all && !text.ends_with(' ') && !WORDS.contains(&text.to_lowercase().as_str())
}

/// JSON's quotes are YAML's double ones; what YAML calls unprintable is escaped too.
fn quoted(text: &str) -> String {
    let mut escaped = String::new();
    for letter in serde_json::Value::from(text).to_string().chars() {
        match letter {
            '\u{7f}'..='\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(escaped, "\\u{:04x}", letter as u32);
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Lines that a literal block keeps exactly.
fn is_block(text: &str) -> bool {
    let clean = |c: char| c == '\n' || c == '\t' || (' '..='~').contains(&c) || (c > '\u{a0}' && c.is_alphanumeric());
    text.contains('\n')
        && text.chars().all(clean)
        && !text.starts_with([' ', '\n', '\t'])
        && !text.ends_with("\n\n")
        && text.lines().all(|line| !line.ends_with([' ', '\t']))
}

fn block(text: &str, indent: usize, into: &mut String) {
    into.push_str(if text.ends_with('\n') { "|\n" } else { "|-\n" });
    for line in text.lines() {
        if !line.is_empty() {
            pad(indent, into);
        }
        into.push_str(line);
        into.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::read;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = "# top\na: 1\nb:\n    c: \"yes\"\n    d: |\n        one\n          two\n    e: []\nlist:\n    - x\n    - k: v\n      l: 1.0\n    - - nested\n";
        assert_eq!(write(&read(text).expect("YAML")), text);
    }

    fn node() -> impl Strategy<Value = Node> {
        let leaf = prop_oneof![
            Just(Node::Null),
            any::<bool>().prop_map(Node::Bool),
            any::<i64>().prop_map(Node::Int),
            (-1e9..1e9_f64).prop_map(Node::Float),
            "\\PC{0,20}".prop_map(Node::text),
            "[ -~\n\t]{0,30}".prop_map(Node::text),
            any::<String>().prop_map(Node::text),
            Just(Node::of_bytes(vec![0xff, 0, 1])),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let key = "[a-z:#\" -]{1,6}";
            prop_oneof![
                prop::collection::vec(inner.clone().prop_map(Element::Item), 0..4).prop_map(Node::List),
                prop::collection::btree_map(key, inner, 0..4)
                    .prop_map(|map| Node::Map(map.into_iter().map(|(key, node)| Entry::Pair(key, node)).collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_tree_survives(nodes in prop::collection::vec(node(), 1..4)) {
            let document: Vec<Entry> =
                nodes.into_iter().enumerate().map(|(at, node)| Entry::Pair(format!("k{at}"), node)).collect();
            let text = write(std::slice::from_ref(&document));
            prop_assert_eq!(read(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?, vec![document]);
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,80}") {
            let _ = read(&text);
        }
    }
}
