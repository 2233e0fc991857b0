//! Hosts named on the command line instead of in a file.

use super::builder::InventoryBuilder;
use super::load::nearest_special;
use super::{InventoryError, Spot};
use serde_json::{Map, Value, json};

/// Declares the hosts of the word.
pub(super) fn read(word: &str, builder: &mut InventoryBuilder) -> Result<(), InventoryError> {
    let at = Spot::whole(format!("-i {word}"));
    for part in word.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.strip_prefix('@') {
            Some(special) => connector(special, &at, builder)?,
            None => ssh(part, &at, builder)?,
        }
    }
    if builder.hosts.is_empty() {
        return Err(InventoryError::at(&at, "the list names no host").hint("write `-i web-1,web-2`"));
    }
    Ok(())
}

fn connector(special: &str, at: &Spot, builder: &mut InventoryBuilder) -> Result<(), InventoryError> {
    match special.split_once('/') {
        None if special == "local" => builder.host(at, "local", settings(json!({ "connect": "local" }))),
        Some(("ssh", name)) => ssh(name, at, builder),
        Some((kind @ ("docker" | "podman"), name)) => {
            builder.host(at, name, settings(json!({ "connect": kind, "container": name })))
        }
        _ => {
            let error = InventoryError::at(at, format!("`@{special}` is no connector"));
            let kind = format!("@{}", special.split('/').next().unwrap_or_default());
            Err(match nearest_special(&kind) {
                Some("@local") => error.hint("write `@local`"),
                Some(near) => error.hint(format!("write `{near}/NAME`")),
                None => error.hint("write `@local`, `@ssh/NAME`, `@docker/NAME` or `@podman/NAME`"),
            })
        }
    }
}

/// `[user@]host[:port]`; the host may hold a range.
fn ssh(part: &str, at: &Spot, builder: &mut InventoryBuilder) -> Result<(), InventoryError> {
    let (user, rest) = match part.split_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, part),
    };
    // More than one colon is an IPv6 address.
    let (name, port) = match rest.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, Some(port)),
        _ => (rest, None),
    };
    let mut wanted = settings(json!({ "connect": "ssh" }));
    if let Some(user) = user {
        wanted.insert("user".into(), user.into());
    }
    if let Some(port) = port {
        wanted.insert("port".into(), port.parse::<u64>().map_or_else(|_| port.into(), Value::from));
    }
    builder.host(at, name, wanted)
}

fn settings(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
