//! What there is in `pki/ssh`.

use super::certificate::{Kind, read, timestamp};
use super::place::Place;
use super::record::Record;
use super::{Ssh, SshError};
use jiff::Timestamp;
use serde::Serialize;
use ssh_key::certificate::CertType;
use ssh_key::{Certificate, PublicKey};

/// A certificate in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// For whom.
    pub kind: Kind,
    /// The name of its authority; none where its folder is that of none.
    pub authority: Option<String>,
    /// Its serial.
    pub serial: u64,
    /// What sshd writes to its log.
    pub key_id: String,
    /// Users or hosts.
    pub principals: Vec<String>,
    /// Valid from then on.
    pub valid_after: Timestamp,
    /// Valid until then, itself left out.
    pub valid_before: Timestamp,
    /// Whether its authority revoked its serial, its name or its key.
    pub revoked: bool,
}

impl Ssh {
    /// The public keys of all authorities, with their names. What cannot be read is left out, and the first reason given.
    pub fn authority_keys(&self) -> (Vec<(String, PublicKey)>, Option<SshError>) {
        let (mut keys, mut failed) = (Vec::new(), None);
        let names = match self.authorities() {
            Ok(names) => names,
            Err(error) => return (keys, Some(error)),
        };
        for name in names {
            match self.find_key(&name) {
                Ok(pair) => keys.extend(pair.map(|pair| (name, pair.public))),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        (keys, failed)
    }

    /// Every certificate of the project as it is now, sorted by authority and name.
    ///
    /// # Errors
    /// A file that holds none; a record that cannot be read.
    pub fn certificates(&self) -> Result<Vec<Listed>, SshError> {
        let authorities: Vec<(String, Record)> = self
            .authorities()?
            .into_iter()
            .map(|name| Ok((name.clone(), self.record(&name)?.unwrap_or_default())))
            .collect::<Result<_, SshError>>()?;
        let mut all = Vec::new();
        for file in self.place.files()? {
            let Some(path) = file.strip_suffix("-cert.pub") else { continue };
            let text = self.place.read(&file)?.unwrap_or_default();
            let certificate = read(text.trim_end()).ok_or_else(|| {
                SshError::new(format!("`{}` is no certificate", Place::shown(&file)))
                    .hint("take it back from git, or remove it: it is issued again where it is still wanted")
            })?;
            all.push(listed(path, &certificate, &authorities));
        }
        Ok(all)
    }

    /// The names of all authorities, sorted.
    fn authorities(&self) -> Result<Vec<String>, SshError> {
        let files = self.place.files()?;
        let names = files.iter().filter_map(|file| file.strip_suffix("/authority.json"));
        Ok(names.map(str::to_owned).collect())
    }
}

/// A certificate at a path below the folder of its authority; a folder may be that of an authority, and of names of another
/// one, and who issued it knows its serial.
fn listed(path: &str, certificate: &Certificate, authorities: &[(String, Record)]) -> Listed {
    let below = |(authority, _): &&(String, Record)| {
        path.strip_prefix(authority.as_str()).is_some_and(|name| name.starts_with('/'))
    };
    let knows = |(authority, record): &&(String, Record)| {
        let name = &path[authority.len() + 1..];
        record.entry(certificate.serial()).is_some_and(|entry| entry.name == name)
    };
    let mut above: Vec<&(String, Record)> = authorities.iter().filter(below).collect();
    above.sort_by_key(|(authority, _)| std::cmp::Reverse(authority.len()));
    let authority = above.iter().copied().find(|one| knows(one)).or(above.first().copied());
    let name = authority.map_or(path, |(authority, _)| &path[authority.len() + 1..]);
    let key = PublicKey::from(certificate.public_key().clone());
    let revoked = |(_, record): &(String, Record)| {
        record.revokes_serial(certificate.serial()) || record.revokes_name(name) || record.revokes_key(&key)
    };
    Listed {
        name: name.to_owned(),
        kind: if certificate.cert_type() == CertType::Host { Kind::Host } else { Kind::User },
        authority: authority.map(|(authority, _)| authority.clone()),
        serial: certificate.serial(),
        key_id: certificate.key_id().to_owned(),
        principals: certificate.valid_principals().to_vec(),
        valid_after: timestamp(certificate.valid_after()),
        valid_before: timestamp(certificate.valid_before()),
        revoked: authority.is_some_and(revoked),
    }
}
