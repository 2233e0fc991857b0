//! `rhapsode state ...`.

use crate::support::store::{Bed, Kind};
use clap::Parser;
use rhapsode::cli::failure::{CommandError, Exit};
use rhapsode::cli::state::{Call, StateVerb, state};
use rhapsode::state::{Author, Declared, Location, LockRequest, Prior, ResourceId, Scope, Store};
use rstest::rstest;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

#[derive(Parser)]
struct Words {
    #[command(subcommand)]
    verb: StateVerb,
}

struct Desk {
    bed: Bed,
    json: bool,
    inventory: Option<&'static str>,
}

impl Desk {
    fn new(kind: Kind) -> Self {
        Self { bed: Bed::new(kind), json: false, inventory: None }
    }

    /// With a ledger of two playbooks.
    fn with_ledger(kind: Kind) -> Self {
        let desk = Self::new(kind);
        let store = desk.bed.open();
        let author = Author { run: "01JD".into(), commit: Some("9f2c1a7".into()) };
        let declared = |id: &str, prior| Declared {
            resource: ResourceId::new("web-1", "path", id),
            want: json!({ "mode": 420 }),
            at: "playbooks/site.rhai:3:1".into(),
            keep: true,
            prior,
            actor: String::new(),
            origin: None,
        };
        let old = Prior { existed: true, state: None, content: Some(b"old".to_vec()) };
        let site = Scope::new("production", "playbooks/site.rhai");
        let both = [declared("/etc/motd", old), declared("/etc/issue", Prior::default())];
        store.record(&site, &author, &both).expect("recorded");
        let extra = Scope::new("production", "playbooks/extra.rhai");
        store.record(&extra, &author, &[declared("/etc/issue", Prior::default())]).expect("recorded");
        desk
    }

    fn run(&self, words: &[&str]) -> Result<String, CommandError> {
        self.run_with(words, "")
    }

    fn run_with(&self, words: &[&str], input: &str) -> Result<String, CommandError> {
        let words = Words::try_parse_from([&["state"], words].concat()).expect("right words");
        let location = Location::of(&self.bed.url(), Path::new("")).expect("a location");
        let (user, host, lock_wait) = ("ada", "desk", Duration::ZERO);
        let call = Call { location: &location, inventory: self.inventory, user, host, lock_wait, json: self.json };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = state(&call, &words.verb, &mut input.as_bytes(), &mut out, &mut err)?;
        assert_eq!((exit, err.len()), (Exit::Done, 0));
        Ok(String::from_utf8(out).expect("text"))
    }

    fn fails(&self, words: &[&str]) -> (Exit, String, String) {
        let error = self.run(words).expect_err("refused");
        (error.exit, error.failure.message.clone(), error.failure.hint.clone().unwrap_or_default())
    }
}

#[rstest]
fn the_ledger_is_listed_by_playbook(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    assert_eq!(Desk::new(kind).run(&["list"]).expect("listed"), "no resource is recorded\n");
    let mut desk = Desk::with_ledger(kind);
    let text = desk.run(&["list"]).expect("listed");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[1][..3], ["web-1/path//etc/issue", "playbooks/extra.rhai", "production"]);
    assert!(text.lines().nth(2).expect("a line").ends_with("was there before, keep"), "{text}");
    assert_eq!(desk.run(&["list", "--playbook", "playbooks/extra.rhai"]).expect("listed").lines().count(), 2);
    assert_eq!(desk.run(&["list", "--host", "web-2"]).expect("listed"), "no resource is recorded\n");
    desk.json = true;
    let json: serde_json::Value = serde_json::from_str(&desk.run(&["list"]).expect("listed")).expect("JSON");
    assert_eq!((json.as_array().map(Vec::len), &json[1]["id"]), (Some(3), &json!("/etc/motd")));
}

#[rstest]
fn a_resource_is_shown_with_what_was_there_before(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let desk = Desk::with_ledger(kind);
    let text = desk.run(&["show", "web-1/path//etc/motd"]).expect("shown");
    assert!(text.starts_with("web-1/path//etc/motd\n  declared   playbooks/site.rhai:3:1"), "{text}");
    assert!(text.contains("  before us  it was there, content of 3 bytes is kept\n"), "{text}");
    assert!(text.contains("  removal    never removed\n"), "{text}");
    assert!(text.ends_with("  wanted     {\n               \"mode\": 420\n             }\n"), "{text}");
    let (exit, message, hint) = desk.fails(&["show", "web-1/path//etc/none"]);
    assert_eq!((exit, message.as_str()), (Exit::Invalid, r"no resource `web-1/path/\/etc\/none` is recorded"));
    assert_eq!(hint, "`rhapsode state list` shows the addresses");
    assert_eq!(desk.fails(&["show", "motd"]).1, "`motd` is no address of a resource");
}

#[rstest]
fn a_resource_of_two_playbooks_is_only_forgotten_by_name(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let desk = Desk::with_ledger(kind);
    let (exit, message, hint) = desk.fails(&["rm", "web-1/path//etc/motd", "web-1/path//etc/issue"]);
    assert_eq!(exit, Exit::Invalid);
    assert_eq!(
        message,
        r"`web-1/path/\/etc\/issue` is managed by `playbooks/extra.rhai` on `production` and by `playbooks/site.rhai` on `production`"
    );
    assert_eq!(hint, "name one with `--playbook` and `-i`");
    assert_eq!(desk.run(&["list"]).expect("listed").lines().count(), 4, "nothing was forgotten");
    let words = ["rm", "web-1/path//etc/motd", "web-1/path//etc/issue", "--playbook", "playbooks/site.rhai"];
    let text = desk.run(&words).expect("forgotten");
    assert_eq!(text, "forgot web-1/path//etc/motd\nforgot web-1/path//etc/issue\n");
    assert_eq!(desk.run(&["list"]).expect("listed").lines().count(), 2);
}

