//! `secret(...)` and `secret::`

use super::convert::to_json;
use super::error::{RhaiResultOf, mistake, raise};
use super::here::{Here, called_at};
use super::opaque::Opaque;
use crate::event::Failure;
use crate::secret::{self as slots, RevealError};
use rhai::plugin::*;
use rhai::{Dynamic, FnPtr, ImmutableString, Map, NativeCallContext};
use zeroize::Zeroizing;

/// A hidden value for a reference. It is fetched at once where somebody can: an error then names this line. In a
/// rehearsal, which asks nobody, it is unknown.
pub(super) fn referred(ctx: &NativeCallContext, reference: &str) -> RhaiResultOf<Opaque> {
    let here = Here::of(ctx);
    let token = slots::refer(reference, Some(called_at(ctx))).to_string();
    if !here.actor().own().line().is_real() && !slots::is_known(&token) {
        return Ok(Opaque::unknown(format!("the secret `{reference}`")));
    }
    match slots::resolve(&token) {
        Ok(()) | Err(RevealError::Unknown(_)) => Ok(Opaque(token)),
        Err(error) => Err(missing(ctx, &error)),
    }
}

/// The reference of a value to be generated.
///
/// # Errors
/// The option that there is none of.
pub(super) fn generated(name: &str, options: &Map) -> Result<String, String> {
    let mut reference = format!("generate:{name}");
    for (at, (key, value)) in options.iter().enumerate() {
        if !["length", "charset"].contains(&key.as_str()) {
            return Err(key.to_string());
        }
        reference.push_str(&format!("{}{key}={value}", if at == 0 { '?' } else { '&' }));
    }
    Ok(reference)
}

/// The error for a secret that cannot be had.
fn missing(ctx: &NativeCallContext, error: &RevealError) -> Box<EvalAltResult> {
    let mut failure = Failure { at: Some(called_at(ctx)), ..Failure::of(error) };
    if let RevealError::Unresolved(error) = error {
        failure.hint.clone_from(&error.hint);
    }
    raise(&failure, "secret", "", ctx.call_position())
}

/// The value behind a hidden one, or the hidden one that comes out because nobody knows it yet.
fn plain(ctx: &NativeCallContext, value: &str) -> RhaiResultOf<Result<Zeroizing<String>, Opaque>> {
    match slots::reveal(value) {
        Ok(plain) => Ok(Ok(plain)),
        Err(RevealError::Unknown(what)) => Ok(Err(Opaque::unknown(what))),
        Err(error) => Err(missing(ctx, &error)),
    }
}

fn text_of(value: &Dynamic) -> Result<String, String> {
    super::common::text(value)
}

/// Secrets: values that pass through scripts without ever being shown.
#[export_module]
pub mod secret {
    use super::*;

    /// Asks for a secret at the terminal, without showing what is typed; once in a run.
    ///
    /// Fails without a terminal.
    ///
    /// ```rhai
    /// let password = secret::prompt("password of the database");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn prompt(ctx: NativeCallContext, label: ImmutableString) -> RhaiResultOf<Opaque> {
        referred(&ctx, &format!("prompt:{label}"))
    }

    /// A random secret that is made once and kept in the project's secrets, encrypted.
    ///
    /// `name` is as for `rhapsode secret set`. `options` takes `length` (characters, default 32) and `charset`:
    /// `alnum` (the default), `hex`, `base64`, `digits`, `printable`, or the characters themselves. Both matter only
    /// when the secret is made. A plan makes it too, as nothing on a host changes by it.
    /// Fails when the project has no secrets yet (`rhapsode secret init`).
    ///
    /// ```rhai
    /// let password = secret::generate("db/app_password", #{ length: 24, charset: "alnum" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn generate(ctx: NativeCallContext, name: ImmutableString, options: Map) -> RhaiResultOf<Opaque> {
        let reference = generated(&name, &options).map_err(|key| {
            let hint = "it takes `length` and `charset`";
            mistake(&ctx, format!("`secret::generate` has no option `{key}`"), Some(hint.into()))
        })?;
        referred(&ctx, &reference)
    }

    /// A random secret of 32 letters and digits that is made once and kept in the project's secrets, encrypted.
    #[rhai_fn(name = "generate", return_raw)]
    pub fn generate_plain(ctx: NativeCallContext, name: ImmutableString) -> RhaiResultOf<Opaque> {
        referred(&ctx, &format!("generate:{name}"))
    }

    /// Makes a secret of a text that the script has: it is hidden from here on, wherever it turns up.
    ///
    /// ```rhai
    /// let token = secret::hide(cmd::read("cat /run/token").stdout);
    /// ```
    pub fn hide(value: Dynamic) -> Dynamic {
        match value.read_lock::<Opaque>() {
            Some(hidden) => Dynamic::from(hidden.clone()),
            None => Dynamic::from(Opaque(slots::conceal(value.to_string()).to_string())),
        }
    }

    /// True when two secrets, or a secret and a text, are equal.
    ///
    /// ```rhai
    /// if secret::same(secret("env:OLD_TOKEN"), secret("env:NEW_TOKEN")) { fail("the token was not changed"); }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn same(ctx: NativeCallContext, one: Dynamic, other: Dynamic) -> RhaiResultOf<Dynamic> {
        let texts = text_of(&one).and_then(|one| Ok((one, text_of(&other)?)));
        let (one, other) =
            texts.map_err(|problem| mistake(&ctx, format!("`secret::same`: a value {problem}"), None))?;
        Ok(match (plain(&ctx, &one)?, plain(&ctx, &other)?) {
            (Ok(one), Ok(other)) => (*one == *other).into(),
            (Err(unknown), _) | (_, Err(unknown)) => Dynamic::from(unknown),
        })
    }
}

