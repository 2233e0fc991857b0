//! Export and import: everything moves from one kind of store to the other, or nothing does.

use crate::history::record;
use crate::support::events::Story;
use crate::support::store::{Bed, Kind};
use rhapsode::event::{Event, Mode, OpStatus};
use rhapsode::state::{
    Author, Declared, Intent, LockRequest, Output, PlanRecord, Prior, ResourceId, Scope, StateError, Store,
};
use rstest::rstest;
use serde_json::json;

/// A store with rows in every table, and values that are easily lost on the way.
fn fill(store: &Store) {
    let odd = "nul \0, line\u{2028}, quote \" and \\, \u{10FFFE}0, ünïcödé 🦀";
    let events = Story::mixed(Mode::Apply);
    record(store, &events);
    let mut story =
        Story::new(Mode::Apply, &["a", "Z", "é"]).named("01JDZZZZZZZZZZZZZZZZZZZZZZ", "2026-11-20T11:00:00Z");
    story = story.op("a", "file::put", odd, OpStatus::Changed, |end| {
        end.diff = Some(odd.into());
        end.output = Some(odd.into());
    });
    record(store, &story.event(Event::Log { host: "a".into(), text: odd.into() }).abandoned());
    let (scope, author) = (Scope::new("i", "p"), Author { run: "R".into(), commit: None });
    let prior = Prior { existed: true, state: Some(json!({ "mode": 420 })), content: Some((0..=255).collect()) };
    let large = Prior { content: Some(vec![1; (1 << 20) + 1]), ..Prior::default() };
    let declared = |id: &str, prior| Declared {
        resource: ResourceId::new("a", "path", id),
        want: json!({ "text": odd, "size": i64::MAX, "none": null }),
        at: "p:1:1".into(),
        keep: true,
        prior,
        actor: "b".into(),
        origin: Some(json!({ "op": "file::put" })),
    };
    store.record(&scope, &author, &[declared(odd, prior), declared("/large", large)]).expect("recorded");
    let groups = ["all".to_owned()];
    store.save_trace("p", "a", &groups, "[1]").expect("saved");
    let journal = store.journal(scope.clone(), author.clone()).expect("a journal");
    let intent = Intent {
        host: "a".into(),
        id: "a/path/x".into(),
        op: "file::put".into(),
        target: "x".into(),
        at: "p:1:1".into(),
        resources: vec![declared("/new", Prior::default())],
        notifies: vec![("a".into(), "reload".into())],
    };
    drop(journal.intend(intent).expect("known"));
    journal.finish().expect("written");
    let plan = PlanRecord { id: "P".into(), playbook: "p".into(), inventory: "i".into(), created: "c".into(), size: 0 };
    store.save_plan(&plan, &format!("{{\"x\":\"{odd}\"}}")).expect("saved");
    let output = Output { host: None, name: "x".into(), value: json!([1.5, odd]) };
    store.save_outputs(&scope, &author, &[output]).expect("saved");
    for _ in 0..3 {
        let request = LockRequest::new("i", "ada", "desk", "rhapsode apply");
        store.lock(&request, |_| {}).expect("the lock is free");
    }
}

fn exported(store: &Store) -> String {
    let mut out = Vec::new();
    store.export(&mut out).expect("exported");
    String::from_utf8(out).expect("text")
}

/// All rows of an export, without the line that tells when it was made.
fn rows(export: &str) -> Vec<&str> {
    export.lines().skip(1).collect()
}

