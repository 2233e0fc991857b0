//! A run: what all its hosts share.

use super::contract::Contract;
use super::guard::Guard;
use super::host::{HostRun, Traces};
use super::meeting::{Meetings, ScopeId};
use super::reach::{Emit, Forgetful, Reach, Remember};
use super::resumed::Earlier;
use super::settings::TagFilter;
use super::shared::Works;
use super::slots::Slots;
use crate::event::{Event, Mode};
use crate::inventory::Host;
use crate::remote::Interrupt;
use indexmap::IndexMap;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Plan, apply or drift.
    pub mode: Mode,
    /// Hosts that log in or work at once.
    pub forks: usize,
    /// `--tags` and `--skip-tags`.
    pub tags: TagFilter,
    /// What is known of a host is kept across changes that cannot alter it.
    pub keeps: bool,
    /// Whether what the playbook declares no more is removed.
    pub prune: bool,
    /// The playbook, as it is recorded.
    pub playbook: String,
}

impl Options {
    /// A plan that nobody records.
    pub fn looking(forks: usize) -> Self {
        let tags = TagFilter::default();
        Self { mode: Mode::Plan, forks, tags, keeps: true, prune: false, playbook: String::new() }
    }
}

/// A run, shared by its host threads.
pub struct Run {
    /// What it is asked to do.
    pub options: Options,
    /// Where hosts wait for each other.
    pub meetings: Meetings,
    /// Places for hosts at work.
    pub slots: Arc<Slots>,
    /// All hosts of the inventory; delegation reaches those that are not selected too.
    pub inventory: IndexMap<String, Arc<Host>>,
    /// Selected hosts in inventory order.
    pub selected: Vec<String>,
    reach: Box<dyn Reach>,
    emit: Arc<dyn Emit>,
    hosts: Mutex<HashMap<String, Arc<HostRun>>>,
    interrupt: Interrupt,
    expected: Expected,
    remember: Box<dyn Remember>,
    contract: Option<Contract>,
    earlier: Option<Earlier>,
    due: HashMap<String, Vec<String>>,
    changes: AtomicU64,
    guards: Mutex<Vec<Guard>>,
    /// Changes that were begun, so that guards can count them before they are done.
    begun: AtomicU64,
    /// What was done for all hosts.
    pub(super) works: Works,
    /// What `once` declared, on whichever host: the next time it may be another one.
    once: Mutex<HashSet<(String, String)>>,
}

/// The name of the machine that rhapsode runs on.
const HERE: &str = "(here)";

/// Traces of an earlier run, by host; each is taken once.
#[derive(Default)]
pub struct Expected(Mutex<HashMap<String, Traces>>);

impl Expected {
    /// What each host is expected to be asked.
    pub fn new(traces: HashMap<String, Traces>) -> Self {
        Self(Mutex::new(traces))
    }

    fn remove(&self, host: &str) -> Traces {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(host).unwrap_or_default()
    }
}

impl Run {
    /// A run over the selected hosts.
    pub fn new(
        options: Options,
        inventory: IndexMap<String, Arc<Host>>,
        selected: Vec<String>,
        reach: Box<dyn Reach>,
        emit: Arc<dyn Emit>,
        interrupt: Interrupt,
    ) -> Self {
        let run = Self {
            meetings: Meetings::default(),
            slots: Slots::new(options.forks),
            options,
            inventory,
            selected,
            reach,
            emit,
            hosts: Mutex::default(),
            interrupt,
            expected: Expected::default(),
            remember: Box::new(Forgetful),
            contract: None,
            earlier: None,
            due: HashMap::new(),
            changes: AtomicU64::new(0),
            guards: Mutex::default(),
            begun: AtomicU64::new(0),
            works: Works::default(),
            once: Mutex::default(),
        };
        run.meetings.open(&Self::root(), &run.selected);
        run
    }

    /// The same with traces of an earlier run, so that hosts are asked ahead.
    #[must_use]
    pub fn expecting(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }

    /// The same with handlers that an earlier run left due, by host, and who remembers those that become due.
    #[must_use]
    pub fn remembering(mut self, due: HashMap<String, Vec<String>>, remember: Box<dyn Remember>) -> Self {
        self.due = due;
        self.remember = remember;
        self
    }

    /// The same held to a plan.
    #[must_use]
    pub fn held_to(mut self, contract: Option<Contract>) -> Self {
        self.contract = contract;
        self
    }

    /// Guards the run from now on; the same guard counts once.
    pub fn guard(&self, guard: Guard) {
        let mut guards = self.guards.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !guard.is_empty() && !guards.contains(&guard) {
            guards.push(guard);
        }
    }

