//! The process-wide table of slots, and the last moment at which a token becomes its value.

use super::token::{Kind, Piece, Token, contains_token, is_cut, split, tokens};
use super::{RevealError, SECRET, SecretError, forms, scrub as scrubbing};
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use zeroize::Zeroizing;

/// Finds the values that references stand for.
pub trait Resolve: Send + Sync {
    /// The value of a reference such as `env:NAME`.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn resolve(&self, reference: &str) -> Result<Zeroizing<String>, SecretError>;
}

#[derive(Default)]
struct Table {
    /// Slots are never used again: a token of an earlier run must not name a value of this one.
    secrets: Vec<Slot>,
    unknowns: Vec<String>,
    by_value: HashMap<u64, Vec<usize>>,
    by_reference: HashMap<String, usize>,
    hasher: RandomState,
    resolver: Option<Arc<dyn Resolve>>,
    /// References to values that are too short to be looked for, not told yet.
    short: Vec<String>,
}

/// Whether there is one: asked at every event.
static SHORT: AtomicBool = AtomicBool::new(false);

enum Slot {
    Value(Zeroizing<String>),
    Reference(Reference),
    Gone,
}

#[derive(Clone)]
struct Reference {
    text: String,
    at: Option<String>,
}

fn table() -> MutexGuard<'static, Table> {
    static TABLE: OnceLock<Mutex<Table>> = OnceLock::new();
    let table = TABLE.get_or_init(Mutex::default);
    table.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Table {
    fn known(&self, value: &str) -> Option<usize> {
        let slots = self.by_value.get(&self.hasher.hash_one(value))?;
        slots.iter().copied().find(|slot| matches!(&self.secrets[*slot], Slot::Value(known) if known.as_str() == value))
    }

    fn note(&mut self, value: &str, slot: usize) {
        self.by_value.entry(self.hasher.hash_one(value)).or_default().push(slot);
        scrubbing::learn(value);
    }

    fn push(&mut self, slot: Slot) -> Token {
        self.secrets.push(slot);
        Token { kind: Kind::Secret, slot: self.secrets.len() - 1 }
    }
}

/// Puts a value away and gives the token that stands for it; equal values share one.
pub fn conceal(value: impl Into<String>) -> Token {
    let value = Zeroizing::new(value.into());
    let mut table = table();
    if let Some(slot) = table.known(&value) {
        return Token { kind: Kind::Secret, slot };
    }
    let slot = table.secrets.len();
    table.note(&value, slot);
    table.push(Slot::Value(value))
}

/// Gives a token for a value that is fetched when it is needed; `at` is the place that asks for it.
pub fn refer(reference: &str, at: Option<String>) -> Token {
    let mut table = table();
    if let Some(&slot) = table.by_reference.get(reference) {
        return Token { kind: Kind::Secret, slot };
    }
    let slot = table.secrets.len();
    table.by_reference.insert(reference.to_owned(), slot);
    table.push(Slot::Reference(Reference { text: reference.to_owned(), at }))
}

/// Gives a token for a value that only an apply can tell; `what` says which: `output of cmd::run(...)`.
pub fn unknown(what: impl Into<String>) -> Token {
    let mut table = table();
    table.unknowns.push(what.into());
    Token { kind: Kind::Unknown, slot: table.unknowns.len() - 1 }
}

/// How many unknown values there were so far.
pub fn unknowns() -> usize {
    table().unknowns.len()
}

/// Says who fetches the values of references; without anybody they are unknown.
pub fn install(resolver: Option<Arc<dyn Resolve>>) {
    table().resolver = resolver;
}

/// Fetches the values of all references in a text.
///
/// # Errors
/// [`RevealError::Unresolved`] for the first that cannot be had; [`RevealError::Unknown`] where nobody fetches.
pub fn resolve(text: &str) -> Result<(), RevealError> {
    let secrets = tokens(text).into_iter().filter(|token| token.kind == Kind::Secret);
    secrets.map(|token| token.slot).try_for_each(fetch)
}

/// True when no reference in a text waits for its value.
pub fn is_known(text: &str) -> bool {
    let table = table();
    let waits = |token: &Token| matches!(table.secrets.get(token.slot), Some(Slot::Reference(_)));
    !tokens(text).iter().any(|token| token.kind == Kind::Secret && waits(token))
}

