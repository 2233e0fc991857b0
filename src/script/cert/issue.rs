//! Operations on the project: done once a run, whatever the hosts.

use super::super::common::Common;
use super::super::done::Done;
use super::super::ensure::{calling, elsewhere, gate, refusal_hint};
use super::super::error::{RhaiResultOf, mistake, stopped};
use super::super::here::Here;
use super::handles::{Certificate, Facts, Kept, failed};
use super::options::{self, json_of, name_of};
use super::kept::Revoke;
use super::work::{self, Issue};
use crate::engine::{Outcome, Shared};
use crate::event::OpStatus;
use crate::ops::ArgumentError;
use rhai::{Dynamic, EvalAltResult, Map, NativeCallContext};
use serde_json::Value;
use std::sync::Arc;

/// `cert::ca`, `cert::intermediate`, `cert::issue`, `cert::self_signed`.
pub fn issue(ctx: &NativeCallContext, op: &'static str, name: &str, options: Map) -> RhaiResultOf<Certificate> {
    let here = Here::of(ctx);
    let (common, options) = taken(ctx, op, name, options)?;
    let want = options::want(op, options).map_err(|error| wrong(ctx, op, &error))?;
    want.check(name).map_err(|error| mistake(ctx, format!("`{op}`: {error}"), error.hint()))?;
    let issue = Issue { name, want: &want, authority: &here.world().authority };
    let done = once(ctx, &here, (op, name), &common, &issue)?;
    let facts = match known(&here, &done) {
        Known::Soon => Facts::Pending,
        Known::Now => issue.found().map_err(|error| failed(ctx, &error))?.map_or(Facts::Missing, Facts::Known),
        Known::Never => there(ctx, &here, name)?.map_or(Facts::Missing, Facts::Known),
    };
    Ok(Certificate::new(name.to_owned(), done, facts))
}

/// `cert::named`.
pub fn named(ctx: &NativeCallContext, name: &str) -> RhaiResultOf<Certificate> {
    let here = Here::of(ctx);
    let certificate = |facts| Certificate::new(name.to_owned(), Done::default(), facts);
    if !is_asked(&here) || here.world().authority.is_pending(name) {
        return Ok(certificate(Facts::Pending));
    }
    match there(ctx, &here, name)? {
        Some(kept) => Ok(certificate(Facts::Known(kept))),
        None => {
            let hint = "`rhapsode pki list` shows what there is; `cert::issue` issues one".to_owned();
            Err(mistake(ctx, format!("there is no certificate `{name}` in this project"), Some(hint)))
        }
    }
}

/// `cert::revoke`.
pub fn revoke(ctx: &NativeCallContext, certificate: &Dynamic, options: Map) -> RhaiResultOf<Done> {
    let op = "cert::revoke";
    let here = Here::of(ctx);
    let name = name_of(certificate).map_err(|problem| mistake(ctx, format!("`{op}`: argument `name` {problem}"), None))?;
    let (common, options) = taken(ctx, op, &name, options)?;
    let reason = options::revocation(options).map_err(|error| wrong(ctx, op, &error))?;
    once(ctx, &here, (op, &name), &common, &Revoke { name: &name, reason, authority: &here.world().authority })
}

/// What can be known of what an operation on the project made.
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
fn is_asked(here: &Here) -> bool {
    here.actor().own().line().is_real()
}

/// The certificate that is there under a name, whatever is wanted of it.
fn there(ctx: &NativeCallContext, here: &Here, name: &str) -> RhaiResultOf<Option<Arc<Kept>>> {
    work::there(&here.world().authority, name).map_err(|error| failed(ctx, &error))
}

/// Runs work on the project.
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
        let run = |call: &crate::engine::Call<'_>| here.actor().perform_shared(call, shared);
        let performed: Outcome = calling(ctx, (op, target), gate, common, None, run).map_err(|stop| stopped(ctx, stop))?;
        Ok(Done::new(vec![performed], !here.actor().run.options.mode.applies()))
    })
}

/// The common arguments, and the others as JSON with the name among them.
fn taken(ctx: &NativeCallContext, op: &'static str, name: &str, mut options: Map) -> RhaiResultOf<(Common, Value)> {
    let argument = |argument: &str, problem: &str| mistake(ctx, format!("`{op}`: argument `{argument}` {problem}"), None);
    let entry = super::entry(op).expect("it is one of ours");
    let common = Common::take(&mut options, (entry.fields)());
    let common = common.map_err(|wrong| argument(&wrong.argument, &wrong.problem))?;
    let mut json = json_of(&options).map_err(|(key, problem)| argument(&key, &problem))?;
    if let Some(what) = super::super::ensure::unknown_in(&json) {
        return Err(super::super::error::end(
            super::super::error::Ending::NotPredictable { reason: what },
            ctx.call_position(),
        ));
    }
    json["name"] = name.into();
    Ok((common, json))
}

fn wrong(ctx: &NativeCallContext, op: &str, error: &ArgumentError) -> Box<EvalAltResult> {
    let entry = super::entry(op).expect("it is one of ours");
    mistake(ctx, error.to_string(), refusal_hint(entry, error))
}
