//! Locks: who holds one, who may take it over, and that a holder that lost it writes nothing more.

use crate::history::{record, start};
use crate::support::events::Story;
use crate::support::store::{Bed, Kind};
use rhapsode::event::{Bus, Event, Mode};
use rhapsode::state::{LockRequest, Scope, StateError, Store};
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn request(lease: Duration, wait: Duration) -> LockRequest {
    let command = "rhapsode apply playbooks/site.rhai";
    LockRequest { lease, wait, ..LockRequest::new("inventories/production.yaml", "ada", "desk", command) }
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(600);

fn refused(store: &Store, request: &LockRequest) -> StateError {
    store.lock(request, |_| {}).err().expect("another one holds it")
}

#[rstest]
fn one_run_at_a_time_holds_the_lock_of_an_inventory(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    let (store, other) = (bed.open(), bed.open());
    let request = request(LONG, Duration::ZERO);
    let lease = store.lock(&request, |_| panic!("nobody holds it")).expect("the lock is free");
    assert!(lease.taken_from().is_none());
    let error = refused(&other, &request);
    let pid = std::process::id();
    let message = error.to_string();
    assert!(message.starts_with(&format!(
        "inventory `inventories/production.yaml` is in use by `ada@desk` (pid {pid}), \
         which runs `rhapsode apply playbooks/site.rhai` since 2"
    )));
    assert!(error.hint().expect("a hint").contains("--lock-wait SECS"));
    let elsewhere = LockRequest { inventory: "inventories/staging.yaml".into(), ..request.clone() };
    let staging = other.lock(&elsewhere, |_| {}).expect("another inventory");
    let held: Vec<_> = store.holders().expect("holders").into_iter().map(|holder| holder.inventory).collect();
    assert_eq!(held, ["inventories/production.yaml", "inventories/staging.yaml"]);
    drop((lease, staging));
    assert!(store.holders().expect("holders").is_empty());
    other.lock(&request, |_| {}).expect("given back");
}

#[rstest]
fn tokens_grow_with_every_holder(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    let store = bed.open();
    let request = request(LONG, Duration::ZERO);
    assert_eq!(store.revision("", &request.inventory).expect("a number"), 0);
    for token in 1..=3 {
        let lease = store.lock(&request, |_| {}).expect("the lock is free");
        assert_eq!((lease.token(), store.revision("", &request.inventory).expect("a number")), (token, token));
    }
    assert_eq!(store.unlock("", &request.inventory).expect("an answer"), None);
}

#[rstest]
fn one_who_waits_gets_the_lock_and_is_told_once_for_whom(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    let (store, other) = (bed.open(), bed.open());
    let lease = store.lock(&request(LONG, Duration::ZERO), |_| {}).expect("the lock is free");
    let (waits, told) = std::sync::mpsc::channel();
    let waiter = std::thread::spawn(move || {
        let tell = |holder: &rhapsode::state::Holder| waits.send(holder.user.clone()).expect("somebody listens");
        other.lock(&request(LONG, LONG), tell).map(|lease| lease.token())
    });
    assert_eq!(told.recv().expect("it waits"), "ada");
    drop(lease);
    assert_eq!(waiter.join().expect("no panic").expect("the lock"), 2);
    assert!(told.recv().is_err(), "told once");
}

#[rstest]
fn many_who_ask_at_once_get_the_lock_one_after_the_other(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    drop(bed.open());
    let inside = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let lease = bed.open().lock(&request(LONG, LONG), |_| {}).expect("the lock");
                assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                drop(lease);
            });
        }
    });
    assert_eq!(bed.open().revision("", "inventories/production.yaml").expect("a number"), 6);
}

/// A process of its own that takes the lock of `bed`, says so, and writes one output for each line that it gets.
struct Other {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

const STORE: &str = "RHAPSODE_TEST_LOCKED_STORE";
const LEASE: &str = "RHAPSODE_TEST_LEASE_MS";

/// Not a test of its own: what [`Other`] runs.
#[test]
fn holder_for_other_tests() {
    let Some(url) = std::env::var_os(STORE) else { return };
    let lease = std::env::var(LEASE).expect("set beside it").parse().expect("a number");
    let store = Store::open_url(url.to_str().expect("text")).expect("the store opens");
    let lease = store.lock(&request(Duration::from_millis(lease), LONG), |_| {}).expect("the lock");
    println!("\nholds {}", lease.token());
    let scope = Scope::new("i", "p");
    for _ in std::io::stdin().lines() {
        match lease.store().forget(&scope, &[]) {
            Ok(_) => println!("wrote"),
            Err(error) => println!("{error}; {}", error.hint().unwrap_or_default()),
        }
    }
}

impl Other {
    fn start(bed: &Bed, lease: Duration) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("the test binary"))
            .args(["--exact", "state_lock::holder_for_other_tests", "--nocapture"])
            .env(STORE, bed.url())
            .env(LEASE, lease.as_millis().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test binary runs");
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut other = Self { child, said };
        other.hears("holds ");
        other
    }

