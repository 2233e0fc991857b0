//! `drift`: what reality is like, what is wanted, and who changed which.

use super::{Document, Scene};
use crate::support::docker::Container;
use serde_json::{Value, json};

const SITE: &str = r##"
    file::put("/etc/app.conf", #{ content: "colour = blue\n", mode: "0644" });
    file::put("/srv/secret", #{ content: "x\n", mode: "0600" });
    systemd::unit("beat.service", #{
        sections: #{ Service: #{ ExecStart: "/bin/sleep infinity" }, Install: #{ WantedBy: "multi-user.target" } },
        enabled: true, running: true,
    });
    sudo::rule("ops", #{ who: "%ops", commands: ["/usr/bin/true"] });
    file::dir("/etc/sudoers.d", #{ purge: true });
"##;

/// Operation, cause, wanted and found of each entry of a host.
fn entries(document: &Value, host: &str) -> Vec<(String, Value, Value, Value)> {
    let operations = document["hosts"][host]["operations"].as_array().expect("operations").iter();
    let entries = operations.filter(|operation| operation["status"] == "changed");
    let entry = |operation: &Value| {
        let name =
            format!("{} {}", operation["op"].as_str().unwrap_or("?"), operation["target"].as_str().unwrap_or("?"));
        (name, operation["cause"].clone(), operation["wanted"].clone(), operation["found"].clone())
    };
    entries.map(entry).collect()
}

#[test]
fn what_was_changed_by_hand_is_told_with_wanted_and_found_and_healed_by_an_apply() {
    let machine = Container::debian();
    machine.exec("rm -f /etc/sudoers.d/README");
    let scene = Scene::with(&format!("hosts: {{ m: {{ connect: docker, container: {} }} }}\n", machine.name()));
    let scene = scene.playbook(SITE);
    scene.applied(0);
    let drift = || scene.cli(["drift", "site.rhai"]);
    assert_eq!(drift().arg("--json").any_stderr().json(0)["totals"]["changes"], 0);
    let healthy = machine.digest();
    machine.exec(
        "sed -i s/blue/red/ /etc/app.conf; systemctl stop beat.service; chmod 0644 /srv/secret; \
         echo 'eve ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/extra; chmod 0440 /etc/sudoers.d/extra",
    );
    let drifted = machine.digest();
    let document = drift().arg("--json").any_stderr().json(2);
    let hand = |name: &str, wanted: Value, found: Value| (name.to_owned(), json!("hand"), wanted, found);
    assert_eq!(
        entries(&document, "m"),
        [
            hand(
                "file::put /etc/app.conf",
                json!({ "content": "colour = blue\n" }),
                json!({ "content": "colour = red\n" })
            ),
            hand("file::put /srv/secret", json!({ "mode": "0600" }), json!({ "mode": "0644" })),
            hand("systemd::unit beat.service", json!({ "running": true }), json!({ "running": false })),
            hand("file::dir /etc/sudoers.d", json!({ "extra": "absent" }), json!({ "extra": "there" })),
        ]
    );
    let text = drift()
        .stderr_contains("changed on the host")
        .stderr_contains("content: found `colour = red`, wanted `colour = blue`")
        .stderr_contains("mode: found `0644`, wanted `0600`")
        .stderr_contains("running: found false, wanted true")
        .stderr_contains("extra: found `there`, wanted `absent`")
        .stderr_contains("4 differences on 1 of 1 host");
    text.exit(2);
    let shown = scene.cli(["show", "last", "--json"]).any_stderr().json(0);
    assert_eq!(entries(&shown, "m"), entries(&document, "m"), "the history has it too");
    drifted.assert_same(&machine.digest());
    scene.applied(0);
    healthy.assert_same(&machine.digest());
    drift().any_stderr().success();
}

#[test]
fn what_the_repository_changed_stands_apart() {
    let scene = Scene::shells(&["a"]).playbook(
        r#"let here = host.data("here");
           file::put(here + "/one", #{ content: "1" });
           file::put(here + "/two", #{ content: host.data("two", "2") });"#,
    );
    scene.applied(0);
    scene.project.write("hosts/a/one", "by hand");
    let more = format!(
        "{}\nfile::put(here + \"/three\", #{{ content: \"3\" }});\ncmd::run(\"true\");",
        scene.project.read("site.rhai")
    );
    scene.project.write("site.rhai", more);
    let document = scene.cli(["drift", "site.rhai", "--json", "--data", "two=other"]).any_stderr().json(2);
    let told: Vec<_> = entries(&document, "a")
        .into_iter()
        .map(|(name, cause, wanted, found)| {
            (name.rsplit('/').next().unwrap_or_default().to_owned(), cause, wanted, found)
        })
        .collect();
    let entry = |name: &str, cause: Value, wanted: Value, found: Value| (name.to_owned(), cause, wanted, found);
    assert_eq!(
        told,
        [
            entry("one", json!("hand"), json!({ "content": "1" }), json!({ "content": "by hand" })),
            entry("two", json!("repository"), json!({ "content": "other" }), json!({ "content": "2" })),
            entry(
                "three",
                json!("repository"),
                json!({ "content": "3", "state": "file" }),
                json!({ "content": null, "state": "absent" })
            ),
            entry("cmd::run true", json!(null), json!({ "state": "run" }), json!({ "state": null })),
        ]
    );
}

#[test]
fn every_playbook_of_the_inventory_is_asked_as_it_was_applied_last() {
    let scene = Scene::shells(&["a", "b"])
        .file("playbooks/one.rhai", "file::put(host.data(\"here\") + \"/one\", #{ content: host.data(\"word\") });")
        .file("playbooks/two.rhai", "file::put(host.data(\"here\") + \"/two\", #{ content: \"2\" });")
        .file("playbooks/never.rhai", "fail(\"nobody applied this\");");
    scene.cli(["drift", "--all"]).stderr_contains("no playbook was applied to `inv.yaml` yet").exit(1);
    let one = scene.cli(["apply", "playbooks/one.rhai", "--yes", "--limit", "a"]).arg("--data").arg("word=given");
    one.any_stderr().success();
    scene.cli(["apply", "playbooks/two.rhai", "--yes"]).any_stderr().success();
    scene.cli(["op", "cmd::run(\"true\")", "--yes"]).any_stderr().success();
    scene.cli(["drift", "--all"]).any_stderr().success();
    scene.project.write("hosts/a/one", "by hand");
    let all = scene.cli(["drift", "--all", "--json"]).any_stderr().json(2);
    assert_eq!(all["exit"], 2);
    let names: Vec<_> =
        all["playbooks"].as_array().expect("documents").iter().map(|one| one["playbook"].clone()).collect();
    assert_eq!(names, [json!("playbooks/one.rhai"), json!("playbooks/two.rhai")]);
    let one = Document(all["playbooks"][0].clone());
    assert_eq!((one.hosts(), one.status("a")), (vec!["a"], "changed"));
    assert_eq!(all["playbooks"][1]["totals"]["changes"], 0);
    std::fs::remove_file(scene.project.path("playbooks/two.rhai")).expect("it is there");
    let all = scene.cli(["drift", "--all", "--json"]).stderr_contains("no playbook `").json(1);
    assert_eq!(all["playbooks"][1]["playbook"], "playbooks/two.rhai");
    assert!(all["playbooks"][1]["error"]["message"].is_string(), "{all}");
}
