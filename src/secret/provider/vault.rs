//! `vault:MOUNT/PATH#FIELD`: HashiCorp Vault and OpenBao, key-value engines of both versions.
//!
//! The usual variables say where and who: `VAULT_ADDR`, `VAULT_NAMESPACE`, `VAULT_CACERT`, `VAULT_SKIP_VERIFY`, and
//! `VAULT_TOKEN` or `~/.vault-token`, `VAULT_ROLE_ID` with `VAULT_SECRET_ID` (AppRole), or `VAULT_USERNAME` with
//! `VAULT_PASSWORD` (userpass). `VAULT_AUTH_MOUNT` names the mount of the login method where it is another.

use super::onepassword::Said;
use super::{Provider, http};
use crate::secret::SecretError;
use rustify::errors::ClientError as RestError;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use vaultrs::client::{Client, VaultClient, VaultClientSettingsBuilder};
use vaultrs::error::ClientError;
use zeroize::Zeroizing;

type Secret = HashMap<String, Value>;

/// Logs in once, and reads each path once.
#[derive(Default)]
pub struct Vault {
    read: Mutex<HashMap<String, Arc<Secret>>>,
    token: Mutex<Option<Zeroizing<String>>>,
}

impl Provider for Vault {
    fn fetch(&self, reference: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let wrong = || {
            SecretError::new(format!("`vault:{reference}` names no field of Vault"))
                .hint("write `vault:MOUNT/PATH#FIELD`: `vault:secret/app/db#password`")
        };
        let (path, field) = reference.rsplit_once('#').ok_or_else(wrong)?;
        let path = path.trim_start_matches('/');
        let (mount, below) =
            path.split_once('/').filter(|(mount, below)| !mount.is_empty() && !below.is_empty()).ok_or_else(wrong)?;
        let secret = self.secret(path, mount, below)?;
        match secret.get(field) {
            Some(Value::String(text)) => Ok(Zeroizing::new(text.clone().into_bytes())),
            Some(other) => Ok(Zeroizing::new(other.to_string().into_bytes())),
            None => {
                let mut keys: Vec<&String> = secret.keys().collect();
                keys.sort();
                let keys: Vec<String> = keys.into_iter().map(|key| format!("`{key}`")).collect();
                let error = SecretError::new(format!("`{path}` in Vault has no field `{field}`"));
                Err(error.hint(format!("it has {}", keys.join(", "))))
            }
        }
    }
}

impl Vault {
    fn secret(&self, path: &str, mount: &str, below: &str) -> Result<Arc<Secret>, SecretError> {
        if let Some(known) = self.read.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Ok(Arc::clone(known));
        }
        let secret = Arc::new(http::wait(self.ask(path, mount, below))?);
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), Arc::clone(&secret));
        Ok(secret)
    }

    async fn ask(&self, path: &str, mount: &str, below: &str) -> Result<Secret, SecretError> {
        http::use_ring();
        let token = self.token().await?;
        let client = client(&token)?;
        // A token that may not ask for the version may well read: then both ways are tried.
        let version = version(&client, mount, below).await;
        if version != Some(1) {
            match vaultrs::kv2::read::<Secret>(&client, mount, below).await {
                Ok(secret) => return Ok(secret),
                Err(error) if version.is_none() && status(&error) == Some(404) => {}
                Err(error) => return Err(told(path, &error)),
            }
        }
        vaultrs::kv1::get::<Secret>(&client, mount, below).await.map_err(|error| told(path, &error))
    }

    /// The token that is given, or that of one login.
    async fn token(&self) -> Result<Zeroizing<String>, SecretError> {
        if let Some(token) = &*self.token.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(token.clone());
        }
        let token = match given() {
            Some(token) => token,
            None => log_in().await?,
        };
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn given() -> Option<Zeroizing<String>> {
    let kept = || std::fs::read_to_string(std::env::home_dir()?.join(".vault-token")).ok();
    let login = variable("VAULT_ROLE_ID").is_some() || variable("VAULT_USERNAME").is_some();
    let token = variable("VAULT_TOKEN").or_else(|| if login { None } else { kept() })?;
    Some(Zeroizing::new(token.trim().to_owned()))
}

