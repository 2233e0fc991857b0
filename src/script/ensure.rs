//! From a call in a script to an operation on the host.

use super::common::{COMMON, Common, Condition, Wrong};
use super::convert::to_json;
use super::done::Done;
use super::error::{RhaiResultOf, mistake, placed, stopped};
use super::here::{Here, called_at};
use super::undo::Undo;
use super::{closure, template};
use crate::engine::{Act, Ask, Call, Outcome, Reversal, Stop};
use crate::event::{Failure, OpStatus};
use crate::inventory::nearest;
use crate::ops::{ArgumentError, Entry, OpError, Plan, Planned, View, entry};
use rhai::{Array, Dynamic, Map, NativeCallContext};
use serde_json::Value;
use std::sync::Arc;

/// Runs one operation of the registry on the current host.
///
/// `target` is the first argument of the binding, `want` its map with the operation's fields and the common
/// arguments. An array as target runs it once for each element, unless the operation takes many itself.
///
/// # Errors
/// An operation error map, raised at the position of the call.
pub fn ensure(ctx: &NativeCallContext, op: &str, target: Dynamic, want: Map) -> RhaiResultOf<Done> {
    let entry = entry(op).expect("a binding names an operation of the registry");
    let here = Here::of(ctx);
    let mut want = want;
    let common = Common::take(&mut want, (entry.fields)()).map_err(|wrong| wrong_argument(ctx, entry, wrong))?;
    let targets = match target.read_lock::<Array>() {
        Some(array) if !entry.takes_many => array.clone(),
        _ => vec![target.clone()],
    };
    let mut calls = Vec::with_capacity(targets.len());
    for target in targets {
        let fields = fields(ctx, entry, &target, &want)?;
        let unknown = unknown_in(&fields);
        let accepted = match &unknown {
            // Only values can be checked; the operation is reported as unknown and never asked.
            Some(_) => None,
            None => Some((entry.accept)(fields).map_err(|error| refused(ctx, entry, &error))?),
        };
        calls.push((shown(&target), unknown, accepted));
    }
    let perform = || {
        let mut outcomes = Vec::with_capacity(calls.len());
        for (target, unknown, accepted) in &calls {
            let mut gate = gate(ctx, &common)?;
            gate.unknown = gate.unknown.or_else(|| unknown.clone());
            let planned: &dyn Planned = accepted.as_deref().unwrap_or(&Undecided);
            outcomes.push(perform(ctx, &here, entry.name, target, gate, &common, planned)?);
        }
        Ok(Done::new(outcomes, !here.actor().run.options.mode.applies()))
    };
    elsewhere(ctx, &here, &common, perform)
}

/// Stands for an operation with arguments that only an apply can tell.
struct Undecided;

impl Planned for Undecided {
    fn plan(&self, _: &mut View<'_>) -> Result<Plan, OpError> {
        Err(OpError::Unknown("an argument".into()))
    }
}

/// Where it runs: on another host, or on one host only.
pub(super) fn elsewhere(
    ctx: &NativeCallContext,
    here: &Here,
    common: &Common,
    perform: impl FnOnce() -> RhaiResultOf<Done>,
) -> RhaiResultOf<Done> {
    let delegated = || match &common.delegate_to {
        Some(name) => {
            let host = super::host::named(ctx, here, name)?;
            here.actor().on_host(host, perform)
        }
        None => perform(),
    };
    if common.run_once {
        let at = called_at(ctx);
        return placed(ctx, here.actor().once(&at, delegated));
    }
    delegated()
}

/// One operation with its common arguments.
fn perform(
    ctx: &NativeCallContext,
    here: &Here,
    op: &'static str,
    target: &str,
    gate: Gate,
    common: &Common,
    planned: &dyn Planned,
) -> RhaiResultOf<Outcome> {
    perform_acting(ctx, here, op, target, gate, common, planned, None)
}

