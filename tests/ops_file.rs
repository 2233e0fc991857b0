//! File operations on this machine, through a shell that starts a process a command.

mod mirror;

use crate::support::shell::{PlainShell, converge, plan};
use rhapsode::ops::{OpError, apply};
use serde_json::json;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use tempfile::TempDir;

fn bed() -> (TempDir, PlainShell) {
    (tempfile::tempdir().expect("a directory"), PlainShell::local())
}

fn at(dir: &TempDir, name: &str) -> String {
    dir.path().join(name).to_str().expect("UTF-8").to_owned()
}

fn mode(path: &str) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o7777
}

/// No temp file of ours is left anywhere below.
fn nothing_left(dir: &Path) {
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(!name.contains("rhapsode"), "{name} is left");
        if entry.file_type().expect("a type").is_dir() {
            nothing_left(&entry.path());
        }
    }
}

const ODD: &[&str] =
    &["a b", "it's", "$HOME", "new\nline", "-rf", "größe", "*", "back\\slash", "`id`", "x;y", "  ", "%s"];

#[test]
fn files_of_any_name_hold_the_bytes_they_were_given() {
    let (dir, mut shell) = bed();
    let payloads: [&[u8]; 8] = [
        b"",
        b"no newline",
        b"'\"$x`id`{{ y }}%s\\n\n",
        b"\0\x01\xff\xfe\n",
        b"\n\n\n",
        b"\r\n",
        "\u{feff}ü\n".as_bytes(),
        b"EOF\n",
    ];
    for (name, payload) in ODD.iter().zip(payloads.iter().cycle()) {
        let path = at(&dir, name);
        converge(&mut shell, "file::put", json!({ "path": path, "content": payload }));
        assert_eq!(fs::read(&path).expect("written"), *payload, "{name:?}");
        converge(&mut shell, "file::put", json!({ "path": path, "content": "other\n", "mode": "0640" }));
        assert_eq!((fs::read(&path).expect("written"), mode(&path)), (b"other\n".to_vec(), 0o640), "{name:?}");
        let link = at(&dir, &format!("link {name}"));
        converge(&mut shell, "file::link", json!({ "path": link, "to": path }));
        assert_eq!(fs::read_link(&link).expect("a link"), Path::new(&path));
        converge(&mut shell, "file::line", json!({ "path": link, "line": "more" }));
        assert_eq!(fs::read(&path).expect("written"), b"other\nmore\n");
        converge(&mut shell, "file::absent", json!({ "path": link }));
        converge(&mut shell, "file::absent", json!({ "path": path }));
    }
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 0);
}

#[test]
fn twenty_megabytes_arrive_whole_from_memory_and_from_disk() {
    let (dir, mut shell) = bed();
    let big: Vec<u8> = (0..20_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let src = at(&dir, "src");
    fs::write(&src, &big).expect("space");
    let path = at(&dir, "big");
    let texts = converge(&mut shell, "file::put", json!({ "path": path, "src": src }));
    assert!(texts[0].starts_with("create: binary, 20.0 MB, sha256 "), "{texts:?}");
    assert!(fs::read(&path).expect("written") == big);
    let text = "zeile\n".repeat(500_000);
    let texts = converge(&mut shell, "file::put", json!({ "path": path, "content": text }));
    assert!(texts[0].starts_with("content: binary, 3.0 MB, sha256 ") && texts[0].contains(" -> "), "{texts:?}");
    assert!(fs::read(&path).expect("written") == text.as_bytes());
    nothing_left(dir.path());
}

#[test]
fn an_unchanged_file_costs_one_exchange_and_a_changed_one_two() {
    let (dir, mut shell) = bed();
    let want = json!({ "path": at(&dir, "x"), "content": "hi\n", "mode": "0644" });
    let first = plan(&mut shell, "file::put", want.clone()).expect("a plan");
    apply(&first, &mut shell).expect("applied");
    assert_eq!(shell.changed.len(), 1);
    // PlainShell counts each command: one for the paths, one for the contents, sent together.
    let before = shell.batches;
    assert!(plan(&mut shell, "file::put", want).expect("a plan").is_empty());
    assert_eq!((shell.batches - before, shell.changed.len()), (1, 1));
}

#[test]
fn mode_and_owner_stay_unless_asked_for() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "x");
    fs::write(&path, "old").expect("space");
    std::os::unix::fs::chown(&path, Some(1234), Some(4321)).expect("tests run as root");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4750)).expect("ours");
    converge(&mut shell, "file::put", json!({ "path": path, "content": "new" }));
    let meta = fs::metadata(&path).expect("it is there");
    assert_eq!((meta.uid(), meta.gid(), mode(&path)), (1234, 4321, 0o4750));
    let texts = converge(&mut shell, "file::put", json!({ "path": path, "content": "new", "owner": "root" }));
    assert_eq!(texts, ["owner 1234 -> root"]);
    // chown clears the set-user-ID bit; it was not asked to go.
    assert_eq!((fs::metadata(&path).expect("there").gid(), mode(&path)), (4321, 0o4750));
    let texts =
        converge(&mut shell, "file::put", json!({ "path": path, "content": "3", "group": "0", "mode": "u=rw" }));
    assert_eq!(texts, ["content", "group 4321 -> 0", "mode 4750 -> 0600"]);
}

