//! Text that matches, replaced.

use super::content::plain_text;
use super::edit::{Edit, Form, Seen};
use super::lines::regex_of;
use super::place::HostPath;
use super::put::check_validate;
use crate::ops::managed::{Args, Managed};
use crate::ops::{OpError, Operation, Plan, View};
use crate::secret::{contains_token, sealed, tokens};
use regex::bytes::{Captures, Regex};
use serde::Deserialize;
use zeroize::Zeroizing;

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
        let to = literal_secrets(&self.to)?;
        let edit = Edit {
            create: false,
            backup: self.backup,
            validate: self.validate.as_deref(),
            secret: contains_token(&self.to),
        };
        let all = self.all.unwrap_or(true);
        edit.plan(seen, true, |text, form| {
            let to = if form == Form::Plain { to.as_bytes() } else { self.to.as_bytes() };
            let once = replaced(text, &pattern, to, all);
            if replaced(&once, &pattern, to, all) != once {
                return Err(OpError::refused_with(
                    "what is put in matches `pattern` again: every run would change the file",
                    "anchor `pattern` so that it matches only the old text, as in `^port = 80$`",
                ));
            }
            Ok(once)
        })
    }
}

/// The text with secrets in place; a `$` in one of them stands for itself.
fn literal_secrets(to: &str) -> Result<Zeroizing<String>, OpError> {
    let mut plain = Zeroizing::new(to.to_owned());
    for token in tokens(to) {
        let token = token.to_string();
        let value = Zeroizing::new(plain_text(&token)?.replace('$', "$$"));
        plain = Zeroizing::new(plain.replace(&token, &value));
    }
    Ok(plain)
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
    fn a_dollar_in_a_secret_stands_for_itself() {
        let secret = crate::secret::conceal("pa$1w$$rd").to_string();
        let to = literal_secrets(&format!("$1={secret}")).expect("known");
        assert_eq!(put("key=old", "(key)=.*", &to, true), "key=pa$1w$$rd");
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let pattern = regex_of("pattern", "a", false, true).expect("a pattern");
        assert_eq!(replaced(b"\xff\x00a\xfe", &pattern, b"b", true), b"\xff\x00b\xfe");
    }
}
