//! One line of a text file.

use super::content::plain_text;
use super::edit::{Edit, Form, Seen};
use super::lines::{Anchors, Finder, Lines};
use super::place::HostPath;
use super::put::check_validate;
use crate::ops::managed::{Args, Managed};
use crate::ops::{OpError, Operation, Plan, View};
use crate::secret::{contains_token, sealed};
use serde::Deserialize;

/// Keeps a line in a file, or keeps it out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    path: HostPath,
    line: Option<String>,
    pattern: Option<String>,
    present: Option<bool>,
    after: Option<String>,
    before: Option<String>,
    #[serde(default)]
    fixed: bool,
    #[serde(default)]
    create: bool,
    #[serde(default)]
    backup: bool,
    validate: Option<String>,
}

impl Operation for Line {
    const NAME: &'static str = "file::line";
    const TARGET: &'static str = "path";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        match (&self.line, &self.pattern) {
            (None, None) => return Err("give `line`, or `pattern` with `present: false`".into()),
            (None, _) if self.present() => return Err("give the `line` that shall stand there".into()),
            _ => {}
        }
        if self.line.as_ref().is_some_and(|line| line.contains(['\n', '\r'])) {
            return Err("argument `line` is one line; `file::block` keeps several".into());
        }
        self.finder()?;
        Anchors::new(&self.after, &self.before, self.fixed)?;
        check_validate(self.validate.as_deref())
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let path = args.text("path");
        let key = [args.text("pattern"), args.text("line")].into_iter().find(|text| !text.is_empty());
        let id = format!("{path}: {}", sealed(key.unwrap_or_default()));
        let line = args.kept("line", id, &[]).takes(args, &["path", "line", "pattern", "fixed"]);
        vec![line.within_file(path)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        Seen::probe(view, &self.path)
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let line = self.line.as_deref().map(plain_text).transpose()?;
        let finder = self.finder().expect("checked");
        let anchors = Anchors::new(&self.after, &self.before, self.fixed).expect("checked");
        let edit = Edit {
            create: self.create,
            backup: self.backup,
            validate: self.validate.as_deref(),
            secret: self.line.as_deref().is_some_and(contains_token),
        };
        let tokens = self.line.as_deref().map(str::as_bytes);
        let line = line.as_ref().map(|line| line.as_bytes());
        edit.plan(seen, self.present(), |text, form| {
            Ok(match if form == Form::Plain { line } else { tokens } {
                Some(line) if self.present() => with_line(text, line, finder.as_ref(), &anchors),
                line => without_line(text, line, finder.as_ref()),
            })
        })
    }
}

impl Line {
    fn present(&self) -> bool {
        self.present.unwrap_or(true)
    }

    fn finder(&self) -> Result<Option<Finder>, String> {
        self.pattern.as_deref().map(|pattern| Finder::new("pattern", pattern, self.fixed)).transpose()
    }
}

/// The last line that matches becomes the line; without a match it is added, unless it stands there already.
///
/// A line that its own pattern does not match and that is there is enough: otherwise each run would replace one more.
fn with_line(text: &[u8], line: &[u8], finder: Option<&Finder>, anchors: &Anchors) -> Vec<u8> {
    let mut lines = Lines::of(text);
    let there = lines.position(line);
    let fits = finder.is_some_and(|finder| finder.matches(line));
    let matching = finder.and_then(|finder| lines.last_match(finder));
    match matching {
        Some(at) if fits || there.is_none() => lines.replace(at, line),
        None if there.is_none() => lines.insert(anchors.place(&lines), &[line]),
        _ => {}
    }
    lines.into_bytes()
}

fn without_line(text: &[u8], line: Option<&[u8]>, finder: Option<&Finder>) -> Vec<u8> {
    let mut lines = Lines::of(text);
    lines.retain(|found| line != Some(found) && !finder.is_some_and(|finder| finder.matches(found)));
    lines.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn put(text: &str, line: &str, pattern: Option<&str>) -> String {
        let finder = pattern.map(|pattern| Finder::new("pattern", pattern, false).expect("a pattern"));
        let anchors = Anchors::new(&None, &None, false).expect("none");
        String::from_utf8(with_line(text.as_bytes(), line.as_bytes(), finder.as_ref(), &anchors)).expect("UTF-8")
    }

    #[test]
    fn only_a_whole_line_counts_as_present() {
        assert_eq!(put("#port=80\nport=8080\n", "port=80", None), "#port=80\nport=8080\nport=80\n");
        assert_eq!(put("a\nport=80", "port=80", None), "a\nport=80");
    }

    #[test]
    fn the_last_match_is_replaced_and_keeps_its_line_ending() {
        assert_eq!(put("x=1\r\nx=2\r\ny\r\n", "x=3", Some("^x=")), "x=1\r\nx=3\r\ny\r\n");
        assert_eq!(put("a\nx=1", "x=2", Some("^x=")), "a\nx=2");
        assert_eq!(put("a\nx=1", "", Some("^x=")), "a\n\n");
    }

    #[test]
    fn a_line_is_added_where_the_anchor_says() {
        let at = |after: Option<&str>, before: Option<&str>| {
            let anchors = Anchors::new(&after.map(str::to_owned), &before.map(str::to_owned), false).expect("anchors");
            String::from_utf8(with_line(b"a\nb\na\nb\n", b"x", None, &anchors)).expect("UTF-8")
        };
        assert_eq!(at(Some("^a"), None), "a\nb\na\nx\nb\n");
        assert_eq!(at(None, Some("^b")), "a\nx\nb\na\nb\n");
        assert_eq!(at(None, Some("^")), "x\na\nb\na\nb\n");
        assert_eq!(at(Some("nowhere"), None), "a\nb\na\nb\nx\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_second_time_changes_nothing_and_other_bytes_stay(
            text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), Just(b'='), any::<u8>()], 0..60),
            line in "[a=b]{0,3}",
            pattern in proptest::option::of(prop_oneof![Just("^a="), Just("="), Just("^$"), Just("b$"), Just("x")]),
            after in proptest::option::of(Just("a".to_owned())),
        ) {
            let finder = pattern.map(|pattern| Finder::new("pattern", pattern, false).expect("a pattern"));
            let anchors = Anchors::new(&after, &None, false).expect("anchors");
            let once = with_line(&text, line.as_bytes(), finder.as_ref(), &anchors);
            prop_assert_eq!(&with_line(&once, line.as_bytes(), finder.as_ref(), &anchors), &once);
            // At most one line differs: what stands before and after it is untouched.
            let same_start = text.iter().zip(&once).take_while(|(a, b)| a == b).count();
            let same_end = text[same_start..].iter().rev().zip(once[same_start..].iter().rev()).take_while(|(a, b)| a == b).count();
            prop_assert!(!text[same_start..text.len() - same_end].contains(&b'\n'));
            prop_assert!(Lines::of(&once).position(line.as_bytes()).is_some());
        }

        #[test]
        fn a_removed_line_is_gone_and_stays_gone(text in "[ab=\n\r]{0,40}", line in "[ab=]{0,2}") {
            let finder = Finder::new("pattern", "^b", false).expect("a pattern");
            let once = without_line(text.as_bytes(), Some(line.as_bytes()), Some(&finder));
            prop_assert_eq!(&without_line(&once, Some(line.as_bytes()), Some(&finder)), &once);
            prop_assert!(Lines::of(&once).position(line.as_bytes()).is_none());
        }
    }
}
