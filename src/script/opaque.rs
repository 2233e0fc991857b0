//! Values that a script passes on but cannot look at: secrets, and what only an apply can tell.

use super::error::{RhaiResultOf, mistake, not_predictable};
use crate::secret;
use rhai::plugin::*;
use rhai::{Dynamic, ImmutableString, NativeCallContext};

/// A text with tokens. It can be joined and passed on; looking at it is refused.
#[derive(Debug, Clone)]
pub struct Opaque(pub String);

impl Opaque {
    /// A value that only an apply can tell; `what` says which.
    pub fn unknown(what: impl Into<String>) -> Self {
        Self(secret::unknown(what).to_string())
    }

    /// What it is, in words.
    pub fn reason(&self) -> String {
        match secret::reveal(&self.0) {
            Err(secret::RevealError::Unknown(what)) => format!("{what} is known after apply"),
            _ => "a secret cannot be looked at".into(),
        }
    }
}

/// Refuses a text that holds tokens to a function that looks into texts.
fn look(ctx: &NativeCallContext, text: &str) -> RhaiResultOf<()> {
    if !secret::contains_token(text) {
        return Ok(());
    }
    let opaque = Opaque(text.to_owned());
    if secret::contains_unknown(text) {
        return Err(not_predictable(&opaque, ctx.call_position()));
    }
    Err(mistake(
        ctx,
        format!("`{}` would look at a secret", ctx.fn_name()),
        Some("pass the secret on as it is, or work on it inside `secret.map(|value| ...)`".into()),
    ))
}

/// What can be done with values that cannot be looked at.
#[export_module]
pub mod opaque {
    use super::*;

    /// The value as it may be shown.
    #[rhai_fn(name = "to_debug", pure)]
    pub fn to_debug(value: &mut Opaque) -> String {
        secret::redact(&value.0)
    }

    /// The value in a text; it stays hidden there.
    #[rhai_fn(name = "to_string", pure)]
    pub fn to_string(value: &mut Opaque) -> String {
        value.0.clone()
    }

    /// Joins a text and a hidden value.
    #[rhai_fn(name = "+")]
    pub fn join_text(text: ImmutableString, value: Opaque) -> Opaque {
        Opaque(format!("{text}{}", value.0))
    }

    /// Joins a hidden value and a text.
    #[rhai_fn(name = "+")]
    pub fn join_value(value: Opaque, text: ImmutableString) -> Opaque {
        Opaque(format!("{}{text}", value.0))
    }

    /// Joins two hidden values.
    #[rhai_fn(name = "+")]
    pub fn join_both(one: Opaque, other: Opaque) -> Opaque {
        Opaque(format!("{}{}", one.0, other.0))
    }

    /// A hidden value cannot be compared.
    #[rhai_fn(name = "==", name = "!=", name = "<", name = ">", name = "<=", name = ">=", return_raw)]
    pub fn compare_value(ctx: NativeCallContext, value: Opaque, _other: Dynamic) -> RhaiResultOf<bool> {
        look(&ctx, &value.0).map(|()| false)
    }

    /// A hidden value cannot be compared.
    #[rhai_fn(name = "==", name = "!=", name = "<", name = ">", name = "<=", name = ">=", return_raw)]
    pub fn compare_with_value(ctx: NativeCallContext, _other: Dynamic, value: Opaque) -> RhaiResultOf<bool> {
        look(&ctx, &value.0).map(|()| false)
    }

    /// A hidden value is neither true nor false.
    #[rhai_fn(name = "!", return_raw)]
    pub fn negate(ctx: NativeCallContext, value: Opaque) -> RhaiResultOf<bool> {
        look(&ctx, &value.0).map(|()| false)
    }

    /// True when two texts are equal.
    #[rhai_fn(name = "==", return_raw)]
    pub fn equal(ctx: NativeCallContext, one: ImmutableString, other: ImmutableString) -> RhaiResultOf<bool> {
        look(&ctx, &one).and_then(|()| look(&ctx, &other)).map(|()| one == other)
    }

    /// True when two texts differ.
    #[rhai_fn(name = "!=", return_raw)]
    pub fn differ(ctx: NativeCallContext, one: ImmutableString, other: ImmutableString) -> RhaiResultOf<bool> {
        look(&ctx, &one).and_then(|()| look(&ctx, &other)).map(|()| one != other)
    }
}

/// Functions of the standard library that look into texts, guarded. The originals are called when no token is there.
pub fn guard(engine: &mut rhai::Engine) {
    engine.set_fast_operators(false);
    macro_rules! guarded {
        ($($name:literal($text:ident $(, $arg:ident: $ty:ty)*) -> $result:ty = $body:expr;)*) => {
            $(engine.register_fn($name, |ctx: NativeCallContext, $text: ImmutableString $(, $arg: $ty)*| -> RhaiResultOf<$result> {
                look(&ctx, &$text)?;
                Ok($body)
            });)*
        };
    }
    guarded! {
        "contains"(text, part: ImmutableString) -> bool = text.contains(part.as_str());
        "starts_with"(text, part: ImmutableString) -> bool = text.starts_with(part.as_str());
        "ends_with"(text, part: ImmutableString) -> bool = text.ends_with(part.as_str());
        "len"(text) -> i64 = text.chars().count() as i64;
        "is_empty"(text) -> bool = text.is_empty();
        "to_upper"(text) -> String = text.to_uppercase();
        "to_lower"(text) -> String = text.to_lowercase();
        "split"(text, at: ImmutableString) -> rhai::Array = text.split(at.as_str()).map(|part| part.to_owned().into()).collect();
        "split"(text) -> rhai::Array = text.split_whitespace().map(|part| part.to_owned().into()).collect();
    }
}
