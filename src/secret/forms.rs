//! The forms in which a value may turn up in a text: as it is, encoded, quoted, line by line.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use std::collections::BTreeSet;
use std::fmt::Write;
use zeroize::Zeroizing;

/// Shorter values are not looked for: hiding every `a` would hide nothing and garble everything.
pub const SHORTEST: usize = 3;
/// Lines of a value that are looked for on their own.
const LINE: usize = 8;
/// Encoded parts that are looked for; shorter ones turn up by chance.
const ENCODED: usize = 8;

/// One form, wiped when it is dropped.
pub type Form = Zeroizing<Vec<u8>>;

/// Every form of a value, each once.
pub fn forms(value: &str) -> Vec<Form> {
    let mut found = Found::default();
    if value.chars().count() >= SHORTEST {
        found.whole(value);
    }
    let trimmed = value.trim();
    if trimmed != value && trimmed.chars().count() >= SHORTEST {
        found.whole(trimmed);
    }
    if trimmed.contains('\n') {
        let lines = trimmed.lines().map(str::trim).filter(|line| line.chars().count() >= LINE);
        lines.for_each(|line| found.whole(line));
    }
    found.0.into_iter().map(Zeroizing::new).collect()
}

#[derive(Default)]
struct Found(BTreeSet<Vec<u8>>);

impl Found {
    fn add(&mut self, form: impl Into<Vec<u8>>, shortest: usize) {
        let form = form.into();
        if form.len() >= shortest {
            self.0.insert(form);
        }
    }

    fn whole(&mut self, text: &str) {
        self.add(text, SHORTEST);
        for form in [json(text, false), json(text, true), json(text, false).replace('/', "\\/")] {
            self.add(form, SHORTEST);
        }
        for form in quoted(text) {
            self.add(form, SHORTEST);
        }
        for form in percent(text) {
            self.add(form, SHORTEST);
        }
        for apostrophe in ["&#39;", "&#x27;", "&apos;", "'"] {
            self.add(markup(text, apostrophe), SHORTEST);
        }
        // YAML and SQL; systemd and cron; compose files; shells between double quotes.
        for (letter, doubled) in [("'", "''"), ("\"", "\"\""), ("%", "%%"), ("%", "\\%"), ("$", "$$")] {
            self.add(text.replace(letter, doubled), SHORTEST);
        }
        self.base64(text.as_bytes());
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        self.add(hex.to_uppercase(), ENCODED);
        self.add(hex, ENCODED);
    }

    /// In the middle of something encoded, a value begins at one of three places of a group of four digits. The
    /// digits that it shares with its neighbours are left out.
    fn base64(&mut self, bytes: &[u8]) {
        for (padded, bare) in [(&STANDARD, &STANDARD_NO_PAD), (&URL_SAFE, &URL_SAFE_NO_PAD)] {
            let whole = padded.encode(bytes);
            for width in [64, 76] {
                whole.as_bytes().chunks(width).for_each(|line| self.add(line, ENCODED));
            }
            self.add(whole, ENCODED);
            for before in 0..3 {
                let shifted = [&[0; 2][..before], bytes].concat();
                let text = bare.encode(&shifted);
                let from = [0, 2, 3][before];
                let to = if shifted.len().is_multiple_of(3) { text.len() } else { text.len() - 1 };
                self.add(text.get(from..to).unwrap_or_default(), ENCODED);
            }
        }
    }
}

/// The inside of a JSON string (RFC 8259, 7); also what `{:?}` prints for most texts.
fn json(text: &str, ascii: bool) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = &quoted[1..quoted.len() - 1];
    if !ascii {
        return inner.to_owned();
    }
    let mut escaped = String::new();
    for letter in inner.chars() {
        match letter.is_ascii() {
            true => escaped.push(letter),
            false => letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(escaped, "\\u{unit:04x}");
            }),
        }
    }
    escaped
}

/// As shells, their callers and our own wire format quote it.
fn quoted(text: &str) -> Vec<String> {
    let once = text.replace('\'', r"'\''");
    let special = |letter: char| !(letter.is_alphanumeric() || "@%_-+=:,./".contains(letter));
    let escaped = text.chars().flat_map(|letter| special(letter).then_some('\\').into_iter().chain([letter])).collect();
    let backslashed = text.replace('\\', "\\\\");
    let printf = backslashed.replace('\'', "\\0047");
    // Python and C write an apostrophe so.
    let literal = backslashed.replace('\'', "\\'");
    let between: String =
        text.chars().flat_map(|letter| "$`\"\\".contains(letter).then_some('\\').into_iter().chain([letter])).collect();
    vec![
        once.replace('\'', r"'\''"),
        once,
        text.replace('\'', r#"'"'"'"#),
        escaped,
        printf,
        literal,
        backslashed,
        between,
    ]
}

/// RFC 3986, 2.1, in both spellings, and the form of HTML forms.
fn percent(text: &str) -> [String; 4] {
    let encode = |upper: bool, space: &str| {
        text.bytes().fold(String::new(), |mut encoded, byte| {
            match byte {
                b' ' if space == "+" => encoded.push('+'),
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte as char),
                _ if upper => drop(write!(encoded, "%{byte:02X}")),
                _ => drop(write!(encoded, "%{byte:02x}")),
            }
            encoded
        })
    };
    [encode(true, "%20"), encode(false, "%20"), encode(true, "+"), encode(false, "+")]
}

fn markup(text: &str, apostrophe: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    text.replace('\'', apostrophe)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(value: &str, form: &str) -> bool {
        forms(value).iter().any(|found| form.as_bytes().windows(found.len()).any(|part| part == found.as_slice()))
    }

    #[test]
    fn a_value_is_known_in_the_forms_that_programs_give_it() {
        let value = "p@ss w'rd/é\"";
        for form in ["p%40ss%20w%27rd%2F%C3%A9%22", "p%40ss+w%27rd%2f%c3%a9%22", r#"p@ss w'rd/\u00e9\""#] {
            assert!(has(value, form), "{form}");
        }
        for form in [r#"p@ss w'\''rd/é""#, r#"p@ss\ w\'rd/é\""#, "7040737320772772642fc3a922"] {
            assert!(has(value, form), "{form}");
        }
    }

    #[test]
    fn a_value_is_known_as_configuration_files_and_languages_quote_it() {
        let value = "it's 5%$\"x\\";
        for form in [
            "it''s 5%$\"x\\",
            "it's 5%%$\"x\\",
            "it's 5\\%$\"x\\",
            "it's 5%$$\"x\\",
            "it's 5%$\"\"x\\",
            "it\\'s 5%$\"x\\\\",
            "it's 5%\\$\\\"x\\\\",
            "it&#x27;s 5%$&quot;x\\",
            "it&apos;s 5%$&quot;x\\",
        ] {
            assert!(has(value, form), "{form}");
        }
    }

    #[test]
    fn base64_is_known_at_every_alignment() {
        for before in ["", "u", "us", "use", "user:"] {
            for after in ["", "x", "xy", "xyz"] {
                let encoded = STANDARD.encode(format!("{before}correct horse{after}"));
                assert!(has("correct horse", &encoded), "{before} {after}");
            }
        }
    }

    #[test]
    fn short_values_have_no_form() {
        assert!(forms("ab").is_empty());
        assert!(forms("").is_empty());
        assert!(!forms("abc").iter().any(|form| form.as_slice() == b"YWJj"));
    }
}
