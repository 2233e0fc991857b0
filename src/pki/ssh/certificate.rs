//! Certificates for hosts and users.
//!
//! Spec: PROTOCOL.certkeys of OpenSSH; ssh-keygen(1), "CERTIFICATES".

use super::differ::differences;
use super::place::{Place, check_name};
use super::record::Entry;
use super::signer::Signer;
use super::{Look, Ssh, SshError};
use crate::secret::random;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ssh_key::certificate::{Builder, CertType};
use ssh_key::{Certificate, HashAlg, PublicKey};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// For whom a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A host, which shows it to clients.
    Host,
    /// A user, who shows it to hosts.
    User,
}

impl Kind {
    /// `host` or `user`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
        }
    }

    pub(super) fn cert_type(self) -> CertType {
        match self {
            Self::Host => CertType::Host,
            Self::User => CertType::User,
        }
    }
}

/// What a certificate shall say.
#[derive(Debug, Clone)]
pub struct CertificateWant {
    /// For whom.
    pub kind: Kind,
    /// The key that is certified.
    pub key: PublicKey,
    /// Names of users or hosts; at least one.
    pub principals: Vec<String>,
    /// What sshd writes to its log; the name of the certificate when none is given.
    pub key_id: Option<String>,
    /// Seconds that it is valid from when it is issued.
    pub valid_secs: u64,
    /// It is issued anew this long before it ends.
    pub renew_secs: u64,
    /// Critical options, with their values.
    pub options: BTreeMap<String, String>,
    /// Extensions, with their values.
    pub extensions: BTreeMap<String, String>,
}

/// A certificate of the project.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Its name.
    pub name: String,
    /// Its file, on this machine.
    pub path: PathBuf,
    /// As it stands in the file, without line end.
    pub text: String,
    /// Its serial.
    pub serial: u64,
    /// Until when it is valid.
    pub valid_before: Timestamp,
}

/// Clocks differ: a host whose own is a little late accepts a new certificate all the same.
pub(super) const EARLIER_SECS: u64 = 300;
/// What ssh-keygen(1) gives to users who ask for nothing.
pub(super) const EXTENSIONS: [&str; 5] =
    ["permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-pty", "permit-user-rc"];
/// A tenth of a second short of what a certificate can say.
const LONGEST_SECS: u64 = 100 * 365 * 86_400;

impl CertificateWant {
    /// What a certificate without any wishes says: of a host for a year, of a user for 90 days with the extensions that
    /// ssh-keygen(1) gives; issued anew when a third of it is left, 30 days at most.
    pub fn new(kind: Kind, key: PublicKey, principals: Vec<String>) -> Self {
        let extensions: &[&str] = if kind == Kind::User { &EXTENSIONS } else { &[] };
        let days = if kind == Kind::User { 90 } else { 365 };
        let extensions = extensions.iter().map(|name| ((*name).to_owned(), String::new())).collect();
        let options = BTreeMap::new();
        let (key_id, valid_secs) = (None, days * 86_400);
        let renew_secs = Self::renewed_before(valid_secs);
        Self { kind, key, principals, key_id, valid_secs, renew_secs, options, extensions }
    }

    /// How long before its end a certificate is renewed when nobody says: a third of it, 30 days at most.
    pub fn renewed_before(valid_secs: u64) -> u64 {
        (valid_secs / 3).min(30 * 86_400)
    }

