//! Operations on the project: done once a run, whatever the hosts.

use super::handles::{Certificate, Facts, Kept, failed};
use super::kept::Revoke;
use super::options::{self, json_of, name_of};
use super::work::{self, Issue};
use crate::ops::Entry;
use crate::script::done::Done;
use crate::script::error::{RhaiResultOf, mistake};
use crate::script::here::Here;
use crate::script::once::{Known, is_asked, known, once, refused, taken};
use rhai::{Dynamic, Map, NativeCallContext};
use std::sync::Arc;

/// `cert::ca`, `cert::intermediate`, `cert::issue`, `cert::self_signed`.
pub fn issue(ctx: &NativeCallContext, op: &'static str, name: &str, options: Map) -> RhaiResultOf<Certificate> {
    let here = Here::of(ctx);
    let (common, options) = taken(ctx, entry(op), name, options, json_of)?;
    let want = options::want(op, options).map_err(|error| refused(ctx, entry(op), &error))?;
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
    let name =
        name_of(certificate).map_err(|problem| mistake(ctx, format!("`{op}`: argument `name` {problem}"), None))?;
    let (common, options) = taken(ctx, entry(op), &name, options, json_of)?;
    let reason = options::revocation(options).map_err(|error| refused(ctx, entry(op), &error))?;
    once(ctx, &here, (op, &name), &common, &Revoke { name: &name, reason, authority: &here.world().authority })
}

/// The certificate that is there under a name, whatever is wanted of it.
fn there(ctx: &NativeCallContext, here: &Here, name: &str) -> RhaiResultOf<Option<Arc<Kept>>> {
    work::there(&here.world().authority, name).map_err(|error| failed(ctx, &error))
}

fn entry(op: &str) -> &'static Entry {
    super::entry(op).expect("it is one of ours")
}
