//! `op::custom`: operations written in Rhai, with plan, diff, history and undo like built-in ones.

use super::closure;
use super::common::{Common, text, texts};
use super::done::Done;
use super::ensure::{Gate, elsewhere, gate, perform_acting};
use super::error::{RhaiResultOf, failure_of, mistake};
use super::here::{Here, called_at};
use super::host::current;
use super::undo::Undo;
use crate::event::{OpStatus, Sign};
use crate::inventory::nearest;
use crate::ops::{Args, Change, Managed, OpError, Plan, Planned, View};
use rhai::plugin::*;
use rhai::{Array, Dynamic, FnPtr, ImmutableString, Map, NativeCallContext};
use std::cell::RefCell;

/// The closures of one operation.
struct Closures {
    read: FnPtr,
    diff: Option<FnPtr>,
    apply: FnPtr,
    undo: Option<FnPtr>,
}

const OWN: &[&str] = &["read", "diff", "apply", "undo"];

/// What `read` found still to be done: nothing at all, or a value for `apply`.
fn nothing_left(left: &Dynamic) -> bool {
    left.is_unit()
        || left.as_bool().is_ok_and(|left| !left)
        || left.read_lock::<Array>().is_some_and(|left| left.is_empty())
        || left.read_lock::<Map>().is_some_and(|left| left.is_empty())
}

fn words(left: &Dynamic) -> String {
    match left.read_lock::<Array>() {
        Some(array) => array.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        None if left.is_bool() => "changed".into(),
        None => left.to_string(),
    }
}

/// The plan of a custom operation, made before the engine is asked: closures run other operations themselves.
struct Prepared {
    text: String,
    diff: Option<(String, String)>,
    left: bool,
    managed: [Managed; 1],
}

impl Planned for Prepared {
    fn plan(&self, _: &mut View<'_>) -> Result<Plan, OpError> {
        if !self.left {
            return Ok(Plan::new());
        }
        let mut change = Change::new(Sign::Update, self.text.clone());
        change.diff.clone_from(&self.diff);
        Ok(change.into())
    }

    fn manages(&self) -> &[Managed] {
        &self.managed
    }
}

fn closures(ctx: &NativeCallContext, kind: &str, map: &mut Map) -> RhaiResultOf<Closures> {
    let mut take = |key: &str| match map.remove(key) {
        None => Ok(None),
        Some(value) => match value.try_cast::<FnPtr>() {
            Some(closure) => Ok(Some(closure)),
            None => Err(mistake(ctx, format!("`{kind}`: `{key}` must be a closure"), None)),
        },
    };
    let (read, diff, apply, undo) = (take("read")?, take("diff")?, take("apply")?, take("undo")?);
    let required = |closure: Option<FnPtr>, key: &str| {
        closure.ok_or_else(|| mistake(ctx, format!("`{kind}` needs the closure `{key}`"), None))
    };
    Ok(Closures { read: required(read, "read")?, diff, apply: required(apply, "apply")?, undo })
}

/// Operations of one's own.
#[export_module]
pub mod op {
    use super::*;

    /// Runs an operation written in Rhai, so that it gets plan, diff, history and undo like a built-in one.
    ///
    /// `kind` is its name for people, `target` the thing on the host. The closures are `read`, which only reads and
    /// gives what is left to be done (`()`, `false` or an empty array or map when nothing is); `apply`, which gets the
    /// host and that value and does it; `diff`, which gets the same and gives a text, or an array of the text before
    /// and after; `undo`, which gets the same when a block with `undo: true` fails later. All common arguments are
    /// taken too. In a plan `apply` is called as well: the operations in it predict what they would do, until a value
    /// decides that is known only after apply.
    ///
    /// ```rhai
    /// op::custom("nala::installed", ["curl"], #{
    ///     read: |h| ["curl"].filter(|name| !h.has_pkg(name)),
    ///     apply: |h, missing| cmd::run(["nala", "install", "-y"] + missing),
    ///     undo: |h, missing| cmd::run(["nala", "remove", "-y"] + missing),
    /// });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn custom(ctx: NativeCallContext, kind: ImmutableString, target: Dynamic, want: Map) -> RhaiResultOf<Done> {
        super::run(&ctx, &kind, &target, want)
    }
}

