//! From certificates of the project to files and stores of hosts.

use super::handles::{Bundle, Certificate, Kept, failed};
use super::issue::named;
use super::kept::{List, Pack};
use super::options::name_of;
use crate::pki::{inspect, read_certificates};
use crate::script::done::Done;
use crate::script::ensure::ensure;
use crate::script::error::{RhaiResultOf, mistake};
use crate::script::here::Here;
use crate::script::once::{Known, conditions, known, once};
use crate::script::opaque::Opaque;
use crate::script::places::calling;
use rhai::{Array, Dynamic, EvalAltResult, Map, NativeCallContext};
use std::sync::Arc;

fn wrong(ctx: &NativeCallContext, op: &str, argument: &str, problem: &str) -> Box<EvalAltResult> {
    mistake(ctx, format!("`{op}`: argument `{argument}`: {problem}"), None)
}

/// The certificate that an argument is, or names.
fn certificate_of(ctx: &NativeCallContext, op: &str, value: &Dynamic) -> RhaiResultOf<Certificate> {
    if let Some(certificate) = value.read_lock::<Certificate>() {
        return Ok(certificate.clone());
    }
    let name = name_of(value).map_err(|problem| wrong(ctx, op, "certificate", &problem))?;
    named(ctx, &name)
}

/// `cert::present`.
pub fn present(ctx: &NativeCallContext, path: Dynamic, certificate: &Dynamic, mut want: Map) -> RhaiResultOf<Done> {
    let op = "cert::present";
    let material = match certificate.read_lock::<Map>() {
        Some(map) => given(map.clone()),
        None => material(ctx, &certificate_of(ctx, op, certificate)?)?,
    };
    want.insert("certificate".into(), material.into());
    ensure(ctx, op, path, want)
}

/// A certificate from elsewhere; its key is a secret, whatever it came as.
fn given(mut map: Map) -> Map {
    if let Some(key) = map.get("key").and_then(|key| key.clone().into_string().ok()) {
        map.insert("key".into(), Dynamic::from(Opaque(crate::secret::conceal(key).to_string())));
    }
    map
}

fn material(ctx: &NativeCallContext, certificate: &Certificate) -> RhaiResultOf<Map> {
    let Some(kept) = certificate.kept(ctx)? else {
        return Ok(Map::from([("cert".into(), Dynamic::from(certificate.pending("the text")))]));
    };
    let key = kept.key(ctx)?;
    let facts = &kept.certificate;
    Ok(Map::from([
        ("cert".into(), facts.pem.clone().into()),
        ("chain".into(), kept.issuers_pem().into()),
        ("root".into(), facts.bundle_pem.clone().into()),
        ("key".into(), Dynamic::from(key)),
    ]))
}

/// `cert::pkcs12`.
pub fn pkcs12(ctx: &NativeCallContext, path: Dynamic, certificate: &Dynamic, mut want: Map) -> RhaiResultOf<Bundle> {
    let op = "cert::pkcs12";
    let here = Here::of(ctx);
    let certificate = certificate_of(ctx, op, certificate)?;
    let friendly = match want.get("friendly_name") {
        Some(name) => crate::script::common::text(name).map_err(|problem| wrong(ctx, op, "friendly_name", &problem))?,
        None => certificate.name().to_owned(),
    };
    let kept = certificate.kept(ctx)?;
    kept.map_or(Ok(()), |kept| refuse_authority(ctx, op, kept))?;
    let pack = Pack { name: certificate.name(), kept, friendly: &friendly, authority: &here.world().authority };
    let made = once(ctx, &here, (op, certificate.name()), &conditions(ctx, &want)?, &pack)?;
    let (content, password) = match (known(&here, &made), kept) {
        (Known::Now, Some(kept)) => {
            let packed = pack.packed(kept).map_err(|error| failed(ctx, &error))?;
            let password = crate::secret::conceal(packed.password.as_str());
            (Dynamic::from(packed.der.to_vec()), Opaque(password.to_string()))
        }
        _ => (Dynamic::from(certificate.pending("the PKCS#12 file")), certificate.pending("the password")),
    };
    want.insert("content".into(), content);
    let deployed = ensure(ctx, op, path, want)?;
    Ok(Bundle { done: made.and(deployed), password })
}

