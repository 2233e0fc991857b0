//! Operations on keys and certificates of OpenSSH: in the project once a run, then on hosts.

use super::super::common::{self, Common};
use super::super::done::Done;
use super::super::ensure::{ensure, gate};
use super::super::error::{RhaiResultOf, mistake, raise};
use super::super::here::Here;
use super::super::once::{self, Known, conditions, is_asked, known, once};
use super::super::opaque::Opaque;
use super::super::places::calling;
use super::handles::{Facts, SshCertificate, SshKey};
use super::options::{self, HostOptions, RevokedOptions, UserOptions, json_of, name_of};
use super::work::{Certify, Key, Revocation, pending};
use crate::engine::Shared;
use crate::event::Failure;
use crate::ops::OpError;
use crate::pki::ssh::{CertificateWant, KeyWant, Revoke, SshError, authorized_keys as merged, read_public};
use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Map, NativeCallContext};
use serde::de::DeserializeOwned;
use ssh_key::PublicKey;

type Text = Result<String, Opaque>;

fn failed(ctx: &NativeCallContext, error: &SshError) -> Box<EvalAltResult> {
    let failure = Failure { hint: error.hint.clone(), ..Failure::of(error) };
    raise(&failure, ctx.fn_name(), "", ctx.call_position())
}

/// The same, where the playbook itself is wrong.
fn mistaken(ctx: &NativeCallContext, op: &str, error: &SshError) -> Box<EvalAltResult> {
    let causes = Failure::of(error).causes;
    let message = std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": ");
    mistake(ctx, format!("`{op}`: {message}"), error.hint.clone())
}

fn wrong(ctx: &NativeCallContext, op: &str, problem: impl std::fmt::Display) -> Box<EvalAltResult> {
    mistake(ctx, format!("`{op}`: {problem}"), None)
}

/// The common arguments, and the others.
fn taken<T: DeserializeOwned>(ctx: &NativeCallContext, op: &'static str, map: Map) -> RhaiResultOf<(Common, T)> {
    let entry = super::entry(op).expect("it is one of ours");
    let (common, mut json) = once::taken(ctx, entry, "", map, json_of)?;
    json.as_object_mut().and_then(|map| map.remove(entry.target));
    let own = options::read(op, json).map_err(|error| once::refused(ctx, entry, &error))?;
    Ok((common, own))
}

/// `ssh::key` and `ssh::ca`.
pub fn key(ctx: &NativeCallContext, op: &'static str, name: &str, options: Map) -> RhaiResultOf<SshKey> {
    let here = Here::of(ctx);
    let (common, want) = taken::<KeyWant>(ctx, op, options)?;
    want.check().map_err(|error| mistaken(ctx, op, &error))?;
    let is_authority = op == "ssh::ca";
    let work = Key { name, want: &want, is_authority, authority: &here.world().authority };
    let done = once(ctx, &here, (op, name), &common, &work)?;
    let found = || work.found().map_err(|error| failed(ctx, &error));
    let facts = match known(&here, &done) {
        Known::Soon => Facts::Pending,
        Known::Now => found()?.map_or(Facts::Missing, Facts::Known),
        Known::Never => found().ok().flatten().map_or(Facts::Missing, Facts::Known),
    };
    Ok(SshKey { name: name.to_owned(), done, facts, authority: is_authority })
}

/// `ssh::user_certificate`.
pub fn user_certificate(ctx: &NativeCallContext, name: &str, mut options: Map) -> RhaiResultOf<SshCertificate> {
    let op = "ssh::user_certificate";
    let key = options.get("key").cloned().unwrap_or_default();
    let text = match public_text(ctx, op, &key)? {
        Ok(text) => text,
        Err(unknown) => return pending_certificate(ctx, op, name, options, &unknown),
    };
    options.insert("key".into(), text.into());
    let (common, own) = taken::<UserOptions>(ctx, op, options)?;
    let ca = own.ca.clone();
    let want = own.want().map_err(|error| mistaken(ctx, op, &error))?;
    certificate(ctx, op, (&ca, name), &common, &want)
}

