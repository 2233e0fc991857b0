//! Values made for this run are looked for in everything that leaves the process; they are in the target files alone.

use super::Person;
use crate::scenes::Scene;
use crate::support::cli::Ran;
use crate::support::docker::Container;
use crate::support::postgres::Database;
use base64::Engine;
use rhapsode::secret::Scrubber;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The values of one run: no other process has ever held them.
struct Markers {
    token: String,
    password: String,
    key: String,
}

impl Markers {
    fn new() -> Self {
        let word = || ulid::Ulid::generate().to_string();
        let lines: Vec<String> = (0..4).map(|_| format!("{}{}", word(), word())).collect();
        Self {
            token: format!("tok'{}\"$&", word()),
            password: format!("pw-{}", word()),
            key: format!("-----BEGIN TEST KEY-----\n{}\n-----END TEST KEY-----\n", lines.join("\n")),
        }
    }

    /// Finds them as they are, and encoded in every form that programs give them.
    fn scrubber(&self) -> Scrubber {
        let lines = self.key.lines().filter(|line| !line.starts_with("-----"));
        Scrubber::of([self.token.as_str(), &self.password].into_iter().chain(lines))
    }

    /// Letters and digits of each that no quoting changes: looked for without the code under test.
    fn cores(&self) -> Vec<&str> {
        let lines = self.key.lines().filter(|line| !line.starts_with("-----")).map(|line| &line[..26]);
        [&self.token[4..30], &self.password[3..29]].into_iter().chain(lines).collect()
    }

    fn not_in(&self, what: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for core in self.cores() {
            assert!(!text.contains(core), "a secret is in {what}: {}", near(&text, core));
        }
        assert!(!self.scrubber().finds(bytes), "a secret is encoded in {what}");
    }

    fn not_shown(&self, what: &str, ran: &Ran) {
        self.not_in(&format!("stdout of {what}"), ran.stdout.as_bytes());
        self.not_in(&format!("stderr of {what}"), ran.stderr.as_bytes());
    }
}

/// The line that holds it, and the one before.
fn near(text: &str, core: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.contains(core)).unwrap_or_default();
    lines[at.saturating_sub(1)..=at].join("\n")
}

/// Looks at the command lines of all processes of a container, all the time.
struct Poller(Child);

impl Poller {
    fn start(container: &Container) -> Self {
        let script = "while [ ! -e /run/poll-stop ]; do cat /proc/[0-9]*/cmdline; ls -la /srv /srv/app; done >/run/poll 2>/dev/null";
        let mut docker = Command::new("docker");
        docker.args(["exec", container.name(), "sh", "-c", script]).stdin(Stdio::null());
        Self(docker.spawn().expect("docker starts"))
    }

    fn stop(mut self, container: &Container) -> Vec<u8> {
        container.exec("touch /run/poll-stop");
        self.0.wait().expect("it ends");
        container.read("/run/poll")
    }
}

