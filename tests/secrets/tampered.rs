//! Files that were changed without their key.

use super::Person;

#[test]
fn a_changed_clear_value_stops_the_run_before_any_operation() {
    let ada = Person::new();
    let playbook = r#"
        file::put(host.data("here") + "/first", #{ content: "changed" });
        file::put(host.data("here") + "/token", #{ content: secret("sops:secrets/app.sops.yaml#token") });
    "#;
    let scene = super::scene(playbook);
    ada.cli(&scene.project, ["secret", "init", "-q"]).success();
    ada.set(&scene.project, "app/token", "tok-4711-xyz");
    ada.set(&scene.project, "app/port_unencrypted", "8080");
    let file = scene.project.read("secrets/app.sops.yaml");
    assert!(file.contains("port_unencrypted: \"8080\""), "{file}");
    scene.project.write("secrets/app.sops.yaml", file.replacen("8080", "8081", 1));
    let apply = ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]);
    apply.stderr_contains("MAC mismatch").stderr_contains("site.rhai:3:").exit(1);
    assert!(!scene.project.path("hosts/here/first").exists(), "an operation was executed");
    scene.project.write("secrets/app.sops.yaml", file);
    ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]).any_stderr().success();
}

#[test]
fn a_value_that_was_moved_to_another_name_is_refused() {
    let ada = Person::new();
    let project = ada.project();
    ada.set(&project, "user", "tok-4711-xyz");
    ada.set(&project, "admin", "adm-4711-xyz");
    let file = project.read("secrets/main.sops.yaml");
    let swapped = file.replace("user:", "x:").replace("admin:", "user:").replace("x:", "admin:");
    project.write("secrets/main.sops.yaml", swapped);
    let refused =
        ada.cli(&project, ["secret", "get", "user", "--reveal"]).stderr_contains("is not what was encrypted").exit(1);
    assert!(!refused.stderr.contains("4711"));
}
