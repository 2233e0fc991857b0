//! Back to the accounts of before.

use super::{Past, Step, Steps};
use serde_json::Value;

pub fn user(past: &Past) -> Steps {
    let was = past.was("user");
    match (was.is_empty(), past.wanted_absent()) {
        (true, true) => Ok(Vec::new()),
        (true, false) => Ok(vec![Step::call("user::absent", &past.id)]),
        (false, true) => Err("a removed account is not made again: its password and its home are gone".to_owned()),
        (false, false) => {
            let fields = ["uid", "group", "shell", "home", "comment"];
            let wanted: Vec<&str> = fields.into_iter().filter(|field| past.is_wanted(field)).collect();
            let mut back = Step::call("user::present", &past.id).taking(&was, &wanted);
            let joined = past.want.keys().any(|key| key.starts_with("in "));
            if joined || past.is_wanted("groups") {
                back = back.with("groups", was.get("groups").cloned().unwrap_or_default()).with("append", false);
            }
            let only_password = past.is_wanted("password") && wanted.is_empty() && !joined;
            if only_password { Err("its password before is not kept".to_owned()) } else { Ok(vec![back]) }
        }
    }
}

pub fn group(past: &Past) -> Steps {
    let was = past.was("group");
    if was.is_empty() {
        let absent = if past.wanted_absent() { Vec::new() } else { vec![Step::call("group::absent", &past.id)] };
        return Ok(absent);
    }
    let mut back = Step::call("group::present", &past.id).taking(&was, &["gid"]);
    if past.is_wanted("members") || past.wanted_absent() {
        back = back.with("members", was.get("members").cloned().unwrap_or(Value::Null)).with("exclusive", true);
    }
    Ok(vec![back])
}