#[rstest]
fn every_row_moves_there_and_back(
    #[values(Kind::Sqlite, Kind::Postgres)] from: Kind,
    #[values(Kind::Sqlite, Kind::Postgres)] to: Kind,
) {
    let (here, there, back) = (Bed::new(from), Bed::new(to), Bed::new(from));
    let store = here.open();
    fill(&store);
    let export = exported(&store);
    for table in [
        "runs",
        "hosts",
        "diffs",
        "operations",
        "events",
        "blobs",
        "traces",
        "group_traces",
        "resources",
        "notifications",
        "intents",
        "plans",
        "outputs",
        "locks",
    ] {
        let begin = format!("{{\"{table}\":{{");
        assert!(export.lines().any(|line| line.starts_with(&begin)), "no row of {table}");
    }
    let moved = there.open();
    let count = moved.import(&mut export.as_bytes()).expect("imported");
    assert_eq!(count as usize, rows(&export).len() - 1);
    let again = exported(&moved);
    assert_eq!(rows(&again), rows(&export));
    let home = back.open();
    home.import(&mut again.as_bytes()).expect("imported");
    assert_eq!(rows(&exported(&home)), rows(&export));

    let (run, scope) = ("01JDZZZZZZZZZZZZZZZZZZZZZZ", Scope::new("i", "p"));
    assert_eq!(moved.events(run).expect("events"), store.events(run).expect("events"));
    assert_eq!(moved.operations(run).expect("operations"), store.operations(run).expect("operations"));
    assert_eq!(moved.runs(10).expect("runs"), store.runs(10).expect("runs"));
    let hosts = ["a".to_owned()];
    assert_eq!(moved.ledger(&scope, &hosts).expect("entries"), store.ledger(&scope, &hosts).expect("entries"));
    assert_eq!(moved.plan("P").expect("a plan"), store.plan("P").expect("a plan"));
    assert_eq!(moved.revision("", "i").expect("a number"), 3, "a token never goes back");
}

#[rstest]
fn an_import_that_is_not_whole_leaves_nothing(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let (from, to) = (Bed::new(Kind::Sqlite), Bed::new(kind));
    fill(&from.open());
    let export = exported(&from.open());
    let lines: Vec<&str> = export.lines().collect();
    let header = lines[0];
    let store = to.open();
    let last = lines.len();
    let refused = |input: &str, line: usize, what: &str| {
        let error = store.import(&mut input.as_bytes()).expect_err(what);
        assert_eq!(error.to_string(), format!("line {line} of the import {what}"));
        assert!(store.runs(1).expect("runs").is_empty(), "something stayed of {what}");
    };
    refused(&lines[..last - 1].join("\n"), last, "is missing: it was cut off");
    refused(&export[..export.len() / 2], export[..export.len() / 2].lines().count(), "is no JSON object");
    refused(&format!("{export}{}\n", lines[1]), last + 1, "stands behind the end");
    let whole = lines[..last - 1].join("\n");
    let what = format!("counts other than the {} rows before it", last - 2);
    refused(&format!("{whole}\n{{\"end\":{{\"rows\":3}}}}\n"), last, &what);
    refused("", 1, "is not the first line of an export");
    refused("{\"a\":1}\n", 1, "is not the first line of an export");
    refused("{\"rhapsode\":\"state\",\"format\":9}\n", 1, "has format 9, newer than this rhapsode knows");
    refused(&format!("{header}\n{{\"users\":{{}}}}\n"), 2, "names a table `users`");
    refused(&format!("{header}\n{{\"diffs\":{{\"digest\":\"x\"}}}}\n"), 2, "has no `content`");
    refused(
        &format!("{header}\n{{\"diffs\":{{\"digest\":\"x\",\"content\":1}}}}\n"),
        2,
        "has no fitting value in `content`",
    );
    let more = "{\"diffs\":{\"digest\":\"x\",\"content\":\"\",\"more\":1}}";
    refused(&format!("{header}\n{more}\n"), 2, "has a column `more` of which nobody knows");
}

#[rstest]
fn an_import_fills_only_an_empty_store(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    let store = bed.open();
    record(&store, &Story::new(Mode::Plan, &["a"]).done("a").finish(0));
    let export = exported(&store);
    let error = store.import(&mut export.as_bytes()).expect_err("there is a run");
    assert!(matches!(error, StateError::NotEmpty { table: "runs", .. }), "{error:?}");
    assert!(!error.to_string().contains("corr"), "{error}");
    assert_eq!(store.runs(9).expect("runs").len(), 1);
}
