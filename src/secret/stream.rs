//! The scrubber over bytes that come in pieces.

use super::scrub::{Scrubber, scrubber};
use std::io::{self, Write};
use zeroize::Zeroizing;

/// Hides secrets in pieces of bytes, wherever they are cut. What may be the beginning of a secret is held back
/// until the next piece.
#[derive(Default)]
pub struct Stream {
    held: Zeroizing<Vec<u8>>,
}

impl Stream {
    /// Takes a piece and gives what can be shown now.
    pub fn push(&mut self, piece: &[u8], scrubber: &Scrubber) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(piece);
        let places = scrubber.places(&bytes);
        let open = open_at(&bytes, scrubber);
        // A place that reaches into what is open may yet grow.
        let cut = places.iter().find(|place| place.end > open).map_or(open, |place| place.start.min(open));
        self.held = Zeroizing::new(bytes[cut..].to_vec());
        scrubber.bytes(&bytes[..cut]).into_owned()
    }

    /// What is left when nothing more comes.
    pub fn finish(&mut self, scrubber: &Scrubber) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.held);
        scrubber.bytes(&bytes).into_owned()
    }
}

/// Where the first thing begins that may go on behind the end.
fn open_at(bytes: &[u8], scrubber: &Scrubber) -> usize {
    let from = bytes.len().saturating_sub(scrubber.longest().saturating_sub(1));
    (from..bytes.len()).find(|at| scrubber.may_go_on(&bytes[*at..])).unwrap_or(bytes.len())
}

/// A writer that hides every secret of this process.
pub struct Scrubbing<W: Write> {
    inner: W,
    stream: Stream,
}

impl<W: Write> Scrubbing<W> {
    /// Writes to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, stream: Stream::default() }
    }
}

impl<W: Write> Write for Scrubbing<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let scrubber = scrubber();
        let shown = self.stream.push(piece, &scrubber);
        self.inner.write_all(&shown)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write> Drop for Scrubbing<W> {
    fn drop(&mut self) {
        let rest = self.stream.finish(&scrubber());
        // A reader that has gone needs no rest.
        let _ = self.inner.write_all(&rest);
        let _ = self.inner.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use proptest::prelude::*;

    const PEM: &str = "-----BEGIN KEY-----\nAbCdEfGhIjKlMnOp\nQrStUvWxYz012345\nab==\n-----END KEY-----\n";

    fn streamed(pieces: &[&[u8]], scrubber: &Scrubber) -> String {
        let mut stream = Stream::default();
        let mut shown: Vec<u8> = pieces.iter().flat_map(|piece| stream.push(piece, scrubber)).collect();
        shown.extend(stream.finish(scrubber));
        String::from_utf8(shown).expect("text")
    }

    #[test]
    fn nothing_shows_wherever_the_output_is_split() {
        let token = "tok-en/with+odd chars";
        let scrubber = Scrubber::of([PEM, token, "hunter2", "hunter2-prod"]);
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("user:{token}"));
        let text = format!("a {PEM} b {encoded} c hunter2 d hunter2-prod e {token} é");
        let whole = scrubber.text(&text).into_owned();
        let parts = ["AbCdEfGh", "QrStUvWx", "hunter2", "-prod", "tok-en", &encoded[8..20]];
        assert!(parts.iter().all(|part| !whole.contains(part)), "{whole}");
        for at in 0..=text.len() {
            let (one, other) = text.as_bytes().split_at(at);
            assert_eq!(streamed(&[one, other], &scrubber), whole, "split at {at}");
        }
        let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(streamed(&single, &scrubber), whole);
    }

    #[test]
    fn harmless_output_is_not_held_back() {
        let scrubber = Scrubber::of(["hunter2"]);
        let mut stream = Stream::default();
        assert_eq!(stream.push(b"100 % done", &scrubber), b"100 % done");
        assert_eq!(stream.push(b"the word is hun", &scrubber), b"the word is ");
        assert_eq!(stream.push(b"gry", &scrubber), b"hungry");
    }

    proptest! {
        #[test]
        fn pieces_and_the_whole_show_the_same(
            secrets in prop::collection::vec("[ab]{3,6}", 1..5),
            text in "[abc]{0,40}",
            cuts in prop::collection::vec(0_usize..40, 0..6),
        ) {
            let scrubber = Scrubber::of(&secrets);
            let whole = scrubber.text(&text).into_owned();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([text.len()]) {
                pieces.push(&text.as_bytes()[from..cut]);
                from = cut;
            }
            prop_assert_eq!(streamed(&pieces, &scrubber), whole.clone());
            for secret in &secrets {
                prop_assert!(!whole.replace("[secret]", "|").contains(secret.as_str()));
            }
        }
    }
}
