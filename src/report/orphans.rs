//! What a playbook managed and declares no more, and changes of which nobody knew how they ended.

use super::operation::count;
use super::{Paint, one_line};
use crate::event::{Orphan, OrphanFate, Unsettled, UnsettledEnd};
use indexmap::IndexMap;

/// Names of hosts that are written out; more are counted.
const HOSTS: usize = 3;

/// The orphans of a run; what is the same on several hosts is said once.
#[derive(Debug, Default)]
pub(super) struct Orphans(IndexMap<(String, String, OrphanFate, Option<String>), Vec<String>>);

impl Orphans {
    /// Takes an orphan; one that was pruned has its operation to tell so.
    pub fn add(&mut self, host: &str, orphan: &Orphan) {
        if orphan.fate == OrphanFate::Pruned && orphan.reason.is_none() {
            return;
        }
        let Orphan { kind, target, fate, reason, .. } = orphan.clone();
        self.0.entry((kind, target, fate, reason)).or_default().push(host.to_owned());
    }

    /// The lines, and what can be done about them.
    pub fn lines(self, applied: bool, paint: Paint) -> Vec<String> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let left = self.0.keys().any(|(_, _, fate, reason)| *fate == OrphanFate::Left && reason.is_none());
        let mut lines = vec![paint.strong("declared no more:")];
        for ((kind, target, fate, reason), hosts) in &self.0 {
            let what = format!("{} {}", one_line(kind), one_line(target));
            let on = match hosts.len() {
                0..=HOSTS => hosts.iter().map(|host| one_line(host)).collect::<Vec<_>>().join(", "),
                more => count(more as u64, "host"),
            };
            let why = reason.as_deref().map(|why| format!(": {}", one_line(why))).unwrap_or_default();
            lines.push(format!("  {} {what} on {on}, {}{why}", mark(*fate, paint), word(*fate, applied)));
        }
        lines.extend(left.then(|| paint.faint("  `--prune` takes away or brings back what is left")));
        let stuck = self.0.keys().any(|(kind, _, fate, _)| *fate == OrphanFate::CannotUndo && kind != "command");
        lines.extend(stuck.then(|| paint.faint("  `rhapsode state rm` forgets what cannot be undone")));
        lines
    }
}

fn mark(fate: OrphanFate, paint: Paint) -> String {
    match fate {
        OrphanFate::Pruned => paint.bad("-"),
        OrphanFate::CannotUndo => paint.unsure("?"),
        OrphanFate::Left | OrphanFate::Kept => paint.faint("="),
    }
}

fn word(fate: OrphanFate, applied: bool) -> &'static str {
    match (fate, applied) {
        (OrphanFate::Left, _) => "left as it is",
        (OrphanFate::Kept, _) => "kept",
        (OrphanFate::CannotUndo, _) => "cannot be undone",
        (OrphanFate::Pruned, true) => "forgotten",
        (OrphanFate::Pruned, false) => "would be forgotten",
    }
}

/// One line on a change of which nobody knew how it ended.
pub(super) fn unsettled_line(host: &str, open: &Unsettled, paint: Paint) -> String {
    let what = format!("{} {}", one_line(&open.op), one_line(&open.target));
    let run = open.run.get(..super::SHORT_RUN).unwrap_or(&open.run);
    let end = match open.end {
        UnsettledEnd::Done => "it was done",
        UnsettledEnd::Repeated => "it was not done, or not to its end",
        UnsettledEnd::Open => "this run cannot tell how it ended",
        UnsettledEnd::Dropped => "the playbook does not want it any more",
    };
    format!("{} {}: run {run} did not tell how {what} ended: {end}", paint.changed("unfinished:"), one_line(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Look, Verbosity};

    #[test]
    fn what_is_the_same_on_many_hosts_is_said_once() {
        let orphan = |fate, reason: Option<&str>| Orphan {
            id: "web-1/path/x".into(),
            kind: "path".into(),
            target: "/etc/x".into(),
            at: "p:1:1".into(),
            fate,
            reason: reason.map(str::to_owned),
        };
        let mut orphans = Orphans::default();
        ["a", "b", "c", "d"].iter().for_each(|host| orphans.add(host, &orphan(OrphanFate::Left, None)));
        orphans.add("a", &orphan(OrphanFate::Kept, Some("told so")));
        let lines = orphans.lines(false, Look::plain(Verbosity::Normal).paint);
        let expected = [
            "declared no more:",
            "  = path /etc/x on 4 hosts, left as it is",
            "  = path /etc/x on a, kept: told so",
            "  `--prune` takes away or brings back what is left",
        ];
        assert_eq!(lines, expected);
    }
}
