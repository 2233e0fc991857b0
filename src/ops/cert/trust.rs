//! `cert::trust`

use super::hashed::{Links, Wanted, names};
use super::layout::Layout;
use super::pem::Certificate;
use crate::event::Sign;
use crate::ops::args::{Many, absolute};
use crate::ops::file::{SmallFile, Whole};
use crate::ops::managed::{Args, Managed};
use crate::ops::{Change, OpError, Operation, Plan, View};
use serde::Deserialize;

/// Keeps authorities among those that the programs of a host trust.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    name: String,
    /// In PEM, one or more in each text.
    #[serde(default)]
    certificates: Many,
    /// The subject hash of each certificate, in order; the binding adds them.
    #[serde(default, rename = "subject_hashes")]
    hashes: Many,
    /// Other words for `certificates`, for the binding.
    #[serde(default)]
    certificate: Many,
    src: Option<String>,
    folder: Option<String>,
    present: Option<bool>,
}

/// What was found.
pub struct Seen {
    layout: Layout,
    /// The files that shall be there, as they are.
    files: Vec<SmallFile>,
    /// Others of the same name.
    surplus: Vec<SmallFile>,
    /// The store lacks one of the certificates.
    lacks: bool,
    links: Links,
}

impl Operation for Trust {
    const NAME: &'static str = "cert::trust";
    const LOCAL_PATHS: &'static [&'static str] = &["src"];
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if self.name.is_empty() || self.name.starts_with(['.', '-']) || !self.name.chars().all(plain) {
            return Err(format!("argument `name`: {:?} is no name of a file", self.name));
        }
        self.folder.as_deref().map_or(Ok(()), |folder| absolute("folder", folder))?;
        let given = !(self.certificates.0.is_empty() && self.certificate.0.is_empty() && self.src.is_none());
        match (self.is_present(), given) {
            (true, false) => Err("say whom to trust: a `certificate`, `certificates` or `src`".into()),
            (false, true) => Err("`present: false` takes no certificate".into()),
            _ => self.wanted().map(drop).map_err(|problem| format!("argument `certificate`: {problem}")),
        }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let certificates = args.texts("certificates").concat();
        let thing = args.kept("trust", args.text("name"), &["folder"]);
        vec![if certificates.is_empty() { thing } else { thing.aspect("certificates", certificates) }]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let layout = match &self.folder {
            Some(folder) => Layout::folder(folder.trim_end_matches('/')),
            None => Layout::of_host(view)?,
        };
        let wanted = self.wanted().map_err(OpError::refused)?;
        let paths: Vec<String> = (0..wanted.len()).map(|number| layout.file(&self.name, number)).collect();
        let there = names(view, &layout.anchors)?;
        let surplus = there.iter().filter(|file| layout.is_of(file, &self.name));
        let surplus = surplus.map(|file| format!("{}/{file}", layout.anchors));
        let surplus: Vec<String> = surplus.filter(|path| !paths.contains(path)).collect();
        let mut files = SmallFile::see_all(view, &[paths.clone(), surplus].concat())?;
        let surplus = files.split_off(paths.len());
        let lacks = match &layout.tool {
            Some(tool) if !wanted.is_empty() => view.read(&tool.look(&wanted))?.text().contains('n'),
            _ => false,
        };
        let links = match layout.tool {
            None => Links::see(view, &layout.anchors, &there)?,
            Some(_) => Links::default(),
        };
        Ok(Seen { layout, files, surplus, lacks, links })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let wanted = self.wanted().map_err(OpError::refused)?;
        let mut changes = Vec::new();
        for (file, certificate) in seen.files.iter().zip(&wanted) {
            changes.extend(file.ensure(&Whole::of_root(&certificate.pem, 0o644))?);
        }
        let gone = seen.surplus.iter().map(SmallFile::remove).collect::<Result<Vec<_>, _>>()?;
        let removes = gone.iter().any(Option::is_some);
        changes.extend(gone.into_iter().flatten());
        match &seen.layout.tool {
            Some(tool) if seen.lacks || !changes.is_empty() => {
                let words = if removes { tool.after_removal } else { tool.command };
                let made = Change::new(Sign::Run, words.join(" ")).run(tool.make(&wanted, removes));
                changes.push(made);
            }
            Some(_) => {}
            None => changes.extend(self.links(seen)),
        }
        Ok(Plan::of(changes))
    }
}

impl Trust {
    fn is_present(&self) -> bool {
        self.present != Some(false)
    }

    /// The certificates, each once.
    fn wanted(&self) -> Result<Vec<Certificate>, String> {
        let mut all: Vec<Certificate> = Vec::new();
        for text in &self.certificates.0 {
            for certificate in Certificate::all(text)? {
                if !all.contains(&certificate) {
                    all.push(certificate);
                }
            }
        }
        Ok(all)
    }

    fn links(&self, seen: &Seen) -> Vec<Change> {
        let name = |number| seen.layout.file(&self.name, number);
        let file = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
        let wanted: Wanted =
            self.hashes.0.iter().enumerate().map(|(at, hash)| (hash.clone(), file(name(at)))).collect();
        let prefix = format!("{}/", seen.layout.anchors);
        let ours = |target: &str| seen.layout.is_of(target.strip_prefix(&prefix).unwrap_or(target), &self.name);
        seen.links.changes(&seen.layout.anchors, &wanted, ours)
    }
}
