//! Users, groups, keys, sudo rules: on Debian with shadow-utils, and on a busybox that has no account tool at all.

use crate::support::docker::Container;
use crate::support::shell::{PlainShell, converge, plan};
use rhapsode::ops::{OpError, Overlay, View, entry};
use serde_json::json;

const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGdtc29tZXRoaW5ndGhhdGlzMzJieXRlc2xvbmch a@x";
const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFub3RoZXJrZXl0aGF0aXMzMmJ5dGVzbG9uZyEh b@x";
const HASH: &str = "$6$abcdefgh$WrsAKbJxO6PzPtWpkB7TqDCzRJ0FyHoJ0ZX1NfJ0JQ0yYw1p7eX3rQJ7qjvQ1jHqvV8n8s6S0m1YtPpQbZ1yD/";

fn beds() -> Vec<(Container, PlainShell)> {
    let with_shell = |container: Container| {
        let shell = PlainShell::docker(container.name());
        (container, shell)
    };
    vec![with_shell(Container::debian()), with_shell(Container::busybox())]
}

#[test]
fn a_user_is_made_changed_and_removed() {
    for (bed, mut shell) in beds() {
        converge(&mut shell, "group::present", json!({"name": "ops", "gid": 4711}));
        converge(&mut shell, "group::present", json!({"name": "deploy", "system": true}));
        let want = json!({"name": "ada", "uid": 4242, "groups": ["ops"], "comment": "Ada L", "shell": "/bin/sh"});
        assert_eq!(converge(&mut shell, "user::present", want), ["create"]);
        assert_eq!(bed.exec("grep '^ada:' /etc/passwd"), "ada:x:4242:4242:Ada L:/home/ada:/bin/sh\n");
        assert_eq!(bed.exec("grep -E '^(ops|ada):' /etc/group | sort"), "ada:x:4242:\nops:x:4711:ada\n");
        assert_eq!(bed.exec("stat -c '%U %G' /home/ada"), "ada ada\n");

        let want = json!({"name": "ada", "uid": 4343, "shell": "/bin/false", "comment": "", "groups": ["deploy"]});
        let changes = converge(&mut shell, "user::present", want);
        assert_eq!(changes, ["uid 4242 -> 4343", "comment Ada L -> ", "shell /bin/sh -> /bin/false", "join deploy"]);
        assert_eq!(bed.exec("stat -c %u /home/ada"), "4343\n");
        let want = json!({"name": "ada", "groups": ["deploy"], "append": false, "group": "ops"});
        assert_eq!(converge(&mut shell, "user::present", want), ["group ada -> ops"]);
        assert_eq!(bed.exec("id -nG ada"), "ops deploy\n");

        assert_eq!(converge(&mut shell, "user::absent", json!({"name": "ada", "remove_home": true})).len(), 1);
        bed.exec("! grep -q '^ada:' /etc/passwd /etc/shadow && [ ! -e /home/ada ]");
        assert_eq!(bed.exec("grep -c ada /etc/group || :"), "1\n", "the group named ada was not its primary one");
    }
}

#[test]
fn groups_gain_members_and_lose_only_what_is_asked() {
    for (bed, mut shell) in beds() {
        for name in ["ada", "bob"] {
            converge(&mut shell, "user::present", json!({"name": name, "create_home": false}));
        }
        let want = json!({"name": "web", "members": ["ada"]});
        assert_eq!(converge(&mut shell, "group::present", want), ["create", "add ada"]);
        assert_eq!(converge(&mut shell, "group::present", json!({"name": "web", "members": "bob"})), ["add bob"]);
        let want = json!({"name": "web", "gid": 5151, "members": ["bob"], "exclusive": true});
        let changes = converge(&mut shell, "group::present", want);
        assert_eq!(changes[1..], ["remove ada"]);
        assert_eq!(bed.exec("grep '^web:' /etc/group"), "web:x:5151:bob\n");
        assert_eq!(converge(&mut shell, "group::absent", json!({"name": "web"})), ["remove"]);
        let refused = plan(&mut shell, "group::present", json!({"name": "web", "members": ["nobody-here"]}));
        assert!(matches!(refused, Err(OpError::Refused { hint: Some(_), .. })), "{refused:?}");
    }
}

#[test]
fn a_password_hash_arrives_by_stdin_and_can_be_locked() {
    for (bed, mut shell) in beds() {
        let secret = rhapsode::secret::conceal(HASH).to_string();
        let want = json!({"name": "ada", "password": secret});
        assert_eq!(converge(&mut shell, "user::present", want), ["create", "password"]);
        assert_eq!(bed.exec("grep '^ada:' /etc/shadow | cut -d: -f2").trim_end(), HASH);
        assert!(shell.changed.iter().all(|command| !command.contains(HASH) && !command.contains(&secret)));

        let lock = json!({"name": "ada", "password_lock": true});
        assert_eq!(converge(&mut shell, "user::present", lock), ["lock password"]);
        assert_eq!(bed.exec("grep '^ada:' /etc/shadow | cut -d: -f2").trim_end(), format!("!{HASH}"));
        let same = json!({"name": "ada", "password": HASH});
        assert!(converge(&mut shell, "user::present", same).is_empty(), "a lock is not undone unasked");
        let unlock = json!({"name": "ada", "password_lock": false});
        assert_eq!(converge(&mut shell, "user::present", unlock), ["unlock password"]);

        bed.exec(
            "grep -v '^ada:' /etc/shadow > /tmp/s; echo 'ada::20000:0:99999:7:::' >> /tmp/s; cat /tmp/s > /etc/shadow",
        );
        let lock = json!({"name": "ada", "password_lock": true});
        assert_eq!(converge(&mut shell, "user::present", lock), ["lock password"], "deleted is not locked");
    }
}

