//! Values that a script passes on but cannot look at: secrets, and what only an apply can tell.

use super::error::{RhaiResultOf, SCRIPT, not_predictable, raise_as};
use crate::event::Failure;
use crate::secret;
use rhai::plugin::*;
use rhai::{Dynamic, ImmutableString, NativeCallContext, Position};

/// A text with tokens. It can be joined and passed on; looking at it is refused.
#[derive(Debug, Clone)]
pub struct Opaque(pub String);

impl Opaque {
    /// What Rhai calls the type in its errors.
    pub const TYPE: &str = "hidden value";

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

/// What to do with a secret instead of looking at it.
pub(super) const HINT: &str =
    "pass the secret on as it is, compare it by `secret::same(...)`, or work on it inside `secret.map(|value| ...)`";

/// Refuses a text that holds tokens to a function that looks into texts.
pub(super) fn look(ctx: &NativeCallContext, text: &str) -> RhaiResultOf<()> {
    match secret::contains_token(text) {
        true => Err(refuse(text, ctx.fn_name(), ctx.call_position())),
        false => Ok(()),
    }
}

/// The error for a look at a text that holds tokens: the plan ends for what is unknown, a secret stays one.
pub(super) fn refuse(text: &str, function: &str, at: Position) -> Box<EvalAltResult> {
    if secret::contains_unknown(text) {
        return not_predictable(&Opaque(text.to_owned()), at);
    }
    // As scripts write it.
    let function = match function {
        "index$get$" | "index$set$" => "[]",
        "known" => "switch",
        function => function.trim_start_matches("get$").trim_start_matches("set$"),
    };
    let failure = Failure::new(format!("`{function}` would look at a secret")).hint(HINT);
    raise_as(SCRIPT, &failure, function, "", at)
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

    /// The text as it may be shown.
    #[rhai_fn(name = "to_debug", pure)]
    pub fn text_to_debug(text: &mut ImmutableString) -> String {
        format!("{:?}", if secret::contains_token(text) { secret::redact(text) } else { text.to_string() })
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

    /// Gives a value back, when it is known; in a plan, the host ends here when only an apply can tell it.
    ///
    /// A `switch` looks at its value so.
    ///
    /// ```rhai
    /// let mode = known(cmd::read("cat /etc/mode").stdout);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn known(ctx: NativeCallContext, value: Dynamic) -> RhaiResultOf<Dynamic> {
        if let Some(hidden) = value.read_lock::<Opaque>() {
            look(&ctx, &hidden.0)?;
        } else if let Some(text) = value.read_lock::<ImmutableString>() {
            look(&ctx, &text)?;
        }
        Ok(value)
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

    /// True when one text comes before another.
    #[rhai_fn(name = "<", return_raw)]
    pub fn before(ctx: NativeCallContext, one: ImmutableString, other: ImmutableString) -> RhaiResultOf<bool> {
        look(&ctx, &one).and_then(|()| look(&ctx, &other)).map(|()| one < other)
    }

    /// True when one text comes after another.
    #[rhai_fn(name = ">", return_raw)]
    pub fn after(ctx: NativeCallContext, one: ImmutableString, other: ImmutableString) -> RhaiResultOf<bool> {
        look(&ctx, &one).and_then(|()| look(&ctx, &other)).map(|()| one > other)
    }

    /// True unless one text comes after another.
    #[rhai_fn(name = "<=", return_raw)]
    pub fn not_after(ctx: NativeCallContext, one: ImmutableString, other: ImmutableString) -> RhaiResultOf<bool> {
        look(&ctx, &one).and_then(|()| look(&ctx, &other)).map(|()| one <= other)
    }

    /// True unless one text comes before another.
    #[rhai_fn(name = ">=", return_raw)]
    pub fn not_before(ctx: NativeCallContext, one: ImmutableString, other: ImmutableString) -> RhaiResultOf<bool> {
        look(&ctx, &one).and_then(|()| look(&ctx, &other)).map(|()| one >= other)
    }

    /// Nothing can be reckoned from a hidden value.
    #[rhai_fn(name = "+", name = "-", name = "*", name = "/", name = "%", return_raw)]
    pub fn reckon_with_value(ctx: NativeCallContext, value: Opaque, _other: Dynamic) -> RhaiResultOf<Dynamic> {
        look(&ctx, &value.0).map(|()| Dynamic::UNIT)
    }

    /// Nothing can be reckoned from a hidden value.
    #[rhai_fn(name = "+", name = "-", name = "*", name = "/", name = "%", return_raw)]
    pub fn reckon_value(ctx: NativeCallContext, _other: Dynamic, value: Opaque) -> RhaiResultOf<Dynamic> {
        look(&ctx, &value.0).map(|()| Dynamic::UNIT)
    }

    /// A hidden value has no parts that could be looked at.
    #[rhai_fn(index_get, return_raw)]
    pub fn part(ctx: NativeCallContext, value: &mut Opaque, _key: Dynamic) -> RhaiResultOf<Dynamic> {
        look(&ctx, &value.0).map(|()| Dynamic::UNIT)
    }
}
