//! `pki ...`: the certificates and authorities of a project.

mod export;
mod list;
mod show;
mod words;

pub use words::PkiVerb;

use super::commands::{say, say_json, tell};
use super::failure::{CommandError, Exit};
use super::merging::{self, MergeWords};
use super::session::Session;
use crate::event::Failure;
use crate::pki::{
    Ensured, Inspection, Pki, PkiError, Reason, Sides, Span, Verdict, Want, inspect, is_made_again, merge,
    read_certificates,
};
use jiff::Timestamp;
use list::List;
use serde_json::json;
use std::path::Path;
use words::RotateWords;

impl Session {
    /// `pki VERB`
    ///
    /// # Errors
    /// What the verb cannot do.
    pub fn pki(&self, verb: &PkiVerb) -> Result<Exit, CommandError> {
        let pki = Pki::of_project(&self.project.root);
        let now = Timestamp::from_second(Timestamp::now().as_second()).expect("seconds of an instant are one");
        match verb {
            PkiVerb::Init(words) => {
                merging::set_up(&self.project.root)?;
                self.ensured(&pki, &words.name, &words.want(), now)
            }
            PkiVerb::Issue(words) => self.ensured(&pki, &words.name, &words.want(), now),
            PkiVerb::Renew { due: true, .. } => self.renew_due(&pki, now),
            PkiVerb::Renew { names, .. } => {
                let done = names.iter().map(|name| pki.renew(name, now)).collect::<Result<Vec<_>, _>>()?;
                Ok(self.tell_issued(&done))
            }
            PkiVerb::Revoke { which, reason } => self.revoke_certificate(&pki, which, *reason, now),
            PkiVerb::List { expiring, issued_by } => self.list_certificates(&pki, *expiring, issued_by.as_deref(), now),
            PkiVerb::Show { which } => self.show_certificate(&pki, which, now),
            PkiVerb::Export { name, what, output, reveal, extra, friendly_name } => {
                let (output, friendly_name) = (output.as_deref(), friendly_name.as_deref());
                export::export(
                    &pki,
                    &export::Export { name, what: *what, output, reveal: *reveal, extra, friendly_name },
                )
            }
            PkiVerb::Verify { names } => self.verify_certificates(&pki, names, now),
            PkiVerb::Crl { names } => self.make_crls(&pki, names, now),
            PkiVerb::Rotate(words) => self.rotate_authority(&pki, words, now),
            PkiVerb::Merge(words) => merge_files(words),
        }
    }

    fn ensured(&self, pki: &Pki, name: &str, want: &Want, now: Timestamp) -> Result<Exit, CommandError> {
        let done = pki.ensure(name, want, now)?;
        Ok(self.tell_issued(std::slice::from_ref(&done)))
    }

    fn tell_issued(&self, all: &[Ensured]) -> Exit {
        if self.flags.json {
            let rows = all.iter().map(|done| {
                let certificate = &done.certificate;
                json!({ "name": certificate.name, "kind": certificate.kind, "changed": !done.reasons.is_empty(),
                        "reasons": done.reasons, "certificate": certificate.seen })
            });
            say_json(&json!({ "certificates": rows.collect::<Vec<_>>() }));
        } else if !self.flags.quiet {
            all.iter().for_each(|done| {
                let (name, until) = (&done.certificate.name, show::day(done.certificate.seen.not_after));
                match done.reasons.is_empty() {
                    true => tell(format!("{name}: unchanged, valid until {until}")),
                    false => tell(format!("{name}: issued, valid until {until} ({})", done.reasons.join("; "))),
                }
            });
        }
        Exit::Done
    }

