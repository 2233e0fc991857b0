//! A saved plan as a contract: an apply that is held to it stops before the first change that was not announced.

use crate::event::{ChangeLine, OpStatus};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a plan announced for one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The predicted verdict.
    pub status: OpStatus,
    /// The predicted changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeLine>,
    /// The predicted diff, secrets redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

impl Promise {
    fn is_open(&self) -> bool {
        self.changes.iter().any(|change| change.open)
    }

    /// Whether the changes are those that were announced, as far as a plan could tell.
    fn agrees(&self, now: &Promise) -> bool {
        let same = |(planned, found): (&ChangeLine, &ChangeLine)| planned.open || planned == found;
        self.changes.len() == now.changes.len() && self.changes.iter().zip(&now.changes).all(same)
    }
}

/// What a plan announced for one host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPromises {
    /// By the id of the operation.
    pub operations: BTreeMap<String, Promise>,
    /// Digests of the facts that the plan was made of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// Where the plan of the host ended, when it could not be predicted to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
}

/// What a plan announced.
#[derive(Debug, Default)]
pub struct Contract {
    hosts: BTreeMap<String, HostPromises>,
    kept: Mutex<HashSet<String>>,
    /// Hosts on which an operation failed that was announced otherwise.
    broken: Mutex<HashSet<String>>,
    /// Deviations are told and do not stop anything.
    lenient: bool,
    /// Nothing may change, whatever was announced.
    frozen: bool,
}

impl Contract {
    /// Holds hosts to these promises.
    pub fn new(hosts: BTreeMap<String, HostPromises>, lenient: bool) -> Self {
        Self { hosts, lenient, ..Self::default() }
    }

    /// Holds all hosts to change nothing.
    pub fn of_no_changes() -> Self {
        Self { frozen: true, ..Self::default() }
    }

    /// True when deviations do not stop a host.
    pub fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// Compares an operation that is about to be applied with what was announced; a text tells how it deviates.
    pub fn deviation(&self, host: &str, id: &str, now: &Promise) -> Option<String> {
        if self.frozen {
            return (now.status == OpStatus::Changed)
                .then(|| format!("no change is expected, but it is {}", told(now)));
        }
        let promises = self.hosts.get(host)?;
        let Some(promise) = promises.operations.get(id) else {
            // Behind the point to which the plan could see, everything is new; so is what a failure sets off.
            let held = promises.ends_at.is_none() && !lock(&self.broken).contains(host);
            return held.then(|| "the saved plan does not have this operation".to_owned());
        };
        lock(&self.kept).insert(id.to_owned());
        match (promise.status, now.status) {
            // What only an apply can tell was announced as such.
            (OpStatus::Unknown, _) => None,
            (planned, found) if planned != found => {
                Some(format!("planned as {}, but is {} now", word(planned), told(now)))
            }
            _ if promise.changes != now.changes && same_words(&promise.changes, &now.changes) => {
                Some("a secret in it is another one than when the plan was made".to_owned())
            }
            _ if !promise.agrees(now) => Some(format!("the plan says {}, but now it is {}", told(promise), told(now))),
            _ if promise.diff != now.diff && !promise.is_open() => {
                Some("its diff is another one than that of the saved plan".to_owned())
            }
            _ => None,
        }
    }

    /// The same for what one host does for all of them: the plan may have announced it for another one.
    pub fn shared_deviation(&self, host: &str, id: &str, now: &Promise, by_another: bool) -> Option<String> {
        let name = id.strip_prefix(host).unwrap_or(id);
        let announced = |(other, promises): (&String, &HostPromises)| {
            let promise = promises.operations.get(&format!("{other}{name}"));
            promise.is_some_and(|promise| promise.status == OpStatus::Changed && promise.agrees(now))
        };
        let elsewhere = now.status == OpStatus::Changed && self.hosts.iter().any(announced);
        if by_another || elsewhere {
            lock(&self.kept).insert(id.to_owned());
            return None;
        }
        self.deviation(host, id, now)
    }

    /// Whether a plan was made of another answer to the same question.
    pub fn is_other_fact(&self, host: &str, name: &str, digest: &str) -> bool {
        let noted = self.hosts.get(host).and_then(|promises| promises.facts.get(name));
        noted.is_some_and(|noted| noted != digest)
    }

    /// Whether a plan announced an operation without seeing all that it does.
    pub fn is_open(&self, host: &str, id: &str) -> bool {
        let promise = self.hosts.get(host).and_then(|promises| promises.operations.get(id));
        promise.is_some_and(|promise| promise.status == OpStatus::Unknown || promise.is_open())
    }

    /// An operation failed. What a script does about a failure that no plan foresaw cannot have been announced.
    pub fn failed(&self, host: &str, id: &str) {
        let promise = self.hosts.get(host).and_then(|promises| promises.operations.get(id));
        if promise.is_none_or(|promise| promise.status != OpStatus::Failed) {
            lock(&self.broken).insert(host.to_owned());
        }
    }

