//! Back to the lines of before.

use super::{Past, Step, Steps, content_of};
use regex::Regex;
use serde_json::Value;

/// The whole file as it was: right only as long as nothing else can have changed it.
pub fn whole(past: &Past) -> Steps {
    match (past.fresh, past.file()) {
        (true, Some(file)) => Ok(vec![Step::call("file::put", file).with("content", content_of(past.content()?))]),
        _ => Err("what was replaced is not known, line by line".to_owned()),
    }
}

pub fn line(past: &Past) -> Steps {
    if past.fresh && past.before.content.is_some() {
        return whole(past);
    }
    let (path, line) = (past.wanted("path"), past.wanted("line"));
    if line.starts_with("secret:") {
        return Err("it holds a secret".to_owned());
    }
    let before = past.text();
    let old = before.lines().rev().find(|found| matches(past, found) || *found == line);
    let exactly = |text: &str| format!("^{}$", regex::escape(text));
    Ok(match (past.wanted_absent(), old) {
        (true, _) => {
            let gone = before.lines().filter(|found| matches(past, found) || *found == line);
            gone.map(|text| Step::call("file::line", path).with("line", text)).collect()
        }
        (false, Some(old)) if old == line => Vec::new(),
        (false, Some(old)) => vec![Step::call("file::line", path).with("line", old).with("pattern", exactly(line))],
        (false, None) if past.before.existed => Vec::new(),
        (false, None) => vec![Step::call("file::line", path).with("line", line).with("present", false)],
    })
}

fn matches(past: &Past, line: &str) -> bool {
    match (past.wanted("pattern"), past.want.get("fixed").and_then(Value::as_bool)) {
        ("", _) => false,
        (pattern, Some(true)) => line.contains(pattern),
        (pattern, _) => Regex::new(pattern).is_ok_and(|regex| regex.is_match(line)),
    }
}

pub fn block(past: &Past) -> Steps {
    if past.fresh && past.before.content.is_some() {
        return whole(past);
    }
    let id = Some(past.wanted("id")).filter(|id| !id.is_empty()).unwrap_or("rhapsode");
    let marker = Some(past.wanted("marker")).filter(|marker| !marker.is_empty()).unwrap_or("# {mark} {id}");
    let mark = |word| marker.replace("{id}", id).replace("{mark}", word);
    let (begin, end) = (mark("BEGIN"), mark("END"));
    let before = past.text();
    let inside: Vec<&str> =
        before.lines().skip_while(|line| *line != begin).skip(1).take_while(|line| *line != end).collect();
    let there = before.lines().any(|line| line == begin);
    let call = Step::call("file::block", past.wanted("path")).taking(&past.want, &["id", "marker"]);
    Ok(match (there, past.wanted_absent()) {
        (true, _) => vec![call.with("content", inside.join("\n"))],
        (false, false) if past.before.existed => Vec::new(),
        (false, true) => Vec::new(),
        (false, false) => vec![call.with("present", false)],
    })
}

pub fn key(past: &Past) -> Steps {
    if past.fresh && past.before.content.is_some() && !past.before.existed {
        return whole(past);
    }
    let user = past.wanted("user");
    let was = past.was("user");
    let home = was.get("home").and_then(Value::as_str).map_or_else(|| format!("/home/{user}"), str::to_owned);
    let file = past.file().map_or_else(|| format!("{home}/.ssh/authorized_keys"), str::to_owned);
    let blob = past.wanted("blob");
    if past.text().contains(blob) {
        return Ok(Vec::new());
    }
    let line = Step::call("file::line", file).with("pattern", blob).with("fixed", true);
    Ok(vec![line.with("present", false)])
}