    /// Authorities first: what they issue may last as long as they do.
    fn renew_due(&self, pki: &Pki, now: Timestamp) -> Result<Exit, CommandError> {
        // Who was revoked is issued again only by those who say so.
        let all = pki.list()?.into_iter().filter(|listed| listed.revoked.is_none());
        let mut waiting: Vec<String> = all.map(|listed| listed.name).chain(pki.unfinished()?).collect();
        let mut done = Vec::new();
        while !waiting.is_empty() {
            let (mut later, before) = (Vec::new(), waiting.len());
            for name in &waiting {
                let want = pki.want(name)?;
                if want.issuer().is_some_and(|issuer| waiting.iter().any(|name| name == issuer)) {
                    later.push(name.clone());
                    continue;
                }
                if matches!(pki.look(name, &want, now)?, Verdict::Issue { .. }) {
                    done.push(pki.ensure(name, &want, now)?);
                }
            }
            if later.len() == before {
                return Err(PkiError::invalid(format!("the issuers of `{}` go round in a circle", later[0])).into());
            }
            waiting = later;
        }
        Ok(self.tell_issued(&done))
    }

    fn revoke_certificate(&self, pki: &Pki, which: &str, reason: Reason, now: Timestamp) -> Result<Exit, CommandError> {
        let done = pki.revoke(which, reason, now)?;
        if self.flags.json {
            say_json(&json!({ "authority": done.authority, "certificate": done.issued, "crl": done.crl.number }));
            return Ok(Exit::Done);
        }
        let what = match done.issued.revoked {
            Some(_) => format!("`{}` is revoked: {reason}", done.issued.name),
            None => format!("`{}` is valid again", done.issued.name),
        };
        if !self.flags.quiet {
            let until = show::day(done.crl.next_update);
            tell(format!("{what}; revocation list {} of `{}` holds until {until}", done.crl.number, done.authority));
        }
        Ok(Exit::Done)
    }

    fn list_certificates(
        &self,
        pki: &Pki,
        expiring: Option<Span>,
        issued_by: Option<&str>,
        now: Timestamp,
    ) -> Result<Exit, CommandError> {
        if let Some(authority) = issued_by {
            let all = pki.issued(authority)?;
            match self.flags.json {
                true => say_json(&json!({ "authority": authority, "issued": all })),
                false => say(show::books(&all, now)),
            }
            return Ok(Exit::Done);
        }
        let mut all = List::of_project(pki, &self.project.root)?;
        if let Some(within) = expiring {
            all.ending_until(now + jiff::SignedDuration::from_secs(within.in_secs()));
        }
        match self.flags.json {
            true => say_json(&all.json(now)),
            false => say(all.table(now)),
        }
        Ok(if expiring.is_some() && !all.is_empty() { Exit::Pending } else { Exit::Done })
    }

    fn show_certificate(&self, pki: &Pki, which: &str, now: Timestamp) -> Result<Exit, CommandError> {
        let file = Path::new(which);
        if !file.is_file() {
            let certificate = pki.show(which)?;
            match self.flags.json {
                true => say_json(&json!({ "name": certificate.name, "kind": certificate.kind,
                                          "authority": certificate.issuer, "certificate": certificate.seen })),
                false => say(show::lines(&certificate.seen, Some(certificate.kind), now)),
            }
            return Ok(Exit::Done);
        }
        let failed = |problem: String| {
            let failure = Failure::new(format!("cannot read `{which}`"));
            CommandError::new(Exit::Invalid, Failure { causes: vec![problem], ..failure })
        };
        let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        let ders = read_certificates(&text).map_err(|error| failed(error.to_string()))?;
        let all: Vec<Inspection> = ders.iter().map(|der| inspect(der)).collect::<Result<_, _>>()?;
        match self.flags.json {
            true => say_json(&json!({ "certificates": all })),
            false => say(all.iter().map(|seen| show::lines(seen, None, now)).collect::<Vec<_>>().join("\n")),
        }
        Ok(Exit::Done)
    }