#[test]
fn keys_are_added_and_others_removed_only_when_exclusive() {
    for (bed, mut shell) in beds() {
        converge(&mut shell, "user::present", json!({"name": "ada", "keys": [A]}));
        let file = "/home/ada/.ssh/authorized_keys";
        assert_eq!(bed.exec(&format!("stat -c '%a %U %G' {file} /home/ada/.ssh")), "600 ada ada\n700 ada ada\n");
        assert_eq!(converge(&mut shell, "user::keys", json!({"name": "ada", "keys": B})), ["add 1 key"]);
        assert_eq!(bed.exec(&format!("cat {file}")), format!("{A}\n{B}\n"));
        let want = json!({"name": "ada", "keys": [B], "exclusive": true});
        assert_eq!(converge(&mut shell, "user::keys", want.clone()), ["remove 1 key"]);
        bed.exec(&format!("chown root {file} && chmod 666 {file}"));
        assert_eq!(converge(&mut shell, "user::keys", want), ["owner and mode"]);
        assert_eq!(bed.exec(&format!("stat -c '%a %U' {file}")), "644 ada\n");
        assert_eq!(bed.exec(&format!("cat {file}")), format!("{B}\n"));
        let want = json!({"name": "ada", "keys": [], "exclusive_keys": true});
        assert_eq!(converge(&mut shell, "user::present", want), ["remove 1 key"]);
    }
}

#[test]
fn keys_are_not_written_through_a_link_of_the_user() {
    let bed = Container::busybox();
    let mut shell = PlainShell::docker(bed.name());
    converge(&mut shell, "user::present", json!({"name": "eve"}));
    bed.exec("mkdir /root/.ssh && ln -s /root/.ssh /home/eve/.ssh");
    let plan = plan(&mut shell, "user::keys", json!({"name": "eve", "keys": [A]})).expect("a plan");
    rhapsode::ops::apply(&plan, &mut shell).expect_err("refused");
    assert_eq!(bed.exec("ls -A /root/.ssh"), "");
}

#[test]
fn a_sudo_rule_works_and_a_wrong_one_leaves_nothing() {
    let bed = Container::debian();
    let mut shell = PlainShell::docker(bed.name());
    converge(&mut shell, "user::present", json!({"name": "ada"}));
    let want = json!({"name": "ada", "who": "ada", "commands": ["/usr/bin/id", "/bin/ls /root"], "nopasswd": true});
    assert_eq!(converge(&mut shell, "sudo::rule", want), ["create"]);
    assert_eq!(bed.exec("stat -c '%a %U' /etc/sudoers.d/ada"), "440 root\n");
    assert_eq!(bed.exec("su ada -c 'sudo -n id -u'"), "0\n");
    assert!(!bed.try_exec("su ada -c 'sudo -n cat /etc/shadow'").status.success());

    let before = bed.exec("ls -lA /etc/sudoers.d; cat /etc/sudoers.d/ada");
    for name in ["ada", "other"] {
        let wrong = json!({"name": name, "who": "ada", "commands": "bin/relative ("});
        let wrong = plan(&mut shell, "sudo::rule", wrong).expect("a plan");
        let error = rhapsode::ops::apply(&wrong, &mut shell).expect_err("visudo refuses");
        assert!(matches!(error, OpError::Refused { .. }), "{error:?}");
    }
    assert_eq!(bed.exec("ls -lA /etc/sudoers.d; cat /etc/sudoers.d/ada"), before);
    assert_eq!(converge(&mut shell, "sudo::rule", json!({"name": "ada", "present": false})), ["remove"]);
    assert!(!bed.try_exec("su ada -c 'sudo -n id -u'").status.success());
}

#[test]
fn a_plan_predicts_what_the_apply_then_does() {
    let steps = [
        ("group::present", json!({"name": "ops", "gid": 4711})),
        ("user::present", json!({"name": "ada", "groups": ["ops"], "password": HASH})),
        ("user::keys", json!({"name": "ada", "keys": [A]})),
        ("user::present", json!({"name": "ada", "shell": "/bin/false", "groups": ["ops"], "password_lock": true})),
        ("group::present", json!({"name": "ops", "members": ["ada"]})),
        ("user::keys", json!({"name": "ada", "keys": [A, B]})),
        ("user::absent", json!({"name": "ada"})),
        ("group::absent", json!({"name": "ops"})),
    ];
    for (bed, mut shell) in beds() {
        let before = bed.exec("cat /etc/passwd /etc/group /etc/shadow; ls /home");
        let mut overlay = Overlay::default();
        let mut predicted = Vec::new();
        for (op, want) in &steps {
            let accepted = (entry(op).expect("an operation").accept)(want.clone()).expect("accepted");
            let plan =
                accepted.plan(&mut View::new(&mut shell, &overlay)).unwrap_or_else(|error| panic!("{op}: {error}"));
            predicted.push(plan.changes.iter().map(|change| change.text.clone()).collect::<Vec<_>>());
            plan.changes.into_iter().for_each(|change| overlay.take(change.effects));
        }
        assert_eq!(bed.exec("cat /etc/passwd /etc/group /etc/shadow; ls /home"), before);
        assert!(shell.changed.is_empty());
        let done: Vec<_> = steps.iter().map(|(op, want)| converge(&mut shell, op, want.clone())).collect();
        assert_eq!(predicted, done);
    }
}
