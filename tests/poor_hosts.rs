//! Hosts without `stat -c`, `sha256sum` and `base64`, through the command line. Their shell is dash: that of busybox
//! runs its own tools even where they are not in PATH.

use crate::scenes::Scene;
use crate::support::docker::Container;
use std::process::Command as Process;

/// No tool of these names; `stat` is there and knows no format.
const MISSING: &str = "stat sha1sum sha256sum sha512sum sha3sum md5sum base64 uuencode openssl tar readlink realpath";

/// GNU tools of Debian without those.
fn gnu() -> Container {
    let bed = Container::asleep("rh-debian", &[]);
    bed.says(&format!(
        "for t in {MISSING} shasum perl busybox; do rm -f /usr/bin/$t /bin/$t /usr/sbin/$t /sbin/$t; done; {STAT}"
    ));
    bed
}

/// The applets of a busybox without those, and no GNU tool.
fn busybox() -> Container {
    let bed = Container::asleep("rh-debian", &[]);
    let copied = Process::new("docker").args(["cp", "/bin/busybox", &format!("{}:/opt/busybox", bed.name())]).output();
    assert!(copied.expect("docker starts").status.success(), "busybox-static is installed: `tests/run` sees to it");
    bed.says(&format!(
        "for t in $(/opt/busybox --list) {MISSING} perl; do
             case $t in sh | dash | sleep | getent) continue ;; esac
             /opt/busybox rm -f /usr/bin/$t /bin/$t /usr/sbin/$t /sbin/$t
         done
         for t in $(/opt/busybox --list); do
             case ' {MISSING} sh ash busybox ' in *\" $t \"*) continue ;; esac
             [ -e /usr/bin/$t ] || /opt/busybox ln -s /opt/busybox /usr/bin/$t
         done
         {STAT}"
    ));
    bed
}

const STAT: &str =
    "printf '#!/bin/sh\\necho stat: no such option >&2; exit 1\\n' >/usr/bin/stat; chmod 755 /usr/bin/stat";

const SCRIPT: &str = r##"
file::dir("/srv/app", #{ mode: "2750", owner: "1", group: "1" });
file::put("/srv/app/it's $x", #{ content: "one\ntwo\n", mode: "0640" });
file::line("/srv/app/conf", #{ pattern: "^two", line: "three", create: true });
file::block("/srv/app/conf", #{ id: "b", content: "in a block\n" });
file::link("/srv/current", #{ to: "app" });
let large = ""; large.pad(300_000, "0123456789abcdef\n");
file::put("/srv/app/large", #{ content: large + cmd::read("cat /etc/hostname").stdout, mode: "0600" });
file::mirror("/srv/tree", #{ src: "tree", delete: true });
cmd::run("echo done >/srv/done", #{ creates: "/srv/done" });
group::present("web", #{ gid: 5000 });
user::present("ada", #{ uid: 5000, groups: ["web"], shell: "/bin/sh" });
file::absent("/srv/none");
"##;

fn keeps_what_a_playbook_says(bed: &Container) {
    assert_eq!(
        bed.says("for t in sha256sum base64 openssl readlink busybox; do command -v $t; done; stat -c %n /; true"),
        ""
    );
    let inventory = format!("hosts: {{ box: {{ connect: docker, container: {} }} }}\n", bed.name());
    let scene = Scene::with(&inventory).playbook(SCRIPT).file("tree/one", "1\n").file("tree/sub dir/two's", "2\n");
    let first = scene.applied(0);
    assert_eq!(first.status("box"), "changed");
    let again = scene.applied(0);
    assert_eq!(again.status("box"), "ok", "{:#}", again.0);
    assert!(again.0["hosts"]["box"]["exchanges"].as_u64().expect("a number") <= 4, "{:#}", again.0);
    let shown = bed.says(
        "cd /srv; cat app/it* app/conf tree/one tree/sub*/two* done; ls -ld app | cut -c1-10; ls -ln app/large | cut -c1-10; \
         wc -c <app/large; cd current && pwd -P; grep -c '^ada:' /etc/passwd",
    );
    let block = "# BEGIN b\nin a block\n# END b\n";
    let large = 300_000 + bed.says("cat /etc/hostname").len();
    let expected = format!("one\ntwo\nthree\n{block}1\n2\ndone\ndrwxr-s---\n-rw-------\n{large}\n/srv/app\n1");
    assert_eq!(shown, expected);
    // What differs behind our back is found without those tools too.
    bed.says("echo x >>/srv/app/large; echo x >>/srv/tree/one; chmod 777 /srv/app");
    let document = scene.applied(0);
    let changed: Vec<String> = document.operations("box").into_iter().filter(|op| op.ends_with(": changed")).collect();
    assert_eq!(changed, ["/srv/app: changed", "/srv/app/large: changed", "/srv/tree: changed"]);
}

#[test]
fn gnu_tools_without_formats_hashes_and_base64_are_enough() {
    keeps_what_a_playbook_says(&gnu());
}

#[test]
fn a_busybox_built_without_formats_hashes_and_base64_is_enough() {
    keeps_what_a_playbook_says(&busybox());
}
