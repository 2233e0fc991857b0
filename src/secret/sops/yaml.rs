//! YAML as SOPS reads it: order and comments count.

use super::error::SopsError;
use super::tree::{Element, Entry, Node, find};
use base64::Engine;
use granit_parser::{Event, Parser, ScalarStyle};

/// Reads the documents of a text.
///
/// # Errors
/// [`SopsError::Syntax`] with the line; aliases and tags that mean nothing here are refused.
pub fn read(text: &str) -> Result<Vec<Vec<Entry>>, SopsError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(error.marker().line(), error.info()))?;
        builder.take(event).map_err(|problem| syntax(span.start.line(), problem))?;
    }
    Ok(builder.documents)
}

fn syntax(line: usize, problem: impl Into<String>) -> SopsError {
    SopsError::Syntax { line, problem: problem.into() }
}

#[derive(Default)]
struct Builder {
    documents: Vec<Vec<Entry>>,
    open: Vec<Frame>,
    /// Comments before the first node of a document.
    pending: Vec<String>,
}

enum Frame {
    Map { entries: Vec<Entry>, key: Option<String> },
    List(Vec<Element>),
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Comment(text, _) => self.comment(text.into_owned()),
            Event::Scalar(text, style, _, tag) => {
                let tag = tag.map(|tag| tag.suffix().to_owned());
                let node = scalar(&text, style == ScalarStyle::Plain, tag.as_deref())?;
                self.scalar(text.into_owned(), node)?;
            }
            Event::MappingStart(..) => {
                let entries = std::mem::take(&mut self.pending).into_iter().map(Entry::Comment).collect();
                self.open(Frame::Map { entries, key: None })?;
            }
            Event::SequenceStart(..) => self.open(Frame::List(Vec::new()))?,
            Event::MappingEnd | Event::SequenceEnd => self.close()?,
            Event::Alias(..) => return Err("aliases are not supported: write the value out".into()),
            _ => {}
        }
        Ok(())
    }

    fn comment(&mut self, text: String) {
        match self.open.last_mut() {
            Some(Frame::Map { entries, .. }) => entries.push(Entry::Comment(text)),
            Some(Frame::List(items)) => items.push(Element::Comment(text)),
            // Behind a document it belongs to its end.
            None => match self.documents.last_mut() {
                Some(document) => document.push(Entry::Comment(text)),
                None => self.pending.push(text),
            },
        }
    }

    fn open(&mut self, frame: Frame) -> Result<(), String> {
        if let Some(Frame::Map { key: None, .. }) = self.open.last() {
            return Err("a key must be a text".into());
        }
        self.open.push(frame);
        Ok(())
    }

    fn scalar(&mut self, text: String, node: Node) -> Result<(), String> {
        if let Some(Frame::Map { entries, key: key @ None }) = self.open.last_mut() {
            if find(entries, &text).is_some() {
                return Err(format!("the key `{text}` stands twice"));
            }
            *key = Some(text);
            return Ok(());
        }
        self.put(node)
    }

    fn put(&mut self, node: Node) -> Result<(), String> {
        match self.open.last_mut() {
            Some(Frame::Map { entries, key }) => {
                let key = key.take().ok_or("a value without a key")?;
                entries.push(Entry::Pair(key, node));
            }
            Some(Frame::List(items)) => items.push(Element::Item(node)),
            None => match node {
                Node::Map(entries) => self.documents.push(entries),
                Node::Null => self.documents.push(Vec::new()),
                _ => return Err("a document is a map".into()),
            },
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        match self.open.pop() {
            Some(Frame::Map { entries, .. }) => self.put(Node::Map(entries)),
            Some(Frame::List(items)) => self.put(Node::List(items)),
            None => Err("a bracket too many".into()),
        }
    }
}

/// YAML 1.2, core schema; what an editor of secrets may mean otherwise (`0644`, `yes`) stays a text.
fn scalar(text: &str, plain: bool, tag: Option<&str>) -> Result<Node, String> {
    match tag {
        None if !plain => return Ok(Node::text(text)),
        None => {}
        Some("str") => return Ok(Node::text(text)),
        Some("binary") => {
            let packed: String = text.split_whitespace().collect();
            let bytes = base64::engine::general_purpose::STANDARD.decode(packed);
            return bytes.map(Node::of_bytes).map_err(|_| "`!!binary` is followed by no base64".into());
        }
        Some("int" | "float" | "bool" | "null" | "timestamp") => {}
        Some(other) => return Err(format!("the tag `{other}` means nothing here")),
    }
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Node::Null,
        "true" | "True" | "TRUE" => Node::Bool(true),
        "false" | "False" | "FALSE" => Node::Bool(false),
        _ => number(text).or_else(|| time(text)).unwrap_or_else(|| Node::text(text)),
    })
}

fn number(text: &str) -> Option<Node> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return (digits == "0" || !digits.starts_with('0')).then(|| text.parse().ok().map(Node::Int)).flatten();
    }
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find(|(prefix, _)| text.starts_with(prefix));
    if let Some((prefix, radix)) = radix {
        return i64::from_str_radix(&text[prefix.len()..], radix).ok().map(Node::Int);
    }
    let clean = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let number: f64 = clean.then(|| text.parse().ok()).flatten()?;
    number.is_finite().then_some(Node::Float(number))
}

/// `2026-01-31` and RFC 3339, as other implementations take them for a time.
fn time(text: &str) -> Option<Node> {
    if text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok() {
        return Some(Node::Time(format!("{text}T00:00:00Z")));
    }
    let shape = text.len() >= 20 && text.as_bytes()[4] == b'-' && text.as_bytes()[10] == b'T';
    (shape && text.parse::<jiff::Timestamp>().is_ok()).then(|| Node::Time(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::sops::tree::keys;

    #[test]
    fn types_are_those_of_yaml_and_what_is_doubtful_stays_text() {
        let text = "a: 1\nb: 1.5\nc: true\nd: null\ne: \"1\"\nf: 0644\ng: yes\nh: 2026-01-31\ni: -7\nj: ''\nk: 1e3\n";
        let document = read(text).expect("YAML").remove(0);
        let expected = [
            Node::Int(1),
            Node::Float(1.5),
            Node::Bool(true),
            Node::Null,
            Node::text("1"),
            Node::text("0644"),
            Node::text("yes"),
            Node::Time("2026-01-31T00:00:00Z".into()),
            Node::Int(-7),
            Node::text(""),
            Node::Float(1000.0),
        ];
        for (key, expected) in keys(&document).zip(&expected) {
            assert_eq!(find(&document, key), Some(expected), "{key}");
        }
    }

    #[test]
    fn comments_keep_their_place() {
        let text = "# top\na: 1 # behind\nlist:\n  # in the list\n  - x\n# last\n";
        let document = read(text).expect("YAML").remove(0);
        assert_eq!(document[0], Entry::Comment(" top".into()));
        assert_eq!(document[2], Entry::Comment(" behind".into()));
        let Some(Node::List(items)) = find(&document, "list") else { panic!("a list") };
        assert!(items.contains(&Element::Item(Node::text("x"))));
        let all = format!("{document:?}");
        assert!(all.contains("in the list") && all.contains("last"), "{all}");
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_its_line() {
        for (text, line) in
            [("a: &x 1\nb: *x\n", 2), ("a: 1\na: 2\n", 2), ("a: [1\n", 2), ("- 1\n", 1), ("a: !x 1\n", 1)]
        {
            let Err(SopsError::Syntax { line: found, .. }) = read(text) else { panic!("{text:?} is refused") };
            assert!(found.abs_diff(line) <= 1, "{text:?}: {found}");
        }
    }
}
