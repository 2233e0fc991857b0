//! The JSON of an Ansible inventory script (`--list`), read as if it were ours.
//!
//! Format: <https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html>, "Inventory script conventions".

use super::builder::InventoryBuilder;
use super::node::{Data, Entry, Node};
use super::{ALL, InventoryError, Spot};
use indexmap::IndexMap;

/// Variables that are connection settings, and how they are spelled here.
const SETTINGS: &[(&str, &str)] = &[
    ("ansible_host", "address"),
    ("ansible_ssh_host", "address"),
    ("ansible_user", "user"),
    ("ansible_ssh_user", "user"),
    ("ansible_port", "port"),
    ("ansible_ssh_port", "port"),
    ("ansible_ssh_private_key_file", "key"),
    ("ansible_private_key_file", "key"),
    ("ansible_docker_host", "container"),
];

const CONNECTIONS: &[(&str, &str)] = &[
    ("smart", "ssh"),
    ("paramiko", "ssh"),
    ("paramiko_ssh", "ssh"),
    ("community.docker.docker", "docker"),
    ("containers.podman.podman", "podman"),
];

/// Variables that hold ssh passwords, which OpenSSH does not take from us.
const PASSWORDS: &[&str] = &["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"];

/// True when the document is of Ansible's form and not of ours.
pub(super) fn is_list(document: &Node) -> bool {
    let Data::Map(entries) = &document.data else { return false };
    let has = |names: &[&str]| entries.iter().any(|entry| names.contains(&entry.key.as_str()));
    has(&["_meta"]) || !(entries.is_empty() || has(&["defaults", "hosts", "groups"]))
}

/// Adds what the document declares.
pub(super) fn read(builder: &mut InventoryBuilder, document: Node) -> Result<(), InventoryError> {
    let mut hosts: IndexMap<String, (Spot, Vec<Entry>)> = IndexMap::new();
    for entry in document.entries("an inventory")? {
        match entry.key.as_str() {
            "_meta" => read_meta(entry.value, &mut hosts)?,
            _ => read_group(builder, entry, &mut hosts)?,
        }
    }
    for (name, (at, vars)) in hosts {
        let vars = translate(builder, vars, &at)?;
        builder.read_host(&name, &at, vars)?;
    }
    Ok(())
}

type Hosts = IndexMap<String, (Spot, Vec<Entry>)>;

fn read_meta(meta: Node, hosts: &mut Hosts) -> Result<(), InventoryError> {
    for entry in meta.entries("`_meta`")?.into_iter().filter(|entry| entry.key == "hostvars") {
        for host in entry.value.entries("`hostvars`")? {
            let vars = host.value.entries(&format!("`{}` in `hostvars`", host.key))?;
            hosts.entry(host.key).or_insert_with(|| (host.at, Vec::new())).1.extend(vars);
        }
    }
    Ok(())
}

fn read_group(builder: &mut InventoryBuilder, group: Entry, hosts: &mut Hosts) -> Result<(), InventoryError> {
    let Entry { key: name, at, value } = group;
    let (mut members, mut children, mut vars) = (Vec::new(), Vec::new(), Vec::new());
    match value.data {
        Data::List(_) => members = names(value, &name)?,
        _ => {
            for entry in value.entries(&format!("group `{name}`"))? {
                match entry.key.as_str() {
                    "hosts" => members = names(entry.value, &name)?,
                    "children" => children = names(entry.value, &name)?,
                    "vars" => vars = entry.value.entries(&format!("`vars` of group `{name}`"))?,
                    _ => {}
                }
            }
        }
    }
    for (host, at) in &members {
        hosts.entry(host.clone()).or_insert_with(|| (at.clone(), Vec::new()));
    }
    let mut settings = translate(builder, vars, &at)?;
    if name == ALL {
        return builder.read_group(&name, &at, Vec::new(), settings);
    }
    // A group without hosts of its own is named as a child only.
    for (child, at) in &children {
        builder.read_group(child, at, Vec::new(), Node { at: at.clone(), data: Data::Null })?;
    }
    let list = children.into_iter().map(|(child, at)| Node { at, data: Data::Text(child) }).collect();
    push(&mut settings, "children", Node { at: at.clone(), data: Data::List(list) });
    builder.read_group(&name, &at, members, settings)
}

