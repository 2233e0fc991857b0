//! Whole trees, and streams that break.

use super::{ODD, at, bed, mode, nothing_left};
use crate::support::shell::{PlainShell, converge, plan};
use rhapsode::ops::{OpError, apply};
use rhapsode::remote::{Command, Output, Shell, ShellError};
use serde_json::json;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

#[test]
fn a_tree_is_mirrored_and_only_differences_are_sent() {
    let (dir, mut shell) = bed();
    let (src, dest) = (at(&dir, "src"), at(&dir, "dest dir"));
    fs::create_dir_all(at(&dir, "src/sub dir/deep")).expect("space");
    for name in ODD {
        fs::write(at(&dir, &format!("src/sub dir/{name}")), name).expect("space");
    }
    fs::write(at(&dir, "src/tool"), "#!/bin/sh\n").expect("space");
    fs::set_permissions(at(&dir, "src/tool"), fs::Permissions::from_mode(0o4755)).expect("ours");
    fs::write(at(&dir, "src/skip.log"), "x").expect("space");
    fs::write(at(&dir, "src/empty"), "").expect("space");
    fs::write(at(&dir, &format!("src/lon{}", "g".repeat(200))), "long name").expect("space");
    symlink("tool", at(&dir, "src/ln")).expect("space");
    let want = json!({ "path": dest, "src": src, "exclude": ["*.log"], "dir_mode": "2755" });
    converge(&mut shell, "file::mirror", want.clone());
    for name in ODD {
        assert_eq!(fs::read_to_string(at(&dir, &format!("dest dir/sub dir/{name}"))).expect("there"), *name);
    }
    assert_eq!((mode(&at(&dir, "dest dir/tool")), mode(&at(&dir, "dest dir/sub dir/deep"))), (0o4755, 0o2755));
    assert_eq!(fs::read_link(at(&dir, "dest dir/ln")).expect("a link"), Path::new("tool"));
    assert!(!Path::new(&at(&dir, "dest dir/skip.log")).exists());

    let inode = fs::metadata(at(&dir, "dest dir/empty")).expect("there").ino();
    fs::write(at(&dir, "dest dir/tool"), "changed").expect("space");
    fs::write(at(&dir, "dest dir/mine"), "x").expect("space");
    fs::remove_file(at(&dir, "dest dir/ln")).expect("there");
    fs::create_dir(at(&dir, "dest dir/gone")).expect("space");
    fs::write(at(&dir, "dest dir/gone/x.log"), "kept").expect("space");
    fs::write(at(&dir, "dest dir/gone/x"), "gone").expect("space");
    let texts = converge(&mut shell, "file::mirror", want.clone());
    assert_eq!(texts, ["ln -> tool", "tool (10 bytes)"]);
    assert_eq!(fs::metadata(at(&dir, "dest dir/empty")).expect("there").ino(), inode);

    let want =
        json!({ "path": dest, "src": src, "exclude": ["*.log"], "dir_mode": "2755", "delete": true, "owner": "1" });
    let texts = converge(&mut shell, "file::mirror", want);
    assert!(texts.contains(&"mine".to_owned()) && texts.contains(&"gone/x".to_owned()), "{texts:?}");
    assert!(Path::new(&at(&dir, "dest dir/gone/x.log")).exists());
    assert_eq!(mode(&at(&dir, "dest dir/tool")), 0o4755);
    nothing_left(dir.path());
}

/// A line that is cut after some bytes of a stream; the host sees the end of the content there.
struct Cut(PlainShell, u64);

impl Shell for Cut {
    fn read_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        self.0.read_all(commands)
    }
    fn change_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        self.0.change_all(commands)
    }
    fn stream(&mut self, command: &Command, content: &mut (dyn Read + Send)) -> Result<Output, ShellError> {
        self.0.stream(command, &mut content.take(self.1))
    }
    fn exchanges(&self) -> u64 {
        self.0.exchanges()
    }
    fn reconnect(&mut self) -> Result<(), ShellError> {
        Ok(())
    }
    fn prove_login(&mut self) -> Result<(), ShellError> {
        Ok(())
    }
}

