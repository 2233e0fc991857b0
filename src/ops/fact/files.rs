//! `files.`

use super::args::Args;
use super::{Fact, fact};
use crate::remote::{Command, Output, quote};
use serde_json::{Value, json};

pub(super) const FACTS: &[Fact] = &[
    fact("files.File", &["path!"], stat, |_, output| state(output, "regular")),
    fact("files.Directory", &["path!"], stat, |_, output| state(output, "directory")),
    fact("files.Link", &["path!"], stat, |_, output| state(output, "symbolic link")),
    fact("files.Socket", &["path!"], stat, |_, output| state(output, "socket")),
    fact("files.Md5File", &["path!"], |args| sum("md5sum", args), |_, output| first_word(output)),
    fact("files.Sha1File", &["path!"], |args| sum("sha1sum", args), |_, output| first_word(output)),
    fact("files.Sha256File", &["path!"], |args| sum("sha256sum", args), |_, output| first_word(output)),
    fact("files.Sha384File", &["path!"], |args| sum("sha384sum", args), |_, output| first_word(output)),
    fact("files.FileContents", &["path!"], contents, |_, output| contents_of(output).map(or_null)),
    fact("files.FindInFile", &["path!", "pattern!"], contents, find_in),
    fact("files.Block", &["path!", "id", "marker"], contents, block),
    fact("files.FindFiles", &["path!", "name"], |args| find("f", args), |_, output| found(output)),
    fact("files.FindDirectories", &["path!", "name"], |args| find("d", args), |_, output| found(output)),
    fact("files.FindLinks", &["path!", "name"], |args| find("l", args), |_, output| found(output)),
    fact("files.Flags", &["path!"], flags, |_, output| flags_of(output)),
];

/// Links are not followed.
fn stat(args: &Args) -> Command {
    let path = args.quoted("path");
    Command::script(format!(
        "p={path}; if [ -e \"$p\" ] || [ -L \"$p\" ]; then stat -c '%F|%U|%G|%a|%s|%Y' -- \"$p\" || exit 1
if [ -L \"$p\" ]; then readlink -- \"$p\"; fi; else echo absent; fi"
    ))
}

/// `null` for nothing, `false` for something of another kind.
fn state(output: &Output, kind: &str) -> Option<Value> {
    let text = output.text();
    if text == "absent" {
        return Some(Value::Null);
    }
    let (line, target) = text.split_once('\n').unwrap_or((&text, ""));
    let [found, user, group, mode, size, mtime] = *line.split('|').collect::<Vec<_>>() else { return None };
    if !found.starts_with(kind) {
        return Some(Value::Bool(false));
    }
    let mut state = json!({
        "user": user, "group": group, "mode": format!("{mode:0>4}"), "size": size.parse::<u64>().ok()?,
        "mtime": mtime.parse::<i64>().ok()?,
    });
    if kind == "symbolic link" {
        state["link_target"] = target.into();
    }
    Some(state)
}

fn sum(program: &str, args: &Args) -> Command {
    let path = args.quoted("path");
    Command::script(format!("[ -f {path} ] || exit 0; {program} < {path}"))
}

fn first_word(output: &Output) -> Option<Value> {
    let text = output.text();
    match text.split_whitespace().next() {
        Some(word) => Some(word.into()),
        None => output.ok().then_some(Value::Null),
    }
}

fn contents(args: &Args) -> Command {
    let path = args.quoted("path");
    Command::script(format!("if [ -f {path} ]; then echo there && cat -- {path}; else echo absent; fi"))
}

/// Nothing when it cannot be read, `None` inside when there is no file.
fn contents_of(output: &Output) -> Option<Option<String>> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match text.split_once('\n')? {
        _ if !output.ok() => None,
        ("absent", _) => Some(None),
        (_, content) => Some(Some(content.to_owned())),
    }
}

fn or_null(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::String)
}

fn find_in(args: &Args, output: &Output) -> Option<Value> {
    let Some(text) = contents_of(output)? else { return Some(Value::Null) };
    let pattern = regex::Regex::new(&args.text("pattern")).ok()?;
    Some(text.lines().filter(|line| pattern.is_match(line)).collect())
}

/// Lines between the markers of `file::block`.
fn block(args: &Args, output: &Output) -> Option<Value> {
    let Some(text) = contents_of(output)? else { return Some(Value::Null) };
    let marker = match args.text("marker") {
        marker if marker.is_empty() => format!("# {{mark}} {}", args.text("id")),
        marker => marker,
    };
    let (begin, end) = (marker.replace("{mark}", "BEGIN"), marker.replace("{mark}", "END"));
    let mut lines = text.lines().skip_while(|line| line.trim_end() != begin.trim_end());
    if lines.next().is_none() {
        return Some(Value::Null);
    }
    Some(lines.take_while(|line| line.trim_end() != end.trim_end()).collect())
}

fn find(kind: &str, args: &Args) -> Command {
    let name = args.text("name");
    let name = if name.is_empty() { String::new() } else { format!(" -name {}", quote(&name)) };
    let path = args.quoted("path");
    // A path that begins with `-` would be an option.
    let path = if path.starts_with('-') { format!("./{path}") } else { path };
    Command::script(format!("find {path} -type {kind}{name} -exec printf '%s\\0' {{}} +"))
}

fn found(output: &Output) -> Option<Value> {
    let mut paths: Vec<String> = output
        .stdout
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
        .map(|path| String::from_utf8_lossy(path).into_owned())
        .collect();
    paths.sort();
    Some(paths.into())
}

/// Letters of chattr(1).
fn flags(args: &Args) -> Command {
    Command::new("lsattr").arg("-d").arg("--").arg(args.text("path"))
}

fn flags_of(output: &Output) -> Option<Value> {
    let text = output.text();
    let letters = text.split_whitespace().next().filter(|_| output.ok())?;
    Some(letters.chars().filter(|letter| *letter != '-').map(String::from).collect())
}
