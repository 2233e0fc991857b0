//! What the project holds of keys of OpenSSH: looked at in plans, made in applies.

use super::super::world::Authority;
use crate::engine::Shared;
use crate::event::Sign;
use crate::ops::{Change, OpError};
use crate::pki::ssh::{CertificateWant, Issued, KeyPair, KeyWant, Look, Revoke, Ssh, SshError};
use jiff::Timestamp;
use std::sync::Arc;

/// A key pair, or an authority.
pub struct Key<'a> {
    pub name: &'a str,
    pub want: &'a KeyWant,
    pub is_authority: bool,
    pub authority: &'a Authority,
}

/// A certificate under a name.
pub struct Certify<'a> {
    pub ca: &'a str,
    pub name: &'a str,
    pub want: &'a CertificateWant,
    pub authority: &'a Authority,
}

/// What is revoked.
pub struct Revocation<'a> {
    pub ca: &'a str,
    pub what: &'a Revoke,
    pub reason: Option<&'a str>,
    pub authority: &'a Authority,
}

/// Under this name stands what a plan would make, among names of certificates of another kind.
pub fn pending(kind: &str, name: &str) -> String {
    format!("ssh {kind} {name}")
}

/// Those of the scripts; in a rollback after them those of the project as it is now.
fn places(authority: &Authority) -> Vec<Arc<Ssh>> {
    [Some(authority.ssh()), authority.ssh_elsewhere()].into_iter().flatten().collect()
}

fn changes(there: bool, reasons: &[String]) -> Vec<Change> {
    let sign = if there { Sign::Update } else { Sign::Create };
    reasons.iter().map(|reason| Change::new(sign, reason.clone())).collect()
}

fn frozen(what: &str) -> OpError {
    OpError::refused_with(
        format!("this commit has no {what} as it is wanted, and neither has the project"),
        "a rollback makes no keys and certificates: apply the project as it is, or go back to another commit",
    )
}

/// An error of the library as one of an operation.
pub fn refused(error: SshError) -> OpError {
    let causes = std::iter::successors(std::error::Error::source(&error), |error| error.source());
    let message = std::iter::once(error.to_string()).chain(causes.map(ToString::to_string));
    let message = message.collect::<Vec<_>>().join(": ");
    OpError::Refused { message, hint: error.hint }
}

impl Key<'_> {
    fn look_in(&self, ssh: &Ssh) -> Result<Look<KeyPair>, SshError> {
        if self.is_authority { ssh.look_authority(self.name, self.want) } else { ssh.look_key(self.name, self.want) }
    }

    fn kind(&self) -> &'static str {
        if self.is_authority { "authority" } else { "key" }
    }

    /// The key that is as wanted.
    pub fn found(&self) -> Result<Option<KeyPair>, SshError> {
        for ssh in places(self.authority) {
            if let Look::Keep(pair) = self.look_in(&ssh)? {
                return Ok(Some(pair));
            }
        }
        Ok(None)
    }
}

impl Shared for Key<'_> {
    fn key(&self) -> String {
        format!("ssh key {}", self.name)
    }

    fn want(&self) -> String {
        format!("{} {:?}", self.kind(), self.want)
    }

    fn look(&self) -> Result<Vec<Change>, OpError> {
        if self.found().map_err(refused)?.is_some() {
            return Ok(Vec::new());
        }
        if self.authority.ssh_elsewhere().is_some() {
            return Err(frozen(&format!("{} `{}`", self.kind(), self.name)));
        }
        let ssh = self.authority.ssh();
        let there = ssh.key(self.name).is_ok();
        match self.look_in(&ssh).map_err(refused)? {
            Look::Keep(_) => Ok(Vec::new()),
            Look::Make(reasons) => {
                self.authority.pends(&pending(self.kind(), self.name));
                Ok(changes(there, &reasons))
            }
        }
    }

    fn work(&self) -> Result<(), OpError> {
        let ssh = self.authority.ssh();
        let made = match self.is_authority {
            true => ssh.ensure_authority(self.name, self.want),
            false => ssh.ensure_key(self.name, self.want),
        };
        made.map_err(refused)?;
        self.authority.settles(&pending(self.kind(), self.name));
        Ok(())
    }
}

