//! `inventory list`, `inventory graph`, `inventory explain`: their texts and their JSON.

use crate::inventory::{Connect, Connection, Host, Inventory, InventoryError, Layer};
use crate::secret::redact;
use serde_json::{Map, Value, json};

/// One line a host: how it is reached, who operations act as, its groups.
pub fn list(inventory: &Inventory, hosts: &[String]) -> String {
    let header = ["HOST", "CONNECT", "TARGET", "AS", "GROUPS"].map(str::to_owned).to_vec();
    let rows = hosts.iter().filter_map(|name| inventory.host(name)).map(row);
    table(std::iter::once(header).chain(rows).collect())
}

fn row(host: &Host) -> Vec<String> {
    let connection = &host.connection;
    let groups: Vec<&str> = host.groups.iter().skip(1).map(String::as_str).collect();
    let acting = connection.become_user.as_ref().map(|to| format!("{} ({})", to.user, to.method.name()));
    vec![
        host.name.clone(),
        connection.connect.as_str().to_owned(),
        target(host),
        acting.unwrap_or_else(|| "-".into()),
        if groups.is_empty() { "-".into() } else { groups.join(", ") },
    ]
}

fn target(host: &Host) -> String {
    let Connection { connect, address, user, port, jump, container, command, .. } = &host.connection;
    let user = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    match connect {
        Connect::Local => "-".into(),
        Connect::Docker | Connect::Podman => format!("{user}{}", container.as_ref().unwrap_or(&host.name)),
        Connect::Exec => command.join(" "),
        Connect::Ssh => {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let jump = jump.as_ref().map(|jump| format!(" via {jump}")).unwrap_or_default();
            format!("{user}{}{port}{jump}", address.as_ref().unwrap_or(&host.name))
        }
    }
}

/// The hosts with connection and data, the groups, what was read and what is odd; secrets are not shown.
pub fn list_json(inventory: &Inventory, hosts: &[String]) -> Value {
    let host =
        |host: &Host| json!({ "groups": host.groups, "connection": connection(&host.connection), "data": host.data });
    let hosts = hosts.iter().filter_map(|name| inventory.host(name));
    let hosts: Map<String, Value> = hosts.map(|each| (each.name.clone(), host(each))).collect();
    let files = inventory.files_read().iter().map(|file| json!({ "path": file.path, "sha256": file.sha256 }));
    let warnings = inventory.warnings().iter();
    let warnings = warnings.map(|odd| json!({ "at": odd.position(), "message": odd.message, "hint": odd.hint }));
    let groups = inventory.groups_json();
    let (files, warnings) = (files.collect::<Vec<_>>(), warnings.collect::<Vec<_>>());
    shown(json!({ "hosts": hosts, "groups": groups, "files": files, "warnings": warnings }))
}

fn connection(connection: &Connection) -> Value {
    let Connection { address, user, port, jump, key, ssh_config, container, image, run, command, .. } = connection;
    let mut all = json!({
        "connect": connection.connect.as_str(), "address": address, "user": user, "port": port, "jump": jump,
        "key": key, "ssh_config": ssh_config, "container": container, "image": image, "run": run, "command": command,
        "connect_timeout": connection.connect_timeout_secs, "timeout": connection.timeout_secs,
    });
    if let Some(to) = &connection.become_user {
        all[to.method.name()] = json!(to.user);
    }
    if let Value::Object(map) = &mut all {
        map.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
    }
    all
}

/// The tree of groups and hosts.
pub fn graph(inventory: &Inventory) -> String {
    inventory.graph()
}

/// The groups with their hosts, children and members.
pub fn graph_json(inventory: &Inventory) -> Value {
    json!({ "groups": inventory.groups_json() })
}

/// Where the data of a host comes from: each layer of `key`, or for every key the layer that wins.
///
/// # Errors
/// For a host or key the inventory does not have.
pub fn explain(inventory: &Inventory, host: &str, key: Option<&str>) -> Result<String, InventoryError> {
    let found = inventory.host(host).ok_or_else(|| inventory.unknown_host(host))?;
    let Some(key) = key else { return Ok(explain_all(inventory, found)) };
    let value = found.data.get(key).ok_or_else(|| inventory.unknown_key(host, key))?;
    let rows = inventory.explain(host, key).into_iter().map(|layer| {
        let mark = if layer.wins { "*" } else { " " };
        let merges = if layer.merges { "+ " } else { "" };
        vec![mark.to_owned(), layer.layer, layer.source, format!("{merges}{}", layer.value)]
    });
    let head = redact(&format!("{host}: {key} = {value}"));
    Ok(format!("{head}\n\n{}", table(rows.collect())))
}

fn explain_all(inventory: &Inventory, host: &Host) -> String {
    let rows = host.data.iter().map(|(key, value)| {
        let layers = inventory.explain(&host.name, key);
        let places: Vec<&str> = layers.iter().filter(|layer| layer.wins).map(|layer| layer.source.as_str()).collect();
        vec![key.clone(), places.join(" + "), value.to_string()]
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() { format!("{}: no data\n", host.name) } else { table(rows) }
}

/// The same as JSON: the value of each key and its layers, lowest first.
///
/// # Errors
/// For a host or key the inventory does not have.
pub fn explain_json(inventory: &Inventory, host: &str, key: Option<&str>) -> Result<Value, InventoryError> {
    let found = inventory.host(host).ok_or_else(|| inventory.unknown_host(host))?;
    let keys: Vec<&str> = match key {
        Some(key) if !found.data.contains_key(key) => return Err(inventory.unknown_key(host, key)),
        Some(key) => vec![key],
        None => found.data.keys().map(String::as_str).collect(),
    };
    let entry = |key: &str| {
        let layers: Vec<Value> = inventory.explain(host, key).iter().map(layer).collect();
        (key.to_owned(), json!({ "value": found.data[key], "layers": layers }))
    };
    let data: Map<String, Value> = keys.into_iter().map(entry).collect();
    Ok(shown(json!({ "host": host, "data": data })))
}

fn layer(layer: &Layer) -> Value {
    let Layer { layer, source, value, merges, wins } = layer;
    json!({ "layer": layer, "source": source, "value": value, "merges": merges, "wins": wins })
}

/// The value without secrets.
fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => redact(&text).into(),
        Value::Array(items) => items.into_iter().map(shown).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(key, value)| (redact(&key), shown(value))).collect::<Map<_, _>>().into()
        }
        plain => plain,
    }
}

/// Columns two blanks apart; the last one is not padded.
fn table(rows: Vec<Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.iter().map(|cell| redact(cell)).collect()).collect();
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| console::measure_text_width(&row[column])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line += cell;
            line += &" ".repeat(width - console::measure_text_width(cell) + 2);
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}
