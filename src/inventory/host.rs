//! One host: how to reach it, and what it is told.

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
    /// Seconds for a login; 10 when unset.
    pub connect_timeout_secs: Option<u64>,
    /// Seconds for one command; 300 when unset.
    pub timeout_secs: Option<u64>,
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
