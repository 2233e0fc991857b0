//! `.sops.yaml`: whom the files of a project are encrypted to.

use super::error::SopsError;
use super::recipients::Recipient;
use super::tree::{Element, Entry, Node, find, find_mut, put};
use super::{yaml, yaml_write};
use crate::secret::committed::write_whole;
use regex::Regex;
use std::path::{Path, PathBuf};

/// The rules of a project. `sops` follows the same file.
pub struct Rules {
    path: PathBuf,
    document: Vec<Entry>,
}

/// What a rule says of a file.
pub struct Rule {
    /// Whom it is encrypted to.
    pub recipients: Vec<Recipient>,
    /// Which values are encrypted: `("encrypted_regex", "…")`.
    pub selection: Option<(String, String)>,
}

const SELECTIONS: &[&str] = &["unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex"];

impl Rules {
    /// Its name.
    pub const FILE: &str = ".sops.yaml";

    /// Reads the rules of a project; an empty set when there are none.
    ///
    /// # Errors
    /// A file that is broken.
    pub fn of_project(root: &Path) -> Result<Self, SopsError> {
        let path = root.join(Self::FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(SopsError::Format(format!("cannot read {}: {error}", Self::FILE))),
        };
        let document = yaml::read(&text)?.into_iter().next().unwrap_or_default();
        Ok(Self { path, document })
    }

    /// True when nothing is ruled.
    pub fn is_empty(&self) -> bool {
        self.rules().next().is_none()
    }

    fn rules(&self) -> impl Iterator<Item = &Vec<Entry>> {
        let items = match find(&self.document, "creation_rules") {
            Some(Node::List(items)) => items.as_slice(),
            _ => &[],
        };
        items.iter().filter_map(|item| match item {
            Element::Item(Node::Map(rule)) => Some(rule),
            _ => None,
        })
    }

    /// What is ruled for a file, by its path from the project; the first rule that fits wins.
    ///
    /// # Errors
    /// A rule that is broken.
    pub fn of(&self, file: &str) -> Result<Option<Rule>, SopsError> {
        for rule in self.rules() {
            if fits(rule, file)? {
                return read(rule).map(Some);
            }
        }
        Ok(None)
    }

    /// Adds and removes recipients of the rule for a file; makes the rule when there is none.
    ///
    /// # Errors
    /// A rule that is broken, or would be left without a recipient.
    pub fn change(&mut self, file: &str, add: &[Recipient], remove: &[Recipient]) -> Result<(), SopsError> {
        let known = self.of(file)?.map(|rule| rule.recipients).unwrap_or_default();
        let mut recipients: Vec<Recipient> =
            known.into_iter().filter(|known| !remove.iter().any(|gone| gone.is(known.id()))).collect();
        for new in add {
            if !recipients.iter().any(|known| known.is(new.id())) {
                recipients.push(new.clone());
            }
        }
        if recipients.is_empty() {
            return Err(SopsError::Shape("nobody could read it any more: give another recipient before".into()));
        }
        self.set(file, &recipients)
    }

    fn set(&mut self, file: &str, recipients: &[Recipient]) -> Result<(), SopsError> {
        let lines: Vec<String> = recipients.iter().map(ToString::to_string).collect();
        let text = Node::text(lines.join(",\n"));
        if find(&self.document, "creation_rules").is_none() {
            put(&mut self.document, "creation_rules", Node::List(Vec::new()));
        }
        let Some(Node::List(items)) = find_mut(&mut self.document, "creation_rules") else {
            return Err(SopsError::Format(format!("`creation_rules` in {} is no list", Self::FILE)));
        };
        for item in items.iter_mut() {
            if let Element::Item(Node::Map(rule)) = item
                && fits(rule, file)?
            {
                put(rule, "age", text);
                return Ok(());
            }
        }
        let rule = vec![Entry::Pair("path_regex".into(), Node::text(PATTERN)), Entry::Pair("age".into(), text)];
        items.push(Element::Item(Node::Map(rule)));
        Ok(())
    }

    /// Writes them.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self) -> std::io::Result<()> {
        write_whole(&self.path, yaml_write::write(std::slice::from_ref(&self.document)).as_bytes())
    }
}

/// The files that rhapsode keeps.
const PATTERN: &str = r"secrets/.*\.sops\.[a-z]+$";

fn text<'a>(rule: &'a [Entry], key: &str) -> Option<&'a str> {
    match find(rule, key)? {
        Node::Text(text) => Some(text),
        _ => None,
    }
}

fn fits(rule: &[Entry], file: &str) -> Result<bool, SopsError> {
    let Some(pattern) = text(rule, "path_regex") else { return Ok(true) };
    let expression = Regex::new(pattern);
    let expression = expression.map_err(|_| {
        SopsError::Format(format!("`path_regex` in {} is no regular expression: `{pattern}`", Rules::FILE))
    })?;
    Ok(expression.is_match(file))
}

fn read(rule: &[Entry]) -> Result<Rule, SopsError> {
    let listed: Vec<&str> = match find(rule, "age") {
        Some(Node::Text(text)) => text.split(',').collect(),
        Some(Node::List(items)) => items
            .iter()
            .filter_map(|item| match item {
                Element::Item(Node::Text(text)) => Some(text.as_str()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let recipients =
        listed.into_iter().filter(|one| !one.trim().is_empty()).map(str::parse).collect::<Result<_, _>>()?;
    let selection = SELECTIONS.iter().find_map(|key| Some(((*key).to_owned(), text(rule, key)?.to_owned())));
    Ok(Rule { recipients, selection })
}
