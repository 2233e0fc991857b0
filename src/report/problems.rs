//! Why hosts failed, told once however many they are.

use super::page::clipped;
use super::{Paint, failure_text, names, one_line};
use crate::event::Failure;
use indexmap::IndexMap;

/// Failures of hosts, those that differ in the host's name alone drawn together.
#[derive(Default)]
pub(super) struct Problems {
    groups: IndexMap<String, (Failure, Vec<String>)>,
}

impl Problems {
    pub fn add(&mut self, host: &str, mut failure: Failure) {
        let as_json = serde_json::to_string(&failure).expect("plain data has a JSON form");
        let key = without(&as_json, host);
        if without(&failure.message, host) == failure.message {
            failure.message = format!("{host}: {}", failure.message);
        }
        self.groups.entry(key).or_insert_with(|| (failure, Vec::new())).1.push(host.to_owned());
    }

    /// All of them, an empty line between two.
    pub fn lines(&self, paint: Paint) -> Vec<String> {
        let mut lines = Vec::new();
        for (failure, hosts) in self.groups.values() {
            lines.extend((!lines.is_empty()).then(String::new));
            lines.extend(failure_text(failure, paint).lines().map(str::to_owned));
            if let [_, rest @ ..] = &hosts[..]
                && !rest.is_empty()
            {
                let list = clipped(&one_line(&names(rest)));
                lines.push(format!("{} {list}", paint.bad(format!("the same on {} more:", rest.len()))));
            }
        }
        lines
    }
}

/// The text with a host's name taken out where it stands as a word: `web-1` is no part of `web-10`.
fn without(text: &str, host: &str) -> String {
    if host.is_empty() {
        return text.to_owned();
    }
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let mut left = String::with_capacity(text.len());
    let mut from = 0;
    for (start, _) in text.match_indices(host) {
        let end = start + host.len();
        if !part(text[..start].chars().next_back()) && !part(text[end..].chars().next()) {
            left.push_str(&text[from..start]);
            left.push('\0');
            from = end;
        }
    }
    left + &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_failures_of_many_hosts_are_told_once() {
        let mut problems = Problems::default();
        for n in 1..=30 {
            let host = format!("web-{n}");
            problems.add(&host, Failure::new(format!("cannot reach `{host}`: timed out")));
        }
        problems.add("db-1", Failure::new("disk full"));
        insta::assert_snapshot!(problems.lines(Paint::default()).join("\n"), @"
        error: cannot reach `web-1`: timed out
        the same on 29 more: web-2..30

        error: db-1: disk full
        ");
    }

    #[test]
    fn a_host_is_found_as_a_word_only() {
        assert_eq!(without("`web-1` web-10 my-web-1 web-1:", "web-1"), "`\0` web-10 my-web-1 \0:");
    }
}
