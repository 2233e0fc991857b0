//! The content that a file shall have, compared with what it has and shown beside it.

use crate::event::Sign;
use crate::ops::resource::{Contents, Digest, FETCH_LIMIT, hex};
use crate::ops::{Change, OpError, Source};
use crate::remote::ShellError;
use crate::secret::{RevealError, SECRET, contains_token, masked_diff, redact, reveal};
use sha2::{Digest as _, Sha256};
use similar::{ChangeTag, TextDiff};
use std::collections::HashMap;
use std::path::{Path as LocalPath, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::SystemTime;
use zeroize::Zeroizing;

/// Texts up to this many bytes are shown as a diff.
const DIFF_LIMIT: usize = 256 * 1024;

/// The content that a file shall have.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Where it is sent from.
    pub source: Source,
    /// Bytes, with secrets in place.
    pub size: u64,
    /// Of the bytes with secrets in place.
    pub sha256: String,
    /// True when a secret is in it.
    pub secret: bool,
    /// An edited text with tokens in the place of its secrets: the bytes to be sent have the values.
    pub tokens: Option<Arc<[u8]>>,
}

impl Wanted {
    /// Content in memory; a text may hold tokens.
    ///
    /// # Errors
    /// [`OpError::Unknown`] when a part is known only after apply.
    pub fn of_bytes(bytes: Arc<[u8]>) -> Result<Self, OpError> {
        let plain = plain(&bytes)?;
        let (size, sha256) = (plain.len() as u64, Contents::sha256_of(&plain));
        Ok(Self { size, sha256, secret: holds_token(&bytes), source: Source::Bytes(bytes), tokens: None })
    }

    /// A file on this machine: small ones are read, others hashed.
    ///
    /// # Errors
    /// [`OpError::Local`]; a directory is refused with a hint.
    pub fn of_local(path: &str) -> Result<Self, OpError> {
        let local = |source| OpError::Local { path: path.to_owned(), source };
        let meta = std::fs::metadata(path).map_err(local)?;
        if !meta.is_file() {
            return Err(OpError::refused_with(
                format!("`{path}` is no regular file"),
                "`file::mirror` sends a directory",
            ));
        }
        if meta.len() <= FETCH_LIMIT {
            let bytes: Arc<[u8]> = std::fs::read(path).map_err(local)?.into();
            // Sent from memory, a text that looks like a token would be swapped.
            if !holds_token(&bytes) {
                return Self::of_bytes(bytes);
            }
        }
        let sha256 = local_digest(path.as_ref()).map_err(local)?;
        Ok(Self { source: Source::Local(path.into()), size: meta.len(), sha256, secret: false, tokens: None })
    }

    /// Whether a file holds it already; `None` when its digest is not known.
    pub fn is(&self, contents: &Contents) -> Result<Option<bool>, OpError> {
        Ok(match contents {
            Contents::Bytes(bytes) => Some(Contents::sha256_of(bytes) == self.sha256),
            Contents::Planned(bytes) => Some(Contents::sha256_of(&plain(bytes)?) == self.sha256),
            Contents::Large { size, .. } if *size != self.size => Some(false),
            Contents::Large { sha256, .. } => sha256.as_ref().map(|sha256| *sha256 == self.sha256),
            Contents::Absent | Contents::Other | Contents::Unreadable => Some(false),
        })
    }

    /// A change with both contents, as far as people may and want to see them.
    pub fn change(&self, sign: Sign, text: &str, before: &Contents) -> Change {
        if self.secret {
            return self.masked(sign, text, before);
        }
        let after = match &self.source {
            Source::Bytes(bytes) => readable(bytes),
            Source::Local(_) | Source::Script { .. } => None,
        };
        match (shown(before), after) {
            (Some(before), Some(after)) => Change::new(sign, text).diff(before, after),
            _ => Change::new(sign, format!("{text}: {}", self.in_numbers(before))),
        }
    }

