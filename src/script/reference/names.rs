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
    NAMES.get_or_init(|| Names {
        plain: global_modules().iter().flat_map(|module| of_module(module)).collect(),
        modules: modules().iter().map(|(name, module)| (*name, of_module(module).collect())).collect(),
    })
}

fn of_module(module: &Module) -> impl Iterator<Item = String> {
    // A name ends where its parameters begin; one with a `$` stands for reading or setting a property.
    let name = |signature: String| signature.split('(').next().unwrap_or_default().to_owned();
    module.gen_fn_signatures_with_mapper(Cow::Borrowed).map(name).filter(|name| !name.contains('$'))
}