/// What scripts do with secrets without naming a module.
#[export_module]
pub mod secrets {
    use super::*;

    /// A secret from where it is kept; fetched once in a run, before any host is changed where the name is constant.
    ///
    /// `reference` is a name in the project's secrets (`db/app_password`, as `rhapsode secret set` takes it), or one of
    /// `env:NAME`, `file:PATH`, `prompt:LABEL`, `sops:FILE#KEY`, `age:FILE`, `op://VAULT/ITEM/FIELD` (1Password),
    /// `vault:MOUNT/PATH#FIELD` (HashiCorp Vault, OpenBao), `cmd:COMMAND` and `generate:NAME`. The value can be joined
    /// with texts and given to operations and templates; it is never shown, and what it is put into is hidden too.
    /// Fails when it cannot be had, and when it holds the private key of an authority of the project.
    ///
    /// ```rhai
    /// file::put("/srv/app/token", #{ content: secret("op://home/app/token"), owner: "root" });
    /// ```
    #[rhai_fn(name = "secret", return_raw)]
    pub fn get(ctx: NativeCallContext, reference: ImmutableString) -> RhaiResultOf<Opaque> {
        referred(&ctx, &reference)
    }

    /// Works on the value of a secret; what the closure gives is a secret again.
    ///
    /// In a plan in which the value is not known yet, the closure is not called.
    /// Fails when the closure gives neither a text nor a number.
    ///
    /// ```rhai
    /// let user = secret("env:CREDENTIALS").map(|plain| plain.split(":")[0]);
    /// ```
    #[rhai_fn(name = "map", return_raw, pure)]
    pub fn map_hidden(ctx: NativeCallContext, hidden: &mut Opaque, closure: FnPtr) -> RhaiResultOf<Opaque> {
        let plain = match plain(&ctx, &hidden.0)? {
            Ok(plain) => plain,
            Err(unknown) => return Ok(unknown),
        };
        let made = super::super::closure::call(&ctx, &closure, vec![plain.as_str().into()])?;
        if let Some(hidden) = made.read_lock::<Opaque>() {
            return Ok(hidden.clone());
        }
        match to_json(&made) {
            Ok(serde_json::Value::String(text)) => Ok(Opaque(slots::conceal(text).to_string())),
            Ok(json @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => {
                Ok(Opaque(slots::conceal(json.to_string()).to_string()))
            }
            _ => Err(mistake(&ctx, "the closure of `map` must give a text", Some("`to_json` makes one".into()))),
        }
    }

    /// The map as JSON; with a secret in it, the whole text is one.
    ///
    /// ```rhai
    /// file::put("/etc/app.json", #{ content: to_json(#{ port: 8080, password: secret("env:APP_PASSWORD") }) });
    /// ```
    #[rhai_fn(name = "to_json", return_raw)]
    pub fn map_as_json(ctx: NativeCallContext, map: Map) -> RhaiResultOf<Dynamic> {
        as_json(&ctx, &Dynamic::from(map))
    }

    /// The array as JSON; with a secret in it, the whole text is one.
    ///
    /// ```rhai
    /// file::put("/etc/ports.json", #{ content: to_json([80, 443]) });
    /// ```
    #[rhai_fn(name = "to_json", return_raw)]
    pub fn array_as_json(ctx: NativeCallContext, array: rhai::Array) -> RhaiResultOf<Dynamic> {
        as_json(&ctx, &Dynamic::from(array))
    }
}

/// The value of a secret is quoted as JSON wants it, so it has to be known here.
fn as_json(ctx: &NativeCallContext, value: &Dynamic) -> RhaiResultOf<Dynamic> {
    let mut json = to_json(value).map_err(|problem| mistake(ctx, format!("`to_json`: {problem}"), None))?;
    let mut hidden = false;
    let mut unknown = None;
    reveal_in(ctx, &mut json, &mut hidden, &mut unknown)?;
    let text = json.to_string();
    Ok(match (unknown, hidden) {
        (Some(unknown), _) => Dynamic::from(unknown),
        (None, true) => Dynamic::from(Opaque(slots::conceal(text).to_string())),
        (None, false) => text.into(),
    })
}

fn reveal_in(
    ctx: &NativeCallContext,
    json: &mut serde_json::Value,
    hidden: &mut bool,
    unknown: &mut Option<Opaque>,
) -> RhaiResultOf<()> {
    match json {
        serde_json::Value::String(text) if slots::contains_token(text) => {
            match plain(ctx, text)? {
                Ok(plain) => {
                    *hidden = true;
                    *text = plain.to_string();
                }
                Err(not_known) => *unknown = Some(not_known),
            }
            Ok(())
        }
        serde_json::Value::Array(items) => items.iter_mut().try_for_each(|item| reveal_in(ctx, item, hidden, unknown)),
        serde_json::Value::Object(map) => map.values_mut().try_for_each(|item| reveal_in(ctx, item, hidden, unknown)),
        _ => Ok(()),
    }
}
