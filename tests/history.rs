//! The state store: what it remembers, and what it says when it cannot.

use crate::support::events::{DIFF, RUN, Story, change, nginx};
use rhapsode::event::{Bus, Event, HostStatus, Mode, OpStatus, RunStart, Sign, Sink};
use rhapsode::state::{StateError, Store};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Project {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join(Store::PATH);
        Self { _dir: dir, path }
    }

    fn open(&self) -> Store {
        Store::open(&self.path).expect("the store opens")
    }

    fn sql(&self, sql: &str) -> String {
        let output = Command::new("sqlite3").arg(&self.path).arg(sql).output().expect("sqlite3 is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }
}

fn start(events: &[Event]) -> &RunStart {
    match &events[0] {
        Event::RunStarted(start) => start,
        other => panic!("a run starts with {other:?}"),
    }
}

fn record(store: &Store, events: &[Event]) {
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

#[test]
fn a_run_is_remembered_with_its_hosts_operations_and_diffs() {
    let project = Project::new();
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

#[test]
fn the_events_come_back_as_they_were() {
    let project = Project::new();
    let events = Story::mixed(Mode::Apply);
    let store = project.open();
    record(&store, &events);
    assert_eq!(ends(store.events(RUN).expect("events")), ends(events));
}

#[test]
fn an_operation_that_never_ended_stays_named_after_a_crash() {
    let project = Project::new();
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

#[test]
fn equal_diffs_of_many_hosts_are_kept_once() {
    let project = Project::new();
    let hosts: Vec<String> = (0..50).map(|n| format!("web-{n}")).collect();
    let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let story = names.iter().fold(Story::new(Mode::Plan, &names), |story, host| story.motd(host).done(host));
    record(&project.open(), &story.finish(0));
    assert_eq!(project.sql("SELECT count(*), content FROM diffs"), format!("1|{DIFF}\n"));
    assert_eq!(project.sql("SELECT count(*) FROM operations WHERE diff IS NOT NULL"), "50\n");
}

#[test]
fn a_thousand_hosts_with_twenty_operations_are_all_written() {
    let project = Project::new();
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

#[test]
fn runs_of_several_processes_do_not_disturb_each_other() {
    let project = Project::new();
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

#[test]
fn a_run_is_found_by_a_unique_beginning_in_any_case() {
    let project = Project::new();
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

#[test]
fn failed_hosts_are_those_of_the_last_apply_and_plans_in_between_do_not_count() {
    let project = Project::new();
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

#[test]
fn the_last_good_run_is_an_apply_of_the_same_playbook_and_inventory() {
    let project = Project::new();
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

#[test]
fn a_store_that_is_no_database_is_named_as_damaged() {
    let project = Project::new();
    std::fs::create_dir_all(project.path.parent().expect("a folder")).expect("made");
    std::fs::write(&project.path, "this is no database, it only looks like a file\n".repeat(100)).expect("written");
    let error = Store::open(&project.path).err().expect("refused");
    assert!(matches!(error, StateError::Corrupt { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("the state store `{}` is damaged", project.path.display()));
    assert!(error.hint().expect("a hint").contains("move `"));
}

#[test]
fn a_store_with_overwritten_pages_is_named_as_damaged() {
    let project = Project::new();
    record(&project.open(), &Story::mixed(Mode::Apply));
    let mut bytes = std::fs::read(&project.path).expect("read");
    bytes[100..].iter_mut().for_each(|byte| *byte = 0x5a);
    std::fs::write(&project.path, bytes).expect("written");
    let error = Store::open(&project.path).err().expect("refused");
    assert!(matches!(error, StateError::Corrupt { .. }), "{error:?}");
}

#[test]
fn a_store_of_a_newer_rhapsode_is_left_alone() {
    let project = Project::new();
    drop(project.open());
    project.sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'of the future', 1, x'00', 1)",
    );
    let error = Store::open(&project.path).err().expect("refused");
    assert!(matches!(error, StateError::Newer { version: 9999, .. }), "{error:?}");
    assert_eq!(error.hint().as_deref(), Some("use the rhapsode that wrote it, or a newer one"));
}

/// Runs the calling test once more, in a process that `wrapper` has limited, with `path` as its store.
fn again(test: &str, wrapper: &[&str], path: &Path) {
    let output = Command::new(wrapper[0])
        .args(&wrapper[1..])
        .arg(std::env::current_exe().expect("the test binary"))
        .args(["--exact", test, "--nocapture"])
        .env(LIMITED, path)
        .output()
        .unwrap_or_else(|error| panic!("cannot run `{}`: {error}", wrapper[0]));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

const LIMITED: &str = "RHAPSODE_TEST_LIMITED_STORE";

fn limited() -> Option<PathBuf> {
    std::env::var_os(LIMITED).map(PathBuf::from)
}

/// No file of the process may grow beyond this many blocks of 512 bytes; writing more fails as on a full disk.
fn with_room(blocks: &str) -> [&str; 5] {
    ["sh", "-c", "trap '' XFSZ; ulimit -f \"$0\" && exec \"$@\"", blocks, "env"]
}

/// Root must not be allowed what others are not.
const WITHOUT_PRIVILEGE: [&str; 2] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];

#[test]
fn a_disk_without_room_is_found_before_a_run_begins() {
    let Some(path) = limited() else {
        let project = Project::new();
        drop(project.open());
        return again("history::a_disk_without_room_is_found_before_a_run_begins", &with_room("64"), &project.path);
    };
    let error = Store::open(&path).err().expect("refused");
    assert!(matches!(error, StateError::Full { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("no space left for the state store `{}`", path.display()));
    assert!(error.hint().expect("a hint").starts_with("free some space on the file system of `"));
}

#[test]
fn a_disk_that_fills_up_in_a_run_ends_the_history_alone() {
    let Some(path) = limited() else {
        let project = Project::new();
        return again(
            "history::a_disk_that_fills_up_in_a_run_ends_the_history_alone",
            &with_room("2048"),
            &project.path,
        );
    };
    let store = Store::open(&path).expect("there is some room");
    let events = Story::new(Mode::Apply, &["a"]).finish(0);
    let bus = Bus::new(vec![Box::new(store.begin(start(&events)).expect("the run is recorded"))]);
    bus.emit(events[0].clone());
    for n in 0..100 {
        bus.emit(Event::Log { host: "a".into(), text: format!("{n} {}", "x".repeat(100_000)) });
    }
    let dropped = bus.finish();
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0].sink, "history");
    let error = dropped[0].error.downcast_ref::<StateError>();
    assert!(matches!(error, Some(StateError::Full { .. })), "{error:?}");
    drop(bus);
    let run = store.run("last").expect("still a run");
    assert_eq!((run.run.as_str(), run.exit), (RUN, None));
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let Some(path) = limited() else {
        let project = Project::new();
        let folder = project.path.parent().expect("a folder");
        std::fs::create_dir_all(folder).expect("made");
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o555)).expect("set");
        return again("history::a_directory_that_cannot_be_written_is_named", &WITHOUT_PRIVILEGE, &project.path);
    };
    let error = Store::open(&path).err().expect("refused");
    assert!(matches!(error, StateError::ReadOnly { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("cannot write the state store `{}`", path.display()));
    let folder = path.parent().expect("a folder").display();
    assert_eq!(error.hint(), Some(format!("make `{folder}` and the files in it writable for this user")));
}

#[test]
fn a_store_that_cannot_be_written_is_named_though_it_can_be_read() {
    let Some(path) = limited() else {
        let project = Project::new();
        drop(project.open());
        std::fs::set_permissions(&project.path, std::fs::Permissions::from_mode(0o444)).expect("set");
        let name = "history::a_store_that_cannot_be_written_is_named_though_it_can_be_read";
        return again(name, &WITHOUT_PRIVILEGE, &project.path);
    };
    let error = Store::open(&path).err().expect("refused");
    assert!(matches!(error, StateError::ReadOnly { .. }), "{error:?}");
}
