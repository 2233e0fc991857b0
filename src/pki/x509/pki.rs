//! The certificates of a project: what there is, what shall be, and how one becomes the other.

use super::content::Content;
use super::held::{Found, Held, chain_digest};
use super::judge::{Decision, Validity};
use super::key::{KeyType, PrivateKey};
use super::pem::certificate_pem;
use super::read::{Inspection, hex};
use super::record::{FORMAT, Issued, Record};
use super::shelf::{CERTIFICATE, CHAIN, RECORD, Shelf};
use super::sign::{new_serial, sign};
use super::want::{Kind, Want};
use crate::pki::PkiError;
use crate::secret::{Name, Store};
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;

/// The certificates and authorities of a project.
///
/// Certificates, chains, records and revocation lists are files in `pki/NAME/`; private keys are among its secrets, as
/// `pki/NAME/key`. Every change is locked against other threads and processes and written whole; one that is torn by a
/// crash is finished by the next one. Times are given by the caller, in whole seconds.
pub struct Pki {
    pub(super) shelf: Shelf,
    pub(super) store: Arc<Store>,
}

/// A certificate that lies in the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its NAME in the project.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The NAME of its authority.
    pub issuer: Option<String>,
    /// In PEM.
    pub pem: String,
    /// It and its issuers without the root, in PEM, as servers send them; a root itself.
    pub chain_pem: String,
    /// The roots to trust, in PEM: two while a root rotates; a self-signed one itself.
    pub bundle_pem: String,
    /// The name of its private key among the secrets; [`Pki::key`] gets it.
    pub key: String,
    /// What stands in it.
    pub seen: Inspection,
}

/// What an `ensure` would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it is as it is wanted.
    Keep(Box<Certificate>),
    /// It is issued, or its chain is written anew.
    Issue {
        /// Why, for people: `SAN dns:new.example added`, `expires on 2027-01-31, renewed 30 days before`.
        reasons: Vec<String>,
    },
}

/// What an `ensure` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensured {
    /// As it lies in the project now.
    pub certificate: Certificate,
    /// Why it was issued or its chain written anew; empty when nothing was done.
    pub reasons: Vec<String>,
}

impl Pki {
    /// Those of a project, with its own secrets.
    pub fn of_project(root: &Path) -> Self {
        Self::with(Arc::new(Store::of_project(root)))
    }

    /// With these secrets, in their project.
    pub fn with(store: Arc<Store>) -> Self {
        Self { shelf: Shelf::of_project(store.root()), store }
    }

    /// What [`Pki::ensure`] would do; changes nothing and opens no secret.
    ///
    /// While the authority is not made yet, this one is to be issued.
    ///
    /// # Errors
    /// What is wanted makes no sense, the authority must not issue it, or files do not fit.
    pub fn look(&self, name: &str, want: &Want, now: Timestamp) -> Result<Verdict, PkiError> {
        let _lock = self.shelf.lock_to_read()?;
        let decision = match self.judge(name, want, now) {
            Err(PkiError::Missing { name: missing, .. } | PkiError::Unfinished { name: missing })
                if self.is_above(want, &missing) =>
            {
                return Ok(Verdict::Issue { reasons: vec![format!("its authority `{missing}` is not made yet")] });
            }
            decision => decision?,
        };
        Ok(match decision {
            Decision::Keep(held) => Verdict::Keep(Box::new(self.certificate(&held)?)),
            Decision::Chain(_, reason) => Verdict::Issue { reasons: vec![reason] },
            Decision::Issue { reasons, .. } => Verdict::Issue { reasons },
        })
    }

    /// Whether a missing name is the authority of what is wanted, or above it.
    fn is_above(&self, want: &Want, missing: &str) -> bool {
        let mut next = want.issuer().map(str::to_owned);
        for _ in 0..16 {
            let Some(name) = next else { return false };
            if name == missing {
                return true;
            }
            let record = self.shelf.record(&name).ok().flatten();
            next = record.and_then(|record| record.want.issuer().map(str::to_owned));
        }
        false
    }

    /// Makes a certificate as it is wanted: issues it where there is none or another one, else changes nothing.
    ///
    /// # Errors
    /// As for [`Pki::look`]; the authority is missing; secrets cannot be opened or files not be written.
    pub fn ensure(&self, name: &str, want: &Want, now: Timestamp) -> Result<Ensured, PkiError> {
        let _lock = self.shelf.lock()?;
        let (mut held, reasons) = match self.judge(name, want, now)? {
            Decision::Keep(held) => (*held, Vec::new()),
            Decision::Chain(held, reason) => (self.rechain(*held)?, vec![reason]),
            Decision::Issue { reasons, before, new_key } => {
                (self.issue(name, want, before.as_deref(), new_key, now)?, reasons)
            }
        };
        // When to renew is not in the certificate; of a root in rotation the next one is wanted.
        if held.record.want != *want && held.record.rotation.as_ref().is_none_or(|rotating| rotating.want.is_none()) {
            held.record.want = want.clone();
            self.shelf.write(name, RECORD, &held.record.text())?;
        }
        Ok(Ensured { certificate: self.certificate(&held)?, reasons })
    }

