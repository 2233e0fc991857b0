//! The text form of a token: U+F0000, half a word of this process, `s` or `u`, decimal slot, the other half, U+F0001 (both
//! private use, plane 15).
//!
//! Texts of hosts come this way, too: what a host says, and files that are edited there. Without the word, which nobody
//! outside can know, a host could write a token itself, and be sent the value of a slot.

use super::random;
use std::sync::OnceLock;

const OPEN: char = '\u{F0000}';
const CLOSE: char = '\u{F0001}';

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A value that must not be shown.
    Secret,
    /// A value that only an apply can tell.
    Unknown,
}

/// Names a slot of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token {
    /// What the slot holds.
    pub kind: Kind,
    /// Index of the slot.
    pub slot: usize,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Secret => 's',
            Kind::Unknown => 'u',
        };
        write!(f, "{OPEN}{}{kind}{}{}{CLOSE}", halves().0, self.slot, halves().1)
    }
}

/// The word: 64 random bits in hexadecimal, in two halves.
fn halves() -> (&'static str, &'static str) {
    static WORD: OnceLock<String> = OnceLock::new();
    let word = WORD.get_or_init(|| {
        let mut bytes = [0; 8];
        random(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    });
    word.split_at(8)
}

/// A stretch of a text: plain, or a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Plain(&'a str),
    Token(Token),
}

/// Splits a text at its tokens; what only looks like one stays plain.
pub(super) fn split(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(at) = rest[from..].find(OPEN).map(|at| at + from) {
        let Some((token, len)) = parse(&rest[at..]) else {
            from = at + OPEN.len_utf8();
            continue;
        };
        if at > 0 {
            pieces.push(Piece::Plain(&rest[..at]));
        }
        pieces.push(Piece::Token(token));
        rest = &rest[at + len..];
        from = 0;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Plain(rest));
    }
    pieces
}

fn parse(text: &str) -> Option<(Token, usize)> {
    let end = text.find(CLOSE)?;
    let inner = text[OPEN.len_utf8()..end].strip_prefix(halves().0)?.strip_suffix(halves().1)?;
    let kind = match inner.chars().next()? {
        's' => Kind::Secret,
        'u' => Kind::Unknown,
        _ => return None,
    };
    let slot = inner[1..].parse().ok()?;
    Some((Token { kind, slot }, end + CLOSE.len_utf8()))
}

/// True when a part of a token is left in a text without one: Rhai has no way to forbid `text[0]` and `text[1..4]`.
pub(super) fn is_cut(text: &str) -> bool {
    let (first, last) = (&halves().0[..2], &halves().1[6..]);
    let begins = |at: usize| {
        let rest = &text[at + OPEN.len_utf8()..];
        first.starts_with(rest) || rest.starts_with(first)
    };
    text.match_indices(OPEN).any(|(at, _)| begins(at))
        || text.match_indices(CLOSE).any(|(at, _)| text[..at].ends_with(last))
}

/// All tokens in a text, in order.
pub fn tokens(text: &str) -> Vec<Token> {
    let token = |piece| match piece {
        Piece::Token(token) => Some(token),
        Piece::Plain(_) => None,
    };
    split(text).into_iter().filter_map(token).collect()
}

/// True when the text holds any token.
pub fn contains_token(text: &str) -> bool {
    text.contains(OPEN) && !tokens(text).is_empty()
}

/// True when the text depends on what only an apply can tell.
pub fn contains_unknown(text: &str) -> bool {
    text.contains(OPEN) && tokens(text).iter().any(|token| token.kind == Kind::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_tokens_between_plain_text() {
        let token = Token { kind: Kind::Secret, slot: 7 };
        let text = format!("a{token}b");
        assert_eq!(split(&text), [Piece::Plain("a"), Piece::Token(token), Piece::Plain("b")]);
    }

    #[test]
    fn a_token_that_another_process_or_a_host_wrote_is_none() {
        for forged in [format!("{OPEN}s0{CLOSE}"), format!("{OPEN}0123456789abcdefs0{CLOSE}")] {
            assert_eq!(split(&forged), [Piece::Plain(forged.as_str())]);
        }
    }

    #[test]
    fn a_part_of_a_token_is_known_as_one() {
        let token = Token { kind: Kind::Secret, slot: 12 }.to_string();
        let letters: Vec<char> = token.chars().collect();
        for (from, to) in [(0, 1), (0, 2), (0, 9), (0, letters.len() - 1), (1, letters.len()), (15, letters.len())] {
            let part: String = letters[from..to].iter().collect();
            assert!(is_cut(&part), "{from}..{to}");
        }
        assert!(!is_cut(&format!("{OPEN}s0{CLOSE}")), "what a host forged is a text like others");
        // Symbols of fonts are there too.
        assert!(!is_cut("an icon \u{F0001} and \u{F0000} another"));
    }

    #[test]
    fn leaves_what_only_looks_like_a_token() {
        let text = format!("{OPEN}{OPEN}x{CLOSE}");
        assert!(!contains_token(&text));
        assert_eq!(split(&text), [Piece::Plain(text.as_str())]);
    }
}
