//! Hosts and playbooks that would get at a secret, or show what they made of one.

use super::{Person, scene};
use crate::support::cli::Cli;

const SECRET: &str = "Zanzibar-4711-Quux";

fn apply(ada: &Person, playbook: &str) -> (crate::scenes::Scene, Cli) {
    let scene = scene(playbook);
    let cli = ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]).env("TOKEN", SECRET);
    (scene, cli)
}

#[test]
fn a_host_cannot_forge_what_stands_for_a_secret() {
    let ada = Person::new();
    let playbook = r#"
        let here = host.data("here");
        file::put(here + "/token", #{ content: secret("env:TOKEN") });
        file::put(here + "/copy", #{ content: cmd::read(`cat ${here}/said`).stdout });
        file::line(here + "/said", #{ line: "mine" });
        cmd::run(`cat >${here}/stdin`, #{ stdin: cmd::read(`cat ${here}/said`).stdout });
    "#;
    let (scene, cli) = apply(&ada, playbook);
    // As tokens were before, and as they are, without the word of the process.
    let forged: String =
        (0..4).map(|slot| format!("\u{F0000}s{slot}\u{F0001} \u{F0000}0000s{slot}0000\u{F0001}\n")).collect();
    scene.project.write("hosts/here/said", &forged);
    cli.any_stderr().exit(0);
    assert_eq!(scene.project.read("hosts/here/token"), SECRET);
    for file in ["copy", "said", "stdin"] {
        assert!(scene.project.read(&format!("hosts/here/{file}")).starts_with(forged.trim_end()), "{file}");
    }
}

/// A playbook in which this expression must be refused, with these words, in plan and apply.
fn refused(ada: &Person, expression: &str, says: &str) {
    let (scene, cli) = apply(ada, &format!("let token = secret(\"env:TOKEN\");\nlet made = {expression};\nlog(made);"));
    let ran = cli.stderr_contains(says).stderr_contains("site.rhai:2:").exit(1);
    assert!(!ran.stderr.contains("4711") && !ran.stderr.contains("not predictable"), "{expression}: {}", ran.stderr);
    let plan = ada.cli(&scene.project, ["plan", "site.rhai"]).env("TOKEN", SECRET).stderr_contains(says).exit(1);
    assert!(!plan.stderr.contains("not predictable"), "{expression}: {}", plan.stderr);
}

#[test]
fn a_secret_that_would_decide_is_a_mistake_and_no_quiet_end() {
    let ada = Person::new();
    for decides in ["if token { 1 } else { 2 }", "token && true", "#{ a: 1 }[token]", "{ while token { } 1 }"] {
        refused(&ada, decides, "a secret stands where a plain value is wanted");
    }
    refused(&ada, "token.hash()", "`hash` takes no secret");
    refused(&ada, "{ for letter in `${token}` { log(letter); } 1 }", "`for` would look at a secret");
    refused(&ada, "{ let all = [`${token}`, \"b\"]; all.sort(); all }", "`sort` would look at a secret");
    refused(&ada, "[token, token].dedup()", "`dedup` would look at a secret");
    refused(&ada, "switch token { \"x\" => 1, _ => 2 }", "`switch` would look at a secret");
    refused(&ada, "token.len", "`len` would look at a secret");
}

#[test]
fn a_part_of_what_stands_for_a_secret_is_written_nowhere() {
    let ada = Person::new();
    for part in ["text[0]", "text[0..9]", "text[1..99]"] {
        let playbook = format!(
            "let text = `${{secret(\"env:TOKEN\")}}`;\nfile::put(host.data(\"here\") + \"/part\", #{{ content: `${{{part}}}` }});"
        );
        let (scene, cli) = apply(&ada, &playbook);
        cli.stderr_contains("a part was taken of a text with a secret in it").exit(3);
        assert!(!scene.project.path("hosts/here/part").exists(), "{part}");
    }
}

#[test]
fn what_a_closure_makes_of_a_secret_is_shown_nowhere() {
    let ada = Person::new();
    let shown = "{ token.map(|plain| { print(plain.to_upper()); debug(plain.to_upper()); log(plain.to_upper()); plain.to_upper() }) }";
    let (_scene, cli) = apply(&ada, &format!("let token = secret(\"env:TOKEN\");\nlog({shown});"));
    let ran = cli.any_stderr().success();
    assert!(!ran.stderr.contains("4711") && ran.stderr.matches("here: [secret]").count() == 4, "{}", ran.stderr);
    for fails in
        ["throw plain.to_upper()", "parse_int(plain.to_upper())", "#{}[plain.to_upper()]", "fail(plain.to_upper())"]
    {
        refused(&ada, &format!("token.map(|plain| {{ {fails}; }})"), "the closure of `map` failed");
    }
    refused(&ada, "token.map(|plain| plain.splitt(\":\"))", "`splitt` cannot be called with");
}

#[test]
fn a_key_of_a_map_is_revealed_where_the_map_is_json() {
    let ada = Person::new();
    let playbook = r#"
        let map = #{};
        map[`user ${secret("env:TOKEN")}`] = 1;
        file::put(host.data("here") + "/json", #{ content: to_json(map) });
        file::template(host.data("here") + "/tpl", #{ text: "{{ map | tojson }}", vars: #{ map: map } });
    "#;
    let (scene, cli) = apply(&ada, playbook);
    cli.env("TOKEN", "it\"s-4711").any_stderr().success();
    assert_eq!(scene.project.read("hosts/here/json"), r#"{"user it\"s-4711":1}"#);
    assert_eq!(scene.project.read("hosts/here/tpl"), r#"{"user it\"s-4711": 1}"#);
}

#[test]
fn templates_decide_by_whether_a_secret_is_empty_and_sort_what_is_around_it() {
    let ada = Person::new();
    let playbook = r#"
        let users = [#{ name: "bob", password: secret("env:TOKEN") }, #{ name: "ada", password: secret("env:EMPTY") }];
        let text = "{% for user in users | sort(attribute='name') %}{{ user.name }}\
            {% if user.password %}={{ user.password }}{% endif %};{% endfor %}{{ users | length }}";
        file::template(host.data("here") + "/users", #{ text: text, vars: #{ users: users } });
    "#;
    let (scene, cli) = apply(&ada, &playbook.replace("\\\n            ", ""));
    cli.env("EMPTY", "").any_stderr().success();
    assert_eq!(scene.project.read("hosts/here/users"), format!("ada;bob={SECRET};2"));
}

#[test]
fn a_template_that_would_look_at_a_secret_says_where() {
    let ada = Person::new();
    for (looks, word) in [
        ("{{ token[:3] }}", "`[:]`"),
        ("{% for letter in token %}{{ letter }}{% endfor %}", "`for`"),
        ("{{ 'a' < token < 'z' }}", "`==`"),
        ("{{ [token] | sort | join }}", "the filter `sort`"),
        ("{{ [{'k': token}] | selectattr('k', 'eq', 'x') | list }}", "`eq`"),
        ("{{ token is lower }}", "`lower`"),
    ] {
        let text = format!("first\n{looks}\n");
        let (_scene, cli) = apply(&ada, &format!("log(render({text:?}, #{{ token: secret(\"env:TOKEN\") }}));"));
        let ran = cli.stderr_contains(&format!("template `text:2`: {word} would look at a secret")).exit(1);
        assert!(!ran.stderr.contains("4711"), "{looks}: {}", ran.stderr);
    }
}
