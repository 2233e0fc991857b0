//! A certificate as it lies in its folder.

use super::content::purposes;
use super::pem::{blocks, certificate_pem, encode};
use super::read::{Inspection, hex, inspect, parsed};
use super::record::{Record, RotationStage};
use super::shelf::{CERTIFICATE, CHAIN, CROSS, NEXT, PREVIOUS, RECORD, Shelf};
use super::want::{Kind, Want};
use crate::pki::PkiError;
use sha2::{Digest, Sha256};
use std::sync::PoisonError;
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

/// A certificate with its record; they fit.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub record: Record,
    pub seen: Inspection,
    pub der: Vec<u8>,
    /// Its public key.
    pub spki: Vec<u8>,
    /// What `chain.pem` holds; the certificate is the first.
    pub chain: Vec<Vec<u8>>,
}

/// What lies under a name.
pub(super) enum Found {
    Nothing,
    /// A run ended before it was done; what an authority issued is known all the same.
    Unfinished(Option<Box<Record>>),
    Held(Box<Held>),
}

/// Long before a stack overflows: nobody has so many authorities in a row.
const DEEPEST: usize = 16;

impl Shelf {
    /// What lies under a name.
    ///
    /// # Errors
    /// Its files do not fit.
    pub fn find(&self, name: &str) -> Result<Found, PkiError> {
        let record = self.record(name)?;
        if self.is_unfinished(name) {
            return Ok(Found::Unfinished(record.map(Box::new)));
        }
        let (certificate, chain) = (self.read(name, CERTIFICATE)?, self.read(name, CHAIN)?);
        let damaged = |file: &str, problem: &str| PkiError::Damaged {
            path: Shelf::shown(name, file),
            problem: problem.to_owned(),
        };
        match (record, certificate, chain) {
            (None, None, _) => Ok(Found::Nothing),
            (None, Some(_), _) => Err(damaged(RECORD, "it is missing")),
            (Some(_), None, _) => Err(damaged(CERTIFICATE, "it is missing")),
            (Some(_), _, None) => Err(damaged(CHAIN, "it is missing")),
            (Some(record), Some(certificate), Some(chain)) => {
                let held = Held::of_texts(record, &certificate, &chain);
                held.map(|held| Found::Held(Box::new(held))).map_err(|(file, problem)| damaged(file, &problem))
            }
        }
    }

