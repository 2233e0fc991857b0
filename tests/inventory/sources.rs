//! What an inventory can be.

use super::{Project, data};
use rhapsode::cli::inventory as shown;
use rhapsode::inventory::{Connect, InventoryBuilder, InventoryError, Loader, RhaiLoader, Spot};
use serde_json::{Map, json};
use std::path::Path;

#[test]
fn a_folder_is_merged_in_name_order_and_defaults_stay_in_their_file() {
    let project = Project::new([
        ("inventories/group_data/all.yaml", "key: shared\n"),
        (
            "inventories/prod/1.yaml",
            "defaults: { user: one }\nhosts: { a: }\ngroups: { g: { hosts: [a], data: { x: 1 } } }\n",
        ),
        (
            "inventories/prod/2.yml",
            "defaults: { user: two }\nhosts: { b: }\ngroups: { g: { hosts: [b], data: { x: 2 } } }\n",
        ),
        ("inventories/prod/README.md", "no inventory"),
        ("inventories/prod/group_data/g.yaml", "key: inner\n"),
    ]);
    let inventory = project.loaded("inventories/prod");
    let user = |host: &str| inventory.host(host).expect("a host").connection.user.clone();
    assert_eq!((user("a").as_deref(), user("b").as_deref()), (Some("one"), Some("two")));
    assert_eq!(inventory.group("g").expect("g").members, ["a", "b"]);
    assert_eq!((data(&inventory, "a", "x"), data(&inventory, "a", "key")), (json!(2), json!("inner")));
    let read: Vec<&str> = inventory.files_read().iter().map(|file| file.path.as_str()).collect();
    let prod = ["1.yaml", "2.yml"].map(|name| format!("inventories/prod/{name}"));
    let files = [&prod[0], &prod[1], "inventories/group_data/all.yaml", "inventories/prod/group_data/g.yaml"];
    assert_eq!(read, files);
    let digest = "c34a7ada2d4089403dcd370e679a68d5e295af90dda51e079ef84757b59c7e02";
    assert_eq!(inventory.files_read()[2].sha256, digest);
}

#[test]
fn a_program_prints_our_form() {
    let project = Project::new([]);
    project.program("hosts.sh", "#!/bin/sh\necho '{\"hosts\": {\"a\": {\"connect\": \"local\"}},'\necho ' \"groups\": {\"g\": {\"hosts\": [\"a\", \"b\"]}}}'\n");
    let (at, message, _) = project.error("hosts.sh");
    assert_eq!((at.as_str(), message.as_str()), ("hosts.sh:2:34", "unknown host `b` in group `g`"));
    let inventory = project.loaded("cmd:printf '{\"hosts\": {\"a\": {\"port\": 22}}}'");
    assert_eq!(inventory.host("a").expect("a").connection.port, Some(22));
    assert_eq!(project.error("cmd:echo no luck >&2; exit 3").1, "`cmd:echo no luck >&2; exit 3` exited with 3");
    assert_eq!(project.error("cmd:echo no luck >&2; exit 3").2, "it said: no luck");
    assert_eq!(project.error("cmd:true").1, "`cmd:true` printed no inventory");
}

#[test]
fn the_list_of_an_ansible_script_is_understood() {
    let list = json!({
        "_meta": { "hostvars": {
            "web1": { "ansible_host": "192.0.2.1", "ansible_port": "2222", "http_port": 80 },
            "db1": { "ansible_connection": "community.docker.docker", "ansible_become": "yes", "ansible_become_user": "pg" },
        } },
        "all": { "children": ["ungrouped", "site"], "vars": { "env": "prod", "ansible_user": "admin" } },
        "site": { "children": ["web", "empty"] },
        "web": { "hosts": ["web1"], "vars": { "tier": "front" } },
        "db": ["db1"],
    });
    let project = Project::new([("hosts.json", list.to_string().as_str())]);
    let inventory = project.loaded("hosts.json");
    let web = inventory.host("web1").expect("web1");
    assert_eq!(web.groups, ["all", "site", "web"]);
    assert_eq!((web.connection.address.as_deref(), web.connection.port), (Some("192.0.2.1"), Some(2222)));
    assert_eq!(web.connection.user.as_deref(), Some("admin"));
    assert_eq!(json!(web.data), json!({ "env": "prod", "tier": "front", "http_port": 80 }));
    let db = &inventory.host("db1").expect("db1").connection;
    assert_eq!(db.connect, Connect::Docker);
    assert_eq!(db.become_user.as_ref().map(|to| to.user.as_str()), Some("pg"));
    assert!(inventory.group("empty").expect("a group").members.is_empty());
}

