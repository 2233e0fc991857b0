//! Files that other families own as a whole, and `file::` operations on them, see each other in one plan.

use crate::support::docker::Container;
use crate::support::shell::PlainShell;
use rhapsode::ops::{Overlay, Plan, Source, Step, View, apply, entry};
use serde_json::{Value, json};

const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGdtc29tZXRoaW5ndGhhdGlzMzJieXRlc2xvbmch a@x";

/// What people read of a plan, with the diffs.
fn shown(plan: &Plan) -> Vec<(String, Option<(String, String)>)> {
    plan.changes.iter().map(|change| (change.text.clone(), change.diff.clone())).collect()
}

fn plan(shell: &mut PlainShell, overlay: &Overlay, op: &str, want: &Value) -> Plan {
    let planned = (entry(op).expect("an operation").accept)(want.clone()).expect("arguments");
    planned.plan(&mut View::new(shell, overlay)).unwrap_or_else(|error| panic!("{op}: {error}"))
}

#[test]
fn one_plan_shows_each_operation_what_those_before_it_write() {
    let steps = [
        ("sudo::rule", json!({ "name": "ops", "who": "root", "commands": "ALL" })),
        ("file::line", json!({ "path": "/etc/sudoers.d/ops", "line": "# by hand" })),
        ("file::put", json!({ "path": "/etc/sudoers.d/ops", "content": "# gone\n", "mode": "0400" })),
        ("sudo::rule", json!({ "name": "ops", "who": "root", "commands": "ALL" })),
        ("systemd::unit", json!({ "name": "app", "sections": { "Service": { "ExecStart": "/bin/app" } } })),
        (
            "file::put",
            json!({ "path": "/etc/systemd/system/app.service", "content": "[Service]\nExecStart=/bin/app\n" }),
        ),
        ("file::put", json!({ "path": "/etc/systemd/system/app.service", "content": "[Service]\n" })),
        ("systemd::unit", json!({ "name": "app", "dropin": "env", "content": "[Service]\nEnvironment=A=1" })),
        ("file::put", json!({ "path": "/etc/systemd/system/app.service.d/more.conf", "content": "[Service]\n" })),
        ("systemd::unit", json!({ "name": "app", "dropin": "env", "present": false })),
        ("file::absent", json!({ "path": "/etc/systemd/system/app.service" })),
        ("file::dir", json!({ "path": "/root/.ssh", "mode": "0700" })),
        ("file::put", json!({ "path": "/root/.ssh/authorized_keys", "content": format!("{A}\n"), "mode": "0622" })),
        ("user::keys", json!({ "name": "root", "keys": [A] })),
        ("user::keys", json!({ "name": "root", "keys": [], "exclusive": true })),
        ("file::put", json!({ "path": "/root/.ssh/authorized_keys", "content": "", "mode": "0600" })),
        ("ssh::known_host", json!({ "name": "a", "key": A, "user": "root" })),
        ("file::line", json!({ "path": "/root/.ssh/known_hosts", "pattern": "^a ", "present": false })),
    ];
    for bed in [Container::debian(), Container::busybox()] {
        // Busybox has neither; no plan depends on them.
        bed.exec("mkdir -p /etc/sudoers.d /etc/systemd/system; rm -rf /root/.ssh; command -v visudo || { echo true >/bin/visudo; chmod +x /bin/visudo; }");
        let mut shell = PlainShell::docker(bed.name());
        let (mut overlay, mut predicted) = (Overlay::default(), Vec::new());
        for (op, want) in &steps {
            let plan = plan(&mut shell, &overlay, op, want);
            predicted.push(shown(&plan));
            plan.changes.into_iter().for_each(|change| overlay.take(change.effects));
        }
        assert!(shell.changed.is_empty());
        for ((op, want), predicted) in steps.iter().zip(predicted) {
            let real = plan(&mut shell, &Overlay::default(), op, want);
            assert_eq!(shown(&real), predicted, "{op} {want}");
            apply(&real, &mut shell).unwrap_or_else(|error| panic!("{op}: {error:?}"));
        }
    }
}

#[test]
fn a_secret_that_was_put_is_known_to_the_operation_after_it() {
    let dir = tempfile::tempdir().expect("space");
    let path = dir.path().join("90-x.conf").display().to_string();
    let secret = rhapsode::secret::conceal("s3cr3t of a sysctl").to_string();
    let (mut shell, mut overlay) = (PlainShell::local(), Overlay::default());
    let put = json!({ "path": path, "content": format!("# {secret}\n"), "mode": "0644" });
    let first = plan(&mut shell, &overlay, "file::put", &put);
    first.changes.into_iter().for_each(|change| overlay.take(change.effects));
    let parameter = json!({ "key": "kernel.ostype", "value": "Linux", "file": path });
    let second = plan(&mut shell, &overlay, "sys::sysctl", &parameter);
    let [change] = second.changes.as_slice() else { panic!("one change: {:?}", shown(&second)) };
    assert_eq!((change.text.clone(), &change.diff), (format!("content of {path} ([secret])"), &None));
    let Some(Step::Write(write)) = change.steps.first() else { panic!("a write") };
    let Source::Bytes(sent) = &write.content else { panic!("bytes") };
    assert_eq!(String::from_utf8_lossy(sent), format!("# {secret}\nkernel.ostype = Linux\n"));
}

#[test]
fn a_link_is_read_through_replaced_as_a_whole_and_refused_when_it_leads_nowhere() {
    let bed = Container::busybox();
    bed.exec("mkdir -p /etc/sudoers.d /data; echo true >/bin/visudo; chmod +x /bin/visudo; ln -s nowhere /etc/sudoers.d/dangling");
    bed.exec(
        "printf 'root ALL=(ALL) ALL\\n' > /data/rule; chmod 440 /data/rule; ln -s ../../data/rule /etc/sudoers.d/ops",
    );
    let (mut shell, overlay) = (PlainShell::docker(bed.name()), Overlay::default());
    let rule = |name: &str, who: &str| json!({ "name": name, "who": who, "commands": "ALL" });
    assert!(plan(&mut shell, &overlay, "sudo::rule", &rule("ops", "root")).is_empty());
    let other = plan(&mut shell, &overlay, "sudo::rule", &rule("ops", "ada"));
    apply(&other, &mut shell).expect("written");
    assert_eq!(
        bed.exec("cat /data/rule; stat -c '%F %a' /etc/sudoers.d/ops"),
        "root ALL=(ALL) ALL\nregular file 440\n"
    );
    let dangling = (entry("sudo::rule").expect("there").accept)(rule("dangling", "root")).expect("arguments");
    let refused = dangling.plan(&mut View::new(&mut shell, &overlay)).expect_err("it leads nowhere");
    assert!(refused.to_string().contains("`/etc/sudoers.d/nowhere`, where nothing is"), "{refused}");
}
