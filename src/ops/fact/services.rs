//! `systemd.` and `openrc.`

use super::args::Args;
use super::{Fact, fact};
use crate::remote::{Command, Output};
use serde_json::{Map, Value};

pub(super) const FACTS: &[Fact] = &[
    fact("systemd.SystemdStatus", &["services", "user_mode"], units, |_, output| active(output)),
    fact("systemd.SystemdEnabled", &["services", "user_mode"], unit_files, enabled),
    fact("openrc.OpenrcStatus", &["runlevel"], rc_status, |_, output| started(output)),
    fact("openrc.OpenrcEnabled", &["runlevel"], rc_update, in_runlevel),
];

fn systemctl(args: &Args, verb: &str) -> Command {
    Command::new("systemctl").arg_if(args.is_set("user_mode"), "--user").arg(verb).arg("--no-legend").arg("--no-pager")
}

/// A name without a type is a service, as for systemctl(1).
fn full_name(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("{name}.service") }
}

fn units(args: &Args) -> Command {
    let command = systemctl(args, "list-units").arg("--all").arg("--plain").arg("--full").arg("--");
    command.args(args.list("services").iter().map(|name| full_name(name)))
}

fn active(output: &Output) -> Option<Value> {
    let text = output.text();
    let mut states = Map::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [unit, _, active, ..] = words[..] else { continue };
        states.insert(unit.to_owned(), (active == "active").into());
    }
    output.ok().then(|| states.into())
}

fn unit_files(args: &Args) -> Command {
    let command = systemctl(args, "list-unit-files").arg("--");
    command.args(args.list("services").iter().map(|name| full_name(name)))
}

fn enabled(_: &Args, output: &Output) -> Option<Value> {
    let text = output.text();
    let mut states = Map::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(unit), Some(state)) = (words.next(), words.next()) else { continue };
        states.insert(unit.to_owned(), state.starts_with("enabled").into());
    }
    // A pattern that matches nothing is an error of its own, and no answer is an answer.
    (output.ok() || output.stderr.is_empty()).then(|| states.into())
}

fn runlevel(args: &Args) -> String {
    match args.text("runlevel") {
        name if name.is_empty() => "default".into(),
        name => name,
    }
}

fn rc_status(args: &Args) -> Command {
    Command::new("rc-status").arg(runlevel(args))
}

fn started(output: &Output) -> Option<Value> {
    let text = output.text();
    let mut states = Map::new();
    for line in text.lines() {
        if let Some((name, state)) = line.split_once('[') {
            states.insert(name.trim().to_owned(), state.trim_start().starts_with("started").into());
        }
    }
    output.ok().then(|| states.into())
}

fn rc_update(_: &Args) -> Command {
    Command::new("rc-update").arg("show").arg("-v")
}

fn in_runlevel(args: &Args, output: &Output) -> Option<Value> {
    let text = output.text();
    let wanted = runlevel(args);
    let mut states = Map::new();
    for line in text.lines() {
        let Some((name, levels)) = line.split_once('|') else { continue };
        states.insert(name.trim().to_owned(), levels.split_whitespace().any(|level| level == wanted).into());
    }
    output.ok().then(|| states.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_openrc_prints() {
        let text = "Runlevel: default\n crond                    [  started  ]\n sshd           [  stopped  ]\n";
        let output = Output { stdout: text.into(), ..Output::default() };
        assert_eq!(started(&output), Some(json!({"crond": true, "sshd": false})));
        let text = "                acpid |      default\n             bootmisc | boot\n              chronyd |\n";
        let output = Output { stdout: text.into(), ..Output::default() };
        let args = Args::accept(&FACTS[3], Value::Null).expect("none");
        assert_eq!(in_runlevel(&args, &output), Some(json!({"acpid": true, "bootmisc": false, "chronyd": false})));
    }
}
