//! What a prune brings back on a whole system: every kind of thing that operations manage.

use super::{Document, Scene};
use crate::support::aptrepo::{self, Deb};
use crate::support::docker::Container;
use std::collections::BTreeSet;

fn on(container: &Container) -> Scene {
    Scene::with(&format!("hosts:\n  one: {{ connect: docker, container: {} }}\n", container.name()))
}

/// What the whole system looks like.
fn look(container: &Container) -> Vec<String> {
    let script = r#"
        find /etc /srv /root /home /opt /usr/local -xdev -exec stat -c '%N %F %u:%g %a' {} +
        find /etc /srv /root /home /opt /usr/local -xdev -type f -exec sha256sum {} +
        sed 's/^/account: /' /etc/passwd /etc/group
        crontab -l 2>/dev/null | sed 's/^/cron: /'
        systemctl is-enabled cron; systemctl is-active cron; uname -n
        dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n'"#;
    let mut lines: Vec<String> = container.exec(script).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// What stays another one, and why.
const LEFT_BEHIND: &[&str] = &[
    // Copies that the account tools keep of the state before their last change.
    "/etc/group-",
    "/etc/gshadow-",
    "/etc/passwd-",
    "/etc/shadow-",
    // What was made to hold a line or a drop-in stays, empty.
    "/etc/ssh/ssh_known_hosts",
    "/etc/subgid-",
    "/etc/subuid-",
    "/etc/systemd/system/cron.service.d",
    // A home stays when its account goes: nobody knows what else is in it.
    "/home/ada",
    "/home/ada/.bash_logout",
    "/home/ada/.bashrc",
    "/home/ada/.profile",
    "/home/ada/.ssh",
    "/home/ada/.ssh/authorized_keys",
    "/home/olga/.ssh",
    "/home/olga/.ssh/authorized_keys",
    "/root/.gitconfig",
];

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKVsfbiHpxXfbWLAihz4siPNkb2ttgBFqKDQ0VTjR64P ada@tests";

#[test]
fn every_kind_of_thing_goes_back() {
    let container = Container::debian();
    container.exec(
        "git init -q --bare /opt/origin.git && git -C /tmp clone -q /opt/origin.git work 2>/dev/null && cd /tmp/work &&
         git -c user.name=t -c user.email=t@t commit -q --allow-empty -m first && git push -q origin HEAD:main &&
         git -C /opt/origin.git symbolic-ref HEAD refs/heads/main && rm -rf /tmp/work
         groupadd olds; useradd -m -s /bin/bash -G olds olga; mkdir -p /opt/dir; chmod 0711 /opt/dir
         printf '# by hand\\n@hourly true\\n' | crontab -; systemctl start cron; systemctl enable cron 2>/dev/null
         printf 'ada ALL=(ALL) ALL\\n' >/etc/sudoers.d/old; chmod 0440 /etc/sudoers.d/old",
    );
    let before = look(&container);
    let bare = KEY.rsplit_once(' ').expect("a comment").0;
    let site = format!(
        r#"
        group::present("ops", #{{ members: ["olga"] }});
        user::present("ada", #{{ keys: "{KEY}" }});
        user::present("olga", #{{ shell: "/bin/sh", groups: "ops" }});
        user::keys("olga", #{{ keys: "{KEY}" }});
        sudo::rule("ada", #{{ who: "ada", commands: "/bin/true" }});
        sudo::rule("old", #{{ who: "ada", commands: "/bin/true" }});
        cron::job("nightly", #{{ command: "true", minute: 5, hour: 3 }});
        service::stopped("cron", #{{ enabled: false }});
        systemd::unit("demo.service", #{{ content: "[Service]\nExecStart=/bin/sleep 1000000\n", running: true }});
        systemd::unit("cron.service", #{{ dropin: "nice", content: "[Service]\nNice=5\n" }});
        systemd::timer("demo2", #{{ on_calendar: "daily", command: "/bin/true" }});
        apt::repo("extra", #{{ uris: "copy:/srv/extra", suites: "./", trusted: true, update: false }});
        git::repo("/opt/app", #{{ url: "/opt/origin.git" }});
        git::config("user.name", #{{ value: "rhapsode" }});
        sys::hostname("renamed");
        ssh::known_host("git.example", #{{ key: "{bare}", system: true }});
        file::dir("/opt/dir", #{{ mode: "0755", owner: "olga" }});
        file::dir("/opt/new");
        file::link("/opt/link", #{{ to: "/opt/new" }});
        file::download("/opt/fetched", #{{ url: "http://127.0.0.1:9/x", when: false }});
        file::line("/etc/hosts", #{{ line: "192.0.2.1 demo" }});
        file::block("/etc/hosts", #{{ content: "192.0.2.2 more" }});
        "#
    );
    let scene = on(&container).playbook(&site);
    scene.applied(0);
    assert_eq!(scene.applied(0).0["totals"]["changes"], 0, "the second run finds all as wanted");
    scene.project.write("site.rhai", "log(\"nothing\");\n");
    let planned = Document(scene.plan().arg("--prune").arg("--json").any_stderr().json(0));
    let pruned = Document(scene.apply().arg("--prune").arg("--json").any_stderr().json(0));
    // What a service is after the removal of its drop-in, only systemd can tell.
    let told = |text: String| text.replace(": unknown", ": changed");
    let predicted: Vec<String> = planned.operations("one").into_iter().map(told).collect();
    assert_eq!(predicted, pruned.operations("one"), "what is planned is done");
    let after = look(&container);
    let gone: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    let path = |line: &&&String| line.split(['\'', ' ']).find(|word| word.starts_with('/')).unwrap_or(line).to_owned();
    let different: BTreeSet<String> = gone.iter().chain(&new).map(|line| path(&line)).collect();
    let different: Vec<&str> = different.iter().map(String::as_str).collect();
    assert_eq!(different, LEFT_BEHIND, "gone: {gone:#?}\nnew: {new:#?}\n{:#}", pruned.0);
    let olga = container.says("getent passwd olga | cut -d: -f7; id -nG olga; cat /home/olga/.ssh/authorized_keys");
    assert_eq!(olga, "/bin/bash\nolga olds");
    assert_eq!(scene.planned(0).0["totals"]["orphans"], 0);
}

#[test]
fn packages_go_when_we_installed_them_and_nothing_else_needs_them() {
    let container = Container::debian();
    let debs = [
        Deb::new("rh-app", "1.0").field("Depends: rh-lib").file("/etc/rh-app.conf", "shipped\n"),
        Deb::new("rh-lib", "1.0"),
        Deb::new("rh-old", "1.0"),
        Deb::new("rh-user", "1.0").field("Depends: rh-app"),
    ];
    aptrepo::only(&container, &debs);
    container.exec("apt-get update -qq && apt-get install -qq rh-old >/dev/null");
    let scene = on(&container).playbook(
        "pkg::installed([\"rh-app\", \"rh-old\", \"rh-lib\"]);
         file::put(\"/etc/rh-app.conf\", #{ content: \"ours\\n\" });",
    );
    scene.applied(0);
    container.exec("apt-get install -qq rh-user >/dev/null");
    scene.project.write("site.rhai", "log(\"nothing\");\n");
    let there = || container.says("dpkg-query -W -f '${db:Status-Abbrev}${Package} ' 'rh-*' | tr -s ' '");
    let left = Document(scene.apply().arg("--prune").arg("--json").any_stderr().json(0));
    assert_eq!(there(), "ii rh-app ii rh-lib ii rh-old ii rh-user");
    let reasons: Vec<String> = left.0["hosts"]["one"]["orphans"]
        .as_array()
        .expect("orphans")
        .iter()
        .map(|one| format!("{} {}", one["target"], one["reason"]).replace('"', ""))
        .collect();
    assert!(reasons.iter().any(|one| one == "rh-app `rh-user` needs it"), "{reasons:?}");
    assert_eq!(container.says("cat /etc/rh-app.conf"), "shipped", "the file of the package is back");
    container.exec("apt-get remove -qq rh-user >/dev/null");
    scene.apply().arg("--prune").any_stderr().success();
    assert!(!there().contains("ii rh-app") && !there().contains("ii rh-lib"), "{}", there());
    assert!(there().contains("ii rh-old"), "what was there before us stays");
}
