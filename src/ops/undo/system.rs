//! Back to the settings of before.

use super::files::gone;
use super::{Past, Step, Steps};
use crate::ops::cron::job_of;
use serde_json::Value;

pub fn hostname(past: &Past) -> Steps {
    match past.was("hostname").get("name").and_then(Value::as_str) {
        Some(name) => Ok(vec![Step::call("sys::hostname", name)]),
        None => Err("its name before is not known".to_owned()),
    }
}

pub fn timezone(past: &Past) -> Steps {
    match past.was("time zone").get("name").and_then(Value::as_str) {
        Some(name) => Ok(vec![Step::call("sys::timezone", name)]),
        None => Err("the time zone before is not known".to_owned()),
    }
}

pub fn sysctl(past: &Past) -> Steps {
    let file = past.wanted("file");
    let persisted = past.want.get("persist").and_then(Value::as_bool).unwrap_or(true);
    let about = format!("^\\s*{}\\s*=", regex::escape(&past.id));
    let had = regex::Regex::new(&about)
        .ok()
        .and_then(|regex| past.text().lines().find(|line| regex.is_match(line)).map(str::to_owned));
    let mut steps = Vec::new();
    if persisted {
        let line = Step::call("file::line", file).with("pattern", about);
        steps.push(match had {
            Some(line_before) => line.with("line", line_before),
            None => line.with("present", false),
        });
    }
    if let Some(value) = past.was("kernel parameter").get("value").filter(|value| !value.is_null()) {
        steps.push(Step::call("sys::sysctl", &past.id).with("value", value.clone()).with("persist", false));
    }
    Ok(steps)
}

pub fn git_setting(past: &Past) -> Steps {
    let was = past.was("git setting");
    let values: Vec<&Value> = was.get("values").and_then(Value::as_array).into_iter().flatten().collect();
    let call = Step::call("git::config", past.wanted("key")).taking(&past.want, &["scope"]);
    match values.as_slice() {
        [] => Ok(gone(past, call)),
        [one] => Ok(vec![call.with("value", (*one).clone())]),
        _ => Err("it had several values".to_owned()),
    }
}

pub fn known_host(past: &Past) -> Steps {
    if past.fresh && past.before.content.is_some() {
        return super::lines::whole(past);
    }
    if past.before.existed {
        return Ok(Vec::new());
    }
    let names = &["port", "user", "system", "authority"];
    let call = Step::call("ssh::known_host", past.wanted("name")).taking(&past.want, names);
    Ok(gone(past, call))
}

pub fn cron_job(past: &Past) -> Steps {
    let (name, user) = (past.wanted("name"), past.wanted("user"));
    match job_of(&past.text(), name) {
        Some(fields) => {
            let names: Vec<&str> = fields.keys().map(String::as_str).collect();
            Ok(vec![Step::call("cron::job", name).with("user", user).taking(&fields, &names)])
        }
        None if past.before.state.contains_key("not_kept") => past.content().map(|_| Vec::new()),
        None => Ok(gone(past, Step::call("cron::job", name).with("user", user))),
    }
}
