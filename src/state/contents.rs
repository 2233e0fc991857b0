//! Contents, each kept once under its SHA-256, deflated.

use super::statement::Statement;
use super::{StateError, Store};
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::time::Duration;

/// Bytes of the largest content that is kept: the ledger is no backup.
pub(super) const CAP: usize = 1 << 20;

/// A content that was put away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// All of it.
    Whole(Vec<u8>),
    /// It was larger than 1 MiB, so only its digest and its size are known.
    TooLarge {
        /// In bytes.
        size: u64,
    },
}

impl Store {
    /// The content with this SHA-256, in lower-case hex digits.
    ///
    /// # Errors
    /// [`StateError::Record`] when it is not what it was; the store cannot be read.
    pub fn content(&self, digest: &str) -> Result<Option<Content>, StateError> {
        let sql = "SELECT size, content FROM blobs WHERE digest = $1";
        let Some(mut row) = self.backend.read(Statement::new(sql, [digest.into()]))?.pop() else { return Ok(None) };
        let size = row.number(0)?;
        let Some(packed) = row.maybe_bytes(1)? else { return Ok(Some(Content::TooLarge { size })) };
        let bytes = unpack(&packed, size)?;
        match self::digest(&bytes) == digest {
            true => Ok(Some(Content::Whole(bytes))),
            false => Err(StateError::record(format!("the content `{digest}` has another digest"))),
        }
    }

    /// Forgets contents that nothing refers to any more, and gives their number. Younger ones than `age` are left:
    /// a run that goes on may be about to refer to them again.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn tidy(&self, age: Duration) -> Result<u64, StateError> {
        let before = self.backend.now_ms()?.saturating_sub_unsigned(age.as_millis() as u64);
        let sql = "DELETE FROM blobs WHERE stored <= $1 AND digest NOT IN (SELECT digest FROM traces) \
                   AND digest NOT IN (SELECT digest FROM group_traces) \
                   AND digest NOT IN (SELECT prior_content FROM resources WHERE prior_content IS NOT NULL)";
        self.backend.write(vec![Statement::new(sql, [before.into()])])
    }
}

const KEEP: &str = "INSERT INTO blobs (digest, size, stored, content) VALUES ($1, $2, $3, $4) \
                    ON CONFLICT (digest) DO NOTHING";

/// The statement that keeps a content, or no more than its size where it is too large.
pub(super) fn keep(digest: &str, content: &[u8], now_ms: i64) -> Statement {
    let packed = (content.len() <= CAP).then(|| pack(content));
    let values = [digest.into(), (content.len() as u64).into(), now_ms.into(), super::statement::Value::Bytes(packed)];
    Statement::new(KEEP, values)
}

/// Puts the contents before what refers to them, by digest: two transactions that keep the same contents in different
/// orders would wait for each other.
pub(super) fn contents_first(statements: impl Iterator<Item = Statement>) -> impl Iterator<Item = Statement> {
    let (mut contents, rest): (Vec<_>, Vec<_>) = statements.partition(|statement| statement.sql == KEEP);
    contents.sort_by(|one, other| one.values[0].text().cmp(&other.values[0].text()));
    contents.into_iter().chain(rest)
}

/// SHA-256 in lower-case hex digits.
pub(super) fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn pack(content: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(content.len() / 3);
    DeflateEncoder::new(content, Compression::default()).read_to_end(&mut packed).expect("memory can be read");
    packed
}

/// Unpacks what must become `size` bytes: a few bytes of a foreign file must not fill the memory.
pub(super) fn unpack(packed: &[u8], size: u64) -> Result<Vec<u8>, StateError> {
    let mut content = Vec::new();
    DeflateDecoder::new(packed).take(size.saturating_add(1)).read_to_end(&mut content).map_err(StateError::record)?;
    match content.len() as u64 == size {
        true => Ok(content),
        false => Err(StateError::record("a content that has another size")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_come_back_as_they_were() {
        for content in [b"".as_slice(), b"\0\xff\n", &vec![7; 3 * CAP]] {
            let packed = pack(content);
            assert_eq!(unpack(&packed, content.len() as u64).expect("unpacked"), content);
        }
    }

    #[test]
    fn a_content_that_unpacks_to_another_size_is_refused() {
        let bomb = pack(&vec![0; 10 * CAP]);
        assert!(matches!(unpack(&bomb, 100), Err(StateError::Record(_))));
        assert!(matches!(unpack(b"\x07garbage", 3), Err(StateError::Record(_))));
    }
}