async fn log_in() -> Result<Zeroizing<String>, SecretError> {
    let client = client("")?;
    let mount = |usual: &str| variable("VAULT_AUTH_MOUNT").unwrap_or_else(|| usual.to_owned());
    let (how, login) = if let (Some(role), Some(secret)) = (variable("VAULT_ROLE_ID"), variable("VAULT_SECRET_ID")) {
        ("AppRole", vaultrs::auth::approle::login(&client, &mount("approle"), &role, &secret).await)
    } else if let (Some(user), Some(password)) = (variable("VAULT_USERNAME"), variable("VAULT_PASSWORD")) {
        ("userpass", vaultrs::auth::userpass::login(&client, &mount("userpass"), &user, &password).await)
    } else {
        let error = SecretError::new("there is no login for Vault");
        return Err(
            error.hint("set VAULT_TOKEN, or run `vault login`; AppRole takes VAULT_ROLE_ID and VAULT_SECRET_ID")
        );
    };
    match login {
        Ok(login) => Ok(Zeroizing::new(login.client_token)),
        Err(error) => Err(SecretError::new(format!("Vault refuses the login by {how}")).because(Said(words(&error)))),
    }
}

fn client(token: &str) -> Result<VaultClient, SecretError> {
    let address = variable("VAULT_ADDR").unwrap_or_else(|| "https://127.0.0.1:8200".into());
    let wrong = || SecretError::new(format!("VAULT_ADDR is no address: `{address}`"));
    reqwest::Url::parse(&address).map_err(|error| wrong().because(error))?;
    let mut settings = VaultClientSettingsBuilder::default();
    settings.address(&address).token(token).timeout(Some(http::TIMEOUT)).namespace(variable("VAULT_NAMESPACE"));
    let settings = settings.build().map_err(|error| SecretError::new("cannot set up Vault").because(error))?;
    VaultClient::new(settings).map_err(|error| SecretError::new("cannot set up Vault").because(Said(words(&error))))
}

/// The version of the engine behind a mount.
async fn version(client: &VaultClient, mount: &str, below: &str) -> Option<u8> {
    let url = format!("{}v1/sys/internal/ui/mounts/{mount}/{below}", client.settings().address);
    let mut request = http::client().ok()?.get(url).header("X-Vault-Token", &client.settings().token);
    if let Some(namespace) = &client.settings().namespace {
        request = request.header("X-Vault-Namespace", namespace);
    }
    let answer: Value = request.send().await.ok()?.error_for_status().ok()?.json().await.ok()?;
    match answer.pointer("/data/options/version").and_then(Value::as_str) {
        Some("2") => Some(2),
        _ => Some(1),
    }
}

fn told(path: &str, error: &ClientError) -> SecretError {
    let address = variable("VAULT_ADDR").unwrap_or_default();
    let hint = match status(error) {
        Some(403) => "the token is not valid, or its policies do not let it read this",
        Some(404) => "`vault kv list` shows what there is",
        Some(503) => "Vault is sealed: `vault operator unseal`",
        _ => "see VAULT_ADDR and VAULT_CACERT",
    };
    let error = Said(words(error));
    SecretError::new(format!("Vault at {address} does not give `{path}`")).hint(hint).because(error)
}

/// What the server answered, in the form of Vault or, as RustyVault does, in none.
fn status(error: &ClientError) -> Option<u16> {
    match error {
        ClientError::APIError { code, .. } => Some(*code),
        ClientError::RestClientError { source: RestError::ServerResponseError { code, .. } } => Some(*code),
        _ => None,
    }
}

fn words(error: &ClientError) -> String {
    if let Some(code) = status(error) {
        return match error {
            ClientError::APIError { errors, .. } if !errors.is_empty() => {
                format!("it answered {code}: {}", errors.join(", "))
            }
            _ => format!("it answered {code}"),
        };
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    crate::secret::redact(&text)
}
