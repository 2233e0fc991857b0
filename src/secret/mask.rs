//! Two contents of a file that holds secrets, as people may compare them.
//!
//! The content before holds values that nobody knows here: the password that is being replaced. So a line of it is
//! shown only where it stands for a line that is wanted and holds no secret.

use super::{SECRET, contains_token, redact, reveal};
use std::collections::HashSet;

/// Stands for lines of the content before that may hold a secret.
const HIDDEN: &str = "[not shown: the file holds secrets]";

/// Before and after as they may be shown, and whether a secret changed; `after` is wanted and holds tokens.
pub fn masked_diff(before: &str, after: &str) -> (String, String, bool) {
    let wanted: Vec<Wanted> = after.split_inclusive('\n').map(Wanted::of).collect();
    let mut rest = before.to_owned();
    // Unchanged secrets first, those of several lines too: the rest is compared line by line.
    for line in wanted.iter().filter(|line| line.is_secret()) {
        rest = rest.replace(&line.plain, &line.shown);
    }
    let masked = Masked::of(&rest, &wanted);
    let changed = |line: &&Wanted| line.is_secret() && !masked.kept.contains(line.shown.as_str());
    let secret_changed = masked.replaced && wanted.iter().any(|line| changed(&line));
    let shown = |line: &Wanted| match changed(&line) && masked.replaced {
        true => marked(&line.shown),
        false => line.shown.clone(),
    };
    let after = wanted.iter().map(shown).collect();
    (masked.text, after, secret_changed)
}

/// `password=[secret]` that is another one than before.
fn marked(line: &str) -> String {
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    format!("{text} (changed){end}")
}

/// One wanted line, with its end.
struct Wanted {
    plain: String,
    shown: String,
    /// What stands before its first secret and behind its last.
    around: Option<(String, String)>,
}

impl Wanted {
    fn of(line: &str) -> Self {
        let plain = reveal(line).map_or_else(|_| line.to_owned(), |plain| plain.to_string());
        let shown = redact(line);
        let around = contains_token(line).then(|| {
            let first = shown.find(SECRET).unwrap_or_default();
            let last = shown.rfind(SECRET).map_or(first, |at| at + SECRET.len());
            (shown[..first].to_owned(), shown[last..].to_owned())
        });
        Self { plain, shown, around }
    }

    fn is_secret(&self) -> bool {
        self.around.is_some()
    }

    /// True when a line is this one with other secrets in it.
    fn fits(&self, line: &str) -> bool {
        let Some((prefix, suffix)) = &self.around else { return false };
        // A line of nothing but a secret fits every line.
        !(prefix.trim().is_empty() && suffix.trim().is_empty())
            && line.len() >= prefix.len() + suffix.len()
            && line.starts_with(prefix.as_str())
            && line.ends_with(suffix.as_str())
    }
}

struct Masked {
    text: String,
    /// Lines of the content before that stay, as they are shown.
    kept: HashSet<String>,
    /// True when a line goes that is, or may be, a secret.
    replaced: bool,
}

impl Masked {
    fn of(before: &str, wanted: &[Wanted]) -> Self {
        let mut masked = Self { text: String::new(), kept: HashSet::new(), replaced: false };
        let mut hidden = false;
        for line in before.split_inclusive('\n') {
            let shown = match wanted.iter().find(|wanted| wanted.shown == line) {
                Some(_) => {
                    masked.kept.insert(line.to_owned());
                    Some(line.to_owned())
                }
                None => lookalike(line, wanted),
            };
            masked.replaced |= shown.as_ref().is_none_or(|shown| shown != line && shown.contains(SECRET));
            match shown {
                Some(shown) => masked.text.push_str(&shown),
                None if hidden => continue,
                None => masked.text.push_str(&format!("{HIDDEN}\n")),
            }
            hidden = masked.text.ends_with(&format!("{HIDDEN}\n"));
        }
        masked
    }
}

/// A line that is not wanted as it is: the former value of a secret, or of a setting that is wanted otherwise.
fn lookalike(line: &str, wanted: &[Wanted]) -> Option<String> {
    if let Some(same) = wanted.iter().find(|wanted| wanted.fits(line)) {
        return Some(same.shown.clone());
    }
    if line.trim().is_empty() {
        return Some(line.to_owned());
    }
    let key = key(line)?;
    let setting = wanted.iter().any(|wanted| !wanted.is_secret() && self::key(&wanted.plain) == Some(key));
    let secret = wanted.iter().any(|wanted| wanted.is_secret() && self::key(&wanted.plain) == Some(key));
    (setting && !secret).then(|| redact(line))
}

/// What a line of a configuration file sets: what stands before `=`, `:` or the first blank.
fn key(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let key = &line[..line.find(|c: char| c == '=' || c == ':' || c.is_whitespace())?];
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::conceal;

    #[test]
    fn a_replaced_secret_is_shown_as_changed_and_neither_value_is() {
        let after = format!("port=81\npassword={} # ours\n", conceal("mask-new-value"));
        let (before, after, changed) = masked_diff("port=80\npassword=mask-old-value # ours\n", &after);
        assert_eq!(before, "port=80\npassword=[secret] # ours\n");
        assert_eq!(after, "port=81\npassword=[secret] # ours (changed)\n");
        assert!(changed);
    }

    #[test]
    fn an_equal_secret_is_no_change() {
        let after = format!("port=81\npassword={}\n", conceal("mask-same"));
        let (before, after, changed) = masked_diff("port=80\npassword=mask-same\n", &after);
        assert_eq!((before.as_str(), after.as_str()), ("port=80\npassword=[secret]\n", "port=81\npassword=[secret]\n"));
        assert!(!changed);
    }

    #[test]
    fn old_lines_that_may_be_secrets_are_not_shown() {
        let key = conceal("-----BEGIN-----\nnew-line-one\n-----END-----");
        let old = "# cert\n-----BEGIN-----\nold-line-one\nold-line-two\n-----END-----\ntoken old-token\n";
        let (before, after, changed) = masked_diff(old, &format!("# cert\n{key}\n"));
        assert_eq!(before, format!("# cert\n{HIDDEN}\n"));
        assert_eq!(after, "# cert\n[secret] (changed)\n");
        assert!(changed);
    }

    #[test]
    fn an_equal_secret_of_many_lines_is_one_line() {
        let key = conceal("-----BEGIN-----\nmask-line-one\n-----END-----");
        let (before, after, changed) =
            masked_diff("a=1\n-----BEGIN-----\nmask-line-one\n-----END-----\n", &format!("a=2\n{key}\n"));
        assert_eq!((before.as_str(), after.as_str()), ("a=1\n[secret]\n", "a=2\n[secret]\n"));
        assert!(!changed);
    }

    #[test]
    fn a_secret_that_is_added_is_no_changed_one() {
        let after = format!("port=80\ntoken={}\n", conceal("mask-added"));
        let (before, after, changed) = masked_diff("port=80\n", &after);
        assert_eq!((before.as_str(), after.as_str()), ("port=80\n", "port=80\ntoken=[secret]\n"));
        assert!(!changed);
    }
}
