//! What is asked and shown at a terminal; `script` (util-linux) gives the program one.

use super::{Person, scene};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// Runs a command line at a terminal, types a line once it is asked, and gives what the terminal showed.
pub fn at_terminal(person: &Person, folder: &std::path::Path, words: &str, typed: Option<&str>) -> String {
    let (ok, shown) = run_at_terminal(person, folder, words, typed);
    assert!(ok, "{shown}");
    shown
}

/// The same for one that fails before it asks anything.
pub fn refused_at_terminal(person: &Person, folder: &std::path::Path, words: &str) -> String {
    let (ok, shown) = run_at_terminal(person, folder, words, None);
    assert!(!ok, "{shown}");
    shown
}

fn run_at_terminal(person: &Person, folder: &std::path::Path, words: &str, typed: Option<&str>) -> (bool, String) {
    let line = format!("{} {words}", env!("CARGO_BIN_EXE_rhapsode"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--echo", "never", "--command", &line, "/dev/null"]).current_dir(folder);
    script.env("HOME", person.path("")).env("XDG_CONFIG_HOME", person.path(".config")).env("TERM", "xterm");
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script starts");
    let mut stdin = child.stdin.take().expect("piped");
    let mut stdout = child.stdout.take().expect("piped");
    let mut shown = Vec::new();
    let mut byte = [0];
    let mut typed = typed;
    while stdout.read(&mut byte).expect("readable") > 0 {
        shown.extend_from_slice(&byte);
        // Typed before the question, it would be thrown away with the echo.
        if shown.ends_with(b": ")
            && let Some(text) = typed.take()
        {
            std::thread::sleep(std::time::Duration::from_millis(300));
            write!(stdin, "{text}\r").expect("taken");
        }
    }
    let shown = String::from_utf8_lossy(&shown).into_owned();
    (child.wait().expect("it ends").success(), shown)
}

#[test]
fn a_value_is_asked_for_without_showing_it_and_shown_when_asked() {
    let ada = Person::new();
    let project = ada.project();
    let shown = at_terminal(&ada, project.root(), "secret set token", Some("tok-4711-xyz"));
    assert!(shown.contains("value of token: ") && !shown.contains("4711"), "{shown}");
    assert_eq!(ada.get(&project, "token"), "tok-4711-xyz");
    let shown = at_terminal(&ada, project.root(), "secret get token", None);
    assert!(shown.contains("tok-4711-xyz"), "{shown}");
}

#[test]
fn a_playbook_asks_once_before_it_begins() {
    let ada = Person::new();
    let playbook = r#"
        file::put(host.data("here") + "/one", #{ content: secret::prompt("the password") });
        file::put(host.data("here") + "/two", #{ content: secret("prompt:the password") });
    "#;
    let scene = scene(playbook);
    let shown = at_terminal(&ada, scene.project.root(), "apply site.rhai --yes", Some("pro-4711-xyz"));
    assert_eq!(shown.matches("the password: ").count(), 1, "{shown}");
    assert!(!shown.contains("4711"), "{shown}");
    assert_eq!(scene.project.read("hosts/here/one"), "pro-4711-xyz");
    assert_eq!(scene.project.read("hosts/here/two"), "pro-4711-xyz");
}
