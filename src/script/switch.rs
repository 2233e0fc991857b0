//! `switch` on a value that is known after apply. Rhai asks nobody when it compares: it would take the default case.
//!
//! So the value of each `switch` goes through `known(...)`, put into the text before it is compiled. A place in the
//! same line behind it is told as it is in the file.

use rhai::{Engine, Position, Token};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{OnceLock, RwLock};

const BEFORE: &str = "known(";
const AFTER: &str = ")";

/// What is put in: where, counted in characters of its line from 1, and what.
type Insertion = (usize, usize, &'static str);

thread_local! {
    static SEEN: RefCell<Option<Finder>> = const { RefCell::new(None) };
}

/// Finds the values of switches in the tokens of a script.
#[derive(Default)]
struct Finder {
    open: Vec<Value>,
    found: Vec<Insertion>,
    /// Where the last token began, when it was `switch`.
    after_switch: bool,
    in_text: bool,
}

/// A value that is not read to its end.
struct Value {
    from: (usize, usize),
    depth: usize,
    simple: bool,
}

impl Finder {
    fn token(&mut self, token: &Token, at: Position) {
        let Some(place) = at.line().zip(at.position()) else { return };
        if std::mem::take(&mut self.after_switch) {
            self.open.push(Value { from: place, depth: 0, simple: true });
        }
        let of_text = std::mem::take(&mut self.in_text);
        self.in_text = matches!(token, Token::InterpolatedString(_));
        self.after_switch = *token == Token::Switch;
        let Some(value) = self.open.last_mut() else { return };
        match token {
            Token::LeftBrace if value.depth == 0 && !of_text => {
                let value = self.open.pop().expect("just seen");
                if value.simple {
                    self.found.push((value.from.0, value.from.1, BEFORE));
                    self.found.push((place.0, place.1, AFTER));
                }
            }
            Token::LeftBrace | Token::LeftParen | Token::LeftBracket | Token::MapStart => value.depth += 1,
            Token::RightBrace | Token::RightParen | Token::RightBracket => value.depth = value.depth.saturating_sub(1),
            // Such a value has braces of its own; an `if` in it ends the plan by itself.
            Token::If | Token::Switch | Token::Pipe | Token::Or if value.depth == 0 => value.simple = false,
            _ => {}
        }
    }
}

/// Lets an engine tell what it reads while a script is looked through.
pub fn watch(engine: &mut Engine) {
    #[allow(deprecated, reason = "not deprecated: Rhai marks what may change between versions like this")]
    engine.on_parse_token(|token, at, _| {
        SEEN.with_borrow_mut(|seen| seen.iter_mut().for_each(|finder| finder.token(&token, at)));
        token
    });
}

/// The text of a script in which no `switch` overlooks what is unknown; nothing when there is no `switch`. `compile`
/// must read the text once with an engine that [`watch`] knows.
pub fn wary<T>(text: &str, shown: &str, compile: impl FnOnce() -> T) -> (T, Option<String>) {
    if !text.contains("switch") {
        return (compile(), None);
    }
    SEEN.set(Some(Finder::default()));
    let compiled = compile();
    let mut found = SEEN.take().map(|finder| finder.found).unwrap_or_default();
    if found.is_empty() {
        return (compiled, None);
    }
    found.sort_unstable();
    note(shown, &found);
    (compiled, Some(with(text, &found)))
}

fn with(text: &str, found: &[Insertion]) -> String {
    let mut out = String::with_capacity(text.len() + found.len() * BEFORE.len());
    let mut next = found.iter().peekable();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        for (column, letter) in line.chars().enumerate() {
            while let Some((.., what)) = next.next_if(|(line, at, _)| (*line, *at) == (number + 1, column + 1)) {
                out.push_str(what);
            }
            out.push(letter);
        }
    }
    out
}

/// Insertions by file and line.
type Moved = RwLock<HashMap<(String, usize), Vec<(usize, usize)>>>;

fn moved() -> &'static Moved {
    static MOVED: OnceLock<Moved> = OnceLock::new();
    MOVED.get_or_init(Moved::default)
}

fn note(shown: &str, found: &[Insertion]) {
    let mut moved = moved().write().unwrap_or_else(|poisoned| poisoned.into_inner());
    moved.retain(|(source, _), _| source != shown);
    for (line, column, what) in found {
        moved.entry((shown.to_owned(), *line)).or_default().push((*column, what.len()));
    }
}

/// The column of the file, given that of the compiled text.
pub fn column(source: &str, line: usize, column: usize) -> usize {
    let moved = moved().read().unwrap_or_else(|poisoned| poisoned.into_inner());
    if moved.is_empty() {
        return column;
    }
    let mut real = column;
    for (at, length) in moved.get(&(source.to_owned(), line)).into_iter().flatten() {
        if real >= *at {
            real = real.saturating_sub(*length).max(*at);
        }
    }
    real
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wary_text(text: &str) -> Option<String> {
        let mut engine = Engine::new();
        watch(&mut engine);
        let (compiled, changed) = wary(text, "switch-test.rhai", || engine.compile(text).map(|_| ()));
        compiled.expect("it parses");
        changed.inspect(|changed| _ = Engine::new().compile(changed).expect("it still parses"))
    }

    #[test]
    fn the_value_of_a_switch_goes_through_a_look() {
        let text = "let x = 1;\nswitch x + f(#{ a: [1] }) { 1 => 2, _ => switch `a${x}b` { _ => 3 } }\n// switch y {\n";
        let wary = wary_text(text).expect("a switch");
        let wanted = "let x = 1;\nswitch known(x + f(#{ a: [1] }) ){ 1 => 2, _ => switch known(`a${x}b` ){ _ => 3 } }\n// switch y {\n";
        assert_eq!(wary, wanted);
        let at = |needle: &str| wanted.lines().nth(1).and_then(|line| line.find(needle)).expect("there") + 1;
        let real = |needle: &str| text.lines().nth(1).and_then(|line| line.find(needle)).expect("there") + 1;
        for needle in ["1 => 2", "x + f", "_ => 3"] {
            assert_eq!(column("switch-test.rhai", 2, at(needle)), real(needle), "{needle}");
        }
        assert_eq!(wary_text("let switched = \"switch x {\"; switched"), None);
    }
}