/// The same for one that does its work by operations of the script.
#[allow(clippy::too_many_arguments, reason = "what an operation is, where it stands, and what it does")]
pub(super) fn perform_acting(
    ctx: &NativeCallContext,
    here: &Here,
    op: &'static str,
    target: &str,
    gate: Gate,
    common: &Common,
    planned: &dyn Planned,
    act: Option<Act<'_>>,
) -> RhaiResultOf<Outcome> {
    let performed = calling(ctx, (op, target), gate, common, act, |call| here.actor().perform(call, planned));
    let outcome = performed.map_err(|stop| {
        // What failed may have done a part.
        if let Stop::Failed(failed) = &stop {
            note_reversal(here, failed.reversal.as_ref().filter(|reversal| !reversal.is_command()));
        }
        stopped(ctx, stop)
    })?;
    match (&common.undo, outcome.status) {
        (Some(undo), Some(OpStatus::Changed)) => {
            let what = format!("{op} {target}");
            let handle = Done::new(vec![outcome.clone()], false);
            let closure = closure::Kept::new(ctx, undo.clone());
            here.undo().note(Undo::closure(what, closure, vec![Dynamic::from(handle)]));
        }
        _ => note_reversal(here, outcome.reversal.as_ref()),
    }
    Ok(outcome)
}

