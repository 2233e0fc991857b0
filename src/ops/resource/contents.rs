//! What regular files hold: the bytes of small ones, the SHA-256 of others.

use super::Resource;
use super::path::is_below;
use super::path_read::argument_lists;
use crate::ops::OpError;
use crate::ops::touch::Altered;
use crate::remote::{Command, Output};
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use std::sync::Arc;

/// Files up to this many bytes are fetched whole, to be compared, edited and shown.
pub const FETCH_LIMIT: u64 = 128 * 1024;

/// What a path holds. Links are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Nothing is there.
    Absent,
    /// Something else than a regular file.
    Other,
    /// The user of the shell may not read it.
    Unreadable,
    /// The bytes of a small file on the host.
    Bytes(Arc<[u8]>),
    /// The bytes that a change will write; a UTF-8 text may hold secret tokens.
    Planned(Arc<[u8]>),
    /// A file too large to fetch.
    Large {
        /// Its bytes.
        size: u64,
        /// In hexadecimal; unknown on a host without any tool for it.
        sha256: Option<String>,
        /// The file on this machine that a change will send.
        local: Option<PathBuf>,
    },
}

/// Reads SHA-256 from stdin with whatever tool the host has.
pub(crate) const HASH: &str = r#"h() {
if command -v sha256sum >/dev/null 2>&1; then sha256sum
elif shasum -a 256 </dev/null >/dev/null 2>&1; then shasum -a 256
elif command -v openssl >/dev/null 2>&1; then openssl dgst -sha256 -r
elif command -v busybox >/dev/null 2>&1; then busybox sha256sum 2>/dev/null
else return 1
fi
}
"#;

/// A line with one letter a key; sizes of the files, a line each; digests of the large ones; then the bytes of the
/// small ones in a row. Framing by sizes keeps the script the same in each run, as its text is the key of a cache.
const ASK: &str = r#"c() {
for p do
shift
if [ -f "$p" ]; then
if [ -r "$p" ]; then printf f; set -- "$@" "$p"; else printf u; fi
elif [ -e "$p" ]; then printf o
else printf a
fi
done
echo
[ $# -gt 0 ] || return 0
s=$(stat -L -c %s -- "$@" 2>/dev/null) || s=$(for p do wc -c <"$p"; done)
for n in $s; do echo "$n"; done
for n in $s; do
p=$1; shift
if [ "$n" -le "$M" ]; then set -- "$@" "$p"; else h <"$p" || echo -; fi
done
[ $# -gt 0 ] || return 0
cat -- "$@"
}
"#;

impl Contents {
    /// The SHA-256 in hexadecimal of bytes in memory.
    pub fn sha256_of(bytes: &[u8]) -> String {
        hex(&Sha256::digest(bytes))
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest at the start of a line of any of the tools.
pub(super) fn digest_of_line(line: &str) -> Option<String> {
    let digest = line.strip_prefix('\\').unwrap_or(line).get(..64)?;
    digest.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| digest.to_ascii_lowercase())
}

impl Resource for Contents {
    const KIND: &'static str = "contents";

    fn script(keys: &[String]) -> Command {
        let mut text = format!("LC_ALL=C; export LC_ALL; M={FETCH_LIMIT}\n{HASH}{ASK}");
        for list in argument_lists(keys) {
            text.push_str(&format!("c {list}\n"));
        }
        Command::script(text)
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let confused = || OpError::answer("cat", &output.stdout);
        let mut rest = output.stdout.as_slice();
        let mut all = Vec::new();
        // A script asks in several lists when there are many keys; each has a frame of its own.
        while all.len() < keys.len() {
            all.extend(frame(&mut rest).ok_or_else(confused)?);
        }
        if all.len() == keys.len() && rest.is_empty() { Ok(all) } else { Err(confused()) }
    }

    fn is_absent(&self) -> bool {
        *self == Self::Absent
    }

    fn held(&self) -> Option<Arc<[u8]>> {
        match self {
            Self::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }

    fn may_be_brought(key: &str) -> bool {
        super::Path::may_be_brought(key)
    }

    fn follows_from(key: &str, other: &str, state: &Self) -> Option<Self> {
        let ends = !matches!(state, Self::Other | Self::Unreadable);
        (ends && is_below(key, other)).then_some(Self::Absent)
    }

    fn outlasts(&self, key: &str, change: &Altered<'_>) -> bool {
        change.spares_content(key)
    }
}

fn frame(rest: &mut &[u8]) -> Option<Vec<Contents>> {
    let letters = line(rest)?;
    let files = letters.matches('f').count();
    let sizes: Vec<u64> = (0..files).map(|_| line(rest)?.trim().parse().ok()).collect::<Option<_>>()?;
    let large = sizes.iter().filter(|size| **size > FETCH_LIMIT).count();
    let digests: Vec<String> = (0..large).map(|_| line(rest)).collect::<Option<_>>()?;
    let (mut sizes, mut digests) = (sizes.into_iter(), digests.into_iter());
    let state = |letter| {
        Some(match letter {
            'a' => Contents::Absent,
            'o' => Contents::Other,
            'u' => Contents::Unreadable,
            'f' => match sizes.next()? {
                size if size > FETCH_LIMIT => {
                    Contents::Large { size, sha256: digest_of_line(&digests.next()?), local: None }
                }
                size => Contents::Bytes(take(rest, size as usize)?.into()),
            },
            _ => return None,
        })
    };
    letters.chars().map(state).collect()
}

fn line(rest: &mut &[u8]) -> Option<String> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let line = String::from_utf8_lossy(&rest[..end]).into_owned();
    *rest = &rest[end + 1..];
    Some(line)
}

fn take<'a>(rest: &mut &'a [u8], size: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(size)?;
    *rest = tail;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: usize, stdout: &str) -> Result<Vec<Contents>, OpError> {
        let keys: Vec<String> = (0..keys).map(|n| format!("/{n}")).collect();
        Contents::parse(&keys, &Output { stdout: stdout.into(), ..Output::default() })
    }

    #[test]
    fn takes_small_and_large_files_apart() {
        let digest = "ab".repeat(32);
        let states = read(6, &format!("faoufu\n3\n200000\n{digest}  -\na\nb")).expect("a good answer");
        assert_eq!(states[0], Contents::Bytes(b"a\nb".as_slice().into()));
        assert_eq!(states[1..4], [Contents::Absent, Contents::Other, Contents::Unreadable]);
        assert_eq!(states[4], Contents::Large { size: 200_000, sha256: Some(digest), local: None });
    }

    #[test]
    fn a_file_that_shrank_while_it_was_read_is_no_answer() {
        assert!(read(1, "f\n5\nabc").is_err());
        assert!(read(1, "f\n2\nabc").is_err());
        assert!(read(2, "f\n0\n").is_err());
    }
}
