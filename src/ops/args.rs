//! Types of arguments that many operations take.

use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::sync::Arc;

/// Permission bits, given as text: `"0644"` or `"u=rw,go=r"`.
///
/// A number is refused: in a script `0644` is the decimal 644, and both readings look plausible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(pub u32);

impl Mode {
    /// Reads octal digits or `=` clauses of chmod(1); `+` and `-` have no meaning without a state before.
    ///
    /// # Errors
    /// A text that says what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let octal = text.len() <= 5 && !text.is_empty() && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        if octal {
            let bits = u32::from_str_radix(text, 8).map_err(|error| error.to_string())?;
            return if bits <= 0o7777 { Ok(Self(bits)) } else { Err(format!("`{text}` is no file mode")) };
        }
        text.split(',').try_fold(Self(0), |mode, clause| {
            let bits = clause_bits(clause);
            bits.map(|bits| Self(mode.0 | bits))
                .ok_or_else(|| format!("`{text}` is no file mode: write \"0644\" or \"u=rw,go=r\""))
        })
    }
}

fn clause_bits(clause: &str) -> Option<u32> {
    let (who, permissions) = clause.split_once('=')?;
    let mut bits = 0;
    let who = if who.is_empty() { "a" } else { who };
    for class in who.chars() {
        let shifts: &[u32] = match class {
            'u' => &[6],
            'g' => &[3],
            'o' => &[0],
            'a' => &[6, 3, 0],
            _ => return None,
        };
        for permission in permissions.chars() {
            for shift in shifts {
                bits |= match permission {
                    'r' => 4 << shift,
                    'w' => 2 << shift,
                    'x' => 1 << shift,
                    's' if *shift == 6 => 0o4000,
                    's' if *shift == 3 => 0o2000,
                    't' => 0o1000,
                    _ => return None,
                };
            }
        }
    }
    Some(bits)
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Mode;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file mode as text, such as \"0644\": the digits of a number could be octal or decimal")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Mode, E> {
                Mode::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// Content of a file or a stdin: a text that may hold tokens, or bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content(pub Arc<[u8]>);

impl Content {
    /// The content as text, unless it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Content;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a blob")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Content, E> {
                Ok(text.into())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = items.next_element::<u8>()? {
                    bytes.push(byte);
                }
                Ok(Content(bytes.into()))
            }
        }
        deserializer.deserialize_any(Bytes)
    }
}

/// One text, or a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Many(pub Vec<String>);

impl<'de> Deserialize<'de> for Many {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Many;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Many, E> {
                Ok(Many(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Many, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = items.next_element::<String>()? {
                    texts.push(text);
                }
                Ok(Many(texts))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

/// An absolute path without `..`.
///
/// # Errors
/// A text that names the argument.
pub fn absolute(argument: &str, path: &str) -> Result<(), String> {
    // In a plan a path may hang on what a command prints; such an operation is unknown and asks the host nothing.
    if crate::secret::contains_unknown(path) {
        return Ok(());
    }
    match path.starts_with('/') {
        true if path.split('/').any(|part| part == "..") => {
            Err(format!("argument `{argument}`: `{path}` must not hold `..`"))
        }
        true => Ok(()),
        false => Err(Unexpected::Str(path).to_string()).map_err(|shown| {
            format!("argument `{argument}`: {shown} is not an absolute path; hosts have no working directory")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_octal_text_or_clauses() {
        assert_eq!(Mode::parse("0644"), Ok(Mode(0o644)));
        assert_eq!(Mode::parse("u=rwx,g=rxs,o="), Ok(Mode(0o2750)));
        assert_eq!(Mode::parse("1777").map(|mode| mode.to_string()), Ok("1777".into()));
        assert!(Mode::parse("0689").is_err());
        let refused = serde_json::from_str::<Mode>("644").expect_err("a number");
        assert!(refused.to_string().contains("octal or decimal"), "{refused}");
    }
}