/// Builds the call that the script means, and runs it.
pub(super) fn calling<T>(
    ctx: &NativeCallContext,
    (op, target): (&'static str, &str),
    gate: Gate,
    common: &Common,
    act: Option<Act<'_>>,
    run: impl FnOnce(&Call<'_>) -> T,
) -> T {
    let ask = |condition: &Condition, outcome: &Outcome| -> Result<bool, Box<Failure>> {
        match condition {
            Condition::Known(known) => Ok(*known),
            Condition::Unknown(why) => Err(Box::new(Failure::new(why.clone()))),
            Condition::Ask(closure) => answer(ctx, closure, outcome),
        }
    };
    let changed = common.changed_when.as_ref().map(|condition| move |outcome: &Outcome| ask(condition, outcome));
    let failed = common.failed_when.as_ref().map(|condition| move |outcome: &Outcome| ask(condition, outcome));
    let until = common.retry_until.as_ref().map(|closure| move |outcome: &Outcome| answer(ctx, closure, outcome));
    let call = Call {
        op,
        target: target.to_owned(),
        at: called_at(ctx),
        name: common.name.clone(),
        skip: gate.skip,
        unknown: gate.unknown,
        notify: common.notify.clone(),
        settings: common.settings.clone(),
        shell: common.shell.clone(),
        success_codes: common.success_codes.clone(),
        changed_when: changed.as_ref().map(|ask| ask as Ask<'_>),
        failed_when: failed.as_ref().map(|ask| ask as Ask<'_>),
        retry_until: until.as_ref().map(|ask| ask as Ask<'_>),
        act,
        loud: common.loud,
        keep: common.keep,
        redeclare: common.redeclare,
    };
    run(&call)
}

/// What a playbook wrote itself is undone by its own closure, or by what was done inside.
fn note_reversal(here: &Here, reversal: Option<&Arc<Reversal>>) {
    if let Some(reversal) = reversal.filter(|reversal| !reversal.is_custom()) {
        here.undo().note(Undo::Reversal(Arc::clone(reversal)));
    }
}

/// Whether an operation runs at all.
#[derive(Default)]
pub(super) struct Gate {
    /// Why not.
    pub skip: Option<String>,
    /// Why only an apply can tell.
    pub unknown: Option<String>,
}

/// `when`, `unless` and `requires`.
pub(super) fn gate(ctx: &NativeCallContext, common: &Common) -> RhaiResultOf<Gate> {
    for (condition, wanted, name) in [(&common.when, true, "when"), (&common.unless, false, "unless")] {
        let known = match condition {
            None => continue,
            Some(Condition::Unknown(why)) => return Ok(Gate { unknown: Some(why.clone()), ..Gate::default() }),
            Some(Condition::Known(known)) => *known,
            Some(Condition::Ask(asked)) => {
                let answer = closure::call(ctx, asked, vec![super::host::current(&Here::of(ctx))]);
                let unknown = match &answer {
                    Ok(answer) => answer.read_lock::<super::opaque::Opaque>().map(|opaque| opaque.reason()),
                    Err(error) => super::error::unpredictable(error),
                };
                if unknown.is_some() {
                    return Ok(Gate { unknown, ..Gate::default() });
                }
                let answer = answer?;
                answer.as_bool().map_err(|_| mistake(ctx, format!("`{name}` must give true or false"), None))?
            }
        };
        if known != wanted {
            return Ok(Gate { skip: Some(format!("`{name}` is {known}")), ..Gate::default() });
        }
    }
    let missing = common.requires.iter().any(Done::is_missing);
    Ok(Gate { skip: missing.then(|| "what it requires failed or did not run".into()), ..Gate::default() })
}

fn answer(ctx: &NativeCallContext, asked: &rhai::FnPtr, outcome: &Outcome) -> Result<bool, Box<Failure>> {
    let handle = Done::new(vec![outcome.clone()], false);
    let answer = closure::call(ctx, asked, vec![Dynamic::from(handle)]);
    let fail = |message: String| Box::new(Failure::new(message).at(called_at(ctx)));
    let answer = answer.map_err(|error| fail(error.to_string()))?;
    answer.as_bool().map_err(|_| fail("a condition must give true or false".into()))
}

/// The fields of the operation as JSON: the target among them, local paths resolved, templates rendered.
fn fields(ctx: &NativeCallContext, entry: &'static Entry, target: &Dynamic, want: &Map) -> RhaiResultOf<Value> {
    let mut fields = serde_json::Map::new();
    let wrong = |argument: &str, problem: String| {
        let wrong = Wrong { argument: argument.to_owned(), problem };
        wrong_argument(ctx, entry, wrong)
    };
    let mut want = want.clone();
    if entry.name == "file::template" {
        template::prepare(ctx, &mut want)?;
    }
    for (key, value) in &want {
        let mut value = to_json(value).map_err(|problem| wrong(key, problem))?;
        if entry.local_paths.contains(&key.as_str()) {
            local_path(ctx, &mut value)?;
        }
        fields.insert(key.to_string(), value);
    }
    let mut target_json = to_json(target).map_err(|problem| wrong(entry.target, problem))?;
    if entry.local_paths.contains(&entry.target) {
        local_path(ctx, &mut target_json)?;
    }
    // `pkg::update()` is about nothing in particular.
    if !entry.target.is_empty() {
        fields.insert(entry.target.to_owned(), target_json);
    }
    Ok(Value::Object(fields))
}

fn local_path(ctx: &NativeCallContext, value: &mut Value) -> RhaiResultOf<()> {
    if let Value::String(name) = value
        && !name.contains("://")
    {
        let found = Here::of(ctx).project().find(name, ctx.call_source());
        let found = found.map_err(|tried| mistake(ctx, tried, Some(super::syntax::PATHS.into())))?;
        let kept = Here::of(ctx).world().authority.custody().inspect_file(&found, name);
        kept.map_err(|error| mistake(ctx, error.to_string(), error.hint.clone()))?;
        Here::of(ctx).project().note_local(&found);
        *value = Value::String(found.display().to_string());
    }
    Ok(())
}

pub(super) fn unknown_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if crate::secret::contains_unknown(text) => match crate::secret::reveal(text) {
            Err(crate::secret::RevealError::Unknown(what)) => Some(format!("{what} is known after apply")),
            _ => None,
        },
        Value::Array(items) => items.iter().find_map(unknown_in),
        Value::Object(map) => map.values().find_map(unknown_in),
        _ => None,
    }
}

fn shown(target: &Dynamic) -> String {
    match target.read_lock::<Array>() {
        Some(array) => array.iter().map(shown).collect::<Vec<_>>().join(" "),
        None => match target.read_lock::<Map>() {
            Some(map) => map.keys().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            None => super::common::text(target).unwrap_or_else(|_| "-".into()),
        },
    }
}

fn wrong_argument(ctx: &NativeCallContext, entry: &Entry, wrong: Wrong) -> Box<rhai::EvalAltResult> {
    mistake(ctx, format!("`{}`: argument `{}` {}", entry.name, wrong.argument, wrong.problem), None)
}

fn refused(ctx: &NativeCallContext, entry: &Entry, error: &ArgumentError) -> Box<rhai::EvalAltResult> {
    mistake(ctx, error.to_string(), refusal_hint(entry, error))
}

/// What to do about arguments that an operation does not take.
pub(super) fn refusal_hint(entry: &Entry, error: &ArgumentError) -> Option<String> {
    match error {
        ArgumentError::UnknownField { field, known, .. } => {
            let known = known.iter().filter(|known| **known != entry.target).chain(COMMON).copied();
            Some(match nearest(field, known.clone()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => {
                    let own: Vec<&str> = known.filter(|name| !COMMON.contains(name)).collect();
                    format!("it takes {}", own.join(", "))
                }
            })
        }
        ArgumentError::Value { field, .. } if field == "mode" || field == "dir_mode" => {
            Some("write the mode as text: \"0644\"".into())
        }
        _ => Some(format!("`rhapsode docs {}` shows what it takes", entry.name)),
    }
}
