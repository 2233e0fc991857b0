//! Bytes as lines, each with the ending it has.

use crate::secret::contains_token;
use regex::bytes::Regex;

/// The lines of a text; endings and a missing final newline are kept.
pub(super) struct Lines<'a> {
    /// Each with its ending.
    lines: Vec<std::borrow::Cow<'a, [u8]>>,
    /// How new lines end: as the first one does.
    ending: &'static [u8],
}

/// The text of a line without its ending.
fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl<'a> Lines<'a> {
    pub fn of(text: &'a [u8]) -> Self {
        let lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').map(Into::into).collect();
        let dos = lines.first().is_some_and(|line: &std::borrow::Cow<'_, [u8]>| line.ends_with(b"\r\n"));
        Self { lines, ending: if dos { b"\r\n" } else { b"\n" } }
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Where a line stands as a whole.
    pub fn position(&self, line: &[u8]) -> Option<usize> {
        self.lines.iter().position(|found| bare(found) == line)
    }

    /// All places where a line stands as a whole.
    pub fn positions(&self, line: &[u8]) -> Vec<usize> {
        (0..self.lines.len()).filter(|at| bare(&self.lines[*at]) == line).collect()
    }

    pub fn first_match(&self, finder: &Finder) -> Option<usize> {
        self.lines.iter().position(|line| finder.matches(bare(line)))
    }

    pub fn last_match(&self, finder: &Finder) -> Option<usize> {
        self.lines.iter().rposition(|line| finder.matches(bare(line)))
    }

    /// Gives a line another text and leaves its ending.
    pub fn replace(&mut self, at: usize, line: &[u8]) {
        let old = &self.lines[at];
        if bare(old) != line {
            let ending = old[bare(old).len()..].to_vec();
            // An empty line without an ending would be none.
            let ending = if line.is_empty() && ending.is_empty() { self.ending } else { &ending };
            self.lines[at] = [line, ending].concat().into();
        }
    }

    /// Inserts lines before the one at `at`; at the end, a last line without newline gets one.
    pub fn insert(&mut self, at: usize, new: &[&[u8]]) {
        let at_end = at == self.lines.len();
        if let Some(last) = self.lines.last_mut().filter(|last| at_end && !last.ends_with(b"\n")) {
            last.to_mut().extend_from_slice(self.ending);
        }
        let new = new.iter().map(|line| [line, self.ending].concat().into());
        self.lines.splice(at..at, new);
    }

    /// Whether the lines of a range are these.
    pub fn are(&self, range: std::ops::Range<usize>, lines: &[&[u8]]) -> bool {
        self.lines[range].iter().map(|line| bare(line)).eq(lines.iter().copied())
    }

    /// Removes a range of lines.
    pub fn remove(&mut self, range: std::ops::Range<usize>) {
        self.lines.drain(range);
    }

    pub fn retain(&mut self, keep: impl Fn(&[u8]) -> bool) {
        self.lines.retain(|line| keep(bare(line)));
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.lines.concat()
    }
}

/// Finds lines: by a regular expression, or by a text they contain.
#[derive(Debug)]
pub(super) struct Finder(Regex);

impl Finder {
    /// # Errors
    /// A text that names the argument and what is wrong with the expression.
    pub fn new(argument: &str, pattern: &str, fixed: bool) -> Result<Self, String> {
        regex_of(argument, pattern, fixed, false).map(Self)
    }

    pub fn matches(&self, line: &[u8]) -> bool {
        self.0.is_match(line)
    }
}

/// Compiles an expression. `whole` is for one that is applied to a whole text: `^` and `$` mean its lines.
pub(super) fn regex_of(argument: &str, pattern: &str, fixed: bool, whole: bool) -> Result<Regex, String> {
    if contains_token(pattern) {
        return Err(format!("argument `{argument}` cannot hold a secret"));
    }
    let pattern = if fixed { regex::escape(pattern) } else { pattern.to_owned() };
    let built = regex::bytes::RegexBuilder::new(&pattern).multi_line(whole).build();
    built.map_err(|error| {
        let last = error.to_string();
        format!("argument `{argument}`: {}", last.lines().last().unwrap_or_default().trim_start_matches("error: "))
    })
}

/// Where new lines go.
#[derive(Debug)]
pub(super) struct Anchors {
    after: Option<Finder>,
    before: Option<Finder>,
}

impl Anchors {
    /// # Errors
    /// A text that names the argument.
    pub fn new(after: &Option<String>, before: &Option<String>, fixed: bool) -> Result<Self, String> {
        if after.is_some() && before.is_some() {
            return Err("give either `after` or `before`".into());
        }
        let finder = |argument, pattern: &Option<String>| {
            pattern.as_deref().map(|pattern| Finder::new(argument, pattern, fixed)).transpose()
        };
        Ok(Self { after: finder("after", after)?, before: finder("before", before)? })
    }

    /// After the last match of `after`, before the first match of `before`, otherwise at the end.
    pub fn place(&self, lines: &Lines<'_>) -> usize {
        let after = self.after.as_ref().and_then(|finder| lines.last_match(finder)).map(|at| at + 1);
        let before = || self.before.as_ref().and_then(|finder| lines.first_match(finder));
        after.or_else(before).unwrap_or(lines.len())
    }
}