/// Of a key that an apply makes only that can be told, that it will have a certificate.
fn pending_certificate(
    ctx: &NativeCallContext,
    op: &'static str,
    name: &str,
    mut options: Map,
    unknown: &Opaque,
) -> RhaiResultOf<SshCertificate> {
    struct Waits(String, String);

    impl Shared for Waits {
        fn key(&self) -> String {
            format!("ssh certificate of {}", self.0)
        }

        fn want(&self) -> String {
            String::new()
        }

        fn look(&self) -> Result<Vec<crate::ops::Change>, OpError> {
            Err(OpError::Unknown(self.1.clone()))
        }

        fn work(&self) -> Result<(), OpError> {
            Ok(())
        }
    }

    options.insert("key".into(), "-".into());
    let (common, _) = taken::<UserOptions>(ctx, op, options)?;
    let here = Here::of(ctx);
    let done = once(ctx, &here, (op, name), &common, &Waits(name.to_owned(), unknown.reason()))?;
    Ok(SshCertificate { name: name.to_owned(), done, facts: Facts::Pending })
}

fn certificate(
    ctx: &NativeCallContext,
    op: &'static str,
    (ca, name): (&str, &str),
    common: &Common,
    want: &CertificateWant,
) -> RhaiResultOf<SshCertificate> {
    let here = Here::of(ctx);
    let work = Certify { ca, name, want, authority: &here.world().authority };
    let done = once(ctx, &here, (op, name), common, &work)?;
    let found = || work.found().map_err(|error| failed(ctx, &error));
    let facts = match known(&here, &done) {
        Known::Soon => Facts::Pending,
        Known::Now => found()?.map_or(Facts::Missing, Facts::Known),
        Known::Never => found().ok().flatten().map_or(Facts::Missing, Facts::Known),
    };
    Ok(SshCertificate { name: name.to_owned(), done, facts })
}

/// The public key that an argument is or names, or what stands for it until an apply.
fn public_text(ctx: &NativeCallContext, op: &str, value: &Dynamic) -> RhaiResultOf<Text> {
    let line = match value.read_lock::<SshKey>() {
        Some(key) => key.line(ctx)?,
        None => value.clone(),
    };
    if let Some(unknown) = line.read_lock::<Opaque>() {
        return Ok(Err(unknown.clone()));
    }
    let text = common::text(&line).map_err(|problem| wrong(ctx, op, format!("argument `key` {problem}")))?;
    if text.contains(' ') {
        return Ok(Ok(text));
    }
    let here = Here::of(ctx);
    let waits = ["key", "authority"].iter().any(|kind| here.world().authority.is_pending(&pending(kind, &text)));
    if waits || !is_asked(&here) {
        return Ok(Err(Opaque::unknown(format!("the public key of the key `{text}`"))));
    }
    let pair = here.world().authority.ssh().key(&text).map_err(|error| failed(ctx, &error))?;
    Ok(Ok(pair.line()))
}

/// False when `when`, `unless`, `requires` or tags keep an operation from running.
fn runs(ctx: &NativeCallContext, here: &Here, common: &Common) -> RhaiResultOf<bool> {
    let tags = common.settings.clone().over(&here.actor().settings()).tags;
    let refused = here.actor().run.options.tags.refuses(&tags);
    Ok(refused.is_none() && gate(ctx, common)?.skip.is_none())
}

