//! Where secrets come from, each once a run, and what is said where they cannot be had.

use super::{Person, run, scene};
use crate::secrets::server::{TOKEN, connect, vault};
use crate::support::cli::Cli;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Writes one secret into a file, behind an operation that must not be executed when the secret is missing.
fn playbook(reference: &str) -> String {
    format!(
        "file::put(host.data(\"here\") + \"/first\", #{{ content: \"x\" }});\n\
         file::put(host.data(\"here\") + \"/secret\", #{{ content: secret({reference:?}) }});\n"
    )
}

/// Applies it with these variables; the value that arrived.
fn arrived(ada: &Person, reference: &str, variables: &[(&str, &str)]) -> String {
    let scene = scene(&playbook(reference));
    let cli = ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]);
    with(cli, variables).any_stderr().success();
    scene.project.read("hosts/here/secret")
}

fn with(cli: Cli, variables: &[(&str, &str)]) -> Cli {
    variables.iter().fold(cli, |cli, (name, value)| cli.env(name, value))
}

/// The same where it cannot be had: one error that says this, before any operation, and nothing else.
fn refused(ada: &Person, reference: &str, variables: &[(&str, &str)], says: &[&str]) {
    let scene = scene(&playbook(reference));
    let cli = with(ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]), variables);
    let ran = says.iter().fold(cli, |cli, part| cli.stderr_contains(part)).stderr_contains("site.rhai:2:").exit(1);
    assert_eq!(ran.stderr.matches("error:").count(), 1, "{}", ran.stderr);
    assert!(!scene.project.path("hosts/here/first").exists(), "an operation was executed for {reference}");
}

#[test]
fn values_of_this_machine_arrive() {
    let ada = Person::new();
    std::fs::write(ada.path("secret.txt"), "fil-4711\n").expect("written");
    let file = format!("file:{}", ada.path("secret.txt").display());
    assert_eq!(arrived(&ada, "env:APP_TOKEN", &[("APP_TOKEN", "env-4711")]), "env-4711");
    assert_eq!(arrived(&ada, &file, &[]), "fil-4711");
    assert_eq!(arrived(&ada, "file:~/secret.txt", &[]), "fil-4711");
    assert_eq!(arrived(&ada, "cmd:printf cmd-4711", &[]), "cmd-4711");
}

#[test]
fn what_is_missing_is_told_before_any_change() {
    let ada = Person::new();
    refused(&ada, "env:NOT_THERE_4711", &[], &["the environment has no secret in `NOT_THERE_4711`", "export"]);
    refused(&ada, "file:nowhere.txt", &[], &["cannot read the secret file `nowhere.txt`"]);
    refused(&ada, "cmd:echo locked >&2; exit 4", &[], &["gave no secret", "it said: locked"]);
    refused(&ada, "prompt:the password", &[], &["nobody gave `the password`"]);
    refused(&ada, "sops:secrets/none.sops.yaml#x", &[], &["cannot read `secrets/none.sops.yaml`"]);
    refused(&ada, "keepass:x", &[], &["`keepass:` is no place for secrets", "`vault:`"]);
    refused(&ada, "op://home/app/token", &[("PATH", "/nonexistent")], &["there is no program `op`"]);
}

/// A program `op` with the arguments, the output and the errors of the real one (2.30).
const OP: &str = r#"#!/bin/sh
echo "$@" >>"$HOME/op.log"
[ "$1 $2" = "read --no-newline" ] && [ $# = 3 ] || { echo "[ERROR] 2026/01/01 12:00:00 unknown command" >&2; exit 1; }
[ -n "$OP_SERVICE_ACCOUNT_TOKEN" ] || { echo "[ERROR] 2026/01/01 12:00:00 You are not currently signed in. Please run \`op signin --help\` for instructions" >&2; exit 1; }
case $3 in
op://home/app/token) printf op-4711;;
op://home/*) echo "[ERROR] 2026/01/01 12:00:00 could not read secret '$3': error initializing client: could not find item app2" >&2; exit 1;;
*) echo "[ERROR] 2026/01/01 12:00:00 could not read secret '$3': \"x\" isn't a vault in this account" >&2; exit 1;;
esac
"#;

#[test]
fn onepassword_is_asked_through_its_program_once_a_run() {
    let ada = Person::new();
    let bin = ada.path("bin");
    std::fs::create_dir(&bin).expect("made");
    std::fs::write(bin.join("op"), OP).expect("written");
    std::fs::set_permissions(bin.join("op"), PermissionsExt::from_mode(0o755)).expect("set");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("set"));
    let signed_in = [("PATH", path.as_str()), ("OP_SERVICE_ACCOUNT_TOKEN", "ops_x")];
    assert_eq!(arrived(&ada, "op://home/app/token", &signed_in), "op-4711");
    let log = std::fs::read_to_string(ada.path("op.log")).expect("it was asked");
    assert_eq!(log, "read --no-newline op://home/app/token\n");
    refused(
        &ada,
        "op://home/app2/token",
        &signed_in,
        &["1Password does not give `op://home/app2/token`", "could not find item"],
    );
    refused(&ada, "op://home/app/token", &[("PATH", &path)], &["not currently signed in", "op signin"]);
    refused(&ada, "op://home", &signed_in, &["names no field of 1Password"]);
}

