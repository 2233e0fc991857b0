//! INI: sections of `key = value`.

use super::error::SopsError;
use super::lines::word;
use super::tree::{Entry, Node};

/// Keys before the first section belong to this one.
const DEFAULT: &str = "DEFAULT";

/// Reads sections.
pub fn read(text: &str) -> Result<Vec<Entry>, SopsError> {
    let mut sections: Vec<(String, Vec<Entry>)> = vec![(DEFAULT.into(), Vec::new())];
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let line = line.trim();
        let wrong = |problem: &str| SopsError::Syntax { line: at + 1, problem: problem.into() };
        let entries = &mut sections.last_mut().expect("one at least").1;
        if line.is_empty() {
            continue;
        } else if let Some(comment) = line.strip_prefix([';', '#']) {
            entries.push(Entry::Comment(comment.trim().to_owned()));
        } else if let Some(name) = line.strip_prefix('[') {
            let name = name.strip_suffix(']').ok_or_else(|| wrong("a `]` is missing"))?;
            sections.push((name.trim().to_owned(), Vec::new()));
        } else {
            let (key, value) = line.split_once(['=', ':']).ok_or_else(|| wrong("it is no `key = value`"))?;
            let more = || lines.by_ref().next().map(|(_, line)| line);
            let value = value_of(value.trim(), more).ok_or_else(|| wrong("a quote is not closed"))?;
            entries.push(Entry::Pair(unquoted(key.trim()).to_owned(), Node::text(value)));
        }
    }
    sections.retain(|(name, entries)| name != DEFAULT || !entries.is_empty());
    Ok(sections.into_iter().map(|(name, entries)| Entry::Pair(name, Node::Map(entries))).collect())
}

/// A value may stand in quotes, and in triple quotes on several lines.
fn value_of<'a>(value: &str, mut more: impl FnMut() -> Option<&'a str>) -> Option<String> {
    for quote in ["\"\"\"", "`"] {
        let Some(rest) = value.strip_prefix(quote) else { continue };
        let mut text = rest.to_owned();
        while !text.ends_with(quote) {
            text.push('\n');
            text.push_str(more()?);
        }
        text.truncate(text.len() - quote.len());
        return Some(text);
    }
    Some(unquoted(value).to_owned())
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// The text of sections.
///
/// # Errors
/// A value outside of a section, or one that has parts.
pub fn write(entries: &[Entry]) -> Result<String, SopsError> {
    let mut text = String::new();
    for entry in entries {
        match entry {
            Entry::Comment(comment) => text.push_str(&format!("; {comment}\n")),
            Entry::Pair(name, Node::Map(entries)) => {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(&format!("[{name}]\n"));
                section(entries, &mut text)?;
            }
            Entry::Pair(name, _) => return Err(SopsError::Shape(format!("`{name}` stands outside of a section"))),
        }
    }
    Ok(text)
}

fn section(entries: &[Entry], text: &mut String) -> Result<(), SopsError> {
    for entry in entries {
        match entry {
            Entry::Comment(comment) => text.push_str(&format!("; {comment}\n")),
            Entry::Pair(key, node) => text.push_str(&format!("{key} = {}\n", quoted(&word(key, node)?))),
        }
    }
    Ok(())
}

/// As the parser of `sops` reads it back; bare where possible.
fn quoted(text: &str) -> String {
    let bare = text.trim() == text && !text.contains(['\n', '`', ';', '#']) && !text.starts_with('"');
    match (bare, text.contains(['\n', '`'])) {
        (true, _) => text.to_owned(),
        (false, true) => format!("\"\"\"{text}\"\"\""),
        (false, false) => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_go_there_and_back() {
        let text = "[DEFAULT]\ntop = 1\n\n[db]\n; the password\npassword = `a;b`\nkey = \"\"\"one\ntwo\"\"\"\n";
        let entries = read(text).expect("INI");
        assert_eq!(write(&entries).expect("sections"), text);
        let Entry::Pair(_, Node::Map(db)) = &entries[1] else { panic!("a section") };
        assert_eq!(db[1], Entry::Pair("password".into(), Node::text("a;b")));
    }
}