    /// Changes that were announced for a host and did not come; after a failure it is that which is to be told.
    pub fn missing(&self, host: &str) -> Vec<String> {
        if lock(&self.broken).contains(host) {
            return Vec::new();
        }
        let kept = lock(&self.kept);
        let announced = self.hosts.get(host).into_iter().flat_map(|promises| &promises.operations);
        let missing = announced.filter(|(id, promise)| promise.status == OpStatus::Changed && !kept.contains(*id));
        missing.map(|(id, _)| id.clone()).collect()
    }
}

fn lock(names: &Mutex<HashSet<String>>) -> MutexGuard<'_, HashSet<String>> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

fn word(status: OpStatus) -> &'static str {
    match status {
        OpStatus::Unchanged => "unchanged",
        OpStatus::Changed => "changed",
        OpStatus::Failed => "failed",
        OpStatus::Skipped => "skipped",
        OpStatus::Unknown => "unknown",
    }
}

fn told(promise: &Promise) -> String {
    let changes: Vec<&str> = promise.changes.iter().map(|change| change.text.as_str()).collect();
    match changes.is_empty() {
        true => word(promise.status).to_owned(),
        false => format!("{} ({})", word(promise.status), changes.join(", ")),
    }
}

/// True when changes differ in nothing but the secrets in them.
fn same_words(one: &[ChangeLine], other: &[ChangeLine]) -> bool {
    let words = |line: &ChangeLine| (line.sign, line.text.clone());
    one.iter().map(words).eq(other.iter().map(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Sign;

    fn changed(text: &str) -> Promise {
        let change = ChangeLine { sign: Sign::Update, text: text.into(), open: false, secrets: None };
        Promise { status: OpStatus::Changed, changes: vec![change], diff: None }
    }

    fn contract(ends_at: Option<&str>) -> Contract {
        let operations = BTreeMap::from([("web-1/file/a".to_owned(), changed("content"))]);
        let promises = HostPromises { operations, ends_at: ends_at.map(str::to_owned), ..HostPromises::default() };
        Contract::new(BTreeMap::from([("web-1".to_owned(), promises)]), false)
    }

    #[test]
    fn what_was_announced_may_happen_and_nothing_else() {
        let contract = contract(None);
        assert_eq!(contract.deviation("web-1", "web-1/file/a", &changed("content")), None);
        assert!(contract.deviation("web-1", "web-1/file/a", &changed("mode")).is_some());
        assert!(contract.deviation("web-1", "web-1/file/b", &changed("content")).is_some());
    }

    #[test]
    fn behind_the_end_of_a_plan_everything_is_new() {
        assert_eq!(contract(Some("p:3:1")).deviation("web-1", "web-1/file/b", &changed("content")), None);
    }

    #[test]
    fn what_a_failure_sets_off_was_announced_by_nobody() {
        let contract = contract(None);
        contract.failed("web-1", "web-1/cmd/x");
        assert_eq!(contract.deviation("web-1", "web-1/file/b", &changed("content")), None);
        assert!(contract.deviation("web-1", "web-1/file/a", &changed("mode")).is_some());
        assert_eq!(contract.missing("web-1"), Vec::<String>::new());
    }

    #[test]
    fn what_is_done_for_all_hosts_may_be_done_by_any_of_them() {
        let promises = |id: &str, promise| HostPromises {
            operations: BTreeMap::from([(id.to_owned(), promise)]),
            ..HostPromises::default()
        };
        let unchanged = || Promise { status: OpStatus::Unchanged, changes: Vec::new(), diff: None };
        let hosts = [("a", promises("a/cert/web", changed("new"))), ("b", promises("b/cert/web", unchanged()))];
        let contract = Contract::new(hosts.map(|(host, promises)| (host.to_owned(), promises)).into(), false);
        assert!(contract.deviation("b", "b/cert/web", &changed("new")).is_some());
        assert_eq!(contract.shared_deviation("b", "b/cert/web", &changed("new"), false), None);
        assert_eq!(contract.shared_deviation("a", "a/cert/web", &unchanged(), true), None);
        assert_eq!(contract.missing("a"), Vec::<String>::new());
        assert!(contract.shared_deviation("b", "b/cert/web", &changed("other"), false).is_some());
        assert!(contract.shared_deviation("a", "a/cert/web", &unchanged(), false).is_some());
    }

    #[test]
    fn a_change_that_did_not_come_is_named() {
        let contract = contract(None);
        assert_eq!(contract.missing("web-1"), ["web-1/file/a"]);
        let _ = contract.deviation("web-1", "web-1/file/a", &changed("content"));
        assert_eq!(contract.missing("web-1"), Vec::<String>::new());
    }
}
