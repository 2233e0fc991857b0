//! What the ledger takes and gives.

use super::super::StateError;
use super::super::statement::Row;
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// What a question or a record is about: a playbook, on the hosts of an inventory. Two inventories may give the same
/// name to different machines, as staging does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// As in [`RunStart`](crate::event::RunStart).
    pub inventory: String,
    /// As in [`RunStart`](crate::event::RunStart).
    pub playbook: String,
}

impl Scope {
    /// A playbook on an inventory.
    pub fn new(inventory: impl Into<String>, playbook: impl Into<String>) -> Self {
        Self { inventory: inventory.into(), playbook: playbook.into() }
    }
}

/// The run that writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Its id.
    pub run: String,
    /// The commit of the project, where there is one.
    pub commit: Option<String>,
}

/// Names a resource: `web-1/path/\/etc\/motd`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId {
    /// Host name.
    pub host: String,
    /// What it is: `path`, `unit`.
    pub kind: String,
    /// `/etc/motd`, `nginx.service`
    pub id: String,
}

impl ResourceId {
    /// A resource of a host.
    pub fn new(host: impl Into<String>, kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { host: host.into(), kind: kind.into(), id: id.into() }
    }

    /// Reads `HOST/KIND/ID`. Neither host nor kind holds a `/`; in the id it may stand as it is, or as `\/`.
    ///
    /// # Errors
    /// [`StateError::NoResource`] when a part is missing.
    pub fn parse(text: &str) -> Result<Self, StateError> {
        let mut parts = text.splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(host), Some(kind), Some(id)) if ![host, kind, id].contains(&"") => {
                Ok(Self::new(host, kind, unescaped(id)))
            }
            _ => Err(StateError::NoResource(text.to_owned())),
        }
    }

    /// As people type it: without marks before the slashes, where that is read as the same.
    pub fn typed(&self) -> String {
        let plain = format!("{}/{}/{}", self.host, self.kind, self.id);
        match Self::parse(&plain) {
            Ok(read) if read == *self => plain,
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.replace('\\', r"\\").replace('/', r"\/");
        write!(f, "{}/{}/{id}", self.host, self.kind)
    }
}

fn unescaped(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    let mut chars = id.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next @ ('\\' | '/')) if c == '\\' => {
                text.push(*next);
                chars.next();
            }
            _ => text.push(c),
        }
    }
    text
}

/// A resource that a playbook declares. No field may hold a secret; give a keyed hash instead.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// Which one.
    pub resource: ResourceId,
    /// What is wanted of it.
    pub want: Value,
    /// `playbooks/site.rhai:12:5`
    pub at: String,
    /// Never removed by `--prune`.
    pub keep: bool,
    /// What is there now. Counts at first sight only: later it is our own work.
    pub prior: Prior,
    /// The host that declared it, where it is another one; else empty.
    pub actor: String,
    /// How it came: the operation, the user it acted as, the handlers it notified.
    pub origin: Option<Value>,
}

/// What was there before us.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prior {
    /// Whether the resource was there.
    pub existed: bool,
    /// What it was like, as its kind tells it: mode and owner of a file.
    pub state: Option<Value>,
    /// The content of a file. One of more than 1 MiB is known by digest and size only.
    pub content: Option<Vec<u8>>,
}

/// A resource of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerEntry {
    /// Inventory that it belongs to.
    pub inventory: String,
    /// Playbook that manages it.
    pub playbook: String,
    /// Host name.
    pub host: String,
    /// What it is.
    pub kind: String,
    /// Which one.
    pub id: String,
    /// Last wanted state.
    pub want: Value,
    /// Script position that declared it last.
    pub at: String,
    /// Commit that declared it last.
    pub commit: Option<String>,
    /// Run that declared it last.
    pub run: String,
    /// RFC 3339, UTC.
    pub first_seen: String,
    /// RFC 3339, UTC: the last run that declared it.
    pub last_seen: String,
    /// Whether it was there before any playbook of ours managed it.
    pub existed: bool,
    /// What it was like then.
    pub prior: Option<Value>,
    /// SHA-256 of its content then; see [`Store::content`](super::super::Store::content).
    pub prior_content: Option<String>,
    /// Never removed by `--prune`.
    pub keep: bool,
    /// False when the run that wanted this did not tell how it ended: reality may be between two states.
    pub settled: bool,
    /// Counts the resources of a host in the order in which they came; removal goes backwards.
    pub seq: u64,
    /// The host that declared it, where it is another one; else empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub actor: String,
    /// How it came: the operation, the user it acted as, the handlers it notified.
    pub origin: Option<Value>,
    /// Other playbooks that manage it too: it must not be removed as long as one does.
    pub shared_with: Vec<String>,
}

pub(super) const COLUMNS: &str = "inventory, playbook, host, kind, id, want, script_at, revision, run, first_seen, \
                                  last_seen, existed, prior, prior_content, keep, settled, seq, actor, origin";

impl LedgerEntry {
    /// Which resource it is.
    pub fn resource(&self) -> ResourceId {
        ResourceId::new(&self.host, &self.kind, &self.id)
    }

    /// Which playbook on which inventory it belongs to.
    pub fn scope(&self) -> Scope {
        Scope::new(&self.inventory, &self.playbook)
    }

    pub(super) fn read(mut row: Row) -> Result<Self, StateError> {
        Ok(Self {
            inventory: row.text(0)?,
            playbook: row.text(1)?,
            host: row.text(2)?,
            kind: row.text(3)?,
            id: row.text(4)?,
            want: row.json(5)?.unwrap_or_default(),
            at: row.text(6)?,
            commit: row.maybe_text(7)?,
            run: row.text(8)?,
            first_seen: row.text(9)?,
            last_seen: row.text(10)?,
            existed: row.yes(11)?,
            prior: row.json(12)?,
            prior_content: row.maybe_text(13)?,
            keep: row.yes(14)?,
            settled: row.yes(15)?,
            seq: row.number(16)?,
            actor: row.text(17)?,
            origin: row.json(18)?,
            shared_with: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_shown_and_as_people_type_it() {
        for id in ["/etc/motd", r"C:\x/y", "nginx.service", r"a\\/b", "/", r"\"] {
            let resource = ResourceId::new("web-1", "path", id);
            assert_eq!(ResourceId::parse(&resource.to_string()).expect("read"), resource);
            assert_eq!(ResourceId::parse(&resource.typed()).expect("read"), resource);
        }
        let typed = ResourceId::parse("web-1/path//etc/motd").expect("read");
        assert_eq!(typed, ResourceId::new("web-1", "path", "/etc/motd"));
        assert_eq!(typed.to_string(), r"web-1/path/\/etc\/motd");
        assert_eq!(typed.typed(), "web-1/path//etc/motd");
        for wrong in ["", "web-1", "web-1/path", "web-1/path/", "//x"] {
            assert!(ResourceId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
