//! The resident shell on dash, bash and busybox ash: whatever a command does, answers stay whole and in order.

use crate::support::hosts::{self, RUNTIME, eventually, noise, run, say};
use proptest::prelude::*;
use rhapsode::connect::Host;
use rhapsode::inventory::Connection;
use rhapsode::remote::{Command, Interrupt, Shell, ShellError};
use rstest::rstest;
use std::time::Duration;

const DASH: &[&str] = &["dash"];
const BASH: &[&str] = &["bash"];
const ASH: &[&str] = &["busybox", "ash"];

fn shell(argv: &[&str]) -> Box<dyn Shell> {
    hosts::host(&hosts::through(argv)).shell(None)
}

fn impatient(argv: &[&str]) -> Connection {
    Connection { timeout_secs: Some(1), ..hosts::through(argv) }
}

/// All three shells must pass the same test.
macro_rules! on_every_shell {
    ($($name:ident($shell:ident) $body:block)*) => {$(
        #[rstest]
        fn $name(#[values(DASH, BASH, ASH)] argv: &'static [&'static str]) {
            let mut opened = shell(argv);
            let $shell = &mut *opened;
            $body
        }
    )*};
}

on_every_shell! {
    any_bytes_come_back_as_they_were_written(shell) {
        let output = run(shell, r"printf 'a\000b\377\n\n'; printf '\000e' >&2; exit 3").expect("an answer");
        assert_eq!((output.stdout, output.stderr, output.code), (b"a\0b\xff\n\n".to_vec(), b"\0e".to_vec(), 3));
    }

    any_bytes_go_in_as_stdin(shell) {
        for bytes in [Vec::new(), (0..=255).collect(), b"-n 100% \\c \\0101 $(id) `id` 'x'".to_vec(), noise(150_000)] {
            let output = shell.change(&Command::new("cat").stdin(bytes.clone())).expect("an answer");
            assert!(output.stdout == bytes, "{} bytes came back as {}", bytes.len(), output.stdout.len());
        }
        let text = "Grüße, мир, 漢字 \u{1F600}\n".repeat(5000);
        let output = shell.change(&Command::new("cat").stdin(text.clone())).expect("an answer");
        assert!(output.stdout == text.as_bytes(), "a text of many bytes a character is cut anywhere");
    }

    a_command_that_reads_stdin_finds_nothing_of_ours(shell) {
        let commands = ["cat", "read line; echo \"<$line>\"", "cat - | wc -c", "echo end"].map(Command::script);
        let texts: Vec<String> = shell.read_all(&commands).expect("answers").iter().map(|o| o.text()).collect();
        assert_eq!(texts, ["", "<>", "0", "end"]);
    }

    a_command_cannot_end_or_change_the_shell(shell) {
        let before = say(shell, "echo $$");
        for (script, code) in [
            ("exit 7", 7), ("exec sh -c 'exit 9'", 9), ("set -e; false", 1), ("exec <&- >&-", 0), ("set -u; exit 4", 4),
            ("cd /; umask 0; IFS=0123456789; PATH=; x=1; f() { :; }", 0), ("trap 'exit 5' EXIT; true", 5),
        ] {
            assert_eq!(run(shell, script).expect(script).code, code, "{script}");
        }
        for script in ["if true", "echo 'open", "fi", ")", "}", "echo $(", "case x in", "cat <<EOF"] {
            let output = run(shell, script).expect(script);
            assert!(output.code != 0 || script.contains("EOF"), "{script}: {output:?}");
        }
        assert_eq!(say(shell, "echo $$ ${x-unset}; type f 2>/dev/null || :; umask").lines().next(),
            Some(format!("{before} unset").as_str()));
    }

    a_command_that_kills_the_shell_is_named_and_the_shell_replaced(shell) {
        let before = say(shell, "echo $$");
        assert!(matches!(run(shell, "kill -9 $$"), Err(ShellError::Broken)));
        assert_ne!(say(shell, "echo $$"), before);
    }

    a_background_child_holds_nothing_up(shell) {
        assert_eq!(say(shell, "(sleep 300; echo late) & echo $!").parse::<u32>().map(|_| ()), Ok(()));
        assert_eq!(say(shell, "echo next"), "next");
        let late = say(shell, "( while [ ! -e /proc/$$/gone ]; do echo noise; sleep 0.01; done ) >/dev/null & echo $!");
        say(shell, &format!("kill {late}"));
    }

    late_output_of_a_background_child_is_dropped(shell) {
        let fifo = tempfile::tempdir().expect("a folder");
        let gate = fifo.path().join("gate");
        let gate = gate.display();
        say(shell, &format!("mkfifo {gate}; (cat {gate} >/dev/null; echo late; echo late >&2; : > {gate}.done) & :"));
        // The child may write from here on, and has written before the next request is sent.
        std::fs::write(format!("{gate}"), "go").expect("the child reads");
        eventually("the late line", || std::path::Path::new(&format!("{gate}.done")).exists());
        let output = run(shell, "echo on time").expect("an answer");
        assert_eq!((output.text(), output.err_text()), ("on time".to_owned(), String::new()));
    }

    fifty_megabytes_come_back_whole(shell) {
        let output = run(shell, "head -c 52428800 /dev/zero | tr '\\0' '\\036'").expect("an answer");
        assert_eq!(output.stdout.len(), 52_428_800);
        assert!(output.stdout.iter().all(|&byte| byte == 0x1e));
    }

    both_streams_may_be_filled_while_stdin_is_written(shell) {
        let content = noise(20 << 20);
        let command = Command::script("tee /dev/stderr");
        let output = shell.stream(&command, &mut content.as_slice()).expect("an answer");
        assert!(output.stdout == content && output.stderr == content, "20 MB in, 20 MB out, twice");
        let output = shell.change(&command.stdin(content.clone())).expect("an answer");
        assert!(output.stdout == content && output.stderr == content, "the same as the stdin of a command");
    }

    streamed_content_that_nobody_reads_is_not_run(shell) {
        let folder = tempfile::tempdir().expect("a folder");
        let script = format!("touch {}/hit\n", folder.path().display()).repeat(100_000);
        for text in ["true", "head -n 1 >/dev/null", "exit 3"] {
            shell.stream(&Command::script(text), &mut script.as_bytes()).expect("an answer");
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    changes_stop_after_the_first_that_fails(shell) {
        let commands = ["true", "exit 3", "exit 4", "echo never"].map(Command::script);
        let commands = [commands[0].clone(), commands[1].clone().success([3]), commands[2].clone(), commands[3].clone()];
        let codes: Vec<i32> = shell.change_all(&commands).expect("answers").iter().map(|o| o.code).collect();
        assert_eq!((codes, shell.exchanges()), (vec![0, 3, 4], 1));
        assert_eq!(say(shell, "echo on"), "on");
    }

    a_hundred_commands_take_one_exchange(shell) {
        let commands: Vec<Command> = (0..100).map(|n| Command::script(format!("echo {n}; echo {n} >&2"))).collect();
        let outputs = shell.read_all(&commands).expect("answers");
        for (n, output) in outputs.iter().enumerate() {
            assert_eq!((output.text(), output.err_text()), (n.to_string(), n.to_string()));
        }
        assert_eq!(shell.exchanges(), 1);
    }

    a_large_batch_of_writes_arrives(shell) {
        let folder = tempfile::tempdir().expect("a folder");
        let content = noise(60_000);
        let write = |n| Command::script(format!("cat > {}/{n}", folder.path().display())).stdin(content.clone());
        let commands: Vec<Command> = (0..40).map(write).collect();
        assert_eq!(shell.change_all(&commands).expect("answers").len(), 40);
        for n in 0..40 {
            assert!(std::fs::read(folder.path().join(n.to_string())).expect("written") == content);
        }
    }

    variables_and_folder_and_interpreter_hold_for_one_command(shell) {
        let mut command = Command::script("pwd; echo \"$A\"").env("A", "it's $HOME\n2");
        command.chdir = Some("/usr".to_owned());
        command.shell = Some("/bin/bash".to_owned());
        assert_eq!(shell.read(&command).expect("an answer").text(), "/usr\nit's $HOME\n2");
        assert_eq!(say(shell, "echo ${A-unset}"), "unset");
    }

    a_secret_in_stdin_and_environment_is_in_no_process_list(shell) {
        let secret = rhapsode::secret::conceal("s3cr3t-of-the-framing").to_string();
        let look = "cat >/dev/null; for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done 2>/dev/null";
        let output = shell.read(&Command::script(look).stdin(secret.clone()).env("A", secret.clone())).expect("an answer");
        assert!(output.ok() && !output.text().contains("s3cr3t-of-the-framing"), "{output:?}");
        let output = shell.read(&Command::new("cat").stdin(secret)).expect("an answer");
        assert_eq!(output.text(), "s3cr3t-of-the-framing");
    }
}

/// Which processes have this word on their command line.
fn running(word: &str) -> usize {
    let processes = std::fs::read_dir("/proc").expect("procfs").flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).split('\0').any(|arg| arg == word)).count()
}

