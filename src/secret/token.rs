//! The text form of a token: U+F0000, `s` or `u`, decimal slot, U+F0001 (both private use, plane 15).

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
        write!(f, "{OPEN}{kind}{}{CLOSE}", self.slot)
    }
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
    let inner = &text[OPEN.len_utf8()..end];
    let kind = match inner.chars().next()? {
        's' => Kind::Secret,
        'u' => Kind::Unknown,
        _ => return None,
    };
    let slot = inner[1..].parse().ok()?;
    Some((Token { kind, slot }, end + CLOSE.len_utf8()))
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
    fn leaves_what_only_looks_like_a_token() {
        let text = format!("{OPEN}{OPEN}x{CLOSE}");
        assert!(!contains_token(&text));
        assert_eq!(split(&text), [Piece::Plain(text.as_str())]);
    }
}