fn run(ctx: &NativeCallContext, kind: &str, target: &Dynamic, mut want: Map) -> RhaiResultOf<Done> {
    let here = Here::of(ctx);
    let closures = closures(ctx, kind, &mut want)?;
    let common = Common::take(&mut want, OWN)
        .map_err(|wrong| mistake(ctx, format!("`{kind}`: `{}` {}", wrong.argument, wrong.problem), None))?;
    if let Some(key) = want.keys().next() {
        let known = OWN.iter().chain(super::common::COMMON).copied();
        let hint = nearest(key, known).map(|nearest| format!("did you mean `{nearest}`?"));
        return Err(mistake(ctx, format!("`{kind}` has no argument `{key}`"), hint));
    }
    let target = texts(target).map(|texts| texts.join(" ")).or_else(|_| text(target));
    let target = target.map_err(|problem| mistake(ctx, format!("`{kind}`: the target {problem}"), None))?;
    let kind = interned(kind);
    let actor = here.actor();
    elsewhere(ctx, &here, &common, || {
        let settings = common.settings.clone();
        let outcome = actor.with_settings(settings, || custom(ctx, &here, kind, &target, &common, &closures))?;
        Ok(Done::new(vec![outcome], !actor.run.options.mode.applies()))
    })
}

fn custom(
    ctx: &NativeCallContext,
    here: &Here,
    kind: &'static str,
    target: &str,
    common: &Common,
    closures: &Closures,
) -> RhaiResultOf<crate::engine::Outcome> {
    let host = current(here);
    let mut gate = gate(ctx, common)?;
    let actor = here.actor();
    gate.skip = gate.skip.or_else(|| actor.run.options.tags.refuses(&actor.settings().tags));
    let left = match &gate {
        Gate { skip: None, unknown: None } => read(ctx, closures, &host, &mut gate)?,
        _ => Dynamic::UNIT,
    };
    let prepared = Prepared {
        text: crate::secret::redact(&words(&left)),
        diff: shown(ctx, closures, &host, &left)?,
        left: !nothing_left(&left),
        managed: [Args(&serde_json::Value::Null).thing("custom", format!("{kind} {target}"))],
    };
    let raised = RefCell::new(None);
    let act = || match closure::run(ctx, &closures.apply, vec![host.clone(), left.clone()]) {
        Ok(()) => Ok(true),
        Err(error) if super::error::unpredictable(&error).is_some() => Ok(false),
        Err(error) => {
            let failure = failure_of(&error, called_at(ctx));
            raised.replace(Some(error));
            Err(Box::new(failure))
        }
    };
    let before = here.undo().len();
    let outcome = perform_acting(ctx, here, kind, target, gate, common, &prepared, Some(&act));
    // The error of the operation that failed inside says more than that of the whole, and may end the host.
    if let Some(error) = raised.into_inner().filter(|_| outcome.is_err()) {
        return Err(error);
    }
    let outcome = outcome?;
    if let (Some(undo), Some(OpStatus::Changed)) = (&closures.undo, outcome.status)
        && actor.run.options.mode.applies()
    {
        // It takes back all that `apply` did.
        here.undo().cut(before);
        let what = format!("{kind} {target}");
        let closure = closure::Kept::new(ctx, undo.clone());
        here.undo().note(Undo::closure(what, closure, vec![host, left]));
    }
    Ok(outcome)
}

/// What is left to be done, unless only an apply can tell.
fn read(ctx: &NativeCallContext, closures: &Closures, host: &Dynamic, gate: &mut Gate) -> RhaiResultOf<Dynamic> {
    let left = closure::call(ctx, &closures.read, vec![host.clone()]);
    gate.unknown = match &left {
        Ok(left) => left.read_lock::<super::opaque::Opaque>().map(|opaque| opaque.reason()),
        Err(error) => super::error::unpredictable(error),
    };
    if gate.unknown.is_some() { Ok(Dynamic::UNIT) } else { left }
}

fn shown(
    ctx: &NativeCallContext,
    closures: &Closures,
    host: &Dynamic,
    left: &Dynamic,
) -> RhaiResultOf<Option<(String, String)>> {
    let Some(diff) = closures.diff.as_ref().filter(|_| !nothing_left(left)) else {
        return Ok(None);
    };
    let value = closure::call(ctx, diff, vec![host.clone(), left.clone()])?;
    let sides = value.read_lock::<Array>().map(|sides| sides.iter().map(ToString::to_string).collect::<Vec<_>>());
    Ok(match sides.as_deref() {
        Some([before, after]) => Some((before.clone(), after.clone())),
        Some(_) => return Err(mistake(ctx, "`diff` must give a text, or an array of the text before and after", None)),
        None => Some((String::new(), value.to_string())),
    })
}

/// Names of custom operations live as long as the process; there are few.
fn interned(name: &str) -> &'static str {
    use std::collections::HashSet;
    use std::sync::Mutex;
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let names = names.get_or_insert_with(HashSet::new);
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(name);
    name
}
