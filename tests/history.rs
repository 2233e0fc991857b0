//! The state store: what it remembers, and what it says when it cannot.

use crate::support::events::{DIFF, RUN, Story, change, nginx};
use crate::support::store::{Bed, Kind};
use jiff::Timestamp;
use rhapsode::cli::failure::Exit;
use rhapsode::cli::history::{Clock, history, history_json, show, show_json};
use rhapsode::event::{Event, HostStatus, Mode, OpStatus, RunStart, Sign, Sink};
use rhapsode::report::{Look, Paint, Verbosity};
use rhapsode::state::{Scope, StateError, Store};
use rstest::rstest;
use sqlx::{Connection, SqliteConnection};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub struct Project {
    _dir: tempfile::TempDir,
    pub path: PathBuf,
}

impl Project {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join(Store::PATH);
        Self { _dir: dir, path }
    }

    pub fn open(&self) -> Store {
        Store::open(&self.path).expect("the store opens")
    }

    /// Asks the file behind the store's back.
    pub fn sql(&self, query: &'static str) -> Option<i64> {
        sql(&self.path, query)
    }
}

/// Asks a file behind the store's back.
pub fn sql(path: &Path, query: &'static str) -> Option<i64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect_with(&options).await.expect("a database");
        sqlx::query_scalar(query).fetch_optional(&mut connection).await.expect("an answer")
    })
}

pub fn start(events: &[Event]) -> &RunStart {
    match &events[0] {
        Event::RunStarted(start) => start,
        other => panic!("a run starts with {other:?}"),
    }
}

pub fn record(store: &Store, events: &[Event]) {
    let mut sink = store.begin(start(events)).expect("the run is recorded");
    events.iter().for_each(|event| sink.emit(event).expect("the sink takes it"));
    sink.finish().expect("all is written");
}

/// Without the starts of operations: one whose end came soon enough is not kept.
fn ends(events: Vec<Event>) -> Vec<Event> {
    events.into_iter().filter(|event| !matches!(event, Event::OperationStarted { .. })).collect()
}

fn apply(run: &str, end: impl FnOnce(Story) -> Vec<Event>) -> Vec<Event> {
    end(Story::new(Mode::Apply, &["a", "b", "c"]).named(run, "2026-11-20T10:00:00Z"))
}

#[rstest]
fn a_run_is_remembered_with_its_hosts_operations_and_diffs(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let project = Bed::new(kind);
    let events = Story::mixed(Mode::Apply);
    record(&project.open(), &events);

    let store = project.open();
    let run = store.run("last").expect("one run");
    assert_eq!((run.run.as_str(), run.mode, run.exit, run.hosts), (RUN, Mode::Apply, Some(3), 4));
    assert_eq!(run.commit, start(&events).commit);
    assert_eq!(run.arguments, start(&events).arguments);
    assert_eq!(run.finished.as_deref(), Some("2026-11-20T10:00:00.812Z"));
    let Some(Event::RunFinished { totals, .. }) = events.last() else { panic!("the last event ends the run") };
    assert_eq!(run.totals.as_ref(), Some(totals));

    let hosts = store.hosts(RUN).expect("hosts");
    let verdicts: Vec<_> = hosts.iter().map(|host| (host.host.as_str(), host.status)).collect();
    assert_eq!(
        verdicts,
        [
            ("web-1", Some(HostStatus::Changed)),
            ("web-2", Some(HostStatus::Ok)),
            ("db-1", Some(HostStatus::Failed)),
            ("lost-1", Some(HostStatus::Unreachable)),
        ]
    );
    assert_eq!(hosts[2].error, Some(nginx("db-1")));

    let ended: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::OperationFinished { host, end } => Some((host.clone(), (**end).clone())),
            _ => None,
        })
        .collect();
    assert_eq!(store.operations(RUN).expect("operations"), ended);
}

#[rstest]
fn the_events_come_back_as_they_were(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let project = Bed::new(kind);
    let events = Story::mixed(Mode::Apply);
    let store = project.open();
    record(&store, &events);
    assert_eq!(ends(store.events(RUN).expect("events")), ends(events));
}

#[rstest]
fn an_operation_that_never_ended_stays_named_after_a_crash(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let project = Bed::new(kind);
    let begun =
        Event::OperationStarted { host: "a".into(), op: "cmd::run".into(), target: "make".into(), at: "x:1:1".into() };
    let events = apply("01JD000000000000000000000A", |story| story.connect("a").event(begun.clone()).abandoned());
    let store = project.open();
    record(&store, &events);
    assert_eq!(store.events("01JD000000000000000000000A").expect("events").last(), Some(&begun));
    let run = store.run("last").expect("the run");
    assert_eq!((run.exit, run.finished, run.totals), (None, None, None));
    assert_eq!(store.failed_hosts_of_last_run(None).expect("hosts"), ["a", "b", "c"]);
}