/// The reference that a token waits for, and the place that asks for it.
pub fn reference(text: &str) -> Option<(String, Option<String>)> {
    let table = table();
    tokens(text).iter().filter(|token| token.kind == Kind::Secret).find_map(|token| {
        match table.secrets.get(token.slot) {
            Some(Slot::Reference(reference)) => Some((reference.text.clone(), reference.at.clone())),
            _ => None,
        }
    })
}

/// Outside of the lock: a provider takes its time, and other hosts go on.
fn fetch(slot: usize) -> Result<(), RevealError> {
    let (reference, resolver) = {
        let table = table();
        match table.secrets.get(slot) {
            Some(Slot::Reference(reference)) => (reference.clone(), table.resolver.clone()),
            _ => return Ok(()),
        }
    };
    let Some(resolver) = resolver else {
        return Err(RevealError::Unknown(format!("the secret `{}`", reference.text)));
    };
    let value = resolver.resolve(&reference.text).map_err(|error| Box::new(error.placed(reference.at.as_deref())))?;
    let mut table = table();
    table.note(&value, slot);
    if (1..forms::SHORTEST).contains(&value.trim().chars().count()) {
        table.short.push(reference.text);
        SHORT.store(true, Ordering::Release);
    }
    table.secrets[slot] = Slot::Value(value);
    Ok(())
}

/// References whose values are too short to be found where a program prints them; each is told once.
pub fn short_ones() -> Vec<String> {
    match SHORT.swap(false, Ordering::AcqRel) {
        true => std::mem::take(&mut table().short),
        false => Vec::new(),
    }
}

/// Swaps every token for its value. Only sinks that must have the value call this.
///
/// # Errors
/// [`RevealError`] when the text holds an unknown, a token without a slot, or a secret that cannot be had.
pub fn reveal(text: &str) -> Result<Zeroizing<String>, RevealError> {
    if contains_token(text) {
        resolve(text)?;
    }
    let table = table();
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    for piece in split(text) {
        match piece {
            Piece::Plain(text) if is_cut(text) => return Err(RevealError::Cut),
            Piece::Plain(text) => plain.push_str(text),
            Piece::Token(Token { kind: Kind::Secret, slot }) => match table.secrets.get(slot) {
                Some(Slot::Value(value)) => plain.push_str(value),
                _ => return Err(RevealError::Stale),
            },
            Piece::Token(Token { kind: Kind::Unknown, slot }) => {
                let what = table.unknowns.get(slot).ok_or(RevealError::Stale)?;
                return Err(RevealError::Unknown(what.clone()));
            }
        }
    }
    Ok(plain)
}

/// A text that may be shown: tokens and every form of a known value become `[secret]`, unknowns `[known after apply]`.
pub fn redact(text: &str) -> String {
    if !contains_token(text) {
        return scrub(text).into_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for piece in split(text) {
        match piece {
            Piece::Plain(text) => shown.push_str(text),
            Piece::Token(Token { kind: Kind::Secret, .. }) => shown.push_str(SECRET),
            Piece::Token(Token { kind: Kind::Unknown, .. }) => shown.push_str("[known after apply]"),
        }
    }
    scrub(&shown).into_owned()
}

/// A text without tokens that may be shown.
pub fn scrub(text: &str) -> Cow<'_, str> {
    let scrubber = scrubbing::scrubber();
    if scrubber.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(scrubber.text(text).into_owned()) }
}

/// Wipes every secret; tokens made before no longer reveal.
pub fn forget_all() {
    let mut table = table();
    table.secrets.iter_mut().for_each(|slot| *slot = Slot::Gone);
    table.by_value.clear();
    table.by_reference.clear();
    scrubbing::forget();
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

    #[test]
    fn equal_values_share_a_token() {
        assert_eq!(conceal("shared-value-1"), conceal("shared-value-1"));
        assert_ne!(conceal("shared-value-1"), conceal("shared-value-2"));
    }

    #[test]
    fn without_anybody_who_fetches_a_reference_is_unknown() {
        let text = refer("env:NOBODY_FETCHES", None).to_string();
        assert_eq!(reveal(&text), Err(RevealError::Unknown("the secret `env:NOBODY_FETCHES`".into())));
        assert_eq!(redact(&text), "[secret]");
    }
}
