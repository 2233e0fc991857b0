//! Which layer wins.

use super::{Project, data};
use rhapsode::cli::inventory as shown;
use rhapsode::inventory::{Connect, Loader, Method, Selector};
use serde_json::json;

/// Scenario S16: one key in every layer.
pub fn layered() -> Project {
    Project::new([
        ("inventories/group_data/all.yaml", "# shared\n\nkey: all file\nall: 1\n"),
        ("inventories/group_data/parent.yaml", "key: parent file\nparent: 1\n"),
        ("inventories/group_data/first.yaml", "key: first file\nfirst: 1\n"),
        ("inventories/group_data/second.yaml", "key: second file\nsecond: 1\n"),
        ("inventories/host_data/h.yaml", "key: host file\n"),
        (
            "inventories/i.yaml",
            "hosts:\n  h: { data: { key: host } }\n  other:\ngroups:\n  all: { data: { key: all } }\n  first: { hosts: [h], data: { key: first } }\n  second: { hosts: [h, other], data: { key: second } }\n  parent: { children: [first], data: { key: parent } }\n",
        ),
    ])
}

#[test]
fn every_layer_speaks_in_the_documented_order() {
    let project = layered();
    let inventory = Loader::new(project.0.path()).data(["key=given"]).load(&["inventories/i.yaml"]).expect("loads");
    // `first` is below `parent`: deeper than `second`, which comes from `all` at once.
    assert_eq!(inventory.host("h").expect("h").groups, ["all", "second", "parent", "first"]);
    let layers = inventory.explain("h", "key");
    let said: Vec<_> =
        layers.iter().map(|layer| (layer.source.as_str(), layer.value.as_str().unwrap_or_default())).collect();
    assert_eq!(
        said,
        [
            ("inventories/group_data/all.yaml:3:1", "all file"),
            ("inventories/group_data/second.yaml:1:1", "second file"),
            ("inventories/group_data/parent.yaml:1:1", "parent file"),
            ("inventories/group_data/first.yaml:1:1", "first file"),
            ("inventories/i.yaml:5:18", "all"),
            ("inventories/i.yaml:7:40", "second"),
            ("inventories/i.yaml:8:40", "parent"),
            ("inventories/i.yaml:6:32", "first"),
            ("inventories/host_data/h.yaml:1:1", "host file"),
            ("inventories/i.yaml:2:16", "host"),
            ("--data", "given"),
        ]
    );
    assert_eq!(layers.iter().filter(|layer| layer.wins).count(), 1);
    assert!(layers.last().expect("a layer").wins);
    assert_eq!(data(&inventory, "h", "key"), "given");
    let mut host = inventory.host("h").expect("h").clone();
    host.set_data("key", json!("set at run time"));
    assert_eq!(host.data["key"], "set at run time");
}

#[test]
fn each_layer_wins_over_those_below_it() {
    let project = layered();
    let key = |host: &str| data(&project.loaded("inventories/i.yaml"), host, "key");
    assert_eq!((key("h"), key("other")), (json!("host"), json!("second")));
    project.write(
        "inventories/i.yaml",
        "hosts: { h: , other: }\ngroups:\n  first: { hosts: [h] }\n  second: { hosts: [h, other] }\n",
    );
    assert_eq!((key("h"), key("other")), (json!("host file"), json!("second file")));
    std::fs::remove_file(project.0.path().join("inventories/host_data/h.yaml")).expect("there");
    assert_eq!((key("h"), key("other")), (json!("second file"), json!("second file")));
    project.write("inventories/i.yaml", "hosts: { h: }\ngroups:\n  second: { hosts: [h] }\n  first: { hosts: [h] }\n");
    assert_eq!(key("h"), "first file");
    project.write("inventories/i.yaml", "hosts: { h: }\n");
    assert_eq!(key("h"), "all file");
}

#[test]
fn maps_merge_only_where_asked() {
    let project = Project::new([
        ("i.yaml", "hosts:\n  a: { data: { app+: { log: { level: debug } }, plain: { b: 2 } } }\n"),
        (
            "group_data/all.yaml",
            "app: { name: x, log: { level: info, file: /l } }\nplain: { a: 1 }\npackages: [curl]\n",
        ),
    ]);
    let loader = Loader::new(project.0.path()).data(["packages+=[less, curl]", "app+={port: 1}"]);
    let inventory = loader.load(&["i.yaml"]).expect("loads");
    let app = json!({ "name": "x", "log": { "level": "debug", "file": "/l" }, "port": 1 });
    assert_eq!(data(&inventory, "a", "app"), app);
    assert_eq!(data(&inventory, "a", "plain"), json!({ "b": 2 }));
    assert_eq!(data(&inventory, "a", "packages"), json!(["curl", "less"]));
    let wins: Vec<bool> = inventory.explain("a", "app").iter().map(|layer| layer.wins).collect();
    assert_eq!(wins, [true, true, true]);
}

