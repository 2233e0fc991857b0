//! Which value of a file is meant: `db.password`, `users[0].name`.

use super::error::SopsError;
use super::tree::{Element, Entry, Node, find, find_mut, keys, put, take};
use std::fmt;

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    At(usize),
}

/// Steps from the top of a file to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPath(Vec<Step>);

impl KeyPath {
    /// Reads `a.b[0]`; `["a.b"]` is a key with a dot.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SopsError> {
        let wrong = || SopsError::Shape(format!("`{text}` is no path: write `key.key[0]`, or `[\"a key\"]`"));
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix("[\"") {
                let (key, after) = quoted.split_once("\"]").ok_or_else(wrong)?;
                steps.push(Step::Key(key.to_owned()));
                rest = after;
            } else if let Some(number) = rest.strip_prefix('[') {
                let (number, after) = number.split_once(']').ok_or_else(wrong)?;
                steps.push(Step::At(number.parse().map_err(|_| wrong())?));
                rest = after;
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let key = &rest[..end];
                if key.is_empty() {
                    return Err(wrong());
                }
                steps.push(Step::Key(key.to_owned()));
                rest = &rest[end..];
            }
            rest = match rest.strip_prefix('.') {
                Some("") => return Err(wrong()),
                Some(after) => after,
                None => rest,
            };
        }
        if steps.is_empty() { Err(wrong()) } else { Ok(Self(steps)) }
    }

    /// One key at the top, whatever it looks like.
    pub fn key(key: impl Into<String>) -> Self {
        Self(vec![Step::Key(key.into())])
    }

    /// The value in a map.
    ///
    /// # Errors
    /// [`SopsError::Missing`] with what is there instead.
    pub fn get<'a>(&self, entries: &'a [Entry]) -> Result<&'a Node, SopsError> {
        let (first, rest) = self.0.split_first().expect("a path has a step");
        let mut node = match first {
            Step::Key(key) => find(entries, key).ok_or_else(|| self.missing(entries))?,
            Step::At(_) => return Err(self.missing(entries)),
        };
        for step in rest {
            node = match (node, step) {
                (Node::Map(entries), Step::Key(key)) => find(entries, key).ok_or_else(|| self.missing(entries))?,
                (Node::List(items), Step::At(at)) => item(items, *at).ok_or_else(|| self.missing(&[]))?,
                _ => return Err(self.missing(&[])),
            };
        }
        Ok(node)
    }

    fn missing(&self, siblings: &[Entry]) -> SopsError {
        let last = self.0.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::At(_) => None,
        });
        let near = keys(siblings).find(|key| last.is_some_and(|last| alike(key, last))).map(str::to_owned);
        SopsError::Missing { path: self.to_string(), near }
    }

    /// Sets a value; maps above it are made.
    ///
    /// # Errors
    /// [`SopsError::Shape`] where something else than a map stands in the way.
    pub fn set(&self, entries: &mut Vec<Entry>, value: Node) -> Result<(), SopsError> {
        let (last, above) = self.0.split_last().expect("a path has a step");
        let mut map = entries;
        for step in above {
            let Step::Key(key) = step else { return Err(self.in_the_way("lists are changed by `secret edit`")) };
            if find(map, key).is_none() {
                put(map, key, Node::Map(Vec::new()));
            }
            map = match find_mut(map, key) {
                Some(Node::Map(inner)) => inner,
                _ => return Err(self.in_the_way(&format!("`{key}` is a value, not a map"))),
            };
        }
        let Step::Key(key) = last else { return Err(self.in_the_way("lists are changed by `secret edit`")) };
        if matches!(find(map, key), Some(Node::Map(_) | Node::List(_))) {
            return Err(self.in_the_way("it holds more than one value"));
        }
        put(map, key, value);
        Ok(())
    }

    fn in_the_way(&self, why: &str) -> SopsError {
        SopsError::Shape(format!("cannot set `{self}`: {why}"))
    }

    /// Takes a value out; maps that are empty then go too. False when there is none.
    pub fn remove(&self, entries: &mut Vec<Entry>) -> bool {
        remove(entries, &self.0)
    }
}

fn remove(entries: &mut Vec<Entry>, steps: &[Step]) -> bool {
    match steps {
        [Step::Key(key)] => take(entries, key).is_some(),
        [Step::Key(key), rest @ ..] => {
            let Some(Node::Map(inner)) = find_mut(entries, key) else { return false };
            let removed = remove(inner, rest);
            if inner.is_empty() {
                take(entries, key);
            }
            removed
        }
        _ => false,
    }
}

fn item(items: &[Element], at: usize) -> Option<&Node> {
    let mut nodes = items.iter().filter_map(|item| match item {
        Element::Item(node) => Some(node),
        Element::Comment(_) => None,
    });
    nodes.nth(at)
}

/// Near enough to be meant: `username` for `user`, `passwrod` for `password`.
fn alike(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one) || strsim::jaro_winkler(one, other) > 0.85
}

/// Every value of a map with its path, in order.
pub fn leaves(entries: &[Entry], above: &str, found: &mut Vec<(String, &'static str)>) {
    for entry in entries {
        let Entry::Pair(key, node) = entry else { continue };
        let key = if key.contains(['.', '[']) || key.is_empty() { format!("[\"{key}\"]") } else { key.clone() };
        let path = match above {
            "" => key,
            above if key.starts_with('[') => format!("{above}{key}"),
            above => format!("{above}.{key}"),
        };
        match node {
            Node::Map(inner) if !inner.is_empty() => leaves(inner, &path, found),
            other => found.push((path, other.kind())),
        }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if key.contains(['.', '[']) => write!(f, "[\"{key}\"]")?,
                Step::Key(key) if at > 0 => write!(f, ".{key}")?,
                Step::Key(key) => f.write_str(key)?,
                Step::At(at) => write!(f, "[{at}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Vec<Entry> {
        super::super::yaml::read("db:\n  username: ada\n  ports: [1, 2]\n\"a.b\": dotted\n").expect("YAML").remove(0)
    }

    #[test]
    fn a_path_leads_to_its_value() {
        let tree = tree();
        for (path, value) in
            [("db.username", Node::text("ada")), ("db.ports[1]", Node::Int(2)), ("[\"a.b\"]", Node::text("dotted"))]
        {
            let parsed = KeyPath::parse(path).expect("a path");
            assert_eq!(parsed.get(&tree).expect("there"), &value);
            assert_eq!(parsed.to_string(), path);
        }
        for bad in ["", ".", "a.", "a..b", "a[x]", "a[0"] {
            assert!(KeyPath::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_missing_key_is_told_with_what_is_meant() {
        let error = KeyPath::parse("db.user").expect("a path").get(&tree()).expect_err("missing");
        assert_eq!(error.hint().as_deref(), Some("did you mean `username`?"));
    }

    #[test]
    fn setting_makes_maps_and_removing_takes_them_away() {
        let mut tree = tree();
        let path = KeyPath::parse("new.deep.key").expect("a path");
        path.set(&mut tree, Node::text("x")).expect("room");
        assert_eq!(path.get(&tree).expect("set"), &Node::text("x"));
        assert!(path.remove(&mut tree) && !path.remove(&mut tree));
        assert!(find(&tree, "new").is_none());
        assert!(KeyPath::parse("db").expect("a path").set(&mut tree, Node::Null).is_err());
        assert!(KeyPath::parse("db.username.x").expect("a path").set(&mut tree, Node::Null).is_err());
    }
}
