//! Errors of scripts: what a playbook can catch, and what ends a host.

use super::here::position;
use super::opaque::Opaque;
use super::places::script_of;
use super::refused::refused;
use crate::engine::{Failed, Halt, NoMeeting, ScriptError, Stop};
use crate::event::Failure;
use rhai::{Dynamic, EvalAltResult, Map, NativeCallContext, Position};
use std::cell::Cell;

/// What a binding returns. Spelled as an alias, so that editor definitions print the short form.
pub type RhaiResultOf<T> = Result<T, Box<EvalAltResult>>;

/// What ends a host, whatever the script tries to catch.
#[derive(Debug, Clone)]
pub enum Ending {
    /// The host cannot be reached.
    Unreachable(Failure),
    /// The user asked to stop.
    Interrupted,
    /// Its plan needs what only an apply can tell.
    NotPredictable {
        /// What is unknown.
        reason: String,
    },
    /// Reality is not what the saved plan was made for.
    Deviated(Failure),
    /// Other hosts failed, and the run stops.
    Aborted(Failure),
}

/// An error that a script can catch: a map with `message`, `op`, `host`, `code`, `stderr`, `hint` and `at`.
pub fn raise(failure: &Failure, op: &str, host: &str, at: Position) -> Box<EvalAltResult> {
    raise_as(OPERATION, failure, op, host, at)
}

const OPERATION: &str = "operation";

/// The same, of a kind.
pub(super) fn raise_as(kind: &str, failure: &Failure, op: &str, host: &str, at: Position) -> Box<EvalAltResult> {
    let text = |value: &Option<String>| value.clone().map_or(Dynamic::UNIT, Dynamic::from);
    let mut map = Map::new();
    map.insert("kind".into(), kind.to_owned().into());
    map.insert("op".into(), op.to_owned().into());
    map.insert("host".into(), host.to_owned().into());
    map.insert("message".into(), failure.message.clone().into());
    map.insert("causes".into(), failure.causes.iter().cloned().map(Dynamic::from).collect::<rhai::Array>().into());
    map.insert("code".into(), failure.code.map_or(Dynamic::UNIT, |code| i64::from(code).into()));
    map.insert("stderr".into(), text(&failure.stderr));
    map.insert("hint".into(), text(&failure.hint));
    map.insert("at".into(), text(&failure.at));
    EvalAltResult::ErrorRuntime(map.into(), at).into()
}

/// The `kind` of errors that are the playbook's own.
pub(super) const SCRIPT: &str = "script";

/// A mistake in a playbook, raised where the binding was called.
pub fn mistake(ctx: &NativeCallContext, message: impl Into<String>, hint: Option<String>) -> Box<EvalAltResult> {
    let failure = Failure { message: message.into(), hint, ..Failure::default() };
    raise_as(SCRIPT, &failure, ctx.fn_name(), "", ctx.call_position())
}

/// Ends the host; no `catch` sees it.
pub fn end(ending: Ending, at: Position) -> Box<EvalAltResult> {
    EvalAltResult::ErrorTerminated(Dynamic::from(ending), at).into()
}

/// What the engine could not do, raised where the binding was called.
pub fn stopped(ctx: &NativeCallContext, stop: Stop) -> Box<EvalAltResult> {
    stopped_at(stop, ctx.call_position())
}

/// The same where no binding was called: at the end of the playbook.
pub fn stopped_at_end(stop: Stop) -> Box<EvalAltResult> {
    stopped_at(stop, Position::NONE)
}

fn stopped_at(stop: Stop, at: Position) -> Box<EvalAltResult> {
    match stop {
        Stop::Failed(failed) => {
            let Failed { op, host, failure, .. } = *failed;
            raise(&failure, &op, &host, at)
        }
        Stop::Unreachable(failure) => end(Ending::Unreachable(*failure), at),
        Stop::Deviated(failure) => end(Ending::Deviated(*failure), at),
        Stop::Interrupted => end(Ending::Interrupted, at),
    }
}

impl From<Halt> for Box<EvalAltResult> {
    fn from(halt: Halt) -> Self {
        let failure = Failure { message: halt.to_string(), ..Failure::default() };
        match halt {
            Halt::NoMeeting(NoMeeting::Interrupted) => end(Ending::Interrupted, Position::NONE),
            Halt::TooManyFailed { .. } => end(Ending::Aborted(failure), Position::NONE),
            Halt::NoMeeting(NoMeeting::Disagree(_)) => raise_as(SCRIPT, &failure, "", "", Position::NONE),
            Halt::Once { host, .. } => raise(&failure, "once", &host, Position::NONE),
        }
    }
}

