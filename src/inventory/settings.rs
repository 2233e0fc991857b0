//! Connection settings as one layer declares them.

use super::escalation::{self, Escalate, Password, Passwords};
use super::node::{Data, Entry, Node};
use super::{Connect, InventoryError, Method, nearest};

/// Every connection setting, as the inventory spells it.
pub(super) const KEYS: &[&str] = &[
    "connect",
    "address",
    "user",
    "port",
    "jump",
    "key",
    "ssh_config",
    "container",
    "image",
    "run",
    "command",
    "connect_timeout",
    "timeout",
    "sudo",
    "su",
    "doas",
    "sudo_password",
    "su_password",
    "doas_password",
];

const CONNECTS: &[(&str, Connect)] = &[
    ("local", Connect::Local),
    ("ssh", Connect::Ssh),
    ("docker", Connect::Docker),
    ("podman", Connect::Podman),
    ("exec", Connect::Exec),
];

/// What hands trained elsewhere write, and how it is spelled here.
const FOREIGN: &[(&str, &str)] = &[
    ("host", "address"),
    ("hostname", "address"),
    ("ansible_host", "address"),
    ("ssh_hostname", "address"),
    ("ansible_user", "user"),
    ("ssh_user", "user"),
    ("login", "user"),
    ("username", "user"),
    ("ansible_port", "port"),
    ("ssh_port", "port"),
    ("ansible_connection", "connect"),
    ("connection", "connect"),
    ("connector", "connect"),
    ("via", "jump"),
    ("proxy", "jump"),
    ("proxy_jump", "jump"),
    ("ProxyJump", "jump"),
    ("identity_file", "key"),
    ("ssh_key", "key"),
    ("ansible_ssh_private_key_file", "key"),
    ("ssh_config_file", "ssh_config"),
    ("become", "sudo"),
    ("ansible_become", "sudo"),
    ("ansible_become_password", "sudo_password"),
    ("vars", "data"),
];

/// One layer of connection settings; `None` leaves the layer below alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Settings {
    pub connect: Option<Connect>,
    pub address: Option<String>,
    pub user: Option<String>,
    pub port: Option<u16>,
    pub jump: Option<String>,
    pub key: Option<String>,
    pub ssh_config: Option<String>,
    pub container: Option<String>,
    pub image: Option<String>,
    pub run: Option<Vec<String>>,
    pub command: Option<Vec<String>>,
    pub connect_timeout: Option<u64>,
    pub timeout: Option<u64>,
    pub escalate: Vec<Escalate>,
    pub passwords: Passwords,
}

impl Settings {
    /// Takes one key; `owner` is whose it is: "host `web-1`".
    ///
    /// # Errors
    /// When the value does not fit. A key that is none of [`KEYS`] is given back as `false`.
    pub fn take(&mut self, entry: &Entry, owner: &str) -> Result<bool, InventoryError> {
        let what = format!("`{}` of {owner}", entry.key);
        let value = &entry.value;
        match entry.key.as_str() {
            "connect" => self.connect = Some(connect(value, &what)?),
            "address" => self.address = Some(word(value, &what)?),
            "user" => self.user = Some(user(value, &what)?),
            "port" => self.port = Some(port(value, &what)?),
            "jump" => self.jump = Some(word(value, &what)?),
            "key" => self.key = Some(path(value, &what)?),
            "ssh_config" => self.ssh_config = Some(path(value, &what)?),
            "container" => self.container = Some(word(value, &what)?),
            "image" => self.image = Some(word(value, &what)?),
            "run" => self.run = Some(words(value, &what)?),
            "command" => self.command = Some(words(value, &what)?),
            "connect_timeout" => self.connect_timeout = Some(seconds(value, &what)?),
            "timeout" => self.timeout = Some(seconds(value, &what)?),
            key => return self.take_escalation(key, entry, &what),
        }
        Ok(true)
    }