    /// Refuses what no certificate can say, and what sshd would refuse.
    ///
    /// # Errors
    /// Which argument is wrong, and how.
    pub fn check(&self) -> Result<(), SshError> {
        let wrong = |text: String| Err(SshError::new(text));
        if self.principals.is_empty() {
            let hint = "a certificate without principals would stand for everybody, or for nobody";
            return Err(SshError::new("a certificate needs `principals`: names of users or hosts").hint(hint));
        }
        let bad =
            |name: &String| name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == ',' || c.is_control());
        if let Some(name) = self.principals.iter().find(|name| bad(name)) {
            return wrong(format!("{name:?} in `principals` is no name of a {}", self.kind.word()));
        }
        if let Some(id) = self.key_id.as_ref().filter(|id| id.is_empty() || id.contains(|c: char| c.is_control())) {
            return wrong(format!("`key_id` is one line, not {id:?}"));
        }
        if self.valid_secs == 0 || self.valid_secs > LONGEST_SECS {
            return wrong("`days` must be above 0, and at most 36500".into());
        }
        if self.renew_secs >= self.valid_secs {
            return Err(SshError::new("`renew_days` must be less than `days`")
                .hint("a certificate would be issued anew in every run"));
        }
        if self.kind == Kind::Host && !(self.options.is_empty() && self.extensions.is_empty()) {
            return wrong("certificates of hosts have neither `options` nor `extensions`".into());
        }
        self.options.iter().try_for_each(|(name, value)| check_option(name, value))?;
        self.extensions.iter().try_for_each(|(name, value)| check_extension(name, value))
    }

    /// What sshd writes to its log.
    pub(super) fn id<'a>(&'a self, name: &'a str) -> &'a str {
        self.key_id.as_deref().unwrap_or(name)
    }

    /// Seconds from when it begins to when it ends.
    pub(super) fn span(&self) -> u64 {
        self.valid_secs + EARLIER_SECS
    }
}

/// sshd refuses a certificate with a critical option that it does not know.
fn check_option(name: &str, value: &str) -> Result<(), SshError> {
    let wrong = |problem: &str| Err(SshError::new(format!("the critical option `{name}` {problem}")));
    match name {
        "force-command" if value.trim().is_empty() => wrong("is a command"),
        "source-address" if value.is_empty() || !value.split(',').all(is_network) => {
            wrong("is a list of addresses and networks: `192.0.2.1,198.51.100.0/24`")
        }
        "verify-required" if !value.is_empty() => wrong("has no value: write \"\""),
        "force-command" | "source-address" | "verify-required" => Ok(()),
        name if name.contains('@') => Ok(()),
        _ => wrong("is none that OpenSSH knows: `force-command`, `source-address`, `verify-required`"),
    }
}

fn check_extension(name: &str, value: &str) -> Result<(), SshError> {
    let known = EXTENSIONS.contains(&name) || name == "no-touch-required";
    match (known, value.is_empty()) {
        (true, true) => Ok(()),
        (true, false) => Err(SshError::new(format!("the extension `{name}` has no value: write \"\""))),
        (false, _) if name.contains('@') => Ok(()),
        (false, _) => Err(SshError::new(format!("`{name}` is no extension of OpenSSH")).hint(format!(
            "it has {}, `no-touch-required`, and `NAME@DOMAIN` of others",
            EXTENSIONS.map(|name| format!("`{name}`")).join(", ")
        ))),
    }
}

fn is_network(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let Ok(address) = address.parse::<std::net::IpAddr>() else { return false };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    prefix.is_none_or(|prefix| prefix.parse::<u8>().is_ok_and(|prefix| prefix <= longest))
}

fn file(authority: &str, name: &str) -> String {
    format!("{authority}/{name}-cert.pub")
}

pub(super) fn timestamp(secs: u64) -> Timestamp {
    i64::try_from(secs).ok().and_then(|secs| Timestamp::from_second(secs).ok()).unwrap_or(Timestamp::MAX)
}

/// ssh-key reads some lengths that are wrong, which OpenSSH refuses: only what is written back the same was issued.
pub(super) fn read(text: &str) -> Option<Certificate> {
    let certificate = Certificate::from_openssh(text).ok()?;
    certificate.to_openssh().is_ok_and(|written| written == text).then_some(certificate)
}

