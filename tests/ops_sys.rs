//! The system itself, and repositories of apt, on a Debian host with systemd.

use crate::support::aptrepo::{self, Deb};
use crate::support::docker::Container;
use crate::support::shell::{converge, plan};
use rhapsode::ops::{OpError, apply};
use serde_json::json;

#[test]
fn a_host_takes_its_name_now_and_for_the_next_boot() {
    let container = Container::debian();
    let mut shell = container.shell();
    let texts = converge(&mut shell, "sys::hostname", json!({"name": "web-1"}));
    assert!(texts[0].ends_with("-> web-1"), "{texts:?}");
    assert_eq!(container.says("hostname; cat /etc/hostname; hostnamectl --static"), "web-1\nweb-1\nweb-1");
    let busybox = Container::start("rh-busybox", &["--cap-add=SYS_ADMIN"]);
    converge(&mut busybox.shell(), "sys::hostname", json!({"name": "small.example.org"}));
    assert_eq!(busybox.says("uname -n"), "small.example.org");
}

#[test]
fn a_host_takes_a_time_zone_that_it_knows() {
    let container = Container::debian();
    let mut shell = container.shell();
    converge(&mut shell, "sys::timezone", json!({"name": "Asia/Tokyo"}));
    assert_eq!(container.says("date +%Z; readlink /etc/localtime"), "JST\n/usr/share/zoneinfo/Asia/Tokyo");
    let moved = converge(&mut shell, "sys::timezone", json!({"name": "Europe/Zurich"}));
    assert_eq!(moved, ["time zone Asia/Tokyo -> Europe/Zurich"]);
    container.exec("timedatectl set-timezone UTC && timedatectl set-timezone Europe/Zurich");
    assert!(plan(&mut shell, "sys::timezone", json!({"name": "Europe/Zurich"})).expect("a plan").is_empty());
    let error = plan(&mut shell, "sys::timezone", json!({"name": "Europe/Zurigo"})).expect_err("no such zone");
    assert_eq!(error.to_string(), "the host knows no time zone `Europe/Zurigo`");
}

#[test]
fn a_kernel_parameter_is_set_where_the_host_may() {
    let container = Container::debian_with(&["--sysctl=net.ipv4.ip_forward=0", "--cap-add=NET_ADMIN"]);
    let mut shell = container.shell();
    let error = plan(&mut shell, "sys::sysctl", json!({"key": "kernel.nosuch", "value": 1})).expect_err("absent");
    assert_eq!(error.to_string(), "the kernel has no parameter `kernel.nosuch`");
    let want = json!({"key": "net.ipv4.ip_forward", "value": 1});
    let error = plan(&mut shell, "sys::sysctl", want.clone()).expect_err("/proc/sys is read-only");
    assert!(error.hint().expect("a hint").contains("docker run --sysctl"), "{error}");
    container.exec("mount -o remount,rw /proc/sys");
    let texts = converge(&mut shell, "sys::sysctl", want);
    assert_eq!(texts, ["create /etc/sysctl.d/90-rhapsode.conf", "net.ipv4.ip_forward 0 -> 1"]);
    assert_eq!(
        container.says("cat /proc/sys/net/ipv4/ip_forward /etc/sysctl.d/90-rhapsode.conf"),
        "1\nnet.ipv4.ip_forward = 1"
    );
    let range = json!({"key": "net.ipv4.ip_local_port_range", "value": "30000  60000", "persist": false});
    assert_eq!(converge(&mut shell, "sys::sysctl", range).len(), 1);
}

#[test]
fn a_restart_is_known_by_a_new_first_process() {
    let container = Container::debian_with(&["--restart=always"]);
    let mut shell = container.shell();
    let needless = plan(&mut shell, "sys::reboot", json!({"only_if_required": true})).expect("a plan");
    assert!(needless.is_empty());
    container.exec("touch /run/reboot-required; sleep 0.1");
    let needed = plan(&mut shell, "sys::reboot", json!({"only_if_required": true, "timeout": 60})).expect("a plan");
    apply(&needed, &mut shell).expect("it comes back");
    // The flag lay on a tmpfs: it is gone, and with it the need.
    let after = plan(&mut shell, "sys::reboot", json!({"only_if_required": true})).expect("a plan");
    assert!(after.is_empty());
}

#[test]
fn a_host_that_does_not_come_back_is_unreachable() {
    let container = Container::debian();
    let mut shell = container.shell();
    let reboot = plan(&mut shell, "sys::reboot", json!({"timeout": 4})).expect("a plan");
    let error = apply(&reboot, &mut shell).expect_err("nobody starts it again");
    assert!(error.to_string().contains("it did not come back within 4s of its reboot"), "{error}");
    assert!(matches!(error, OpError::Shell(rhapsode::remote::ShellError::Unreachable { .. })));
}