#[test]
fn a_secret_is_written_for_its_owner_alone_and_never_shown() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "x");
    fs::write(&path, "password=old-one\n").expect("space");
    let content = format!("password={}\n", rhapsode::secret::conceal("it's $ecret"));
    let first = plan(&mut shell, "file::put", json!({ "path": path, "content": content })).expect("a plan");
    let texts: Vec<_> = first.changes.iter().map(|change| change.text.as_str()).collect();
    assert_eq!(texts, ["content: [secret] => [secret] (changed)", "mode 0644 -> 0600"]);
    let shown = format!("{:?}", first.changes.iter().map(|change| &change.diff).collect::<Vec<_>>());
    assert!(shown.contains("[secret]") && !shown.contains("old-one") && !shown.contains("$ecret"), "{shown}");
    converge(&mut shell, "file::put", json!({ "path": path, "content": content }));
    assert_eq!((fs::read_to_string(&path).expect("text"), mode(&path)), ("password=it's $ecret\n".into(), 0o600));
    let line = format!("token={}", rhapsode::secret::conceal("t0ken"));
    let texts = converge(&mut shell, "file::line", json!({ "path": path, "line": line, "pattern": "^password=" }));
    assert_eq!(texts, ["content: [secret] => [secret] (changed)"]);
    assert_eq!(fs::read_to_string(&path).expect("text"), "token=t0ken\n");
    assert!(!format!("{:?}", shell.changed).contains("t0ken"));
}

#[test]
fn an_edit_with_a_secret_shows_its_lines_without_it_and_without_their_neighbours() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "x");
    let secret = rhapsode::secret::conceal("n3w-$1-value").to_string();
    let mut edited = |before: &str, op: &str, want: serde_json::Value| {
        fs::write(&path, before).expect("space");
        let mut want = want;
        want["path"] = path.clone().into();
        let planned = plan(&mut shell, op, want.clone()).expect("a plan");
        let [change] = &planned.changes[..] else { panic!("{:?}", planned.changes) };
        let (text, diff) = (change.text.clone(), change.diff.clone().expect("a diff"));
        apply(&planned, &mut shell).expect("applied");
        assert!(plan(&mut shell, op, want).expect("a plan").is_empty(), "again: {op}");
        (text, diff.0, diff.1, fs::read_to_string(&path).expect("text"))
    };
    let told = |text: &str, before: &str, after: &str, whole: &str| {
        (text.to_owned(), before.to_owned(), after.to_owned(), whole.to_owned())
    };
    let before = "other=n3ighb0ur\npassword=old-value\nport=80\n";
    let line = json!({ "line": format!("password={secret}"), "pattern": "^password=" });
    let whole = "other=n3ighb0ur\npassword=n3w-$1-value\nport=80\n";
    let changed = "content: [secret] => [secret] (changed)";
    let masked = ("password=[secret]\n", "password=[secret] (changed)\n");
    assert_eq!(edited(before, "file::line", line), told(changed, masked.0, masked.1, whole));
    let replace = json!({ "pattern": "^(password)=old.*$", "to": format!("$1={secret}") });
    assert_eq!(edited(before, "file::replace", replace), told(changed, masked.0, masked.1, whole));
    let block = json!({ "content": format!("token={secret}\nuser=ada\n") });
    let new = "# BEGIN rhapsode\ntoken=[secret]\nuser=ada\n# END rhapsode\n";
    let whole = format!("{before}{}", new.replace("[secret]", "n3w-$1-value"));
    assert_eq!(edited(before, "file::block", block), told("content", "", new, &whole));
}

