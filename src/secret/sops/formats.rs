//! The formats of files: where the tree is, and where the `sops` block.

use super::error::SopsError;
use super::tree::{Entry, Node, find, take};
use super::{ini, json, lines, yaml, yaml_write};
use std::path::Path;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.yaml`, `.yml`
    Yaml,
    /// `.json`
    Json,
    /// `.env`
    Dotenv,
    /// `.ini`
    Ini,
    /// Anything else: one value, wrapped in JSON.
    Binary,
}

/// Documents, and the block that the first of them has.
pub type Parsed = (Vec<Vec<Entry>>, Option<Vec<Entry>>);

const BLOCK: &str = "sops";

impl Format {
    /// By the name of the file.
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("yaml" | "yml") => Self::Yaml,
            Some("json") => Self::Json,
            Some("env") => Self::Dotenv,
            Some("ini") => Self::Ini,
            _ => Self::Binary,
        }
    }

    /// The word that the `sops` program has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Dotenv => "dotenv",
            Self::Ini => "ini",
            Self::Binary => "binary",
        }
    }

    /// Reads an encrypted file.
    ///
    /// # Errors
    /// [`SopsError::Syntax`], or a block that is none.
    pub fn read_encrypted(self, bytes: &[u8]) -> Result<Parsed, SopsError> {
        if let Some(line) = bytes.split(|byte| *byte == b'\n').position(|line| line.starts_with(b"<<<<<<< ")) {
            return Err(SopsError::Merged(line + 1));
        }
        let mut documents = match self {
            Self::Binary => vec![json::read(text(bytes)?)?],
            other => other.read_clear(bytes)?,
        };
        let block = match self {
            Self::Dotenv => flat_block(&mut documents),
            Self::Ini => match documents.first_mut().and_then(|document| take(document, BLOCK)) {
                Some(Node::Map(flat)) => Some(lines::unflatten(&flat)?),
                _ => None,
            },
            _ => {
                let mut blocks = documents.iter_mut().map(|document| take(document, BLOCK)).collect::<Vec<_>>();
                match blocks.first_mut().and_then(Option::take) {
                    Some(Node::Map(block)) => Some(block),
                    Some(_) => return Err(SopsError::Format("the `sops` block is no map".into())),
                    None => None,
                }
            }
        };
        let block = match (self, block) {
            (Self::Dotenv, Some(flat)) => Some(lines::unflatten(&flat)?),
            (_, block) => block,
        };
        Ok((documents, block))
    }

    /// Reads a file as an editor has it.
    ///
    /// # Errors
    /// [`SopsError::Syntax`].
    pub fn read_clear(self, bytes: &[u8]) -> Result<Vec<Vec<Entry>>, SopsError> {
        Ok(match self {
            Self::Yaml => match yaml::read(text(bytes)?)? {
                none if none.is_empty() => vec![Vec::new()],
                documents => documents,
            },
            Self::Json => vec![json::read(text(bytes)?)?],
            Self::Dotenv => vec![lines::read(text(bytes)?)?],
            Self::Ini => vec![ini::read(text(bytes)?)?],
            Self::Binary => vec![vec![Entry::Pair("data".into(), Node::of_bytes(bytes.to_vec()))]],
        })
    }

    /// Writes an encrypted file.
    ///
    /// # Errors
    /// A value that the format does not have.
    pub fn write_encrypted(self, documents: &[Vec<Entry>], block: &[Entry]) -> Result<Vec<u8>, SopsError> {
        let with = |document: &Vec<Entry>, block: Node| {
            let mut all = document.clone();
            all.push(Entry::Pair(BLOCK.into(), block));
            all
        };
        let first = documents.first().cloned().unwrap_or_default();
        let whole = || Node::Map(block.to_vec());
        Ok(match self {
            Self::Yaml => {
                let all: Vec<_> = documents.iter().map(|document| with(document, whole())).collect();
                yaml_write::write(&all)
            }
            Self::Json | Self::Binary => json::write(&with(&first, whole())),
            Self::Dotenv => {
                let prefixed = lines::flatten(block).into_iter().map(|entry| match entry {
                    Entry::Pair(key, node) => Entry::Pair(format!("{}{key}", lines::PREFIX), node),
                    comment => comment,
                });
                lines::write(&first.into_iter().chain(prefixed).collect::<Vec<_>>())?
            }
            Self::Ini => {
                let flat = lines::flatten(block).into_iter().map(|entry| match entry {
                    Entry::Pair(key, Node::Text(text)) => Entry::Pair(key, Node::text(text.replace('\n', "\\n"))),
                    other => other,
                });
                ini::write(&with(&first, Node::Map(flat.collect())))?
            }
        }
        .into_bytes())
    }

    /// Writes a file for an editor.
    ///
    /// # Errors
    /// A value that the format does not have.
    pub fn write_clear(self, documents: &[Vec<Entry>]) -> Result<Vec<u8>, SopsError> {
        let first = documents.first().cloned().unwrap_or_default();
        Ok(match self {
            Self::Yaml => yaml_write::write(documents).into_bytes(),
            Self::Json => json::write(&first).into_bytes(),
            Self::Dotenv => lines::write(&first)?.into_bytes(),
            Self::Ini => ini::write(&first)?.into_bytes(),
            Self::Binary => find(&first, "data").map(|node| node.to_secret().to_vec()).unwrap_or_default(),
        })
    }
}

fn flat_block(documents: &mut [Vec<Entry>]) -> Option<Vec<Entry>> {
    let document = documents.first_mut()?;
    let of_block = |entry: &Entry| matches!(entry, Entry::Pair(key, _) if key.starts_with(lines::PREFIX));
    let block: Vec<Entry> = document.iter().filter(|entry| of_block(entry)).cloned().collect();
    document.retain(|entry| !of_block(entry));
    let stripped = block.into_iter().map(|entry| match entry {
        Entry::Pair(key, node) => Entry::Pair(key[lines::PREFIX.len()..].to_owned(), node),
        comment => comment,
    });
    let stripped: Vec<Entry> = stripped.collect();
    (!stripped.is_empty()).then_some(stripped)
}

fn text(bytes: &[u8]) -> Result<&str, SopsError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        SopsError::Syntax { line, problem: "it is no text".into() }
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
