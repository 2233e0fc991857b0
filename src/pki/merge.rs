//! What two branches made of the same file becomes one again: how git merges `pki/` and the serials of zones.

use super::{PkiError, dns, ssh, x509};
use std::path::Path;

/// A file that both sides changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// What it holds now.
    pub text: String,
    /// What both sides changed in ways that cannot both be; ours was kept.
    pub conflict: Option<String>,
}

/// The sides that git has of a file, or what stands in them.
#[derive(Debug, Clone, Copy)]
pub struct Sides<T> {
    /// The common ancestor; nothing where both sides made the file.
    pub base: Option<T>,
    /// Ours.
    pub ours: T,
    /// Theirs.
    pub theirs: T,
}

/// A side that is not what it should be.
pub(super) struct Misfit {
    side: &'static str,
    problem: String,
}

/// True for a file that is made of the merged ones beside it: ours serves until the next run makes it again.
pub fn is_made_again(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ssh::LIST)
}

/// Merges a text file by what it is, which its name tells.
///
/// Nothing becomes valid by a merge that one side took back, and no number falls. Of two revocation lists the later one
/// is kept; [`Pki::crl`](super::Pki::crl) makes one of both.
///
/// # Errors
/// A side is no such file; files of this name are not merged here.
pub fn merge(path: &Path, sides: Sides<&str>) -> Result<Merged, PkiError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let merged = match name {
        x509::RECORD => x509::merge_records(sides),
        x509::CRL => x509::merge_lists(sides),
        ssh::RECORD => ssh::merge_records(sides),
        _ if dns::is_serial(path) => dns::merge_serials(sides),
        _ => return Err(PkiError::invalid(format!("`{}` is none of the files that are merged", path.display()))),
    };
    merged.map_err(|misfit| PkiError::Unreadable {
        what: format!("{} of `{}`", misfit.side, path.display()),
        problem: misfit.problem,
    })
}

impl Merged {
    pub(super) fn clean(text: String) -> Self {
        Self { text, conflict: None }
    }
}

impl<'a> Sides<&'a str> {
    pub(super) fn read<T>(self, read: impl Fn(&'a str) -> Result<T, String>) -> Result<Sides<T>, Misfit> {
        let one = |side, text| read(text).map_err(|problem| Misfit { side, problem });
        Ok(Sides {
            base: self.base.map(|base| one("the base", base)).transpose()?,
            ours: one("our side", self.ours)?,
            theirs: one("their side", self.theirs)?,
        })
    }
}

impl<T: PartialEq + Clone> Sides<&[T]> {
    /// What either side has, ours first. What one side took out goes, where the other one left it alone.
    pub(super) fn united(self) -> Vec<T> {
        let base = self.base.unwrap_or_default();
        let ours = self.ours.iter().filter(|it| self.theirs.contains(it) || !base.contains(it));
        let theirs = self.theirs.iter().filter(|it| !self.ours.contains(it) && !base.contains(it));
        ours.chain(theirs).cloned().collect()
    }
}
