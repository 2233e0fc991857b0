//! What a playbook manages is on record, and what it declares no more can be taken away.

use super::{Document, Scene};
use crate::support::docker::Container;
use crate::support::store::{Bed, Kind};
use rhapsode::state::{LedgerFilter, Store};
use serde_json::Value;

fn on(container: &Container) -> Scene {
    Scene::with(&format!("hosts:\n  one: {{ connect: docker, container: {} }}\n", container.name()))
}

/// The orphans of a host as `kind target: fate`.
fn orphans(document: &Document, host: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let orphans = document.0["hosts"][host]["orphans"].as_array().into_iter().flatten();
    orphans.map(|one| format!("{} {}: {}", text(&one["kind"]), text(&one["target"]), text(&one["fate"]))).collect()
}

/// The resources on record, as `host kind id`.
fn recorded(scene: &Scene) -> Vec<String> {
    let store = Store::open(&scene.project.path(Store::PATH)).expect("a store");
    let resources = store.resources(&LedgerFilter::default()).expect("resources");
    resources.iter().map(|one| format!("{} {} {}", one.host, one.kind, one.id)).collect()
}

const KEPT: &str = "file::dir(\"/srv/kept\");\n";
const FOUR: &str = "
    file::put(\"/etc/motd\", #{ content: \"managed\\n\", mode: \"0600\" });
    user::present(\"ada\", #{ shell: \"/bin/sh\" });
    cron::job(\"nightly\", #{ command: \"true\", at: \"@daily\" });
    systemd::unit(\"demo.service\", #{
        sections: #{ Service: #{ ExecStart: \"/bin/sleep 1000000\" }, Install: #{ WantedBy: \"multi-user.target\" } },
        enabled: true, running: true,
    });
    file::put(\"/srv/new/file\", #{ content: \"new\\n\", create_dirs: true });
";

/// Scenario S12.
fn what_is_declared_no_more_goes_when_asked(state: Option<String>) {
    let container = Container::debian();
    container.write("/etc/motd", "before us\n");
    container.exec("chmod 0644 /etc/motd; chown root:adm /etc/motd");
    let look = "cat /etc/motd; stat -c '%a %U:%G' /etc/motd; getent passwd ada || echo no ada; ls /srv
        crontab -l 2>/dev/null | grep -c daily; systemctl is-active demo.service; ls /etc/systemd/system/demo.service";
    let before = container.try_exec(look).stdout;
    let scene = on(&container).playbook(&format!("{KEPT}{FOUR}"));
    if let Some(url) = state {
        scene.project.write("rhapsode.yaml", format!("inventory: inv.yaml\nstate: {url}\n"));
    }
    scene.applied(0);
    let managed = container.try_exec(look).stdout;
    assert_ne!(managed, before);

    scene.project.write("site.rhai", KEPT);
    let left = [
        "path /srv/new/file: left",
        "unit demo.service: left",
        "unit-file /etc/systemd/system/demo.service: left",
        "cron-job root: nightly: left",
        "user ada: left",
        "path /etc/motd: left",
    ];
    assert_eq!(orphans(&scene.planned(0), "one"), left);
    let applied = scene.applied(0);
    assert_eq!(
        (orphans(&applied, "one"), applied.0["totals"]["changes"].as_u64()),
        (left.map(str::to_owned).into(), Some(0))
    );
    assert_eq!(container.try_exec(look).stdout, managed, "a plain apply leaves them");

    let words = |document: &Document| -> Vec<String> {
        let operations = document.0["hosts"]["one"]["operations"].as_array().expect("operations");
        let all = operations.iter().skip(1).map(|one| format!("{} {}: {}", one["op"], one["target"], one["status"]));
        all.map(|text| text.replace('"', "")).collect()
    };
    let planned = Document(scene.plan().arg("--prune").arg("--json").any_stderr().json(0));
    let expected = [
        "file::absent /srv/new/file: changed",
        "file::absent /srv/new: changed",
        "service::stopped demo.service: changed",
        "systemd::unit demo.service: changed",
        "cron::job nightly: changed",
        "user::absent ada: changed",
        "file::put /etc/motd: changed",
    ];
    assert_eq!(words(&planned), expected);
    assert_eq!(container.try_exec(look).stdout, managed, "a plan leaves them too");
    let pruned = Document(scene.apply().arg("--prune").arg("--json").any_stderr().json(0));
    assert_eq!(words(&pruned), expected);
    let mut after = String::from_utf8(container.try_exec(look).stdout).expect("text");
    after = after.replace("kept\n", "");
    assert_eq!(after, String::from_utf8(before).expect("text"));
    let done = scene.planned(0);
    assert_eq!((orphans(&done, "one").len(), done.0["totals"]["orphans"].as_u64()), (0, Some(0)));
}

#[test]
fn what_is_declared_no_more_goes_when_asked_with_sqlite() {
    what_is_declared_no_more_goes_when_asked(None);
}

#[test]
fn what_is_declared_no_more_goes_when_asked_with_postgres() {
    let bed = Bed::new(Kind::Postgres);
    what_is_declared_no_more_goes_when_asked(Some(bed.url()));
}

#[test]
fn a_part_of_a_playbook_orphans_nothing() {
    let put = |name: &str, more: &str| {
        format!("file::put(host.data(\"here\") + \"/{name}\", #{{ content: \"x\\n\"{more} }});\n")
    };
    let all = [put("one", ""), put("two", ", tags: \"app\""), put("three", ", when: host.data(\"on\", true)")].concat();
    let scene = Scene::shells(&["a", "b"]).playbook(&all);
    scene.applied(0);
    let none = |cli: crate::support::cli::Cli, code: i32| {
        let document = Document(cli.arg("--json").any_stderr().json(code));
        assert_eq!(document.0["totals"]["orphans"], 0, "{:#}", document.0);
    };
    none(scene.plan().arg("--tags").arg("app"), 0);
    none(scene.plan().arg("--skip-tags").arg("app"), 0);
    none(scene.plan().host("a"), 0);
    none(scene.plan().arg("--data").arg("on=false"), 0);
    // A host that fails, and one that catches the failure, did not come to all that they declare.
    let fails = "cmd::run(\"false\");\n";
    scene.project.write("site.rhai", format!("{fails}{all}"));
    none(scene.apply(), 3);
    scene.project.write("site.rhai", format!("try {{ {fails}{all} }} catch {{}}\n"));
    none(scene.apply().arg("--prune"), 0);
    // A plan that ends early.
    scene.project.write("site.rhai", format!("if cmd::run(\"true\").stdout == \"\" {{ {all} }}\n"));
    none(scene.plan(), 0);
    // In all of them, nothing was pruned; once the whole playbook ran, the rest is.
    scene.project.write("site.rhai", put("one", ""));
    let document = scene.planned(0);
    let left: Vec<String> =
        ["a", "b"].iter().flat_map(|host| orphans(&document, host)).filter(|one| one.starts_with("path ")).collect();
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(left[0].ends_with("three: left") && left[1].ends_with("two: left"), "{left:?}");
    scene.apply().arg("--prune").any_stderr().success();
    assert!(!scene.project.path("hosts/a/two").exists() && scene.project.path("hosts/a/one").exists());
}

#[test]
fn what_shall_be_kept_is_kept_and_what_a_command_did_is_told() {
    let scene = Scene::shells(&["a"]).playbook(
        "let d = host.data(\"here\");
         file::put(d + \"/kept\", #{ content: \"x\\n\", keep: true });
         cmd::run(\"echo >made\", #{ creates: d + \"/made\" });
         file::put(d + \"/shared\", #{ content: \"x\\n\" });",
    );
    scene.project.write("other.rhai", "file::put(host.data(\"here\") + \"/shared\", #{ content: \"x\\n\" });\n");
    scene.applied(0);
    scene.cli(["apply", "other.rhai", "--yes"]).any_stderr().success();
    scene.project.write("site.rhai", "log(\"nothing\");\n");
    let parts =
        ["declared no more:", "cannot be undone: nobody knows what a command did", "`other.rhai` manages it too"];
    let human = scene.plan().any_stderr().success();
    parts.iter().for_each(|part| assert!(human.stderr.contains(part), "no {part} in\n{}", human.stderr));
    let document = Document(scene.apply().arg("--prune").arg("--json").any_stderr().json(0));
    let fates: Vec<String> = orphans(&document, "a")
        .iter()
        .map(|one| one.rsplit(['/', ' ']).take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(fates, ["kept shared:", "cannot_undo >made:", "kept kept:"]);
    let human = scene.plan().any_stderr().success();
    assert!(human.stderr.contains("kept") && !human.stderr.contains("command"), "told twice\n{}", human.stderr);
}

#[test]
fn what_was_there_before_us_comes_back_as_it_was() {
    let scene = Scene::shells(&["a"]);
    let at = |name: &str| scene.project.path(&format!("hosts/a/{name}"));
    scene.project.write("hosts/a/conf", "port = 80\nuser = old\n");
    scene.project.write("hosts/a/whole", "v0\n");
    scene.project.write("hosts/a/full/foreign", "not ours\n");
    std::os::unix::fs::symlink("conf", at("link")).expect("a link");
    let before = std::fs::read(at("conf")).expect("read");
    let script = |version: u32| {
        format!(
            "let d = host.data(\"here\");
         file::put(d + \"/whole\", #{{ content: \"v{version}\\n\" }});
         file::line(d + \"/conf\", #{{ pattern: \"^user\", line: \"user = new{version}\" }});
         file::line(d + \"/conf\", #{{ line: \"added\" }});
         file::line(d + \"/conf\", #{{ pattern: \"^port\", present: false }});
         file::block(d + \"/conf\", #{{ content: \"a\\nb{version}\" }});
         file::link(d + \"/link\", #{{ to: \"whole\" }});
         file::dir(d + \"/full\", #{{ mode: \"0750\" }});
         file::dir(d + \"/mine/deep\");
         file::put(d + \"/mine/deep/file\", #{{ content: \"x\\n\" }});
         file::put(d + \"/twice\", #{{ content: \"x\\n\" }});"
        )
    };
    scene.project.write("site.rhai", script(1));
    scene.applied(0);
    scene.project.write("site.rhai", script(2));
    scene.applied(0);
    // Something that is not ours came into a directory that is.
    scene.project.write("hosts/a/mine/deep/other", "by hand\n");
    std::fs::remove_file(at("twice")).expect("gone by hand");
    scene.project.write("site.rhai", "log(\"nothing\");\n");
    let document = Document(scene.apply().arg("--prune").arg("--json").any_stderr().json(0));
    let left: Vec<String> = orphans(&document, "a").into_iter().filter(|one| !one.ends_with(": pruned")).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].ends_with("/mine/deep: left"), "{left:?}");
    let lines = |text: &[u8]| {
        let mut lines: Vec<String> = String::from_utf8_lossy(text).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&std::fs::read(at("conf")).expect("read")), lines(&before));
    assert_eq!(scene.project.read("hosts/a/whole"), "v0\n");
    assert_eq!(std::fs::read_link(at("link")).expect("a link"), std::path::Path::new("conf"));
    assert_eq!(scene.project.read("hosts/a/full/foreign"), "not ours\n");
    assert_eq!(scene.project.read("hosts/a/mine/deep/other"), "by hand\n");
    assert!(!at("mine/deep/file").exists());
    // Once the foreign file is gone, the rest goes as well.
    std::fs::remove_file(at("mine/deep/other")).expect("gone by hand");
    scene.apply().arg("--prune").any_stderr().success();
    assert!(!at("mine").exists());
}

#[test]
fn a_tree_is_pruned_without_what_is_not_ours() {
    let scene = Scene::shells(&["a"])
        .file("tree/one.txt", "1\n")
        .file("tree/sub/two.txt", "2\n")
        .file("tree/both/three.txt", "3\n")
        .playbook("file::mirror(host.data(\"here\") + \"/to\", #{ src: \"tree\" });");
    scene.project.write("hosts/a/to/both/foreign", "not ours\n");
    scene.applied(0);
    scene.project.write("site.rhai", "log(\"nothing\");\n");
    scene.apply().arg("--prune").any_stderr().success();
    let left = |path: &str| scene.project.path(&format!("hosts/a/to/{path}")).exists();
    assert!(left("both/foreign") && !left("both/three.txt") && !left("one.txt") && !left("sub"));
}

#[test]
fn contradicting_declarations_name_both_lines() {
    let scene = Scene::shells(&["a"]).playbook(
        "let d = host.data(\"here\");
         file::put(d + \"/x\", #{ content: \"1\\n\" });
         file::put(d + \"/x\", #{ content: \"1\\n\" });
         file::line(d + \"/x\", #{ line: \"2\" });
         file::line(d + \"/x\", #{ line: \"3\" });
         file::put(d + \"/x\", #{ content: \"4\\n\" });",
    );
    for words in [["plan", "site.rhai"], ["apply", "site.rhai"]] {
        let ran = scene.cli(words).arg("--yes").any_stderr().exit(3);
        let wanted = ["site.rhai:2:", "site.rhai:6:", "`content`", "redeclare"];
        wanted.iter().for_each(|part| assert!(ran.stderr.contains(part), "no {part} in\n{}", ran.stderr));
    }
    let told = scene.project.read("site.rhai").replace("\"4\\n\"", "\"4\\n\", redeclare: true");
    scene.project.write("site.rhai", told);
    scene.applied(0);
    assert_eq!(scene.project.read("hosts/a/x"), "4\n");
}

#[test]
fn no_secret_is_on_record() {
    let secret = "marker-of-a-secret-5f2c";
    let scene = Scene::shells(&["a"]);
    // A password of the inventory is a secret wherever it turns up.
    let vault = format!("  vault: {{ connect: local, sudo: {{ user: root, password: {secret} }} }}\n");
    let inventory = scene.project.read("inv.yaml") + vault.as_str();
    let scene = scene.file("inv.yaml", inventory).playbook(&format!(
        "let d = host.data(\"here\");
         file::put(d + \"/token\", #{{ content: \"{secret}\" }});
         file::line(d + \"/conf\", #{{ line: \"password = {secret}\", create: true }});
         file::put(d + \"/old\", #{{ content: \"new\\n\" }});
         cmd::run(\"cat >/dev/null # {secret}\");"
    ));
    scene.project.write("hosts/a/old", format!("was {secret}\n"));
    for _ in 0..2 {
        scene.apply().host("a").any_stderr().success();
    }
    assert!(recorded(&scene).iter().any(|one| one.ends_with("/token")), "{:?}", recorded(&scene));
    let folder = scene.project.path(".rhapsode");
    for file in std::fs::read_dir(folder).expect("a folder").flatten() {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        let holds = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!holds, "{} holds the secret", file.path().display());
    }
    let store = Store::open(&scene.project.path(Store::PATH)).expect("a store");
    for one in store.resources(&LedgerFilter::default()).expect("resources") {
        assert_eq!(one.prior_content, None, "{one:?}");
    }
    // Its content before is not kept, and that is told.
    scene.project.write("site.rhai", "log(\"nothing\");\n");
    let document = Document(scene.plan().host("a").arg("--json").any_stderr().json(0));
    let old = orphans(&document, "a").into_iter().find(|one| one.contains("/old")).expect("an orphan");
    assert!(old.ends_with("cannot_undo"), "{old}");
}

#[test]
fn what_nothing_changed_is_on_record_as_it_was_declared() {
    let scene = Scene::shells(&["a", "b"]).playbook(
        "file::put(host.data(\"here\") + \"/x\", #{ content: \"1\\n\" });
         if host.name == \"a\" { delegate(\"b\", |b| { file::dir(b.data(\"here\") + \"/by-a\"); }); }
         once(|| { file::dir(host.data(\"here\") + \"/once\"); });",
    );
    scene.applied(0);
    let first = recorded(&scene);
    assert_eq!(first.len(), 4, "{first:?}");
    let runs = |scene: &Scene| -> Vec<String> {
        let store = Store::open(&scene.project.path(Store::PATH)).expect("a store");
        store.resources(&LedgerFilter::default()).expect("resources").into_iter().map(|one| one.run).collect()
    };
    let before = runs(&scene);
    let second = scene.applied(0);
    assert_eq!(second.0["totals"]["changes"], 0);
    assert_eq!(recorded(&scene), first);
    assert!(runs(&scene).iter().all(|run| !before.contains(run)), "the second run was the last to see them all");
    // What `once` did on one host and `delegate` on another is nobody's orphan when only a part of the hosts runs.
    for host in ["a", "b"] {
        let document = Document(scene.plan().host(host).arg("--json").any_stderr().json(0));
        assert_eq!(document.0["totals"]["orphans"], 0, "{:#}", document.0);
    }
}

#[test]
fn what_is_pruned_calls_the_handlers_that_are_still_there() {
    let handlers = "handler(\"reload\", |h| { cmd::run(\"echo reload >>runs\"); });\n";
    let site = "file::put(host.data(\"here\") + \"/site\", #{ content: \"x\\n\", notify: [\"reload\", \"gone\"] });\n";
    let gone = "handler(\"gone\", |h| { });\n";
    let scene = Scene::shells(&["a"]).playbook(&format!("{handlers}{gone}{site}"));
    scene.applied(0);
    scene.project.write("site.rhai", handlers);
    scene.apply().arg("--prune").any_stderr().success();
    assert_eq!(scene.project.read("hosts/a/runs"), "reload\nreload\n");
    scene.apply().arg("--prune").any_stderr().success();
    assert_eq!(scene.project.read("hosts/a/runs"), "reload\nreload\n");
}