    /// Issues a certificate again as it was wanted last; an authority keeps its key.
    ///
    /// # Errors
    /// There is none; as for [`Pki::ensure`].
    pub fn renew(&self, name: &str, now: Timestamp) -> Result<Ensured, PkiError> {
        super::shelf::check_name(name)?;
        let _lock = self.shelf.lock()?;
        let (record, before) = match self.shelf.find(name)? {
            Found::Held(held) => (held.record.clone(), Some(held)),
            Found::Unfinished(Some(record)) => (*record, None),
            _ => (self.shelf.held(name)?.record, None),
        };
        let new_key = self.is_revoked(&record)?;
        let held = self.issue(name, &record.want, before.as_deref(), new_key, now)?;
        Ok(Ensured { certificate: self.certificate(&held)?, reasons: vec!["renewed".into()] })
    }

    /// A certificate of the project.
    ///
    /// # Errors
    /// There is none, or its files do not fit.
    pub fn show(&self, name: &str) -> Result<Certificate, PkiError> {
        super::shelf::check_name(name)?;
        let _lock = self.shelf.lock_to_read()?;
        self.certificate(&self.shelf.held(name)?)
    }

    /// What was wanted last under a name.
    ///
    /// # Errors
    /// There is none.
    pub fn want(&self, name: &str) -> Result<Want, PkiError> {
        super::shelf::check_name(name)?;
        let _lock = self.shelf.lock_to_read()?;
        match self.shelf.find(name)? {
            Found::Unfinished(Some(record)) => Ok(record.want),
            _ => Ok(self.shelf.held(name)?.record.want),
        }
    }

    /// The private key of a certificate.
    ///
    /// # Errors
    /// There is no such certificate; the key is not among the secrets, cannot be opened, or is that of another one.
    pub fn key(&self, name: &str) -> Result<PrivateKey, PkiError> {
        super::shelf::check_name(name)?;
        let _lock = self.shelf.lock_to_read()?;
        self.key_of(&self.shelf.held(name)?)
    }

    pub(super) fn key_of(&self, held: &Held) -> Result<PrivateKey, PkiError> {
        let key = PrivateKey::of_pem(&self.store.get(&held.record.key)?)?;
        if key.spki() == held.spki {
            return Ok(key);
        }
        Err(PkiError::Key {
            name: held.record.name.clone(),
            problem: format!("among the secrets, `{}`, is not that of its certificate", held.record.key),
            hint: Some(match held.record.kind().is_authority() {
                true => "take both from the same commit".into(),
                false => format!("`rhapsode pki renew {}` makes both anew", held.record.name),
            }),
        })
    }

    /// Whether there is a file with a secret of this name; nothing is opened.
    pub(super) fn has_secret(&self, name: &str) -> Result<bool, PkiError> {
        Ok(self.store.root().join(Name::parse(name)?.file()).exists())
    }

    pub(super) fn certificate(&self, held: &Held) -> Result<Certificate, PkiError> {
        let roots = match held.record.want.issuer() {
            None => self.shelf.roots(held)?,
            Some(issuer) => {
                let issuers = self.shelf.issuers(issuer)?;
                self.shelf.roots(issuers.last().expect("an issuer is one"))?
            }
        };
        Ok(Certificate {
            name: held.record.name.clone(),
            kind: held.record.kind(),
            issuer: held.record.want.issuer().map(str::to_owned),
            pem: held.pem(),
            chain_pem: held.chain_pem(),
            bundle_pem: roots.iter().map(|der| certificate_pem(der)).collect(),
            key: held.record.key.clone(),
            seen: held.seen.clone(),
        })
    }

    /// Writes the chain of a certificate whose issuers changed.
    fn rechain(&self, mut held: Held) -> Result<Held, PkiError> {
        let name = held.record.name.clone();
        let issuers = held.record.want.issuer().map_or(Ok(Vec::new()), |issuer| self.shelf.issuers(issuer))?;
        held.chain = self.shelf.chain(&held.der, &issuers)?;
        held.record.chain_sha256 = chain_digest(&held.chain);
        self.shelf.begin(&name)?;
        self.shelf.write(&name, CHAIN, &held.chain_pem())?;
        self.shelf.write(&name, RECORD, &held.record.text())?;
        self.shelf.finish(&name)?;
        Ok(held)
    }

