//! Changes that were begun, and the journal that tells of them.

use super::{author, both, existing, file, hosts, scope};
use crate::support::events::{Story, change};
use crate::support::store::{Bed, Kind};
use rhapsode::event::{Event, Mode, OpStatus, OperationEnd, Sign, Sink};
use rhapsode::state::{Content, Intent, LockRequest, StateError, Store};
use rstest::rstest;

fn intent(host: &str, id: &str) -> Intent {
    Intent {
        host: host.into(),
        id: format!("{host}/path/{id}"),
        op: "file::put".into(),
        target: id.into(),
        at: "playbooks/site.rhai:3:1".into(),
        resources: vec![existing(file(host, id, "x"), b"before")],
        notifies: vec![(host.into(), "reload".into())],
    }
}

/// Lets the history of a run tell how operations ended.
fn told(store: &Store, run: &str, ended: &[(&str, &str, OpStatus)]) {
    let Event::RunStarted(mut start) = Story::new(Mode::Apply, &[]).finish(0).remove(0) else { panic!("a start") };
    (start.run, start.inventory) = (run.to_owned(), scope().inventory);
    let mut history = store.begin(&start).expect("the run is recorded");
    for (host, id, status) in ended {
        let change = (*status == OpStatus::Changed).then(|| change(Sign::Update, "content"));
        let end = OperationEnd {
            id: format!("{host}/path/{id}"),
            op: "file::put".into(),
            target: (*id).into(),
            name: None,
            status: *status,
            changes: change.into_iter().collect(),
            diff: None,
            reason: None,
            error: None,
            output: None,
            at: "playbooks/site.rhai:3:1".into(),
            play: None,
            duration_ms: 1,
            drift: None,
        };
        history.emit(&Event::OperationFinished { host: (*host).into(), end: Box::new(end) }).expect("taken");
    }
    history.finish().expect("all is written");
}

#[rstest]
fn an_intent_is_known_before_the_change_and_settled_after_it(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let (bed, store) = both(kind);
    let other = bed.open();
    let all = hosts(&["a", "b"]);
    let journal = store.journal(scope(), author("R1")).expect("a journal");
    let intended = journal.intend(intent("a", "/one")).expect("known");
    let unfinished = other.unfinished(&scope().inventory, &all).expect("intents");
    assert_eq!(unfinished.len(), 1);
    assert_eq!((unfinished[0].op.as_str(), unfinished[0].target.as_str()), ("file::put", "/one"));
    assert_eq!((unfinished[0].run.as_str(), unfinished[0].playbook.as_str()), ("R1", "playbooks/site.rhai"));
    let entry = other.ledger(&scope(), &all).expect("entries").remove(0);
    assert!(!entry.settled);
    let digest = entry.prior_content.expect("kept before the change destroys it");
    assert_eq!(other.content(&digest).expect("read"), Some(Content::Whole(b"before".to_vec())));
    assert_eq!(other.notified(&scope(), &all).expect("pending").len(), 1);
    journal.done(intended).expect("noted");
    let failing = journal.intend(intent("b", "/one")).expect("known");
    drop(failing);
    journal.declare(&file("b", "/same", "x")).expect("noted");
    journal.handled("a", "reload").expect("noted");
    journal.notify("b", "restart").expect("noted");
    journal.finish().expect("all is written");
    assert_eq!(other.unfinished(&scope().inventory, &all).expect("intents").len(), 2, "until it is told");
    told(&store, "R1", &[("a", "/one", OpStatus::Changed), ("b", "/one", OpStatus::Failed)]);
    assert!(other.unfinished(&scope().inventory, &all).expect("intents").is_empty());
    let settled: Vec<_> = other.ledger(&scope(), &all).expect("entries").iter().map(|entry| entry.settled).collect();
    assert_eq!(settled, [true, false, true]);
    let pending = other.notified(&scope(), &all).expect("pending");
    let mut pending: Vec<_> = pending.iter().map(|one| format!("{} {}", one.host, one.handler)).collect();
    pending.sort();
    assert_eq!(pending, ["b reload", "b restart"]);
}