#[rstest]
fn a_hanging_command_ends_with_its_children_and_the_shell_is_replaced(
    #[values(DASH, BASH, ASH)] argv: &'static [&'static str],
) {
    let word = format!("4711.{}", argv[0].len());
    let mut shell = hosts::host(&impatient(argv)).shell(None);
    let error = run(&mut *shell, &format!("trap '' HUP; sh -c 'sleep {word}; :'; :")).expect_err("it hangs");
    assert!(matches!(error, ShellError::Timeout { .. }), "{error}");
    assert_eq!(say(&mut *shell, "echo on"), "on");
    eventually("the end of the processes", || running(&word) == 0);
    let slow = Command::script("sleep 1.5; echo slow").timeout(Duration::from_secs(20));
    assert_eq!(shell.change(&slow).expect("its own limit").text(), "slow");
}

#[test]
fn a_timeout_counts_for_each_command_of_a_batch() {
    let mut shell = hosts::host(&impatient(DASH)).shell(None);
    let commands = vec![Command::script("sleep 0.4; echo x"); 4];
    assert_eq!(shell.change_all(&commands).expect("each is quick enough").len(), 4);
}

#[test]
fn an_interrupt_ends_the_wait_and_what_runs() {
    let interrupt = Interrupt::new();
    let host = Host::new("host", &hosts::through(DASH), &hosts::settings(&interrupt));
    let mut shell = host.shell(None);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            eventually("the command", || running("4712.5") > 0);
            interrupt.raise();
        });
        assert!(matches!(run(&mut *shell, "sleep 4712.5; :"), Err(ShellError::Interrupted)));
    });
    assert!(matches!(run(&mut *shell, "echo no"), Err(ShellError::Interrupted)));
    eventually("the end of the process", || running("4712.5") == 0);
}

