//! `pki list`: all that ends one day.

use super::super::failure::CommandError;
use super::super::table;
use super::show::{day, days_left, status};
use crate::pki::ssh::{self, Ssh};
use crate::pki::{Crl, Listed, Pki};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;

/// What a project has that ends.
pub struct List {
    certificates: Vec<Listed>,
    /// Names of certificates that an interrupted run left half made.
    unfinished: Vec<String>,
    /// Revocation lists by their authority; none where the file is no list of it.
    crls: Vec<(String, Option<Crl>)>,
    ssh: Vec<ssh::Listed>,
}

type Row = [String; 6];

impl List {
    /// All of a project.
    ///
    /// # Errors
    /// A file that is damaged.
    pub fn of_project(pki: &Pki, root: &Path) -> Result<Self, CommandError> {
        let ssh = Ssh::of_project(root).certificates()?;
        Ok(Self { certificates: pki.list()?, unfinished: pki.unfinished()?, crls: pki.crls()?, ssh })
    }

    /// Leaves what ends until then, and what nobody can rely on any more. What is revoked is waited for by nobody.
    pub fn ending_until(&mut self, limit: Timestamp) {
        self.certificates.retain(|listed| listed.revoked.is_none() && listed.not_after <= limit);
        self.crls.retain(|(_, crl)| crl.as_ref().is_none_or(|crl| crl.next_update <= limit));
        self.ssh.retain(|listed| !listed.revoked && listed.valid_before <= limit);
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.unfinished.is_empty() && self.crls.is_empty() && self.ssh.is_empty()
    }

    /// As a table.
    pub fn table(&self, now: Timestamp) -> String {
        let header = ["NAME", "KIND", "ISSUER", "ENDS", "DAYS", "STATUS"].map(str::to_owned);
        let mut rows = vec![header];
        rows.extend(self.certificates.iter().map(|listed| {
            let status = status(listed.revoked.as_ref(), listed.not_after, now);
            let issuer = listed.issuer.as_deref().unwrap_or("-");
            row(&listed.name, &listed.kind.to_string(), issuer, (listed.not_after, now), status)
        }));
        let open = |name: &str, kind: &str, issuer: &str, status: &str| {
            [name, kind, issuer, "-", "-", status].map(str::to_owned)
        };
        rows.extend(self.unfinished.iter().map(|name| open(name, "-", "-", "unfinished")));
        rows.extend(self.crls.iter().map(|(authority, crl)| {
            let name = format!("{authority}/crl");
            match crl {
                Some(crl) => row(&name, "crl", authority, (crl.next_update, now), status(None, crl.next_update, now)),
                None => open(&name, "crl", authority, "not of this key"),
            }
        }));
        rows.extend(self.ssh.iter().map(|listed| {
            let issuer = listed.authority.as_ref().map_or_else(|| "-".to_owned(), |name| format!("ssh/{name}"));
            let status = if listed.revoked { "revoked".to_owned() } else { status(None, listed.valid_before, now) };
            let kind = format!("ssh {}", listed.kind.word());
            row(&ssh_name(listed), &kind, &issuer, (listed.valid_before, now), status)
        }));
        table::aligned(rows)
    }

    /// As JSON.
    pub fn json(&self, now: Timestamp) -> Value {
        let certificate = |listed: &Listed| with_days(listed, listed.not_after, now);
        let crl = |(authority, crl): &(String, Option<Crl>)| match crl {
            Some(crl) => json!({ "authority": authority, "number": crl.number, "next_update": crl.next_update,
                                 "days_left": days_left(crl.next_update, now), "revoked": crl.serials }),
            None => {
                json!({ "authority": authority, "number": null, "next_update": null, "days_left": null, "revoked": [] })
            }
        };
        let ssh = |listed: &ssh::Listed| with_days(listed, listed.valid_before, now);
        json!({ "certificates": self.certificates.iter().map(certificate).collect::<Vec<_>>(),
                "unfinished": self.unfinished,
                "crls": self.crls.iter().map(crl).collect::<Vec<_>>(),
                "ssh_certificates": self.ssh.iter().map(ssh).collect::<Vec<_>>() })
    }
}

fn ssh_name(listed: &ssh::Listed) -> String {
    match &listed.authority {
        Some(authority) => format!("ssh/{authority}/{}", listed.name),
        None => format!("ssh/{}", listed.name),
    }
}

fn row(name: &str, kind: &str, issuer: &str, (ends, now): (Timestamp, Timestamp), status: String) -> Row {
    [name.to_owned(), kind.to_owned(), issuer.to_owned(), day(ends), days_left(ends, now).to_string(), status]
}

fn with_days(listed: &impl serde::Serialize, ends: Timestamp, now: Timestamp) -> Value {
    let mut value = serde_json::to_value(listed).expect("it has a JSON form");
    value["days_left"] = days_left(ends, now).into();
    value
}