fn refuse_authority(ctx: &NativeCallContext, op: &str, kept: &Arc<Kept>) -> RhaiResultOf<()> {
    match kept.certificate.kind.is_authority() {
        true => {
            let text = format!("`{}` is an authority, whose key stays in the project", kept.certificate.name);
            Err(wrong(ctx, op, "certificate", &text))
        }
        false => Ok(()),
    }
}

/// `cert::crl`.
pub fn crl(ctx: &NativeCallContext, path: Dynamic, ca: &Dynamic, mut want: Map) -> RhaiResultOf<Done> {
    let op = "cert::crl";
    let here = Here::of(ctx);
    let name = name_of(ca).map_err(|problem| wrong(ctx, op, "ca", &problem))?;
    let list = List { name: &name, authority: &here.world().authority };
    let made = once(ctx, &here, (op, &name), &conditions(ctx, &want)?, &list)?;
    let content = match known(&here, &made) {
        Known::Now => Dynamic::from(list.text().map_err(|error| failed(ctx, &error))?),
        Known::Soon | Known::Never => Dynamic::from(Opaque::unknown(format!("the list of what `{name}` revoked"))),
    };
    want.insert("content".into(), content);
    Ok(made.and(ensure(ctx, op, path, want)?))
}

/// `cert::trust`.
pub fn trust(ctx: &NativeCallContext, name: Dynamic, mut want: Map) -> RhaiResultOf<Done> {
    let op = "cert::trust";
    let mut texts: Vec<Dynamic> = Vec::new();
    for argument in ["certificate", "certificates"] {
        let Some(value) = want.get(argument).cloned() else { continue };
        let many = value.read_lock::<Array>().map_or_else(|| vec![value.clone()], |array| array.clone());
        for one in many {
            texts.push(match one.read_lock::<Certificate>() {
                Some(certificate) => trusted(ctx, op, &certificate)?,
                None => one.clone(),
            });
        }
        want.remove(argument);
    }
    if let Some(name) = want.remove("src") {
        texts.push(local(ctx, op, &name)?.into());
    }
    let plain: Option<Vec<String>> = texts.iter().map(|text| text.clone().into_string().ok()).collect();
    match plain {
        Some(plain) if !plain.is_empty() => {
            let read = |text: &String| read_certificates(text);
            let mut ders: Vec<Vec<u8>> = Vec::new();
            for der in plain.iter().map(read).collect::<Result<Vec<_>, _>>().unwrap_or_default().concat() {
                if !ders.contains(&der) {
                    ders.push(der);
                }
            }
            let seen: Result<Vec<_>, _> = ders.iter().map(|der| inspect(der)).collect();
            let seen = seen.map_err(|error| failed(ctx, &error))?;
            let hashes: Array = seen.into_iter().map(|seen| seen.subject_hash.into()).collect();
            want.insert("subject_hashes".into(), hashes.into());
            want.insert("certificates".into(), texts.into());
        }
        _ if !texts.is_empty() => {
            want.insert("certificates".into(), texts.into());
        }
        _ => {}
    }
    ensure(ctx, op, name, want)
}

/// A file of this machine.
fn local(ctx: &NativeCallContext, op: &str, name: &Dynamic) -> RhaiResultOf<String> {
    let name = crate::script::common::text(name).map_err(|problem| wrong(ctx, op, "src", &problem))?;
    let project = Here::of(ctx).project().clone();
    let found = project.find(&name, calling(ctx).as_deref());
    let found = found.map_err(|tried| mistake(ctx, tried, Some(crate::script::syntax::PATHS.into())))?;
    project.note_local(&found);
    std::fs::read_to_string(&found).map_err(|error| wrong(ctx, op, "src", &format!("cannot read `{name}`: {error}")))
}

/// What hosts shall trust of a certificate: of an authority its roots, of one that signed itself that.
fn trusted(ctx: &NativeCallContext, op: &str, certificate: &Certificate) -> RhaiResultOf<Dynamic> {
    let Some(kept) = certificate.kept(ctx)? else {
        return Ok(Dynamic::from(certificate.pending("the text")));
    };
    let facts = &kept.certificate;
    match facts.kind {
        crate::pki::Kind::Leaf => {
            let text = format!("`{}` is no authority; give the one that issued it", facts.name);
            Err(wrong(ctx, op, "certificate", &text))
        }
        _ => Ok(facts.bundle_pem.clone().into()),
    }
}
