//! From the text of a selector to its terms.

use super::{SelectorError, Term, word};

/// Deeper nesting is no selector a person wrote.
const DEEPEST: usize = 64;

/// `or := and (("|" | ",") and)*; and := not ("&" not)*; not := "!"* (word | "(" or ")")`
pub(super) fn parse(text: &str) -> Result<Term, SelectorError> {
    let mut parser = Parser { text, chars: text.chars().collect(), at: 0, depth: 0 };
    let term = parser.or()?;
    match parser.peek() {
        None => Ok(term),
        Some(')') => Err(parser.wrong("`)` closes nothing", "take it out, or open `(` before")),
        Some(_) => Err(parser.wrong("an operator is missing", "join names by `&`, `|` or `,`")),
    }
}

struct Parser<'a> {
    text: &'a str,
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Term, SelectorError> {
        let mut starts = vec![self.start()];
        let mut terms = vec![self.and()?];
        while matches!(self.peek(), Some('|' | ',')) {
            self.at += 1;
            starts.push(self.start());
            terms.push(self.and()?);
        }
        if terms.len() > 1 {
            // `web, !db1` reads like "web without db1" and would be nearly every host.
            if let Some(index) = terms.iter().position(|term| matches!(term, Term::Not(_))) {
                self.at = starts[index];
                return Err(
                    self.wrong("`!` in a union would take nearly every host", "write `web & !db1` to leave out")
                );
            }
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Term::Or(terms) })
    }

    fn and(&mut self) -> Result<Term, SelectorError> {
        let mut terms = vec![self.not()?];
        while self.peek() == Some('&') {
            self.at += 1;
            terms.push(self.not()?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Term::And(terms) })
    }

    fn not(&mut self) -> Result<Term, SelectorError> {
        let mut inverted = false;
        while self.peek() == Some('!') {
            self.at += 1;
            inverted = !inverted;
        }
        let term = self.operand()?;
        Ok(if inverted { Term::Not(Box::new(term)) } else { term })
    }

    fn operand(&mut self) -> Result<Term, SelectorError> {
        match self.peek() {
            Some('(') => self.group(),
            Some('|' | ',' | '&' | ')') | None => Err(self.wrong("a name is missing", "as in `web & !db1`")),
            Some(_) => self.word(),
        }
    }

    fn group(&mut self) -> Result<Term, SelectorError> {
        let open = self.at;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("too many parentheses", "a selector needs few"));
        }
        self.at += 1;
        let term = self.or()?;
        if self.peek() != Some(')') {
            self.at = open;
            return Err(self.wrong("`(` is not closed", "add `)`"));
        }
        self.at += 1;
        self.depth -= 1;
        // What stands in parentheses is meant: `web | (!db)`.
        Ok(if matches!(term, Term::Not(_)) { Term::And(vec![term]) } else { term })
    }

    fn word(&mut self) -> Result<Term, SelectorError> {
        let start = self.at;
        let ends = |c: char| c.is_whitespace() || "|,&!()".contains(c);
        // Within brackets `!` inverts: `web-[!1]`.
        let mut bracket = false;
        while let Some(c) = self.chars.get(self.at).copied().filter(|c| !ends(*c) || (bracket && *c == '!')) {
            bracket = (bracket || c == '[') && c != ']';
            self.at += 1;
        }
        let text: String = self.chars[start..self.at].iter().collect();
        word(&text, start + 1).map_err(|(message, hint)| {
            self.at = start;
            self.wrong(message, hint)
        })
    }

    /// The next character that is no blank.
    fn peek(&mut self) -> Option<char> {
        while self.chars.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.chars.get(self.at).copied()
    }

    fn start(&mut self) -> usize {
        self.peek();
        self.at
    }

    fn wrong(&self, message: impl Into<String>, hint: impl Into<String>) -> SelectorError {
        let selector = self.text.to_owned();
        SelectorError::Syntax { selector, message: message.into(), column: self.at + 1, hint: hint.into() }
    }
}