#[test]
fn onepassword_asks_to_be_unlocked_once_and_many_hosts_ask_it_once() {
    let ada = Person::new();
    let bin = ada.path("bin");
    std::fs::create_dir(&bin).expect("made");
    // Whoever comes while nothing is unlocked yet and somebody else is being asked would be asked as well.
    let op = "#!/bin/sh\necho \"$3\" >>\"$HOME/op.log\"\n[ -e \"$HOME/open\" ] && { printf 'op-4711'; exit; }\n\
        mkdir \"$HOME/asking\" || { echo two questions at once >&2; exit 1; }\nsleep 0.3; touch \"$HOME/open\"; printf 'op-4711'\n";
    std::fs::write(bin.join("op"), op).expect("written");
    std::fs::set_permissions(bin.join("op"), PermissionsExt::from_mode(0o755)).expect("set");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("set"));
    let names: Vec<String> = (0..6).map(|n| format!("secret(\"op://home/app/{n}\")")).collect();
    let playbook =
        format!("let all = [{}];\nlet more = secret(\"op://home/app/\" + \"0\");\nlog(more);", names.join(", "));
    let hosts: Vec<String> = (0..20).map(|n| format!("h{n}")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let scene = super::Scene::shells(&hosts).playbook(&playbook);
    ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]).env("PATH", path).any_stderr().success();
    let log = std::fs::read_to_string(ada.path("op.log")).expect("it was asked");
    assert_eq!(log.lines().count(), 6, "{log}");
}

#[test]
fn onepassword_is_asked_through_a_connect_server() {
    let ada = Person::new();
    let server = connect();
    let variables = [("OP_CONNECT_HOST", server.address.as_str()), ("OP_CONNECT_TOKEN", "connect-token")];
    assert_eq!(arrived(&ada, "op://home/app/password", &variables), "con-4711");
    assert_eq!(arrived(&ada, "op://home/app/api/token", &variables), "sec-4711");
    assert_eq!(arrived(&ada, "op://hfnjvi6aymbsnfc2xeeoheizda/app/password", &variables), "con-4711");
    refused(&ada, "op://work/app/password", &variables, &["1Password has no vault `work`"]);
    refused(&ada, "op://home/app/user", &variables, &["1Password has no field `user`"]);
    let wrong = [("OP_CONNECT_HOST", server.address.as_str()), ("OP_CONNECT_TOKEN", "other")];
    refused(&ada, "op://home/app/password", &wrong, &["OP_CONNECT_TOKEN is not valid"]);
}

#[test]
fn vault_gives_fields_of_both_engines_to_every_login() {
    let ada = Person::new();
    let server = vault();
    let address = ("VAULT_ADDR", server.address.as_str());
    for login in [
        vec![("VAULT_TOKEN", TOKEN)],
        vec![("VAULT_ROLE_ID", "role-1"), ("VAULT_SECRET_ID", "sid-1")],
        vec![("VAULT_USERNAME", "ada"), ("VAULT_PASSWORD", "pw-1")],
    ] {
        let variables: Vec<(&str, &str)> = login.into_iter().chain([address]).collect();
        assert_eq!(arrived(&ada, "vault:secret/app/db#password", &variables), "vlt-4711");
        assert_eq!(arrived(&ada, "vault:old/app#password", &variables), "kv1-4711");
    }
    let token = [("VAULT_TOKEN", TOKEN), address];
    assert_eq!(arrived(&ada, "vault:secret/app/db#port", &token), "5432");
    refused(&ada, "vault:secret/app/db#user", &token, &["has no field `user`", "`password`, `port`"]);
    refused(&ada, "vault:secret/none#x", &token, &["does not give `secret/none`"]);
    refused(&ada, "vault:secret/app/db#password", &[("VAULT_TOKEN", "wrong"), address], &["answered 403"]);
    refused(&ada, "vault:secret/app/db#password", &[address], &["there is no login for Vault"]);
    let role = [("VAULT_ROLE_ID", "role-1"), ("VAULT_SECRET_ID", "no"), address];
    refused(&ada, "vault:secret/app/db#password", &role, &["Vault refuses the login by AppRole"]);
}