const PLAYBOOK: &str = r#"
let token = secret("env:MARKER_TOKEN");
let key = secret("file:marker.key");
let hash = secret("cmd:cat marker.hash");
file::dir("/srv/app");
file::put("/srv/app/token", #{ content: token });
file::put("/srv/app/key.pem", #{ content: key });
file::template("/srv/app/conf", #{ text: "port=80\npassword={{ password }}\n" });
user::present("svc", #{ password: hash });
cmd::run("cat >/dev/null", #{ stdin: token, name: `label ${token}` });
cmd::run("echo \"$TOKEN\"; echo \"$TOKEN\" >&2; printf %s \"$TOKEN\" | base64 -w0", #{ env: #{ TOKEN: token }, loud: true });
cmd::run("printf 'it says %s' \"$TOKEN\" >&2; exit 3", #{ env: #{ TOKEN: token }, ignore_errors: true });
cmd::run("cat; cat >&2; exit 4", #{ stdin: key, ignore_errors: true });
let read = cmd::read("cat /srv/app/token 2>/dev/null || true", #{ stable: true });
log(`token ${token} read ${read.stdout}`); print(token); debug(key); print([token, #{ k: key }]);
log(token.map(|plain| { print(plain); plain + "!" }));
op::custom("thing", "one", #{ read: |h| [`left ${token}`], apply: |h, left| log(left) });
block("b", |h| { cmd::run("printf '%s' \"$TOKEN\" >&2; exit 5", #{ env: #{ TOKEN: token } }) }, #{ rescue: |h, e| log(e) });
fail(`the end of ${token} and ${key}`);
"#;

fn scene(container: &Container, markers: &Markers) -> Scene {
    let name = container.name();
    let inventory = format!("hosts:\n  box: {{ connect: docker, container: {name} }}\n");
    let scene = Scene::with(&inventory).playbook(PLAYBOOK);
    scene.project.write("group_data/all.yaml", "password: { secret: app/password }\n");
    scene.project.write("marker.key", &markers.key);
    let hash = format!("$6$saltsalt${}", base64::engine::general_purpose::STANDARD_NO_PAD.encode(&markers.password));
    scene.project.write("marker.hash", hash.replace('+', "."));
    scene
}

fn cli<const N: usize>(ada: &Person, scene: &Scene, markers: &Markers, words: [&str; N]) -> crate::support::cli::Cli {
    let cli = ada.cli(&scene.project, words).env("MARKER_TOKEN", &markers.token);
    cli.env("TMPDIR", scene.project.path("tmp")).any_stdout().any_stderr()
}

/// Everything that was shown while a playbook was planned and applied.
fn runs(ada: &Person, scene: &Scene, markers: &Markers, state: &str) {
    let run = |words: &[&str], code: i32| {
        let cli = cli(ada, scene, markers, []);
        let cli = words.iter().fold(cli, |cli, word| cli.arg(word)).arg("--state").arg(state);
        let ran = cli.exit(code);
        markers.not_shown(&words.join(" "), &ran);
    };
    run(&["plan", "site.rhai", "--save", "out.plan", "-v"], 3);
    run(&["plan", "site.rhai", "--json", "--events", "plan.jsonl"], 3);
    run(&["apply", "site.rhai", "--yes", "-vvv", "--diff", "--events", "apply.jsonl"], 3);
    run(&["apply", "site.rhai", "--yes", "--json"], 3);
    run(&["apply", "site.rhai", "--yes", "-vv", "--events", "-"], 3);
    for words in [&["history"][..], &["history", "--json"], &["show", "last", "-vv"], &["show", "last", "--json"]] {
        run(words, 0);
    }
    run(&["state", "export", "export.json"], 0);
    run(&["state", "list", "--json"], 0);
    run(&["inventory", "list", "--json"], 0);
    run(&["inventory", "explain", "box"], 0);
    run(&["config"], 0);
    run(&["exec", "--yes", "--", "cat", "/srv/app/port"], 3);
}

/// Every file below a folder but those that must hold the secrets.
fn files(markers: &Markers, folder: &Path) -> usize {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("listed").flatten() {
        let path = entry.path();
        if path.is_dir() {
            seen += files(markers, &path);
        } else if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("marker.")) {
            markers.not_in(&path.display().to_string(), &std::fs::read(&path).unwrap_or_default());
            seen += 1;
        }
    }
    seen
}

fn prepared(ada: &Person, container: &Container, markers: &Markers) -> Scene {
    let scene = scene(container, markers);
    std::fs::create_dir(scene.project.path("tmp")).expect("made");
    ada.cli(&scene.project, ["secret", "init", "-q"]).success();
    ada.set(&scene.project, "app/password", &markers.password);
    container.exec("mkdir -p /srv");
    scene
}

#[test]
fn no_secret_is_shown_kept_or_listed_anywhere_but_in_its_files() {
    let (ada, markers, container) = (Person::new(), Markers::new(), Container::debian());
    let scene = prepared(&ada, &container, &markers);
    let poller = Poller::start(&container);
    runs(&ada, &scene, &markers, ".rhapsode/state.db");
    let polled = poller.stop(&container);
    assert!(polled.len() > 10_000, "the poller saw nothing");
    markers.not_in("the process list of the host", &polled);
    wide_modes(&polled);
    assert_eq!(container.read("/srv/app/token"), markers.token.as_bytes());
    assert_eq!(container.read("/srv/app/key.pem"), markers.key.as_bytes());
    assert_eq!(
        container.says("stat -c %a /srv/app/token /srv/app/key.pem /srv/app/conf").replace('\n', " "),
        "600 600 600"
    );
    let held = container.says(&format!(
        "grep -rlF -- {} /srv /tmp /root /var/tmp /run /dev/shm /var/log 2>/dev/null; true",
        &markers.token[4..30]
    ));
    assert_eq!(held, "/srv/app/token", "left over on the host");
    assert!(files(&markers, scene.project.root()) > 8);
    assert_eq!(std::fs::read_dir(scene.project.path("tmp")).expect("listed").count(), 0, "left over here");
}

/// No listing ever showed a file of the folder that others may read.
fn wide_modes(polled: &[u8]) {
    let text = String::from_utf8_lossy(polled);
    let wide = |line: &&str| line.starts_with("-rw") && !line.starts_with("-rw-------") && line.contains(":");
    let wide: Vec<&str> = text.lines().filter(wide).collect();
    assert!(
        text.lines().any(|line| line.starts_with("-rw-------") && line.ends_with("token")),
        "the listing saw no file"
    );
    assert!(wide.is_empty(), "{wide:?}");
}

#[test]
fn no_secret_is_in_a_postgres_store() {
    let (ada, markers, container, database) = (Person::new(), Markers::new(), Container::debian(), Database::new());
    let scene = prepared(&ada, &container, &markers);
    runs(&ada, &scene, &markers, &database.url());
    let tables = database.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'");
    let mut rows = 0;
    for table in tables.lines() {
        let content = database.sql(&format!("SELECT t::text FROM \"{table}\" t"));
        rows += content.lines().count();
        markers.not_in(&format!("the table {table}"), content.as_bytes());
    }
    assert!(rows > 10, "the store is empty");
    files(&markers, scene.project.root());
}

#[test]
fn a_changed_secret_is_told_by_a_fingerprint_and_neither_value_is_shown() {
    let (ada, old, new, container) = (Person::new(), Markers::new(), Markers::new(), Container::debian());
    let scene = prepared(&ada, &container, &old);
    let playbook = "file::template(\"/srv/conf\", #{ text: \"port={{ port }}\\npassword={{ password }}\\n\" });";
    scene.project.write("site.rhai", playbook);
    cli(&ada, &scene, &old, ["apply", "site.rhai", "--yes", "--data", "port=80"]).success();
    ada.set(&scene.project, "app/password", &new.password);
    let save = ["plan", "site.rhai", "--data", "port=80", "--save", "out.plan"];
    let plan = cli(&ada, &scene, &new, save).success();
    assert!(plan.stderr.contains("[secret] => [secret] (changed)"), "{}", plan.stderr);
    for markers in [&old, &new] {
        markers.not_shown("plan", &plan);
        files(markers, scene.project.root());
    }
    let third = Markers::new();
    ada.set(&scene.project, "app/password", &third.password);
    let apply = cli(&ada, &scene, &new, ["apply", "out.plan"]).exit(7);
    assert!(apply.stderr.contains("deviates"), "{}", apply.stderr);
    let port = cli(&ada, &scene, &new, ["apply", "site.rhai", "--yes", "--diff", "--data", "port=81"]).success();
    assert!(port.stderr.contains("-port=80") && port.stderr.contains("+port=81"), "{}", port.stderr);
    let again = cli(&ada, &scene, &new, ["apply", "site.rhai", "--yes", "--json", "--data", "port=81"]).success();
    assert!(again.stdout.contains("\"changes\": 0"), "{}", again.stdout);
}