#[test]
fn a_file_that_fails_its_check_is_not_touched() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "it's");
    let want = json!({ "path": path, "content": "good\n", "validate": "grep -q good %s" });
    converge(&mut shell, "file::put", want);
    let want = json!({ "path": path, "content": "bad\n", "validate": "echo why; grep -q good %s", "mode": "0600" });
    let wrong = plan(&mut shell, "file::put", want).expect("a plan");
    let error = apply(&wrong, &mut shell).expect_err("refused");
    assert!(error.to_string().contains("refuses the new content") && error.to_string().ends_with("why"), "{error}");
    assert_eq!((fs::read(&path).expect("there"), mode(&path)), (b"good\n".to_vec(), 0o644));
    nothing_left(dir.path());
}

#[test]
fn backup_keeps_what_was_there() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "x");
    fs::write(&path, "old\n").expect("space");
    converge(&mut shell, "file::put", json!({ "path": path, "content": "new\n", "backup": true }));
    let names: Vec<String> = fs::read_dir(dir.path())
        .expect("a directory")
        .flatten()
        .map(|e| e.file_name().into_string().expect("UTF-8"))
        .collect();
    let kept = names.iter().find(|name| name.ends_with(".bak")).expect("a backup");
    assert_eq!((names.len(), fs::read(at(&dir, kept)).expect("there")), (2, b"old\n".to_vec()));
}

#[test]
fn a_link_is_written_through_and_replaced_only_by_force() {
    let (dir, mut shell) = bed();
    let (path, link, folder) = (at(&dir, "x"), at(&dir, "link"), at(&dir, "folder"));
    symlink("x", &link).expect("space");
    converge(&mut shell, "file::put", json!({ "path": link, "content": "through" }));
    assert_eq!(fs::read(&path).expect("there"), b"through");
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    let texts = converge(&mut shell, "file::put", json!({ "path": link, "content": "through", "force": true }));
    assert_eq!(texts, ["replace the link"]);
    assert!(fs::symlink_metadata(&link).expect("there").is_file());
    fs::create_dir(&folder).expect("space");
    fs::remove_file(&link).expect("there");
    symlink(&folder, &link).expect("space");
    converge(&mut shell, "file::put", json!({ "path": link, "content": "x", "force": true }));
    assert_eq!((fs::read_dir(&folder).expect("there").count(), fs::read(&link).expect("a file")), (0, b"x".to_vec()));
    symlink("loop", at(&dir, "loop")).expect("space");
    let error = plan(&mut shell, "file::put", json!({ "path": at(&dir, "loop"), "content": "" })).map(|_| ());
    assert!(error.expect_err("a loop").to_string().contains("circle"));
}

#[test]
fn in_place_keeps_the_inode() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "x");
    fs::write(&path, "old and longer").expect("space");
    let inode = fs::metadata(&path).expect("there").ino();
    converge(&mut shell, "file::put", json!({ "path": path, "content": "new", "in_place": true, "mode": "0604" }));
    let meta = fs::metadata(&path).expect("there");
    assert_eq!((meta.ino(), mode(&path), fs::read(&path).expect("there")), (inode, 0o604, b"new".to_vec()));
    nothing_left(dir.path());
}

#[test]
fn a_missing_directory_is_an_error_of_the_plan_or_made() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "a/b/x");
    let error =
        plan(&mut shell, "file::put", json!({ "path": path, "content": "x" })).map(|_| ()).expect_err("refused");
    assert_eq!(error.to_string(), format!("directory `{}` does not exist", at(&dir, "a/b")));
    assert_eq!(error.hint().as_deref(), Some("`create_dirs: true` makes it"));
    let texts = converge(&mut shell, "file::put", json!({ "path": path, "content": "x", "create_dirs": true }));
    assert_eq!(
        texts,
        [format!("directory {}", at(&dir, "a")), format!("directory {}", at(&dir, "a/b")), "create".into()]
    );
    assert_eq!(mode(&at(&dir, "a")), 0o755);
}