impl ScriptError for Box<EvalAltResult> {
    fn reason(&self) -> String {
        failure_of(innermost(self), String::new()).message
    }

    fn ends_host(&self) -> bool {
        matches!(innermost(self), EvalAltResult::ErrorTerminated(..))
    }
}

/// Gives an error without a position that of the call.
pub fn placed<T>(ctx: &NativeCallContext, result: RhaiResultOf<T>) -> RhaiResultOf<T> {
    result.map_err(|mut error| {
        if error.position().is_none() {
            error.set_position(ctx.call_position());
        }
        error
    })
}

/// True when an error can hold no text that the script made: names and types alone, or what an operation said.
pub(super) fn tells_no_value(error: &EvalAltResult) -> bool {
    match innermost(error) {
        EvalAltResult::ErrorFunctionNotFound(..)
        | EvalAltResult::ErrorVariableNotFound(..)
        | EvalAltResult::ErrorModuleNotFound(..)
        | EvalAltResult::ErrorMismatchDataType(..)
        | EvalAltResult::ErrorIndexingType(..)
        | EvalAltResult::ErrorDotExpr(..)
        | EvalAltResult::ErrorTooManyOperations(_)
        | EvalAltResult::ErrorStackOverflow(_)
        | EvalAltResult::ErrorTerminated(..) => true,
        EvalAltResult::ErrorRuntime(value, _) => value.read_lock::<Map>().is_some_and(|map| {
            let text = |key: &str| map.get(key).and_then(|value| value.clone().into_string().ok());
            text("kind").is_some_and(|kind| kind == OPERATION)
                && text("op").is_some_and(|op| !["fail", "assert"].contains(&op.as_str()))
        }),
        _ => false,
    }
}

fn innermost(error: &EvalAltResult) -> &EvalAltResult {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) | EvalAltResult::ErrorInModule(_, inner, _) => {
            innermost(inner)
        }
        _ => error,
    }
}

/// How a script ended that did not come to its end.
pub enum Ended {
    /// The host ends without being at fault, or is lost.
    Ending(Ending, String),
    /// An operation failed, or the script gave up by `fail`.
    Failed(Failure),
    /// There is a mistake in the script.
    Mistake(Failure),
}

/// Reads an error of the evaluation of a playbook.
pub fn ended(error: &EvalAltResult, playbook: &str) -> Ended {
    let at = place(error, playbook);
    if let Some(reason) = unpredictable(error) {
        return Ended::Ending(Ending::NotPredictable { reason }, at);
    }
    match innermost(error) {
        EvalAltResult::ErrorTerminated(token, _) => match token.clone().try_cast::<Ending>() {
            Some(ending) => Ended::Ending(ending, at),
            None => {
                Ended::Failed(Failure { message: "the script was ended".into(), at: Some(at), ..Failure::default() })
            }
        },
        inner => {
            let failure = Failure { calls: calls(error, playbook), ..failure_of(inner, at) };
            if is_mistake(inner) { Ended::Mistake(failure) } else { Ended::Failed(failure) }
        }
    }
}

/// What is unknown, where a script looked at a value that only an apply can tell.
pub fn unpredictable(error: &EvalAltResult) -> Option<String> {
    match innermost(error) {
        EvalAltResult::ErrorTerminated(token, _) => match token.clone().try_cast::<Ending>()? {
            Ending::NotPredictable { reason } => Some(reason),
            _ => None,
        },
        inner if names_hidden(inner) => {
            // Rhai tells the type alone: where nothing is unknown, it was a secret.
            let unknown = crate::secret::unknowns() > UNKNOWNS.get();
            unknown.then(|| "a value that is known after apply decides what happens".to_owned())
        }
        EvalAltResult::ErrorPropertyNotFound(name, _) => {
            crate::secret::contains_unknown(name).then(|| Opaque(name.clone()).reason())
        }
        _ => None,
    }
}

thread_local! {
    /// How many unknown values there were before this host began.
    static UNKNOWNS: Cell<usize> = const { Cell::new(0) };
}

/// Notes how many unknown values there were before a run on the host of this thread.
pub fn begin(unknowns: usize) {
    UNKNOWNS.set(unknowns);
}

