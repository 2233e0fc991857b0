//! From a tree to an encrypted one and back, with the MAC over its leaves.

use super::cipher::{self, DataKey, Stash};
use super::error::SopsError;
use super::metadata::Selection;
use super::tree::{Element, Entry, Node};
use sha2::{Digest, Sha512};

/// `sha256("sops")`: makes a MAC over encrypted values alone differ from one over all.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b, 0x97, 0x5b,
    0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// One walk over a file.
pub struct Walk<'a> {
    key: &'a DataKey,
    selection: &'a Selection,
    stash: &'a mut Stash,
    direction: Direction,
    hash: Sha512,
    path: Vec<String>,
    comments: Vec<Vec<String>>,
}

/// What a walk does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Clear to encrypted.
    Seal,
    /// Encrypted to clear.
    Open,
}

impl<'a> Walk<'a> {
    /// A walk over documents, in their order.
    pub fn new(key: &'a DataKey, selection: &'a Selection, stash: &'a mut Stash, direction: Direction) -> Self {
        let mut hash = Sha512::new();
        if selection.mac_only_encrypted {
            hash.update(ONLY_ENCRYPTED);
        }
        Self { key, selection, stash, direction, hash, path: Vec::new(), comments: Vec::new() }
    }

    /// The MAC of all that was walked, in upper-case hexadecimal.
    pub fn mac(self) -> String {
        self.hash.finalize().iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// One map.
    pub fn map(&mut self, entries: &[Entry]) -> Result<Vec<Entry>, SopsError> {
        self.comments.push(Vec::new());
        let mut walked = Vec::with_capacity(entries.len());
        for entry in entries {
            walked.push(match entry {
                Entry::Comment(text) => Entry::Comment(self.comment(text)?),
                Entry::Pair(name, node) => {
                    self.path.push(name.clone());
                    let node = self.node(node)?;
                    self.path.pop();
                    self.forget_comments();
                    Entry::Pair(name.clone(), node)
                }
            });
        }
        self.comments.pop();
        Ok(walked)
    }

    fn node(&mut self, node: &Node) -> Result<Node, SopsError> {
        match node {
            Node::Null => Ok(Node::Null),
            Node::Map(entries) => self.map(entries).map(Node::Map),
            Node::List(items) => self.list(items).map(Node::List),
            leaf => self.leaf(leaf),
        }
    }

    fn list(&mut self, items: &[Element]) -> Result<Vec<Element>, SopsError> {
        self.comments.push(Vec::new());
        let mut walked = Vec::with_capacity(items.len());
        for item in items {
            walked.push(match item {
                Element::Comment(text) => Element::Comment(self.comment(text)?),
                Element::Item(node) => {
                    let node = self.node(node)?;
                    self.forget_comments();
                    Element::Item(node)
                }
            });
        }
        self.comments.pop();
        Ok(walked)
    }

    fn forget_comments(&mut self) {
        self.comments.last_mut().expect("inside of a map or list").clear();
    }

    /// Where a value stands, as it is authenticated.
    fn aad(&self) -> String {
        format!("{}:", self.path.join(":"))
    }

    fn leaf(&mut self, leaf: &Node) -> Result<Node, SopsError> {
        let encrypted = self.selection.encrypts(&self.path, &self.comments, false);
        let (clear, walked) = match (encrypted, self.direction) {
            (false, _) => (leaf.clone(), leaf.clone()),
            (true, Direction::Seal) => (leaf.clone(), self.encrypt(leaf)),
            (true, Direction::Open) => {
                let clear = self.decrypt(leaf)?;
                (clear.clone(), clear)
            }
        };
        if encrypted || !self.selection.mac_only_encrypted {
            self.hash.update(&*clear.plain().expect("a leaf"));
        }
        Ok(walked)
    }

    fn encrypt(&mut self, leaf: &Node) -> Node {
        let plain = leaf.plain().expect("a leaf");
        // An empty text stays bare; so do other implementations.
        if plain.is_empty() {
            return leaf.clone();
        }
        Node::text(self.key.encrypt(&plain, cipher::kind(leaf), &self.aad(), self.stash))
    }

    fn decrypt(&mut self, leaf: &Node) -> Result<Node, SopsError> {
        let broken = || SopsError::Value { path: self.path.join(".") };
        match leaf {
            Node::Text(text) if text.is_empty() => Ok(leaf.clone()),
            Node::Text(text) => {
                let (plain, kind) = self.key.decrypt(text, &self.aad(), self.stash).map_err(|_| broken())?;
                cipher::node(&plain, kind).ok_or_else(broken)
            }
            _ => Err(broken()),
        }
    }

    /// Comments are encrypted like values and left out of the MAC.
    fn comment(&mut self, text: &str) -> Result<String, SopsError> {
        let aad = self.aad();
        let last = self.comments.last_mut().expect("inside of a map or list");
        let mut clear = text.to_owned();
        if self.direction == Direction::Open && cipher::is_encrypted(text) {
            let opened = self.key.decrypt(text, &aad, self.stash).ok().filter(|(_, kind)| *kind == "comment");
            let plain = opened.and_then(|(plain, _)| String::from_utf8(plain.to_vec()).ok());
            clear = plain.ok_or_else(|| SopsError::Value { path: format!("{} (a comment)", self.path.join(".")) })?;
        }
        last.push(clear.clone());
        let encrypted = self.selection.encrypts(&self.path, &self.comments, true);
        Ok(match self.direction {
            Direction::Seal if encrypted && !clear.is_empty() => {
                self.key.encrypt(clear.as_bytes(), "comment", &aad, self.stash)
            }
            _ => clear,
        })
    }
}
