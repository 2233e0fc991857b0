//! Services, units and cron jobs on a Debian host with systemd, and through stubs of OpenRC on busybox.

use crate::support::docker::Container;
use crate::support::shell::{converge, plan};
use rhapsode::ops::{OpError, Plan, apply};
use serde_json::json;

fn texts(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(|change| change.text.clone()).collect()
}

const NONE: [&str; 0] = [];

fn app(exec: &str) -> serde_json::Value {
    json!({
        "Unit": {"Description": "made by a test"},
        "Service": {"ExecStart": exec, "ExecReload": "/bin/touch /run/rh-reloaded"},
        "Install": {"WantedBy": "multi-user.target"},
    })
}

#[test]
fn a_unit_is_written_started_changed_and_removed() {
    let container = Container::debian();
    let mut shell = container.shell();
    let shell = &mut shell;
    let unit =
        json!({"name": "rh-app", "sections": app("/bin/sleep 1000"), "enabled": true, "running": true, "verify": true});
    let created = converge(shell, "systemd::unit", unit);
    assert_eq!(
        created,
        ["create /etc/systemd/system/rh-app.service", "daemon-reload", "enable rh-app.service", "start rh-app.service"]
    );
    assert_eq!(container.says("systemctl is-enabled rh-app; systemctl is-active rh-app"), "enabled\nactive");

    let dropin = json!({"name": "rh-app", "dropin": "nice", "sections": {"Service": {"Nice": 5}}, "restart": true, "running": true});
    let changed = converge(shell, "systemd::unit", dropin);
    assert_eq!(changed[1..], ["daemon-reload", "restart rh-app.service"]);
    assert_eq!(container.says("ps -o ni= -p $(systemctl show -p MainPID --value rh-app)").trim(), "5");
    converge(shell, "systemd::unit", json!({"name": "rh-app", "dropin": "nice", "present": false}));

    let broken = json!({"name": "rh-bad", "content": "[Service]\nExecStart=relative/path\n", "verify": true});
    let broken = plan(shell, "systemd::unit", broken).expect("a plan does not verify");
    let error = apply(&broken, shell).expect_err("systemd-analyze refuses");
    assert!(matches!(&error, OpError::Refused { message, .. } if message.contains("relative/path")), "{error:?}");
    assert_eq!(container.says("ls -A /etc/systemd/system | grep rh-bad || echo nothing"), "nothing");

    let removed = converge(shell, "systemd::unit", json!({"name": "rh-app", "present": false}));
    assert_eq!(
        removed,
        ["disable rh-app.service", "stop rh-app.service", "remove /etc/systemd/system/rh-app.service", "daemon-reload"]
    );
    assert_eq!(container.says("systemctl show -p LoadState --value rh-app"), "not-found");
}

#[test]
fn a_unit_that_does_not_start_is_told_with_its_last_words() {
    let container = Container::debian();
    let mut shell = container.shell();
    let exec = "/bin/sh -c 'echo there is no settings file; exit 2'";
    let sections = json!({"Service": {"Type": "oneshot", "ExecStart": exec}});
    let unit = json!({"name": "rh-app", "sections": sections, "running": true});
    let plan = plan(&mut shell, "systemd::unit", unit).expect("a plan starts nothing");
    let error = apply(&plan, &mut shell).expect_err("it exits with 2");
    let OpError::Command { command, stderr, .. } = &error else { panic!("{error:?}") };
    assert_eq!(command, "systemctl start -- rh-app.service");
    assert!(stderr.contains("Job for rh-app.service failed"), "{stderr}");
    assert!(stderr.lines().any(|line| line == "there is no settings file"), "{stderr}");
}

