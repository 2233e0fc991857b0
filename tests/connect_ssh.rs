//! ssh over the real client and servers on loopback ports, with the user's own configuration.

use crate::support::hosts::{self, eventually, noise, run, say, settings};
use crate::support::loopback::{Loopback, processes};
use crate::support::sshd::Sshd;
use rhapsode::connect::Host;
use rhapsode::inventory::Connection;
use rhapsode::ops::{FileWrite, Source};
use rhapsode::remote::{Command, Interrupt, ShellError};
use std::fs;

fn reason(error: ShellError) -> (String, String) {
    match error {
        ShellError::Unreachable { reason, hint } => (reason, hint.unwrap_or_default()),
        other => panic!("{other}"),
    }
}

fn refused(connection: &Connection) -> (String, String) {
    reason(run(&mut *hosts::host(connection).shell(None), "true").expect_err("no login"))
}

#[test]
fn all_shells_of_a_host_share_one_login_that_ends_with_them() {
    let sshd = Loopback::start("");
    let host = hosts::host(&sshd.connection());
    host.login(None).expect("a login");
    assert_eq!(host.exchanges(), 0);
    let (mut one, mut two) = (host.shell(None), host.shell(None));
    assert_eq!(say(&mut *one, "echo $$"), say(&mut *two, "echo $$"));
    let text = say(&mut *one, "echo \"$SSH_CONNECTION\"");
    assert!(text.ends_with(&format!("127.0.0.1 {}", sshd.port())), "{text}");
    assert_eq!((sshd.logins(), host.exchanges()), (1, 3));
    assert_eq!(processes(&sshd.config().display().to_string()).len(), 1);
    drop((one, two, host));
    eventually("the end of the master", || processes(&sshd.config().display().to_string()).is_empty());
}

#[test]
fn twenty_megabytes_arrive_byte_equal() {
    let sshd = Loopback::start("");
    let host = hosts::host(&sshd.connection());
    let mut shell = host.shell(None);
    let path = sshd.folder().join("it's $HOME `large`\n");
    let content = noise((20 << 20) + 1);
    let write = FileWrite::new(path.display().to_string(), Source::Bytes(content.clone().into()));
    let output = write.stream(&mut *shell).expect("an answer");
    assert!(output.ok(), "{output:?}");
    assert!(fs::read(&path).expect("written") == content);
    let back = shell.read(&Command::new("cat").arg(path.display().to_string())).expect("an answer");
    assert!(back.stdout == content);
}

#[test]
fn a_banner_and_a_slow_noisy_login_script_are_no_answer() {
    let sshd = Loopback::start("");
    let folder = sshd.folder().display().to_string();
    fs::write(format!("{folder}/banner"), "Authorised use only\n").expect("written");
    fs::write(format!("{folder}/rc"), "echo welcome; echo oh >&2; sleep 1; exec sh -c \"$SSH_ORIGINAL_COMMAND\"\n")
        .expect("written");
    let mut sshd = sshd;
    sshd.restart(&format!("Banner {folder}/banner\nForceCommand sh {folder}/rc"));
    let output = run(&mut *hosts::host(&sshd.connection()).shell(None), "echo x; echo y >&2").expect("an answer");
    assert_eq!((output.text(), output.err_text()), ("x".to_owned(), "y".to_owned()));
}

/// What a person would type to log in the same way.
fn by_hand(sshd: &Loopback) -> String {
    format!("ssh -F {} bed", sshd.config().display())
}

#[test]
fn a_login_without_a_shell_is_explained() {
    let sshd = Loopback::start("ForceCommand echo 'This account is not available.'; exit 1");
    let (reason, hint) = refused(&sshd.connection());
    assert_eq!(reason, "no shell: This account is not available.");
    assert!(hint.contains(&format!("`{} sh` must start a shell", by_hand(&sshd))), "{hint}");
}

#[test]
fn host_keys_follow_the_configuration() {
    let sshd = Loopback::start("");
    fs::write(sshd.known_hosts(), "# kept\n").expect("written");
    let (reason, hint) = refused(&sshd.connection());
    assert_eq!(reason, "its host key is not known");
    assert!(hint.contains(&format!("`{}` once, and compare its fingerprint", by_hand(&sshd))), "{hint}");

    let accepting = sshd.host_block("bed").replace("Checking yes", "Checking accept-new");
    fs::write(sshd.config(), accepting).expect("written");
    assert_eq!(say(&mut *hosts::host(&sshd.connection()).shell(None), "echo in"), "in");
    let known = fs::read_to_string(sshd.known_hosts()).expect("there");
    assert!(known.starts_with("# kept\n") && known.contains("ssh-ed25519"), "{known}");

    let other = Loopback::start("");
    let wrong = other.host_line().replace(&other.port().to_string(), &sshd.port().to_string());
    fs::write(sshd.known_hosts(), format!("# kept\n{wrong}")).expect("written");
    let (reason, hint) = refused(&sshd.connection());
    assert_eq!(reason, format!("its host key is not the one in `{}:2`", sshd.known_hosts().display()));
    assert!(hint.contains(&format!("take that line out, then `{}` once", by_hand(&sshd))), "{hint}");
}