/// Names as a list, or as the keys of a map.
fn names(node: Node, group: &str) -> Result<Vec<(String, Spot)>, InventoryError> {
    match node.data {
        Data::Map(entries) => Ok(entries.into_iter().map(|entry| (entry.key, entry.at)).collect()),
        _ => node.texts(&format!("group `{group}`")),
    }
}

fn push(map: &mut Node, key: &str, value: Node) {
    if let Data::Map(entries) = &mut map.data {
        entries.push(Entry { key: key.to_owned(), at: value.at.clone(), value });
    }
}

/// Sorts variables into connection settings and data.
fn translate(builder: &mut InventoryBuilder, vars: Vec<Entry>, at: &Spot) -> Result<Node, InventoryError> {
    let mut settings = Node { at: at.clone(), data: Data::Map(Vec::new()) };
    let mut data = Vec::new();
    let mut escalation = Escalation::default();
    for entry in vars {
        let key = entry.key.as_str();
        if let Some((_, ours)) = SETTINGS.iter().find(|(theirs, _)| *theirs == key) {
            push(&mut settings, ours, number(entry.value));
        } else if key == "ansible_connection" {
            push(&mut settings, "connect", connection(entry.value));
        } else if PASSWORDS.contains(&key) {
            let warning = InventoryError::at(&entry.at, format!("`{key}` is not used"));
            builder.warnings.push(warning.hint("log in with a key; OpenSSH takes no password from a file"));
        } else if !escalation.take(&entry) {
            data.push(entry);
        }
    }
    escalation.put(&mut settings);
    if !data.is_empty() {
        push(&mut settings, "data", Node { at: at.clone(), data: Data::Map(data) });
    }
    Ok(settings)
}

/// Scripts like to print ports as texts.
fn number(value: Node) -> Node {
    let data = match &value.data {
        Data::Text(text) => text.parse::<u64>().ok().map(|number| Data::Number(number.into())),
        _ => None,
    };
    Node { data: data.unwrap_or(value.data), at: value.at }
}

fn connection(value: Node) -> Node {
    let ours = |text: &str| CONNECTIONS.iter().find(|(theirs, _)| *theirs == text).map(|(_, ours)| (*ours).to_owned());
    let data = match value.data {
        Data::Text(text) => Data::Text(ours(&text).unwrap_or(text)),
        data => data,
    };
    Node { data, at: value.at }
}

/// `ansible_become` and its company.
#[derive(Default)]
struct Escalation {
    wanted: Option<(bool, Spot)>,
    method: Option<String>,
    user: Option<Node>,
    password: Option<Node>,
}

impl Escalation {
    fn take(&mut self, entry: &Entry) -> bool {
        let Some(key) = entry.key.strip_prefix("ansible_become") else { return false };
        match (key, &entry.value.data) {
            ("", Data::Bool(yes)) => self.wanted = Some((*yes, entry.value.at.clone())),
            ("", Data::Text(text)) => {
                let yes = ["yes", "true", "on", "1"].contains(&text.to_lowercase().as_str());
                self.wanted = Some((yes, entry.value.at.clone()));
            }
            ("_method", Data::Text(text)) => self.method = Some(text.clone()),
            ("_user", _) => self.user = Some(entry.value.clone()),
            ("_password" | "_pass", _) => self.password = Some(entry.value.clone()),
            _ => return false,
        }
        true
    }

    fn put(self, settings: &mut Node) {
        let method = self.method.unwrap_or_else(|| "sudo".to_owned());
        if let Some((yes, at)) = self.wanted {
            let user = self.user.filter(|_| yes);
            push(settings, &method, user.unwrap_or(Node { at, data: Data::Bool(yes) }));
        }
        if let Some(password) = self.password {
            push(settings, &format!("{method}_password"), password);
        }
    }
}
