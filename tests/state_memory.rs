//! What the engine leaves in the store between runs: traces, ledger, notifications, intents, plans, outputs.

mod intents;

use crate::support::store::{Bed, Kind};
use rhapsode::state::{
    Author, Content, Declared, LedgerEntry, LedgerFilter, Output, PlanRecord, Prior, ResourceId, Scope, Store, Trace,
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
