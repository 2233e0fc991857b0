//! Facts: as JSON for programs, and asked by scripts; in a plan through what it predicts.

use crate::support::cli::Cli;
use crate::support::docker::Container;
use crate::support::project::Project;
use serde_json::json;

fn local(script: &str) -> Project {
    Project::new().file("inventories/local.yaml", "hosts: { here: { connect: local } }\n").file("p.rhai", script)
}

/// What a plan of the script logs, a line each.
fn logged(project: &Project, verb: &str) -> Vec<String> {
    let run = Cli::new([verb, "p.rhai", "-i", "inventories/local.yaml", "--yes", "--events", "-"]);
    let ran = run.within(project).any_stdout().any_stderr().success();
    let events = ran.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an event"));
    events.filter(|event| event["type"] == "log").map(|event| event["text"].as_str().expect("text").into()).collect()
}

#[test]
fn hosts_of_any_kind_tell_the_basic_facts() {
    let (debian, busybox) = (Container::debian(), Container::busybox());
    let inventory = format!(
        "defaults: {{ connect: docker }}\nhosts:\n  deb: {{ container: {} }}\n  box: {{ container: {} }}\n",
        debian.name(),
        busybox.name()
    );
    let project = Project::new().file("hosts.yaml", inventory);
    let facts = Cli::new(["facts", "-i", "hosts.yaml"]).within(&project).json(0);
    assert_eq!(facts["deb"]["os"]["family"], "debian");
    assert_eq!(facts["deb"]["init"], "systemd");
    assert_eq!(facts["deb"]["pkg_manager"], "apt");
    assert_eq!(facts["box"]["pkg_manager"], json!(null));
    assert_eq!(facts["deb"]["kernel"], facts["box"]["kernel"], "containers share the kernel");
    assert!(facts["box"]["memory_mb"].as_u64().is_some_and(|size| size > 0), "{facts}");
    let one = Cli::new(["facts", "box", "-i", "hosts.yaml"]).within(&project).json(0);
    assert_eq!(one.as_object().expect("a map").keys().collect::<Vec<_>>(), ["box"]);
}

#[test]
fn a_host_that_cannot_be_asked_is_told_and_the_others_answer() {
    let hosts = "hosts:\n  here: { connect: local }\n  gone: { connect: docker, container: rh-docs-nobody }\n";
    let project = Project::new().file("hosts.yaml", hosts);
    let facts = Cli::new(["facts", "-i", "hosts.yaml"]).within(&project).stderr_contains("`gone` is unreachable");
    let facts = facts.json(4);
    assert_eq!(facts.as_object().expect("a map").keys().collect::<Vec<_>>(), ["here"]);
    Cli::new(["facts", "nobody", "-i", "hosts.yaml"]).within(&project).stderr_contains("`nobody`").exit(1);
}

#[test]
fn scripts_ask_for_facts_by_property_and_by_name() {
    let project = local(
        r#"
        log(`${host.arch == host.fact("server.Arch")} ${host.kernel == fact("server.KernelVersion")}`);
        log(`${host.cpus > 0} ${host.memory_mb > 0} ${type_of(host.os.family)} ${type_of(host.init)}`);
        log(`${host.has_cmd("sh")} ${host.has_cmd("cd")} ${host.has_cmd("no-such-command")}`);
        log(`${fact("files.File", #{ path: "/etc/passwd" }).mode} ${type_of(fact("files.File", #{ path: "/none" }))}`);
        "#,
    );
    let said = ["true true", "true true string string", "true true false", "0644 ()"];
    assert_eq!(logged(&project, "plan"), said);
}

#[test]
fn a_plan_sees_commands_and_names_that_it_predicts() {
    let project = local(
        r#"
        let folder = fact("server.Path").split(":")[0];
        cmd::run("true");
        log(`${host.has_cmd("sh")} ${host.has_cmd("rh-docs-tool")}`);
        file::put(folder + "/rh-docs-tool", #{ content: "x", mode: "0755" });
        log(`${host.has_cmd("rh-docs-tool")}`);
        sys::hostname("predicted");
        log(host.hostname);
        log(host);
        log(fact("server.Users"));
        "#,
    );
    assert_eq!(logged(&project, "plan"), ["true false", "true", "predicted", "here", "[known after apply]"]);
}

#[test]
fn deciding_by_a_fact_that_a_change_may_touch_ends_the_plan_without_an_error() {
    let project = local(
        r#"
        cmd::run("true");
        log("before");
        if fact("server.Users") != () { log("after"); }
        "#,
    );
    let plan = Cli::new(["plan", "p.rhai", "-i", "inventories/local.yaml"]).within(&project);
    plan.stderr_contains("not predictable after line 4: fact server.Users is known after apply").success();
    assert_eq!(logged(&project, "apply"), ["before", "after"]);
}

#[test]
fn a_misspelt_fact_is_a_mistake_with_the_nearest_name() {
    let project = local("fact(\"server.Whch\", #{ command: \"sh\" });\n");
    let plan = Cli::new(["check", "p.rhai", "-i", "inventories/local.yaml"]).within(&project);
    let said = "error: there is no fact `server.Whch`\n    at p.rhai:1:1\nhint: did you mean `server.Which`?\n";
    plan.stderr(said).exit(1);
}
