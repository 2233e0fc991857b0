//! Back to the services of before.

use super::files::put;
use super::{Past, Step, Steps};
use serde_json::Value;

pub fn unit_file(past: &Past) -> Steps {
    let unit = past.wanted("unit");
    let dropin = past.id.strip_suffix(".conf").and_then(|path| path.rsplit('/').next());
    match past.before.existed {
        false if past.wanted_absent() => Ok(Vec::new()),
        false => {
            let back = Step::call("systemd::unit", unit).with("present", false);
            Ok(vec![dropin.into_iter().fold(back, |back, dropin| back.with("dropin", dropin))])
        }
        true => Ok(vec![put(past, &past.id)?, Step::call("systemd::daemon_reload", "")]),
    }
}

pub fn unit(past: &Past) -> Steps {
    let was = past.was("unit");
    let was = |name: &str| was.get(name).and_then(Value::as_bool).unwrap_or(false);
    let (user, name) = past.id.split_once('/').map_or((None, past.id.as_str()), |(user, name)| (Some(user), name));
    let call = |op| {
        let step = Step::call(op, name).taking(&past.want, &["init"]);
        user.into_iter().fold(step, |step, user| step.with("user", user))
    };
    let mut steps = Vec::new();
    if past.is_wanted("masked") {
        steps.push(call("service::masked").with("present", was("masked")));
    }
    if past.is_wanted("running") {
        let op = if was("running") { "service::running" } else { "service::stopped" };
        let enabled = past.is_wanted("enabled").then(|| was("enabled"));
        steps.push(call(op).with("enabled", enabled.map_or(Value::Null, Value::from)));
    } else if past.is_wanted("enabled") {
        steps.push(call(if was("enabled") { "service::enabled" } else { "service::disabled" }));
    }
    Ok(steps)
}
