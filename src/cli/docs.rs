//! `docs`: the reference at the terminal, and as pages.

mod find;
mod markdown;
mod pages;
mod terminal;

use super::commands::say;
use super::failure::{CommandError, Exit};
use crate::report::Paint;
use crate::script::reference::{Topic, topics};
use serde_json::json;
use std::path::Path;

/// The arguments of every operation, as a page; a test holds it against the list that operations go by.
const COMMON_ARGUMENTS: &str = include_str!("docs/common-arguments.md");

/// `docs [TOPIC]`
///
/// # Errors
/// A mistake with the nearest name when nothing is known about the topic.
pub fn show(topic: Option<&str>, json: bool, no_color: bool) -> Result<Exit, CommandError> {
    let found = find::find(topic)?;
    if json {
        let listed: Vec<_> = found.topics().into_iter().map(as_json).collect();
        say(serde_json::to_string_pretty(&listed).expect("JSON values have a text"));
    } else {
        say(terminal::show(&found, Paint::for_stream(&std::io::stdout(), no_color)));
    }
    Ok(Exit::Done)
}

/// `docs --write DIR`
///
/// # Errors
/// What keeps a page from being written.
pub fn write(folder: &Path) -> Result<Exit, CommandError> {
    pages::write(folder)?;
    Ok(Exit::Done)
}

fn as_json(topic: &Topic) -> serde_json::Value {
    let signatures: Vec<&str> = topic.signatures.iter().map(|(signature, _)| signature.as_str()).collect();
    json!({
        "name": topic.path,
        "aliases": topic.aliases,
        "signatures": signatures,
        "operation": topic.operation().is_some(),
        "arguments": topic.arguments(),
        "summary": topic.summary(),
        "doc": topic.doc,
    })
}

/// Those that belong to no module and no type.
fn language() -> Vec<&'static Topic> {
    topics().iter().filter(|topic| topic.group.is_none()).collect()
}

/// The members of a module or a type.
fn members(group: &str) -> Vec<&'static Topic> {
    topics().iter().filter(|topic| topic.group.as_deref() == Some(group)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::COMMON;

    #[test]
    fn the_page_of_common_arguments_has_a_row_for_each_and_no_other() {
        let rows = COMMON_ARGUMENTS.lines().filter_map(|line| line.strip_prefix("| `"));
        let mut shown: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
        let mut known = COMMON.to_vec();
        shown.sort_unstable();
        known.sort_unstable();
        assert_eq!(shown, known);
    }
}
