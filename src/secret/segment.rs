//! Some forms of secrets, and the automaton that finds all of them in one pass.

use super::forms::Form;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::ops::Range;

/// Never changed; several make a scrubber.
pub struct Segment {
    /// Sorted, so that prefixes are found by bisection.
    forms: Vec<Form>,
    automaton: AhoCorasick,
    /// The pairs of bytes that forms begin with.
    starts: Vec<bool>,
    longest: usize,
}

impl Segment {
    /// Builds the automaton of these forms.
    pub fn new(mut forms: Vec<Form>) -> Self {
        forms.sort_unstable_by(|one, other| one.as_slice().cmp(other.as_slice()));
        forms.dedup();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(forms.iter().map(|form| form.as_slice()))
            .expect("fewer forms than the automaton has room for");
        let mut starts = vec![false; 1 << 16];
        for form in &forms {
            starts[pair(form[0], form[1])] = true;
        }
        let longest = forms.iter().map(|form| form.len()).max().unwrap_or_default();
        Self { forms, automaton, starts, longest }
    }

    /// How many forms.
    pub fn len(&self) -> usize {
        self.forms.len()
    }

    /// Bytes of the longest form.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The forms themselves.
    pub fn into_forms(self) -> Vec<Form> {
        self.forms
    }

    /// A copy of the forms, for a larger segment.
    pub fn forms(&self) -> &[Form] {
        &self.forms
    }

    /// Every occurrence, overlapping ones too.
    pub fn find<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        self.automaton.find_overlapping_iter(bytes).map(|found| found.range())
    }

    /// True when one is found.
    pub fn occurs(&self, bytes: &[u8]) -> bool {
        self.automaton.is_match(bytes)
    }

    /// True when the bytes are the beginning of a form, but not the whole of it.
    pub fn may_go_on(&self, bytes: &[u8]) -> bool {
        if let [first, second, ..] = bytes
            && !self.starts[pair(*first, *second)]
        {
            return false;
        }
        let from = self.forms.partition_point(|form| form.as_slice() <= bytes);
        self.forms.get(from).is_some_and(|form| form.starts_with(bytes))
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}