    fn take_escalation(&mut self, key: &str, entry: &Entry, what: &str) -> Result<bool, InventoryError> {
        if let Some(method) = key.strip_suffix("_password").and_then(Method::named) {
            self.put_password(method, Password::read(&entry.value, what)?, entry)?;
        } else if let Some(method) = Method::named(key) {
            let (escalate, password) = escalation::read(method, &entry.value, what)?;
            if let Some(other) = self.escalate.iter().find(|other| other.user.is_some() && escalate.user.is_some()) {
                let message = format!("{what} stands beside `{}`", other.method.name());
                return Err(InventoryError::at(&entry.at, message).hint("keep one of `sudo`, `su` and `doas`"));
            }
            if let Some(password) = password {
                self.put_password(method, password, entry)?;
            }
            self.escalate.push(escalate);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn put_password(&mut self, method: Method, password: Password, entry: &Entry) -> Result<(), InventoryError> {
        let slot = self.passwords.slot(method);
        if slot.is_some() {
            let message = format!("the password for {} is given twice", method.name());
            let hint = format!("keep `{}_password` and leave it out of `{0}`", method.name());
            return Err(InventoryError::at(&entry.at, message).hint(hint));
        }
        *slot = Some(password);
        Ok(())
    }

    /// Lays a higher layer over this one.
    pub fn lay(&mut self, higher: &Self) {
        fn over<T: Clone>(below: &mut Option<T>, higher: &Option<T>) {
            if higher.is_some() {
                below.clone_from(higher);
            }
        }
        over(&mut self.connect, &higher.connect);
        over(&mut self.address, &higher.address);
        over(&mut self.user, &higher.user);
        over(&mut self.port, &higher.port);
        over(&mut self.jump, &higher.jump);
        over(&mut self.key, &higher.key);
        over(&mut self.ssh_config, &higher.ssh_config);
        over(&mut self.container, &higher.container);
        over(&mut self.image, &higher.image);
        over(&mut self.run, &higher.run);
        over(&mut self.command, &higher.command);
        over(&mut self.connect_timeout, &higher.connect_timeout);
        over(&mut self.timeout, &higher.timeout);
        for method in Method::ALL {
            over(self.passwords.slot(method), higher.passwords.get(method));
        }
        for escalate in &higher.escalate {
            escalate.lay_over(&mut self.escalate);
        }
    }
}

/// The error for a key nobody knows; `more` are the keys that the owner has besides the settings.
pub(super) fn unknown_key(entry: &Entry, owner: &str, more: &[&'static str]) -> InventoryError {
    let known = || more.iter().chain(KEYS).copied();
    let error = InventoryError::at(&entry.at, format!("unknown key `{}` in {owner}", entry.key));
    let foreign = FOREIGN.iter().find(|(word, ours)| *word == entry.key && known().any(|key| key == *ours));
    if let Some((_, ours)) = foreign {
        return error.hint(format!("did you mean `{ours}`?"));
    }
    error.nearest(&entry.key, known(), || {
        let list: Vec<String> = known().map(|key| format!("`{key}`")).collect();
        match more.contains(&"data") {
            true => format!("put values of your own under `data`; the keys known here are {}", list.join(", ")),
            false => format!("the keys known here are {}", list.join(", ")),
        }
    })
}

fn connect(value: &Node, what: &str) -> Result<Connect, InventoryError> {
    let wants = || value.wrong(what, "one of `local`, `ssh`, `docker`, `podman`, `exec`");
    let Data::Text(text) = &value.data else { return Err(wants()) };
    let found = CONNECTS.iter().find(|(name, _)| name == text);
    found.map(|(_, connect)| *connect).ok_or_else(|| match nearest(text, CONNECTS.iter().map(|(name, _)| *name)) {
        Some(name) => wants().hint(format!("did you mean `{name}`?")),
        None => wants().hint("`exec` with a `command` reaches anything else that gives a shell"),
    })
}

/// A text that becomes a word of a command line: no blanks, and nothing an option could be made of.
pub(super) fn word(value: &Node, what: &str) -> Result<String, InventoryError> {
    let text = value.text(what)?;
    let wrong = |why: &str, hint: &str| Err(InventoryError::at(&value.at, format!("{what} {why}")).hint(hint));
    if text.is_empty() {
        return wrong("is empty", "leave it out");
    }
    if text.starts_with('-') {
        return wrong("begins with `-` and would be taken for an option", "take the `-` away");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return wrong("holds blanks or control characters", "write one word");
    }
    Ok(text.to_owned())
}

/// A user by name, or by number as containers know them.
fn user(value: &Node, what: &str) -> Result<String, InventoryError> {
    match &value.data {
        Data::Number(number) if number.is_u64() => Ok(number.to_string()),
        _ => word(value, what),
    }
}

fn port(value: &Node, what: &str) -> Result<u16, InventoryError> {
    let wrong = || value.wrong(what, "a number from 1 to 65535");
    match &value.data {
        Data::Number(number) => {
            let port = number.as_u64().and_then(|number| u16::try_from(number).ok());
            port.filter(|port| *port > 0).ok_or_else(|| wrong().hint("22 is the port of ssh when none is given"))
        }
        Data::Text(text) if text.parse::<u16>().is_ok() => Err(wrong().hint(format!("write {text} without quotes"))),
        _ => Err(wrong().hint("22 is the port of ssh when none is given")),
    }
}

fn seconds(value: &Node, what: &str) -> Result<u64, InventoryError> {
    let seconds = match &value.data {
        Data::Number(number) => number.as_u64(),
        _ => None,
    };
    let wrong = || value.wrong(what, "a number of whole seconds above 0").hint("write 30 for half a minute");
    seconds.filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

/// A path on this machine; `~/` is the home folder, which `ssh -F` would not know.
fn path(value: &Node, what: &str) -> Result<String, InventoryError> {
    let text = value.text(what)?;
    if text.is_empty() {
        return Err(InventoryError::at(&value.at, format!("{what} is empty")).hint("leave it out"));
    }
    Ok(at_home(text))
}

/// The path with `~/` replaced by the home folder.
pub(super) fn at_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest).to_string_lossy().into_owned(),
        _ => path.to_owned(),
    }
}

/// Words of a command: a list, or a text that is split at blanks and knows no quotes.
fn words(value: &Node, what: &str) -> Result<Vec<String>, InventoryError> {
    match &value.data {
        Data::Text(text) => Ok(text.split_whitespace().map(str::to_owned).collect()),
        Data::List(items) => items.iter().map(|item| argument(item, what)).collect(),
        _ => Err(value.wrong(what, "a list of words").hint("write it as [one, two]")),
    }
}

fn argument(item: &Node, what: &str) -> Result<String, InventoryError> {
    match &item.data {
        Data::Text(text) => Ok(text.clone()),
        Data::Number(number) => Ok(number.to_string()),
        _ => Err(item.wrong(&format!("each word of {what}"), "a text").hint("quote it")),
    }
}