#[test]
fn a_service_is_kept_as_asked() {
    let container = Container::debian();
    let mut shell = container.shell();
    let shell = &mut shell;
    converge(shell, "systemd::unit", json!({"name": "rh-app.service", "sections": app("/bin/sleep 1000")}));
    assert_eq!(
        converge(shell, "service::running", json!({"name": "rh-app", "enabled": true})),
        ["enable rh-app.service", "start rh-app.service"]
    );
    let pid = || container.says("systemctl show -p MainPID --value rh-app");
    let before = pid();
    let restarted = plan(shell, "service::restarted", json!({"name": "rh-app"})).expect("a plan");
    apply(&restarted, shell).expect("restarts");
    assert_ne!(before, pid());
    let before = pid();
    let reloaded = plan(shell, "service::reloaded", json!({"name": "rh-app"})).expect("a plan");
    apply(&reloaded, shell).expect("reloads");
    assert_eq!(before, pid());
    container.exec("test -e /run/rh-reloaded");

    container.write("/etc/rh-app.conf", "new");
    let newer = json!({"name": "rh-app", "restart_if_older_than": ["/etc/hosts", "/etc/rh-app.conf", "/etc/nosuch"]});
    assert_eq!(
        converge(shell, "service::running", newer),
        ["restart rh-app.service: /etc/rh-app.conf is newer than its start"]
    );

    container.exec("echo '# by hand' >> /etc/systemd/system/rh-app.service");
    let again = converge(shell, "systemd::daemon_reload", json!({}));
    assert_eq!(again, ["daemon-reload for rh-app.service"]);

    assert_eq!(converge(shell, "service::disabled", json!({"name": "rh-app"})), ["disable rh-app.service"]);
    assert_eq!(converge(shell, "service::enabled", json!({"name": "rh-app"})), ["enable rh-app.service"]);
    assert_eq!(converge(shell, "service::stopped", json!({"name": "rh-app", "enabled": false})).len(), 2);
    // A unit file in /etc cannot be masked: the mask would take its place.
    container.exec("mv /etc/systemd/system/rh-app.service /usr/lib/systemd/system/ && systemctl daemon-reload");
    assert_eq!(converge(shell, "service::masked", json!({"name": "rh-app"})), ["mask rh-app.service"]);
    let error = plan(shell, "service::running", json!({"name": "rh-app"})).expect_err("masked");
    assert_eq!(error.to_string(), "unit `rh-app.service` is masked");
    assert_eq!(
        converge(shell, "service::masked", json!({"name": "rh-app", "present": false})),
        ["unmask rh-app.service"]
    );

    let error = plan(shell, "service::running", json!({"name": "rh-nosuch"})).expect_err("absent");
    assert_eq!(error.to_string(), "no unit `rh-nosuch.service` on this host");
    assert_eq!(converge(shell, "service::stopped", json!({"name": "rh-nosuch", "enabled": false})), NONE);
}

#[test]
fn a_service_of_a_user_is_kept_by_the_manager_of_that_user() {
    let container = Container::debian();
    container.exec("useradd -m alice && mkdir -p ~alice/.config/systemd/user && chown -R alice: ~alice");
    container.write(
        "/home/alice/.config/systemd/user/rh-sync.service",
        "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=default.target\n",
    );
    let mut shell = container.shell();
    let want = json!({"name": "rh-sync", "user": "alice", "enabled": true});
    let error = plan(&mut shell, "service::running", want.clone()).expect_err("alice has no manager");
    assert_eq!(error.hint().as_deref(), Some("`loginctl enable-linger alice` starts it at boot"));
    // What pam_systemd does, which the image has not.
    container.exec(
        "install -d -o alice -m 700 /run/user/$(id -u alice) && mkdir /run/systemd/system/user@.service.d && \
         printf '[Service]\\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%i\\n' > /run/systemd/system/user@.service.d/dir.conf && \
         systemctl daemon-reload && systemctl start user@$(id -u alice)",
    );
    assert_eq!(
        converge(&mut shell, "service::running", want),
        ["enable alice/rh-sync.service", "start alice/rh-sync.service"]
    );
    assert_eq!(converge(&mut shell, "service::stopped", json!({"name": "rh-sync", "user": "alice"})).len(), 1);
}

#[test]
fn a_timer_starts_its_service() {
    let container = Container::debian();
    let mut shell = container.shell();
    let want = |when: &str| json!({"name": "rh-tick", "on_calendar": when, "accuracy": "100ms", "command": "/bin/touch /run/rh-tick", "persistent": true});
    let created = converge(&mut shell, "systemd::timer", want("*-*-* *:*:0/2"));
    assert_eq!(created.len(), 5, "{created:?}");
    container.exec("timeout 10 sh -c 'until [ -e /run/rh-tick ]; do sleep 0.1; done'");
    let moved = converge(&mut shell, "systemd::timer", want("daily"));
    assert_eq!(moved, ["content of /etc/systemd/system/rh-tick.timer", "daemon-reload", "restart rh-tick.timer"]);
    assert!(container.exec("systemctl list-timers --all rh-tick.timer").contains("00:00:00"));
    converge(&mut shell, "systemd::timer", json!({"name": "rh-tick", "present": false}));
    assert_eq!(container.says("ls /etc/systemd/system | grep rh-tick || echo nothing"), "nothing");
}

#[test]
fn a_later_operation_sees_the_unit_that_a_plan_writes() {
    let container = Container::debian();
    let mut shell = container.shell();
    let mut overlay = rhapsode::ops::Overlay::default();
    let mut texts_of = |op: &str, want: serde_json::Value| {
        let planned = (rhapsode::ops::entry(op).expect("an operation").accept)(want).expect("accepted");
        let planned = planned.plan(&mut rhapsode::ops::View::new(&mut shell, &overlay)).expect("known");
        let lines = texts(&planned);
        planned.changes.into_iter().for_each(|change| overlay.take(change.effects));
        lines
    };
    texts_of("systemd::unit", json!({"name": "rh-app", "sections": app("/bin/true"), "enabled": true}));
    assert_eq!(texts_of("service::running", json!({"name": "rh-app", "enabled": true})), ["start rh-app.service"]);
    assert_eq!(texts_of("service::running", json!({"name": "rh-app", "enabled": true})), NONE);
    let newer = json!({"name": "ssh", "restart_if_older_than": "/etc/systemd/system/rh-app.service"});
    let lines = texts_of("service::running", newer);
    assert!(lines.iter().all(|line| line.contains("ssh.service")), "{lines:?}");
}