#[test]
fn words_on_the_command_line_are_hosts() {
    let project =
        Project::new([("inventories/group_data/all.yaml", "key: 1\n"), ("inventories/prod.yaml", "hosts: { p: }\n")]);
    let listed = |word: &str| {
        let inventory = project.loaded(word);
        let names: Vec<String> = inventory.hosts().map(|host| host.name.clone()).collect();
        shown::list(&inventory, &names).lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        listed("web-1,admin@web-2:2222"),
        ["web-1  ssh      web-1             -   -", "web-2  ssh      admin@web-2:2222  -   -"]
    );
    assert_eq!(listed("@local"), ["local  local    -       -   -"]);
    assert_eq!(listed("@docker/box"), ["box   docker   box     -   -"]);
    assert_eq!(listed("@ssh/web-[1..2]").len(), 2);
    assert_eq!(listed("prod"), ["p     ssh      p       -   -"]);
    assert_eq!(data(&project.loaded("@local"), "local", "key"), json!(1));
    assert_eq!(project.error("@dokcer/x").2, "write `@docker/NAME`");
    assert_eq!(project.error(",").1, "the list names no host");
    assert_eq!(project.error("a:0,").1, "`port` of host `a` is a number from 1 to 65535, not the number `0`");
}

/// A script that declares what it is told, as the Rhai layer will.
struct Script;

impl RhaiLoader for Script {
    fn load(&mut self, path: &Path, shown: &str, into: &mut InventoryBuilder) -> Result<(), InventoryError> {
        let text = std::fs::read_to_string(path).expect("the path can be opened");
        for (number, name) in text.lines().enumerate() {
            let at = Spot::new(shown, number + 1, 1);
            let port = json!({ "port": number });
            into.host(&at, name, port.as_object().cloned().unwrap_or_default())?;
            into.group(&at, "dynamic", vec![name.to_owned()], Map::new())?;
        }
        Ok(())
    }
}

#[test]
fn a_script_declares_hosts_with_the_same_checks() {
    let project = Project::new([("i.rhai", "a\nb\n")]);
    let error = Loader::new(project.0.path()).rhai(&mut Script).load(&["i.rhai"]).expect_err("port 0");
    assert_eq!(error.position().as_deref(), Some("i.rhai:1:1"));
    assert_eq!(error.message, "`port` of host `a` is a number from 1 to 65535, not the number `0`");
    assert_eq!(project.error("i.rhai").1, "nothing here can evaluate a `.rhai` inventory");
}

#[test]
fn a_long_chain_of_groups_is_no_matter() {
    let mut text =
        "hosts:\n  n-[001..100]: { data: { x: 1 } }\ngroups:\n  g0: { hosts: ['n-[001..100]'] }\n".to_owned();
    for level in 1..3000 {
        text += &format!("  g{level}: {{ children: [g{}] }}\n", level - 1);
    }
    let inventory = Project::of(&text).loaded("inv.yaml");
    assert_eq!(inventory.hosts().len(), 100);
    assert_eq!(inventory.group("g0").expect("g0").depth, 3000);
    assert!(inventory.graph().ends_with("…\n"));
}

#[test]
fn hosts_can_be_declared_without_any_file() {
    let mut builder = InventoryBuilder::default();
    let at = Spot::whole("bench");
    let local = json!({ "connect": "local", "data": { "n": 1 } }).as_object().cloned().unwrap_or_default();
    builder.defaults(&at, json!({ "timeout": 5 }).as_object().cloned().unwrap_or_default()).expect("known");
    builder.host(&at, "h-[1..200]", local).expect("a range");
    builder.group(&at, "odd", vec!["h-1".into(), "h-3".into()], Map::new()).expect("a group");
    let inventory = builder.build().expect("all are declared");
    assert_eq!((inventory.hosts().len(), data(&inventory, "h-200", "n")), (200, json!(1)));
    assert_eq!(inventory.host("h-3").expect("h-3").groups, ["all", "odd"]);
    assert_eq!(inventory.host("h-3").expect("h-3").connection.timeout_secs, Some(5));
}
