//! What plays, blocks and calls say about how operations run.

use crate::inventory::Escalation;
use std::collections::BTreeMap;
use std::time::Duration;

/// Settings of one level; what is unset comes from the level around it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Who to act as.
    pub becoming: Option<Becoming>,
    /// Variables for every command.
    pub env: BTreeMap<String, String>,
    /// Working directory of every command.
    pub chdir: Option<String>,
    /// Limit for one command.
    pub timeout: Option<Duration>,
    /// Tags; added to those around.
    pub tags: Vec<String>,
    /// Further tries of a failed operation.
    pub retries: Option<u32>,
    /// Pause before a further try.
    pub delay: Option<Duration>,
    /// A failure is reported, and the script goes on.
    pub ignore_errors: Option<bool>,
    /// Diffs and output are not shown.
    pub sensitive: Option<bool>,
}

/// Whether to act as another user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Becoming {
    /// As the login user, whatever is set around.
    Nobody,
    /// As another user.
    User(Escalation),
}

impl Settings {
    /// These settings over those of the level around.
    #[must_use]
    pub fn over(mut self, around: &Settings) -> Settings {
        let mut env = around.env.clone();
        env.append(&mut self.env);
        let mut tags = around.tags.clone();
        tags.append(&mut self.tags);
        Settings {
            becoming: self.becoming.or_else(|| around.becoming.clone()),
            env,
            chdir: self.chdir.or_else(|| around.chdir.clone()),
            timeout: self.timeout.or(around.timeout),
            tags,
            retries: self.retries.or(around.retries),
            delay: self.delay.or(around.delay),
            ignore_errors: self.ignore_errors.or(around.ignore_errors),
            sensitive: self.sensitive.or(around.sensitive),
        }
    }
}

/// `--tags` and `--skip-tags`.
#[derive(Debug, Clone, Default)]
pub struct TagFilter {
    /// Only operations with one of these, when there are any.
    pub only: Vec<String>,
    /// Never operations with one of these.
    pub skip: Vec<String>,
}

impl TagFilter {
    /// True when nothing was asked: no operation is left out but those tagged `never`.
    pub fn is_open(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty()
    }

    /// Why an operation with these tags is left out; `always` and `never` as in Ansible.
    pub fn refuses(&self, tags: &[String]) -> Option<String> {
        let has = |wanted: &[String]| wanted.iter().find(|tag| tags.contains(tag)).cloned();
        if let Some(tag) = has(&self.skip) {
            return Some(format!("tag `{tag}` is skipped"));
        }
        let asked = has(&self.only).is_some();
        if tags.iter().any(|tag| tag == "never") && !asked {
            return Some("tag `never`".into());
        }
        let left_out = !self.only.is_empty() && !asked && !tags.iter().any(|tag| tag == "always");
        left_out.then(|| format!("has none of the tags {}", self.only.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_select_and_skip() {
        let tags = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let filter = TagFilter { only: tags(&["app"]), skip: tags(&["slow"]) };
        assert_eq!(filter.refuses(&tags(&["app"])), None);
        assert_eq!(filter.refuses(&tags(&["always"])), None);
        assert_eq!(filter.refuses(&tags(&["base"])), Some("has none of the tags app".into()));
        assert_eq!(filter.refuses(&tags(&["app", "slow"])), Some("tag `slow` is skipped".into()));
        assert_eq!(TagFilter::default().refuses(&tags(&["never"])), Some("tag `never`".into()));
    }
}
