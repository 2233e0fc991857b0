//! The shape of calls: as many arguments as a function takes, and a map where one belongs.

use super::reference::{Function, functions, in_words, names};
use super::refused::ways;
use rhai::{AST, Expr};
use std::collections::BTreeMap;

/// The functions that a script defines, each with the names of its parameters.
#[derive(Default)]
pub(super) struct Functions(BTreeMap<String, Vec<Vec<String>>>);

impl Functions {
    /// Those of a script.
    pub fn of(ast: &AST) -> Self {
        let mut functions = Self::default();
        for function in ast.iter_functions() {
            let parameters = function.params.iter().map(|name| (*name).to_owned()).collect();
            functions.0.entry(function.name.to_owned()).or_default().push(parameters);
        }
        functions
    }

    /// True when there is one of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Message and hint, when no function of this name takes as many arguments.
    pub fn misfit(&self, name: &str, given: usize) -> Option<(String, String)> {
        let own = self.0.get(name)?;
        if own.iter().any(|parameters| parameters.len() == given) {
            return None;
        }
        let ways: Vec<String> = own.iter().map(|names| format!("`{name}({})`", names.join(", "))).collect();
        let message = takes(name, own.iter().map(Vec::len).collect(), given);
        Some((message, format!("it is defined as {}", ways.join(" or "))))
    }
}

/// The same for a function of the language, which one of the script's own may overload.
pub(super) fn misfit(path: &str, given: usize, own: &Functions) -> Option<(String, String)> {
    let Some(counts) = names().counts.get(path) else {
        return own.misfit(path, given);
    };
    if counts.contains(&given) || own.contains(path) && own.misfit(path, given).is_none() {
        return None;
    }
    Some((takes(path, counts.iter().copied().collect(), given), ways(path)))
}

/// Message and hint for a constant that stands where an operation takes the map of its arguments.
pub(super) fn no_map(operation: &str, given: &Expr) -> Option<(String, String)> {
    let value = given.get_literal_value(None).filter(|value| !value.is_map())?;
    let second = |one: &Function| one.signature.split(", ").nth(1).is_some_and(|parameter| parameter.contains(": map"));
    // `ssh::krl(path, ca, want)` has another target there.
    let mut ways = functions().iter().filter(|one| one.path() == operation && one.parameters > 1);
    if !ways.all(second) {
        return None;
    }
    let what = in_words(value.type_name());
    let message = format!("`{operation}` takes its arguments in a map, not {what}");
    Some((message, format!("write `#{{ name: value }}`; `rhapsode docs {operation}` shows what it takes")))
}

fn takes(path: &str, mut counts: Vec<usize>, given: usize) -> String {
    counts.sort_unstable();
    counts.dedup();
    let all: Vec<String> = counts.iter().map(ToString::to_string).collect();
    let noun = if counts == [1] { "argument" } else { "arguments" };
    format!("`{path}` takes {} {noun}, not {given}", all.join(" or "))
}