#[rstest]
fn equal_diffs_of_many_hosts_are_kept_once(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let project = Bed::new(kind);
    let hosts: Vec<String> = (0..50).map(|n| format!("web-{n}")).collect();
    let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let story = names.iter().fold(Story::new(Mode::Plan, &names), |story, host| story.motd(host).done(host));
    record(&project.open(), &story.finish(0));
    assert_eq!(project.number("SELECT count(*) FROM diffs"), 1);
    let store = project.open();
    let operations = store.operations(RUN).expect("operations");
    assert_eq!(operations.len(), 50);
    assert!(operations.iter().all(|(_, end)| end.diff.as_deref() == Some(DIFF)));
}

#[rstest]
fn a_thousand_hosts_with_twenty_operations_are_all_written(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let project = Bed::new(kind);
    let hosts: Vec<String> = (0..1_000).map(|n| format!("h{n:03}")).collect();
    let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let mut story = Story::new(Mode::Apply, &names);
    for n in 0..20 {
        for host in &names {
            story = story.op(host, "file::put", &format!("/etc/{n}"), OpStatus::Changed, |end| {
                end.changes = vec![change(Sign::Create, "file")];
            });
        }
    }
    story = names.iter().fold(story, |story, host| story.end(host, HostStatus::Changed, None));
    let store = project.open();
    record(&store, &story.finish(0));
    let operations = store.operations(RUN).expect("operations");
    assert_eq!(operations.len(), 20_000);
    assert_eq!(operations[19_999].0, "h999");
    assert_eq!(ends(store.events(RUN).expect("events")).len(), 1 + 20_000 + 1_000 + 1);
    assert_eq!(store.run("last").expect("the run").totals.map(|totals| totals.changes), Some(20_000));
}

#[rstest]
fn runs_of_several_processes_do_not_disturb_each_other(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let project = Bed::new(kind);
    std::thread::scope(|scope| {
        for n in 0..8 {
            let project = &project;
            // A store of its own each, on a file that is not there yet: as separate processes would open it.
            scope.spawn(move || {
                let run = format!("01JD00000000000000000000{n:02}");
                let mut events = apply(&run, |story| story.motd("a").done("a").finish(0));
                events.splice(1..1, (0..300).map(|n| Event::Log { host: "a".into(), text: n.to_string() }));
                record(&project.open(), &events);
            });
        }
    });
    let store = project.open();
    let runs = store.runs(100).expect("runs");
    assert_eq!(runs.len(), 8);
    for run in runs {
        assert_eq!(run.exit, Some(0), "{}", run.run);
        assert_eq!(ends(store.events(&run.run).expect("events")).len(), 1 + 300 + 1 + 1 + 1);
    }
}

#[rstest]
fn a_run_is_found_by_a_unique_beginning_in_any_case(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let project = Bed::new(kind);
    let store = project.open();
    for run in ["01JDAA0000000000000000000A", "01JDAB0000000000000000000A"] {
        record(&store, &apply(run, |story| story.finish(0)));
    }
    assert_eq!(store.run("01jdaa").expect("the run").run, "01JDAA0000000000000000000A");
    assert_eq!(store.run("last").expect("the run").run, "01JDAB0000000000000000000A");
    let names: Vec<_> = store.runs(1).expect("runs").into_iter().map(|run| run.run).collect();
    assert_eq!(names, ["01JDAB0000000000000000000A"]);
    let error = store.run("01JD").expect_err("two runs begin so");
    assert_eq!(error.to_string(), "`01JD` is the beginning of 2 runs");
    assert_eq!(
        error.hint().as_deref(),
        Some("give more of it: `01JDAB0000000000000000000A`, `01JDAA0000000000000000000A`")
    );
    for name in ["02", "", "%", "_1JD"] {
        assert!(matches!(store.run(name), Err(StateError::NoRun(_))), "{name}");
    }
}

