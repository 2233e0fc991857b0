//! What the engine leaves in the store between runs: traces, ledger, notifications, intents, plans, outputs.

use crate::support::events::{Story, change};
use crate::support::store::{Bed, Kind};
use rhapsode::event::{Event, Mode, OpStatus, OperationEnd, Sign, Sink};
use rhapsode::state::{
    Author, Content, Declared, Intent, LedgerEntry, LedgerFilter, LockRequest, Output, PlanRecord, Prior, ResourceId,
    Scope, StateError, Store, Trace,
};
use rstest::rstest;
use serde_json::json;
use std::time::Duration;

fn scope() -> Scope {
    Scope::new("inventories/production.yaml", "playbooks/site.rhai")
}

fn author(run: &str) -> Author {
    Author { run: run.into(), commit: Some("9f2c1a7".into()) }
}

fn hosts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn path(host: &str, id: &str) -> ResourceId {
    ResourceId::new(host, "path", id)
}

fn file(host: &str, id: &str, want: &str) -> Declared {
    Declared {
        resource: path(host, id),
        want: json!({ "content": want }),
        at: "playbooks/site.rhai:3:1".into(),
        keep: false,
        prior: Prior::default(),
        actor: String::new(),
        origin: None,
    }
}

fn existing(mut declared: Declared, content: &[u8]) -> Declared {
    let state = Some(json!({ "mode": 420, "owner": "root" }));
    declared.prior = Prior { existed: true, state, content: Some(content.to_vec()) };
    declared
}

fn ids(entries: &[LedgerEntry]) -> Vec<String> {
    entries.iter().map(|entry| entry.resource().to_string()).collect()
}

fn both(kind: Kind) -> (Bed, Store) {
    let bed = Bed::new(kind);
    let store = bed.open();
    (bed, store)
}

#[rstest]
fn a_host_gets_its_own_trace_else_that_of_its_most_specific_group(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let (_bed, store) = both(kind);
    let groups = |names: &[&str]| hosts(names);
    store.save_trace("site", "web-1", &groups(&["all", "web"]), "[\"web\"]").expect("saved");
    store.save_trace("site", "db-1", &groups(&["all", "db"]), "[\"db\"]").expect("saved");
    store.save_trace("other", "web-9", &groups(&["all"]), "[\"other\"]").expect("saved");
    let (web, db, edge) = (groups(&["all", "web"]), groups(&["all", "db"]), groups(&["all", "edge"]));
    let asked = [("web-1", web.as_slice()), ("web-2", &web), ("db-2", &db), ("edge-1", &edge), ("lone", &[])];
    let traces = store.traces("site", asked).expect("traces");
    assert_eq!(&*traces["web-1"], "[\"web\"]");
    assert_eq!(&*traces["web-2"], "[\"web\"]");
    assert_eq!(&*traces["db-2"], "[\"db\"]");
    assert_eq!(&*traces["edge-1"], "[\"db\"]", "the newest of any host of `all`");
    assert!(!traces.contains_key("lone"));
    store.save_trace("site", "web-2", &groups(&["all", "web"]), "[\"newer\"]").expect("saved");
    let traces = store.traces("site", [("web-1", web.as_slice()), ("web-3", &web)]).expect("traces");
    assert_eq!((&*traces["web-1"], &*traces["web-3"]), ("[\"web\"]", "[\"newer\"]"));
}

#[rstest]
fn equal_traces_of_five_thousand_hosts_are_kept_once_and_come_back_together(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let (bed, store) = both(kind);
    let json = format!("[{}]", "\"dpkg-query -W\",".repeat(500));
    let trace = |n: usize| Trace { host: format!("h{n:04}"), groups: hosts(&["all", "web"]), json: json.clone() };
    let traces: Vec<Trace> = (0..5_000).map(trace).collect();
    store.save_traces("site", &traces).expect("saved");
    assert_eq!(bed.number("SELECT count(*) FROM blobs"), 1);
    assert_eq!(bed.number("SELECT count(*) FROM traces"), 5_000);
    let asked = traces.iter().map(|trace| (trace.host.as_str(), trace.groups.as_slice()));
    let found = store.traces("site", asked).expect("traces");
    assert_eq!(found.len(), 5_000);
    assert!(found.values().all(|found| **found == *json));
}

#[rstest]
fn a_damaged_trace_is_left_out(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let (bed, store) = both(kind);
    let all = hosts(&["all"]);
    store.save_trace("site", "a", &all, "[1]").expect("saved");
    store.save_trace("site", "b", &hosts(&["b"]), "[2]").expect("saved");
    bed.number("UPDATE blobs SET size = 77 WHERE digest IN (SELECT digest FROM traces WHERE host = 'a') RETURNING 1");
    let found = store.traces("site", [("a", all.as_slice()), ("b", &all)]).expect("traces");
    assert_eq!(found.keys().collect::<Vec<_>>(), ["b"]);
}

