//! The one place where events become sums.

use super::{Event, HostStatus, OpStatus, Totals};
use indexmap::IndexMap;

/// Counts the events of a run.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    hosts: IndexMap<String, Count>,
}

/// What happened on one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    /// Operations that found all as wanted.
    pub unchanged: u64,
    /// Operations that changed something.
    pub changed: u64,
    /// Operations that failed, those caught by the script among them.
    pub failed: u64,
    /// Operations not asked for.
    pub skipped: u64,
    /// Operations whose outcome only an apply can tell.
    pub unknown: u64,
    /// True when the plan of this host ended early.
    pub not_predictable: bool,
    /// Request and answer pairs after the login; known once the host is done.
    pub exchanges: u64,
    /// Login and operations, in milliseconds; waiting for other hosts not counted.
    pub busy_ms: u64,
    /// What the playbook managed on it and declares no more.
    pub orphans: u64,
    /// How the host ended; `None` while it runs.
    pub status: Option<HostStatus>,
}

impl Count {
    /// All operations of the host.
    pub fn operations(&self) -> u64 {
        self.unchanged + self.changed + self.failed + self.skipped + self.unknown
    }

    fn add(&mut self, status: OpStatus) {
        *match status {
            OpStatus::Unchanged => &mut self.unchanged,
            OpStatus::Changed => &mut self.changed,
            OpStatus::Failed => &mut self.failed,
            OpStatus::Skipped => &mut self.skipped,
            OpStatus::Unknown => &mut self.unknown,
        } += 1;
    }
}

impl Tally {
    /// Takes the next event of the run.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::RunStarted(start) => {
                self.hosts = start.hosts.iter().map(|host| (host.clone(), Count::default())).collect();
            }
            Event::HostConnected { host, duration_ms } => self.of(host).busy_ms += duration_ms,
            Event::OperationFinished { host, end } => {
                let count = self.of(host);
                count.add(end.status);
                count.busy_ms += end.duration_ms;
            }
            Event::Orphaned { host, .. } => self.of(host).orphans += 1,
            Event::NotPredictable { host, .. } => self.of(host).not_predictable = true,
            Event::HostFinished { host, status, exchanges, .. } => {
                let count = self.of(host);
                count.status = Some(*status);
                count.exchanges = *exchanges;
            }
            _ => {}
        }
    }

    fn of(&mut self, host: &str) -> &mut Count {
        if !self.hosts.contains_key(host) {
            self.hosts.insert(host.to_owned(), Count::default());
        }
        self.hosts.get_mut(host).expect("inserted above")
    }

    /// How a host ends that neither failed nor was lost nor skipped: `Changed` or `Ok`.
    pub fn verdict(&self, host: &str) -> HostStatus {
        match self.hosts.get(host) {
            Some(count) if count.changed > 0 => HostStatus::Changed,
            _ => HostStatus::Ok,
        }
    }

    /// Each host with its count, in inventory order.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = (&str, &Count)> {
        self.hosts.iter().map(|(host, count)| (host.as_str(), count))
    }

    /// The count of one host.
    pub fn host(&self, host: &str) -> Option<&Count> {
        self.hosts.get(host)
    }

    /// The sums so far.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals { hosts: self.hosts.len() as u64, ..Totals::default() };
        for count in self.hosts.values() {
            totals.operations += count.operations();
            totals.changes += count.changed;
            totals.unknown += count.unknown;
            totals.exchanges += count.exchanges;
            totals.orphans += count.orphans;
            totals.not_predictable += u64::from(count.not_predictable);
            match count.status {
                Some(HostStatus::Ok) => totals.ok += 1,
                Some(HostStatus::Changed) => totals.changed += 1,
                Some(HostStatus::Failed) => totals.failed += 1,
                Some(HostStatus::Unreachable) => totals.unreachable += 1,
                Some(HostStatus::Skipped) => totals.skipped += 1,
                None => {}
            }
        }
        totals
    }
}