#[test]
fn a_directory_gets_exactly_its_mode() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "d e");
    for mode_text in ["0700", "2775", "1777", "0755", "4755", "0500"] {
        converge(&mut shell, "file::dir", json!({ "path": path, "mode": mode_text }));
        assert_eq!(format!("{:04o}", mode(&path)), mode_text);
    }
    let inner = at(&dir, "d e/f/g");
    converge(&mut shell, "file::dir", json!({ "path": inner, "mode": "2750", "owner": "1", "group": "daemon" }));
    let meta = fs::metadata(&inner).expect("there");
    assert_eq!((meta.uid(), mode(&inner), mode(&at(&dir, "d e/f"))), (1, 0o2750, 0o755));
    converge(&mut shell, "file::dir", json!({ "path": at(&dir, "d e/f/g/h") }));
    assert_eq!(fs::metadata(at(&dir, "d e/f/g/h")).expect("there").gid(), meta.gid());
}

#[test]
fn a_directory_is_set_down_to_its_leaves() {
    let (dir, mut shell) = bed();
    let root = at(&dir, "root");
    for name in ["sub dir", "sub dir/deep"] {
        fs::create_dir_all(at(&dir, &format!("root/{name}"))).expect("space");
    }
    for name in ODD {
        fs::write(at(&dir, &format!("root/sub dir/{name}")), "x").expect("space");
    }
    let tool = at(&dir, "root/tool");
    fs::write(&tool, "x").expect("space");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).expect("ours");
    symlink("/nowhere", at(&dir, "root/link")).expect("space");
    let want = json!({ "path": root, "mode": "0750", "owner": "1", "recursive": true });
    let texts = converge(&mut shell, "file::dir", want);
    assert!(texts.contains(&"sub dir/new\nline: owner root -> 1, mode 0644 -> 0640".to_owned()), "{texts:?}");
    assert_eq!((mode(&tool), mode(&at(&dir, "root/sub dir/deep"))), (0o750, 0o750));
    assert_eq!(fs::symlink_metadata(at(&dir, "root/link")).expect("there").uid(), 1);
}

#[test]
fn purge_removes_what_no_operation_before_it_named() {
    let (dir, mut shell) = bed();
    let root = at(&dir, "conf.d");
    fs::create_dir_all(at(&dir, "conf.d/old/deep")).expect("space");
    fs::create_dir_all(at(&dir, "conf.d/kept/deep")).expect("space");
    for name in ODD {
        fs::write(at(&dir, &format!("conf.d/{name}")), "x").expect("space");
    }
    fs::write(at(&dir, "conf.d/mine"), "x").expect("space");
    let mut overlay = rhapsode::ops::Overlay::default();
    overlay.declare(at(&dir, "conf.d/mine"));
    overlay.declare(at(&dir, "conf.d/kept/deep/x"));
    let accept = rhapsode::ops::entry("file::dir").expect("there").accept;
    let dir_op = accept(json!({ "path": root, "purge": true })).expect("arguments");
    let first = dir_op.plan(&mut rhapsode::ops::View::new(&mut shell, &overlay)).expect("a plan");
    assert_eq!(first.changes.len(), ODD.len() + 1);
    assert!(first.changes.iter().any(|change| change.text == "old/"));
    apply(&first, &mut shell).expect("applied");
    assert!(dir_op.plan(&mut rhapsode::ops::View::new(&mut shell, &overlay)).expect("a plan").is_empty());
    let mut left: Vec<String> =
        fs::read_dir(&root).expect("there").flatten().map(|e| e.file_name().into_string().expect("UTF-8")).collect();
    left.sort();
    assert_eq!(left, ["kept", "mine"]);
}

#[test]
fn links_are_made_moved_and_hard_ones_share_the_file() {
    let (dir, mut shell) = bed();
    let (link, file) = (at(&dir, "li nk"), at(&dir, "file"));
    assert_eq!(converge(&mut shell, "file::link", json!({ "path": link, "to": "one" })), ["link to one"]);
    fs::create_dir(at(&dir, "one")).expect("space");
    assert_eq!(converge(&mut shell, "file::link", json!({ "path": link, "to": "two" })), ["link to one -> two"]);
    assert_eq!(fs::read_link(&link).expect("a link"), Path::new("two"));
    fs::write(&file, "x").expect("space");
    let error =
        plan(&mut shell, "file::link", json!({ "path": file, "to": "two" })).map(|_| ()).expect_err("in the way");
    assert!(error.hint().expect("a hint").contains("force"));
    converge(&mut shell, "file::link", json!({ "path": at(&dir, "hard"), "to": file, "hard": true }));
    assert_eq!(fs::metadata(&file).expect("there").nlink(), 2);
    let want = json!({ "path": link, "to": "two", "owner": "1", "group": "1" });
    assert_eq!(converge(&mut shell, "file::link", want), ["owner root -> 1", "group root -> 1"]);
    converge(&mut shell, "file::link", json!({ "path": file, "to": "two", "force": true }));
    nothing_left(dir.path());
}

