//! What a file says, in its order, with its comments.

use zeroize::Zeroizing;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Nothing; never encrypted.
    Null,
    /// A text.
    Text(Zeroizing<String>),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A moment (RFC 3339).
    Time(String),
    /// Bytes that are no text.
    Bytes(Zeroizing<Vec<u8>>),
    /// A list.
    List(Vec<Element>),
    /// A map.
    Map(Vec<Entry>),
}

/// Part of a map.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// What stands behind `#`.
    Comment(String),
    /// A key and its value.
    Pair(String, Node),
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Element {
    /// What stands behind `#`.
    Comment(String),
    /// An item.
    Item(Node),
}

impl Node {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }

    /// Bytes; a text where they are one.
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::text(text),
            Err(error) => Self::Bytes(Zeroizing::new(error.into_bytes())),
        }
    }

    /// The bytes that SOPS encrypts and hashes; nothing for what has parts and for null.
    pub fn plain(&self) -> Option<Zeroizing<Vec<u8>>> {
        let text = match self {
            Self::Null | Self::List(_) | Self::Map(_) => return None,
            Self::Text(text) => return Some(Zeroizing::new(text.as_bytes().to_vec())),
            Self::Bytes(bytes) => return Some(bytes.clone()),
            Self::Int(number) => number.to_string(),
            // As Go's `FormatFloat(v, 'f', -1, 64)`: the shortest, never with an exponent.
            Self::Float(number) => number.to_string(),
            // As Python writes them, which SOPS once was.
            Self::Bool(truth) => if *truth { "True" } else { "False" }.to_owned(),
            Self::Time(time) => time.clone(),
        };
        Some(Zeroizing::new(text.into_bytes()))
    }

    /// The value as a secret: texts as they are, numbers as people write them, what has parts as JSON.
    pub fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Null => Zeroizing::new(Vec::new()),
            Self::Bool(truth) => Zeroizing::new(truth.to_string().into_bytes()),
            Self::List(_) | Self::Map(_) => Zeroizing::new(super::json::value(self).to_string().into_bytes()),
            _ => self.plain().expect("a value without parts"),
        }
    }

    /// The word for its type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "text",
            Self::Int(_) | Self::Float(_) => "number",
            Self::Bool(_) => "boolean",
            Self::Time(_) => "time",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }
}

/// The value of a key.
pub fn find<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Node> {
    entries.iter().find_map(|entry| match entry {
        Entry::Pair(name, node) if name == key => Some(node),
        _ => None,
    })
}

/// The value of a key, to be changed.
pub fn find_mut<'a>(entries: &'a mut [Entry], key: &str) -> Option<&'a mut Node> {
    entries.iter_mut().find_map(|entry| match entry {
        Entry::Pair(name, node) if name == key => Some(node),
        _ => None,
    })
}

/// Takes a key out.
pub fn take(entries: &mut Vec<Entry>, key: &str) -> Option<Node> {
    let at = entries.iter().position(|entry| matches!(entry, Entry::Pair(name, _) if name == key))?;
    match entries.remove(at) {
        Entry::Pair(_, node) => Some(node),
        Entry::Comment(_) => None,
    }
}

/// Sets a key, in its place or at the end.
pub fn put(entries: &mut Vec<Entry>, key: &str, node: Node) {
    match find_mut(entries, key) {
        Some(there) => *there = node,
        None => entries.push(Entry::Pair(key.to_owned(), node)),
    }
}

/// The keys of a map.
pub fn keys(entries: &[Entry]) -> impl Iterator<Item = &str> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Pair(name, _) => Some(name.as_str()),
        Entry::Comment(_) => None,
    })
}
