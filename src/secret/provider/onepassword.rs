//! `op://VAULT/ITEM/[SECTION/]FIELD`: 1Password, by its program or by a Connect server.
//!
//! Spec: <https://developer.1password.com/docs/cli/reference/commands/read> and
//! <https://developer.1password.com/docs/connect/api-reference>.

use super::local::last_line;
use super::{Provider, http};
use crate::secret::{SecretError, program};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// With `OP_CONNECT_HOST` and `OP_CONNECT_TOKEN` it asks that server, else the program `op`.
#[derive(Default)]
pub struct OnePassword {
    /// True when `op` gave something: each call before could ask for a fingerprint or a password.
    unlocked: Mutex<bool>,
}

impl Provider for OnePassword {
    fn fetch(&self, path: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let reference = format!("op:{path}");
        let parts: Vec<&str> = path.strip_prefix("//").unwrap_or_default().split('/').collect();
        if !(3..=4).contains(&parts.len()) || parts.iter().any(|part| part.is_empty()) {
            let error = SecretError::new(format!("`{reference}` names no field of 1Password"));
            return Err(error.hint("write `op://VAULT/ITEM/FIELD` or `op://VAULT/ITEM/SECTION/FIELD`"));
        }
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (variable("OP_CONNECT_HOST"), variable("OP_CONNECT_TOKEN")) {
            (Some(host), Some(token)) => {
                let connect = Connect { host: host.trim_end_matches('/').to_owned(), token: Zeroizing::new(token) };
                http::wait(connect.field(&reference, &parts))
            }
            _ => self.by_program(&reference),
        }
    }
}

impl OnePassword {
    /// One alone, until it is unlocked.
    fn by_program(&self, reference: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let mut unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        if *unlocked {
            drop(unlocked);
            return by_program(reference);
        }
        let value = by_program(reference);
        *unlocked = value.is_ok();
        value
    }
}

fn by_program(reference: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let failed = || SecretError::new(format!("1Password does not give `{reference}`"));
    let mut op = Command::new("op");
    // A question of `op` (a fingerprint, a password) is asked by its own window or on the terminal itself.
    op.args(["read", "--no-newline", reference]).stdin(Stdio::inherit());
    let output =
        program::output(op, &format!("1Password to give `{reference}`")).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                SecretError::new(format!("there is no program `op` to fetch `{reference}`"))
                    .hint("install the 1Password CLI, or set OP_CONNECT_HOST and OP_CONNECT_TOKEN")
            }
            _ => failed().because(error),
        })?;
    let value = Zeroizing::new(output.stdout);
    if output.status.success() {
        return Ok(value);
    }
    let said = last_line(&output.stderr).unwrap_or_default();
    let locked = ["not currently signed in", "not signed in", "no account", "session expired", "locked"];
    let hint = match locked.iter().any(|word| said.contains(word)) {
        true => "sign in with `eval $(op signin)`, or set OP_SERVICE_ACCOUNT_TOKEN".to_owned(),
        false => "`op item list --vault VAULT` and `op item get ITEM` show what there is".to_owned(),
    };
    Err(failed().hint(hint).because(Said(said)))
}

/// What another program or server said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Said(pub String);

struct Connect {
    host: String,
    token: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(default, alias = "name")]
    title: String,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    id: String,
    #[serde(default)]
    label: String,
    value: Option<String>,
    section: Option<Section>,
}

#[derive(Deserialize)]
struct Section {
    id: String,
    #[serde(default)]
    label: String,
}

impl Connect {
    async fn field(&self, reference: &str, parts: &[&str]) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let (vault, item) = (parts[0], parts[1]);
        let missing = |what: &str, name: &str| {
            SecretError::new(format!("1Password has no {what} `{name}`, which `{reference}` names"))
                .hint(format!("see that the token of {} may read it", self.host))
        };
        let vaults: Vec<Named> = self.ask(reference, "/v1/vaults", Some(("name", vault))).await?;
        let vault = one(vaults, vault).ok_or_else(|| missing("vault", vault))?;
        let items: Vec<Named> =
            self.ask(reference, &format!("/v1/vaults/{vault}/items"), Some(("title", item))).await?;
        let item = one(items, item).ok_or_else(|| missing("item", item))?;
        let item: Item = self.ask(reference, &format!("/v1/vaults/{vault}/items/{item}"), None).await?;
        let (section, name) = match parts {
            [_, _, section, name] => (Some(*section), *name),
            _ => (None, parts[2]),
        };
        let field =
            item.fields.into_iter().find(|field| field.is(section, name)).ok_or_else(|| missing("field", name))?;
        let value = field.value.ok_or_else(|| missing("value in the field", name))?;
        Ok(Zeroizing::new(value.into_bytes()))
    }

    /// Names are asked for by a filter (SCIM), and ids come in the whole list.
    async fn ask<T: DeserializeOwned>(
        &self,
        reference: &str,
        path: &str,
        filter: Option<(&str, &str)>,
    ) -> Result<T, SecretError> {
        let failed = || SecretError::new(format!("1Password Connect at {} does not give `{reference}`", self.host));
        let url = format!("{}{path}", self.host);
        let mut url = reqwest::Url::parse(&url).map_err(|error| failed().because(error))?;
        if let Some((key, value)) = filter.filter(|(_, value)| !is_id(value)) {
            url.query_pairs_mut().append_pair("filter", &format!("{key} eq \"{}\"", value.replace('"', "\\\"")));
        }
        let request = http::client()?.get(url).bearer_auth(&*self.token);
        let answer = request.send().await.map_err(|error| failed().hint("see OP_CONNECT_HOST").because(error))?;
        match answer.status() {
            status if status.is_success() => answer.json().await.map_err(|error| failed().because(error)),
            status => {
                let hint = if status.as_u16() == 401 { "OP_CONNECT_TOKEN is not valid there" } else { "see its log" };
                Err(failed().hint(hint).because(Said(format!("the server answered {status}"))))
            }
        }
    }
}

/// 26 letters and digits, as 1Password makes them.
fn is_id(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn one(found: Vec<Named>, name: &str) -> Option<String> {
    found.into_iter().find(|one| one.id == name || one.title == name).map(|one| one.id)
}

impl Field {
    fn is(&self, section: Option<&str>, name: &str) -> bool {
        let named = self.id == name || self.label == name;
        let inside = |wanted: &str| self.section.as_ref().is_some_and(|own| own.id == wanted || own.label == wanted);
        named && section.is_none_or(inside)
    }
}