#[rstest]
fn failed_hosts_are_those_of_the_last_apply_and_plans_in_between_do_not_count(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let project = Bed::new(kind);
    let store = project.open();
    assert_eq!(store.failed_hosts_of_last_run(None).expect("hosts"), Vec::<String>::new());
    let failing = |story: Story| {
        story
            .end("c", HostStatus::Unreachable, None)
            .end("a", HostStatus::Failed, None)
            .end("b", HostStatus::Skipped, None)
            .finish(3)
    };
    record(&store, &apply("01JD000000000000000000000A", failing));
    record(&store, &Story::new(Mode::Plan, &["a"]).named("01JD000000000000000000000B", "").done("a").finish(0));
    assert_eq!(store.failed_hosts_of_last_run(None).expect("hosts"), ["a", "c"]);
    assert_eq!(store.failed_hosts_of_last_run(Some("playbooks/site.rhai")).expect("hosts"), ["a", "c"]);
    assert!(store.failed_hosts_of_last_run(Some("playbooks/other.rhai")).expect("hosts").is_empty());
}

#[rstest]
fn the_last_good_run_is_an_apply_of_the_same_playbook_and_inventory(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let project = Bed::new(kind);
    let store = project.open();
    record(&store, &apply("01JD000000000000000000000A", |story| story.done("a").finish(0)));
    record(&store, &apply("01JD000000000000000000000B", |story| story.finish(3)));
    record(&store, &Story::new(Mode::Plan, &["a"]).named("01JD000000000000000000000C", "").finish(0));
    let good = |playbook, inventory| store.last_good_run(playbook, inventory).expect("an answer").map(|run| run.run);
    assert_eq!(
        good("playbooks/site.rhai", "inventories/production.yaml").as_deref(),
        Some("01JD000000000000000000000A")
    );
    assert_eq!(good("playbooks/site.rhai", "inventories/staging.yaml"), None);
}

#[rstest]
fn every_playbook_that_was_applied_is_known_with_its_inventory(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    let store = bed.open();
    let run = |id: &str, mode, playbook: &str| {
        let mut events = Story::new(mode, &["a"]).named(id, "2026-11-20T10:00:00Z").finish(0);
        if let Event::RunStarted(start) = &mut events[0] {
            start.playbook = playbook.into();
        }
        record(&store, &events);
    };
    run("01JD000000000000000000000A", Mode::Apply, "site");
    run("01JD000000000000000000000B", Mode::Apply, "db");
    run("01JD000000000000000000000C", Mode::Apply, "site");
    run("01JD000000000000000000000D", Mode::Plan, "tried");
    let applied = store.applied().expect("an answer");
    let inventory = "inventories/production.yaml";
    assert_eq!(applied, [Scope::new(inventory, "site"), Scope::new(inventory, "db")]);
}

#[rstest]
fn runs_that_keep_the_same_diffs_do_not_wait_for_each_other(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    drop(bed.open());
    std::thread::scope(|threads| {
        for n in 0..4 {
            let bed = &bed;
            threads.spawn(move || {
                let mut story = Story::new(Mode::Plan, &["a"]).named(&format!("01JD00000000000000000000{n:02}"), "");
                for step in 0..300 {
                    // Forwards in one run, backwards in the next.
                    let step = if n % 2 == 0 { step } else { 299 - step };
                    story = story.op("a", "file::put", &format!("/etc/{step}"), OpStatus::Changed, |end| {
                        end.diff = Some(format!("+{step}"));
                    });
                }
                record(&bed.open(), &story.done("a").finish(0));
            });
        }
    });
    assert_eq!(bed.number("SELECT count(*) FROM diffs"), 300);
    assert_eq!(bed.number("SELECT count(*) FROM operations"), 1_200);
}

#[test]
fn nobody_else_can_read_the_store_and_git_does_not_see_it() {
    let project = Project::new();
    let store = project.open();
    record(&store, &Story::mixed(Mode::Plan));
    let mode = |path: &Path| std::fs::metadata(path).expect("is there").permissions().mode() & 0o7777;
    let folder = project.path.parent().expect("a folder");
    assert_eq!(mode(folder), 0o700);
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
    assert_eq!(std::fs::read_to_string(folder.join(".gitignore")).expect("is there"), "*\n");
}

#[test]
fn a_question_about_the_past_makes_no_store() {
    let project = Project::new();
    assert!(Store::open_existing(&project.path).expect("no error").is_none());
    assert!(!project.path.exists());
}

fn listed(store: Option<&Store>) -> String {
    let zone = jiff::tz::TimeZone::UTC;
    let clock = Clock { now: "2026-11-20T12:00:00Z".parse().expect("a time"), zone };
    let mut out = Vec::new();
    history(store, 10, &clock, Paint::default(), &mut out).expect("listed");
    String::from_utf8(out).expect("text")
}

