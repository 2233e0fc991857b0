//! Keys that rhapsode makes itself, and operations beside files and commands: of their secrets nothing is shown or kept
//! elsewhere either.

use super::Person;
use crate::scenes::Scene;
use crate::support::docker::Container;
use std::path::Path;

const PLAYBOOK: &str = r#"
handler("tell", |h| { cmd::run("printf '%s' \"$T\" >&2", #{ env: #{ T: secret("env:TOKEN") } }); });
let tok = secret("env:TOKEN");
file::dir("/srv/app");
cron::job("backup", #{ command: "/bin/backup", at: "@daily", env: #{ TOKEN: tok }, notify: "tell" });
cron::job("inline", #{ command: `curl -H "x: ${tok}" http://x`, at: "@daily" });
systemd::unit("adv", #{ sections: #{ Service: #{ ExecStart: "/bin/true", Environment: [`TOKEN=${tok}`] } } });
file::line("/srv/app/lines", #{ line: `token=${tok}`, pattern: "^token=", create: true });
file::block("/srv/app/lines", #{ name: "b", content: `x ${tok}\ny` });
let ca = cert::ca("root");
let web = cert::issue("root/web", #{ ca: ca, sans: ["web.example"] });
cert::present("/srv/app/web", web);
let packed = cert::pkcs12("/srv/app/web.p12", web, #{});
file::put("/srv/app/p12.password", #{ content: packed.password });
let deploy = ssh::key("deploy", #{ comment: "deploy@home" });
file::put("/srv/app/id", #{ content: deploy.private_key });
let ksk = dns::ksk("internal", #{ zones: ["internal"] });
let keys = dns::tsig_set("internal");
file::put("/srv/app/ksk.pem", #{ content: ksk.pem });
file::put("/srv/app/tsig", #{ content: keys.bind });
log(`${web.key} ${packed.password} ${deploy.private_key} ${ksk.pem} ${keys.bind}`);
print(#{ key: web.key, keys: keys, text: `${tok}` });
for refused in [
    || git::repo("/srv/git", #{ url: `http://user:${tok}@127.0.0.1:1/x` }),
    || file::download("/srv/dl", #{ url: `http://user:${tok}@127.0.0.1:1/x` }),
    || file::put("/srv/v", #{ content: `bad ${tok}`, validate: "cat %s >&2; false" }),
    || file::put(`/srv/${tok}`, #{ content: "x" }),
    || docker::container("x", #{ image: "y", labels: #{ l: tok } }),
    || cmd::script("echo \"$T\" >&2; exit 3", #{ env: #{ T: tok } }),
    || cmd::run(["echo", tok]),
    || user::present(`${tok}`),
    || sudo::rule("x", #{ who: `${tok}`, commands: "ALL" }),
    || pkg::installed(`${tok}`),
    || delegate(`${tok}`, || 1),
    || host.data(`${tok}`),
    || render("{{ x | int }} {{ y }}", #{ x: tok, y: tok }),
    || once(|| fail(`${tok}`)),
    || { throw `x ${tok}`; },
] {
    let passed = false;
    try { refused.call(); passed = true; } catch (e) { log(`${e}`); debug(e); }
    if passed { log("passed"); }
}
cmd::run("printf '%s' \"$T\" >&2; exit 3", #{ env: #{ T: tok } });
"#;

/// What must be nowhere, by its core that no quoting changes.
struct Needles(Vec<String>);

impl Needles {
    fn not_in(&self, what: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for needle in &self.0 {
            assert!(!text.contains(needle.as_str()), "`{needle}` is in {what}");
        }
    }

    fn not_below(&self, folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).expect("listed").flatten();
        let seen = entries.map(|entry| match entry.path() {
            path if path.is_dir() => self.not_below(&path),
            path => {
                self.not_in(&path.display().to_string(), &std::fs::read(&path).unwrap_or_default());
                1
            }
        });
        seen.sum()
    }
}

/// The lines of the keys on the host that say something.
fn of_host(container: &Container) -> Vec<String> {
    let files = "/srv/app/web/privkey.pem /srv/app/id /srv/app/ksk.pem /srv/app/p12.password";
    let lines = container.says(&format!("cat {files}; grep -o 'secret \"[^\"]*' /srv/app/tsig | cut -c9-"));
    let telling = lines.lines().filter(|line| line.len() >= 20 && !line.contains("-----") && !line.starts_with("b3Bl"));
    telling.map(str::to_owned).collect()
}

#[test]
fn keys_of_our_own_and_secrets_of_every_operation_are_shown_and_kept_nowhere() {
    let (ada, container) = (Person::new(), Container::debian());
    container.exec("mkdir -p /srv");
    let scene = Scene::with(&format!("hosts:\n  box: {{ connect: docker, container: {} }}\n", container.name()));
    let scene = scene.playbook(PLAYBOOK);
    ada.cli(&scene.project, ["secret", "init", "-q"]).success();
    let word = || ulid::Ulid::generate().to_string();
    let tokens = [word(), word()];
    let mut shown = Vec::new();
    let mut run = |token: &str, words: &[&str]| {
        let cli = ada.cli(&scene.project, []).env("TOKEN", format!("t'{token}\"$%")).env("RUST_LOG", "trace");
        let cli = words.iter().fold(cli, |cli, word| cli.arg(word)).any_stdout().any_stderr();
        let ran = cli.exit(if words[0] == "apply" { 3 } else { 0 });
        shown.push((words.join(" "), [ran.stdout, ran.stderr].concat()));
    };
    run(&tokens[0], &["apply", "site.rhai", "--yes", "-vvv", "--diff", "--events", "apply.jsonl"]);
    for token in &tokens {
        run(token, &["plan", "site.rhai", "-vvv", "--diff", "--save", "out.plan"]);
        run(token, &["plan", "site.rhai", "--json"]);
        run(token, &["apply", "site.rhai", "--yes", "--diff", "--json"]);
    }
    for words in [&["history", "--json"][..], &["show", "last", "-vvv"], &["state", "export", "export.json"]] {
        run(&tokens[1], words);
    }
    run(&tokens[1], &["state", "list", "--json"]);
    let host = of_host(&container);
    assert!(host.len() >= 8, "{host:?}");
    let needles = Needles(host.into_iter().chain(tokens.clone()).collect());
    for (what, text) in &shown {
        needles.not_in(what, text.as_bytes());
        assert!(!text.contains(['\u{F0000}', '\u{F0001}']) && !text.contains("u{f0000"), "a token is in {what}");
    }
    assert!(shown[0].1.contains("box: [secret]") && !shown[0].1.contains("box: passed"), "{}", shown[0].1);
    assert!(needles.not_below(scene.project.root()) > 8);
    assert_eq!(
        container.says(&format!("grep -rlF {} /srv /etc /tmp /root /run /var 2>/dev/null | sort", tokens[1])),
        "/etc/systemd/system/adv.service\n/srv/app/lines\n/var/spool/cron/crontabs/root"
    );
    assert_eq!(
        container.says(&format!("grep -rlF {} /srv /etc /tmp /root /run /var 2>/dev/null; true", tokens[0])),
        ""
    );
}