#[rstest]
fn what_a_crash_left_unfinished_is_settled_by_facts_or_by_the_next_change(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let (bed, store) = both(kind);
    let all = hosts(&["a"]);
    let journal = store.journal(scope(), author("R1")).expect("a journal");
    for id in ["/one", "/two", "/three"] {
        // Dropped without a result, as by a thread that died.
        drop(journal.intend(intent("a", id)).expect("known"));
    }
    drop(journal);
    let store = bed.open();
    let left = |store: &Store| -> Vec<String> {
        store.unfinished(&scope().inventory, &all).expect("intents").into_iter().map(|one| one.target).collect()
    };
    assert_eq!(left(&store), ["/one", "/two", "/three"]);
    store.settle(&scope().inventory, &[("a".into(), "a/path//one".into())]).expect("settled");
    let journal = store.journal(scope(), author("R2")).expect("a journal");
    let again = journal.intend(intent("a", "/two")).expect("known");
    journal.done(again).expect("noted");
    journal.finish().expect("all is written");
    told(&store, "R1", &[("a", "/two", OpStatus::Changed)]);
    assert_eq!(left(&store), ["/three", "/two"], "another run began it by now");
    told(&store, "R2", &[("a", "/two", OpStatus::Changed)]);
    assert_eq!(left(&store), ["/three"]);
}

const STORE: &str = "RHAPSODE_TEST_JOURNAL_STORE";

/// Not a test of its own: a process that intends one change after the other until it is killed.
#[test]
fn writer_for_other_tests() {
    let Some(url) = std::env::var_os(STORE) else { return };
    let store = Store::open_url(url.to_str().expect("text")).expect("the store opens");
    let journal = store.journal(scope(), author("R1")).expect("a journal");
    println!();
    for n in 0_u64.. {
        let _unsettled = journal.intend(intent("a", &format!("/{n}"))).expect("known");
        println!("sent {n}");
    }
}

#[rstest]
fn every_change_that_was_sent_is_known_after_kill_minus_nine(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    use std::io::BufRead;
    let bed = Bed::new(kind);
    drop(bed.open());
    let mut child = std::process::Command::new(std::env::current_exe().expect("the test binary"))
        .args(["--exact", "state_memory::intents::writer_for_other_tests", "--nocapture"])
        .env(STORE, bed.url())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the test binary runs");
    let mut said = std::io::BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut sent = Vec::new();
    while sent.len() < 40 {
        let line = said.next().expect("it goes on").expect("readable");
        sent.extend(line.strip_prefix("sent ").map(|n| format!("/{n}")));
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    sent.extend(said.map_while(Result::ok).filter_map(|line| Some(format!("/{}", line.strip_prefix("sent ")?))));
    let store = bed.open();
    let known: Vec<String> = store
        .unfinished(&scope().inventory, &hosts(&["a"]))
        .expect("intents")
        .into_iter()
        .map(|one| one.target)
        .collect();
    assert!(sent.iter().all(|target| known.contains(target)), "sent {sent:?}, known {known:?}");
    let entries = store.ledger(&scope(), &hosts(&["a"])).expect("entries");
    assert_eq!(entries.len(), known.len(), "an intent and what it manages come together");
}

#[rstest]
fn many_hosts_write_one_journal_at_the_same_time(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let (_bed, store) = both(kind);
    let journal = store.journal(scope(), author("R1")).expect("a journal");
    std::thread::scope(|threads| {
        for host in 0..20 {
            let journal = &journal;
            threads.spawn(move || {
                for id in 0..5 {
                    let intended = journal.intend(intent(&format!("h{host:02}"), &format!("/{id}"))).expect("known");
                    journal.done(intended).expect("noted");
                }
            });
        }
    });
    journal.finish().expect("all is written");
    let names: Vec<String> = (0..20).map(|host| format!("h{host:02}")).collect();
    let entries = store.ledger(&scope(), &names).expect("entries");
    assert_eq!(entries.len(), 100);
    assert!(entries.iter().all(|entry| entry.settled));
    for host in entries.chunks(5) {
        assert_eq!(host.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }
}

#[rstest]
fn a_journal_without_its_lock_refuses_the_next_intent(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let (_bed, store) = both(kind);
    let request = LockRequest::new(&scope().inventory, "ada", "desk", "rhapsode apply");
    let lease = store.lock(&request, |_| {}).expect("the lock is free");
    let journal = lease.store().journal(scope(), author("R1")).expect("a journal");
    let intended = journal.intend(intent("a", "/one")).expect("known");
    store.unlock("", &scope().inventory).expect("an answer").expect("somebody held it");
    let error = journal.intend(intent("a", "/two")).expect_err("the lock is lost");
    assert!(matches!(*error, StateError::Fenced(None)), "{error:?}");
    assert_eq!(error.to_string(), "this run lost its lock");
    assert!(journal.done(intended).is_err(), "nor is a result taken any more");
    assert!(matches!(*journal.finish().expect_err("not all is written"), StateError::Fenced(None)));
    assert_eq!(store.unfinished(&scope().inventory, &hosts(&["a"])).expect("intents").len(), 1);
}
