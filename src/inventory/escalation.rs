//! `sudo`, `su` and `doas` as an inventory writes them, and their passwords.

use super::node::{Data, Node};
use super::settings::{at_home, word};
use super::{InventoryError, Method, Spot};
use crate::secret::{conceal, refer};
use std::collections::HashMap;
use std::path::Path;

/// What one layer says about one method; without a user, the method is switched off.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Escalate {
    pub method: Method,
    pub user: Option<String>,
}

impl Escalate {
    /// Another method replaces the one below; switching a method off leaves another one alone.
    pub fn lay_over(&self, below: &mut Vec<Escalate>) {
        below.retain(|below| self.user.is_none() && below.method != self.method);
        if self.user.is_some() {
            below.push(self.clone());
        }
    }
}

/// Reads `true`, `false`, a user, or `{ user, password }`.
pub(super) fn read(method: Method, value: &Node, what: &str) -> Result<(Escalate, Option<Password>), InventoryError> {
    let to = |user: Option<String>| Escalate { method, user };
    match &value.data {
        Data::Bool(yes) => Ok((to(yes.then(|| "root".to_owned())), None)),
        Data::Text(text) if is_old_boolean(text) => {
            let hint = "write `true` or `false`; another word is the name of a user";
            Err(InventoryError::at(&value.at, format!("{what} is `{text}`, which YAML 1.2 takes for a text"))
                .hint(hint))
        }
        Data::Text(_) => Ok((to(Some(word(value, what)?)), None)),
        Data::Map(_) => {
            let (user, password) = detailed(value, what)?;
            Ok((to(Some(user)), password))
        }
        _ => Err(value.wrong(what, "`true`, `false`, a user or a map").hint("write `true` to become root")),
    }
}

fn is_old_boolean(text: &str) -> bool {
    ["yes", "no", "on", "off", "true", "false", "y", "n"].contains(&text.to_lowercase().as_str())
}

fn detailed(value: &Node, what: &str) -> Result<(String, Option<Password>), InventoryError> {
    let (mut user, mut password) = ("root".to_owned(), None);
    for entry in value.clone().entries(what)? {
        let inner = format!("`{}` in {what}", entry.key);
        match entry.key.as_str() {
            "user" => user = word(&entry.value, &inner)?,
            "password" => password = Some(Password::read(&entry.value, &inner)?),
            key => {
                let error = InventoryError::at(&entry.at, format!("unknown key {inner}"));
                return Err(
                    error.nearest(key, ["user", "password"], || "the keys known here are `user`, `password`".into())
                );
            }
        }
    }
    Ok((user, password))
}

/// Where a password comes from. A plain one is a token from the moment it is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Password {
    at: Spot,
    origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Origin {
    Env(String),
    File(String),
    Plain(String),
    /// Fetched when it is needed.
    Kept(String),
}

impl Password {
    /// Reads `env:NAME`, `file:PATH`, `{ env: NAME }`, `{ file: PATH }`, `{ secret: REFERENCE }`, or the password itself.
    pub fn read(value: &Node, what: &str) -> Result<Self, InventoryError> {
        let origin = match &value.data {
            Data::Text(text) => Origin::of_text(text),
            Data::Map(entries) => match entries.as_slice() {
                _ if value.reference().is_some() => {
                    let reference = value.reference().unwrap_or_default();
                    Origin::Kept(refer(reference, Some(value.at.to_string())).to_string())
                }
                [entry] if entry.key == "env" => Origin::Env(word(&entry.value, what)?),
                [entry] if entry.key == "file" => Origin::File(entry.value.text(what)?.to_owned()),
                _ => return Err(wrong(value, what, "a map of something else")),
            },
            Data::Number(_) => return Err(wrong(value, what, "a number").hint("quote a password made of digits")),
            Data::Bool(_) | Data::Null | Data::List(_) => return Err(wrong(value, what, "of another type")),
        };
        Ok(Self { at: value.at.clone(), origin })
    }

    /// True when it stands in the file for everyone to read.
    pub fn is_plain(&self) -> bool {
        matches!(self.origin, Origin::Plain(_))
    }

    /// Where it is declared.
    pub fn at(&self) -> &Spot {
        &self.at
    }
}

/// Never shows the value: it may be the password.
fn wrong(value: &Node, what: &str, is: &str) -> InventoryError {
    let message =
        format!("{what} is `{{ env: NAME }}`, `{{ file: PATH }}`, `{{ secret: REFERENCE }}` or a text, not {is}");
    InventoryError::at(&value.at, message).hint("write `{ env: SUDO_PASSWORD }` and export that variable")
}

impl Origin {
    fn of_text(text: &str) -> Self {
        match text.split_once(':') {
            Some(("env", name)) => Self::Env(name.to_owned()),
            Some(("file", path)) => Self::File(path.to_owned()),
            _ => Self::Plain(conceal(text).to_string()),
        }
    }
}

/// The passwords of one layer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Passwords([Option<Password>; 3]);

impl Passwords {
    /// The password for a method.
    pub fn get(&self, method: Method) -> &Option<Password> {
        &self.0[method as usize]
    }

    /// The place of the password for a method.
    pub fn slot(&mut self, method: Method) -> &mut Option<Password> {
        &mut self.0[method as usize]
    }
}

/// Turns references into tokens, each once however many hosts share it.
#[derive(Debug, Default)]
pub(super) struct Vault(HashMap<Origin, Result<String, InventoryError>>);

impl Vault {
    /// The token of a password; paths are relative to `root`.
    pub fn token(&mut self, password: &Password, root: &Path) -> Result<String, InventoryError> {
        let Password { at, origin } = password;
        self.0.entry(origin.clone()).or_insert_with(|| fetch(origin, at, root)).clone()
    }
}

fn fetch(origin: &Origin, at: &Spot, root: &Path) -> Result<String, InventoryError> {
    match origin {
        Origin::Plain(token) | Origin::Kept(token) => Ok(token.clone()),
        Origin::Env(name) => std::env::var(name).map(|value| conceal(value).to_string()).map_err(|cause| {
            InventoryError::at(at, format!("the environment has no password in `{name}`"))
                .hint(format!("export `{name}` before the run"))
                .because(cause)
        }),
        Origin::File(path) => match std::fs::read_to_string(root.join(at_home(path))) {
            Ok(text) => Ok(conceal(text.strip_suffix('\n').unwrap_or(&text)).to_string()),
            Err(cause) => Err(InventoryError::at(at, format!("cannot read the password file `{path}`"))
                .hint("the path is relative to the project")
                .because(cause)),
        },
    }
}