/// `ssh::host_certificate`.
pub fn host_certificate(ctx: &NativeCallContext, ca: &Dynamic, mut want: Map) -> RhaiResultOf<Done> {
    const KEY: &str = "/etc/ssh/ssh_host_ed25519_key.pub";
    let op = "ssh::host_certificate";
    let here = Here::of(ctx);
    let ca = name_of(ca).map_err(|problem| wrong(ctx, op, format!("argument `ca` {problem}")))?;
    let common = conditions(ctx, &want)?;
    let names = crate::ops::fields::<HostOptions>();
    let own: Map = names.iter().filter_map(|name| Some(((*name).into(), want.remove(*name)?))).collect();
    let (_, own) = taken::<HostOptions>(ctx, op, own)?;
    let path = own.key.clone().unwrap_or_else(|| KEY.to_owned());
    let Some(stem) = path.strip_suffix(".pub").filter(|stem| stem.starts_with('/')) else {
        return Err(wrong(ctx, op, format!("argument `key`: `{path}` is not the path of a public key on the host")));
    };
    let (host, address) = super::super::host::name_and_address(&here);
    let text = match runs(ctx, &here, &common)? {
        true => super::super::fact::file_text(ctx, &path)?,
        false => Err(Opaque::unknown("a certificate that is not issued")),
    };
    let (content, made) = match text {
        Err(unknown) => (Dynamic::from(unknown), Done::default()),
        Ok(text) => {
            let public: PublicKey =
                read_public(&format!("`{path}` on `{host}`"), &text).map_err(|error| failed(ctx, &error))?;
            let wanted = own.want(public, &host, &address).map_err(|error| mistaken(ctx, op, &error))?;
            let file = stem.rsplit('/').next().unwrap_or(stem);
            let issued = certificate(ctx, op, (&ca, &format!("{host}/{file}")), &common, &wanted)?;
            (issued.line(ctx)?, issued.done)
        }
    };
    let content = match content.read_lock::<Opaque>() {
        Some(unknown) => Dynamic::from(unknown.clone()),
        None => format!("{content}\n").into(),
    };
    let target: Dynamic = format!("{stem}-cert.pub").into();
    for (name, value) in [("owner", "root"), ("group", "root"), ("mode", "0644")] {
        want.entry(name.into()).or_insert_with(|| value.into());
    }
    want.insert("content".into(), content);
    Ok(made.and(ensure(ctx, "file::put", target, want)?))
}

/// `ssh::revoked`.
pub fn revoked(ctx: &NativeCallContext, ca: &Dynamic, what: &Dynamic, options: Map) -> RhaiResultOf<Done> {
    let op = "ssh::revoked";
    let here = Here::of(ctx);
    let ca = name_of(ca).map_err(|problem| wrong(ctx, op, format!("argument `ca` {problem}")))?;
    let (common, own) = taken::<RevokedOptions>(ctx, op, options)?;
    let many = what.read_lock::<Array>().map_or_else(|| vec![what.clone()], |array| array.clone());
    let mut done = Done::default();
    for one in many {
        let what = revocation(ctx, op, &one)?;
        let target = format!("{ca}: {}", shown(&what));
        let authority = &here.world().authority;
        let work = Revocation { ca: &ca, what: &what, reason: own.reason.as_deref(), authority };
        done = done.and(once(ctx, &here, (op, &target), &common, &work)?);
    }
    Ok(done)
}

fn shown(what: &Revoke) -> String {
    match what {
        Revoke::Serial(serial) => format!("serial {serial}"),
        Revoke::Name(name) => name.clone(),
        Revoke::Key(key) => key.fingerprint(ssh_key::HashAlg::Sha256).to_string(),
    }
}

fn revocation(ctx: &NativeCallContext, op: &str, what: &Dynamic) -> RhaiResultOf<Revoke> {
    if let Ok(serial) = what.as_int() {
        let serial = u64::try_from(serial).map_err(|_| wrong(ctx, op, format!("{serial} is no serial number")))?;
        return Ok(Revoke::Serial(serial));
    }
    if let Some(certificate) = what.read_lock::<SshCertificate>() {
        return Ok(Revoke::Name(certificate.name.clone()));
    }
    let text = match what.read_lock::<SshKey>() {
        Some(key) => key.line(ctx)?,
        None => what.clone(),
    };
    let expected = "what is revoked is a serial number, the name of a certificate, or a public key";
    let text = common::text(&text).map_err(|_| wrong(ctx, op, expected))?;
    if !text.contains(' ') {
        return Ok(Revoke::Name(text));
    }
    let key = read_public("what is to be revoked", &text).map_err(|error| mistaken(ctx, op, &error))?;
    Ok(Revoke::Key(Box::new(key)))
}

/// `ssh::krl`.
pub fn krl(ctx: &NativeCallContext, path: Dynamic, ca: &Dynamic, mut want: Map) -> RhaiResultOf<Done> {
    let op = "ssh::krl";
    let here = Here::of(ctx);
    let authority = &here.world().authority;
    let ca = name_of(ca).map_err(|problem| wrong(ctx, op, format!("argument `ca` {problem}")))?;
    let ssh = authority.ssh_elsewhere().unwrap_or_else(|| authority.ssh());
    let waits = ["authority", "list"].iter().any(|kind| authority.is_pending(&pending(kind, &ca)));
    if waits || !is_asked(&here) {
        want.insert("content".into(), Dynamic::from(Opaque::unknown(format!("what the authority `{ca}` revoked"))));
    } else {
        let list = ssh.revocations(&ca).map_err(|error| failed(ctx, &error))?;
        want.insert("src".into(), list.display().to_string().into());
    }
    want.entry("mode".into()).or_insert_with(|| "0644".into());
    ensure(ctx, "file::put", path, want)
}

