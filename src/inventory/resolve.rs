//! Puts together what inventories and data files declare.

use super::builder::{DeclaredHost, InventoryBuilder};
use super::data::{Block, Datum, settle};
use super::data_files::{DataFiles, Search};
use super::escalation::Vault;
use super::files::Files;
use super::groups::{self, Group};
use super::settings::Settings;
use super::{Connect, Connection, Escalation, Host, Inventory, InventoryError, Method};
use indexmap::IndexMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Resolves every host. `folders` hold `group_data` and `host_data`; `overrides` is what `--data` says.
pub(super) fn resolve(
    mut declared: InventoryBuilder,
    mut files: Files,
    folders: &[PathBuf],
    overrides: Block,
) -> Result<Inventory, InventoryError> {
    let groups = groups::resolve(&declared)?;
    let mut warnings = std::mem::take(&mut declared.warnings);
    let known = groups.keys().map(String::as_str).collect();
    let group_files = Search { kind: "group_data", folders, known }.run(&mut files, &mut warnings)?;
    let known = declared.hosts.keys().map(String::as_str).collect();
    let host_files = Search { kind: "host_data", folders, known }.run(&mut files, &mut warnings)?;
    let layers = Layers::new(&declared, group_files, host_files, overrides);
    let names = groups_of_hosts(&groups);
    let mut vault = Vault::default();
    let mut inventory = Inventory { warnings, ..Inventory::default() };
    for (name, host) in &declared.hosts {
        let of_host = names.get(name.as_str()).cloned().unwrap_or_default();
        let blocks = layers.of(name, host, &of_host);
        let settings = settings(&declared, host, &of_host);
        let (connection, locked) = connection(name, host, settings, &mut vault, &files)?;
        let data = data(&blocks)?;
        inventory.locked.extend(locked.map(|error| (name.clone(), error)));
        inventory.layers.insert(name.clone(), blocks);
        inventory.hosts.insert(name.clone(), Host { name: name.clone(), groups: of_host, connection, data });
    }
    inventory.groups = groups;
    inventory.files = files.read;
    Ok(inventory)
}

/// The groups of each host, lowest first: the order of `groups`.
fn groups_of_hosts(groups: &IndexMap<String, Group>) -> IndexMap<&str, Vec<String>> {
    let mut of_hosts: IndexMap<&str, Vec<String>> = IndexMap::new();
    for group in groups.values() {
        for host in &group.members {
            of_hosts.entry(host).or_default().push(group.name.clone());
        }
    }
    of_hosts
}

/// Every block of data, shared by the hosts that it is for.
struct Layers {
    group_files: DataFiles,
    groups: IndexMap<String, Vec<Arc<Block>>>,
    host_files: DataFiles,
    overrides: Arc<Block>,
}

impl Layers {
    fn new(declared: &InventoryBuilder, group_files: DataFiles, host_files: DataFiles, overrides: Block) -> Self {
        let share = |blocks: &Vec<Block>| blocks.iter().cloned().map(Arc::new).collect();
        let groups = declared.groups.iter().map(|(name, group)| (name.clone(), share(&group.data))).collect();
        Self { group_files, groups, host_files, overrides: Arc::new(overrides) }
    }

    /// The blocks of a host, lowest first.
    fn of(&self, name: &str, host: &DeclaredHost, groups: &[String]) -> Vec<Arc<Block>> {
        let mut blocks = Vec::new();
        for group in groups {
            blocks.extend_from_slice(self.group_files.of(group));
        }
        for group in groups {
            blocks.extend(self.groups.get(group).into_iter().flatten().cloned());
        }
        blocks.extend_from_slice(self.host_files.of(name));
        blocks.extend(host.data.clone().map(Arc::new));
        blocks.push(self.overrides.clone());
        blocks
    }
}

fn data(blocks: &[Arc<Block>]) -> Result<IndexMap<String, serde_json::Value>, InventoryError> {
    let mut layers: IndexMap<&str, Vec<&Datum>> = IndexMap::new();
    for (key, datum) in blocks.iter().flat_map(|block| &block.values) {
        layers.entry(key).or_default().push(datum);
    }
    layers.into_iter().map(|(key, layers)| Ok((key.to_owned(), settle(key, &layers)?))).collect()
}

/// Host over groups, later ones first, over the defaults of the host's file.
fn settings(declared: &InventoryBuilder, host: &DeclaredHost, groups: &[String]) -> Settings {
    let mut settings = Settings::default();
    if let Some(defaults) = declared.defaults.get(host.defaults) {
        settings.lay(defaults);
    }
    for layer in groups.iter().filter_map(|group| declared.groups.get(group)).flat_map(|group| &group.settings) {
        settings.lay(layer);
    }
    settings.lay(&host.settings);
    settings
}

/// The connection, and the error of a password that is not there: only a run on that host needs it.
fn connection(
    name: &str,
    host: &DeclaredHost,
    settings: Settings,
    vault: &mut Vault,
    files: &Files,
) -> Result<(Connection, Option<InventoryError>), InventoryError> {
    let connect = settings.connect.unwrap_or_default();
    if connect == Connect::Exec && settings.command.as_ref().is_none_or(Vec::is_empty) {
        let message = format!("host `{name}` is connected by `exec` and has no `command`");
        let hint = "add `command: [program, argument, …]` that starts a POSIX shell";
        return Err(InventoryError::at(&host.at, message).hint(hint));
    }
    let mut connection = Connection {
        connect,
        address: settings.address,
        user: settings.user,
        port: settings.port,
        jump: settings.jump,
        key: settings.key,
        ssh_config: settings.ssh_config,
        container: settings.container,
        image: settings.image,
        run: settings.run.unwrap_or_default(),
        command: settings.command.unwrap_or_default(),
        connect_timeout_secs: settings.connect_timeout,
        timeout_secs: settings.timeout,
        ..Connection::default()
    };
    let mut locked = None;
    for method in Method::ALL {
        match settings.passwords.get(method).as_ref().map(|password| vault.token(password, files.root())) {
            Some(Ok(token)) => connection.passwords.set(method, token),
            Some(Err(error)) => locked = Some(error),
            None => {}
        }
    }
    connection.become_user = settings.escalate.into_iter().next().and_then(|escalate| {
        let password = connection.passwords.get(escalate.method).map(str::to_owned);
        escalate.user.map(|user| Escalation { method: escalate.method, user, password })
    });
    Ok((connection, locked))
}