impl Certify<'_> {
    fn id(&self) -> String {
        format!("{}/{}", self.ca, self.name)
    }

    /// The certificate that is as wanted. A rollback takes that of its commit, unless it was revoked since, then that of
    /// the project as it is.
    pub fn found(&self) -> Result<Option<Issued>, SshError> {
        for ssh in places(self.authority) {
            if !ssh.has_authority(self.ca)? {
                continue;
            }
            let look = ssh.look_certificate(self.ca, self.name, self.want, Timestamp::now())?;
            let current = self.authority.ssh_elsewhere();
            let revoked = |issued: &Issued| {
                let by = |ssh: &Arc<Ssh>| ssh.revokes(self.ca, self.name, issued.serial, &self.want.key);
                current.as_ref().map_or(Ok(false), by)
            };
            if let Look::Keep(issued) = look
                && !revoked(&issued)?
            {
                return Ok(Some(issued));
            }
        }
        Ok(None)
    }
}

impl Shared for Certify<'_> {
    fn key(&self) -> String {
        format!("ssh certificate {}", self.id())
    }

    fn want(&self) -> String {
        format!("{:?}", self.want)
    }

    fn look(&self) -> Result<Vec<Change>, OpError> {
        self.want.check().map_err(refused)?;
        let ssh = self.authority.ssh();
        if !ssh.has_authority(self.ca).map_err(refused)? && self.authority.is_pending(&pending("authority", self.ca)) {
            let new = format!("a new certificate for the {} `{}`", self.want.kind.word(), self.name);
            return Ok(changes(false, &[new]));
        }
        if self.found().map_err(refused)?.is_some() {
            return Ok(Vec::new());
        }
        if self.authority.ssh_elsewhere().is_some() {
            return Err(frozen(&format!("certificate `{}`", self.id())));
        }
        let look = ssh.look_certificate(self.ca, self.name, self.want, Timestamp::now());
        match look.map_err(refused)? {
            Look::Keep(_) => Ok(Vec::new()),
            Look::Make(reasons) => Ok(changes(ssh.has_certificate(self.ca, self.name), &reasons)),
        }
    }

    fn work(&self) -> Result<(), OpError> {
        let made = self.authority.ssh().ensure_certificate(self.ca, self.name, self.want, Timestamp::now());
        made.map(drop).map_err(refused)
    }
}

impl Shared for Revocation<'_> {
    fn key(&self) -> String {
        format!("ssh revocation {} {:?}", self.ca, self.what)
    }

    fn want(&self) -> String {
        String::new()
    }

    fn look(&self) -> Result<Vec<Change>, OpError> {
        if self.authority.is_pending(&pending("authority", self.ca)) {
            return Err(OpError::Unknown(format!("what the authority `{}` issued", self.ca)));
        }
        // A rollback takes nothing back: what is revoked in the project is revoked.
        let ssh = self.authority.ssh_elsewhere().unwrap_or_else(|| self.authority.ssh());
        match ssh.look_revoked(self.ca, self.what).map_err(refused)? {
            Look::Keep(()) => Ok(Vec::new()),
            Look::Make(_) if self.authority.ssh_elsewhere().is_some() => {
                Err(frozen(&format!("revocation list of `{}`", self.ca)))
            }
            Look::Make(reasons) => {
                self.authority.pends(&pending("list", self.ca));
                Ok(reasons.into_iter().map(|reason| Change::new(Sign::Remove, reason)).collect())
            }
        }
    }

    fn work(&self) -> Result<(), OpError> {
        let done = self.authority.ssh().ensure_revoked(self.ca, self.what, self.reason, Timestamp::now());
        done.map_err(refused)?;
        self.authority.settles(&pending("list", self.ca));
        Ok(())
    }
}
