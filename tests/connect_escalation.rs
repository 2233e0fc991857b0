//! sudo, su and doas, with and without passwords.

use crate::support::docker::Container;
use crate::support::hosts::{self, noise, run, say};
use crate::support::sshd::Sshd;
use rhapsode::connect::Host;
use rhapsode::inventory::{Connect, Connection, Escalation, Method};
use rhapsode::ops::{FileWrite, Source};
use rhapsode::remote::ShellError;
use rhapsode::secret::conceal;

const PASSWORD: &str = "pass word's $1";

/// `eve` needs her password, `bob` needs none, `svc` has no login shell.
const ACCOUNTS: &str = r#"for u in eve bob; do useradd -m -s /bin/bash $u; done
useradd -r -s /usr/sbin/nologin svc
echo "eve:pass word's \$1" | chpasswd; echo "root:pass word's \$1" | chpasswd
echo 'eve ALL=(ALL) ALL' >/etc/sudoers.d/eve; echo 'bob ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/bob
echo 'permit nopass bob' >/etc/doas.conf; echo 'permit eve' >>/etc/doas.conf"#;

/// A Debian without systemd, whose temporary folders execute nothing.
fn bed() -> Container {
    let words = ["--interactive", "--entrypoint=/bin/cat", "--tmpfs=/tmp:noexec", "--tmpfs=/var/tmp:noexec"];
    let container = Container::start("rh-debian", &words);
    container.exec(ACCOUNTS);
    container
}

fn host(container: &Container, user: &str) -> Host {
    hosts::host(&Connection {
        connect: Connect::Docker,
        container: Some(container.name().to_owned()),
        user: Some(user.to_owned()),
        ..Connection::default()
    })
}

fn become_user(method: Method, user: &str) -> Escalation {
    Escalation { method, user: user.to_owned(), password: None }
}

fn with_password(method: Method, user: &str, password: &str) -> Escalation {
    Escalation { password: Some(conceal(password).to_string()), ..become_user(method, user) }
}

