//! `git.` and `docker.`

use super::args::Args;
use super::server::text_or_null;
use super::{Fact, fact};
use crate::remote::{Command, Output, quote};
use serde_json::{Map, Value};

pub(super) const FACTS: &[Fact] = &[
    fact("git.GitBranch", &["repo!"], |args| git(args, "symbolic-ref -q --short HEAD"), text_or_null),
    fact(
        "git.GitTrackingBranch",
        &["repo!"],
        |args| git(args, "rev-parse -q --abbrev-ref '@{upstream}'"),
        text_or_null,
    ),
    fact("git.GitCommit", &["repo!"], |args| git(args, "rev-parse -q --verify HEAD"), text_or_null),
    fact("git.GitTag", &["repo!"], |args| git(args, "tag --points-at HEAD"), |_, output| Some(lines(output))),
    fact("git.GitConfig", &["repo"], git_config, |_, output| Some(settings(output))),
    fact("docker.DockerContainer", &["name!"], |args| inspect("container", args), one),
    fact("docker.DockerImage", &["name!"], |args| inspect("image", args), one),
    fact("docker.DockerNetwork", &["name!"], |args| inspect("network", args), one),
    fact("docker.DockerVolume", &["name!"], |args| inspect("volume", args), one),
    fact("docker.DockerContainers", &[], |_| inspect_all("container", "ps -a -q"), many),
    fact("docker.DockerImages", &[], |_| inspect_all("image", "image ls -q"), many),
    fact("docker.DockerNetworks", &[], |_| inspect_all("network", "network ls -q"), many),
    fact("docker.DockerVolumes", &[], |_| inspect_all("volume", "volume ls -q"), many),
    fact("docker.DockerSystemInfo", &[], |_| Command::new("docker").arg("info").arg("--format").arg("{{json .}}"), one),
];

/// As the owner of the working tree: see `git::repo`.
fn git(args: &Args, words: &str) -> Command {
    Command::script(format!(
        "{}export d={}; as \"$(stat -c %U -- \"$d\")\" {} 2>/dev/null || :",
        include_str!("../git/as.sh"),
        args.quoted("repo"),
        quote(&format!("git -C \"$d\" {words}"))
    ))
}

fn git_config(args: &Args) -> Command {
    match args.text("repo") {
        repo if repo.is_empty() => Command::script("git config --global --list -z 2>/dev/null || :"),
        _ => git(args, "config --local --list -z"),
    }
}

/// Spec: git-config(1), "-z": key and value are parted by a line break, entries by NUL.
fn settings(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut settings: Map<String, Value> = Map::new();
    for entry in text.split('\0').filter(|entry| !entry.is_empty()) {
        let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
        if let Value::Array(values) = settings.entry(key).or_insert_with(|| Value::Array(Vec::new())) {
            values.push(value.into());
        }
    }
    settings.into()
}

fn lines(output: &Output) -> Value {
    output.text().lines().filter(|line| !line.is_empty()).collect()
}

fn inspect(object: &str, args: &Args) -> Command {
    let inspect = Command::new("docker").arg(object).arg("inspect").arg("--format").arg("{{json .}}");
    inspect.arg("--").arg(args.text("name"))
}

/// `null` for what is not there; no engine is an error.
fn one(_: &Args, output: &Output) -> Option<Value> {
    let error = output.err_text().to_ascii_lowercase();
    let absent =
        !output.ok() && (error.contains("no such ") || error.ends_with(" not found")) && error.contains("error");
    if absent && !error.contains("no such file") {
        return Some(Value::Null);
    }
    serde_json::from_str(output.text().lines().next()?).ok()
}

fn inspect_all(object: &str, list: &str) -> Command {
    Command::script(format!(
        "i=$(docker {list}) || exit; [ -z \"$i\" ] || docker {object} inspect --format '{{{{json .}}}}' $i"
    ))
}

fn many(_: &Args, output: &Output) -> Option<Value> {
    let objects: Result<Vec<Value>, _> = output.text().lines().map(serde_json::from_str).collect();
    objects.ok().filter(|_| output.ok()).map(Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_may_repeat_and_lack_a_value() {
        let output = Output { stdout: b"a.b\n1\0a.b\n2\0c.d\0".to_vec(), ..Output::default() };
        assert_eq!(settings(&output), serde_json::json!({"a.b": ["1", "2"], "c.d": ["true"]}));
    }
}
