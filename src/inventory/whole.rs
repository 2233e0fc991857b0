//! An inventory as a whole.

use super::data::Block;
use super::{FileRead, Group, Host, InventoryError, InventoryWarning};
use indexmap::IndexMap;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

/// Hosts and groups with everything resolved.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    pub(super) hosts: IndexMap<String, Host>,
    pub(super) groups: IndexMap<String, Group>,
    /// The layers of each host's data, lowest first.
    pub(super) layers: IndexMap<String, Vec<Arc<Block>>>,
    pub(super) files: Vec<FileRead>,
    pub(super) warnings: Vec<InventoryWarning>,
    /// Hosts whose password could not be had, and why.
    pub(super) locked: IndexMap<String, InventoryError>,
}

impl Inventory {
    /// Every host, in declared order.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = &Host> {
        self.hosts.values()
    }

    /// A host by name.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name)
    }

    /// Every group in order of precedence, lowest first; `all` is the first.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.values()
    }

    /// A group by name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    /// Every file that was read, with a hash of its content.
    pub fn files_read(&self) -> &[FileRead] {
        &self.files
    }

    /// What is probably a mistake.
    pub fn warnings(&self) -> &[InventoryWarning] {
        &self.warnings
    }

    /// Makes sure that the passwords of these hosts are there.
    ///
    /// Loading does not: listing an inventory needs no password.
    ///
    /// # Errors
    /// When a host's password refers to an environment variable or file that is missing.
    pub fn check_passwords<S: AsRef<str>>(&self, hosts: &[S]) -> Result<(), InventoryError> {
        let missing = hosts.iter().find_map(|host| self.locked.get(host.as_ref()));
        missing.map_or(Ok(()), |error| Err(error.clone()))
    }

    /// The groups and hosts as a tree; a group that stands below several parents is shown in full once.
    pub fn graph(&self) -> String {
        let mut text = String::new();
        // Deeper than any sane tree: a chain of groups must not eat the stack.
        self.branch(super::ALL, "", 64, &mut HashSet::new(), &mut text);
        text
    }

    fn branch<'a>(&'a self, name: &'a str, indent: &str, left: usize, seen: &mut HashSet<&'a str>, text: &mut String) {
        let Some(group) = self.groups.get(name) else { return };
        let empty = group.children.is_empty() && group.hosts.is_empty();
        let again = !seen.insert(name) && !empty;
        let _ = writeln!(text, "{name}:{}", if again { " (see above)" } else { "" });
        if again {
            return;
        }
        let children = group.children.iter().map(|name| (true, name));
        let hosts = group.hosts.iter().map(|name| (false, name));
        let mut branches = children.chain(hosts).peekable();
        while let Some((is_group, name)) = branches.next() {
            let last = branches.peek().is_none();
            text.push_str(indent);
            text.push_str(if last { "└─ " } else { "├─ " });
            let indent = format!("{indent}{}", if last { "   " } else { "│  " });
            match (is_group, left) {
                (true, 0) => text.push_str("…\n"),
                (true, _) => self.branch(name, &indent, left - 1, seen, text),
                (false, _) => {
                    let _ = writeln!(text, "{name}");
                }
            }
        }
    }

    /// The groups as JSON: hosts, children, members and depth of each.
    pub fn groups_json(&self) -> Value {
        let group = |group: &Group| {
            let Group { hosts, children, members, depth, .. } = group;
            json!({ "hosts": hosts, "children": children, "members": members, "depth": depth })
        };
        self.groups.values().map(|each| (each.name.clone(), group(each))).collect::<serde_json::Map<_, _>>().into()
    }
}
