//! Facts of a Debian with systemd and of a bare busybox.

use crate::support::docker::Container;
use crate::support::shell::PlainShell;
use rhapsode::ops::{Change, OpError, Overlay, View, fact};
use serde_json::{Value, json};

fn read(shell: &mut PlainShell, name: &str, args: Value) -> Result<Value, OpError> {
    let overlay = Overlay::default();
    fact::read(&mut View::new(shell, &overlay), name, args)
}

fn get(shell: &mut PlainShell, name: &str, args: Value) -> Value {
    read(shell, name, args).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn basic(shell: &mut PlainShell) -> fact::Basic {
    let overlay = Overlay::default();
    fact::basic(&mut View::new(shell, &overlay)).expect("every host has them")
}

#[test]
fn the_basic_set_takes_one_exchange_on_any_host() {
    let (debian, busybox) = (Container::debian(), Container::busybox());
    let mut shell = PlainShell::docker(debian.name());
    let facts = basic(&mut shell);
    assert_eq!(
        (facts.os.family.as_str(), facts.init.as_str(), facts.hostname.as_str()),
        ("debian", "systemd", debian.name())
    );
    assert_eq!(facts.addr, [debian.exec("hostname -I").trim()]);
    assert!(facts.pkg_manager.as_deref() == Some("apt") && facts.users.contains(&"sshd".to_owned()));
    let mut shell = PlainShell::docker(busybox.name());
    let facts = basic(&mut shell);
    assert_eq!((facts.os.family.as_str(), facts.pkg_manager), ("busybox", None));
    assert!(facts.cpus > 0 && facts.memory_mb > 0 && facts.arch == busybox.exec("uname -m").trim());
}

#[test]
fn files_are_told_apart_and_read() {
    for bed in [Container::debian(), Container::busybox()] {
        let mut shell = PlainShell::docker(bed.name());
        bed.exec("mkdir -p '/tmp/a b/sub' && cd '/tmp/a b' && printf 'one\\ntwo\\n# BEGIN x\\nin\\n# END x\\n' > f && chmod 640 f && ln -s f l");
        let path = |name: &str| json!({ "path": format!("/tmp/a b/{name}") });
        let file = get(&mut shell, "files.File", path("f"));
        assert_eq!((&file["mode"], &file["size"], &file["user"]), (&json!("0640"), &json!(29), &json!("root")));
        assert_eq!(get(&mut shell, "files.File", path("none")), Value::Null);
        assert_eq!(get(&mut shell, "files.File", path("sub")), json!(false));
        assert_eq!(get(&mut shell, "files.Directory", path("sub"))["mode"], json!("0755"));
        assert_eq!(get(&mut shell, "files.Link", path("l"))["link_target"], json!("f"));
        let sha = bed.exec("sha256sum '/tmp/a b/f'");
        assert_eq!(get(&mut shell, "files.Sha256File", path("f")), json!(sha.split(' ').next()));
        assert_eq!(get(&mut shell, "files.Sha1File", path("none")), Value::Null);
        assert_eq!(get(&mut shell, "files.FindFiles", json!({"path": "/tmp/a b"})), json!(["/tmp/a b/f"]));
        assert_eq!(
            get(&mut shell, "files.FindLinks", json!({"path": "/tmp/a b", "name": "l*"})),
            json!(["/tmp/a b/l"])
        );
        let mut want = path("f");
        want["pattern"] = json!("^t.o$");
        assert_eq!(get(&mut shell, "files.FindInFile", want), json!(["two"]));
        let mut want = path("f");
        want["id"] = json!("x");
        assert_eq!(get(&mut shell, "files.Block", want), json!(["in"]));
        assert!(
            get(&mut shell, "files.FileContents", path("f")).as_str().is_some_and(|text| text.starts_with("one\n"))
        );
    }
}

#[test]
fn every_fact_without_arguments_has_an_answer_on_debian() {
    let bed = Container::debian();
    let mut shell = PlainShell::docker(bed.name());
    let needs = ["docker.", "openrc.", "files."];
    for name in fact::names().filter(|name| !needs.iter().any(|group| name.starts_with(group))) {
        match read(&mut shell, name, Value::Null) {
            Ok(_) => {}
            Err(OpError::Refused { message, .. }) if message.contains("needs the argument") => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
    assert_eq!(get(&mut shell, "server.Users", Value::Null)["sshd"]["shell"], json!("/usr/sbin/nologin"));
    assert_eq!(get(&mut shell, "server.Which", json!({"command": "sshd"})), json!("/usr/sbin/sshd"));
    assert_eq!(get(&mut shell, "server.Which", json!({"command": "no such"})), Value::Null);
    assert_eq!(get(&mut shell, "server.Home", json!({"user": "root"})), json!("/root"));
    assert_eq!(get(&mut shell, "server.Mounts", Value::Null)["/proc"]["type"], json!("proc"));
    assert_eq!(get(&mut shell, "server.Sysctl", json!({"keys": ["kernel.ostype"]})), json!({"kernel.ostype": "Linux"}));
    assert_eq!(get(&mut shell, "deb.DebPackage", json!({"package": "bash"}))["name"], json!("bash"));
    assert_eq!(get(&mut shell, "deb.DebPackage", json!({"package": "bash-no"})), Value::Null);
    assert!(get(&mut shell, "deb.DebPackages", Value::Null)["dpkg"][0].is_string());
    let status = get(&mut shell, "systemd.SystemdStatus", json!({"services": ["ssh", "dbus.service"]}));
    assert_eq!(status, json!({"dbus.service": true, "ssh.service": true}));
    let enabled = get(&mut shell, "systemd.SystemdEnabled", json!({"services": "ssh"}));
    assert_eq!(enabled["ssh.service"], json!(true));
    assert_eq!(get(&mut shell, "server.Port", json!({"port": 22})), json!(true));
    assert_eq!(get(&mut shell, "server.Port", json!({"port": 23})), json!(false));
    let addresses = get(&mut shell, "hardware.Ipv4Addrs", Value::Null);
    assert_eq!(addresses["eth0"], json!([bed.exec("hostname -I").trim()]));
}

#[test]
fn a_wrong_name_or_argument_is_answered_with_the_nearest() {
    let bed = Container::busybox();
    let mut shell = PlainShell::docker(bed.name());
    let hint = |shell: &mut PlainShell, name: &str, args: Value| match read(shell, name, args) {
        Err(OpError::Refused { hint, .. }) => hint.unwrap_or_default(),
        other => panic!("{other:?}"),
    };
    assert_eq!(hint(&mut shell, "server.Wich", Value::Null), "did you mean `server.Which`?");
    assert_eq!(hint(&mut shell, "server.Which", json!({"comand": "x"})), "did you mean `command`?");
    assert!(read(&mut shell, "server.Which", Value::Null).is_err());
    assert!(read(&mut shell, "files.File", json!({"path": {"a": 1}})).is_err());
    let interfaces = get(&mut shell, "hardware.NetworkDevices", Value::Null);
    assert!(
        interfaces["lo"]["ipv4"][0].as_str().is_some_and(|address| address.starts_with("127.0.0.1")),
        "{interfaces}"
    );
}

#[test]
fn behind_a_planned_change_only_what_none_can_touch_is_known() {
    let bed = Container::busybox();
    let mut shell = PlainShell::docker(bed.name());
    let mut overlay = Overlay::default();
    overlay.take(Change::new(rhapsode::event::Sign::Create, "a user").effects);
    let mut ask = |name: &str| fact::read(&mut View::new(&mut shell, &overlay), name, Value::Null);
    assert!(matches!(ask("server.Users"), Err(OpError::Unknown(_))));
    assert_eq!(ask("server.Kernel").expect("known"), json!("Linux"));
}

#[test]
fn an_engine_tells_its_containers() {
    let bed = Container::busybox();
    let mut shell = PlainShell::local();
    let found = get(&mut shell, "docker.DockerContainer", json!({"name": bed.name()}));
    assert_eq!(found["State"]["Running"], json!(true));
    assert_eq!(get(&mut shell, "docker.DockerContainer", json!({"name": "rh-users-none"})), Value::Null);
    assert_eq!(get(&mut shell, "docker.DockerImage", json!({"name": "rh-users-none"})), Value::Null);
    assert_eq!(get(&mut shell, "docker.DockerNetwork", json!({"name": "rh-users-none"})), Value::Null);
    assert_eq!(get(&mut shell, "docker.DockerVolume", json!({"name": "rh-users-none"})), Value::Null);
    assert!(get(&mut shell, "docker.DockerImages", Value::Null).as_array().is_some_and(|images| !images.is_empty()));
    assert!(get(&mut shell, "docker.DockerSystemInfo", Value::Null)["Containers"].is_number());
    let mut inside = PlainShell::docker(bed.name());
    assert!(read(&mut inside, "docker.DockerContainers", Value::Null).is_err(), "no engine is an error");
}
