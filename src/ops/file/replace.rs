//! Text that matches, replaced.

use super::content::plain_text;
use super::edit::{Edit, Seen};
use super::lines::regex_of;
use super::place::HostPath;
use super::put::check_validate;
use crate::ops::managed::{Args, Managed};
use crate::ops::{OpError, Operation, Plan, View};
use crate::secret::{contains_token, sealed};
use regex::bytes::{Captures, Regex};
use serde::Deserialize;

/// Replaces what matches a regular expression in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replace {
    path: HostPath,
    pattern: String,
    to: String,
    all: Option<bool>,
    #[serde(default)]
    backup: bool,
    validate: Option<String>,
}

impl Operation for Replace {
    const NAME: &'static str = "file::replace";
    const TARGET: &'static str = "path";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        regex_of("pattern", &self.pattern, false, true)?;
        check_validate(self.validate.as_deref())
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let path = args.text("path");
        let id = format!("{path}: {}", sealed(args.text("pattern")));
        vec![args.thing("replacement", id).takes(args, &["path", "to"]).within_file(path)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        Seen::probe(view, &self.path)
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let pattern = regex_of("pattern", &self.pattern, false, true).expect("checked");
        let to = plain_text(&self.to)?;
        let edit = Edit {
            create: false,
            backup: self.backup,
            validate: self.validate.as_deref(),
            secret: contains_token(&self.to),
        };
        edit.plan(seen, true, |text| {
            let once = replaced(text, &pattern, to.as_bytes(), self.all.unwrap_or(true));
            if replaced(&once, &pattern, to.as_bytes(), self.all.unwrap_or(true)) != once {
                return Err(OpError::refused_with(
                    "what is put in matches `pattern` again: every run would change the file",
                    "anchor `pattern` so that it matches only the old text, as in `^port = 80$`",
                ));
            }
            Ok(once)
        })
    }
}

fn replaced(text: &[u8], pattern: &Regex, to: &[u8], all: bool) -> Vec<u8> {
    let limit = if all { 0 } else { 1 };
    let expand = |captures: &Captures<'_>| {
        let mut new = Vec::new();
        captures.expand(to, &mut new);
        new
    };
    pattern.replacen(text, limit, expand).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(text: &str, pattern: &str, to: &str, all: bool) -> String {
        let pattern = regex_of("pattern", pattern, false, true).expect("a pattern");
        String::from_utf8(replaced(text.as_bytes(), &pattern, to.as_bytes(), all)).expect("UTF-8")
    }

    #[test]
    fn captures_and_line_anchors_work_on_the_whole_text() {
        assert_eq!(put("a=1\nb=2\n", "^(\\w)=(\\d)$", "$1: ${2}0", true), "a: 10\nb: 20\n");
        assert_eq!(put("x x\n", "x", "$$y", false), "$y x\n");
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let pattern = regex_of("pattern", "a", false, true).expect("a pattern");
        assert_eq!(replaced(b"\xff\x00a\xfe", &pattern, b"b", true), b"\xff\x00b\xfe");
    }
}
