//! A command line as scripts give it.

use crate::ops::OpError;
use crate::remote::{Command, quote};
use crate::secret::{Kind, contains_unknown, redact, tokens};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use std::fmt;

/// A text for the shell, or words that are quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Taken as it is.
    Text(String),
    /// The first word is the program.
    Words(Vec<String>),
}

impl Line {
    /// The command, with further quoted words behind it.
    pub fn command(&self, args: &[String]) -> Command {
        match self {
            Self::Text(text) => Command::script(text.clone()).args(args),
            Self::Words(words) => {
                let all: Vec<String> = words.iter().chain(args).map(|word| quote(word)).collect();
                Command::script(all.join(" "))
            }
        }
    }

    /// Refuses nothing to run, and a secret that every user of the host could read.
    ///
    /// # Errors
    /// A text that says what to do.
    pub fn check(&self, args: &[String]) -> Result<(), String> {
        let words = match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::Words(words) => words.as_slice(),
        };
        if words.first().is_none_or(|word| word.trim().is_empty()) {
            return Err("argument `command`: there is nothing to run".into());
        }
        let secret = |word: &String| tokens(word).iter().any(|token| token.kind == Kind::Secret);
        match words.iter().chain(args).find(|word| secret(word)) {
            Some(word) => {
                Err(format!("`{}`: a secret would stand on a command line: pass it by `stdin` or `env`", redact(word)))
            }
            None => Ok(()),
        }
    }

    /// Refuses words that only an apply can tell.
    ///
    /// # Errors
    /// [`OpError::Unknown`] with the command as it may be shown.
    pub fn known(&self, args: &[String]) -> Result<(), OpError> {
        let command = self.command(args);
        match contains_unknown(command.text()) {
            true => Err(OpError::Unknown(format!("the command `{command}`"))),
            false => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrWords;
        impl<'de> Visitor<'de> for TextOrWords {
            type Value = Line;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command line or an array of words")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Line, E> {
                Ok(Line::Text(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Line, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = items.next_element::<Word>()? {
                    words.push(word.0);
                }
                Ok(Line::Words(words))
            }
        }
        deserializer.deserialize_any(TextOrWords)
    }
}

/// A word; numbers are written as people read them.
pub(in crate::ops) struct Word(pub String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self(text)),
            serde_json::Value::Number(number) => Ok(Self(number.to_string())),
            serde_json::Value::Bool(truth) => Ok(Self(truth.to_string())),
            other => Err(Error::custom(format!("invalid value: {other}, expected a text, a number or a boolean"))),
        }
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(json: serde_json::Value) -> Line {
        serde_json::from_value(json).expect("a line")
    }

    #[test]
    fn words_are_quoted_and_a_text_is_not() {
        let args = ["a b".to_owned()];
        assert_eq!(line(serde_json::json!("echo $HOME |")).command(&args).text(), "echo $HOME | 'a b'");
        assert_eq!(line(serde_json::json!(["echo", "$HOME", 7])).command(&args).text(), "echo '$HOME' 7 'a b'");
    }

    #[test]
    fn a_secret_word_is_refused_without_showing_it() {
        let line = Line::Words(vec!["curl".into(), crate::secret::conceal("tok3n-value").to_string()]);
        let error = line.check(&[]).expect_err("a secret");
        assert!(error.contains("stdin") && !error.contains("tok3n-value"), "{error}");
    }
}
