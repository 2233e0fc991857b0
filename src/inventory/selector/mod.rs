//! Selectors: `web & !db1`, `db*`, `@failed`.
//!
//! A selector is a name of a host or group, a glob over both, a range `web-[01..03]`, `all`, or `@failed`; `!` takes
//! the others, `&` what both sides have, `|` and `,` what either has; `!` binds closest, then `&`. Parentheses group.

mod parse;

use super::{Inventory, name, nearest};
use globset::{GlobBuilder, GlobMatcher};
use std::collections::HashSet;

/// Gives the hosts that failed or were unreachable in the last run; asked only where `@failed` stands.
pub type FailedHosts<'a> = dyn Fn() -> Vec<String> + 'a;

/// A parsed selector.
#[derive(Debug, Clone)]
pub struct Selector {
    text: String,
    root: Term,
}

/// Why a selector selects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// It cannot be parsed.
    #[error("{message} at column {column} of the selector `{selector}`")]
    Syntax {
        /// The selector.
        selector: String,
        /// What is wrong.
        message: String,
        /// Counted in characters from 1.
        column: usize,
        /// Something to do.
        hint: String,
    },
    /// It names what the inventory does not have.
    #[error("unknown host or group `{name}` at column {column} of the selector `{selector}`")]
    Unknown {
        /// The selector.
        selector: String,
        /// The name.
        name: String,
        /// Counted in characters from 1.
        column: usize,
        /// Something to do.
        hint: String,
    },
    /// It is right, and no host is left.
    #[error("no host matches `{selector}`")]
    NoMatch {
        /// The selector.
        selector: String,
        /// Something to do.
        hint: String,
    },
}

impl SelectorError {
    /// Something to do.
    pub fn hint(&self) -> &str {
        match self {
            Self::Syntax { hint, .. } | Self::Unknown { hint, .. } | Self::NoMatch { hint, .. } => hint,
        }
    }

    /// True when the selector is right and only matches nothing.
    pub fn is_no_match(&self) -> bool {
        matches!(self, Self::NoMatch { .. })
    }
}

#[derive(Debug, Clone)]
enum Term {
    Name { name: String, column: usize },
    Names { names: Vec<String>, column: usize },
    Glob { glob: GlobMatcher },
    Failed,
    Not(Box<Term>),
    And(Vec<Term>),
    Or(Vec<Term>),
}

impl Selector {
    /// Parses a selector.
    ///
    /// # Errors
    /// [`SelectorError::Syntax`] with the column.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        Ok(Self { text: text.to_owned(), root: parse::parse(text)? })
    }

    /// The text it was parsed from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the hosts it selects, in inventory order.
    ///
    /// # Errors
    /// [`SelectorError::Unknown`] for a name the inventory does not have; [`SelectorError::NoMatch`] when no host is
    /// left.
    pub fn select(&self, inventory: &Inventory, failed: &FailedHosts) -> Result<Vec<String>, SelectorError> {
        let selected = Evaluation { selector: &self.text, inventory, failed }.term(&self.root)?;
        let names = inventory.hosts.keys().filter(|name| selected.contains(name.as_str()));
        let names: Vec<String> = names.cloned().collect();
        if names.is_empty() { Err(self.no_match(inventory)) } else { Ok(names) }
    }

    fn no_match(&self, inventory: &Inventory) -> SelectorError {
        let hint = match (inventory.hosts.is_empty(), &self.root) {
            (true, _) => "the inventory has no host",
            (_, Term::Failed) => "no host failed in the last run",
            _ => "`inventory graph` shows who is in which group",
        };
        SelectorError::NoMatch { selector: self.text.clone(), hint: hint.to_owned() }
    }
}

struct Evaluation<'a> {
    selector: &'a str,
    inventory: &'a Inventory,
    failed: &'a FailedHosts<'a>,
}

type Names<'a> = HashSet<&'a str>;

impl<'a> Evaluation<'a> {
    fn term(&self, term: &Term) -> Result<Names<'a>, SelectorError> {
        match term {
            Term::Name { name, column } => self.name(name, *column),
            Term::Names { names, column } => {
                let mut each = names.iter().map(|name| self.name(name, *column));
                each.try_fold(Names::new(), |all, some| Ok(&all | &some?))
            }
            Term::Glob { glob } => Ok(self.glob(glob)),
            Term::Failed => {
                let failed: HashSet<String> = (self.failed)().into_iter().collect();
                Ok(self.hosts().filter(|name| failed.contains(*name)).collect())
            }
            Term::Not(inner) => {
                let inner = self.term(inner)?;
                Ok(self.hosts().filter(|name| !inner.contains(name)).collect())
            }
            Term::And(terms) => {
                terms.iter().try_fold(self.hosts().collect(), |all: Names<'a>, term| Ok(&all & &self.term(term)?))
            }
            Term::Or(terms) => terms.iter().try_fold(Names::new(), |all, term| Ok(&all | &self.term(term)?)),
        }
    }

    fn hosts(&self) -> impl Iterator<Item = &'a str> {
        self.inventory.hosts.keys().map(String::as_str)
    }

    fn name(&self, name: &str, column: usize) -> Result<Names<'a>, SelectorError> {
        if let Some(group) = self.inventory.groups.get(name) {
            return Ok(group.members.iter().map(String::as_str).collect());
        }
        if let Some((host, _)) = self.inventory.hosts.get_key_value(name) {
            return Ok(Names::from([host.as_str()]));
        }
        let known = self.inventory.groups.keys().map(String::as_str).chain(self.hosts());
        let hint = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`inventory graph` shows every host and group".to_owned(),
        };
        let selector = self.selector.to_owned();
        Err(SelectorError::Unknown { selector, name: name.to_owned(), column, hint })
    }

    fn glob(&self, glob: &GlobMatcher) -> Names<'a> {
        let groups = self.inventory.groups.values().filter(|group| glob.is_match(&group.name));
        let members = groups.flat_map(|group| &group.members).map(String::as_str);
        members.chain(self.hosts().filter(|name| glob.is_match(name))).collect()
    }
}

/// A word of a selector: a name, a range, a glob or `@failed`.
fn word(text: &str, column: usize) -> Result<Term, (String, String)> {
    if let Some(special) = text.strip_prefix('@') {
        return match special {
            "failed" => Ok(Term::Failed),
            _ => Err((format!("`@{special}` is nothing known"), "`@failed` is the only one".to_owned())),
        };
    }
    if name::is_range(text) {
        let names = name::expand(text, &super::Spot::whole(""));
        let names = names.map_err(|error| (error.message, error.hint.unwrap_or_default()))?;
        return Ok(Term::Names { names, column });
    }
    if text.contains(['*', '?', '[']) {
        let glob = GlobBuilder::new(text).literal_separator(false).backslash_escape(false).build();
        let glob = glob
            .map_err(|error| (format!("`{text}` is no glob: {}", error.kind()), "as in `db*` or `web-[12]`".into()))?;
        return Ok(Term::Glob { glob: glob.compile_matcher() });
    }
    Ok(Term::Name { name: text.to_owned(), column })
}
