//! What `inventory` shows, and the inventories that are shipped.

use super::layers::layered;
use super::{Project, data};
use rhapsode::cli::inventory as shown;
use rhapsode::inventory::{Connect, Loader};
use serde_json::json;
use std::path::Path;

fn shipped() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_shipped_inventories_share_data_and_differ_in_connections() {
    let load = |name: &str| Loader::new(shipped()).load(&[format!("inventories/{name}.yaml")]).expect("loads");
    let (local, staging, production) = (load("local"), load("docker_staging"), load("production"));
    for inventory in [&local, &staging, &production] {
        assert_eq!(inventory.warnings().len(), 0, "{:?}", inventory.warnings());
    }
    assert_eq!(local.host("local").expect("local").connection.connect, Connect::Local);
    let (here, there) = (staging.host("web-1").expect("web-1"), production.host("web-1").expect("web-1"));
    assert_eq!(here.data, there.data);
    assert_eq!(here.data["packages"], json!(["curl", "less", "nginx"]));
    assert_eq!((here.connection.connect, there.connection.connect), (Connect::Docker, Connect::Ssh));
    assert_eq!(here.connection.image.as_deref(), Some("rh-debian"));
    assert_eq!(staging.host("edge-1").expect("edge-1").connection.run, [""; 0]);
    assert!(production.host("db-1").expect("db-1").connection.become_user.is_some());
    assert!(production.host("edge-1").expect("edge-1").connection.become_user.is_none());
}

#[test]
fn the_shipped_production_is_shown_as_a_table_and_a_tree() {
    let inventory = Loader::new(shipped()).load(&["production"]).expect("loads");
    let names: Vec<String> = inventory.hosts().map(|host| host.name.clone()).collect();
    insta::assert_snapshot!(shown::list(&inventory, &names), @r#"
    HOST     CONNECT  TARGET                                     AS           GROUPS
    bastion  ssh      admin@192.0.2.1                            -            -
    web-1    ssh      admin@192.0.2.11 via admin@192.0.2.1       root (sudo)  inside, web
    web-2    ssh      admin@192.0.2.12 via admin@192.0.2.1       root (sudo)  inside, web
    db-1     ssh      admin@192.0.2.21:2222 via admin@192.0.2.1  root (sudo)  inside, db
    edge-1   ssh      root@192.0.2.31 via admin@192.0.2.1        -            inside, edge
    "#);
    insta::assert_snapshot!(shown::graph(&inventory), @r#"
    all:
    ├─ inside:
    │  ├─ web:
    │  │  ├─ web-1
    │  │  └─ web-2
    │  ├─ db:
    │  │  └─ db-1
    │  └─ edge:
    │     └─ edge-1
    └─ bastion
    "#);
    insta::assert_snapshot!(shown::explain(&inventory, "web-1", Some("app")).expect("a key"), @r#"
    web-1: app = {"name":"hello","log_level":"debug","root":"/srv/www","workers":2}

    *  group_data of `all`   inventories/group_data/all.yaml:12:1  {"name":"hello","log_level":"info"}
    *  group_data of `web`   inventories/group_data/web.yaml:8:1   + {"root":"/srv/www","workers":2}
    *  host_data of `web-1`  inventories/host_data/web-1.yaml:6:1  + {"log_level":"debug"}
    "#);
    insta::assert_snapshot!(shown::explain(&inventory, "web-2", None).expect("a host"), @r#"
    organisation  inventories/group_data/all.yaml:4:1                                         "Example"
    timezone      inventories/group_data/all.yaml:6:1                                         "Etc/UTC"
    packages      inventories/group_data/all.yaml:9:1 + inventories/group_data/web.yaml:5:1   ["curl","less","nginx"]
    app           inventories/group_data/all.yaml:12:1 + inventories/group_data/web.yaml:8:1  {"name":"hello","log_level":"info","root":"/srv/www","workers":2}
    app_port      inventories/production.yaml:12:41                                           8081
    tier          inventories/group_data/web.yaml:2:1                                         "front"
    "#);
}

#[test]
fn the_json_of_explain_names_every_layer() {
    let project = layered();
    let inventory = project.loaded("inventories/i.yaml");
    let explained = shown::explain_json(&inventory, "other", Some("key")).expect("a key");
    let layers = explained["data"]["key"]["layers"].as_array().expect("layers");
    assert_eq!(explained["data"]["key"]["value"], "second");
    assert_eq!(layers.len(), 4);
    let top = json!({ "layer": "data of group `second`", "source": "inventories/i.yaml:7:40", "value": "second", "merges": false, "wins": true });
    assert_eq!(layers[3], top);
    let error = shown::explain_json(&inventory, "othr", None).expect_err("no such host");
    assert_eq!((error.message.as_str(), error.hint.as_deref()), ("unknown host `othr`", Some("did you mean `other`?")));
    let json = shown::graph_json(&inventory);
    assert_eq!(json["groups"]["parent"], json!({ "hosts": [], "children": ["first"], "members": ["h"], "depth": 1 }));
}

/// Each YAML block of the guide begins with a comment that says which file it is.
#[test]
fn the_guide_shows_what_its_examples_give() {
    let guide = std::fs::read_to_string(shipped().join("docs/guide/inventory.md")).expect("the guide");
    let project = Project::new([]);
    let blocks: Vec<&str> = guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        let path = block.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a path");
        project.write(path, block);
    }
    let inventory = project.loaded("production");
    assert_eq!(data(&inventory, "web-1", "packages"), json!(["curl", "less", "nginx"]));
    assert_eq!(data(&inventory, "web-1", "app"), json!({ "name": "hello", "log": { "level": "warn", "keep": 7 } }));
    let names: Vec<String> = inventory.hosts().map(|host| host.name.clone()).collect();
    for shown in
        [shown::list(&inventory, &names), shown::explain(&inventory, "web-1", Some("app_port")).expect("a key")]
    {
        assert!(guide.contains(&shown), "the guide does not show\n{shown}");
    }
}