#[test]
fn a_refused_login_says_why_and_what_to_do() {
    let mut sshd = Loopback::start("");
    fs::write(sshd.folder().join("authorized_keys"), "").expect("written");
    let (reason, hint) = refused(&sshd.connection());
    assert_eq!(reason, "root@127.0.0.1: Permission denied (publickey)");
    assert!(hint.contains(&format!("does `{}` work?", by_hand(&sshd))), "{hint}");

    sshd.stop();
    let (reason, hint) = refused(&sshd.connection());
    assert!(reason.ends_with("Connection refused") && hint.contains("sshd"), "{reason} / {hint}");

    let unknown = Connection { address: Some("no-such-host.invalid".to_owned()), ..Connection::default() };
    let (reason, hint) = refused(&unknown);
    assert!(reason.contains("no-such-host.invalid") && hint.contains("address"), "{reason} / {hint}");
    assert!(processes(&sshd.config().display().to_string()).is_empty(), "no master is left");
}

#[test]
fn an_address_cannot_be_an_option() {
    let connection =
        Connection { address: Some("-oProxyCommand=touch /tmp/rh-hit".to_owned()), ..Connection::default() };
    refused(&connection);
    assert!(!std::path::Path::new("/tmp/rh-hit").exists());
}

#[test]
fn user_port_and_key_of_the_inventory_come_before_the_configuration() {
    let sshd = Loopback::start("");
    let config =
        sshd.host_block("bed").replace(&format!("Port {}", sshd.port()), "Port 1").replace("User root", "User x");
    let config = config.replace(&format!("IdentityFile {}", sshd.key().display()), "IdentityFile /nowhere");
    fs::write(sshd.config(), config).expect("written");
    let connection = Connection {
        user: Some("root".to_owned()),
        port: Some(sshd.port()),
        key: Some(sshd.key().display().to_string()),
        ..sshd.connection()
    };
    assert_eq!(say(&mut *hosts::host(&connection).shell(None), "id -un"), "root");
}

/// Two hops, an alias with another port behind `Include`, `Match`, and a host that must not take the jump.
#[test]
fn a_configuration_with_jumps_matches_and_includes_works_as_it_stands() {
    let (first, second, target) = (Loopback::start(""), Loopback::start(""), Loopback::start(""));
    let folder = target.folder();
    let mut known = "# my machines\n".to_owned();
    known.extend([&first, &second, &target].map(Loopback::host_line));
    fs::write(target.known_hosts(), &known).expect("written");
    fs::create_dir(folder.join("conf.d")).expect("made");
    fs::write(folder.join("conf.d/deep"), format!("Host deep-*\n    Port {}\n    HostName 127.0.0.1\n", target.port()))
        .expect("written");
    let hop = |name, sshd: &Loopback| {
        format!(
            "Host {name}\n    HostName 127.0.0.1\n    Port {}\n    IdentityFile {}\n",
            sshd.port(),
            sshd.key().display()
        )
    };
    let config = format!(
        "Include {}/conf.d/*\n{}{}    ProxyJump one\nHost deep-direct\n    ProxyJump none\n\
         Match host deep-*,127.0.0.1 originalhost deep-*\n    User root\n    IdentityFile {}\nHost deep-*\n    ProxyJump two\n    \
         ControlMaster auto\n    ControlPath {}/own-%C\n\
         Host *\n    User root\n    IdentitiesOnly yes\n    UserKnownHostsFile {}\n    GlobalKnownHostsFile /dev/null\n    \
         StrictHostKeyChecking yes\n",
        folder.display(),
        hop("one", &first),
        hop("two", &second),
        target.key().display(),
        folder.display(),
        target.known_hosts().display(),
    );
    fs::write(target.config(), config).expect("written");
    let logins = || (first.logins(), second.logins(), target.logins());

    let at = |name: &str| Connection { address: Some(name.to_owned()), ..target.connection() };
    let direct = hosts::host(&at("deep-direct"));
    assert_eq!(say(&mut *direct.shell(None), "echo direct"), "direct");
    assert_eq!(logins(), (0, 0, 1));
    let deep = hosts::host(&at("deep-blue"));
    assert_eq!(say(&mut *deep.shell(None), "echo deep"), "deep");
    assert_eq!(logins(), (1, 1, 2));
    let jumping = Connection { jump: Some("one".to_owned()), ..at("deep-direct") };
    assert_eq!(say(&mut *hosts::host(&jumping).shell(None), "echo by flag"), "by flag");
    assert_eq!(logins(), (2, 1, 3));
    assert_eq!(fs::read_to_string(target.known_hosts()).expect("there"), known);
}

fn master_of(sshd: &Loopback) -> i32 {
    let masters = processes(&sshd.config().display().to_string());
    assert_eq!(masters.len(), 1);
    masters[0]
}

