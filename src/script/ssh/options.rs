//! What playbooks say of keys and certificates of OpenSSH, as the library wants it.

use super::handles::SshKey;
use crate::ops::args::Many;
use crate::ops::{ArgumentError, Entry, OpError, Plan, Planned, View, all_known, arguments, fields};
use crate::pki::ssh::{CertificateWant, KeyWant, Kind, SshError, read_public};
use rhai::{Dynamic, Map};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ssh_key::PublicKey;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Operations on the project: no host knows of them, and `check` asks here what they take.
pub static ENTRIES: [Entry; 6] = [
    Entry::of_project("ssh::key", "name", fields::<KeyWant>, |want| accepted::<KeyWant>("ssh::key", want)),
    Entry::of_project("ssh::ca", "name", fields::<KeyWant>, |want| accepted::<KeyWant>("ssh::ca", want)),
    Entry::of_project("ssh::host_certificate", "ca", host_fields, |mut want| {
        want.as_object_mut().into_iter().for_each(|map| map.retain(|key, _| !FILE.contains(&key.as_str())));
        accepted::<HostOptions>("ssh::host_certificate", want)
    }),
    Entry::of_project("ssh::user_certificate", "name", fields::<UserOptions>, |want| {
        accepted::<UserOptions>("ssh::user_certificate", want)
    }),
    Entry::of_project("ssh::revoked", "ca", fields::<RevokedOptions>, |want| {
        accepted::<RevokedOptions>("ssh::revoked", want)
    }),
    Entry::of_project("ssh::krl", "path", || FILE, |_| Ok(Box::new(Nothing))),
];

/// What is told of the file on the host.
const FILE: &[&str] = &["owner", "group", "mode"];

fn host_fields() -> &'static [&'static str] {
    static FIELDS: OnceLock<Vec<&'static str>> = OnceLock::new();
    FIELDS.get_or_init(|| [fields::<HostOptions>(), FILE].concat())
}

/// Stands for an operation that does nothing on a host.
struct Nothing;

impl Planned for Nothing {
    fn plan(&self, _: &mut View<'_>) -> Result<Plan, OpError> {
        Ok(Plan::new())
    }
}

fn accepted<T: DeserializeOwned>(op: &'static str, mut want: Value) -> Result<Box<dyn Planned>, ArgumentError> {
    let target = super::entry(op).map(|entry| entry.target).unwrap_or_default();
    if let Some(map) = want.as_object_mut() {
        map.remove(target);
    }
    read::<T>(op, want).map(|_| Box::new(Nothing) as Box<dyn Planned>)
}

/// Names of several things: one text, an array, or a map from name to value.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Named {
    #[default]
    Nothing,
    One(String),
    Several(Vec<String>),
    Valued(BTreeMap<String, String>),
}

impl Named {
    fn into_map(self) -> BTreeMap<String, String> {
        match self {
            Self::Nothing => BTreeMap::new(),
            Self::One(name) => BTreeMap::from([(name, String::new())]),
            Self::Several(names) => names.into_iter().map(|name| (name, String::new())).collect(),
            Self::Valued(map) => map,
        }
    }
}

/// What `ssh::host_certificate` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostOptions {
    /// The path of the public key on the host.
    pub key: Option<String>,
    #[serde(default)]
    principals: Many,
    key_id: Option<String>,
    days: Option<f64>,
    renew_days: Option<f64>,
}

/// What `ssh::user_certificate` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserOptions {
    /// Who certifies.
    pub ca: String,
    /// A public key.
    key: String,
    principals: Many,
    key_id: Option<String>,
    days: Option<f64>,
    renew_days: Option<f64>,
    #[serde(default)]
    options: BTreeMap<String, String>,
    extensions: Option<Named>,
}

/// What `ssh::revoked` takes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedOptions {
    /// Why, for people.
    pub reason: Option<String>,
}

fn seconds(name: &str, days: f64) -> Result<u64, SshError> {
    match days > 0.0 && days <= 36_500.0 {
        true => Ok((days * 86_400.0).round() as u64),
        false => Err(SshError::new(format!("`{name}` is a number of days above 0 and up to 36500, not {days}"))),
    }
}

fn lasting(want: &mut CertificateWant, days: Option<f64>, renew_days: Option<f64>) -> Result<(), SshError> {
    if let Some(days) = days {
        want.valid_secs = seconds("days", days)?;
        want.renew_secs = CertificateWant::renewed_before(want.valid_secs);
    }
    if let Some(days) = renew_days {
        want.renew_secs = seconds("renew_days", days)?;
    }
    want.check()
}

impl HostOptions {
    /// The certificate for a key, and for these names unless others are told.
    ///
    /// # Errors
    /// Which argument is wrong, and how.
    pub fn want(self, key: PublicKey, host: &str, address: &str) -> Result<CertificateWant, SshError> {
        let mut principals = self.principals.0;
        if principals.is_empty() {
            principals.push(host.to_owned());
            principals.extend((address != host && !address.is_empty()).then(|| address.to_owned()));
        }
        let mut want = CertificateWant::new(Kind::Host, key, principals);
        want.key_id = Some(self.key_id.unwrap_or_else(|| host.to_owned()));
        lasting(&mut want, self.days, self.renew_days)?;
        Ok(want)
    }
}

impl UserOptions {
    /// The certificate for the key.
    ///
    /// # Errors
    /// Which argument is wrong, and how.
    pub fn want(self) -> Result<CertificateWant, SshError> {
        let key = read_public("argument `key`", &self.key)?;
        let mut want = CertificateWant::new(Kind::User, key, self.principals.0);
        want.key_id = self.key_id;
        want.options = self.options;
        if let Some(extensions) = self.extensions {
            want.extensions = extensions.into_map();
        }
        lasting(&mut want, self.days, self.renew_days)?;
        Ok(want)
    }
}

/// The name of a key or an authority that an argument names or is.
///
/// # Errors
/// What is expected.
pub fn name_of(value: &Dynamic) -> Result<String, String> {
    match value.read_lock::<SshKey>() {
        Some(key) => Ok(key.name.clone()),
        None => super::super::common::text(value).map_err(|_| "must be a key, or the name of one".to_owned()),
    }
}

/// The options as JSON: a key stands for its name.
///
/// # Errors
/// The option that has no such form, and why.
pub fn json_of(map: &Map) -> Result<Value, (String, String)> {
    let mut json = serde_json::Map::new();
    for (key, value) in map {
        let named = value.read_lock::<SshKey>().map(|key| Value::String(key.name.clone()));
        let value = match named {
            Some(name) => name,
            None => super::super::convert::to_json(value).map_err(|problem| (key.to_string(), problem))?,
        };
        json.insert(key.to_string(), value);
    }
    Ok(Value::Object(json))
}

/// Reads options.
///
/// # Errors
/// An option that there is none of, or a wrong value.
pub fn read<T: DeserializeOwned>(op: &'static str, options: Value) -> Result<T, ArgumentError> {
    all_known(op, fields::<T>(), &options)?;
    arguments(op, options)
}