#[rstest]
fn history_lists_runs_with_the_newest_first(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let project = Bed::new(kind);
    assert_eq!(listed(None), "no run is recorded yet\n");
    let store = project.open();
    assert_eq!(listed(Some(&store)), "no run is recorded yet\n");
    record(&store, &Story::mixed(Mode::Apply));
    let mut dirty = apply("01JDZZZZZZZZZZZZZZZZZZZZZZ", |story| story.motd("a").abandoned());
    if let Event::RunStarted(start) = &mut dirty[0] {
        start.dirty = true;
        start.started = "2026-11-20T11:58:00Z".into();
    }
    record(&store, &dirty);
    insta::assert_snapshot!(listed(Some(&store)), @r#"
    run         when                          mode   playbook             commit    hosts  changes        exit  who
    01JDZZZZZZ  2 min ago (2026-11-20 11:58)  apply  playbooks/site.rhai  9f2c1a7*      3        ?  unfinished  ada@desk
    01JD3K8P2M  2 h ago (2026-11-20 10:00)    apply  playbooks/site.rhai  9f2c1a7       4        2           3  ada@desk
    "#);

    let mut json = Vec::new();
    history_json(Some(&store), 1, &mut json).expect("listed");
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(1));
    assert_eq!(json[0]["run"], "01JDZZZZZZZZZZZZZZZZZZZZZZ");
    assert_eq!(json[0]["exit"], serde_json::Value::Null);
}

#[rstest]
fn show_replays_a_run_and_names_one_that_is_not_there(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let project = Bed::new(kind);
    let store = project.open();
    record(&store, &Story::mixed(Mode::Apply));
    let path = project.folder().join("shown");
    let out = || Box::new(std::fs::File::create(&path).expect("made"));
    let exit = show(&store, "last", Look::plain(Verbosity::Normal), out()).expect("shown");
    assert_eq!(exit, Exit::Done);
    let text = std::fs::read_to_string(&path).expect("read");
    assert!(text.starts_with("apply playbooks/site.rhai on 4 hosts"), "{text}");
    assert!(text.ends_with("1 unreachable in 812 ms\n"), "{text}");

    show_json(&store, "01JD3K", out()).expect("shown");
    let document: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).expect("read")).expect("JSON");
    assert_eq!(document["hosts"]["web-1"]["status"], "changed");

    let error = show(&store, "01XX", Look::plain(Verbosity::Normal), out()).expect_err("no such run");
    assert_eq!((error.exit, error.failure.message.as_str()), (Exit::Invalid, "no run `01XX` is recorded"));
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_no_panic() {
    let project = Project::new();
    let store = project.open();
    record(&store, &Story::mixed(Mode::Apply));
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    for error in [
        show(&store, "last", Look::plain(Verbosity::Normal), Box::new(full())).expect_err("full"),
        show_json(&store, "last", Box::new(full())).expect_err("full"),
        history_json(Some(&store), 1, &mut full()).expect_err("full"),
    ] {
        assert_eq!(error.failure.message, "cannot write the output");
        assert_eq!(error.failure.causes, ["No space left on device (os error 28)"]);
    }
}

#[rstest]
fn runs_of_long_ago_are_forgotten_but_for_the_newest_of_each_playbook(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let bed = Bed::new(kind);
    let store = bed.open();
    let run = |id: &str, exit: i32| {
        let story = Story::new(Mode::Apply, &["a"]).named(id, "2025-01-01T10:00:00Z");
        record(&store, &story.motd("a").done("a").finish(exit));
    };
    run("01JA0000000000000000000001", 0);
    run("01JA0000000000000000000002", 0);
    run("01JA0000000000000000000003", 3);
    let now = Timestamp::now().to_string();
    let plan = Story::new(Mode::Plan, &["a"]).named("01JB0000000000000000000004", &now);
    record(&store, &plan.done("a").finish(0));
    assert_eq!(store.forget_runs(Duration::from_secs(10 * 366 * 24 * 3600)).expect("tidied"), 0);
    assert_eq!(store.forget_runs(Duration::from_secs(24 * 3600)).expect("tidied"), 1);
    let left: Vec<_> = store.runs(9).expect("runs").into_iter().map(|run| run.run[22..].to_owned()).collect();
    assert_eq!(left, ["0004", "0003", "0002"], "the newest apply and the newest good one stay");
    assert_eq!(bed.number("SELECT count(*) FROM operations WHERE run LIKE '%1'"), 0);
    assert_eq!(bed.number("SELECT count(*) FROM diffs"), 1, "the others have the same diff");
}
