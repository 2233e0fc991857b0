//! Editing a file that is there: read, change the bytes here, write as a whole.

use super::attributes::Attributes;
use super::content::{Wanted, as_read, holds_token, plain};
use super::place::{HostPath, Place};
use super::put::{EDIT_LIMIT, Order};
use crate::ops::args::Mode;
use crate::ops::resource::{Contents, Kind};
use crate::ops::{OpError, Plan, View};
use crate::remote::Command;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What was found of a file that is to be edited.
#[derive(Debug)]
pub struct Seen {
    place: Place,
    contents: Contents,
    /// The bytes with secrets in place; nothing when there is no file.
    text: Option<Zeroizing<Vec<u8>>>,
}

/// What operations that edit have in common.
pub(super) struct Edit<'a> {
    /// Make the file when it is not there.
    pub create: bool,
    pub backup: bool,
    pub validate: Option<&'a str>,
    /// The arguments hold a secret.
    pub secret: bool,
}

impl Seen {
    /// Looks at a file, in one exchange unless it is large.
    pub(super) fn probe(view: &mut View<'_>, path: &HostPath) -> Result<Self, OpError> {
        let (place, contents) = Place::see_contents(view, path.as_str(), false)?;
        let contents = match (as_read(contents)?, place.at.kind) {
            // A directory that is only planned holds nothing that could be read.
            (Contents::Absent, Kind::Dir | Kind::Other) => Contents::Other,
            (contents, _) => contents,
        };
        let text = match &contents {
            Contents::Absent => None,
            Contents::Bytes(bytes) if holds_token(bytes) => {
                // Written back it would be swapped for a secret, which the host may not be meant to know.
                return Err(OpError::refused(format!("`{}` holds characters reserved for secrets", place.path)));
            }
            Contents::Bytes(bytes) => Some(Zeroizing::new(bytes.to_vec())),
            Contents::Planned(bytes) => Some(plain(bytes)?),
            Contents::Large { size, local, .. } => {
                Some(Zeroizing::new(large(view, &place.path, *size, local.as_deref())?))
            }
            Contents::Other | Contents::Unreadable => Some(Zeroizing::default()),
        };
        Ok(Self { place, contents, text })
    }

    /// The bytes, or nothing when there is no file.
    pub(super) fn text(&self) -> Option<&[u8]> {
        self.text.as_ref().map(|text| text.as_slice())
    }
}

/// The bytes of a file too large to come along with others, here or on the host.
pub(super) fn large(
    view: &mut View<'_>,
    path: &str,
    size: u64,
    local: Option<&std::path::Path>,
) -> Result<Vec<u8>, OpError> {
    if size > EDIT_LIMIT {
        return Err(OpError::refused(format!("`{path}` is too large to edit: {size} bytes, {EDIT_LIMIT} at most")));
    }
    if let Some(local) = local {
        let failed = |source| OpError::Local { path: local.display().to_string(), source };
        return std::fs::read(local).map_err(failed);
    }
    let command = Command::new("cat").arg("--").arg(path);
    let output = view.read(&command)?;
    if output.ok() && !holds_token(&output.stdout) {
        return Ok(output.stdout);
    }
    Err(OpError::command(&command, &output))
}

/// How the arguments of an edit stand in what it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// With secrets in place: what is written.
    Plain,
    /// With tokens: what is shown.
    Tokens,
}

impl Edit<'_> {
    /// The plan that gives a file the text that `edit` makes of its text. `needed` says whether a missing file
    /// must be made at all.
    pub fn plan(
        &self,
        seen: &Seen,
        needed: bool,
        edit: impl Fn(&[u8], Form) -> Result<Vec<u8>, OpError>,
    ) -> Result<Plan, OpError> {
        let (path, kind) = (&seen.place.path, seen.place.at.kind);
        let before = match seen.text() {
            Some(text) => text,
            None if !needed => return Ok(Plan::new()),
            None if self.create => b"",
            None => {
                return Err(OpError::refused_with(
                    format!("`{path}` does not exist"),
                    "`create: true` makes it, or `file::present` before",
                ));
            }
        };
        let secret = self.secret || matches!(&seen.contents, Contents::Planned(bytes) if holds_token(bytes));
        let after = if kind == Kind::File || kind == Kind::Absent { edit(before, Form::Plain)? } else { Vec::new() };
        if kind == Kind::File && seen.contents != Contents::Unreadable && after == before {
            return Ok(Plan::new());
        }
        let tokens = self.secret.then(|| with_tokens(before, &after, edit)).flatten();
        let wanted = Wanted { secret, tokens, ..Wanted::of_bytes(after.into())? };
        self.order(seen, secret).plan(&seen.place, &seen.contents, &wanted)
    }

    /// An edited file keeps its mode; a new one with a secret is for its owner alone.
    fn order(&self, seen: &Seen, secret: bool) -> Order<'_> {
        let mode = match seen.place.at.kind {
            Kind::File if secret => Some(Mode(seen.place.at.mode)),
            _ => None,
        };
        Order {
            attributes: Attributes { mode, ..Attributes::default() },
            force: false,
            validate: self.validate,
            backup: self.backup,
            in_place: false,
            create_dirs: false,
        }
    }
}

/// The new text with tokens in the place of its secrets, where the edit makes the same of both.
fn with_tokens(
    before: &[u8],
    after: &[u8],
    edit: impl Fn(&[u8], Form) -> Result<Vec<u8>, OpError>,
) -> Option<Arc<[u8]>> {
    let tokens = edit(before, Form::Tokens).ok()?;
    (plain(&tokens).ok()?.as_slice() == after).then(|| tokens.into())
}