    fn verify_certificates(&self, pki: &Pki, names: &[String], now: Timestamp) -> Result<Exit, CommandError> {
        let names = match names.is_empty() {
            true => pki.list()?.into_iter().map(|listed| listed.name).collect(),
            false => names.to_vec(),
        };
        let (mut rows, mut first) = (Vec::new(), None);
        for name in names {
            match pki.verify(&name, now) {
                Ok(verified) => {
                    if !self.flags.json {
                        let notes: String = verified.notes.iter().map(|note| format!("; {note}")).collect();
                        say(format!("{name}: good, {}{notes}", verified.path.join(" < ")));
                    }
                    rows.push(json!({ "name": name, "good": true, "path": verified.path, "notes": verified.notes }));
                }
                Err(error @ PkiError::Unverified { .. }) => {
                    rows.push(json!({ "name": name, "good": false, "problem": error.to_string() }));
                    if !self.flags.json {
                        say(format!("{name}: bad"));
                    }
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        if self.flags.json {
            say_json(&json!({ "certificates": rows }));
        }
        first.map_or(Ok(Exit::Done), |error| Err(error.into()))
    }

    fn make_crls(&self, pki: &Pki, names: &[String], now: Timestamp) -> Result<Exit, CommandError> {
        let mut rows = Vec::new();
        let names = match names.is_empty() {
            true => {
                pki.list()?.into_iter().filter(|listed| listed.kind.is_authority()).map(|listed| listed.name).collect()
            }
            false => names.to_vec(),
        };
        for name in names {
            let crl = pki.crl(&name, now)?;
            if !self.flags.json && !self.flags.quiet {
                let (number, until) = (crl.number, show::day(crl.next_update));
                match crl.reasons.is_empty() {
                    true => tell(format!("{name}: unchanged, number {number}, holds until {until}")),
                    false => {
                        let why = crl.reasons.join("; ");
                        tell(format!("{name}: made, number {number}, holds until {until} ({why})"));
                    }
                }
            }
            rows.push(json!({ "authority": name, "changed": !crl.reasons.is_empty(), "reasons": crl.reasons,
                              "number": crl.number, "next_update": crl.next_update, "revoked": crl.serials }));
        }
        if self.flags.json {
            say_json(&json!({ "crls": rows }));
        }
        Ok(Exit::Done)
    }

    fn rotate_authority(&self, pki: &Pki, words: &RotateWords, now: Timestamp) -> Result<Exit, CommandError> {
        let changes = words.subject.is_some() || words.key.is_some() || words.days.is_some();
        let want = match changes {
            false => None,
            true => Some(words.applied_to(pki.want(&words.name)?)),
        };
        let done = pki.rotate(&words.name, want.as_ref(), now)?;
        match self.flags.json {
            true => say_json(&json!({ "name": words.name, "stage": done.stage, "told": done.told })),
            false if self.flags.quiet => {}
            false => done.told.iter().for_each(tell),
        }
        Ok(Exit::Done)
    }
}

/// The result stands in the place of our side; exit 1 tells git of a conflict.
fn merge_files(MergeWords { base, ours, theirs, path }: &MergeWords) -> Result<Exit, CommandError> {
    if is_made_again(path) {
        return Ok(Exit::Done);
    }
    let text = |side: &Path| std::fs::read_to_string(side);
    let (before, our, their) = (text(base)?, text(ours)?, text(theirs)?);
    let base = Some(before.as_str()).filter(|text| !text.is_empty());
    let merged = merge(path, Sides { base, ours: &our, theirs: &their })?;
    std::fs::write(ours, merged.text)?;
    match merged.conflict {
        None => Ok(Exit::Done),
        Some(conflict) => Err(CommandError::mistake(format!("{conflict} (`{}`)", path.display())).hint(
            "take all files of its folder, and its key in `secrets/`, from one side: `git checkout --theirs FILE`",
        )),
    }
}

impl RotateWords {
    /// The want of the current root, changed.
    fn applied_to(&self, mut want: Want) -> Want {
        if let Want::Root(authority) | Want::Intermediate(authority) = &mut want {
            if let Some(subject) = &self.subject {
                authority.subject = subject.clone();
            }
            authority.key = self.key.or(authority.key);
            if self.days.is_some() {
                (authority.days, authority.hours) = (self.days, None);
            }
        }
        want
    }
}
