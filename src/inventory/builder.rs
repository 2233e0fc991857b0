//! What inventories declare, before it is put together.

use super::data::Block;
use super::files::Files;
use super::node::{Entry, Node};
use super::settings::{Settings, unknown_key};
use super::{ALL, Inventory, InventoryError, InventoryWarning, Spot, name, nearest, overrides, resolve};
use indexmap::IndexMap;
use indexmap::map::Entry as Slot;
use serde_json::{Map, Value};
use std::path::Path;

/// Collects what inventories declare; a `.rhai` inventory fills it call by call.
///
/// Settings and data are spelled as in YAML. References between hosts and groups are checked at the end, so that
/// a group may name hosts that are declared later or in another file.
#[derive(Debug, Default)]
pub struct InventoryBuilder {
    pub(super) hosts: IndexMap<String, DeclaredHost>,
    pub(super) groups: IndexMap<String, DeclaredGroup>,
    /// One a file.
    pub(super) defaults: Vec<Settings>,
    pub(super) warnings: Vec<InventoryWarning>,
}

#[derive(Debug)]
pub(super) struct DeclaredHost {
    pub at: Spot,
    pub settings: Settings,
    pub data: Option<Block>,
    /// Index of the defaults of its file.
    pub defaults: usize,
}

#[derive(Debug, Default)]
pub(super) struct DeclaredGroup {
    pub at: Option<Spot>,
    pub hosts: Vec<(String, Spot)>,
    pub children: Vec<(String, Spot)>,
    /// One a declaration: switching a method off must reach the layers below.
    pub settings: Vec<Settings>,
    pub data: Vec<Block>,
}

impl InventoryBuilder {
    /// Puts together what was declared, without files: for what is no inventory on disk.
    ///
    /// # Errors
    /// For references to what nobody declares, and for cycles.
    pub fn build(self) -> Result<Inventory, InventoryError> {
        resolve::resolve(self, Files::new(Path::new("")), &[], overrides::read(&[])?)
    }

    /// Begins another file: `defaults` hold for the hosts of their own file.
    pub(super) fn begin(&mut self) {
        self.defaults.push(Settings::default());
    }

    /// Sets connection settings for every host of the file.
    ///
    /// # Errors
    /// For an unknown key or a value that does not fit.
    pub fn defaults(&mut self, at: &Spot, settings: Map<String, Value>) -> Result<(), InventoryError> {
        self.read_defaults(Node::placed(Value::Object(settings), at))
    }

    /// Declares a host; `settings` are connection settings and `data`. A range in the name declares several.
    ///
    /// # Errors
    /// For a name that does not fit or is declared already, an unknown key, or a value that does not fit.
    pub fn host(&mut self, at: &Spot, name: &str, settings: Map<String, Value>) -> Result<(), InventoryError> {
        self.read_host(name, at, Node::placed(Value::Object(settings), at))
    }

    /// Declares a group or adds to it; `settings` are connection settings, `children` and `data`.
    ///
    /// # Errors
    /// For a name that does not fit, an unknown key, or a value that does not fit.
    pub fn group(
        &mut self,
        at: &Spot,
        name: &str,
        hosts: Vec<String>,
        settings: Map<String, Value>,
    ) -> Result<(), InventoryError> {
        let hosts = hosts.into_iter().map(|host| (host, at.clone())).collect();
        self.read_group(name, at, hosts, Node::placed(Value::Object(settings), at))
    }

    /// Reads a document of our own form.
    pub(super) fn read(&mut self, document: Node) -> Result<(), InventoryError> {
        for entry in document.entries("an inventory")? {
            match entry.key.as_str() {
                "defaults" => self.read_defaults(entry.value)?,
                "hosts" => {
                    for host in entry.value.entries("`hosts`")? {
                        self.read_host(&host.key, &host.at, host.value)?;
                    }
                }
                "groups" => {
                    for group in entry.value.entries("`groups`")? {
                        self.read_group(&group.key, &group.at, Vec::new(), group.value)?;
                    }
                }
                key => return Err(unknown_section(key, &entry.at)),
            }
        }
        Ok(())
    }

