//! A whole plan as one page: operations in the order of the script, hosts with equal ones drawn together.

use super::diff::diff_lines;
use super::operation::OperationLines;
use super::{Look, Verbosity, names};
use indexmap::IndexMap;
use std::collections::HashMap;

/// Characters of a list of hosts that stand before an operation; a longer one goes below it.
const LABEL: usize = 24;
/// Characters of a list of hosts below an operation.
const LIST: usize = 160;

/// Collects what each host would do.
#[derive(Default)]
pub(super) struct Page {
    hosts: Vec<String>,
    /// What each host shows, in its order.
    entries: HashMap<String, Vec<Entry>>,
}

/// One thing that a host would do.
pub(super) struct Entry {
    /// What makes it the same thing on another host: position, operation and target.
    pub place: String,
    pub play: Option<String>,
    pub lines: OperationLines,
    pub diff: Option<String>,
}

/// A thing at its place in the script, with what it is on the hosts: most often the same on all.
struct Slot {
    play: Option<String>,
    variants: IndexMap<(OperationLines, Option<String>), Vec<String>>,
}

impl Page {
    pub fn new(hosts: &[String]) -> Self {
        Self { hosts: hosts.to_vec(), entries: HashMap::new() }
    }

    pub fn add(&mut self, host: &str, entry: Entry) {
        self.entries.entry(host.to_owned()).or_default().push(entry);
    }

    /// Adds the line that ends a host, in the play where it is.
    pub fn end(&mut self, host: &str, place: String, head: String) {
        let entries = self.entries.entry(host.to_owned()).or_default();
        let play = entries.last().and_then(|entry| entry.play.clone());
        entries.push(Entry { place, play, lines: OperationLines { head, below: Vec::new() }, diff: None });
    }

    /// The page; takes what was collected.
    pub fn lines(&mut self, look: &Look, diffs: bool) -> Vec<String> {
        let slots = self.slots();
        let label = |hosts: &[String]| self.label(hosts);
        let shown = slots.iter().flat_map(|slot| slot.variants.values());
        let width = shown.map(|hosts| label(hosts).0.chars().count()).max().unwrap_or(0);
        let mut lines = Vec::new();
        let mut play = &None;
        for slot in &slots {
            if &slot.play != play {
                play = &slot.play;
                lines.extend(play.iter().map(|name| look.paint.strong(format!("play {}", super::one_line(name)))));
            }
            for ((operation, diff), hosts) in &slot.variants {
                let (label, below) = label(hosts);
                lines.push(format!("{label:<width$}  {}", operation.head));
                lines.extend(below.map(|list| format!("    {}", look.paint.faint(format!("on {list}")))));
                lines.extend(operation.below.iter().map(|line| format!("    {line}")));
                if let Some(diff) = diff.as_deref().filter(|_| diffs) {
                    let all = look.verbosity >= Verbosity::Verbose;
                    lines.extend(diff_lines(diff, all, look.paint).iter().map(|line| format!("    {line}")));
                }
            }
        }
        lines
    }

    /// Brings the lists of the hosts into one, in which each host finds its own order again.
    fn slots(&mut self) -> Vec<Slot> {
        let mut places: Vec<(String, u64)> = Vec::new();
        let mut slots: Vec<Slot> = Vec::new();
        for host in &self.hosts {
            let mut next = 0;
            let mut seen: HashMap<String, u64> = HashMap::new();
            for entry in self.entries.remove(host).unwrap_or_default() {
                // A loop comes to the same place again.
                let times = seen.entry(entry.place.clone()).or_default();
                *times += 1;
                let place = (entry.place, *times);
                let found = places[next..].iter().position(|known| known == &place).map(|index| index + next);
                let index = found.unwrap_or(next);
                if found.is_none() {
                    places.insert(index, place);
                    slots.insert(index, Slot { play: entry.play, variants: IndexMap::new() });
                }
                slots[index].variants.entry((entry.lines, entry.diff)).or_default().push(host.clone());
                next = index + 1;
            }
        }
        slots
    }

    /// What stands before an operation, and the list that stands below when it is too long for that.
    fn label(&self, hosts: &[String]) -> (String, Option<String>) {
        let list = super::one_line(&names(hosts)).into_owned();
        if list.chars().count() <= LABEL || hosts.len() == 1 {
            (list, None)
        } else if hosts.len() == self.hosts.len() {
            (format!("all {} hosts", hosts.len()), None)
        } else {
            (format!("{} hosts", hosts.len()), Some(clipped(&list)))
        }
    }
}

/// A list cut to what a line or two can hold.
pub(super) fn clipped(list: &str) -> String {
    match list.char_indices().nth(LIST) {
        None => list.to_owned(),
        Some((end, _)) => {
            let whole = list[..end].rfind(", ").unwrap_or(end);
            format!("{}, …", &list[..whole])
        }
    }
}