    /// The next line that begins so.
    fn hears(&mut self, begin: &str) -> String {
        let mut line = String::new();
        while self.said.read_line(&mut line).expect("readable") > 0 {
            if line.starts_with(begin) {
                return line;
            }
            line.clear();
        }
        panic!("the other process ended without `{begin}`");
    }

    fn write(&mut self) {
        use std::io::Write;
        self.child.stdin.as_mut().expect("a pipe").write_all(b"\n").expect("written");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("sent");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[rstest]
fn a_holder_that_was_killed_is_taken_over_at_once_on_the_same_machine(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let bed = Bed::new(kind);
    drop(bed.open());
    let other = Other::start(&bed, LONG);
    let store = bed.open();
    assert!(matches!(refused(&store, &request(LONG, Duration::ZERO)), StateError::Locked(_)));
    let pid = u64::from(other.child.id());
    other.signal(Signal::KILL);
    // Not yet waited for: as long as its parent does not ask, it is a zombie that keeps its number.
    while !std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("still there").contains(") Z ") {
        std::thread::yield_now();
    }
    let lease = store.lock(&request(LONG, Duration::ZERO), |_| panic!("nothing to wait for")).expect("taken over");
    assert_eq!(lease.taken_from().map(|holder| holder.pid), Some(pid));
    assert_eq!(lease.token(), 2);
}

#[rstest]
fn a_holder_that_was_killed_on_another_machine_is_taken_over_after_its_lease(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let bed = Bed::new(kind);
    drop(bed.open());
    let other = Other::start(&bed, SHORT);
    other.signal(Signal::STOP);
    assert_eq!(bed.number("UPDATE locks SET machine = 'another one' RETURNING 1"), 1);
    other.signal(Signal::KILL);
    let store = bed.open();
    let lease = store.lock(&request(LONG, LONG), |_| {}).expect("taken over");
    let from = lease.taken_from().expect("from the other one");
    assert!(from.silent_ms >= from.lease_ms, "{from:?}");
}

#[rstest]
fn a_frozen_holder_is_taken_over_after_its_lease_and_cannot_write_when_it_wakes(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let bed = Bed::new(kind);
    drop(bed.open());
    let mut other = Other::start(&bed, SHORT);
    other.write();
    other.hears("wrote");
    other.signal(Signal::STOP);
    let store = bed.open();
    let mut waited = 0;
    let lease = store.lock(&request(LONG, LONG), |_| waited += 1).expect("taken over");
    assert_eq!(lease.taken_from().map(|holder| holder.pid), Some(u64::from(other.child.id())));
    assert!(waited <= 1);
    other.signal(Signal::CONT);
    other.write();
    let said = other.hears("this run lost its lock");
    let us = std::process::id();
    assert!(said.contains(&format!("to `ada@desk` (pid {us}), which runs `rhapsode apply playbooks/site.rhai`")));
    lease.store().forget(&Scope::new("i", "p"), &[]).expect("the new holder writes");
    assert!(!lease.is_lost());
}

#[rstest]
fn a_holder_that_gives_signs_of_life_is_not_taken_over(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    let lease = bed.open().lock(&request(SHORT, Duration::ZERO), |_| {}).expect("the lock is free");
    // Three times the lease: without signs of life it would be gone.
    let error = refused(&bed.open(), &request(SHORT, SHORT * 3));
    assert!(matches!(error, StateError::Locked(_)), "{error:?}");
    assert!(!lease.is_lost());
}

#[rstest]
fn unlock_names_the_holder_and_ends_its_history(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    let store = bed.open();
    let lease = store.lock(&request(SHORT, Duration::ZERO), |_| {}).expect("the lock is free");
    let events = Story::new(Mode::Apply, &["a"]).finish(0);
    let bus = Bus::new(vec![Box::new(lease.store().begin(start(&events)).expect("the run is recorded"))]);
    let held = store.unlock("", "inventories/production.yaml").expect("an answer").expect("somebody held it");
    assert_eq!((held.user.as_str(), held.pid), ("ada", u64::from(std::process::id())));
    bus.emit(Event::Log { host: "a".into(), text: "too late".into() });
    let dropped = bus.finish();
    assert_eq!(dropped[0].sink, "history");
    assert!(matches!(dropped[0].error.downcast_ref(), Some(StateError::Fenced(None))), "{:?}", dropped[0].error);
    while !lease.is_lost() {
        std::thread::yield_now();
    }
    drop(lease);
    let next = store.lock(&request(LONG, Duration::ZERO), |_| {}).expect("the lock is free");
    assert!(next.taken_from().is_none());
}

#[rstest]
fn plans_write_their_history_while_an_apply_holds_the_lock(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    let store = bed.open();
    let _lease = store.lock(&request(LONG, Duration::ZERO), |_| {}).expect("the lock is free");
    record(&bed.open(), &Story::new(Mode::Plan, &["a"]).done("a").finish(0));
    assert_eq!(store.runs(9).expect("runs").len(), 1);
}
