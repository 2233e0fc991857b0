//! dotenv, and the flat form that the `sops` block has in it and in INI files.

use super::error::SopsError;
use super::tree::{Element, Entry, Node};
use std::collections::BTreeMap;

/// In front of the keys of the block.
pub const PREFIX: &str = "sops_";

/// Reads `KEY=value` lines; `\n` in a value is a line break.
pub fn read(text: &str) -> Result<Vec<Entry>, SopsError> {
    let mut entries = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        entries.push(match (line.strip_prefix('#'), line.split_once('=')) {
            (Some(comment), _) => Entry::Comment(comment.to_owned()),
            (None, Some((key, value))) => Entry::Pair(key.to_owned(), Node::text(value.replace("\\n", "\n"))),
            (None, None) => {
                return Err(SopsError::Syntax {
                    line: at + 1,
                    problem: "it is neither `KEY=value` nor a comment".into(),
                });
            }
        });
    }
    Ok(entries)
}

/// The text of such a file.
///
/// # Errors
/// A value that has parts.
pub fn write(entries: &[Entry]) -> Result<String, SopsError> {
    let mut text = String::new();
    for entry in entries {
        match entry {
            Entry::Comment(comment) => text.push_str(&format!("#{comment}\n")),
            Entry::Pair(key, node) => text.push_str(&format!("{key}={}\n", line(key, node)?)),
        }
    }
    Ok(text)
}

fn line(key: &str, node: &Node) -> Result<String, SopsError> {
    Ok(word(key, node)?.replace('\n', "\\n"))
}

/// A value as a text; nothing for null.
///
/// # Errors
/// A value that has parts.
pub fn word(key: &str, node: &Node) -> Result<String, SopsError> {
    match node {
        Node::List(_) | Node::Map(_) => {
            Err(SopsError::Shape(format!("`{key}` is a {}: this format has none", node.kind())))
        }
        Node::Bytes(_) => Err(SopsError::Shape(format!("`{key}` is no text: this format has nothing else"))),
        other => Ok(String::from_utf8_lossy(&other.to_secret()).into_owned()),
    }
}

/// The block in flat keys, sorted: `age__list_0__map_enc`.
pub fn flatten(block: &[Entry]) -> Vec<Entry> {
    let mut flat = BTreeMap::new();
    for entry in block {
        if let Entry::Pair(key, node) = entry {
            flatten_node(key, node, &mut flat);
        }
    }
    flat.into_iter().map(|(key, text)| Entry::Pair(key, Node::text(text))).collect()
}

fn flatten_node(key: &str, node: &Node, flat: &mut BTreeMap<String, String>) {
    match node {
        Node::Null => {}
        Node::Map(entries) => entries.iter().for_each(|entry| {
            if let Entry::Pair(name, node) = entry {
                flatten_node(&format!("{key}__map_{name}"), node, flat);
            }
        }),
        Node::List(items) => {
            let nodes = items.iter().filter_map(|item| match item {
                Element::Item(node) => Some(node),
                Element::Comment(_) => None,
            });
            nodes.enumerate().for_each(|(at, node)| flatten_node(&format!("{key}__list_{at}"), node, flat));
        }
        leaf => drop(flat.insert(key.to_owned(), String::from_utf8_lossy(&leaf.to_secret()).into_owned())),
    }
}

/// The block of flat keys; in them `\n` is a line break.
///
/// # Errors
/// Keys that contradict each other.
pub fn unflatten(flat: &[Entry]) -> Result<Vec<Entry>, SopsError> {
    let mut root = Node::Map(Vec::new());
    for entry in flat {
        if let Entry::Pair(key, Node::Text(text)) = entry {
            let node = Node::text(text.replace("\\n", "\n"));
            insert(&mut root, &steps(key), node)
                .ok_or_else(|| SopsError::Format(format!("`{PREFIX}{key}` fits nowhere")))?;
        }
    }
    match root {
        Node::Map(entries) => Ok(entries),
        _ => Err(SopsError::Plain),
    }
}

enum Place<'a> {
    Key(&'a str),
    At(usize),
}

fn steps(key: &str) -> Vec<Place<'_>> {
    let mut parts = key.split("__");
    let first = parts.next().into_iter().map(Place::Key);
    let rest = parts.map(|part| match part.strip_prefix("list_").and_then(|at| at.parse().ok()) {
        Some(at) => Place::At(at),
        None => Place::Key(part.strip_prefix("map_").unwrap_or(part)),
    });
    first.chain(rest).collect()
}

fn insert(node: &mut Node, steps: &[Place<'_>], value: Node) -> Option<()> {
    let Some((first, rest)) = steps.split_first() else {
        *node = value;
        return Some(());
    };
    if *node == Node::Null {
        *node = if matches!(first, Place::At(_)) { Node::List(Vec::new()) } else { Node::Map(Vec::new()) };
    }
    match (node, first) {
        (Node::Map(entries), Place::Key(key)) => {
            if super::tree::find(entries, key).is_none() {
                entries.push(Entry::Pair((*key).to_owned(), Node::Null));
            }
            insert(super::tree::find_mut(entries, key)?, rest, value)
        }
        // Keys are in no numeric order: `list_10` comes before `list_2`.
        (Node::List(items), Place::At(at)) if *at < 1000 => {
            while items.len() <= *at {
                items.push(Element::Item(Node::Null));
            }
            match &mut items[*at] {
                Element::Item(node) => insert(node, rest, value),
                Element::Comment(_) => None,
            }
        }
        _ => None,
    }
}
