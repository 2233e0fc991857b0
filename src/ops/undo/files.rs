//! Back to the files of before.

use super::leave::{RemoveCheckout, RemoveOurs};
use super::{Past, Step, Steps, content_of};
use serde_json::Value;

pub fn path(past: &Past) -> Steps {
    let was = past.was("path");
    let attributes = ["mode", "owner", "group"];
    match (was.get("kind").and_then(Value::as_str), past.wanted("state")) {
        (None, "absent") => Ok(Vec::new()),
        (None, "directory") => Ok(with_parents(past, ours(&past.id, Vec::new()))),
        (None, _) => Ok(with_parents(past, Step::call("file::absent", &past.id))),
        (Some("directory"), "directory") => Ok(vec![Step::call("file::dir", &past.id).taking(&was, &attributes)]),
        (Some("directory"), _) => Err("what a removed directory held is not kept".to_owned()),
        (Some("link"), "file") => {
            Ok(vec![Step::call("file::put", &past.id).with("content", content_of(past.content()?))])
        }
        (Some("link"), _) => {
            let target = was.get("target").cloned().unwrap_or_default();
            Ok(vec![Step::call("file::link", &past.id).with("to", target).with("force", true)])
        }
        (Some("file"), "file") if !past.is_wanted("content") && past.before.content.is_none() => {
            Ok(vec![Step::call("file::present", &past.id).taking(&was, &attributes)])
        }
        (Some("file"), _) => Ok(vec![put(past, &past.id)?]),
        (Some(_), _) => Err("a device, pipe or socket is not kept".to_owned()),
    }
}

/// The file as it was, with its owner, group and mode.
pub fn put(past: &Past, path: &str) -> Result<Step, String> {
    let put = Step::call("file::put", path).with("content", content_of(past.content()?)).with("force", true);
    Ok(put.taking(&past.was("path"), &["mode", "owner", "group"]))
}

fn ours(path: &str, only: Vec<String>) -> Step {
    Step::own("file::absent", path, RemoveOurs { path: path.to_owned(), only })
}

/// Directories that had to be made go too, the deepest first, as far as nothing else is in them.
fn with_parents(past: &Past, first: Step) -> Vec<Step> {
    let made = past.before.state.get("made").and_then(Value::as_array).into_iter().flatten();
    let mut made: Vec<&str> = made.filter_map(Value::as_str).collect();
    made.sort_by_key(|path| std::cmp::Reverse(path.len()));
    [first].into_iter().chain(made.into_iter().map(|path| ours(path, Vec::new()))).collect()
}

pub fn tree(past: &Past) -> Steps {
    let names = past.want.get("names").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let there: Vec<&str> = match past.before.state.get("there").and_then(Value::as_array) {
        Some(there) => there.iter().filter_map(Value::as_str).collect(),
        None => Vec::new(),
    };
    let root = past.id.trim_end_matches('/');
    let was_there = |name: &&str| there.contains(&format!("{root}/{name}").as_str());
    let only: Vec<String> = names.filter(|name| !was_there(name)).map(str::to_owned).collect();
    match only.is_empty() && !there.is_empty() {
        true => Err("its files were there before, and their contents are not kept".to_owned()),
        false => Ok(vec![ours(&past.id, only)]),
    }
}

pub fn sudo_rule(past: &Past) -> Steps {
    if !past.before.existed {
        return Ok(gone(past, Step::call("sudo::rule", &past.id)));
    }
    let path = past.file().unwrap_or_default();
    Ok(vec![put(past, path)?.with("validate", "visudo -cf %s")])
}

pub fn apt(past: &Past, op: &'static str) -> Steps {
    match past.before.existed {
        false => Ok(gone(past, Step::call(op, &past.id))),
        true => Ok(vec![put(past, past.file().unwrap_or_default())?]),
    }
}

pub fn trust(past: &Past) -> Steps {
    match (past.before.existed, past.wanted_absent()) {
        (true, _) => Ok(Vec::new()),
        (false, true) => Err("whom the host trusted before is not kept".to_owned()),
        (false, false) => Ok(gone(past, Step::call("cert::trust", &past.id).taking(&past.want, &["folder"]))),
    }
}

/// Takes the thing away, unless that is how it was wanted.
pub fn gone(past: &Past, step: Step) -> Vec<Step> {
    if past.wanted_absent() { Vec::new() } else { vec![step.with("present", false)] }
}

pub fn checkout(past: &Past) -> Steps {
    let was = past.was("checkout");
    if was.is_empty() {
        let path = past.id.clone();
        return Ok(vec![Step::own("git::repo", &past.id, RemoveCheckout { path })]);
    }
    let at = was.get("branch").filter(|branch| !branch.is_null() && !past.fresh).or(was.get("head"));
    let back = Step::call("git::repo", &past.id).with("ref", at.cloned().unwrap_or_default());
    Ok(vec![back.with("url", was.get("origin").cloned().unwrap_or_default())])
}
