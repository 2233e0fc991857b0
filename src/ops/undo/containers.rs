//! Back to the things of a docker engine of before.

use super::files::gone;
use super::{Past, Step, Steps};
use serde_json::Value;

pub fn named(past: &Past, op: &'static str) -> Steps {
    let there = past.before.existed && past.before.state.get(&past.kind).is_none_or(|was| *was != Value::Bool(false));
    match there {
        true => Err(format!("the {} that was there before us is not kept", past.kind)),
        false => Ok(gone(past, Step::call(op, &past.id))),
    }
}

pub fn volume(past: &Past) -> Steps {
    match past.before.existed || past.wanted_absent() {
        true => Ok(Vec::new()),
        false => Err("a volume holds data: `docker::volume` with `present: false` removes it".to_owned()),
    }
}
