//! A directory on this machine, as it is to be mirrored.

use crate::ops::OpError;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// One thing in it.
#[derive(Debug, Clone)]
pub(super) struct LocalEntry {
    /// From the directory: `css/app.css`.
    pub name: String,
    pub path: PathBuf,
    pub what: LocalKind,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LocalKind {
    /// With its permission bits.
    Dir(u32),
    /// With its permission bits and size.
    File(u32, u64),
    /// With where it leads.
    Link(String),
}

/// Names that are left out.
#[derive(Debug)]
pub(super) struct Excludes(GlobSet);

impl Excludes {
    /// A pattern without a slash is compared with each part of a name, others with the whole name.
    ///
    /// # Errors
    /// A text that names the pattern.
    pub fn new(patterns: &[String]) -> Result<Self, String> {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let bare = pattern.trim_end_matches('/');
            let whole = match bare.strip_prefix('/') {
                Some(rooted) => rooted.to_owned(),
                None if bare.contains('/') => bare.to_owned(),
                None => format!("**/{bare}"),
            };
            let glob = GlobBuilder::new(&whole).literal_separator(true).build();
            set.add(glob.map_err(|error| format!("argument `exclude`: `{pattern}`: {}", error.kind()))?);
        }
        set.build().map(Self).map_err(|error| format!("argument `exclude`: {error}"))
    }

    /// True when a name, or a directory on the way to it, is left out.
    pub fn holds(&self, name: &str) -> bool {
        let ends = name.match_indices('/').map(|(at, _)| at).chain([name.len()]);
        ends.into_iter().any(|end| self.0.is_match(&name[..end]))
    }
}

/// Everything below a directory, parents before what they hold, in the order of names.
///
/// # Errors
/// [`OpError::Local`]; names that are not UTF-8 and things that are neither file, directory nor link are refused.
pub(super) fn walk(root: &Path, excludes: &Excludes) -> Result<Vec<LocalEntry>, OpError> {
    let mut entries = Vec::new();
    descend(root, "", excludes, &mut entries)?;
    Ok(entries)
}

fn descend(dir: &Path, prefix: &str, excludes: &Excludes, entries: &mut Vec<LocalEntry>) -> Result<(), OpError> {
    let failed = |source| OpError::Local { path: dir.display().to_string(), source };
    let mut paths = Vec::new();
    for found in std::fs::read_dir(dir).map_err(failed)? {
        paths.push(found.map_err(failed)?.path());
    }
    paths.sort();
    for path in paths {
        let Some(last) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(OpError::refused(format!("the name of `{}` is not UTF-8", path.display())));
        };
        let name = format!("{prefix}{last}");
        if excludes.holds(&name) {
            continue;
        }
        let meta = std::fs::symlink_metadata(&path).map_err(failed)?;
        let what = kind(&path, &meta)?;
        let deeper = matches!(what, LocalKind::Dir(_)).then(|| (path.clone(), format!("{name}/")));
        entries.push(LocalEntry { name, path, what });
        if let Some((path, prefix)) = deeper {
            descend(&path, &prefix, excludes, entries)?;
        }
    }
    Ok(())
}

fn kind(path: &Path, meta: &Metadata) -> Result<LocalKind, OpError> {
    let mode = meta.permissions().mode() & 0o7777;
    if meta.is_dir() {
        return Ok(LocalKind::Dir(mode));
    }
    if meta.is_file() {
        return Ok(LocalKind::File(mode, meta.size()));
    }
    let shown = path.display();
    if !meta.is_symlink() {
        return Err(OpError::refused_with(
            format!("`{shown}` is neither file, directory nor link"),
            "leave it out with `exclude`",
        ));
    }
    let target = std::fs::read_link(path).map_err(|source| OpError::Local { path: shown.to_string(), source })?;
    match target.to_str() {
        Some(target) => Ok(LocalKind::Link(target.to_owned())),
        None => Err(OpError::refused(format!("where the link `{shown}` leads is not UTF-8"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_parts_or_whole_names() {
        let patterns = ["*.log", "cache/", "/top", "docs/*.md"].map(str::to_owned);
        let excludes = Excludes::new(&patterns).expect("patterns");
        for name in ["a.log", "x/y.log", "cache", "x/cache/deep/file", "top", "top/x", "docs/a.md"] {
            assert!(excludes.holds(name), "{name}");
        }
        for name in ["a.logs", "x/top", "docs/a/b.md", "x/docs/a.md", "mycache"] {
            assert!(!excludes.holds(name), "{name}");
        }
    }
}