#[test]
fn a_misspelt_key_finds_its_neighbour() {
    let inventory = Project::of("hosts:\n  a: { data: { app_port: 1 } }\n").loaded("inv.yaml");
    let host = inventory.host("a").expect("a");
    assert_eq!(host.nearest_data_key("app_prot"), Some("app_port"));
    assert_eq!(host.nearest_data_key("tier"), None);
    let error = shown::explain(&inventory, "a", Some("app_prot")).expect_err("no such key");
    assert_eq!(error.message, "no data `app_prot` for host `a`");
    assert_eq!(error.hint.as_deref(), Some("did you mean `app_port`?"));
}

#[test]
fn connection_settings_come_from_host_over_groups_over_defaults() {
    let text = "defaults: { user: d, port: 1, jump: d, connect: ssh }\nhosts:\n  h: { user: h }\ngroups:\n  g: { hosts: [h], user: g, port: 2, jump: g }\n  k: { hosts: [h], port: 3 }\n  all: { timeout: 9, jump: a }\n";
    let inventory = Project::of(text).loaded("inv.yaml");
    let connection = &inventory.host("h").expect("h").connection;
    assert_eq!(
        (connection.user.as_deref(), connection.port, connection.jump.as_deref()),
        (Some("h"), Some(3), Some("g"))
    );
    assert_eq!((connection.connect, connection.timeout_secs), (Connect::Ssh, Some(9)));
}

#[test]
fn sudo_false_on_a_host_cancels_that_of_its_group() {
    let text = "hosts:\n  a:\n  b: { sudo: false }\n  c: { su: app }\n  d: { doas: false }\n  e: { sudo: { user: ops, password: 'hunter2 ' } }\ngroups:\n  g: { hosts: [a, b, c, d, e], sudo: deploy }\n";
    let inventory = Project::of(text).loaded("inv.yaml");
    let acting = |host: &str| inventory.host(host).expect("a host").connection.become_user.clone();
    let plain = |host: &str| acting(host).map(|to| (to.method, to.user));
    assert_eq!(plain("a"), Some((Method::Sudo, "deploy".into())));
    assert_eq!(plain("b"), None);
    assert_eq!(plain("c"), Some((Method::Su, "app".into())));
    assert_eq!(plain("d"), Some((Method::Sudo, "deploy".into())));
    let password = acting("e").and_then(|to| to.password).expect("a password");
    assert!(!password.contains("hunter2"));
    assert_eq!(rhapsode::secret::reveal(&password).expect("a token").as_str(), "hunter2 ");
    let warning = &inventory.warnings()[0];
    assert_eq!(warning.position().as_deref(), Some("inv.yaml:6:37"));
    assert_eq!(warning.message, "the password for sudo stands here in plain text");
}

#[test]
fn passwords_come_from_files_and_the_environment_when_a_host_is_used() {
    let text = "defaults: { sudo_password: 'file:.pw' }\nhosts:\n  a: { sudo: true }\n  b: { sudo: true, sudo_password: { env: RHAPSODE_TEST_NO_SUCH } }\n";
    let project = Project::new([("inv.yaml", text), (".pw", "s3cret\n")]);
    let inventory = project.loaded("inv.yaml");
    let connection = &inventory.host("a").expect("a").connection;
    let token = connection.passwords.get(Method::Sudo).expect("a password");
    assert_eq!(connection.become_user.as_ref().and_then(|to| to.password.as_deref()), Some(token));
    assert_eq!(rhapsode::secret::reveal(token).expect("a token").as_str(), "s3cret");
    assert!(inventory.check_passwords(&["a"]).is_ok());
    let error = inventory.check_passwords(&["a", "b"]).expect_err("not exported");
    assert_eq!(error.position().as_deref(), Some("inv.yaml:4:35"));
    assert_eq!(error.message, "the environment has no password in `RHAPSODE_TEST_NO_SUCH`");
    assert!(!shown::list_json(&inventory, &["a".into()]).to_string().contains("s3cret"));
}

#[test]
fn limiting_to_a_group_alters_no_value() {
    let project = layered();
    let inventory = project.loaded("inventories/i.yaml");
    let selected = Selector::parse("second & !other").expect("parses").select(&inventory, &Vec::new).expect("selects");
    assert_eq!(selected, ["h"]);
    assert_eq!((data(&inventory, "h", "first"), data(&inventory, "h", "key")), (json!(1), json!("host")));
}