/// True when Rhai has no use for a hidden value where one is.
pub(super) fn names_hidden(error: &EvalAltResult) -> bool {
    let (EvalAltResult::ErrorMismatchDataType(_, named, _)
    | EvalAltResult::ErrorFunctionNotFound(named, _)
    | EvalAltResult::ErrorIndexingType(named, _)) = error
    else {
        return false;
    };
    [Opaque::TYPE, std::any::type_name::<Opaque>()].iter().any(|name| named.contains(name))
}

/// Everything but what operations and `throw` raise.
fn is_mistake(error: &EvalAltResult) -> bool {
    let EvalAltResult::ErrorRuntime(value, _) = error else {
        return true;
    };
    let kind = value.read_lock::<Map>().and_then(|map| map.get("kind").cloned());
    kind.and_then(|kind| kind.into_string().ok()).is_some_and(|kind| kind == SCRIPT)
}

/// Position of the innermost error with the file it is in.
fn place(error: &EvalAltResult, source: &str) -> String {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, inside, inner, at) => {
            let inside = if inside.is_empty() { source } else { inside };
            match inner.position().is_none() {
                true => placed_at(source, *at),
                false => place(inner, inside),
            }
        }
        EvalAltResult::ErrorInModule(inside, inner, at) => match inner.position().is_none() {
            true => placed_at(source, *at),
            false => place(inner, if inside.is_empty() { source } else { inside }),
        },
        _ => placed_at(source, error.position()),
    }
}

fn placed_at(source: &str, at: Position) -> String {
    position(Some(&script_of(source, at, "")), at)
}

/// The calls of functions that led to the innermost error, the last one first. Closures are no calls of the reader's.
fn calls(error: &EvalAltResult, source: &str) -> Vec<String> {
    let (name, inside, inner, at) = match error {
        EvalAltResult::ErrorInFunctionCall(name, inside, inner, at) => (name.as_str(), inside, inner, *at),
        EvalAltResult::ErrorInModule(inside, inner, at) => ("", inside, inner, *at),
        _ => return Vec::new(),
    };
    let mut calls = calls(inner, if inside.is_empty() { source } else { inside });
    if !name.is_empty() && !name.starts_with(CLOSURE) && !at.is_none() && !inner.position().is_none() {
        calls.push(placed_at(source, at));
    }
    calls
}

/// What Rhai's names of closures begin with.
const CLOSURE: &str = "anon$";

pub(super) fn failure_of(error: &EvalAltResult, at: String) -> Failure {
    if let EvalAltResult::ErrorRuntime(value, _) = error {
        if let Some(map) = value.clone().try_cast::<Map>() {
            return from_map(&map, at);
        }
        let message = crate::secret::redact(&value.to_string());
        return Failure { message, at: Some(at), ..Failure::default() };
    }
    let (message, hint) = refused(error);
    Failure { message: crate::secret::redact(&message), at: Some(at), hint, ..Failure::default() }
}

fn from_map(map: &Map, at: String) -> Failure {
    let text = |key: &str| map.get(key).and_then(|value| value.clone().into_string().ok());
    let causes = map.get("causes").and_then(|causes| causes.clone().into_array().ok()).unwrap_or_default();
    Failure {
        message: text("message").unwrap_or_else(|| format!("{map:?}")),
        at: text("at").or(Some(at)),
        calls: Vec::new(),
        causes: causes.into_iter().filter_map(|cause| cause.into_string().ok()).collect(),
        hint: text("hint"),
        code: map.get("code").and_then(|code| code.as_int().ok()).map(|code| code as i32),
        stderr: text("stderr"),
    }
}

/// What Rhai says, as our errors read.
pub(super) fn fragment(text: &str) -> String {
    let text = strip_position(text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Rhai puts `(line 1, position 2)` at the end of its messages; ours have the place elsewhere.
fn strip_position(text: &str) -> String {
    match text.rfind(" (line ") {
        Some(from) if text.ends_with(')') => text[..from].to_owned(),
        _ => text.to_owned(),
    }
}

/// The error that a value known only after apply raises where it would have to be looked at.
pub fn not_predictable(value: &Opaque, at: Position) -> Box<EvalAltResult> {
    end(Ending::NotPredictable { reason: value.reason() }, at)
}

/// The error as a `catch` would see it.
pub fn caught(error: &EvalAltResult) -> Dynamic {
    match innermost(error) {
        EvalAltResult::ErrorRuntime(value, _) => value.clone(),
        other => {
            let mut map = Map::new();
            map.insert("message".into(), strip_position(&other.to_string()).into());
            map.into()
        }
    }
}
