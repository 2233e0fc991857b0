//! The names that scripts can call. Only names: the whole reference takes long to read, and each run needs these.

use super::super::builder::{global_modules, modules};
use rhai::Module;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// Names of our own functions and of those of Rhai's standard library.
pub struct Names {
    /// Called without a module, on a value or not.
    pub plain: BTreeSet<String>,
    /// By module.
    pub modules: BTreeMap<&'static str, BTreeSet<String>>,
    /// How many arguments each of them takes, by its path: `file::put`.
    pub counts: BTreeMap<String, BTreeSet<usize>>,
}

impl Names {
    /// `file::put` and so on.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        self.modules.iter().flat_map(|(module, names)| names.iter().map(move |name| format!("{module}::{name}")))
    }
}

/// See [`Names`].
pub fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = Names { plain: BTreeSet::new(), modules: BTreeMap::new(), counts: BTreeMap::new() };
        for (name, count) in global_modules().iter().flat_map(|module| of_module(module)) {
            names.counts.entry(name.clone()).or_default().insert(count);
            names.plain.insert(name);
        }
        for (module, functions) in modules() {
            let own = names.modules.entry(*module).or_default();
            for (name, count) in of_module(functions) {
                names.counts.entry(format!("{module}::{name}")).or_default().insert(count);
                own.insert(name);
            }
        }
        names
    })
}

/// Names with their numbers of parameters.
fn of_module(module: &Module) -> impl Iterator<Item = (String, usize)> {
    let signatures = module.gen_fn_signatures_with_mapper(Cow::Borrowed);
    // A name with a `$` stands for reading or setting a property.
    signatures.filter_map(|signature| read(&signature)).filter(|(name, _)| !name.contains('$'))
}

/// Name and number of parameters of `put(path: Dynamic, want: Map) -> Done`.
fn read(signature: &str) -> Option<(String, usize)> {
    let (name, rest) = signature.split_once('(')?;
    let mut depth = 0_usize;
    let mut count = usize::from(!rest.trim_start().starts_with(')'));
    for sign in rest.chars() {
        match sign {
            ')' if depth == 0 => break,
            '(' | '<' | '[' => depth += 1,
            ')' | '>' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => count += 1,
            _ => {}
        }
    }
    Some((name.to_owned(), count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_whatever_their_types_are() {
        assert_eq!(read("flush() -> ()"), Some(("flush".into(), 0)));
        assert_eq!(read("put(path: &str, want: Map) -> Result<Done, Box<Error>>"), Some(("put".into(), 2)));
        assert_eq!(read("pair(of: (i64, i64), all: Vec<(u8, u8)>)"), Some(("pair".into(), 2)));
        assert_eq!(names().counts["file::put"], BTreeSet::from([2]));
        assert!(names().counts["play"].is_superset(&BTreeSet::from([2, 3])));
    }
}
