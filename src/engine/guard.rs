//! Guards: what a run may change at most, whatever its playbook says.

use crate::event::{Event, OpStatus, OperationEnd, Sink, SinkError};
use crate::inventory::nearest;
use crate::ops::OPERATIONS;
use globset::{GlobBuilder, GlobMatcher};
use std::sync::{Arc, Mutex, PoisonError};

/// What a run is not to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// Operations that change something, on all hosts together.
    pub max_changes: Option<u64>,
    /// Operations that may not change anything.
    pub forbid: Vec<Pattern>,
    /// Where it is written: `rhapsode.yaml`, `site.rhai:3:7`.
    pub at: String,
}

/// An operation, or several, and perhaps its targets: `service::stopped`, `pkg::removed *`, `file::absent /srv/**`.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    op: GlobMatcher,
    target: Option<GlobMatcher>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Reads one. `*` stands for any letters but `/`, `**` for any.
    ///
    /// # Errors
    /// A text that says what is wrong: a misspelt operation of a family that is known, a broken glob.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (op, target) = match text.trim().split_once(char::is_whitespace) {
            Some((op, target)) => (op, Some(target.trim())),
            None => (text.trim(), None),
        };
        if !op.contains("::") && op != "*" {
            return Err(format!("`{text}` names no operation: `service::stopped`, `file::absent /srv/**`"));
        }
        refuse_misspelt(op)?;
        let glob = |text: &str| {
            let glob = GlobBuilder::new(text).literal_separator(true).build();
            glob.map(|glob| glob.compile_matcher()).map_err(|error| format!("`{text}` is no pattern: {}", error.kind()))
        };
        Ok(Self { text: text.to_owned(), op: glob(op)?, target: target.map(glob).transpose()? })
    }

    fn matches(&self, op: &str, target: &str) -> bool {
        self.op.is_match(op) && self.target.as_ref().is_none_or(|glob| glob.is_match(target))
    }
}

/// An own operation may have any name, but not one that looks like ours.
fn refuse_misspelt(op: &str) -> Result<(), String> {
    let family = op.split("::").next().unwrap_or_default();
    let is_ours = OPERATIONS.iter().any(|entry| entry.name.split("::").next() == Some(family));
    if op.contains(['*', '?', '[', '{']) || !is_ours || OPERATIONS.iter().any(|entry| entry.name == op) {
        return Ok(());
    }
    let near = nearest(op, OPERATIONS.iter().map(|entry| entry.name));
    let hint = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
    Err(format!("there is no operation `{op}`{hint}"))
}

impl Guard {
    /// Why an operation may not change anything, when it may not.
    pub fn forbids(&self, op: &str, target: &str) -> Option<String> {
        let pattern = self.forbid.iter().find(|pattern| pattern.matches(op, target))?;
        Some(format!("`{}` forbids it ({})", pattern.text, self.at))
    }

    /// True when it guards nothing.
    pub fn is_empty(&self) -> bool {
        self.max_changes.is_none() && self.forbid.is_empty()
    }
}

/// The changes that a plan announced, to be held against guards.
#[derive(Clone, Default)]
pub struct Intended(Arc<Mutex<Vec<(String, OperationEnd)>>>);

impl Intended {
    /// What the guards refuse: one line for each, with the operation that offends.
    pub fn against(&self, guards: &[Guard]) -> Vec<String> {
        let intended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let offends = |(host, end): &(String, OperationEnd)| {
            let why = guards.iter().find_map(|guard| guard.forbids(&end.op, &end.target))?;
            Some(format!("{} {} on {host} at {}: {why}", end.op, end.target, end.at))
        };
        let mut lines: Vec<String> = intended.iter().filter_map(offends).collect();
        let count = intended.len() as u64;
        lines.extend(guards.iter().filter_map(|guard| {
            let most = guard.max_changes.filter(|most| count > *most)?;
            Some(format!("{count} changes, where `max_changes` is {most} ({})", guard.at))
        }));
        lines
    }
}

impl Sink for Intended {
    fn name(&self) -> &str {
        "guards"
    }

    fn emit(&mut self, event: &Event) -> Result<(), SinkError> {
        if let Event::OperationFinished { host, end } = event
            && end.status == OpStatus::Changed
        {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((host.clone(), (**end).clone()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbids(pattern: &str, op: &str, target: &str) -> bool {
        let guard = Guard { forbid: vec![Pattern::parse(pattern).expect("a pattern")], ..Guard::default() };
        guard.forbids(op, target).is_some()
    }

    #[test]
    fn a_pattern_names_operations_and_their_targets() {
        assert!(forbids("service::stopped", "service::stopped", "nginx"));
        assert!(forbids("pkg::removed *", "pkg::removed", "curl jq"));
        assert!(forbids("file::absent /srv/**", "file::absent", "/srv/a/b"));
        assert!(!forbids("file::absent /srv/*", "file::absent", "/srv/a/b"));
        assert!(!forbids("file::absent /srv/**", "file::absent", "/etc/a"));
        assert!(forbids("user::*", "user::absent", "ada") && !forbids("user::*", "group::absent", "ada"));
        assert!(forbids("nala::removed", "nala::removed", "x"));
    }

    #[test]
    fn a_misspelt_operation_is_refused_with_the_nearest() {
        let error = Pattern::parse("service::stoped").expect_err("no operation");
        assert_eq!(error, "there is no operation `service::stoped`: did you mean `service::stopped`?");
        assert!(Pattern::parse("reboot").is_err() && Pattern::parse("file::put /srv/[").is_err());
    }
}
