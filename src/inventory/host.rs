//! One host: how to reach it, and what it is told.

use super::nearest;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

/// A host as the inventory resolved it.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// Its name in the inventory.
    pub name: String,
    /// Groups it is in, lowest precedence first; `all` is always the first.
    pub groups: Vec<String>,
    /// How to reach it.
    pub connection: Connection,
    /// Its data, all layers resolved.
    pub data: IndexMap<String, Value>,
}

impl Host {
    /// True when it is in the group, directly or through a child of it.
    pub fn in_group(&self, group: &str) -> bool {
        self.groups.iter().any(|name| name == group)
    }

    /// The key of its data that a misspelt one probably means.
    pub fn nearest_data_key(&self, key: &str) -> Option<&str> {
        nearest(key, self.data.keys().map(String::as_str))
    }

    /// Sets a value of its data at run time: above every layer of the inventory.
    pub fn set_data(&mut self, key: impl Into<String>, value: Value) {
        self.data.insert(key.into(), value);
    }
}

/// What carries the shell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Connect {
    /// This machine.
    Local,
    /// OpenSSH.
    #[default]
    Ssh,
    /// `docker exec`.
    Docker,
    /// `podman exec`.
    Podman,
    /// A command template.
    Exec,
}

/// Connection settings, resolved: host over groups over defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Connection {
    /// What carries the shell.
    pub connect: Connect,
    /// ssh: host name, address or alias of ssh_config; the host's own name when unset.
    pub address: Option<String>,
    /// ssh: login user. docker, podman: user inside the container.
    pub user: Option<String>,
    /// ssh: port.
    pub port: Option<u16>,
    /// ssh: ProxyJump, as ssh's `-J` takes it.
    pub jump: Option<String>,
    /// ssh: identity file.
    pub key: Option<String>,
    /// ssh: configuration file instead of the user's own.
    pub ssh_config: Option<String>,
    /// docker, podman: container name; the host's own name when unset.
    pub container: Option<String>,
    /// docker, podman: image from which `staging up` starts the container.
    pub image: Option<String>,
    /// docker, podman: further words for `docker run`, used by `staging up`.
    pub run: Vec<String>,
    /// exec: words of the command that gives a shell; `{host}`, `{address}`, `{user}` and `{port}` are replaced.
    pub command: Vec<String>,
    /// Who operations act as, unless a play, block or operation says otherwise.
    pub become_user: Option<Escalation>,
    /// Passwords for the methods, used where a play, block or operation escalates by itself.
    pub passwords: Secrets,
    /// Seconds for a login; 10 when unset.
    pub connect_timeout_secs: Option<u64>,
    /// Seconds for one command; 300 when unset.
    pub timeout_secs: Option<u64>,
}

/// Passwords for escalation; texts that hold a secret token, or `None` where none is declared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets([Option<String>; 3]);

impl Secrets {
    /// The password for a method.
    pub fn get(&self, method: Method) -> Option<&str> {
        self.0[method as usize].as_deref()
    }

    /// Declares the password for a method.
    pub fn set(&mut self, method: Method, token: String) {
        self.0[method as usize] = Some(token);
    }
}

/// How to become another user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Escalation {
    /// The program.
    pub method: Method,
    /// The wanted user.
    pub user: String,
    /// Its password; a text that may hold a secret token.
    pub password: Option<String>,
}

/// The program that makes another user of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// sudo(8)
    Sudo,
    /// su(1)
    Su,
    /// doas(1)
    Doas,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sudo, Self::Su, Self::Doas];

    /// The name of the program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Su => "su",
            Self::Doas => "doas",
        }
    }

    /// The method of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

impl Connect {
    /// Its word in an inventory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Ssh => "ssh",
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Exec => "exec",
        }
    }
}