#[test]
fn the_vault_of_these_tests_is_one_to_its_python_client() {
    let server = vault();
    let script = "import hvac, sys\n\
        client = hvac.Client(url=sys.argv[1])\n\
        client.auth.approle.login(role_id='role-1', secret_id='sid-1')\n\
        assert client.secrets.kv.v2.read_secret_version('app/db', mount_point='secret')['data']['data']['password'] == 'vlt-4711'\n\
        assert client.secrets.kv.v1.read_secret('app', mount_point='old')['data']['password'] == 'kv1-4711'\n\
        client.auth.userpass.login('ada', 'pw-1')\n\
        try: client.secrets.kv.v2.read_secret_version('none', mount_point='secret'); sys.exit(1)\n\
        except hvac.exceptions.InvalidPath: pass\n";
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/python");
    run(Command::new("python3").env("PYTHONPATH", tools).env("NO_PROXY", "127.0.0.1").args([
        "-c",
        script,
        &server.address,
    ]));
}

#[test]
fn many_hosts_ask_a_server_once() {
    let ada = Person::new();
    let server = vault();
    let scene = super::Scene::shells(&["a", "b", "c", "d"]).playbook(&playbook("vault:secret/app/db#password"));
    let cli = ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]);
    with(cli, &[("VAULT_ADDR", &server.address), ("VAULT_TOKEN", TOKEN)]).any_stderr().success();
    assert_eq!(server.count("GET /v1/secret/data/app/db"), 1);
}

#[test]
fn data_of_the_inventory_refers_to_secrets() {
    let ada = Person::new();
    let scene = scene(
        "let here = host.data(\"here\");\n\
         file::put(here + \"/direct\", #{ content: host.data(\"password\") });\n\
         file::template(here + \"/conf\", #{ text: \"user={{ db.user }} password={{ db.password }}\\n\" });\n",
    );
    let data = "password: { secret: \"env:APP_PASSWORD\" }\ndb:\n  user: ada\n  password: { secret: db/password }\n\
        unused: { secret: \"env:NEVER_ASKED\" }\n";
    scene.project.write("group_data/all.yaml", data);
    ada.cli(&scene.project, ["secret", "init", "-q"]).success();
    ada.set(&scene.project, "db/password", "dat-4711");
    let apply = || ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]);
    apply().stderr_contains("APP_PASSWORD").stderr_contains("group_data/all.yaml:1:").exit(1);
    apply().env("APP_PASSWORD", "dir-4711").any_stderr().success();
    assert_eq!(scene.project.read("hosts/here/direct"), "dir-4711");
    assert_eq!(scene.project.read("hosts/here/conf"), "user=ada password=dat-4711\n");
    let explained = ada.cli(&scene.project, ["inventory", "explain", "here", "db"]).any_stdout().success();
    assert!(explained.stdout.contains("[secret]"), "{}", explained.stdout);
}

#[test]
fn what_stands_behind_a_condition_is_missed_only_there() {
    let ada = Person::new();
    let playbook = "if host.name == \"other\" { log(secret(\"env:NOT_THERE\")); }\nlet it = ();\n\
        try { log(secret(\"env:NOT_THERE\")); } catch (e) { it = e.message; }\nlog(it);";
    let scene = scene(playbook);
    let cli = ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]);
    cli.stderr_contains("the environment has no secret in `NOT_THERE`").success();
}

#[test]
fn a_check_asks_nobody() {
    let ada = Person::new();
    let scene = scene(&playbook("cmd:touch asked; printf x"));
    ada.cli(&scene.project, ["check", "site.rhai"]).any_stdout().any_stderr().success();
    assert!(!scene.project.path("asked").exists());
}

#[test]
fn a_closure_works_on_the_value_and_functions_on_texts_do_not() {
    let ada = Person::new();
    let playbook = r#"
        let pair = secret("env:PAIR");
        let here = host.data("here");
        file::put(here + "/user", #{ content: pair.map(|plain| plain.split(":")[0]) });
        file::put(here + "/json", #{ content: to_json(#{ pair: pair }) });
        file::template(here + "/upper", #{ text: "{{ pair | upper }}", vars: #{ pair: pair } });
        log(`${pair} ${secret::same(pair, "ada:4711\"x")} ${to_json([pair])}`);
        try { pair.len(); } catch (e) { log(e.message); }
        try { if pair == "x" { log("equal"); } } catch (e) { log(e.message); }
    "#;
    let scene = scene(playbook);
    let ran =
        ada.cli(&scene.project, ["apply", "site.rhai", "--yes"]).env("PAIR", "ada:4711\"x").any_stderr().success();
    assert_eq!(scene.project.read("hosts/here/user"), "ada");
    assert_eq!(scene.project.read("hosts/here/json"), r#"{"pair":"ada:4711\"x"}"#);
    assert_eq!(scene.project.read("hosts/here/upper"), "ADA:4711\"X");
    assert!(ran.stderr.contains("[secret] true [secret]"), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("would look at a secret").count(), 2, "{}", ran.stderr);
}
