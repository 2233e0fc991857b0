//! Back to the packages of before.

use super::leave::RemovePackage;
use super::{Past, Step, Steps};
use serde_json::Value;

pub fn package(past: &Past) -> Steps {
    let was = past.was("package");
    let installed = was.get("installed").and_then(Value::as_bool).unwrap_or(false);
    let version = was.get("version").and_then(Value::as_str);
    match (installed, past.wanted_absent()) {
        (true, true) => Ok(vec![Step::call("pkg::installed", &past.id).taking(&past.want, &["manager"])]),
        (true, false) => Ok(match version.filter(|_| past.fresh) {
            Some(version) => {
                let back = Step::call("pkg::installed", format!("{}={version}", past.id));
                vec![back.with("allow_downgrade", true).taking(&past.want, &["manager"])]
            }
            None => Vec::new(),
        }),
        (false, true) => Ok(Vec::new()),
        (false, false) => {
            let removed = Step::call("pkg::removed", &past.id).taking(&past.want, &["manager"]).inverse()?;
            let manager = past.wanted("manager").to_owned();
            let unneeded = RemovePackage { name: past.id.clone(), planned: removed.planned, manager };
            Ok(vec![Step::own("pkg::removed", &past.id, unneeded)])
        }
    }
}

pub fn hold(past: &Past) -> Steps {
    let held = past.was("package").get("held").and_then(Value::as_bool).unwrap_or(false);
    Ok(vec![Step::call("pkg::hold", &past.id).with("present", held)])
}