    /// Issues a certificate; the lock is held. An authority has another key only where that is said.
    pub(super) fn issue(
        &self,
        name: &str,
        want: &Want,
        before: Option<&Held>,
        new_key: bool,
        now: Timestamp,
    ) -> Result<Held, PkiError> {
        want.check(name)?;
        let mut issuers = want.issuer().map_or(Ok(Vec::new()), |issuer| self.shelf.issuers(issuer))?;
        let content = Content::wanted(name, want, &issuers)?;
        let validity = Validity::wanted(name, want, issuers.first(), now)?;
        let issuer_key = issuers.first().map(|issuer| self.key_of(issuer)).transpose()?;
        let known = self.shelf.record(name)?;
        let key = match new_key {
            true => {
                Kept { secret: secret_of(name, known.as_ref()), key: PrivateKey::generate(content.key)?, is_new: true }
            }
            false => self.key_for(name, want, content.key, before, known.as_ref())?,
        };
        let serial = new_serial();
        let der = sign(&content, validity, serial, &key.key, issuers.first().zip(issuer_key.as_ref()))?;
        let chain = self.shelf.chain(&der, &issuers)?;
        let record = Record {
            format: FORMAT,
            name: name.to_owned(),
            serial: hex(&serial),
            not_before: validity.not_before,
            not_after: validity.not_after,
            sha256: super::read::inspect(&der)?.sha256,
            chain_sha256: chain_digest(&chain),
            key: key.secret.clone(),
            want: want.clone(),
            pkcs12: known.as_ref().and_then(|known| known.pkcs12.clone()),
            crl: known.as_ref().and_then(|known| known.crl),
            rotation: known.as_ref().and_then(|known| known.rotation.clone()),
            issued: known.map(|known| known.issued).unwrap_or_default(),
        };
        let held = Held::of_der(record, der, chain)?;
        let was_unfinished = self.shelf.is_unfinished(name);
        self.shelf.begin(name)?;
        if let Err(error) = self.keep_key(&key) {
            // Nothing has changed yet; what an earlier run left half made still is.
            if !was_unfinished {
                self.shelf.finish(name)?;
            }
            return Err(error);
        }
        if let Some(issuer) = issuers.first_mut() {
            let issued =
                Issued { serial: hex(&serial), name: name.to_owned(), not_after: validity.not_after, revoked: None };
            issuer.record.note(issued);
            self.shelf.write(&issuer.record.name, RECORD, &issuer.record.text())?;
        }
        self.keep(&held)?;
        Ok(held)
    }

    /// Puts a new key among the secrets.
    fn keep_key(&self, key: &Kept) -> Result<(), PkiError> {
        match key.is_new {
            true => Ok(self.store.put(&key.secret, key.key.pem().as_bytes())?),
            false => Ok(()),
        }
    }

    /// Writes the files of a certificate; the record last, as it tells what the others are.
    pub(super) fn keep(&self, held: &Held) -> Result<(), PkiError> {
        let name = &held.record.name;
        self.shelf.write(name, CERTIFICATE, &held.pem())?;
        self.shelf.write(name, CHAIN, &held.chain_pem())?;
        self.shelf.write(name, RECORD, &held.record.text())?;
        self.shelf.finish(name)
    }

    /// The key of a certificate that is about to be issued: the one it has, where it keeps it.
    fn key_for(
        &self,
        name: &str,
        want: &Want,
        kind: KeyType,
        before: Option<&Held>,
        known: Option<&Record>,
    ) -> Result<Kept, PkiError> {
        let secret = secret_of(name, known);
        let keeps = match want {
            Want::Root(_) | Want::Intermediate(_) => true,
            Want::Leaf(leaf) | Want::SelfSigned(leaf) => leaf.reuse_key,
        };
        let there = keeps && self.has_secret(&secret)?;
        let has = match before {
            Some(held) if keeps => Some(self.key_of(held)?),
            // A crash left a key without its certificate.
            None if there && self.shelf.is_unfinished(name) => Some(PrivateKey::of_pem(&self.store.get(&secret)?)?),
            None if there && want.authority().is_some() => {
                return Err(PkiError::Key {
                    name: name.to_owned(),
                    problem: format!("is among the secrets, as `{secret}`, but its certificate is gone"),
                    hint: Some(format!("take pki/{name} back from git, or begin anew: `rhapsode secret rm {secret}`")),
                });
            }
            _ => None,
        };
        match has.filter(|key| key.kind() == kind) {
            Some(key) => Ok(Kept { secret, key, is_new: false }),
            None => Ok(Kept { secret, key: PrivateKey::generate(kind)?, is_new: true }),
        }
    }
}

fn secret_of(name: &str, known: Option<&Record>) -> String {
    known.map_or_else(|| format!("pki/{name}/key"), |known| known.key.clone())
}

/// A key with its name among the secrets.
struct Kept {
    secret: String,
    key: PrivateKey,
    is_new: bool,
}