    /// The old content may hold the secret that is being replaced: only lines that cannot be it are shown.
    fn masked(&self, sign: Sign, text: &str, before: &Contents) -> Change {
        let old: &[u8] = match before {
            Contents::Absent => b"",
            Contents::Bytes(old) => old,
            _ => return Change::new(sign, format!("{text} ({SECRET})")),
        };
        let texts = match (&self.tokens, &self.source) {
            (Some(new), _) | (None, Source::Bytes(new)) => {
                std::str::from_utf8(old).ok().zip(std::str::from_utf8(new).ok())
            }
            _ => None,
        };
        // Without tokens nothing tells which lines of an edited text its secrets are in.
        let told = |(old, new): &(&str, &str)| old.len().max(new.len()) <= DIFF_LIMIT && contains_token(new);
        let Some((old, new)) = texts.filter(told) else {
            return Change::new(sign, format!("{text} ({SECRET})"));
        };
        let (old, new, changed) = if self.tokens.is_some() { masked_edit(old, new) } else { masked_diff(old, new) };
        let text = match (changed, before) {
            (true, _) => format!("{text}: {SECRET} => {SECRET} (changed)"),
            (false, Contents::Absent) => format!("{text} ({SECRET})"),
            (false, _) => text.to_owned(),
        };
        Change::new(sign, text).diff(old, new)
    }

    fn in_numbers(&self, before: &Contents) -> String {
        let after = format!("{}…", &self.sha256[..8]);
        match digest_of(before) {
            Some(digest) => format!("binary, {}, sha256 {}… -> {after}", in_bytes(self.size), &digest[..8]),
            None => format!("binary, {}, sha256 {after}", in_bytes(self.size)),
        }
    }

    /// Notes what the file holds after a change.
    pub fn noted(&self, change: Change, path: &str) -> Change {
        let contents = match &self.source {
            Source::Bytes(bytes) => Contents::Planned(bytes.clone()),
            Source::Local(local) => {
                Contents::Large { size: self.size, sha256: Some(self.sha256.clone()), local: Some(local.clone()) }
            }
            Source::Script { .. } => {
                Contents::Large { size: self.size, sha256: Some(self.sha256.clone()), local: None }
            }
        };
        change.makes(path, contents).makes(path, Digest { sha256: Some(self.sha256.clone()) })
    }
}

/// The lines that go and those that come as they may be shown, and whether a secret changed: around a secret that is put
/// into a text of others may stand theirs.
pub(in crate::ops) fn masked_edit(before: &str, after: &str) -> (String, String, bool) {
    let (before, after, changed) = masked_diff(before, after);
    let (before, after) = differing_lines(&before, &after);
    (before, after, changed)
}

fn differing_lines(before: &str, after: &str) -> (String, String) {
    let diff = TextDiff::from_lines(before, after);
    let lines = |tag: ChangeTag| {
        let changes = diff.iter_all_changes().filter(|change| change.tag() == tag);
        changes.map(|change| change.value().to_owned()).collect::<String>()
    };
    (lines(ChangeTag::Delete), lines(ChangeTag::Insert))
}

/// What a plan will send of this machine, read where it is small: a host would give its bytes, too.
///
/// # Errors
/// [`OpError::Local`].
pub(super) fn as_read(contents: Contents) -> Result<Contents, OpError> {
    match contents {
        Contents::Large { size, local: Some(local), sha256 } if size <= FETCH_LIMIT => {
            let failed = |source| OpError::Local { path: local.display().to_string(), source };
            let bytes = std::fs::read(&local).map_err(failed)?;
            Ok(match holds_token(&bytes) {
                true => Contents::Large { size, local: Some(local), sha256 },
                false => Contents::Bytes(bytes.into()),
            })
        }
        contents => Ok(contents),
    }
}

/// Bytes with secrets in place.
///
/// # Errors
/// [`OpError::Unknown`] when a part is known only after apply.
pub(super) fn plain(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(plain_text(text)?.as_bytes().to_vec())),
        Err(_) => Ok(Zeroizing::new(bytes.to_vec())),
    }
}

/// A text with secrets in place.
///
/// # Errors
/// As [`plain`].
pub(super) fn plain_text(text: &str) -> Result<Zeroizing<String>, OpError> {
    reveal(text).map_err(|error| match error {
        RevealError::Unknown(what) => OpError::Unknown(what),
        other => ShellError::Reveal(other).into(),
    })
}

