//! What a run was asked to do, for one that does it again.

use super::args::Common;
use crate::state::RunRecord;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Inventories as `-i` takes them, selection and data.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    /// Inventories.
    pub inventory: Vec<String>,
    arguments: BTreeMap<String, Value>,
}

impl Recorded {
    /// What is remembered of a run.
    pub fn of(run: &RunRecord) -> Self {
        let arguments = run.arguments.clone();
        let listed = texts(&arguments, "inventory");
        let inventory = match listed.is_empty() {
            true => run.inventory.split_whitespace().map(str::to_owned).collect(),
            false => listed,
        };
        Self { inventory, arguments }
    }

    /// The same from the parts.
    pub fn new(inventory: Vec<String>, arguments: BTreeMap<String, Value>) -> Self {
        Self { inventory, arguments }
    }

    /// Puts them where the command line would.
    pub fn rule(&self, flags: &mut Common) {
        let text = |name: &str| self.arguments.get(name).and_then(Value::as_str).map(str::to_owned);
        flags.inventory.clone_from(&self.inventory);
        flags.limit = text("limit");
        flags.exclude = text("exclude");
        flags.tags = texts(&self.arguments, "tags");
        flags.skip_tags = texts(&self.arguments, "skip_tags");
        flags.data = texts(&self.arguments, "data");
        flags.prune = self.arguments.get("prune").is_some_and(|value| value == true);
    }

    /// True when the selection meant hosts by how a run ended, which is another run by now.
    pub fn selects_by_history(&self) -> bool {
        ["limit", "exclude"].iter().any(|name| {
            self.arguments.get(*name).and_then(Value::as_str).is_some_and(|selector| selector.contains('@'))
        })
    }
}

/// True when the command line itself names what a record brings.
pub(super) fn named(flags: &Common) -> bool {
    !flags.inventory.is_empty() || selected(flags)
}

/// True when the command line selects hosts or operations, or gives data.
pub(super) fn selected(flags: &Common) -> bool {
    !(flags.tags.is_empty() && flags.skip_tags.is_empty() && flags.data.is_empty())
        || flags.limit.is_some()
        || flags.exclude.is_some()
}

fn texts(arguments: &BTreeMap<String, Value>, name: &str) -> Vec<String> {
    let values = arguments.get(name).and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// One digest of all files that a run stands on. What a command printed is none: it may tell the time.
pub(super) fn digest(files: &BTreeMap<String, String>) -> String {
    let mut all = Sha256::new();
    for (path, digest) in files.iter().filter(|(path, _)| !path.contains(':')) {
        all.update(format!("{path}\0{digest}\n"));
    }
    all.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