fn refused(host: &Host, who: &Escalation) -> (String, Option<String>) {
    match run(&mut *host.shell(Some(who)), "true") {
        Err(ShellError::Escalation { reason, hint, .. }) => (reason, hint),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_method_becomes_every_user_where_temporary_folders_execute_nothing() {
    let container = bed();
    let (eve, bob, root) = (host(&container, "eve"), host(&container, "bob"), host(&container, "root"));
    for (host, who) in [
        (&eve, with_password(Method::Sudo, "root", PASSWORD)),
        (&eve, with_password(Method::Sudo, "svc", PASSWORD)),
        (&eve, with_password(Method::Su, "root", PASSWORD)),
        (&bob, become_user(Method::Sudo, "root")),
        (&bob, with_password(Method::Sudo, "svc", "not asked for")),
        (&bob, become_user(Method::Doas, "root")),
        (&bob, become_user(Method::Doas, "svc")),
        (&root, become_user(Method::Su, "svc")),
        (&root, become_user(Method::Sudo, "eve")),
    ] {
        let mut shell = host.shell(Some(&who));
        assert_eq!(say(&mut *shell, "id -un"), who.user, "{who:?}");
        let home = say(&mut *shell, "[ -x /bin/sh ] && echo $HOME");
        assert!(home.starts_with('/'), "{who:?}: {home}");
        let content = noise(5 << 20);
        let path = format!("/dev/shm/{}", who.user);
        let write = FileWrite::new(&path, Source::Bytes(content.clone().into()));
        assert!(write.stream(&mut *shell).expect("an answer").ok(), "{who:?}");
        assert!(container.read(&path) == content, "{who:?}");
        assert_eq!(say(&mut *shell, &format!("stat -c %U {path} && rm {path}")), who.user, "{who:?}");
    }
    let left = container.exec("find /tmp /var/tmp /home /root -newer /etc/doas.conf -type f");
    assert_eq!(left.lines().filter(|line| !line.contains("sudo_as_admin")).count(), 0, "{left}");
}

#[test]
fn refusals_come_at_once_and_say_what_to_do() {
    let container = bed();
    let (eve, svc) = (host(&container, "eve"), host(&container, "svc"));
    for (method, whose) in [(Method::Sudo, "of the user who logs in"), (Method::Su, "of `root`")] {
        let (reason, hint) = refused(&eve, &with_password(method, "root", "wrong"));
        assert_eq!(reason, "wrong password");
        assert!(hint.as_ref().is_some_and(|hint| hint.contains(whose)), "{hint:?}");
    }
    for method in [Method::Sudo, Method::Su, Method::Doas] {
        let (reason, hint) = refused(&eve, &become_user(method, "root"));
        assert_eq!(reason, "a password is required", "{method:?}");
        assert!(hint.is_some(), "{method:?}");
    }
    let (reason, _) = refused(&svc, &with_password(Method::Sudo, "root", PASSWORD));
    assert!(!reason.is_empty());
    let (reason, _) = refused(&eve, &with_password(Method::Sudo, "nobody-here", PASSWORD));
    assert!(reason.contains("nobody-here"), "{reason}");
    container.exec("rm /usr/bin/doas");
    assert_eq!(refused(&eve, &become_user(Method::Doas, "root")).0, "`doas` is not installed on the host");
    assert_eq!(say(&mut *eve.shell(None), "id -un"), "eve");
    // One attempt each: nobody is locked out by us.
    assert_eq!(container.exec("ps -e -o comm= | grep -c -e sudo -e '^su$' || :").trim(), "0");
}

#[test]
fn a_password_is_in_no_process_list() {
    let container = bed();
    let mut shell = host(&container, "eve").shell(Some(&with_password(Method::Sudo, "root", PASSWORD)));
    let lines = say(&mut *shell, "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; :");
    assert!(lines.contains("sudo") && !lines.contains(PASSWORD), "{lines}");
}

#[test]
fn nobody_is_escalated_who_is_the_wanted_user_already() {
    for container in [bed(), Container::busybox()] {
        let root = host(&container, "root");
        let mut shell = root.shell(Some(&become_user(Method::Sudo, "root")));
        let own = say(&mut *shell, "echo $$");
        assert_eq!(say(&mut *root.shell(None), "echo $$"), own);
        assert_eq!(say(&mut *root.shell(Some(&become_user(Method::Doas, "root"))), "echo $$"), own);
        // The other way round: the login user's shell is there first.
        let again = host(&container, "root");
        let own = say(&mut *again.shell(None), "echo $$");
        assert_eq!(say(&mut *again.shell(Some(&become_user(Method::Su, "root"))), "echo $$"), own);
    }
}

#[test]
fn a_command_of_another_user_ends_with_its_time() {
    let container = bed();
    let mut host_settings = Connection {
        connect: Connect::Docker,
        container: Some(container.name().to_owned()),
        user: Some("eve".to_owned()),
        ..Connection::default()
    };
    host_settings.timeout_secs = Some(2);
    let mut shell = hosts::host(&host_settings).shell(Some(&with_password(Method::Sudo, "root", PASSWORD)));
    let error = run(&mut *shell, "sleep 4720.25; :").expect_err("it hangs");
    assert!(matches!(error, ShellError::Timeout { .. }), "{error}");
    hosts::eventually("the end of the process", || !container.exec("ps -e -o args=").contains("4720.25"));
    assert_eq!(say(&mut *shell, "id -u"), "0");
}

#[test]
fn sudo_over_ssh_and_over_a_template_shares_the_host_with_the_login_user() {
    let sshd = Sshd::start();
    sshd.container.exec(ACCOUNTS);
    sshd.admit("eve");
    let by_ssh = Connection {
        address: Some("bed".to_owned()),
        user: Some("eve".to_owned()),
        ssh_config: Some(sshd.config().display().to_string()),
        ..Connection::default()
    };
    let by_template = hosts::through(&["docker", "exec", "-i", "-u", "eve", sshd.container.name(), "sh"]);
    for connection in [by_ssh, by_template] {
        let host = hosts::host(&connection);
        let who = with_password(Method::Sudo, "root", PASSWORD);
        let (mut root, mut eve) = (host.shell(Some(&who)), host.shell(None));
        assert_eq!((say(&mut *root, "id -un"), say(&mut *eve, "id -un")), ("root".to_owned(), "eve".to_owned()));
        say(&mut *root, "echo 1 >/run/both; chmod 0644 /run/both");
        assert_eq!((say(&mut *eve, "cat /run/both"), host.exchanges()), ("1".to_owned(), 4));
        root.reconnect().expect("closed");
        assert_eq!((say(&mut *eve, "id -un"), say(&mut *root, "id -un")), ("eve".to_owned(), "root".to_owned()));
    }
}
