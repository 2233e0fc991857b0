//! Operations on the project itself: done once a run, by whichever host comes first.

use super::common::Common;
use super::done::Done;
use super::ensure::{calling, elsewhere, gate, refusal_hint, unknown_in};
use super::error::{Ending, RhaiResultOf, end, mistake, stopped};
use super::here::Here;
use crate::engine::{Call, Shared};
use crate::event::OpStatus;
use crate::ops::{ArgumentError, Entry};
use rhai::{EvalAltResult, Map, NativeCallContext};
use serde_json::Value;

/// What can be known of what such an operation made.
pub enum Known {
    /// It is there.
    Now,
    /// An apply will make it.
    Soon,
    /// The operation did not run, and nobody says that it will.
    Never,
}

/// See [`Known`].
pub fn known(here: &Here, done: &Done) -> Known {
    let applies = here.actor().run.options.mode.applies();
    if !is_asked(here) || done.any(OpStatus::Unknown) || (!applies && done.any(OpStatus::Changed)) {
        return Known::Soon;
    }
    if done.is_missing() { Known::Never } else { Known::Now }
}

/// False in a rehearsal: nothing is known there.
pub fn is_asked(here: &Here) -> bool {
    here.actor().own().line().is_real()
}

/// Runs work on the project.
///
/// # Errors
/// As for operations on hosts.
pub fn once(
    ctx: &NativeCallContext,
    here: &Here,
    (op, target): (&'static str, &str),
    common: &Common,
    shared: &dyn Shared,
) -> RhaiResultOf<Done> {
    elsewhere(ctx, here, common, || {
        let mut gate = gate(ctx, common)?;
        if !is_asked(here) {
            gate.unknown.get_or_insert_with(|| "what the project holds".to_owned());
        }
        let run = |call: &Call<'_>| here.actor().perform_shared(call, shared);
        let performed = calling(ctx, (op, target), gate, common, None, run).map_err(|stop| stopped(ctx, stop))?;
        Ok(Done::new(vec![performed], !here.actor().run.options.mode.applies()))
    })
}

/// Why an argument has no form in JSON: which one, and why.
pub type NoJson = (String, String);

/// The common arguments, and the others as JSON with the target among them.
///
/// # Errors
/// A wrong common argument, one without a form in JSON, and one that only an apply can tell.
pub fn taken(
    ctx: &NativeCallContext,
    entry: &'static Entry,
    target: &str,
    mut options: Map,
    json: impl FnOnce(&Map) -> Result<Value, NoJson>,
) -> RhaiResultOf<(Common, Value)> {
    let op = entry.name;
    let argument = |name: &str, problem: &str| mistake(ctx, format!("`{op}`: argument `{name}` {problem}"), None);
    let common = Common::take(&mut options, (entry.fields)());
    let common = common.map_err(|wrong| argument(&wrong.argument, &wrong.problem))?;
    let mut json = json(&options).map_err(|(name, problem)| argument(&name, &problem))?;
    if let Some(reason) = unknown_in(&json) {
        return Err(end(Ending::NotPredictable { reason }, ctx.call_position()));
    }
    json[entry.target] = target.into();
    Ok((common, json))
}

/// What decides whether an operation runs holds for its part in the project, too; handlers are called by the rest.
///
/// # Errors
/// A wrong one.
pub fn conditions(ctx: &NativeCallContext, want: &Map) -> RhaiResultOf<Common> {
    let kept = ["when", "unless", "tags", "requires", "ignore_errors", "name"];
    let mut map: Map =
        want.iter().filter(|(key, _)| kept.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect();
    Common::take(&mut map, &[]).map_err(|wrong| {
        mistake(ctx, format!("`{}`: argument `{}` {}", ctx.fn_name(), wrong.argument, wrong.problem), None)
    })
}

/// The error for an argument that an operation does not take.
pub fn refused(ctx: &NativeCallContext, entry: &'static Entry, error: &ArgumentError) -> Box<EvalAltResult> {
    mistake(ctx, error.to_string(), refusal_hint(entry, error))
}