#[test]
fn what_would_fill_the_memory_is_refused() {
    let mut shell = shell(DASH);
    let error = run(&mut *shell, "yes").expect_err("endless");
    assert_eq!(error.to_string(), "the command wrote more than 256 MiB");
    assert_eq!(say(&mut *shell, "echo on"), "on");
}

#[test]
fn noise_of_a_login_is_no_answer() {
    let noisy = ["sh", "-c", "echo banner; printf 'no newline' ; echo rc >&2; head -c 200000 /dev/zero; exec dash"];
    let output = run(&mut *shell(&noisy), "echo x; echo y >&2").expect("an answer");
    assert_eq!((output.text(), output.err_text()), ("x".to_owned(), "y".to_owned()));
}

#[test]
fn a_shell_that_never_answers_is_unreachable_and_says_so() {
    let connection = Connection { connect_timeout_secs: Some(1), ..hosts::through(&["sleep", "4713"]) };
    let error = run(&mut *hosts::host(&connection).shell(None), "true").expect_err("no shell");
    assert_eq!(error.to_string(), "cannot reach the host: its shell said nothing within 1s");
}

#[test]
fn a_program_that_is_no_shell_gives_its_reason() {
    let refused = ["sh", "-c", "echo 'no such machine' >&2; exit 1"];
    let error = run(&mut *shell(&refused), "true").expect_err("no shell");
    assert_eq!(error.to_string(), "cannot reach the host: no such machine");
    let error = run(&mut *shell(&["no-such-program"]), "true").expect_err("no program");
    assert!(error.to_string().contains("cannot start `no-such-program`"), "{error}");
}