    /// The record of a name.
    pub fn record(&self, name: &str) -> Result<Option<Record>, PkiError> {
        let Some(text) = self.read(name, RECORD)? else { return Ok(None) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, record)) = known.get(name).filter(|(before, _)| *before == text) {
            return Ok(Some(record.clone()));
        }
        let damaged = |problem| PkiError::Damaged { path: Shelf::shown(name, RECORD), problem };
        let record = Record::parse(&text).map_err(damaged)?;
        if record.name != name {
            return Err(damaged(format!("it is that of `{}`", record.name)));
        }
        known.insert(name.to_owned(), (text, record.clone()));
        Ok(Some(record))
    }

    /// The certificate of a name.
    ///
    /// # Errors
    /// There is none, or it is not finished.
    pub fn held(&self, name: &str) -> Result<Held, PkiError> {
        match self.find(name)? {
            Found::Held(held) => Ok(*held),
            Found::Unfinished(_) => Err(PkiError::Unfinished { name: name.to_owned() }),
            Found::Nothing => {
                let names = self.names().unwrap_or_default();
                let near = nearest(name, names.iter().map(String::as_str));
                Err(PkiError::Missing { name: name.to_owned(), near })
            }
        }
    }

    /// An authority and all above it; the root is the last one.
    pub fn issuers(&self, name: &str) -> Result<Vec<Held>, PkiError> {
        let mut all: Vec<Held> = Vec::new();
        let mut next = Some(name.to_owned());
        while let Some(name) = next {
            if all.len() == DEEPEST {
                let problem = "its issuers go round in a circle".to_owned();
                return Err(PkiError::Damaged { path: Shelf::shown(&name, RECORD), problem });
            }
            let held = self.held(&name)?;
            next = held.record.want.issuer().map(str::to_owned);
            all.push(held);
        }
        Ok(all)
    }

    /// The certificates that go with one: it, and its issuers without the root. While a root's rotation is not over, the
    /// new root as the old one signed it is the last one, for those who trust the old one alone.
    pub fn chain(&self, der: &[u8], issuers: &[Held]) -> Result<Vec<Vec<u8>>, PkiError> {
        let mut chain = vec![der.to_vec()];
        let Some((root, between)) = issuers.split_last() else { return Ok(chain) };
        chain.extend(between.iter().map(|issuer| issuer.der.clone()));
        if root.rotates_in(RotationStage::Switched) {
            let top = inspect(chain.last().expect("never empty"))?;
            let cross = self.certificate(&root.record.name, CROSS)?;
            chain.extend(cross.filter(|_| top.issuer_key_id == root.seen.key_id));
        }
        Ok(chain)
    }

    /// A single certificate in the folder of another one.
    pub fn certificate(&self, name: &str, file: &str) -> Result<Option<Vec<u8>>, PkiError> {
        let Some(text) = self.read(name, file)? else { return Ok(None) };
        let damaged = |problem: String| PkiError::Damaged { path: Shelf::shown(name, file), problem };
        let ders = exact(&text).map_err(damaged)?;
        match <[Vec<u8>; 1]>::try_from(ders) {
            Ok([der]) => parsed(&der).map(drop).map_err(|error| damaged(error.to_string())).map(|()| Some(der)),
            Err(ders) => Err(damaged(format!("it holds {} certificates", ders.len()))),
        }
    }

    /// The public keys of every certificate in the folder of an authority; none of one that is no authority.
    pub fn authority_keys(&self, name: &str) -> Result<Vec<Vec<u8>>, PkiError> {
        if self.record(name)?.is_none_or(|record| !record.kind().is_authority()) {
            return Ok(Vec::new());
        }
        let files = [CERTIFICATE, NEXT].map(str::to_owned).into_iter().chain(self.previous(name)?);
        let ders = files.map(|file| self.certificate(name, &file)).filter_map(Result::transpose);
        ders.map(|der| Ok(parsed(&der?)?.public_key().raw.to_vec())).collect()
    }

    /// The roots that are to be trusted with one: itself, and the other one of a rotation.
    pub fn roots(&self, root: &Held) -> Result<Vec<Vec<u8>>, PkiError> {
        let mut roots = vec![root.der.clone()];
        let Some(rotating) = &root.record.rotation else { return Ok(roots) };
        let file = match rotating.stage {
            RotationStage::Announced => NEXT.to_owned(),
            RotationStage::Switched => previous_file(&rotating.serial),
        };
        let damaged = |problem: &str| PkiError::Damaged {
            path: Shelf::shown(&root.record.name, &file),
            problem: problem.to_owned(),
        };
        let other = self.certificate(&root.record.name, &file)?.ok_or_else(|| damaged("it is missing"))?;
        if hex(&Sha256::digest(&other)) != rotating.sha256 {
            return Err(damaged("it is not the one in the record"));
        }
        roots.push(other);
        Ok(roots)
    }
}

/// Where a former root is kept.
pub(super) fn previous_file(serial: &str) -> String {
    format!("{PREVIOUS}/{serial}.pem")
}

/// SHA-256 of a chain.
pub(super) fn chain_digest(chain: &[Vec<u8>]) -> String {
    hex(&Sha256::digest(chain.concat()))
}

/// Certificates of a file that holds nothing else, as we write it.
fn exact(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let blocks = blocks(text)?;
    let again: String = blocks.iter().map(|(label, der)| encode(label, der)).collect();
    match again == text && blocks.iter().all(|(label, _)| label == "CERTIFICATE") {
        true => Ok(blocks.into_iter().map(|(_, der)| der).collect()),
        false => Err("it holds more than certificates".into()),
    }
}

