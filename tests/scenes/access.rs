//! S17 and S18 with playbooks: a real ssh_config with jumps, and other users with and without passwords.

use super::Scene;
use crate::support::docker::Container;
use crate::support::network::Network;
use crate::support::sshd::Sshd;
use std::fs;

/// S17: two hops through networks of their own, `Match`, `Include`, an alias, and one host without the jump.
#[test]
fn an_ssh_config_with_two_jumps_works_as_it_stands() {
    let (near, far) = (Network::new(), Network::new());
    let outer = Sshd::start();
    near.connect(&outer.container);
    let middle = outer.behind(&near);
    far.connect(&middle.container);
    let inner = outer.behind(&far);
    let included = outer.folder().join("included");
    fs::write(&included, format!("{}    ProxyJump middle\n", inner.host_block("inner"))).expect("written");
    let config = outer.config().display().to_string();
    // ssh takes the first value that it finds; an `Include` below a `Host` would belong to it.
    let text = format!(
        "Include {}\n{}    ProxyJump outer\n{}    ProxyJump none\n{}    ProxyJump none\n\
         Match originalhost in*\n    ServerAliveInterval 7\nHost *\n    ProxyJump nowhere.invalid\n",
        included.display(),
        middle.host_block("middle"),
        outer.host_block("outer"),
        outer.host_block("direct"),
    );
    fs::write(&config, text).expect("written");
    let known_hosts = outer.folder().join("known_hosts");
    let comment = "# a comment that people wrote\n";
    fs::write(&known_hosts, format!("{comment}{}", fs::read_to_string(&known_hosts).expect("known hosts")))
        .expect("written");
    let before = fs::read_to_string(&known_hosts).expect("known hosts");
    let hosts = ["inner", "middle", "direct"];
    let inventory: String = hosts.iter().map(|host| format!("  {host}: {{ ssh_config: {config} }}\n")).collect();
    let scene = Scene::with(&format!("hosts:\n{inventory}"))
        .playbook("let r = cmd::read(\"hostname\");\nlog(r.stdout);\nfile::put(\"/srv/marker\", #{ content: host.name + \"\\n\" });\n");
    let plan = scene.planned(0);
    let apply = scene.applied(0);
    for (host, sshd) in hosts.iter().zip([&inner, &middle, &outer]) {
        assert_eq!(plan.log(host), [sshd.container.name()]);
        assert_eq!(plan.operations(host), apply.operations(host));
        assert_eq!(sshd.container.exec("cat /srv/marker"), format!("{host}\n"));
    }
    assert_eq!(fs::read_to_string(&known_hosts).expect("known hosts"), before);

    // Whose key is not known is refused, and the hint says what to do.
    fs::write(&known_hosts, comment).expect("written");
    let document = scene.applied(4);
    let error = &document.0["hosts"]["direct"]["error"];
    assert!(document.error("direct").to_lowercase().contains("host key"), "{error:#}");
    assert!(
        error["hint"].as_str().is_some_and(|hint| hint.ends_with("direct` once, and compare its fingerprint")),
        "{error:#}"
    );
    assert_eq!(fs::read_to_string(&known_hosts).expect("known hosts"), comment);
}

const PASSWORD: &str = "pass word's $1";

/// `eve` needs her password, `bob` does not, `svc` has no login shell; nothing can be executed in /tmp.
fn bed() -> Container {
    let words = ["--interactive", "--entrypoint=/bin/cat", "--tmpfs=/tmp:noexec", "--tmpfs=/var/tmp:noexec"];
    let container = Container::start("rh-debian", &words);
    container.exec(
        r#"for u in eve bob; do useradd -m -s /bin/bash $u; done; useradd -r -s /usr/sbin/nologin svc
        echo "eve:pass word's \$1" | chpasswd; echo "root:pass word's \$1" | chpasswd
        echo 'eve ALL=(ALL) ALL' >/etc/sudoers.d/eve; echo 'bob ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/bob
        echo 'permit nopass bob' >/etc/doas.conf"#,
    );
    container
}

/// S18: becomes other users for a host, a play, a block and an operation; 5 MB go to one without rights of his own.
#[test]
fn operations_act_as_other_users_where_temporary_folders_execute_nothing() {
    let container = bed();
    let name = container.name();
    let inventory = format!(
        "hosts:\n  eve: {{ connect: docker, container: {name}, user: eve, sudo: true, sudo_password: {{ env: EVE }} }}\n  \
         bob: {{ connect: docker, container: {name}, user: bob }}\n  root: {{ connect: docker, container: {name} }}\n"
    );
    let scene = Scene::with(&inventory)
        .file("big", crate::support::hosts::noise(5 << 20))
        .playbook(
            "let who = |want| cmd::run(\"id -un\", want).stdout;
             if host.name == \"eve\" {
                 log(`${who.call(#{})} ${who.call(#{ sudo: false })} ${who.call(#{ sudo: \"svc\" })}`);
                 file::put(\"/home/eve/as-root\", #{ content: \"x\" });
             }
             play(\"bob\", #{ sudo: true }, |h| {
                 block(\"as svc\", |h| { log(`${cmd::run(\"id -un\").stdout} ${cmd::run(\"id -un\", #{ doas: true }).stdout}`); }, #{ sudo: \"svc\" });
                 log(cmd::run(\"id -un\").stdout);
             });
             if host.name == \"bob\" {
                 file::put(\"/var/lib/big\", #{ src: \"big\", sudo: true, owner: \"svc\" });
                 file::dir(\"/srv/svc\", #{ sudo: true, owner: \"svc\" });
                 file::put(\"/srv/svc/big\", #{ src: \"big\", sudo: \"svc\", mode: \"0600\" });
                 log(cmd::run(\"id -un\").stdout);
             }
             if host.name == \"root\" { log(who.call(#{ su: \"svc\" })); }",
        );
    let document = super::Document(scene.apply().env("EVE", PASSWORD).arg("--json").any_stderr().json(0));
    assert_eq!(document.log("eve"), ["root eve svc"]);
    assert_eq!(document.log("bob"), ["svc root", "root", "bob"]);
    assert_eq!(document.log("root"), ["svc"]);
    assert_eq!(container.exec("stat -c '%U %a %s' /srv/svc/big"), "svc 600 5242880\n");
    assert_eq!(container.exec("stat -c '%U' /home/eve/as-root"), "root\n");
    assert_eq!(container.exec("cmp /srv/svc/big /var/lib/big && ls -A /tmp /var/tmp"), "/tmp:\n\n/var/tmp:\n");
    assert!(!document.0.to_string().contains("pass word"), "the password is shown");
}

#[test]
fn a_wrong_password_is_asked_for_once_and_fails_the_host() {
    let container = bed();
    let inventory = format!(
        "hosts:\n  eve: {{ connect: docker, container: {}, user: eve, sudo: true, sudo_password: {{ env: EVE }} }}\n",
        container.name()
    );
    let scene = Scene::with(&inventory).playbook("cmd::run(\"true\", #{ retries: 5, delay: 600 });");
    let ran = scene.apply().env("EVE", "not it").arg("--json").any_stderr().any_stdout();
    let document = super::Document(ran.json(3));
    let error = &document.0["hosts"]["eve"]["error"];
    assert!(document.error("eve").contains("password"), "{error:#}");
    assert!(error["hint"].is_string(), "{error:#}");
    assert!(!error.to_string().contains("not it"), "{error:#}");
}