#[rstest]
fn the_ledger_keeps_what_was_there_before_us_and_follows_what_is_wanted(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let (_bed, store) = both(kind);
    let first = [existing(file("web-1", "/etc/motd", "one"), b"old\0content"), file("web-1", "/etc/new", "x")];
    store.record(&scope(), &author("R1"), &first).expect("recorded");
    let mut second = existing(file("web-1", "/etc/motd", "two"), b"our own work");
    second.keep = true;
    second.at = "playbooks/site.rhai:9:1".into();
    store.record(&scope(), &author("R2"), &[second]).expect("recorded");

    let entries = store.ledger(&scope(), &hosts(&["web-1", "web-2"])).expect("entries");
    assert_eq!(ids(&entries), [r"web-1/path/\/etc\/motd", r"web-1/path/\/etc\/new"]);
    let motd = &entries[0];
    assert_eq!((&motd.want, motd.at.as_str()), (&json!({ "content": "two" }), "playbooks/site.rhai:9:1"));
    assert_eq!((motd.run.as_str(), motd.commit.as_deref(), motd.keep), ("R2", Some("9f2c1a7"), true));
    assert_eq!((motd.existed, motd.prior.clone()), (true, Some(json!({ "mode": 420, "owner": "root" }))));
    assert!(motd.first_seen < motd.last_seen && motd.settled);
    let digest = motd.prior_content.as_deref().expect("a content");
    assert_eq!(store.content(digest).expect("read"), Some(Content::Whole(b"old\0content".to_vec())));
    assert_eq!((entries[0].seq, entries[1].seq, entries[1].existed), (1, 2, false));
}

#[rstest]
fn inventories_do_not_share_a_ledger_though_their_hosts_have_the_same_names(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let (_bed, store) = both(kind);
    let staging = Scope { inventory: "inventories/staging.yaml".into(), ..scope() };
    store.record(&scope(), &author("R1"), &[file("web-1", "/a", "x")]).expect("recorded");
    assert!(store.ledger(&staging, &hosts(&["web-1"])).expect("entries").is_empty());
    store.record(&staging, &author("R2"), &[file("web-1", "/b", "x")]).expect("recorded");
    assert_eq!(ids(&store.ledger(&scope(), &hosts(&["web-1"])).expect("entries")), [r"web-1/path/\/a"]);
    assert_eq!(store.resources(&LedgerFilter::default()).expect("entries").len(), 2);
}

#[rstest]
fn a_second_playbook_inherits_what_was_there_before_the_first(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let (_bed, store) = both(kind);
    let other = Scope { playbook: "playbooks/extra.rhai".into(), ..scope() };
    store.record(&scope(), &author("R1"), &[file("web-1", "/etc/motd", "x")]).expect("recorded");
    // The second playbook finds the file of the first one there.
    let found = existing(file("web-1", "/etc/motd", "y"), b"x");
    store.record(&other, &author("R2"), &[found, file("web-1", "/own", "z")]).expect("recorded");
    let entries = store.ledger(&other, &hosts(&["web-1"])).expect("entries");
    let motd = entries.iter().find(|entry| entry.id == "/etc/motd").expect("recorded");
    assert_eq!((motd.existed, &motd.prior, &motd.prior_content), (false, &None, &None));
    assert_eq!(motd.shared_with, ["playbooks/site.rhai"]);
    let own = entries.iter().find(|entry| entry.id == "/own").expect("recorded");
    assert!(own.shared_with.is_empty());
}

#[rstest]
fn resources_are_forgotten_and_moved_with_what_was_before(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let (_bed, store) = both(kind);
    let declared = [existing(file("a", "/one", "x"), b"1"), file("a", "/two", "x"), file("b", "/three", "x")];
    store.record(&scope(), &author("R1"), &declared).expect("recorded");
    store.mv(&scope(), &path("a", "/one"), &path("b", "/one")).expect("moved");
    let entries = store.ledger(&scope(), &hosts(&["a", "b"])).expect("entries");
    assert_eq!(ids(&entries), [r"a/path/\/two", r"b/path/\/three", r"b/path/\/one"]);
    assert_eq!((entries[2].seq, entries[2].existed), (2, true));
    let error = store.mv(&scope(), &path("a", "/two"), &path("b", "/three")).expect_err("taken");
    assert_eq!(error.to_string(), r"a resource `b/path/\/three` is recorded already");
    let error = store.mv(&scope(), &path("a", "/none"), &path("a", "/x")).expect_err("unknown");
    assert_eq!(error.to_string(), r"no resource `a/path/\/none` is recorded");
    let gone = [path("a", "/two"), path("a", "/never")];
    assert_eq!(store.forget(&scope(), &gone).expect("forgotten"), 1);
    assert_eq!(store.ledger(&scope(), &hosts(&["a"])).expect("entries"), []);
}