#[test]
fn a_stream_that_is_cut_anywhere_changes_nothing() {
    let (dir, shell) = bed();
    let (src, path, tree) = (at(&dir, "src"), at(&dir, "x"), at(&dir, "tree"));
    fs::create_dir(&src).expect("space");
    fs::create_dir(&tree).expect("space");
    fs::write(at(&dir, "src/one"), "new").expect("space");
    fs::write(at(&dir, "src/two"), "z".repeat(200_000)).expect("space");
    fs::write(at(&dir, "tree/one"), "old").expect("space");
    fs::write(&path, "old").expect("space");
    let mut cut = Cut(shell, 0);
    let file = json!({ "path": path, "src": at(&dir, "src/two") });
    let mirror = json!({ "path": tree, "src": src });
    // Block borders of tar among them: after the first file an archive looks complete.
    for bytes in [0, 1, 511, 512, 1024, 2048, 150_000, 199_999, 201_728] {
        cut.1 = bytes;
        for (op, want) in [("file::put", &file), ("file::mirror", &mirror)] {
            if op == "file::put" && bytes > 200_000 {
                continue;
            }
            let first = plan(&mut cut, op, want.clone()).expect("a plan");
            let error = apply(&first, &mut cut).map(|_| ()).expect_err("cut");
            assert!(matches!(error, OpError::Refused { .. }), "{op} after {bytes}: {error:?}");
        }
        assert_eq!((fs::read(&path).expect("there"), fs::read(at(&dir, "tree/one")).expect("there")), {
            (b"old".to_vec(), b"old".to_vec())
        });
        assert_eq!(fs::read_dir(&tree).expect("there").count(), 1);
        nothing_left(dir.path());
    }
    cut.1 = u64::MAX;
    converge(&mut cut, "file::put", file);
    converge(&mut cut, "file::mirror", mirror);
}

#[test]
fn a_mirror_replaces_another_kind_only_when_it_may_delete() {
    let (dir, mut shell) = bed();
    let (src, dest) = (at(&dir, "src"), at(&dir, "dest"));
    fs::create_dir_all(at(&dir, "src/dir")).expect("space");
    fs::write(at(&dir, "src/file"), "x").expect("space");
    fs::create_dir_all(at(&dir, "dest/file/full")).expect("space");
    fs::write(at(&dir, "dest/dir"), "x").expect("space");
    let error =
        plan(&mut shell, "file::mirror", json!({ "path": dest, "src": src })).map(|_| ()).expect_err("in the way");
    assert!(error.hint().expect("a hint").contains("delete"));
    converge(&mut shell, "file::mirror", json!({ "path": dest, "src": src, "delete": true }));
    assert!(Path::new(&at(&dir, "dest/dir")).is_dir() && Path::new(&at(&dir, "dest/file")).is_file());
}

#[test]
fn thousands_of_files_cost_one_read_and_one_stream() {
    let (dir, mut shell) = bed();
    let (src, dest) = (at(&dir, "src"), at(&dir, "dest"));
    for n in 0..3000 {
        let folder = at(&dir, &format!("src/folder number {}", n % 50));
        fs::create_dir_all(&folder).expect("space");
        fs::write(format!("{folder}/a rather long name for a file {n}"), format!("{n}\n").repeat(100)).expect("space");
    }
    fs::create_dir(&dest).expect("space");
    let want = json!({ "path": dest, "src": src });
    let first = plan(&mut shell, "file::mirror", want.clone()).expect("a plan");
    assert_eq!((shell.batches, first.changes.len()), (1, 101));
    apply(&first, &mut shell).expect("applied");
    assert_eq!(shell.changed.len(), 1);
    assert!(plan(&mut shell, "file::mirror", want).expect("a plan").is_empty());
    assert_eq!(shell.batches, 2);
}
