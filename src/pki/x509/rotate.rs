//! Another root beside the one there is, until everybody trusts it.

use super::content::Content;
use super::held::{Held, chain_digest, is_signed_by, previous_file};
use super::judge::Validity;
use super::key::PrivateKey;
use super::pem::certificate_pem;
use super::pki::Pki;
use super::read::{hex, inspect};
use super::record::{Issued, Rotating, RotationStage};
use super::shelf::{CROSS, NEXT, RECORD, check_name};
use super::sign::{new_serial, sign};
use super::want::{Kind, Want};
use crate::pki::PkiError;
use jiff::Timestamp;

/// What a step of a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The stage now; `None` when the rotation is over.
    pub stage: Option<RotationStage>,
    /// What was done and what is next, for people.
    pub told: Vec<String>,
}

impl Pki {
    /// Goes one step on with the rotation of a root: makes the next root, has it issue, retires the previous one.
    ///
    /// 1. The next root is made, and stands in every trust bundle beside the current one, which still issues. The
    ///    current one signs it too ([RFC 4210, 4.4]), where its path length allows.
    /// 2. The next root becomes the current one. What the previous one issued is issued anew by the next `ensure`.
    ///    Both are trusted, and chains end with the new root as the previous one signed it.
    /// 3. The previous root is trusted no more, and its key is removed. Refused while something issued by it is in use.
    ///
    /// `want` says what the next root shall be, in step 1; by default what the current one is. An intermediate has no
    /// stages: it gets another key at once, and what it issued is issued anew by the next `ensure`.
    ///
    /// # Errors
    /// There is no such authority; a step that must wait; as for [`Pki::ensure`].
    ///
    /// [RFC 4210, 4.4]: https://www.rfc-editor.org/rfc/rfc4210#section-4.4
    pub fn rotate(&self, name: &str, want: Option<&Want>, now: Timestamp) -> Result<Rotation, PkiError> {
        check_name(name)?;
        let _lock = self.shelf.lock()?;
        let held = self.shelf.held(name)?;
        if let Some(want) = want.filter(|_| held.record.rotation.is_some() || held.record.kind() != Kind::Root) {
            let problem = format!("what `{name}` shall be ({}) is said when its rotation begins", want.kind());
            return Err(PkiError::invalid(problem));
        }
        match (held.record.kind(), held.record.rotation.as_ref().map(|rotating| rotating.stage)) {
            (Kind::Root, None) => self.announce(held, want, now),
            (Kind::Root, Some(RotationStage::Announced)) => self.switch(held, now),
            (Kind::Root, Some(RotationStage::Switched)) => self.retire(held),
            (Kind::Intermediate, _) => self.rekey(&held, now),
            _ => Err(PkiError::invalid_hint(
                format!("`{name}` is no authority"),
                format!("`rhapsode pki renew {name}` issues it with another key"),
            )),
        }
    }

    fn announce(&self, mut held: Held, want: Option<&Want>, now: Timestamp) -> Result<Rotation, PkiError> {
        let name = held.record.name.clone();
        let want = want.unwrap_or(&held.record.want).clone();
        want.check(&name)?;
        if want.kind() != Kind::Root {
            return Err(PkiError::invalid(format!(
                "`{name}` is a root: the next one is a root too, no {}",
                want.kind()
            )));
        }
        let content = Content::wanted(&name, &want, &[])?;
        let validity = Validity::wanted(&name, &want, None, now)?;
        let (current, key) = (self.key_of(&held)?, PrivateKey::generate(content.key)?);
        let serial = new_serial();
        let der = sign(&content, validity, serial, &key, None)?;
        let secret = next_secret(&name, &held.record.key);
        self.store.put(&secret, key.pem().as_bytes())?;
        let mut told = vec![format!("another root is made; it stands in the trust bundle of `{name}` from now on")];
        match self.cross(&mut held, &content, validity, &key, &current)? {
            Some(cross) => self.shelf.write(&name, CROSS, &certificate_pem(&cross))?,
            None => told.push("the path length of the root leaves no room to sign the next one".into()),
        }
        self.shelf.write(&name, NEXT, &certificate_pem(&der))?;
        held.record.rotation = Some(Rotating {
            stage: RotationStage::Announced,
            serial: hex(&serial),
            sha256: inspect(&der)?.sha256,
            key: secret,
            want: Some(want),
        });
        self.shelf.write(&name, RECORD, &held.record.text())?;
        told.push(format!("next: apply what deploys trust everywhere, then `rhapsode pki rotate {name}`"));
        Ok(Rotation { stage: Some(RotationStage::Announced), told })
    }