/// `ssh::cert_authority`.
pub fn cert_authority_with(
    ctx: &NativeCallContext,
    ca: &Dynamic,
    hosts: &Dynamic,
    options: &Map,
) -> RhaiResultOf<Dynamic> {
    let op = "ssh::cert_authority";
    if let Some(key) = options.keys().find(|key| key.as_str() != "hash") {
        return Err(mistake(ctx, format!("`{op}` has no option `{key}`"), Some("it takes `hash`".into())));
    }
    let hash = options.get("hash").map_or(Ok(false), Dynamic::as_bool);
    let hash = hash.map_err(|kind| wrong(ctx, op, format!("argument `hash` must be true or false, not a {kind}")))?;
    cert_authority(ctx, ca, hosts, hash)
}

fn cert_authority(ctx: &NativeCallContext, ca: &Dynamic, hosts: &Dynamic, hash: bool) -> RhaiResultOf<Dynamic> {
    let op = "ssh::cert_authority";
    let hosts = common::texts(hosts).map_err(|problem| wrong(ctx, op, format!("argument `hosts` {problem}")))?;
    let line = match ca.read_lock::<SshKey>() {
        Some(key) => key.line(ctx)?,
        None => match public_text(ctx, op, ca)? {
            Ok(text) => text.into(),
            Err(unknown) => Dynamic::from(unknown),
        },
    };
    if line.is::<Opaque>() {
        return Ok(line);
    }
    let key = crate::ops::ssh::Key::parse(&line.to_string()).map_err(|problem| wrong(ctx, op, problem))?;
    let mut text = String::new();
    for host in &hosts {
        let odd = |c: char| c.is_whitespace() || c.is_control() || c == ',' || c == '#';
        if host.is_empty() || host.contains(odd) || (hash && host.contains(['*', '?', '!'])) {
            let kind = if hash { "name of a host that could be hashed" } else { "name or pattern of hosts" };
            return Err(wrong(ctx, op, format!("{host:?} is no {kind}")));
        }
        let lines = crate::ops::ssh::Lines { host: host.to_ascii_lowercase(), authority: true, hash };
        text.push_str(&lines.line(&key));
    }
    Ok(text.into())
}

/// `ssh::authorized_keys`.
pub fn authorized_keys(ctx: &NativeCallContext, sources: &Array) -> RhaiResultOf<Dynamic> {
    let op = "ssh::authorized_keys";
    let mut texts: Vec<(String, String)> = Vec::new();
    for source in sources {
        let line = match source.read_lock::<SshKey>() {
            Some(key) => key.line(ctx)?,
            None => source.clone(),
        };
        if line.is::<Opaque>() {
            return Ok(line);
        }
        let text = common::text(&line).map_err(|problem| wrong(ctx, op, format!("a source {problem}")))?;
        texts.push(match text.trim().contains([' ', '\n']) {
            true => (format!("the text `{}`", first_words(&text)), text),
            false => (format!("`{text}`"), local(ctx, op, &text)?),
        });
    }
    let list = merged(texts.iter().map(|(what, text)| (what.as_str(), text.as_str())));
    list.map(Dynamic::from).map_err(|error| mistaken(ctx, op, &error))
}

fn first_words(text: &str) -> ImmutableString {
    text.trim().chars().take(40).collect::<String>().replace('\n', " ").into()
}

/// A file of the project.
fn local(ctx: &NativeCallContext, op: &str, name: &str) -> RhaiResultOf<String> {
    let project = Here::of(ctx).project().clone();
    let found = project.find(name, calling(ctx).as_deref());
    let found = found.map_err(|tried| mistake(ctx, tried, Some(super::super::syntax::PATHS.into())))?;
    project.note_local(&found);
    std::fs::read_to_string(&found).map_err(|error| wrong(ctx, op, format!("cannot read `{name}`: {error}")))
}
