//! Hosts that vanish: in the middle of an operation, in the middle of content, for a while.

use super::interrupt::Running;
use super::{Document, Scene};
use crate::support::docker::Container;
use crate::support::hosts::{eventually, noise};
use crate::support::loopback::Loopback;
use std::fs;

#[test]
fn a_connection_that_breaks_in_a_command_ends_that_host_alone_and_the_next_run_goes_on() {
    let sshd = Loopback::start("");
    let scene = Scene::shells(&["other"]);
    let folder = scene.project.path("hosts/other").display().to_string();
    let inventory = format!("{}  bed: {{ ssh_config: {} }}\n", scene.project.read("inv.yaml"), sshd.config().display());
    let scene = scene.file("inv.yaml", inventory).playbook(&format!(
        "cmd::run(\"touch {folder}/first\", #{{ creates: \"{folder}/first\" }});
         if host.name == \"bed\" {{
             try {{ cmd::run(\"kill -9 $PPID; sleep 600\", #{{ removes: \"{folder}/fragile\" }}); }} catch (e) {{ log(\"caught\"); }}
         }}
         barrier();
         cmd::run(\"touch {folder}/last\", #{{ creates: \"{folder}/last\" }});"
    ));
    scene.project.write("hosts/other/fragile", "");
    let document = scene.applied(4);
    assert_eq!(["other", "bed"].map(|host| document.status(host)), ["changed", "unreachable"]);
    assert!(document.error("bed").contains("`bed` is unreachable; "), "{}", document.error("bed"));
    assert_eq!(document.log("bed"), [] as [&str; 0], "a lost host is no error that a script may catch");
    fs::remove_file(scene.project.path("hosts/other/fragile")).expect("it is there");
    assert_eq!(scene.applied(0).status("bed"), "ok");
}

#[test]
fn a_connection_that_breaks_in_the_middle_of_content_leaves_the_old_file_and_no_other() {
    let scene = Scene::with("");
    let folder = scene.project.path("target");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("file"), "old\n").expect("written");
    scene.project.write("content", noise(20 << 20));
    let script = format!("file::put(\"{}\", #{{ src: \"content\" }});", folder.join("file").display());
    // The way to the host carries three megabytes, and then it is gone.
    let breaking = "hosts: { bed: { connect: exec, command: [sh, -c, 'head -c 3000000 | exec sh'] } }";
    let scene = scene.file("inv.yaml", breaking).playbook(&script);
    let ran = scene.apply().arg("--json").any_stderr().any_stdout();
    let document = Document(ran.json(4));
    assert!(document.error("bed").contains("`bed` is unreachable"), "{}", document.error("bed"));
    let names = || -> Vec<String> {
        fs::read_dir(&folder)
            .expect("read")
            .flatten()
            .map(|file| file.file_name().to_string_lossy().into_owned())
            .collect()
    };
    eventually("only the old file is left", || names() == ["file"]);
    assert_eq!(fs::read(folder.join("file")).expect("read"), b"old\n");
    let scene = scene.file("inv.yaml", "hosts: { bed: { connect: local } }");
    assert_eq!(scene.applied(0).operations("bed").len(), 1);
    assert!(fs::read(folder.join("file")).expect("read") == noise(20 << 20));
    assert_eq!(scene.applied(0).0["totals"]["changes"], 0);
}

#[test]
fn a_container_that_freezes_is_unreachable_after_the_timeout_and_the_others_finish() {
    let (one, two) = (Container::busybox(), Container::busybox());
    let host = |container: &Container| {
        format!("{{ connect: docker, container: {}, timeout: 2, connect_timeout: 2 }}", container.name())
    };
    let inventory = format!("hosts:\n  frozen: {}\n  other: {}\n", host(&one), host(&two));
    let scene = Scene::with(&inventory).playbook(
        "if host.name == \"frozen\" { cmd::run(\"touch /started; while [ ! -e /go ]; do sleep 0.1; done\"); }
         barrier();
         cmd::run(\"touch /after\");",
    );
    let running = Running::start(&scene, &[]);
    eventually("it works", || one.try_exec("test -e /started").status.success());
    one.pause();
    let (code, stdout) = running.wait();
    one.unpause();
    let document = Document(serde_json::from_str(&stdout).expect("one document"));
    assert_eq!(["frozen", "other"].map(|host| document.status(host)), ["unreachable", "changed"], "{stdout}");
    assert_eq!(code, Some(4));
    two.exec("test -e /after");
    one.exec("touch /go");
    assert_eq!(scene.applied(0).status("frozen"), "changed");
}
