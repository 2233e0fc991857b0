//! The way back: which operations bring a thing into the state that it had before us.

mod accounts;
mod containers;
mod files;
mod leave;
mod lines;
mod packages;
mod services;
mod system;

use super::before::Before;
use super::managed::Managed;
use super::registry::{Planned, entry};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A thing that we brought into a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// What it is: [`Managed::kind`](super::Managed).
    pub kind: String,
    /// Which one.
    pub id: String,
    /// What was wanted of it.
    pub want: Map<String, Value>,
    /// What was there before.
    pub before: Before,
    /// True right after the change, when nothing else can have changed the file since.
    pub fresh: bool,
}

/// The way back for one thing.
pub enum Undo {
    /// It was so before us.
    Nothing,
    /// These operations, in this order.
    Run(Vec<Inverse>),
    /// There is none, and why.
    Not(String),
}

/// An operation that undoes another one.
pub struct Inverse {
    /// `file::absent`.
    pub op: &'static str,
    /// `/etc/motd`.
    pub target: String,
    /// The operation itself.
    pub planned: Box<dyn Planned>,
}

/// Finds the way back.
pub fn undo(past: &Past) -> Undo {
    let calls = match past.kind.as_str() {
        "path" => files::path(past),
        "tree" => files::tree(past),
        "line" => lines::line(past),
        "block" => lines::block(past),
        "replacement" => lines::whole(past),
        "key" => lines::key(past),
        "known-host" => system::known_host(past),
        "cron-job" => system::cron_job(past),
        "sudo-rule" => files::sudo_rule(past),
        "apt-repo" => files::apt(past, "apt::repo"),
        "apt-key" => files::apt(past, "apt::key"),
        "trust" => files::trust(past),
        "unit-file" => services::unit_file(past),
        "unit" => services::unit(past),
        "package" => packages::package(past),
        "hold" => packages::hold(past),
        "user" => accounts::user(past),
        "group" => accounts::group(past),
        "checkout" => files::checkout(past),
        "container" => containers::named(past, "docker::container"),
        "network" => containers::named(past, "docker::network"),
        "image" => containers::named(past, "docker::image"),
        "compose" => containers::named(past, "docker::compose"),
        "volume" => containers::volume(past),
        "hostname" => system::hostname(past),
        "timezone" => system::timezone(past),
        "sysctl" => system::sysctl(past),
        "git-setting" => system::git_setting(past),
        "ssh-server" => Err("change sshd by `ssh::server` itself, so that nobody is locked out".to_owned()),
        "action" => Ok(Vec::new()),
        "command" => Err("nobody knows what a command did".to_owned()),
        _ => Err("its `undo` is known to its script alone".to_owned()),
    };
    let built = calls.and_then(|calls| calls.into_iter().map(Step::inverse).collect::<Result<Vec<_>, _>>());
    match built {
        Err(why) => Undo::Not(why),
        Ok(inverses) if inverses.is_empty() => Undo::Nothing,
        Ok(inverses) => Undo::Run(inverses),
    }
}

/// What must be done again once the things around it are as they were: a service was restarted with the new state.
pub fn again(past: &Past) -> Option<Inverse> {
    let ops = ["service::restarted", "service::reloaded"];
    let op = ops.into_iter().find(|op| past.kind == Managed::ACTION && past.wanted("op") == *op)?;
    Step::call(op, &past.id).taking(&past.want, &["user", "init"]).inverse().ok()
}

/// Steps back, or why there is no way.
type Steps = Result<Vec<Step>, String>;

/// One step back: a call of an operation that playbooks have too, or one of our own.
enum Step {
    Call { op: &'static str, target: String, args: Map<String, Value> },
    Own(Inverse),
}

impl Step {
    fn call(op: &'static str, target: impl Into<String>) -> Self {
        Self::Call { op, target: target.into(), args: Map::new() }
    }

    fn own(op: &'static str, target: impl Into<String>, planned: impl Planned + 'static) -> Self {
        Self::Own(Inverse { op, target: target.into(), planned: Box::new(planned) })
    }

    /// Adds an argument, unless it is null.
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if let (Self::Call { args, .. }, false) = (&mut self, value.is_null()) {
            args.insert(name.to_owned(), value);
        }
        self
    }

    /// Adds the arguments that are among these values.
    fn taking(self, values: &Map<String, Value>, names: &[&str]) -> Self {
        names.iter().fold(self, |step, name| step.with(name, values.get(*name).cloned().unwrap_or_default()))
    }

    fn inverse(self) -> Result<Inverse, String> {
        let (op, target, mut args) = match self {
            Self::Own(inverse) => return Ok(inverse),
            Self::Call { op, target, args } => (op, target, args),
        };
        let entry = entry(op).expect("steps back name operations of the registry");
        args.insert(entry.target.to_owned(), target.clone().into());
        let planned = (entry.accept)(Value::Object(args)).map_err(|error| error.to_string())?;
        Ok(Inverse { op, target, planned })
    }
}