#[test]
fn absent_takes_files_links_and_directories_only_when_told() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "d");
    fs::create_dir_all(at(&dir, "d/e")).expect("space");
    let error = plan(&mut shell, "file::absent", json!({ "path": path })).map(|_| ()).expect_err("a directory");
    assert!(error.hint().expect("a hint").contains("recursive"));
    symlink(&path, at(&dir, "link")).expect("space");
    assert_eq!(converge(&mut shell, "file::absent", json!({ "path": at(&dir, "link") })), ["remove the link"]);
    assert!(Path::new(&at(&dir, "d/e")).is_dir());
    converge(&mut shell, "file::absent", json!({ "path": path, "recursive": true }));
    assert!(!Path::new(&path).exists());
}

#[test]
fn edits_leave_all_other_bytes_alone() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "x.conf");
    fs::write(&path, b"\xff\xfe bytes\nport = 80\n# end").expect("space");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o2640)).expect("ours");
    converge(&mut shell, "file::line", json!({ "path": path, "line": "port = 8080", "pattern": "^port\\s*=" }));
    converge(&mut shell, "file::block", json!({ "path": path, "content": "a\nb", "id": "app", "before": "^# end" }));
    converge(&mut shell, "file::replace", json!({ "path": path, "pattern": "^([ab])$", "to": "${1}1" }));
    assert_eq!(fs::read(&path).expect("there"), b"\xff\xfe bytes\nport = 8080\n# BEGIN app\na1\nb1\n# END app\n# end");
    assert_eq!(mode(&path), 0o2640);
    converge(&mut shell, "file::block", json!({ "path": path, "id": "app", "present": false }));
    converge(&mut shell, "file::line", json!({ "path": path, "pattern": "^port", "present": false }));
    assert_eq!(fs::read(&path).expect("there"), b"\xff\xfe bytes\n# end");
    nothing_left(dir.path());
}

#[test]
fn edits_of_large_files_work_and_missing_ones_are_named() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "big");
    fs::write(&path, "line\n".repeat(100_000)).expect("space");
    converge(&mut shell, "file::line", json!({ "path": path, "line": "last" }));
    assert!(fs::read_to_string(&path).expect("there").ends_with("line\nlast\n"));
    let missing = at(&dir, "missing");
    let error =
        plan(&mut shell, "file::line", json!({ "path": missing, "line": "x" })).map(|_| ()).expect_err("missing");
    assert!(error.hint().expect("a hint").contains("create: true"));
    converge(&mut shell, "file::line", json!({ "path": missing, "line": "x", "present": false }));
    converge(&mut shell, "file::line", json!({ "path": missing, "line": "x", "create": true }));
    assert_eq!(fs::read(&missing).expect("there"), b"x\n");
}

#[test]
fn a_replacement_that_matches_again_is_refused() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "x");
    fs::write(&path, "aa").expect("space");
    let error = plan(&mut shell, "file::replace", json!({ "path": path, "pattern": "a", "to": "ab" })).map(|_| ());
    assert!(matches!(error, Err(OpError::Refused { .. })));
}

#[test]
fn a_file_of_a_host_cannot_ask_for_secrets() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "x");
    let token = rhapsode::secret::conceal("not for this host").to_string();
    fs::write(&path, format!("{token}\n")).expect("space");
    let error = plan(&mut shell, "file::line", json!({ "path": path, "line": "x" })).map(|_| ()).expect_err("refused");
    assert!(error.to_string().contains("reserved for secrets"), "{error}");
}

#[test]
fn present_makes_an_empty_file_and_touch_renews_it() {
    let (dir, mut shell) = bed();
    let path = at(&dir, "x");
    converge(&mut shell, "file::present", json!({ "path": path, "mode": "0600" }));
    assert_eq!((fs::read(&path).expect("there"), mode(&path)), (vec![], 0o600));
    let plan = plan(&mut shell, "file::present", json!({ "path": path, "touch": true })).expect("a plan");
    assert_eq!(plan.changes.len(), 1);
}