    /// The next root as the current one signs it, in the books of the current one.
    fn cross(
        &self,
        held: &mut Held,
        content: &Content,
        validity: Validity,
        key: &PrivateKey,
        current: &PrivateKey,
    ) -> Result<Option<Vec<u8>>, PkiError> {
        let below = u32::from(content.path_length.unwrap_or(u8::MAX)) + 1;
        // One that has the same subject is issued to itself, and does not count (RFC 5280, 6.1.4).
        let counts = u32::from(content.subject.to_string() != held.seen.subject);
        if held.seen.path_length.is_some_and(|length| length < below * counts) {
            return Ok(None);
        }
        let limit = validity.not_after.min(held.seen.not_after);
        let serial = new_serial();
        let validity = Validity { not_after: limit, ..validity };
        let signed = sign(content, validity, serial, key, Some((held, current)))?;
        let name = held.record.name.clone();
        held.record.note(Issued { serial: hex(&serial), name, not_after: limit, revoked: None });
        Ok(Some(signed))
    }

    fn switch(&self, held: Held, now: Timestamp) -> Result<Rotation, PkiError> {
        let name = held.record.name.clone();
        let roots = self.shelf.roots(&held)?;
        let der = roots.get(1).expect("a root in rotation has two").clone();
        let rotating = held.record.rotation.clone().expect("it rotates");
        let seen = inspect(&der)?;
        if seen.not_before > now || seen.not_after <= now {
            return Err(PkiError::invalid(format!("the next root of `{name}` is not valid now")));
        }
        let key = PrivateKey::of_pem(&self.store.get(&rotating.key)?)?;
        let mut record = held.record.clone();
        record.rotation = Some(Rotating {
            stage: RotationStage::Switched,
            serial: record.serial.clone(),
            sha256: record.sha256.clone(),
            key: record.key.clone(),
            want: None,
        });
        (record.key, record.want) = (rotating.key, rotating.want.expect("a next root is wanted"));
        (record.serial, record.not_before, record.not_after) = (seen.serial.clone(), seen.not_before, seen.not_after);
        record.sha256 = seen.sha256.clone();
        record.chain_sha256 = chain_digest(std::slice::from_ref(&der));
        let next = Held::of_der(record, der.clone(), vec![der])?;
        if key.spki() != next.spki {
            return Err(PkiError::Key {
                name,
                problem: format!("of the next root, `{}`, is not that of its certificate", next.record.key),
                hint: Some("take both from the same commit".into()),
            });
        }
        self.shelf.write(&name, &previous_file(&held.record.serial), &held.pem())?;
        // Torn in between, the next run issues the root anew with the key of its record, whichever that is.
        self.shelf.begin(&name)?;
        self.keep(&next)?;
        self.shelf.remove(&name, NEXT)?;
        Ok(Rotation {
            stage: Some(RotationStage::Switched),
            told: vec![
                format!("the next root of `{name}` issues from now on; the previous one is still trusted"),
                format!("next: apply what deploys certificates everywhere, then `rhapsode pki rotate {name}`"),
            ],
        })
    }

    fn retire(&self, mut held: Held) -> Result<Rotation, PkiError> {
        let name = held.record.name.clone();
        let rotating = held.record.rotation.take().expect("it rotates");
        let previous = self.shelf.certificate(&name, &previous_file(&rotating.serial))?;
        let spki = previous.as_ref().map(|der| Ok::<_, PkiError>(super::read::parsed(der)?.public_key().raw.to_vec()));
        if let Some(spki) = spki.transpose()? {
            let left = self.issued_with(&name, &spki)?;
            if !left.is_empty() {
                let problem = format!("still issued by the previous root of `{name}`: {}", left.join(", "));
                return Err(PkiError::invalid_hint(problem, "apply what issues and deploys them first"));
            }
        }
        // The record last: torn before, the next call removes what is left.
        self.store.rm(&rotating.key)?;
        self.shelf.remove(&name, CROSS)?;
        self.shelf.write(&name, RECORD, &held.record.text())?;
        Ok(Rotation {
            stage: None,
            told: vec![
                format!("the previous root of `{name}` is trusted no more, and its key is removed"),
                "next: apply what deploys trust and certificates everywhere".into(),
            ],
        })
    }

    /// The certificates right below a root that this key signed.
    fn issued_with(&self, root: &str, spki: &[u8]) -> Result<Vec<String>, PkiError> {
        let mut found = Vec::new();
        for name in self.shelf.names()? {
            let below = self.shelf.record(&name)?.is_some_and(|record| record.want.issuer() == Some(root));
            if below && is_signed_by(&self.shelf.held(&name)?.der, spki) {
                found.push(format!("`{name}`"));
            }
        }
        Ok(found)
    }

    fn rekey(&self, held: &Held, now: Timestamp) -> Result<Rotation, PkiError> {
        let name = &held.record.name;
        self.issue(name, &held.record.want, Some(held), true, now)?;
        Ok(Rotation {
            stage: None,
            told: vec![
                format!("`{name}` has another key; what it issued is issued anew by the next apply"),
                format!("what the former key issued is revoked by the former one alone: revoke it first, where needed"),
            ],
        })
    }
}

/// The name of the next key: `pki/home/key`, `pki/home/key-2`, `pki/home/key-3`.
fn next_secret(name: &str, current: &str) -> String {
    let first = format!("pki/{name}/key");
    let number = current.strip_prefix(&format!("{first}-")).and_then(|number| number.parse::<u32>().ok()).unwrap_or(1);
    format!("{first}-{}", number + 1)
}