impl Past {
    /// An aspect that was wanted, as text.
    fn wanted(&self, name: &str) -> &str {
        self.want.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.want.contains_key(name)
    }

    fn wanted_absent(&self) -> bool {
        self.wanted("state") == "absent"
    }

    /// What was seen of a kind of state before; empty when there was nothing.
    fn was(&self, kind: &str) -> Map<String, Value> {
        self.before.state.get(kind).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// The file that holds it.
    fn file(&self) -> Option<&str> {
        self.before.state.get("file").and_then(Value::as_str)
    }

    fn content(&self) -> Result<&Arc<[u8]>, String> {
        let why = self.before.state.get("not_kept").and_then(Value::as_str).unwrap_or("nobody read it");
        self.before.content.as_ref().ok_or_else(|| format!("its content before is not kept: {why}"))
    }

    /// The text before, empty when there was none.
    fn text(&self) -> String {
        self.before.content.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    }
}

/// Content as an argument: a text, or bytes where it is none that a script could hold.
fn content_of(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if !crate::secret::contains_token(text) => text.into(),
        _ => bytes.iter().copied().map(Value::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    pub(super) fn past(kind: &str, id: &str, want: Value, before: Before) -> Past {
        let want = want.as_object().cloned().expect("a map");
        Past { kind: kind.into(), id: id.into(), want, before, fresh: false }
    }

    fn names(past: &Past) -> Vec<String> {
        match undo(past) {
            Undo::Nothing => Vec::new(),
            Undo::Run(inverses) => inverses.iter().map(|one| format!("{} {}", one.op, one.target)).collect(),
            Undo::Not(why) => vec![why],
        }
    }

    fn was(state: Value, content: Option<&str>) -> Before {
        let state = state.as_object().cloned().expect("a map");
        Before { existed: true, state, content: content.map(|text| text.as_bytes().into()) }
    }

    #[test]
    fn what_was_not_there_goes_and_what_was_there_comes_back() {
        let want = json!({ "state": "file", "content": "sha256:00" });
        let new = past("path", "/etc/x", want.clone(), Before::default());
        assert_eq!(names(&new), ["file::absent /etc/x"]);
        let state = json!({ "path": { "kind": "file", "mode": "0640", "owner": "root", "group": "adm" } });
        let old = past("path", "/etc/x", want.clone(), was(state.clone(), Some("old\n")));
        assert_eq!(names(&old), ["file::put /etc/x"]);
        let lost = past("path", "/etc/x", want, was(state, None));
        assert!(names(&lost)[0].contains("not kept"), "{:?}", names(&lost));
    }

    #[test]
    fn a_directory_that_was_made_on_the_way_goes_too() {
        let mut before = Before::default();
        before.state.insert("made".into(), json!(["/srv/a"]));
        let past = past("path", "/srv/a/x", json!({ "state": "file" }), before);
        assert_eq!(names(&past), ["file::absent /srv/a/x", "file::absent /srv/a"]);
    }

    #[test]
    fn every_way_back_is_an_operation_that_takes_its_arguments() {
        let cases = [
            ("line", "x", json!({ "state": "present", "path": "/etc/x", "line": "a" })),
            ("block", "x", json!({ "state": "present", "path": "/etc/x" })),
            ("key", "x", json!({ "user": "app", "blob": "AAAA" })),
            ("known-host", "x", json!({ "state": "present", "name": "git.example" })),
            ("cron-job", "x", json!({ "state": "present", "name": "x", "user": "root" })),
            ("sudo-rule", "app", json!({ "state": "present" })),
            ("apt-repo", "app", json!({ "state": "present" })),
            ("apt-key", "app", json!({ "state": "present" })),
            ("trust", "app", json!({ "state": "present" })),
            ("unit-file", "/etc/systemd/system/x.service", json!({ "state": "present", "unit": "x.service" })),
            ("unit", "x.service", json!({ "running": true, "enabled": true, "masked": false })),
            ("package", "x", json!({ "state": "present" })),
            ("hold", "x", json!({ "state": "present" })),
            ("user", "x", json!({ "state": "present" })),
            ("group", "x", json!({ "state": "present" })),
            ("checkout", "/srv/x", json!({ "state": "present" })),
            ("container", "xx", json!({ "state": "present" })),
            ("network", "xx", json!({ "state": "present" })),
            ("image", "xx", json!({ "state": "present" })),
            ("compose", "xx", json!({ "state": "present" })),
            ("tree", "/srv/x", json!({ "state": "tree", "names": ["a"] })),
            ("git-setting", "global user.name", json!({ "key": "user.name", "scope": "global" })),
        ];
        for (kind, id, want) in cases {
            let mut before = Before::default();
            before.state.insert("user".into(), Value::Null);
            before.state.insert("file".into(), "/etc/held".into());
            let past = past(kind, id, want, before);
            assert!(matches!(undo(&past), Undo::Run(_)), "{kind}: {:?}", names(&past));
        }
    }
}
