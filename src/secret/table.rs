//! The process-wide table of slots, and the last moment at which a token becomes its value.

use super::RevealError;
use super::token::{Kind, Piece, Token, contains_token, split};
use std::sync::{Mutex, MutexGuard, OnceLock};
use zeroize::Zeroizing;

#[derive(Default)]
struct Table {
    secrets: Vec<Zeroizing<String>>,
    unknowns: Vec<String>,
}

fn table() -> MutexGuard<'static, Table> {
    static TABLE: OnceLock<Mutex<Table>> = OnceLock::new();
    let table = TABLE.get_or_init(Mutex::default);
    table.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Puts a value away and gives the token that stands for it.
pub fn conceal(value: impl Into<String>) -> Token {
    let mut table = table();
    table.secrets.push(Zeroizing::new(value.into()));
    Token { kind: Kind::Secret, slot: table.secrets.len() - 1 }
}

/// Gives a token for a value that only an apply can tell; `what` says which: `output of cmd::run(...)`.
pub fn unknown(what: impl Into<String>) -> Token {
    let mut table = table();
    table.unknowns.push(what.into());
    Token { kind: Kind::Unknown, slot: table.unknowns.len() - 1 }
}

/// Swaps every token for its value. Only sinks that must have the value call this.
///
/// # Errors
/// [`RevealError`] when the text holds an unknown, or a token without a slot.
pub fn reveal(text: &str) -> Result<Zeroizing<String>, RevealError> {
    let table = table();
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    for piece in split(text) {
        match piece {
            Piece::Plain(text) => plain.push_str(text),
            Piece::Token(Token { kind: Kind::Secret, slot }) => {
                plain.push_str(table.secrets.get(slot).ok_or(RevealError::Stale)?);
            }
            Piece::Token(Token { kind: Kind::Unknown, slot }) => {
                let what = table.unknowns.get(slot).ok_or(RevealError::Stale)?;
                return Err(RevealError::Unknown(what.clone()));
            }
        }
    }
    Ok(plain)
}

/// A text that may be shown: tokens and every known secret value become `[secret]`, unknowns `[known after apply]`.
pub fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    if contains_token(text) {
        for piece in split(text) {
            match piece {
                Piece::Plain(text) => shown.push_str(text),
                Piece::Token(Token { kind: Kind::Secret, .. }) => shown.push_str("[secret]"),
                Piece::Token(Token { kind: Kind::Unknown, .. }) => shown.push_str("[known after apply]"),
            }
        }
    } else {
        shown.push_str(text);
    }
    for value in &table().secrets {
        if !value.is_empty() && shown.contains(value.as_str()) {
            shown = shown.replace(value.as_str(), "[secret]");
        }
    }
    shown
}

/// Wipes every secret; tokens made before no longer reveal.
pub fn forget_all() {
    table().secrets.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_revealed_only_on_demand() {
        let text = format!("password={}", conceal("hunter22"));
        assert_eq!(redact(&text), "password=[secret]");
        assert_eq!(redact("the log says hunter22"), "the log says [secret]");
        assert_eq!(reveal(&text).expect("has a slot").as_str(), "password=hunter22");
    }

    #[test]
    fn an_unknown_cannot_be_revealed() {
        let text = format!("id {}", unknown("output of `id`"));
        assert_eq!(redact(&text), "id [known after apply]");
        assert_eq!(reveal(&text), Err(RevealError::Unknown("output of `id`".into())));
    }
}