#[rstest]
fn a_resource_is_moved_and_another_one_is_taken_in(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let mut desk = Desk::with_ledger(kind);
    let text = desk.run(&["mv", "web-1/path//etc/motd", "web-1/path//etc/motd.d"]).expect("moved");
    assert_eq!(text, "web-1/path//etc/motd is now web-1/path//etc/motd.d\n");
    let adopt = ["import-resource", "db-1/unit/postgresql.service", "--playbook", "playbooks/db.rhai"];
    assert_eq!(desk.fails(&adopt).1, "no inventory");
    desk.inventory = Some("production");
    let text = desk.run(&adopt).expect("taken in");
    assert_eq!(text, "db-1/unit/postgresql.service is now managed by playbooks/db.rhai\n");
    assert_eq!(desk.fails(&adopt).1, "a resource `db-1/unit/postgresql.service` is recorded already");
    assert_eq!(desk.fails(&[&adopt[..], &["--want", "{"]].concat()).1, "`--want` is no JSON");
}

#[rstest]
fn what_writes_waits_for_the_lock_of_the_inventory(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let desk = Desk::with_ledger(kind);
    let request = LockRequest::new("production", "bob", "shed", "rhapsode apply playbooks/site.rhai");
    let store = desk.bed.open();
    let lease = store.lock(&request, |_| {}).expect("the lock is free");
    let (exit, message, _) = desk.fails(&["rm", "web-1/path//etc/motd"]);
    assert_eq!(exit, Exit::State);
    assert!(message.starts_with("inventory `production` is in use by `bob@shed` (pid "), "{message}");
    let text = desk.run(&["unlock"]).expect("unlocked");
    assert!(text.starts_with("took the lock of inventory `production` from `bob@shed` (pid "), "{text}");
    assert!(text.contains("which runs `rhapsode apply playbooks/site.rhai` since 2"), "{text}");
    assert_eq!(desk.run(&["unlock"]).expect("an answer"), "nobody holds the lock\n");
    desk.run(&["rm", "web-1/path//etc/motd"]).expect("the lock is free");
    assert!(lease.store().tidy(Duration::ZERO).is_err(), "the holder was shut out");
}

#[test]
fn unlock_asks_which_one_of_several() {
    let mut desk = Desk::new(Kind::Sqlite);
    let store = desk.bed.open();
    let lock = |inventory: &str| {
        store.lock(&LockRequest::new(inventory, "bob", "shed", "rhapsode apply"), |_| {}).expect("the lock is free")
    };
    let _both = [lock("production"), lock("staging")];
    let (_, message, hint) = desk.fails(&["unlock"]);
    assert_eq!(message, "several inventories are locked: `production`, `staging`");
    assert_eq!(hint, "name one with `-i`");
    desk.inventory = Some("staging");
    assert!(desk.run(&["unlock"]).expect("unlocked").contains("`staging`"));
}

#[test]
fn an_export_moves_to_a_server_through_a_file_that_nobody_else_can_read() {
    let (from, to) = (Desk::with_ledger(Kind::Sqlite), Desk::new(Kind::Postgres));
    let file = from.bed.folder().join("export.jsonl");
    let path = file.to_str().expect("a plain path");
    let text = from.run(&["export", path]).expect("exported");
    assert_eq!(text, format!("4 rows of `{}` written to `{path}`\n", from.bed.path().display()));
    assert_eq!(std::fs::metadata(&file).expect("is there").permissions().mode() & 0o777, 0o600);
    let text = to.run(&["import", path]).expect("imported");
    assert!(text.starts_with("4 rows read into `postgres://rhapsode@127.0.0.1:"), "{text}");
    assert!(!text.contains("corr"), "{text}");
    assert_eq!(to.run(&["list"]).expect("listed"), from.run(&["list"]).expect("listed"));
    let streamed = to.run(&["export", "-"]).expect("exported");
    let back = Desk::new(Kind::Sqlite);
    back.run_with(&["import", "-"], &streamed).expect("imported");
    assert_eq!(back.run(&["list"]).expect("listed"), from.run(&["list"]).expect("listed"));
}

#[test]
fn an_export_that_cannot_be_written_leaves_no_file_and_a_missing_store_is_named() {
    let desk = Desk::with_ledger(Kind::Sqlite);
    let (exit, message, _) = desk.fails(&["export", "/nowhere/export.jsonl"]);
    assert_eq!((exit, message.as_str()), (Exit::Invalid, "cannot write `/nowhere/export.jsonl`"));
    assert_eq!(desk.fails(&["import", "/nowhere/export.jsonl"]).1, "cannot read `/nowhere/export.jsonl`");
    let empty = Desk::new(Kind::Sqlite);
    let (_, message, hint) = empty.fails(&["export"]);
    assert_eq!(message, format!("there is no state store `{}` yet", empty.bed.path().display()));
    assert_eq!(hint, "the first plan or apply makes it");
    assert!(!empty.bed.path().exists());
    assert!(Store::open_existing(&empty.bed.path()).expect("an answer").is_none());
}
