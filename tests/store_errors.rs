//! A state store that cannot be used: what is said, and that no host is touched then.

use crate::history::{Project, record, start};
use crate::support::events::{RUN, Story};
use crate::support::project::Project as Whole;
use rhapsode::event::{Bus, Event, Mode};
use rhapsode::state::{StateError, Store};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

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
fn without_privilege() -> &'static [&'static str] {
    if rustix::process::geteuid().is_root() {
        &["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    } else {
        &["env"]
    }
}

#[test]
fn a_disk_without_room_is_found_before_a_run_begins() {
    let Some(path) = limited() else {
        let project = Project::new();
        drop(project.open());
        return again(
            "store_errors::a_disk_without_room_is_found_before_a_run_begins",
            &with_room("64"),
            &project.path,
        );
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
            "store_errors::a_disk_that_fills_up_in_a_run_ends_the_history_alone",
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
        return again("store_errors::a_directory_that_cannot_be_written_is_named", without_privilege(), &project.path);
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
        let name = "store_errors::a_store_that_cannot_be_written_is_named_though_it_can_be_read";
        return again(name, without_privilege(), &project.path);
    };
    let error = Store::open(&path).err().expect("refused");
    assert!(matches!(error, StateError::ReadOnly { .. }), "{error:?}");
}

/// A project whose playbook leaves a trace on its host.
fn touching() -> Whole {
    let project = Whole::new().file("rhapsode.yaml", "inventory: inv.yaml\n");
    let touched = project.path("touched").display().to_string();
    project
        .file(
            "inv.yaml",
            format!("hosts: {{ here: {{ connect: exec, command: [sh, -c, 'touch {touched}; exec sh'] }} }}\n"),
        )
        .file("site.rhai", "cmd::run(\"true\");\n")
}

const VERBS: [&[&str]; 6] = [
    &["plan", "site.rhai"],
    &["apply", "site.rhai", "--yes"],
    &["drift", "site.rhai"],
    &["drift", "--all"],
    &["resume"],
    &["rollback", "--yes"],
];

/// Every verb ends with exit 5 and says this, and no host is touched.
fn assert_refused(project: &Whole, wrapper: &[&str], told: &str) {
    for verb in VERBS {
        let mut process = Command::new(wrapper[0]);
        process.args(&wrapper[1..]).arg(env!("CARGO_BIN_EXE_rhapsode")).args(verb).current_dir(project.root());
        let output = process.output().unwrap_or_else(|error| panic!("cannot run `{}`: {error}", wrapper[0]));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{verb:?}: {said}");
        assert!(said.contains(told) && said.contains("hint: "), "{verb:?}: {said}");
        assert!(!project.path("touched").exists(), "{verb:?} touched a host");
    }
}

#[test]
fn no_host_is_touched_when_the_store_is_damaged_or_newer() {
    let project = touching();
    project.write(Store::PATH, "this is no database, it only looks like a file\n".repeat(100));
    assert_refused(&project, &["env"], "the state store `");
    std::fs::remove_file(project.path(Store::PATH)).expect("it is there");
    drop(Store::open(&project.path(Store::PATH)).expect("a store"));
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'of the future', 1, x'00', 1)";
    crate::history::sql(&project.path(Store::PATH), newer);
    assert_refused(&project, &["env"], "has schema 9999, newer than this rhapsode knows");
}

#[test]
fn no_host_is_touched_when_the_store_has_no_room_or_may_not_be_written() {
    let project = touching();
    drop(Store::open(&project.path(Store::PATH)).expect("a store"));
    assert_refused(&project, &with_room("64"), "no space left for the state store `");
    let folder = project.path(".rhapsode");
    let close = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
    close(&folder, 0o555);
    close(&project.path(Store::PATH), 0o444);
    assert_refused(&project, without_privilege(), "cannot write the state store `");
    close(&folder, 0o755);
}
