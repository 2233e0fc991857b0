//! Commands, and waiting.

use crate::support::docker::Container;
use crate::support::shell::{PlainShell, converge, plan};
use rhapsode::ops::{Change, OpError, Overlay, View, apply, entry};
use serde_json::json;
use std::io::Write;

fn beds() -> Vec<(Container, PlainShell)> {
    let with_shell = |container: Container| {
        let shell = PlainShell::docker(container.name());
        (container, shell)
    };
    vec![with_shell(Container::debian()), with_shell(Container::busybox())]
}

#[test]
fn a_command_runs_until_its_path_is_there() {
    for (bed, mut shell) in beds() {
        let want = json!({"command": "cat > '/tmp/a b'", "stdin": "it's $HOME", "creates": "/tmp/a b"});
        assert_eq!(converge(&mut shell, "cmd::run", want), ["run"]);
        assert_eq!(bed.exec("cat '/tmp/a b'"), "it's $HOME");
        let want = json!({"command": ["rm", "--", "/tmp/a b"], "removes": "/tmp/a b"});
        assert_eq!(converge(&mut shell, "cmd::run", want), ["run"]);

        let plan = plan(&mut shell, "cmd::run", json!({"command": ["printf", "%s", "$(id) `id`"]})).expect("a plan");
        let applied = apply(&plan, &mut shell).expect("runs");
        assert_eq!(applied.output.expect("it printed").text(), "$(id) `id`");
    }
}

#[test]
fn a_script_of_this_machine_runs_by_stdin_with_arguments() {
    let mut script = tempfile::NamedTempFile::new().expect("a temp file");
    script
        .write_all(b"#!/bin/sh -e\nfor a in \"$@\"; do echo \"<$a>\"; done > /tmp/args\nfalse\ntouch /tmp/late\n")
        .expect("written");
    for (bed, mut shell) in beds() {
        let want = json!({"src": script.path(), "args": ["one", "two  words"], "creates": "/tmp/args"});
        let plan = plan(&mut shell, "cmd::script", want).expect("a plan");
        let error = apply(&plan, &mut shell).expect_err("`false` under -e");
        assert!(matches!(error, OpError::Command { code: 1, .. }), "{error:?}");
        assert_eq!(bed.exec("cat /tmp/args; ls /tmp/late 2>/dev/null || :"), "<one>\n<two  words>\n");
    }
}

#[test]
fn a_read_changes_nothing_and_is_unknown_behind_planned_changes() {
    let bed = Container::busybox();
    let mut shell = PlainShell::docker(bed.name());
    let read = plan(&mut shell, "cmd::read", json!({"command": "uname -s"})).expect("a plan");
    assert!(read.is_empty() && shell.changed.is_empty());
    assert_eq!(read.output.expect("an answer").text(), "Linux");
    let failed = plan(&mut shell, "cmd::read", json!({"command": "exit 7"}));
    assert!(matches!(failed, Err(OpError::Command { code: 7, .. })), "{failed:?}");
    plan(&mut shell, "cmd::read", json!({"command": "exit 7", "success_codes": [0, 7]})).expect("7 is fine here");

    let mut overlay = Overlay::default();
    overlay.take(Change::new(rhapsode::event::Sign::Run, "run").effects);
    let mut ask = |want: serde_json::Value| {
        let planned = (entry("cmd::read").expect("an operation").accept)(want).expect("accepted");
        planned.plan(&mut View::new(&mut shell, &overlay))
    };
    assert!(matches!(ask(json!({"command": "uname -s"})), Err(OpError::Unknown(_))));
    ask(json!({"command": "uname -s", "stable": true})).expect("known all the same");
}

#[test]
fn waiting_is_no_change_and_ends_with_its_time() {
    for (bed, mut shell) in beds() {
        bed.exec("(sleep 1; mkdir -p /tmp/www; echo hello-you > /tmp/www/index.html) >/dev/null 2>&1 &");
        assert!(converge(&mut shell, "wait::file", json!({"path": "/tmp/www/index.html", "every": 0.2})).is_empty());
        if bed.try_exec("busybox httpd -p 8099 -h /tmp/www").status.success() {
            let page = json!({"url": "http://127.0.0.1:8099/", "body": "hello-you"});
            converge(&mut shell, "wait::http", page);
            converge(&mut shell, "wait::http", json!({"url": "http://127.0.0.1:8099/none", "status": 404}));
            let other = json!({"url": "http://127.0.0.1:8099/", "body": "hello-me", "timeout": 0.5, "every": 0.2});
            let plan = plan(&mut shell, "wait::http", other).expect("a plan");
            let error = apply(&plan, &mut shell).expect_err("another body");
            assert!(error.to_string().contains("hello-me"), "{error}");
            converge(&mut shell, "wait::port", json!({"port": 8099}));
        } else {
            converge(&mut shell, "wait::ssh", json!({}));
            converge(&mut shell, "wait::port", json!({"port": 22, "host": "localhost"}));
        }
        let closed = plan(&mut shell, "wait::port", json!({"port": 9, "timeout": 0.3, "every": 0.1})).expect("a plan");
        let error = apply(&closed, &mut shell).expect_err("nothing listens");
        assert!(error.to_string().contains("port 9 of 127.0.0.1"), "{error}");
        bed.exec("rm -r /tmp/www");
        converge(&mut shell, "wait::file", json!({"path": "/tmp/www", "present": false}));
    }
}

#[test]
fn a_path_that_is_only_planned_counts_as_there() {
    let bed = Container::busybox();
    let mut shell = PlainShell::docker(bed.name());
    let mut overlay = Overlay::default();
    let put = (entry("file::put").expect("an operation").accept)(json!({"path": "/srv-it", "content": "x"}));
    let put = put.expect("accepted").plan(&mut View::new(&mut shell, &overlay)).expect("a plan");
    put.changes.into_iter().for_each(|change| overlay.take(change.effects));
    let mut runs = |want: serde_json::Value| {
        let planned = (entry("cmd::run").expect("an operation").accept)(want).expect("accepted");
        !planned.plan(&mut View::new(&mut shell, &overlay)).expect("a plan").is_empty()
    };
    assert!(!runs(json!({"command": "make it", "creates": "/srv-it"})));
    assert!(runs(json!({"command": "unmake it", "removes": "/srv-it/"})));
}