#[test]
fn half_a_request_does_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let hit = folder.path().join("hit");
    // The line goes down after some bytes of the request.
    for bytes in [2600, 2800, 3000, 3400] {
        let cut = format!("head -c {bytes} | dash");
        let error = run(&mut *shell(&["sh", "-c", &cut]), &format!("touch {}; : {}", hit.display(), "x".repeat(4000)));
        assert!(error.is_err(), "{error:?}");
        assert!(!hit.exists(), "after {bytes} bytes");
    }
}

#[test]
fn reads_are_kept_until_a_change_of_any_user_of_the_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    let host = hosts::host(&hosts::through(DASH));
    let (mut one, mut two) = (host.shell(None), host.shell(None));
    let read = Command::new("cat").arg(file.display().to_string());
    std::fs::write(&file, "1").expect("written");
    assert_eq!(one.read(&read).expect("an answer").text(), "1");
    std::fs::write(&file, "2").expect("written");
    assert_eq!(two.read(&read).expect("an answer").text(), "1");
    let other = read.clone().env("A", "1");
    assert_eq!(two.read_all(&[read.clone(), other.clone(), other]).expect("answers")[1].text(), "2");
    assert_eq!(host.exchanges(), 2);
    run(&mut *two, "true").expect("a change");
    assert_eq!(one.read(&read).expect("an answer").text(), "2");
    assert_eq!((host.exchanges(), one.exchanges()), (4, 4));
}

#[test]
fn a_lost_source_is_an_error_of_ours() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk on fire"))
        }
    }
    let mut shell = shell(DASH);
    let error = shell.stream(&Command::new("cat"), &mut Broken).expect_err("no content");
    assert!(matches!(error, ShellError::Content(_)), "{error}");
    assert_eq!(say(&mut *shell, "echo on"), "on");
}

#[test]
fn many_shells_of_a_host_may_be_used_at_once() {
    let host = hosts::host(&hosts::through(DASH));
    std::thread::scope(|scope| {
        for n in 0..8 {
            let mut shell = host.shell(None);
            scope.spawn(move || {
                for m in 0..20 {
                    assert_eq!(say(&mut *shell, &format!("echo {n}.{m}")), format!("{n}.{m}"));
                }
            });
        }
    });
    let _ = &*RUNTIME;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out(
        stdin in prop::collection::vec(any::<u8>(), 0..2000),
        text in "\\PC{0,200}",
        which in 0_usize..3,
    ) {
        let mut shell = shell([DASH, BASH, ASH][which]);
        let echo = Command::script("cat").stdin(stdin.clone()).env("TEXT", &text);
        let words = Command::new("printf").arg("%s").arg(&text);
        let outputs = shell.read_all(&[echo, words]).expect("answers");
        prop_assert_eq!(&outputs[0].stdout, &stdin);
        prop_assert_eq!(&outputs[1].stdout, text.as_bytes());
    }
}