#[test]
fn a_repository_that_cannot_be_read_leaves_nothing_behind() {
    let container = Container::debian();
    aptrepo::publish(&container, &[Deb::new("rh-app", "1.0")]);
    container.exec("rm -f /etc/apt/sources.list.d/*; : > /etc/apt/sources.list");
    let mut shell = container.shell();
    let shell = &mut shell;
    let bad = json!({"name": "tests", "uris": "copy:/srv/nosuch", "suites": "./", "trusted": true});
    let bad = plan(shell, "apt::repo", bad).expect("a plan");
    apply(&bad, shell).expect_err("nothing is there");
    assert_eq!(container.says("ls /etc/apt/sources.list.d"), "");

    let flat = json!({"name": "tests", "uris": ["copy:/srv/apt"], "suites": "./", "trusted": true});
    assert_eq!(converge(shell, "apt::repo", flat), ["create /etc/apt/sources.list.d/tests.sources"]);
    assert_eq!(
        container.says("cat /etc/apt/sources.list.d/tests.sources"),
        "Types: deb\nURIs: copy:/srv/apt\nSuites: ./\nTrusted: yes"
    );
    assert_eq!(converge(shell, "pkg::installed", json!({"names": "rh-app"})), ["install rh-app 1.0"]);
    let line = json!({"name": "tests", "line": "deb [trusted=yes] copy:/srv/apt ./"});
    assert_eq!(converge(shell, "apt::repo", line).len(), 2, "one form takes the place of the other");
    assert_eq!(converge(shell, "apt::repo", json!({"name": "tests", "present": false})).len(), 1);
    let error = plan(shell, "pkg::installed", json!({"names": "rh-app=2.0"})).expect_err("the lists are gone");
    assert!(error.to_string().starts_with("apt refuses"), "{error}");
}

#[test]
fn a_later_operation_knows_that_a_planned_repository_may_offer_it() {
    let container = Container::debian();
    aptrepo::only(&container, &[Deb::new("rh-app", "1.0")]);
    let mut shell = container.shell();
    let mut overlay = rhapsode::ops::Overlay::default();
    let repo = json!({"name": "other", "line": "deb [trusted=yes] copy:/srv/apt ./"});
    let planned = plan(&mut shell, "apt::repo", repo).expect("a plan");
    planned.changes.into_iter().for_each(|change| overlay.take(change.effects));
    let mut after = |op: &str, want: serde_json::Value| {
        let planned = (rhapsode::ops::entry(op).expect("an operation").accept)(want).expect("accepted");
        planned.plan(&mut rhapsode::ops::View::new(&mut shell, &overlay))
    };
    let install = after("pkg::installed", json!({"names": "rh-app"})).expect("certain");
    assert_eq!(install.changes[0].text, "install rh-app");
    let latest = after("pkg::latest", json!({"names": "dpkg"})).expect_err("only an apply can tell");
    assert!(matches!(latest, OpError::Unknown(_)), "{latest:?}");
    assert_eq!(after("pkg::update", json!({})).expect("certain").changes.len(), 1);
}

const KEYRING: &str = "/usr/share/keyrings/debian-archive-bookworm-stable.gpg";
const FINGERPRINT: &str = "4D64 FEC1 19C2 0290 67D6  E791 F8D2 585B 8783 D481";

#[test]
fn a_key_is_kept_when_its_fingerprint_is_the_published_one() {
    let container = Container::debian();
    let mut shell = container.shell();
    let shell = &mut shell;
    let want =
        |fingerprint: &str| json!({"name": "debian", "url": format!("file://{KEYRING}"), "fingerprint": fingerprint});
    let error = plan(shell, "apt::key", want(&"A".repeat(40))).expect_err("another key");
    assert!(error.to_string().contains("has the fingerprint 4D64FEC119C2029067D6E791F8D2585B8783D481"), "{error}");
    let texts = converge(shell, "apt::key", want(FINGERPRINT));
    assert!(
        matches!(&texts[..], [text] if text.starts_with("create /etc/apt/keyrings/debian.gpg: binary")),
        "{texts:?}"
    );
    container.exec(&format!("cmp {KEYRING} /etc/apt/keyrings/debian.gpg"));
    container.write("/etc/apt/keyrings/debian.gpg", "<html>");
    let texts = converge(shell, "apt::key", want(FINGERPRINT));
    assert!(matches!(&texts[..], [text] if text.starts_with("content of /etc/apt/keyrings/debian.gpg: ")), "{texts:?}");
    assert_eq!(converge(shell, "apt::key", json!({"name": "debian", "present": false})).len(), 1);
    let page = plan(shell, "apt::key", json!({"name": "x", "content": "<html>"})).expect_err("no key");
    assert_eq!(page.to_string(), "the key for `x` is no OpenPGP key");
}

#[test]
fn a_package_file_is_installed_from_here_and_from_the_host() {
    let container = Container::debian();
    aptrepo::only(&container, &[Deb::new("rh-lib", "1.0")]);
    container.exec("apt-get -q update");
    let deb = |version: &str| Deb::new("rh-app", version).field("Depends: rh-lib").build(&container, "/root");
    let folder = tempfile::tempdir().expect("a folder");
    let local = folder.path().join("any name.deb");
    let first = deb("1:1.0");
    std::fs::write(&local, container.read(&first)).expect("written");
    let mut shell = container.shell();
    let shell = &mut shell;
    assert_eq!(converge(shell, "apt::deb", json!({"src": local})), ["install rh-app 1:1.0"]);
    assert_eq!(container.says("ls /var/cache/apt/archives/rhapsode* 2>/dev/null || echo none"), "none");
    let second = deb("1:2.0");
    assert_eq!(converge(shell, "apt::deb", json!({"src": format!("file://{second}")})), ["rh-app 1:1.0 -> 1:2.0"]);
    assert_eq!(
        converge(shell, "apt::deb", json!({"src": format!("file://{second}"), "present": false})),
        ["remove rh-app"]
    );
    std::fs::write(&local, "not a package").expect("written");
    let error = plan(shell, "apt::deb", json!({"src": local})).expect_err("no package");
    assert!(matches!(error, OpError::Local { .. }), "{error:?}");
}