impl Held {
    /// Reads the files and holds them against each other.
    fn of_texts(record: Record, certificate: &str, chain: &str) -> Result<Self, (&'static str, String)> {
        let own = exact(certificate).map_err(|problem| (CERTIFICATE, problem))?;
        let Ok([der]) = <[Vec<u8>; 1]>::try_from(own) else {
            return Err((CERTIFICATE, "it does not hold one certificate".into()));
        };
        let chain = exact(chain).map_err(|problem| (CHAIN, problem))?;
        let held = Self::of_der(record, der, chain).map_err(|error| (CERTIFICATE, error.to_string()))?;
        if held.seen.sha256 != held.record.sha256 {
            return Err((CERTIFICATE, "its record is that of another one".into()));
        }
        held.fits().map_err(|problem| (RECORD, problem))?;
        match held.chain.first() == Some(&held.der) && chain_digest(&held.chain) == held.record.chain_sha256 {
            true => Ok(held),
            false => Err((CHAIN, "it is not the one in the record".into())),
        }
    }

    /// A certificate that was just signed.
    pub fn of_der(record: Record, der: Vec<u8>, chain: Vec<Vec<u8>>) -> Result<Self, PkiError> {
        let (seen, spki) = (inspect(&der)?, parsed(&der)?.public_key().raw.to_vec());
        Ok(Self { record, seen, der, spki, chain })
    }

    /// Whether its record says what stands in it.
    fn fits(&self) -> Result<(), String> {
        let (record, seen) = (&self.record, &self.seen);
        let differs = |what: &str| Err(format!("its {what} is not that of the certificate"));
        if record.serial != seen.serial {
            return differs("serial");
        }
        if (record.not_before, record.not_after) != (seen.not_before, seen.not_after) {
            return differs("validity");
        }
        let self_signed = matches!(record.kind(), Kind::Root | Kind::SelfSigned);
        if seen.authority != record.kind().is_authority()
            || self_signed != (seen.issuer == seen.subject && self.signs_itself())
        {
            return differs("kind");
        }
        let same = |wanted: Vec<String>, seen: &[String]| {
            wanted.iter().all(|text| seen.contains(text)) && seen.iter().all(|text| wanted.contains(text))
        };
        match &record.want {
            Want::Root(want) | Want::Intermediate(want) => {
                let texts = |trees: &[super::NameConstraint]| trees.iter().map(ToString::to_string).collect();
                if !same(texts(&want.permitted), &seen.permitted) || !same(texts(&want.excluded), &seen.excluded) {
                    return differs("list of names");
                }
                if !same(want.sans.iter().map(ToString::to_string).collect(), &seen.sans) {
                    return differs("list of names");
                }
                if purposes(want.usage) != seen.uses {
                    return differs("use");
                }
                if want.path_length.is_some_and(|length| Some(u32::from(length)) != seen.path_length) {
                    return differs("path length");
                }
            }
            Want::Leaf(want) | Want::SelfSigned(want) => {
                if !same(want.sans.iter().map(ToString::to_string).collect(), &seen.sans) {
                    return differs("list of names");
                }
                if purposes(Some(want.purpose())) != seen.uses {
                    return differs("use");
                }
            }
        }
        Ok(())
    }

    fn signs_itself(&self) -> bool {
        self.is_signed_by(&self.spki)
    }

    /// Whether its signature was made by the key of this `SubjectPublicKeyInfo`.
    pub fn is_signed_by(&self, spki: &[u8]) -> bool {
        is_signed_by(&self.der, spki)
    }

    /// In PEM.
    pub fn pem(&self) -> String {
        certificate_pem(&self.der)
    }

    /// Its chain in PEM.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|der| certificate_pem(der)).collect()
    }

    /// Whether it is a root at this stage of its rotation.
    pub fn rotates_in(&self, stage: RotationStage) -> bool {
        self.record.rotation.as_ref().is_some_and(|rotating| rotating.stage == stage)
    }
}

/// Whether the signature of a certificate was made by the key of this `SubjectPublicKeyInfo`.
pub(super) fn is_signed_by(der: &[u8], spki: &[u8]) -> bool {
    let key = SubjectPublicKeyInfo::from_der(spki);
    let (Ok((_, key)), Ok(certificate)) = (key, parsed(der)) else { return false };
    certificate.verify_signature(Some(&key)).is_ok()
}

/// The name that is most like another one, where one is like it.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let scored = names.map(|known| (strsim::jaro_winkler(name, known), known));
    let best = scored.filter(|(score, _)| *score > 0.85).max_by(|one, other| one.0.total_cmp(&other.0));
    best.map(|(_, known)| known.to_owned())
}