/// True when a text holds tokens; other bytes never do.
pub(super) fn holds_token(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(contains_token)
}

/// The text as people may see it, nothing when it is none.
pub(super) fn shown(contents: &Contents) -> Option<String> {
    match contents {
        Contents::Absent => Some(String::new()),
        Contents::Bytes(bytes) | Contents::Planned(bytes) => readable(bytes),
        Contents::Other | Contents::Unreadable | Contents::Large { .. } => None,
    }
}

fn readable(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (bytes.len() <= DIFF_LIMIT && !bytes.contains(&0)).then(|| redact(text))
}

fn digest_of(contents: &Contents) -> Option<String> {
    match contents {
        Contents::Bytes(bytes) => Some(Contents::sha256_of(bytes)),
        Contents::Planned(bytes) => plain(bytes).ok().map(|plain| Contents::sha256_of(&plain)),
        Contents::Large { sha256, .. } => sha256.clone(),
        Contents::Absent | Contents::Other | Contents::Unreadable => None,
    }
}

/// `4.0 KB`: what people call a size.
pub(super) fn in_bytes(size: u64) -> String {
    match size {
        0..1000 => format!("{size} bytes"),
        1000..1_000_000 => format!("{:.1} KB", size as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", size as f64 / 1e6),
        _ => format!("{:.1} GB", size as f64 / 1e9),
    }
}

/// The digest of a file here, computed once however many hosts get it; a changed file has another key.
pub(in crate::ops) fn local_digest(path: &LocalPath) -> std::io::Result<String> {
    type Known = Mutex<HashMap<(PathBuf, u64, SystemTime), String>>;
    static KNOWN: OnceLock<Known> = OnceLock::new();
    let lock = || KNOWN.get_or_init(Known::default).lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let meta = std::fs::metadata(path)?;
    let key = (path.to_owned(), meta.len(), meta.modified()?);
    if let Some(digest) = lock().get(&key) {
        return Ok(digest.clone());
    }
    let digest = hex(&hashed(std::fs::File::open(path)?)?);
    lock().insert(key, digest.clone());
    Ok(digest)
}

fn hashed(mut file: std::fs::File) -> std::io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match std::io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::conceal;

    fn wanted(text: &str) -> Wanted {
        Wanted::of_bytes(text.as_bytes().into()).expect("known")
    }

    #[test]
    fn a_secret_is_compared_by_value_and_never_shown() {
        let wanted = wanted(&format!("key={}\n", conceal("hunter2")));
        let before = Contents::Bytes(b"key=old-secret\n".as_slice().into());
        assert_eq!(wanted.is(&before).expect("known"), Some(false));
        let same = Contents::Bytes(b"key=hunter2\n".as_slice().into());
        assert_eq!(wanted.is(&same).expect("known"), Some(true));
        let change = wanted.change(Sign::Update, "content", &before);
        assert_eq!(change.text, "content: [secret] => [secret] (changed)");
        assert_eq!(change.diff, Some(("key=[secret]\n".into(), "key=[secret] (changed)\n".into())));
        let created = wanted.change(Sign::Create, "create", &Contents::Absent);
        assert_eq!(created.text, "create ([secret])");
        assert_eq!(created.diff, Some((String::new(), "key=[secret]\n".into())));
    }

    #[test]
    fn binary_content_is_shown_in_numbers() {
        let wanted = wanted("a\0b");
        let change = wanted.change(Sign::Update, "content", &Contents::Bytes(b"x".as_slice().into()));
        assert_eq!(
            change.text,
            "content: binary, 3 bytes, sha256 2d711642… -> 59cbfa34…".replace("59cbfa34", &wanted.sha256[..8])
        );
        assert!(change.diff.is_none());
    }

    #[test]
    fn an_unknown_part_makes_the_whole_unknown() {
        let text = crate::secret::unknown("output of `id`").to_string();
        assert!(matches!(Wanted::of_bytes(text.as_bytes().into()), Err(OpError::Unknown(_))));
    }
}