fn kill(process: i32) {
    let status = std::process::Command::new("kill").args(["-9", &process.to_string()]).status();
    assert!(status.expect("kill starts").success());
}

#[test]
fn a_connection_lost_while_content_is_sent_leaves_the_old_file_and_nothing_else() {
    let sshd = Loopback::start("");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    fs::write(&path, "before").expect("written");
    let host = hosts::host(&sshd.connection());
    let mut shell = host.shell(None);
    say(&mut *shell, "true");
    let master = master_of(&sshd);
    let large = folder.path().join("large");
    fs::File::create(&large).and_then(|file| file.set_len(500 << 20)).expect("a sparse file");
    let names = || {
        let names = fs::read_dir(folder.path()).expect("there").flatten().map(|entry| entry.file_name());
        names.filter(|name| name != "large").collect::<Vec<_>>()
    };
    let write = FileWrite::new(path.display().to_string(), Source::Local(large.clone()));
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            eventually("the temp file", || names().len() == 2);
            kill(master);
        });
        write.stream(&mut *shell).expect_err("it was cut")
    });
    assert_eq!(reason(error).0, "the connection was lost");
    eventually("the end of the temp file", || names().len() == 1);
    assert_eq!((names()[0].clone(), fs::read(&path).expect("there")), ("file".into(), b"before".to_vec()));
    assert_eq!(say(&mut *shell, "echo again"), "again");
    assert_eq!(sshd.logins(), 2);
}

#[test]
fn a_master_killed_in_a_command_is_a_lost_connection() {
    let sshd = Loopback::start("");
    let host = hosts::host(&sshd.connection());
    let (mut shell, mut other) = (host.shell(None), host.shell(None));
    say(&mut *shell, "true");
    let master = master_of(&sshd);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            eventually("the command", || !processes("4714.25").is_empty());
            kill(master);
        });
        let error = run(&mut *shell, "trap 'exit' PIPE; sleep 4714.25").expect_err("cut");
        assert_eq!(reason(error).0, "the connection was lost");
    });
    assert_eq!(say(&mut *other, "echo again"), "again");
    processes("4714.25").into_iter().for_each(kill);
}

#[test]
fn a_command_that_hangs_ends_on_the_host_too() {
    let sshd = Loopback::start("");
    let host = hosts::host(&Connection { timeout_secs: Some(1), ..sshd.connection() });
    let mut shell = host.shell(None);
    let error = run(&mut *shell, "sleep 4715.25; :").expect_err("it hangs");
    assert!(matches!(error, ShellError::Timeout { .. }), "{error}");
    eventually("the end of the process", || processes("4715.25").is_empty());
    assert_eq!((say(&mut *shell, "echo on"), sshd.logins()), ("on".to_owned(), 1));
}

#[test]
fn a_fresh_login_is_proved_beside_the_open_one() {
    let mut sshd = Loopback::start("");
    let host = hosts::host(&sshd.connection());
    let mut shell = host.shell(None);
    say(&mut *shell, "true");
    shell.prove_login().expect("a login");
    assert_eq!(sshd.logins(), 2);
    sshd.restart("DenyUsers root");
    assert!(reason(shell.prove_login().expect_err("nobody gets in")).0.contains("Permission denied"));
    assert_eq!(say(&mut *shell, "echo still here"), "still here");
    sshd.restart("");
    shell.reconnect().expect("closed");
    assert_eq!((say(&mut *shell, "echo back"), sshd.logins()), ("back".to_owned(), 3));
}

#[test]
fn an_interrupted_host_leaves_no_master_and_no_process() {
    let sshd = Loopback::start("");
    let interrupt = Interrupt::new();
    let host = Host::new("bed", &sshd.connection(), &settings(&interrupt));
    let mut shell = host.shell(None);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            eventually("the command", || !processes("4716.25").is_empty());
            interrupt.raise();
        });
        assert!(matches!(run(&mut *shell, "sleep 4716.25; :"), Err(ShellError::Interrupted)));
    });
    host.close();
    eventually("the end of the process", || processes("4716.25").is_empty());
    eventually("the end of the master", || processes(&sshd.config().display().to_string()).is_empty());
}

#[test]
fn a_frozen_host_is_unreachable_after_the_timeout_and_comes_back() {
    let sshd = Sshd::start();
    let connection = Connection {
        address: Some("bed".to_owned()),
        ssh_config: Some(sshd.config().display().to_string()),
        timeout_secs: Some(1),
        connect_timeout_secs: Some(2),
        ..Connection::default()
    };
    let host = hosts::host(&connection);
    let mut shell = host.shell(None);
    say(&mut *shell, "true");
    sshd.container.pause();
    let error = run(&mut *shell, "echo never").expect_err("frozen");
    assert_eq!(reason(error).0, "no answer within 1s, and no new connection either");
    assert!(matches!(run(&mut *shell, "echo never"), Err(ShellError::Unreachable { .. })));
    sshd.container.unpause();
    eventually("a login", || run(&mut *shell, "true").is_ok());
}
