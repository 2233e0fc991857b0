//! The last line of defence: finds every form of every resolved value, whoever printed it.

use super::SECRET;
use super::forms::{Form, forms};
use super::segment::Segment;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// Finds secrets in texts. A copy is cheap, and knows what was known when it was made.
///
/// All occurrences count, and those that overlap are hidden as one: of two secrets of which one begins the other,
/// nothing of the longer one is left.
#[derive(Clone, Default)]
pub struct Scrubber {
    /// Each at least twice as large as the next, so that a new secret costs little.
    segments: Vec<Arc<Segment>>,
}

impl Scrubber {
    /// One that knows these values.
    pub fn of<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> Self {
        let mut scrubber = Self::default();
        scrubber.learn(values.into_iter().flat_map(|value| forms(value.as_ref())).collect());
        scrubber
    }

    fn learn(&mut self, mut new: Vec<Form>) {
        if new.is_empty() {
            return;
        }
        while let Some(last) = self.segments.pop_if(|last| last.len() < 2 * new.len()) {
            match Arc::try_unwrap(last) {
                Ok(last) => new.extend(last.into_forms()),
                Err(last) => new.extend_from_slice(last.forms()),
            }
        }
        self.segments.push(Arc::new(Segment::new(new)));
    }

    /// True when there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Bytes of the longest form.
    pub fn longest(&self) -> usize {
        self.segments.iter().map(|segment| segment.longest()).max().unwrap_or_default()
    }

    /// True when the bytes hold a secret.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.segments.iter().any(|segment| segment.occurs(bytes))
    }

    /// True when the bytes may be the beginning of a secret that goes on.
    pub(super) fn may_go_on(&self, bytes: &[u8]) -> bool {
        self.segments.iter().any(|segment| segment.may_go_on(bytes))
    }

    /// What is to be hidden, in order, without overlaps.
    pub(super) fn places(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = self.segments.iter().flat_map(|segment| segment.find(bytes)).collect();
        found.sort_by_key(|place| place.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for place in found {
            match merged.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                _ => merged.push(place),
            }
        }
        merged
    }

    /// The text with `[secret]` in the place of secrets.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.finds(text.as_bytes()) {
            return Cow::Borrowed(text);
        }
        Cow::Owned(String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned())
    }

    /// The bytes with `[secret]` in the place of secrets.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let places = self.places(bytes);
        if places.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut shown = Vec::with_capacity(bytes.len());
        let mut from = 0;
        for place in places {
            shown.extend_from_slice(&bytes[from..place.start]);
            shown.extend_from_slice(SECRET.as_bytes());
            from = place.end;
        }
        shown.extend_from_slice(&bytes[from..]);
        Cow::Owned(shown)
    }
}

fn shared() -> MutexGuard<'static, Scrubber> {
    static SHARED: OnceLock<Mutex<Scrubber>> = OnceLock::new();
    SHARED.get_or_init(Mutex::default).lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The one that knows every value of this process.
pub fn scrubber() -> Scrubber {
    shared().clone()
}

/// Teaches it a value.
pub(super) fn learn(value: &str) {
    shared().learn(forms(value));
}

/// Lets it forget all.
pub(super) fn forget() {
    *shared() = Scrubber::default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_of_two_secrets_wins_in_any_order_of_learning() {
        for values in [["hunter2", "hunter2-prod"], ["hunter2-prod", "hunter2"]] {
            let scrubber = Scrubber::of(values);
            assert_eq!(scrubber.text("a hunter2-prod, hunter2-pro"), "a [secret], [secret]-pro");
        }
    }

    #[test]
    fn secrets_that_overlap_are_hidden_as_one() {
        let scrubber = Scrubber::of(["abcdef", "defghi"]);
        assert_eq!(scrubber.text("xabcdefghix"), "x[secret]x");
    }

    #[test]
    fn many_small_lessons_know_as_much_as_one() {
        let mut scrubber = Scrubber::default();
        let values: Vec<String> = (0..300).map(|n| format!("value-{n:04}-end")).collect();
        for value in &values {
            scrubber.learn(forms(value));
        }
        assert!(scrubber.segments.len() < 12);
        for value in &values {
            assert_eq!(scrubber.text(value), SECRET);
        }
    }

    #[test]
    fn a_key_is_hidden_line_by_line() {
        let pem =
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAbcdefghijklmnop\nqrstuvwxyzABCDEFGH==\n-----END-----\n";
        let scrubber = Scrubber::of([pem]);
        let shown = scrubber.text("1: MC4CAQAwBQYDK2VwBCIEIAbcdefghijklmnop\r\n2:   qrstuvwxyzABCDEFGH==").into_owned();
        assert_eq!(shown, "1: [secret]\r\n2:   [secret]");
        assert_eq!(scrubber.text(&format!("<{pem}>")), "<[secret]>");
    }
}
