//! Content arrives byte for byte, whatever it holds and whatever carries it; a plan before tells the same and changes nothing.

use super::{Document, Scene};
use crate::support::docker::Container;
use crate::support::hosts::noise;
use crate::support::loopback::Loopback;

/// Name and content of files that shells, templates and scripts like to spoil.
fn payloads() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("quotes", text("it's \"quoted\" \\\"twice\\\" and '\\''\n")),
        ("dollars", text("$HOME ${HOME} $(id) `id` $$ \\$x\n")),
        ("braces", text("{{ name }} {% if %} {# c #} ${host.name} `${x}`\n")),
        ("percent", text("%s %d %% %n 100%\n")),
        ("backslashes", text("\\n \\t \\0 \\\\ \\\n")),
        ("no-end", text("no line end")),
        ("blank", text("\n\n  \n\t\n")),
        ("empty", Vec::new()),
        ("crlf", text("a\r\nb\r\n")),
        ("marker", text("EOF\nRHAPSODE\n.\nexit 1\n")),
        ("unicode", text("ü → 漢字 🦀\u{feff}\u{200d}\n")),
        ("private-use", text("\u{e000}\u{e001}\u{f8ff}\n")),
        ("nul", b"a\0b\0\0\n\xff\xfe\x80".to_vec()),
        ("every-byte", (0..=255).collect()),
        ("large", noise(20 << 20)),
    ]
}

/// Texts go as content too, everything goes as a file of the project.
fn script(target: &str) -> String {
    let mut script = format!("file::dir(\"{target}\");\n");
    for (name, content) in payloads() {
        script.push_str(&format!("file::put(\"{target}/{name}\", #{{ src: \"payloads/{name}\", mode: \"0640\" }});\n"));
        if let Ok(text) = String::from_utf8(content) {
            let text = serde_json::to_string(&text).expect("a text").replace("\\u0000", "\\x00");
            let text = text.replace("\\b", "\\x08").replace("\\f", "\\x0c");
            script.push_str(&format!("file::put(\"{target}/{name} as text\", #{{ content: {text} }});\n"));
        }
    }
    script
}

/// Plans, applies and applies again, and asks for each file afterwards.
fn carry(inventory: &str, folder: &str, read: impl Fn(&str) -> Vec<u8>) {
    let scene = Scene::with(inventory).playbook(&script(folder));
    for (name, content) in payloads() {
        scene.project.write(&format!("payloads/{name}"), content);
    }
    let verdicts = |document: &Document| document.operations("bed");
    let plan = scene.planned(0);
    let apply = scene.applied(0);
    assert_eq!(verdicts(&plan), verdicts(&apply));
    for (name, content) in payloads() {
        assert!(read(&format!("{folder}/{name}")) == content, "{name} arrived as something else");
        if std::str::from_utf8(&content).is_ok() {
            assert!(read(&format!("{folder}/{name} as text")) == content, "{name} as text arrived as something else");
        }
    }
    let again = scene.applied(0);
    assert_eq!(again.0["totals"]["changes"], 0, "{:?}", verdicts(&again));
}

#[test]
fn over_a_local_shell() {
    let folder = tempfile::tempdir().expect("a temp folder");
    let path = folder.path().join("dir with 'blanks'").display().to_string();
    carry("hosts: { bed: { connect: local } }", &path, |path| std::fs::read(path).expect("the file is there"));
}

#[test]
fn over_ssh() {
    let sshd = Loopback::start("");
    let folder = tempfile::tempdir().expect("a temp folder");
    let inventory = format!("hosts: {{ bed: {{ ssh_config: {} }} }}", sshd.config().display());
    let path = folder.path().join("to").display().to_string();
    carry(&inventory, &path, |path| std::fs::read(path).expect("the file is there"));
}

#[test]
fn into_a_busybox_container() {
    let container = Container::busybox();
    let inventory = format!("hosts: {{ bed: {{ connect: docker, container: {} }} }}", container.name());
    carry(&inventory, "/to", |path| container.read(path));
}

#[test]
fn through_a_command_template_into_a_debian_container() {
    let container = Container::start("rh-debian", &["--interactive", "--entrypoint=/bin/cat"]);
    let inventory =
        format!("hosts: {{ bed: {{ connect: exec, command: [docker, exec, -i, {}, sh] }} }}", container.name());
    let before = container.digest();
    let scene = Scene::with(&inventory).playbook(&script("/to"));
    for (name, content) in payloads() {
        scene.project.write(&format!("payloads/{name}"), content);
    }
    scene.planned(0);
    before.assert_same(&container.digest());
    carry(&inventory, "/to", |path| container.read(path));
}