#[rstest]
fn a_content_of_more_than_a_mebibyte_is_known_by_digest_and_size(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let (bed, store) = both(kind);
    let (large, full) = (vec![7; (1 << 20) + 1], vec![8; 1 << 20]);
    let declared = [
        existing(file("a", "/large", "x"), &large),
        existing(file("a", "/full", "x"), &full),
        existing(file("b", "/full", "x"), &full),
    ];
    store.record(&scope(), &author("R1"), &declared).expect("recorded");
    assert_eq!(bed.number("SELECT count(*) FROM blobs"), 2, "equal contents are kept once");
    let entries = store.ledger(&scope(), &hosts(&["a"])).expect("entries");
    let content = |entry: &LedgerEntry| {
        store.content(entry.prior_content.as_deref().expect("a digest")).expect("read").expect("known")
    };
    assert_eq!(content(&entries[0]), Content::TooLarge { size: (1 << 20) + 1 });
    assert_eq!(content(&entries[1]), Content::Whole(full));
    assert_eq!(store.content("0123").expect("an answer"), None);
}

#[rstest]
fn contents_that_nothing_refers_to_are_tidied_away_once_they_are_old(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let (bed, store) = both(kind);
    let declared = [existing(file("a", "/one", "x"), b"1"), existing(file("a", "/two", "x"), b"2")];
    store.record(&scope(), &author("R1"), &declared).expect("recorded");
    store.save_trace("site", "a", &hosts(&["all"]), "[1]").expect("saved");
    store.save_trace("site", "a", &hosts(&["all"]), "[2]").expect("saved");
    store.forget(&scope(), &[path("a", "/one")]).expect("forgotten");
    assert_eq!(store.tidy(Duration::from_secs(3_600)).expect("tidied"), 0);
    assert_eq!(store.tidy(Duration::ZERO).expect("tidied"), 2, "of `/one`, and of the first trace");
    assert_eq!(bed.number("SELECT count(*) FROM blobs"), 2);
}

#[rstest]
fn notifications_outlive_the_run_until_they_are_handled(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let (bed, store) = both(kind);
    let due = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(host, handler)| ((*host).to_owned(), (*handler).to_owned())).collect()
    };
    store.notify(&scope(), &author("R1"), &due(&[("a", "reload"), ("b", "reload")])).expect("noted");
    store.notify(&scope(), &author("R2"), &due(&[("a", "restart"), ("a", "reload")])).expect("noted");
    drop(store);
    let store = bed.open();
    let pending = store.notified(&scope(), &hosts(&["a"])).expect("pending");
    let pending: Vec<_> =
        pending.iter().map(|one| (one.host.as_str(), one.handler.as_str(), one.run.as_str())).collect();
    assert_eq!(pending, [("a", "reload", "R1"), ("a", "restart", "R2")]);
    store.handled(&scope(), &due(&[("a", "reload"), ("a", "restart")])).expect("noted");
    let left = store.notified(&scope(), &hosts(&["a", "b"])).expect("pending");
    assert_eq!(left.into_iter().map(|one| one.host).collect::<Vec<_>>(), ["b"]);
}

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
        .args(["--exact", "state_memory::writer_for_other_tests", "--nocapture"])
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

#[rstest]
fn plans_are_kept_whole(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let (_bed, store) = both(kind);
    let json = format!("{{\"operations\":[{}0]}}", "{\"diff\":\"\\u0000 ü\"},".repeat(100_000));
    let plan = |id: &str, created: &str| PlanRecord {
        id: id.into(),
        playbook: "playbooks/site.rhai".into(),
        inventory: "inventories/production.yaml".into(),
        created: created.into(),
        size: json.len() as u64,
    };
    let (old, new) = (plan("P1", "2026-11-20T10:00:00Z"), plan("P2", "2026-11-20T11:00:00Z"));
    store.save_plan(&old, &json).expect("saved");
    store.save_plan(&new, "{}").expect("saved");
    store.save_plan(&new, &json).expect("replaced");
    assert_eq!(store.plan("P2").expect("read").as_deref(), Some(json.as_str()));
    assert_eq!(store.plans(10).expect("plans"), [new, old]);
    assert!(store.forget_plan("P1").expect("forgotten") && !store.forget_plan("P1").expect("an answer"));
    assert_eq!(store.plan("P1").expect("read"), None);
}

#[rstest]
fn outputs_are_replaced_by_name_and_host(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let (_bed, store) = both(kind);
    let output =
        |host: Option<&str>, name: &str, value| Output { host: host.map(str::to_owned), name: name.into(), value };
    let first = [output(Some("web-1"), "port", json!(1)), output(None, "address", json!(["10.0.0.1"]))];
    store.save_outputs(&scope(), &author("R1"), &first).expect("saved");
    store.save_outputs(&scope(), &author("R2"), &[output(Some("web-1"), "port", json!(null))]).expect("saved");
    let outputs = store.outputs(&scope()).expect("outputs");
    assert_eq!(outputs, [output(None, "address", json!(["10.0.0.1"])), output(Some("web-1"), "port", json!(null))]);
}