impl Ssh {
    /// Whether a certificate is as wanted, or why it is to be issued; nothing is made.
    ///
    /// # Errors
    /// What is wanted cannot be had: the name or the key is revoked, there is no such authority.
    pub fn look_certificate(
        &self,
        authority: &str,
        name: &str,
        want: &CertificateWant,
        now: Timestamp,
    ) -> Result<Look<Issued>, SshError> {
        check_name("a certificate", name)?;
        want.check()?;
        let (pair, record) = self.authority(authority)?;
        if record.revokes_name(name) {
            return Err(SshError::new(format!("`{name}` is revoked by the authority `{authority}`"))
                .hint("issue a certificate under another name"));
        }
        if record.revokes_key(&want.key) {
            let key = want.key.fingerprint(HashAlg::Sha256);
            return Err(SshError::new(format!("the key {key} of `{name}` is revoked by the authority `{authority}`"))
                .hint("make a new key"));
        }
        let Some(text) = self.place.read(&file(authority, name))? else {
            return Ok(Look::Make(vec![format!("a new certificate for the {} `{name}`", want.kind.word())]));
        };
        let text = text.trim_end().to_owned();
        let Some(certificate) = read(&text) else {
            return Ok(Look::Make(vec![format!("`{}` is no certificate", Place::shown(&file(authority, name)))]));
        };
        let reasons = differences(&certificate, &pair, &record, name, want, now);
        if !reasons.is_empty() {
            return Ok(Look::Make(reasons));
        }
        Ok(Look::Keep(self.issued(authority, name, text, &certificate)))
    }

    fn issued(&self, authority: &str, name: &str, text: String, certificate: &Certificate) -> Issued {
        Issued {
            name: name.to_owned(),
            path: self.place.path(&file(authority, name)),
            text,
            serial: certificate.serial(),
            valid_before: timestamp(certificate.valid_before()),
        }
    }

    /// True when there is a certificate of this name, whatever it says.
    pub fn has_certificate(&self, authority: &str, name: &str) -> bool {
        self.place.path(&file(authority, name)).exists()
    }

    /// A certificate as wanted, issued where it is not; with the reasons for what was done.
    ///
    /// # Errors
    /// As for [`Ssh::look_certificate`]; the authority's key cannot be had, or the files cannot be written.
    pub fn ensure_certificate(
        &self,
        authority: &str,
        name: &str,
        want: &CertificateWant,
        now: Timestamp,
    ) -> Result<(Issued, Vec<String>), SshError> {
        if let Look::Keep(issued) = self.look_certificate(authority, name, want, now)? {
            return Ok((issued, Vec::new()));
        }
        let _lock = self.place.lock()?;
        let reasons = match self.look_certificate(authority, name, want, now)? {
            Look::Keep(issued) => return Ok((issued, Vec::new())),
            Look::Make(reasons) => reasons,
        };
        let (pair, mut record) = self.authority(authority)?;
        let private = self.private_key(&pair)?;
        let failed = |error: ssh_key::Error| {
            SshError::new(format!("the authority `{authority}` cannot certify `{name}`")).because(error)
        };
        let serial = record.last_serial + 1;
        let certificate = sign(&Signer(&private), name, want, serial, now).map_err(failed)?;
        record.last_serial = serial;
        record.forget_old(now);
        record.issued.push(Entry {
            serial,
            name: name.to_owned(),
            kind: want.kind,
            key: want.key.fingerprint(HashAlg::Sha256).to_string(),
            key_id: want.id(name).to_owned(),
            principals: want.principals.clone(),
            valid_after: timestamp(certificate.valid_after()),
            valid_before: timestamp(certificate.valid_before()),
        });
        // A serial that is recorded and was never used does no harm; one that was used and is not recorded would.
        self.save_record(authority, &record)?;
        let text = certificate.to_openssh().map_err(failed)?;
        self.place.write(&file(authority, name), format!("{text}\n").as_bytes())?;
        Ok((self.issued(authority, name, text, &certificate), reasons))
    }
}

fn sign(
    signer: &Signer<'_>,
    name: &str,
    want: &CertificateWant,
    serial: u64,
    now: Timestamp,
) -> Result<Certificate, ssh_key::Error> {
    let mut nonce = [0; 32];
    random(&mut nonce);
    let after = u64::try_from(now.as_second()).unwrap_or_default().saturating_sub(EARLIER_SECS);
    let mut builder = Builder::new(nonce, want.key.key_data().clone(), after, after + want.span())?;
    builder.serial(serial)?.cert_type(want.kind.cert_type())?.key_id(want.id(name))?.comment(want.id(name))?;
    for principal in &want.principals {
        builder.valid_principal(principal)?;
    }
    for (name, value) in &want.options {
        builder.critical_option(name, value)?;
    }
    for (name, value) in &want.extensions {
        builder.extension(name, value)?;
    }
    builder.sign(signer)
}
