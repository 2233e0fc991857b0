//! S5: every operation twice on every kind of host that it supports. The second run changes nothing and sends
//! nothing that could.

use super::{Document, Scene};
use crate::support::aptrepo::{self, Deb};
use crate::support::docker::{Container, docker};
use crate::support::sshd::Sshd;
use rhapsode::ops::OPERATIONS;
use std::process::Command as Process;

/// Where an operation is tried. `S`: Debian with systemd over ssh. `B`: bare busybox over `docker exec`. `L`: this
/// machine over a local shell. `{dir}` is a folder there, `{name}` is unique.
const SWEEP: &[(&str, &str, &str)] = &[
    ("file::dir", "SBL", r#"file::dir("{dir}/d/e", #{ mode: "0750" });"#),
    ("file::put", "SBL", r#"file::put("{dir}/put", #{ content: "it's $HOME\n", mode: "0640" });"#),
    ("file::put", "SBL", r#"file::put("{dir}/made/of/src", #{ src: "tree/one", create_dirs: true });"#),
    (
        "file::template",
        "SBL",
        r#"file::template("{dir}/template", #{ text: "port {{ port }}\n", vars: #{ port: 80 } });"#,
    ),
    ("file::present", "SBL", r#"file::present("{dir}/present", #{ mode: "0600" });"#),
    ("file::absent", "SBL", r#"file::absent("{dir}/gone", #{ recursive: true });"#),
    ("file::link", "SBL", r#"file::link("{dir}/link", #{ to: "put" });"#),
    ("file::line", "SBL", r#"file::line("{dir}/lines", #{ line: "two=2", pattern: "^two=", create: true });"#),
    ("file::block", "SBL", r#"file::block("{dir}/text", #{ content: "a\nb", id: "sweep" });"#),
    ("file::replace", "SBL", r#"file::replace("{dir}/text", #{ pattern: "colou?r", to: "hue" });"#),
    ("file::mirror", "SBL", r#"file::mirror("{dir}/tree", #{ src: "tree", delete: true });"#),
    ("file::download", "B", r#"file::download("{dir}/fetched", #{ url: "http://127.0.0.1:8000/text" });"#),
    ("cmd::run", "SBL", r#"cmd::run("touch {dir}/ran", #{ creates: "{dir}/ran" });"#),
    ("cmd::script", "SBL", r#"cmd::script("make.sh", #{ args: ["{dir}/scripted"], creates: "{dir}/scripted" });"#),
    ("cmd::read", "SBL", r#"cmd::read("cat {dir}/put");"#),
    ("git::repo", "SL", r#"git::repo("{dir}/clone", #{ url: "{dir}/origin.git", ref: "main" });"#),
    ("git::config", "SL", r#"git::config("core.editor", #{ value: "true", scope: "{dir}/clone" });"#),
    ("wait::file", "SBL", r#"wait::file("{dir}/put", #{ timeout: 5 });"#),
    ("wait::port", "SB", r#"wait::port({port}, #{ timeout: 20 });"#),
    ("wait::http", "B", r#"wait::http("http://127.0.0.1:8000/text", #{ timeout: 20 });"#),
    ("wait::ssh", "S", r#"wait::ssh(#{ timeout: 20 });"#),
    ("group::present", "SB", r#"group::present("ops", #{ gid: 4321 });"#),
    ("group::absent", "SB", r#"group::absent("oldgroup");"#),
    (
        "user::present",
        "SB",
        r#"user::present("ada", #{ uid: 4322, groups: ["ops"], shell: "/bin/sh", comment: "A" });"#,
    ),
    (
        "user::keys",
        "SB",
        r#"user::keys("ada", #{ keys: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmfZbOQZSFwvMlMg9Op5Z9V2uJZ1zqmQVQ2sbhDsaaK a@b" });"#,
    ),
    ("user::absent", "SB", r#"user::absent("olduser", #{ remove_home: true });"#),
    ("sudo::rule", "S", r#"sudo::rule("ada", #{ who: "ada", commands: ["/usr/bin/id"], nopasswd: true });"#),
    ("cron::job", "SB", r#"cron::job("nightly", #{ command: "true", hour: 3, minute: "*/5", env: #{ A: "b" } });"#),
    ("ssh::server", "S", r#"ssh::server(#{ MaxAuthTries: 5, X11Forwarding: false });"#),
    (
        "ssh::known_host",
        "SB",
        r#"ssh::known_host("git.example", #{ key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmfZbOQZSFwvMlMg9Op5Z9V2uJZ1zqmQVQ2sbhDsaaK" });"#,
    ),
    ("sys::hostname", "S", r#"sys::hostname("swept");"#),
    ("sys::timezone", "S", r#"sys::timezone("UTC");"#),
    ("sys::sysctl", "S", r#"sys::sysctl("net.ipv4.ip_forward", #{ value: 1 });"#),
    ("apt::repo", "S", r#"apt::repo("more", #{ uris: "copy:/srv/apt", suites: "./", trusted: true });"#),
    ("apt::key", "S", r#"apt::key("archive", #{ src: "key.gpg" });"#),
    ("apt::deb", "S", r#"apt::deb("file:///srv/debs/rh-file_1.0_all.deb", #{});"#),
    ("pkg::update", "S", r#"pkg::update(#{ cache_time: 3600 });"#),
    ("pkg::installed", "S", r#"pkg::installed(["rh-one", "rh-two=1.0"]);"#),
    ("pkg::latest", "S", r#"pkg::latest("rh-three");"#),
    ("pkg::removed", "S", r#"pkg::removed("rh-old", #{ purge: true });"#),
    ("pkg::hold", "S", r#"pkg::hold("rh-two");"#),
    ("pkg::upgrade", "S", r#"pkg::upgrade();"#),
    (
        "systemd::unit",
        "S",
        r#"systemd::unit("made", #{ sections: #{ Service: #{ ExecStart: "/bin/sleep 9999" }, Install: #{ WantedBy: "multi-user.target" } }, enabled: true, running: true });"#,
    ),
    ("systemd::timer", "S", r#"systemd::timer("tick", #{ on_calendar: "daily", command: "/bin/true" });"#),
    ("systemd::daemon_reload", "S", r#"systemd::daemon_reload();"#),
    ("service::running", "S", r#"service::running("s1", #{ enabled: true });"#),
    ("service::stopped", "S", r#"service::stopped("s2");"#),
    ("service::enabled", "S", r#"service::enabled("s3");"#),
    ("service::disabled", "S", r#"service::disabled("s2");"#),
    ("service::masked", "S", r#"service::masked("s4");"#),
    ("docker::image", "L", r#"docker::image("rh-busybox");"#),
    ("docker::network", "L", r#"docker::network("{name}", #{ internal: true });"#),
    ("docker::volume", "L", r#"docker::volume("{name}", #{ labels: #{ a: "b" } });"#),
    (
        "docker::container",
        "L",
        r#"docker::container("{name}", #{ image: "rh-busybox", env: #{ A: "b" }, volumes: ["{name}:/data"], networks: ["{name}"] });"#,
    ),
    ("docker::compose", "L", r#"docker::compose("{name}c", #{ dir: "{dir}/compose" });"#),
];

/// Done each time they are asked for; tests of their own see to them.
const ACTIONS: &[(&str, &str)] = &[
    ("service::restarted", "restarts whenever it is asked to"),
    ("service::reloaded", "reloads whenever it is asked to"),
    ("sys::reboot", "restarts the host whenever it is asked to"),
];

/// Want a project with keys of its own: what applies them twice.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cert::present", "certs::s23"),
    ("cert::trust", "certs::s23, certs::trust"),
    ("cert::pkcs12", "certs::present"),
    ("cert::crl", "certs::tls"),
];

#[test]
fn every_operation_is_swept_or_named_as_an_action() {
    let named = |list: &[(&str, &str)], name: &str| list.iter().any(|(op, _)| *op == name);
    let swept = |name: &str| SWEEP.iter().any(|(op, ..)| *op == name) || named(ACTIONS, name) || named(ELSEWHERE, name);
    let missing: Vec<&str> = OPERATIONS.iter().map(|entry| entry.name).filter(|name| !swept(name)).collect();
    assert!(missing.is_empty(), "neither swept nor an action: {missing:?}");
    for name in SWEEP.iter().map(|(op, ..)| *op).chain(ACTIONS.iter().chain(ELSEWHERE).map(|(op, _)| *op)) {
        assert!(rhapsode::ops::entry(name).is_some(), "no operation `{name}`");
    }
}

/// What the operations find, as a script for the host.
const BEFORE: &str = r#"mkdir -p "$0/gone/deep" "$0/tree/extra" && printf 'color=red\n' >"$0/text" && printf 'one=1\ntwo=1\n' >"$0/lines""#;
const ORIGIN: &str = r#"export GIT_CONFIG_GLOBAL=/dev/null
git init -q -b main "$0/work" && git -C "$0/work" -c user.name=a -c user.email=a@b commit -q --allow-empty -m first &&
git clone -q --bare "$0/work" "$0/origin.git""#;
const SERVICES: &str = r#"useradd -m olduser; groupadd oldgroup
for s in s1 s2 s3 s4; do
    printf '[Service]\nExecStart=/bin/sleep 9999\n[Install]\nWantedBy=multi-user.target\n' >/usr/lib/systemd/system/$s.service
done
systemctl daemon-reload && systemctl enable --now s2 2>/dev/null"#;

/// Runs everything of one kind of host twice, and gives what the portable file operations left there.
fn sweep(bed: char, connection: &str, dir: &str, name: &str) -> Scene {
    let port = if bed == 'B' { "8000" } else { "22" };
    let script: String = SWEEP
        .iter()
        .filter(|(_, beds, _)| beds.contains(bed))
        .map(|(.., line)| line.replace("{dir}", dir).replace("{name}", name).replace("{port}", port) + "\n")
        .collect();
    let scene = Scene::with(&format!("hosts: {{ bed: {connection} }}"))
        .playbook(&script)
        .file("tree/one", "one\n")
        .file("tree/sub/two", "two\n")
        .file("make.sh", "echo made >\"$1\"\n");
    if let Some(key) = bed_key(bed, connection) {
        scene.project.write("key.gpg", key);
    }
    scene.cli(["check", "site.rhai"]).any_stdout().any_stderr().success();
    let first = scene.applied(0);
    assert!(first.0["totals"]["changes"].as_u64() > Some(5), "{first:?}");
    let ran =
        scene.apply().arg("--json").env("RHAPSODE_LOG", "rhapsode::remote=trace").any_stdout().any_stderr().exit(0);
    let second = Document(serde_json::from_str(&ran.stdout).expect("one document"));
    let unsettled: Vec<String> =
        second.operations("bed").into_iter().filter(|line| !line.ends_with(": unchanged")).collect();
    assert_eq!(unsettled, [] as [&str; 0], "the second run is not quiet");
    let sent: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("resident: change ")).collect();
    // A wait asks past the cache of answers, once when there is nothing to wait for.
    let waits = SWEEP.iter().filter(|(op, beds, _)| op.starts_with("wait::") && beds.contains(bed)).count();
    assert_eq!(sent.len(), waits, "the second run sent something that could change the host: {sent:#?}");
    assert!(ran.stderr.contains("resident: request "), "the trace shows what was sent");
    assert_eq!(scene.planned(0).0["totals"]["changes"], 0);
    scene
}

/// An OpenPGP key, from the host itself: every Debian has that of its archive.
fn bed_key(bed: char, connection: &str) -> Option<Vec<u8>> {
    let config = connection.split("ssh_config: ").nth(1)?.split([',', ' ']).next()?;
    let mut ssh = Process::new("ssh");
    ssh.args(["-F", config, "bed", "cat /usr/share/keyrings/debian-archive-keyring.gpg"]);
    (bed == 'S').then(|| ssh.output().expect("ssh starts").stdout)
}

/// Type, mode and content of what lies in a folder, as a script for the host.
const LOOK: &str = r#"cd "$0" && for f in d d/e put made/of/src template present link lines text tree tree/one tree/sub/two ran; do
    printf '%s %s %s\n' "$f" "$(ls -ldn "$f" | cut -c1-10)" "$( [ -f "$f" ] && md5sum <"$f" | cut -c1-32)"
done; ls tree gone 2>&1 | sed 's/^.*gone.*$/gone/'"#;

fn in_container(container: &Container, script: &str) -> String {
    container.exec(&format!("set -e; sh -c '{}' /srv/sweep", script.replace('\'', r"'\''")))
}

fn on_this_machine(script: &str, dir: &str) -> String {
    let output = Process::new("sh").args(["-c", script, dir]).output().expect("sh starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What every host must look like after the portable operations.
fn look_of_reference() -> String {
    let folder = tempfile::tempdir().expect("a temp folder");
    let dir = folder.path().join("sweep").display().to_string();
    on_this_machine(BEFORE, &dir);
    on_this_machine(
        r#"cd "$0"; umask 022; mkdir -p d/e made/of tree/sub; chmod 755 d; chmod 750 d/e; printf "it's \$HOME\n" >put; chmod 640 put
        echo one >made/of/src; echo "port 80" >template; : >present; chmod 600 present; rm -r gone; ln -s put link
        printf 'one=1\ntwo=2\n' >lines; echo one >tree/one; echo two >tree/sub/two; rm -r tree/extra; : >ran"#,
        &dir,
    );
    on_this_machine(LOOK, &dir)
}

/// Without the file that holds markers of ours.
fn comparable(look: &str) -> Vec<&str> {
    look.lines().filter(|line| !line.starts_with("text ")).collect()
}

#[test]
fn twice_on_debian_over_ssh() {
    let sshd = Sshd::start_with(&["--cap-add=NET_ADMIN", "--sysctl=net.ipv4.ip_forward=0"]);
    let bed = &sshd.container;
    for script in [BEFORE, ORIGIN, SERVICES] {
        in_container(bed, script);
    }
    let deb = |name: &str, version: &str| Deb::new(name, version);
    deb("rh-file", "1.0").build(bed, "/srv/debs");
    let all = [("rh-one", "1.0"), ("rh-two", "1.0"), ("rh-two", "2.0"), ("rh-three", "3.0"), ("rh-old", "1.0")];
    aptrepo::only(bed, &all.map(|(name, version)| deb(name, version)));
    bed.exec("mount -o remount,rw /proc/sys");
    bed.exec("apt-get -q update >/dev/null && apt-get -qy install rh-old >/dev/null 2>&1");
    let config = sshd.config().display().to_string();
    sweep('S', &format!("{{ ssh_config: {config} }}"), "/srv/sweep", "-");
    assert_eq!(comparable(&in_container(bed, LOOK)), comparable(&look_of_reference()));
}

#[test]
fn twice_on_a_bare_busybox() {
    let bed = Container::busybox();
    in_container(&bed, BEFORE);
    bed.exec("addgroup oldgroup; adduser -D olduser; httpd -p 127.0.0.1:8000 -h /srv/sweep");
    bed.exec("mkdir -p /var/spool/cron/crontabs");
    sweep('B', &format!("{{ connect: docker, container: {} }}", bed.name()), "/srv/sweep", "-");
    assert_eq!(comparable(&in_container(&bed, LOOK)), comparable(&look_of_reference()));
}

/// Docker things of one name, removed when dropped.
struct Things(String);

impl Drop for Things {
    fn drop(&mut self) {
        let name = &self.0;
        let compose =
            format!("docker ps -aq --filter label=com.docker.compose.project={name}c | xargs -r docker rm -f -v");
        let all = format!(
            "docker rm -f -v {name}; {compose}; docker network rm {name} {name}c_default; docker volume rm {name}"
        );
        let _ = Process::new("sh").args(["-c", &all]).output();
    }
}

#[test]
fn twice_on_this_machine() {
    let folder = tempfile::tempdir().expect("a temp folder");
    let dir = folder.path().join("sweep").display().to_string();
    for script in [BEFORE, ORIGIN] {
        on_this_machine(script, &dir);
    }
    let compose = "version: \"2.4\"\nservices:\n  one:\n    image: rh-busybox\n    command: sleep 600\n    stop_grace_period: 0s\n";
    std::fs::create_dir_all(folder.path().join("sweep/compose")).expect("a folder");
    std::fs::write(folder.path().join("sweep/compose/docker-compose.yml"), compose).expect("written");
    let things = Things(format!("rh-test-sweep-{}", std::process::id()));
    docker(&["image", "inspect", "rh-busybox"]);
    sweep('L', "{ connect: local }", &dir, &things.0);
    assert_eq!(comparable(&on_this_machine(LOOK, &dir)), comparable(&look_of_reference()));
}
