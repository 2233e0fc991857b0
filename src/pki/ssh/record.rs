//! What an authority issued and revoked: `authority.json`, which people review and git merges.

use super::certificate::Kind;
use super::place::Place;
use super::{Ssh, SshError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ssh_key::PublicKey;

/// What one authority did so far.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The serial of the last certificate.
    pub last_serial: u64,
    /// Certificates, in the order of their serials.
    pub issued: Vec<Entry>,
    /// What is revoked, in the order of time.
    pub revoked: Vec<Revoked>,
}

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its serial.
    pub serial: u64,
    /// Its name in the project.
    pub name: String,
    /// For whom.
    pub kind: Kind,
    /// `SHA256:...` of the key that is certified.
    pub key: String,
    /// What sshd writes to its log.
    pub key_id: String,
    /// Users or hosts.
    pub principals: Vec<String>,
    /// From when.
    pub valid_after: Timestamp,
    /// Until when, itself left out.
    pub valid_before: Timestamp,
}

/// What shall be accepted no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// The name of a certificate: nothing is issued under it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A key, with whatever certificate.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text")]
    pub key: Option<PublicKey>,
    /// Certificates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serials: Vec<u64>,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use ssh_key::PublicKey;

    pub fn serialize<S: Serializer>(key: &Option<PublicKey>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&key.as_ref().map(super::super::line).unwrap_or_default())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PublicKey>, D::Error> {
        let text = String::deserialize(deserializer)?;
        PublicKey::from_openssh(&text).map(Some).map_err(D::Error::custom)
    }
}

impl Record {
    /// True when a certificate of this serial is revoked.
    pub fn revokes_serial(&self, serial: u64) -> bool {
        self.revoked.iter().any(|revoked| revoked.serials.contains(&serial))
    }

    /// True when nothing is issued under this name any more.
    pub fn revokes_name(&self, name: &str) -> bool {
        self.revoked.iter().any(|revoked| revoked.name.as_deref() == Some(name))
    }

    /// True when this key is revoked.
    pub fn revokes_key(&self, key: &PublicKey) -> bool {
        let keys = self.revoked.iter().filter_map(|revoked| revoked.key.as_ref());
        keys.into_iter().any(|revoked| revoked.key_data() == key.key_data())
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The text of its file.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a record has a JSON form");
        text.push('\n');
        text
    }

    /// The certificate of a serial; the first one, where two branches gave it to one each.
    pub fn entry(&self, serial: u64) -> Option<&Entry> {
        self.issued.iter().find(|entry| entry.serial == serial)
    }
}

/// Its file, in the folder of the authority.
pub(in crate::pki) const RECORD: &str = "authority.json";

fn file(authority: &str) -> String {
    format!("{authority}/{RECORD}")
}

impl Ssh {
    pub(super) fn record(&self, authority: &str) -> Result<Option<Record>, SshError> {
        let shown = Place::shown(&file(authority));
        let Some(text) = self.place.read(&file(authority))? else { return Ok(None) };
        let record = Record::parse(&text)
            .map_err(|error| SshError::new(format!("cannot read the authority's record `{shown}`")).because(error))?;
        Ok(Some(record))
    }

    /// True when an authority revoked a certificate: its serial, its name, or its key.
    ///
    /// # Errors
    /// Its record cannot be read.
    pub fn revokes(&self, authority: &str, name: &str, serial: u64, key: &PublicKey) -> Result<bool, SshError> {
        let record = self.record(authority)?;
        Ok(record.is_some_and(|record| {
            record.revokes_serial(serial) || record.revokes_name(name) || record.revokes_key(key)
        }))
    }

    pub(super) fn save_record(&self, authority: &str, record: &Record) -> Result<(), SshError> {
        self.place.write(&file(authority), record.text().as_bytes())
    }
}