    /// What guards it.
    pub fn guards(&self) -> Vec<Guard> {
        self.guards.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Why a change must not be begun; one that may be is counted, however often it is tried.
    pub(super) fn refuses(&self, op: &str, target: &str, first_try: bool) -> Option<String> {
        let guards = self.guards();
        if let Some(why) = guards.iter().find_map(|guard| guard.forbids(op, target)) {
            return Some(why);
        }
        if !first_try {
            return None;
        }
        let count = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let over = guards.iter().find(|guard| guard.max_changes.is_some_and(|most| count > most))?;
        Some(format!("it would be change {count}, where `max_changes` is {} ({})", over.max_changes?, over.at))
    }

    /// The same as the rest of an earlier run.
    #[must_use]
    pub fn resuming(mut self, earlier: Option<Earlier>) -> Self {
        self.earlier = earlier;
        self
    }

    /// The run whose rest this one does.
    pub fn earlier(&self) -> Option<&Earlier> {
        self.earlier.as_ref()
    }

    /// What the run is held to.
    pub fn contract(&self) -> Option<&Contract> {
        self.contract.as_ref()
    }

    /// Handlers that an earlier run left due on a host.
    pub fn due(&self, host: &str) -> &[String] {
        self.due.get(host).map_or(&[], Vec::as_slice)
    }

    /// Who remembers handlers.
    pub fn remember(&self) -> &dyn Remember {
        &*self.remember
    }

    /// What each host that took part was asked, for the next run.
    pub fn asked(&self) -> Vec<(String, Traces)> {
        let hosts = self.hosts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let selected = self.selected.iter().filter_map(|name| hosts.get(name));
        selected.map(|host| (host.name().to_owned(), host.lock().asked())).collect()
    }

    /// Digests of the facts that each script read.
    pub fn facts(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let hosts = self.hosts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let selected = self.selected.iter().filter_map(|name| hosts.get(name));
        selected.map(|host| (host.name().to_owned(), host.notes().facts.clone())).collect()
    }

    /// The scope of all selected hosts.
    pub fn root() -> ScopeId {
        ScopeId("run".into())
    }

    /// A host of the inventory.
    pub fn host(&self, name: &str) -> Option<Arc<HostRun>> {
        let host = self.inventory.get(name)?;
        let mut hosts = self.hosts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let new = || Arc::new(HostRun::new(Arc::clone(host), self.reach.line(host), self.expected.remove(name)));
        Some(Arc::clone(hosts.entry(name.to_owned()).or_insert_with(new)))
    }

    /// The machine that rhapsode runs on, for `local(...)`.
    pub fn here(&self) -> Arc<HostRun> {
        let mut hosts = self.hosts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let new = || {
            let connection =
                crate::inventory::Connection { connect: crate::inventory::Connect::Local, ..Default::default() };
            let host = Arc::new(Host { name: HERE.into(), groups: Vec::new(), connection, data: IndexMap::new() });
            Arc::new(HostRun::new(Arc::clone(&host), self.reach.line(&host), Traces::default()))
        };
        Arc::clone(hosts.entry(HERE.to_owned()).or_insert_with(new))
    }

    pub(super) fn declared_once(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        self.once.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The machine that rhapsode runs on, under its name in records.
    pub(super) fn here_named(&self, name: &str) -> Option<Arc<HostRun>> {
        (name == HERE).then(|| self.here())
    }

    /// Changes on all hosts so far, tried ones among them.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Counts a change; the host it was on is locked.
    pub(super) fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// Tells all who listen.
    pub fn emit(&self, event: Event) {
        self.emit.emit(event);
        for name in crate::secret::short_ones() {
            let text = format!(
                "the secret `{name}` has fewer than 3 characters: it is not hidden where a program prints it; take a longer one"
            );
            self.emit.emit(Event::Warning { host: None, text });
        }
    }

    /// True once the user asked to stop.
    pub fn interrupted(&self) -> bool {
        self.interrupt.is_raised()
    }

    /// Ends every wait: hosts stop where they are.
    pub fn interrupt(&self) {
        self.interrupt.raise();
        self.meetings.interrupt();
    }

    /// Logs out of every host; one after the other where the system gives no threads.
    pub fn close(&self) {
        const AT_ONCE: usize = 32;
        let hosts = self.hosts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let open = Mutex::new(hosts.values());
        let next = || open.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next();
        let leave = || {
            while let Some(host) = next() {
                host.line().close();
            }
        };
        std::thread::scope(|scope| {
            let mut more =
                (1..hosts.len().min(AT_ONCE)).map(|_| std::thread::Builder::new().spawn_scoped(scope, leave));
            while let Some(Ok(_)) = more.next() {}
            leave();
        });
    }
}