    fn read_defaults(&mut self, node: Node) -> Result<(), InventoryError> {
        let mut settings = Settings::default();
        for entry in node.entries("`defaults`")? {
            if !settings.take(&entry, "`defaults`")? {
                return Err(unknown_key(&entry, "`defaults`", &[]));
            }
        }
        self.note_passwords(&settings);
        match self.defaults.last_mut() {
            Some(last) => last.lay(&settings),
            None => self.defaults.push(settings),
        }
        Ok(())
    }

    pub(super) fn read_host(&mut self, name: &str, at: &Spot, node: Node) -> Result<(), InventoryError> {
        let owner = format!("host `{name}`");
        let (mut settings, mut data) = (Settings::default(), None);
        for entry in node.entries(&owner)? {
            if entry.key == "data" {
                data = Some(Block::read(format!("data of {owner}"), entry.value)?);
            } else if !settings.take(&entry, &owner)? {
                return Err(unknown_key(&entry, &owner, &["data"]));
            }
        }
        self.note_passwords(&settings);
        let defaults = self.defaults.len().saturating_sub(1);
        for name in name::expand(name, at)? {
            name::check(&name, "host", at)?;
            let host = DeclaredHost { at: at.clone(), settings: settings.clone(), data: data.clone(), defaults };
            self.put_host(name, host)?;
        }
        Ok(())
    }

    fn put_host(&mut self, name: String, host: DeclaredHost) -> Result<(), InventoryError> {
        match self.hosts.entry(name) {
            Slot::Vacant(slot) => drop(slot.insert(host)),
            Slot::Occupied(slot) => {
                let message = format!("host `{}` is declared twice", slot.key());
                let hint = format!("the first is at {}: keep one of them", slot.get().at);
                return Err(InventoryError::at(&host.at, message).hint(hint));
            }
        }
        Ok(())
    }

    pub(super) fn read_group(
        &mut self,
        name: &str,
        at: &Spot,
        mut hosts: Vec<(String, Spot)>,
        node: Node,
    ) -> Result<(), InventoryError> {
        name::check(name, "group", at)?;
        let owner = format!("group `{name}`");
        let mut settings = Settings::default();
        let group = self.groups.entry(name.to_owned()).or_default();
        group.at.get_or_insert_with(|| at.clone());
        for entry in node.entries(&owner)? {
            match entry.key.as_str() {
                "hosts" | "children" if name == ALL => return Err(all_is_whole(&entry)),
                "hosts" => hosts.extend(entry.value.texts(&format!("`hosts` of {owner}"))?),
                "children" => group.children.extend(entry.value.texts(&format!("`children` of {owner}"))?),
                "data" => group.data.push(Block::read(format!("data of {owner}"), entry.value)?),
                _ if settings.take(&entry, &owner)? => {}
                _ => return Err(unknown_key(&entry, &owner, &["hosts", "children", "data"])),
            }
        }
        for (host, at) in hosts {
            let expanded = name::expand(&host, &at)?;
            group.hosts.extend(expanded.into_iter().map(|host| (host, at.clone())));
        }
        group.settings.push(settings.clone());
        self.note_passwords(&settings);
        Ok(())
    }

    fn note_passwords(&mut self, settings: &Settings) {
        for method in super::Method::ALL {
            if let Some(password) = settings.passwords.get(method).as_ref().filter(|password| password.is_plain()) {
                let warning = format!("the password for {} stands here in plain text", method.name());
                let hint = "write `{ env: NAME }` or `{ file: PATH }` instead";
                self.warnings.push(InventoryError::at(password.at(), warning).hint(hint));
            }
        }
    }
}

fn all_is_whole(entry: &Entry) -> InventoryError {
    let message = format!("group `{ALL}` holds every host by itself and takes no `{}`", entry.key);
    InventoryError::at(&entry.at, message).hint("leave it out; `data` and connection settings are fine")
}

fn unknown_section(key: &str, at: &Spot) -> InventoryError {
    let error = InventoryError::at(at, format!("unknown key `{key}` in an inventory"));
    if let Some(name) = nearest(key, ["defaults", "hosts", "groups"]) {
        return error.hint(format!("did you mean `{name}`?"));
    }
    match key {
        "all" => error.hint("put groups under `groups` and every host under `hosts`"),
        _ => error.hint("the keys known here are `defaults`, `hosts`, `groups`"),
    }
}