#[test]
fn a_job_stands_once_in_the_crontab_of_its_user() {
    let container = Container::debian();
    container.exec("useradd -m alice && printf '# by hand\\n0 1 * * * /bin/true\\n' | crontab -u alice -");
    let mut shell = container.shell();
    let shell = &mut shell;
    let secret = rhapsode::secret::conceal("cron-s3cret").to_string();
    let want = json!({"name": "backup", "user": "alice", "command": "/bin/backup 100%", "hour": 3, "minute": "*/15", "env": {"TOKEN": secret}});
    assert_eq!(converge(shell, "cron::job", want), ["add job `backup` of alice"]);
    assert_eq!(
        container.says("crontab -l -u alice"),
        "# by hand\n0 1 * * * /bin/true\n# rhapsode: backup\nTOKEN=cron-s3cret\n*/15 3 * * * /bin/backup 100%"
    );
    let daily = json!({"name": "backup", "user": "alice", "command": "/bin/backup", "at": "@daily"});
    assert_eq!(converge(shell, "cron::job", daily), ["change job `backup` of alice"]);
    assert_eq!(converge(shell, "cron::job", json!({"name": "backup", "user": "alice", "present": false})).len(), 1);
    assert_eq!(container.says("crontab -l -u alice"), "# by hand\n0 1 * * * /bin/true");
}

#[test]
fn busybox_keeps_the_same_jobs() {
    let container = Container::busybox();
    container.exec("mkdir -p /var/spool/cron/crontabs /tmp");
    let mut shell = container.shell();
    assert_eq!(converge(&mut shell, "cron::job", json!({"name": "a", "command": "true", "at": "@hourly"})).len(), 1);
    assert_eq!(container.says("cat /var/spool/cron/crontabs/root"), "# rhapsode: a\n@hourly true");
    assert_eq!(converge(&mut shell, "cron::job", json!({"name": "a", "present": false})).len(), 1);
}

/// Services below `/srv/rc`: a folder each, `started` and `default` as marks.
const STUB_RC_SERVICE: &str = "#!/bin/sh\n\
    if [ \"$1\" = -e ]; then [ -d /srv/rc/$2 ]; exit; fi\ncd /srv/rc/$1 || exit 1\n\
    case $2 in\n\
    status) [ -e started ] || exit 3 ;;\n\
    start|restart) mkdir -p /run/openrc/started; ln -sf /etc/init.d/$1 /run/openrc/started/$1; date > started ;;\n\
    stop) rm started ;;\nreload) echo reloaded > reloaded ;;\nesac\n";
const STUB_RC_UPDATE: &str = "#!/bin/sh\n\
    case $1 in\n\
    add) echo $3 > /srv/rc/$2/level ;;\n-a) rm /srv/rc/$3/level ;;\n\
    -v) for s in /srv/rc/*; do printf '%20s | %s\\n' ${s##*/} \"$(cat $s/level 2>/dev/null)\"; done ;;\nesac\n";

#[test]
fn the_same_operations_speak_to_openrc() {
    let container = Container::busybox();
    container.exec("mkdir -p /srv/rc/crond /run /tmp /sbin");
    let folder = container.says("echo ${PATH%%:*}; mkdir -p ${PATH%%:*}");
    for (name, text) in [("rc-service", STUB_RC_SERVICE), ("rc-update", STUB_RC_UPDATE)] {
        container.write(&format!("{folder}/{name}"), text);
        container.exec(&format!("chmod 755 {folder}/{name}"));
    }
    let mut shell = container.shell();
    let shell = &mut shell;
    assert_eq!(
        converge(shell, "service::running", json!({"name": "crond", "enabled": true})),
        ["enable crond.service", "start crond.service"]
    );
    assert_eq!(container.says("cat /srv/rc/crond/level"), "default");
    let reloaded = plan(shell, "service::reloaded", json!({"name": "crond", "init": "openrc"})).expect("a plan");
    apply(&reloaded, shell).expect("reloads");
    container.exec("test -e /srv/rc/crond/reloaded && sleep 1.1 && touch /srv/conf");
    let newer = json!({"name": "crond", "restart_if_older_than": "/srv/conf"});
    let restarted = plan(shell, "service::running", newer).expect("a plan");
    assert_eq!(texts(&restarted), ["restart crond.service: /srv/conf is newer than its start"]);
    assert_eq!(converge(shell, "service::stopped", json!({"name": "crond", "enabled": false})).len(), 2);
    let error = plan(shell, "service::running", json!({"name": "crond", "init": "systemd"})).expect_err("another init");
    assert_eq!(error.to_string(), "argument `init`: this host runs openrc, not systemd");
    let error = plan(shell, "service::running", json!({"name": "nosuch"})).expect_err("absent");
    assert_eq!(error.to_string(), "no unit `nosuch.service` on this host");
}
