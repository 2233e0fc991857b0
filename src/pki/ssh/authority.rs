//! Authorities: a key pair, the record of what it certified, and what it revoked.

use super::key::{KeyPair, KeyWant};
use super::krl::krl;
use super::record::{Record, Revoked};
use super::{Look, Ssh, SshError};
use jiff::{SignedDuration, Timestamp};
use ssh_key::PublicKey;
use std::path::PathBuf;

/// What an authority shall be: its key.
pub type AuthorityWant = KeyWant;

/// What shall be accepted no more.
#[derive(Debug, Clone)]
pub enum Revoke {
    /// One certificate.
    Serial(u64),
    /// All certificates of a name; nothing is issued under it again.
    Name(String),
    /// A key, with whatever certificate, or with none.
    Key(Box<PublicKey>),
}

/// Entries of certificates that ended this long ago leave the record; git remembers them.
const KEPT: SignedDuration = SignedDuration::from_hours(365 * 24);

impl Record {
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        self.issued.retain(|entry| now.duration_since(entry.valid_before) < KEPT);
    }

    fn is_revoked(&self, what: &Revoke) -> bool {
        match what {
            Revoke::Serial(serial) => self.revokes_serial(*serial),
            Revoke::Name(name) => self.revokes_name(name),
            Revoke::Key(key) => self.revokes_key(key),
        }
    }
}

/// The file with its revocation list, in its folder.
pub(in crate::pki) const LIST: &str = "revoked.krl";

fn list_file(authority: &str) -> String {
    format!("{authority}/{LIST}")
}

impl Ssh {
    /// Whether an authority is as wanted, or why it is not; nothing is made.
    ///
    /// # Errors
    /// As for [`Ssh::look_key`]; its record cannot be read.
    pub fn look_authority(&self, name: &str, want: &AuthorityWant) -> Result<Look<KeyPair>, SshError> {
        let pair = match self.look_key(name, want)? {
            Look::Keep(pair) => pair,
            made => return Ok(made),
        };
        let Some(record) = self.record(name)? else {
            return Ok(Look::Make(vec!["it has no record yet".into()]));
        };
        let list = std::fs::read(self.revocation_list(name)).unwrap_or_default();
        Ok(match list == krl(&pair.public, &record) {
            true => Look::Keep(pair),
            false => Look::Make(vec!["its revocation list is not that of its record".into()]),
        })
    }

    /// An authority as wanted, made when there is none; with the reasons for what was done.
    ///
    /// # Errors
    /// As for [`Ssh::look_authority`]; it cannot be kept.
    pub fn ensure_authority(&self, name: &str, want: &AuthorityWant) -> Result<(KeyPair, Vec<String>), SshError> {
        if let Look::Keep(pair) = self.look_authority(name, want)? {
            return Ok((pair, Vec::new()));
        }
        let _lock = self.place.lock()?;
        let reasons = match self.look_authority(name, want)? {
            Look::Keep(pair) => return Ok((pair, Vec::new())),
            Look::Make(reasons) => reasons,
        };
        let (pair, _) = self.ensure_key_locked(name, want)?;
        let record = self.record(name)?.unwrap_or_default();
        self.save_record(name, &record)?;
        self.place.write(&list_file(name), &krl(&pair.public, &record))?;
        Ok((pair, reasons))
    }

    /// An authority that is there, with its record.
    ///
    /// # Errors
    /// There is none of this name.
    pub(super) fn authority(&self, name: &str) -> Result<(KeyPair, Record), SshError> {
        let missing = || {
            SshError::new(format!("there is no authority `{name}`")).hint(format!("`ssh::ca(\"{name}\")` makes one"))
        };
        let pair = self.find_key(name)?.ok_or_else(missing)?;
        Ok((pair, self.record(name)?.ok_or_else(missing)?))
    }

    /// True when there is such an authority.
    ///
    /// # Errors
    /// Its files cannot be read.
    pub fn has_authority(&self, name: &str) -> Result<bool, SshError> {
        Ok(self.find_key(name)?.is_some() && self.record(name)?.is_some())
    }

    /// The file with an authority's revocation list, on this machine.
    pub fn revocation_list(&self, name: &str) -> PathBuf {
        self.place.path(&list_file(name))
    }

    /// The same, of an authority that is there.
    ///
    /// # Errors
    /// There is no such authority.
    pub fn revocations(&self, name: &str) -> Result<PathBuf, SshError> {
        self.authority(name).map(|_| self.revocation_list(name))
    }

    /// Whether something is revoked, or what would be done; nothing is changed.
    ///
    /// # Errors
    /// There is no such authority, or it issued nothing of the kind.
    pub fn look_revoked(&self, authority: &str, what: &Revoke) -> Result<Look<()>, SshError> {
        let (_, record) = self.authority(authority)?;
        if record.is_revoked(what) {
            return Ok(Look::Keep(()));
        }
        let serials = serials(authority, &record, what)?;
        Ok(Look::Make(vec![match what {
            Revoke::Serial(serial) => format!("revoke the serial {serial}"),
            Revoke::Name(name) => format!("revoke `{name}`, {}", said(&serials)),
            Revoke::Key(key) => format!("revoke the key {}", key.fingerprint(ssh_key::HashAlg::Sha256)),
        }]))
    }

    /// Sees that something is revoked, in the record and in the list; with the reasons for what was done.
    ///
    /// # Errors
    /// As for [`Ssh::look_revoked`]; the files cannot be written.
    pub fn ensure_revoked(
        &self,
        authority: &str,
        what: &Revoke,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<String>, SshError> {
        let _lock = self.place.lock()?;
        let reasons = match self.look_revoked(authority, what)? {
            Look::Keep(()) => return Ok(Vec::new()),
            Look::Make(reasons) => reasons,
        };
        let (pair, mut record) = self.authority(authority)?;
        let serials = serials(authority, &record, what)?;
        let (name, key) = match what {
            Revoke::Serial(_) => (None, None),
            Revoke::Name(name) => (Some(name.clone()), None),
            Revoke::Key(key) => (None, Some((**key).clone())),
        };
        let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
        record.revoked.push(Revoked { name, key, serials, at, reason: reason.map(str::to_owned) });
        self.save_record(authority, &record)?;
        self.place.write(&list_file(authority), &krl(&pair.public, &record))?;
        Ok(reasons)
    }
}

fn said(serials: &[u64]) -> String {
    let numbers: Vec<String> = serials.iter().map(u64::to_string).collect();
    format!("serial{} {}", if serials.len() == 1 { "" } else { "s" }, numbers.join(", "))
}

/// The certificates that go with what is revoked.
fn serials(authority: &str, record: &Record, what: &Revoke) -> Result<Vec<u64>, SshError> {
    let found: Vec<u64> = match what {
        Revoke::Serial(serial) => record.entry(*serial).into_iter().map(|entry| entry.serial).collect(),
        Revoke::Name(name) => {
            record.issued.iter().filter(|entry| entry.name == *name).map(|entry| entry.serial).collect()
        }
        // The list names the key itself.
        Revoke::Key(_) => return Ok(Vec::new()),
    };
    if !found.is_empty() {
        return Ok(found);
    }
    let none = match what {
        Revoke::Serial(serial) => format!("no serial {serial}"),
        Revoke::Name(name) => format!("nothing as `{name}`"),
        Revoke::Key(_) => unreachable!("a key needs no certificate"),
    };
    let hint = format!("`pki/ssh/{authority}/authority.json` lists what it issued");
    Err(SshError::new(format!("the authority `{authority}` issued {none}")).hint(hint))
}
