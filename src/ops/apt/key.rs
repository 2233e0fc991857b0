//! `apt::key`

use super::check_file_name;
use super::openpgp::{Fingerprint, fingerprint, is_armoured};
use crate::ops::args::Content;
use crate::ops::file::{SmallFile, Whole};
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::Path;
use crate::ops::{OpError, Operation, Plan, View};
use crate::remote::{Command, quote};
use serde::Deserialize;

/// Keeps the key of a repository in `/etc/apt/keyrings`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    name: String,
    content: Option<Content>,
    src: Option<String>,
    url: Option<String>,
    fingerprint: Option<String>,
    present: Option<bool>,
}

/// The files of either form, and the key that shall be there.
pub struct Seen {
    armoured: SmallFile,
    binary: SmallFile,
    /// Nothing when the key that is there will do.
    wanted: Option<Vec<u8>>,
}

impl Key {
    fn path(&self, ending: &str) -> String {
        let stem = self.name.trim_end_matches(".asc").trim_end_matches(".gpg");
        format!("/etc/apt/keyrings/{stem}.{ending}")
    }

    fn is_present(&self) -> bool {
        self.present.unwrap_or(true)
    }

    /// The key as given, from this machine, or fetched by the host with apt's own proxies and certificates.
    fn fetch(&self, view: &mut View<'_>) -> Result<Vec<u8>, OpError> {
        match (&self.content, &self.src, &self.url) {
            (Some(content), ..) => Ok(content.0.to_vec()),
            (_, Some(path), _) => std::fs::read(path).map_err(|source| OpError::Local { path: path.clone(), source }),
            (.., url) => {
                let url = url.as_deref().unwrap_or_default();
                let command = Command::script(format!(
                    "d=$(mktemp -d) || exit 1; trap 'rm -rf \"$d\"' EXIT; chmod 755 \"$d\"\n\
                     /usr/lib/apt/apt-helper download-file {} \"$d/key\" >/dev/null && cat \"$d/key\"",
                    quote(url)
                ));
                let output = view.read(&command)?;
                if output.ok() { Ok(output.stdout) } else { Err(OpError::command(&command, &output)) }
            }
        }
    }

    /// Whether a key has the wanted fingerprint; without one, any key will do.
    fn accepts(&self, view: &mut View<'_>, key: &[u8]) -> Result<Result<(), String>, OpError> {
        let found = match fingerprint(key) {
            None => return Ok(Err("is no OpenPGP key".into())),
            Some(_) if self.fingerprint.is_none() => return Ok(Ok(())),
            Some(Fingerprint::Known(hash)) => hash,
            Some(Fingerprint::Sha1Of(bytes)) => {
                let hex: String = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
                let command = Command::script(format!("printf '{hex}' | sha1sum"));
                let output = view.read(&command)?;
                output.text().split(' ').next().unwrap_or_default().to_uppercase()
            }
        };
        let wanted = self.fingerprint.as_deref().unwrap_or_default();
        let wanted: String = wanted.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_uppercase();
        Ok(if found == wanted { Ok(()) } else { Err(format!("has the fingerprint {found}")) })
    }
}

impl Operation for Key {
    const NAME: &'static str = "apt::key";
    const LOCAL_PATHS: &'static [&'static str] = &["src"];
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        check_file_name(&self.name)?;
        let given = [self.content.is_some(), self.src.is_some(), self.url.is_some()];
        if self.is_present() && given.iter().filter(|given| **given).count() != 1 {
            return Err("one of the arguments `content`, `src` and `url` must be given".into());
        }
        match &self.fingerprint {
            Some(text) if ![40, 64].contains(&text.chars().filter(char::is_ascii_hexdigit).count()) => {
                Err("argument `fingerprint` must have 40 or 64 hex digits: short ids can be forged".into())
            }
            _ => Ok(()),
        }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let stem = args.text("name").trim_end_matches(".asc").trim_end_matches(".gpg");
        let path = format!("/etc/apt/keyrings/{stem}.asc");
        let key = args.kept("apt-key", args.text("name"), &["url", "fingerprint"]).content(args);
        vec![key.reads::<Path>(&path).within_file(&path)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let files = SmallFile::see_all(view, &[self.path("asc"), self.path("gpg")])?;
        let [armoured, binary] = files.try_into().expect("two states for two paths");
        let mut seen = Seen { armoured, binary, wanted: None };
        if !self.is_present() {
            return Ok(seen);
        }
        // A key behind a URL is trusted once it is there: fetching it again would trust whoever answers today.
        if self.url.is_some() {
            let there = [&seen.armoured, &seen.binary].into_iter().find_map(|file| file.bytes().ok().flatten());
            if let Some(there) = there
                && self.accepts(view, there)?.is_ok()
            {
                return Ok(seen);
            }
        }
        let key = self.fetch(view)?;
        if let Err(why) = self.accepts(view, &key)? {
            return Err(OpError::refused_with(
                format!("the key for `{}` {why}", self.name),
                "compare the source with what the project publishes",
            ));
        }
        seen.wanted = Some(key);
        Ok(seen)
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let (armoured, binary) = (&seen.armoured, &seen.binary);
        let changes = match &seen.wanted {
            None if self.is_present() => return Ok(Plan::new()),
            None => [armoured.remove()?, binary.remove()?],
            // apt tells the forms apart by the ending: apt-secure(8).
            Some(key) if is_armoured(key) => [binary.remove()?, armoured.ensure(&Whole::of_root(key, 0o644))?],
            Some(key) => [armoured.remove()?, binary.ensure(&Whole::of_root(key, 0o644))?],
        };
        Ok(Plan::of(changes.into_iter().flatten()))
    }
}
