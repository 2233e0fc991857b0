//! Values that are too short to be looked for, and templates that would look at one.

use super::Person;

#[test]
fn a_value_of_two_characters_is_warned_of_once_by_its_name() {
    let ada = Person::new();
    let playbook = r#"
        let pin = secret("app/pin");
        file::put(host.data("here") + "/pin", #{ content: pin });
        file::put(host.data("here") + "/both", #{ content: pin + secret("app/long") });
    "#;
    let scene = super::scene(playbook);
    ada.cli(&scene.project, ["secret", "init", "-q"]).success();
    ada.set(&scene.project, "app/pin", "42");
    ada.set(&scene.project, "app/long", "longer");
    let apply = ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]).any_stderr().success();
    let warnings: Vec<&str> = apply.stderr.lines().filter(|line| line.contains("fewer than 3 characters")).collect();
    assert_eq!(warnings.len(), 1, "{}", apply.stderr);
    assert!(warnings[0].contains("`app/pin`") && !warnings[0].contains("42"), "{}", warnings[0]);
    assert_eq!(scene.project.read("hosts/here/both"), "42longer");
}

#[test]
fn a_template_that_compares_a_secret_says_where_and_what_to_do() {
    let ada = Person::new();
    let playbook = r#"
        let vars = #{ password: secret("app/password") };
        file::template(host.data("here") + "/conf", #{ text: "a\n{% if password == 'x' %}weak{% endif %}\n", vars: vars });
    "#;
    let scene = super::scene(playbook);
    ada.cli(&scene.project, ["secret", "init", "-q"]).success();
    ada.set(&scene.project, "app/password", "tok-4711-xyz");
    let apply = ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]);
    let apply = apply.stderr_contains("template `text:2`: `==` would look at a secret").stderr_contains("secret::same");
    assert!(!apply.exit(1).stderr.contains("4711"));
    assert!(!scene.project.path("hosts/here/conf").exists());
}
