//! `block`: settings for a group of operations, and what happens when one of them fails.

use super::closure;
use super::common;
use super::error::{RhaiResultOf, mistake};
use super::here::Here;
use super::host::current;
use super::undo::take_back;
use crate::engine::{ScriptError, Settings};
use crate::inventory::nearest;
use rhai::{Dynamic, EvalAltResult, FnPtr, Map, NativeCallContext};

#[derive(Default)]
struct Options {
    settings: Settings,
    rescue: Option<FnPtr>,
    always: Option<FnPtr>,
    undo: bool,
}

/// Runs the body with the options of the block.
///
/// # Errors
/// What the body raises, unless `rescue` takes it; what `rescue` and `always` raise.
pub fn run(ctx: &NativeCallContext, name: &str, body: &FnPtr, options: Map) -> RhaiResultOf<Dynamic> {
    let here = Here::of(ctx);
    let options = read(ctx, name, &options)?;
    here.undo().open();
    let host = current(&here);
    let result = here.actor().with_settings(options.settings.clone(), || closure::call(ctx, body, vec![host.clone()]));
    let result = match result {
        Ok(value) => {
            here.undo().keep();
            Ok(value)
        }
        Err(error) => failed(ctx, &here, name, &options, error),
    };
    if let Some(always) = &options.always {
        closure::run(ctx, always, vec![host])?;
    }
    result
}

fn failed(
    ctx: &NativeCallContext,
    here: &Here,
    name: &str,
    options: &Options,
    error: Box<EvalAltResult>,
) -> RhaiResultOf<Dynamic> {
    let undos = here.undo().close();
    if error.ends_host() {
        return Err(error);
    }
    if options.undo {
        take_back(ctx.engine(), here, &format!("block `{name}`"), undos)?;
    }
    match &options.rescue {
        Some(rescue) => {
            let caught = super::error::caught(&error);
            here.actor().unplanned(|| closure::call(ctx, rescue, vec![current(here), caught]))
        }
        None => Err(error),
    }
}

fn read(ctx: &NativeCallContext, name: &str, map: &Map) -> RhaiResultOf<Options> {
    let mut options = Options::default();
    for (key, value) in map {
        let known = set(&mut options, key, value);
        let known = known.map_err(|problem| mistake(ctx, format!("block `{name}`: `{key}` {problem}"), None))?;
        if !known {
            let names = ["rescue", "always", "undo"].into_iter().chain(common::COMMON.iter().copied());
            let hint = nearest(key, names).map(|nearest| format!("did you mean `{nearest}`?"));
            return Err(mistake(ctx, format!("`block` has no option `{key}`"), hint));
        }
    }
    common::settle_password(&mut options.settings);
    Ok(options)
}

fn set(options: &mut Options, key: &str, value: &Dynamic) -> Result<bool, String> {
    let closure = || value.clone().try_cast::<FnPtr>().ok_or_else(|| "must be a closure".to_owned());
    match key {
        "rescue" => options.rescue = Some(closure()?),
        "always" => options.always = Some(closure()?),
        "undo" => options.undo = value.as_bool().map_err(|_| "must be true or false".to_owned())?,
        _ => return common::set(&mut options.settings, key, value),
    }
    Ok(true)
}
