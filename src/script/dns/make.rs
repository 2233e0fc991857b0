//! The functions of `dns::`: operations on the project, and what comes of them.

use super::super::common::Common;
use super::super::convert::to_json;
use super::super::done::Done;
use super::super::ensure::unknown_in;
use super::super::error::{Ending, RhaiResultOf, end, mistake, not_predictable, raise};
use super::super::here::{Here, called_at};
use super::super::once::{self, Known, known, once};
use super::super::opaque::Opaque;
use super::facts;
use super::options::{TsigWant, read};
use super::work::{KskWork, TsigWork, ZoneWork};
use crate::event::Failure;
use crate::pki::dns::{
    Classless, DnsError, KskWant, Prefix, ROLES, ReverseWant, Tsig, Verdict, Zone, ZoneWant, reverse_name as name_of,
};
use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Map, NativeCallContext};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What one call wants.
struct Asked<T> {
    op: &'static str,
    common: Common,
    want: T,
}

/// Reads the options of a call.
///
/// # Errors
/// A mistake in them; the inner error is what of them is known only after apply.
fn asked<T: DeserializeOwned>(
    ctx: &NativeCallContext,
    op: &'static str,
    mut options: Map,
) -> RhaiResultOf<Result<Asked<T>, String>> {
    let argument =
        |argument: &str, problem: &str| mistake(ctx, format!("`{op}`: argument `{argument}` {problem}"), None);
    let entry = super::entry(op).expect("one of ours");
    let common = Common::take(&mut options, (entry.fields)());
    let common = common.map_err(|wrong| argument(&wrong.argument, &wrong.problem))?;
    let mut json = serde_json::Map::new();
    for (key, value) in &options {
        json.insert(key.to_string(), to_json(value).map_err(|problem| argument(key, &problem))?);
    }
    let json = Value::Object(json);
    if let Some(what) = unknown_in(&json) {
        return Ok(Err(what));
    }
    if crate::secret::contains_token(&json.to_string()) {
        return Err(mistake(ctx, format!("`{op}`: everybody may read its options, and one is a secret"), None));
    }
    let want = read(op, json).map_err(|error| once::refused(ctx, entry, &error))?;
    Ok(Ok(Asked { op, common, want }))
}

/// The same for what cannot wait for an apply: the plan of the host ends.
fn asked_now<T: DeserializeOwned>(ctx: &NativeCallContext, op: &'static str, options: Map) -> RhaiResultOf<Asked<T>> {
    asked(ctx, op, options)?.map_err(|reason| end(Ending::NotPredictable { reason }, ctx.call_position()))
}

/// A mistake that the library finds in what is wanted.
fn refused(ctx: &NativeCallContext, op: &str, error: &DnsError) -> Box<EvalAltResult> {
    mistake(ctx, format!("`{op}`: {error}"), error.hint())
}

/// An error of the library, where the script stands.
fn failed(ctx: &NativeCallContext, error: &DnsError) -> Box<EvalAltResult> {
    let failure = Failure { hint: error.hint(), ..Failure::of(error) };
    raise(&failure, ctx.fn_name(), "", ctx.call_position())
}

fn missing(ctx: &NativeCallContext, what: &str) -> Box<EvalAltResult> {
    mistake(ctx, format!("there is no {what}: the operation that makes it did not run"), None)
}

/// The facts, with whether something changed.
fn with_changed(mut facts: Map, done: &Done) -> Map {
    facts.insert("changed".into(), done.changed());
    facts
}

/// `dns::ksk`.
pub fn ksk(ctx: &NativeCallContext, name: &str, options: Map) -> RhaiResultOf<Map> {
    let op = "dns::ksk";
    let here = Here::of(ctx);
    let asked = asked_now::<KskWant>(ctx, op, options)?;
    let keys = here.world().authority.keys();
    let look = || keys.dns.look_ksk(name, &asked.want);
    look().map_err(|error| refused(ctx, op, &error))?;
    let work = KskWork { dns: keys, name, want: &asked.want };
    let done = once(ctx, &here, (op, name), &asked.common, &work)?;
    let facts = match (known(&here, &done), look().map_err(|error| failed(ctx, &error))?) {
        (Known::Soon, _) => facts::ksk_soon(name),
        (_, Verdict::Keep(ksk)) => facts::ksk(&ksk, &called_at(ctx)),
        (_, Verdict::Make(_)) => return Err(missing(ctx, &format!("key `{name}`"))),
    };
    Ok(with_changed(facts, &done))
}

/// `dns::bind_files`.
pub fn bind_files(ctx: &NativeCallContext, ksk: &Map) -> RhaiResultOf<Array> {
    let text = |map: &Map, key: &str| map.get(key).and_then(|value| value.clone().into_string().ok());
    let wrong = || mistake(ctx, "`dns::bind_files` takes what `dns::ksk` gave", None);
    let keys = ksk.get("keys").ok_or_else(wrong)?;
    if let Some(unknown) = keys.read_lock::<Opaque>() {
        return Err(not_predictable(&unknown, ctx.call_position()));
    }
    let name = text(ksk, "name").ok_or_else(wrong)?;
    let zones = ksk.get("zones").and_then(|zones| zones.clone().into_array().ok()).ok_or_else(wrong)?;
    let zones: Vec<String> = zones.into_iter().filter_map(|zone| zone.into_string().ok()).collect();
    let label = |key: Dynamic| {
        key.try_cast::<Map>().and_then(|key| Some((text(&key, "label")?, key.get("revoked")?.as_bool().ok()?)))
    };
    let labels = keys.clone().into_array().map_err(|_| wrong())?.into_iter().map(label);
    let labels: Vec<(String, bool)> = labels.collect::<Option<_>>().ok_or_else(wrong)?;
    let (revoked, live): (Vec<_>, Vec<_>) = labels.into_iter().partition(|(_, revoked)| *revoked);
    let only = |keys: Vec<(String, bool)>| keys.into_iter().map(|(label, _)| label).collect();
    let want = KskWant { zones, keys: only(live), revoked: only(revoked), ..KskWant::default() };
    let here = Here::of(ctx);
    let dns = &here.world().authority.keys().dns;
    let pairs = match dns.look_ksk(&name, &want).map_err(|error| failed(ctx, &error))? {
        Verdict::Keep(ksk) => ksk.bind_files(dns).map_err(|error| failed(ctx, &error))?,
        Verdict::Make(_) => return Err(missing(ctx, &format!("key `{name}`"))),
    };
    let files = pairs.into_iter().map(|pair| {
        let mut map = Map::new();
        map.insert("file".into(), pair.file.into());
        map.insert("zone".into(), pair.zone.to_string().into());
        map.insert("key".into(), pair.public.into());
        let private = crate::secret::conceal(pair.private.as_str()).to_string();
        map.insert("private_key".into(), Dynamic::from(Opaque(private)));
        Dynamic::from(map)
    });
    Ok(files.collect())
}

/// `dns::tsig`.
pub fn tsig(ctx: &NativeCallContext, name: &str, options: Map) -> RhaiResultOf<Map> {
    one_tsig(ctx, name, &asked_now(ctx, "dns::tsig", options)?)
}

fn one_tsig(ctx: &NativeCallContext, name: &str, asked: &Asked<TsigWant>) -> RhaiResultOf<Map> {
    let here = Here::of(ctx);
    let key = Tsig::new(name, asked.want.algorithm).map_err(|error| refused(ctx, asked.op, &error))?;
    let keys = here.world().authority.keys();
    let done = once(ctx, &here, (asked.op, &key.name), &asked.common, &TsigWork { dns: keys, key: &key })?;
    let facts = match (known(&here, &done), keys.dns.look_tsig(&key).map_err(|error| failed(ctx, &error))?) {
        (Known::Soon, _) => facts::tsig_soon(&key),
        (_, Verdict::Keep(())) => facts::tsig(&key, &called_at(ctx)),
        (_, Verdict::Make(_)) => return Err(missing(ctx, &format!("TSIG key `{name}`"))),
    };
    Ok(with_changed(facts, &done))
}

/// `dns::tsig_set`.
pub fn tsig_set(ctx: &NativeCallContext, zone: &str, options: Map) -> RhaiResultOf<Map> {
    let asked = asked_now::<TsigWant>(ctx, "dns::tsig_set", options)?;
    let zone = zone.strip_suffix('.').unwrap_or(zone);
    let mut set = Map::new();
    let mut changed = Dynamic::FALSE;
    let mut joined = [("bind", String::new()), ("knot", String::new()), ("nsd", String::new())];
    for role in ROLES {
        let key = one_tsig(ctx, &format!("{role}-{zone}"), &asked)?;
        for (form, text) in &mut joined {
            text.push_str(&key[*form].read_lock::<Opaque>().expect("every form is a secret").0);
        }
        if key["changed"].as_bool() != Ok(false) {
            changed = key["changed"].clone();
        }
        set.insert(role.replace('-', "_").into(), Dynamic::from(key));
    }
    set.extend(joined.map(|(form, text)| (form.into(), Dynamic::from(Opaque(text)))));
    set.insert("changed".into(), changed);
    Ok(set)
}

/// `dns::zone`.
pub fn zone(ctx: &NativeCallContext, name: &str, options: Map) -> RhaiResultOf<Map> {
    let op = "dns::zone";
    match asked::<ZoneWant>(ctx, op, options)? {
        Ok(asked) => {
            let zone = Zone::new(name, &asked.want).map_err(|error| refused(ctx, op, &error))?;
            one_zone(ctx, op, &asked.common, &zone)
        }
        Err(_) => Ok(later(facts::zone_soon(name))),
    }
}

/// The facts of what hangs on something unknown.
fn later(mut facts: Map) -> Map {
    facts.insert("changed".into(), Dynamic::from(Opaque::unknown("whether an operation changes something")));
    facts
}

fn one_zone(ctx: &NativeCallContext, op: &'static str, common: &Common, zone: &Zone) -> RhaiResultOf<Map> {
    let here = Here::of(ctx);
    let keys = here.world().authority.keys();
    let done = once(ctx, &here, (op, &zone.name.to_string()), common, &ZoneWork { dns: keys, zone })?;
    // A plan tells the serial that an apply will take; only a rehearsal has no project to ask.
    let facts = match known(&here, &done) {
        Known::Soon if !once::is_asked(&here) => facts::zone_soon(&zone.name.to_string()),
        Known::Soon if zone.policy.is_of_the_moment() => facts::zone_at_apply(zone),
        _ => {
            let serial = keys.dns.look_serial(zone, jiff::Timestamp::now()).map_err(|error| failed(ctx, &error))?;
            facts::zone(zone, serial.number)
        }
    };
    Ok(with_changed(facts, &done))
}

/// What counts of a zone: what else it tells may be known after apply only.
fn addresses(zone: &Dynamic) -> Dynamic {
    match zone.read_lock::<Map>() {
        Some(map) => map
            .iter()
            .filter(|(key, _)| *key == "addresses")
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect::<Map>()
            .into(),
        None => zone.clone(),
    }
}

/// `dns::reverse`.
pub fn reverse(ctx: &NativeCallContext, network: &str, mut options: Map) -> RhaiResultOf<Array> {
    let op = "dns::reverse";
    let prefix: Prefix = network.parse().map_err(|error: DnsError| refused(ctx, op, &error))?;
    let from = options.get("from").and_then(|from| Some(from.read_lock::<Array>()?.iter().map(addresses).collect()));
    if let Some(from) = from {
        options.insert("from".into(), Dynamic::from_array(from));
    }
    let asked = match asked::<ReverseWant>(ctx, op, options)? {
        Ok(asked) => asked,
        Err(_) => {
            let names = prefix.zones(Classless::default()).into_iter().map(|(name, _)| name.to_string());
            return Ok(names.map(|name| Dynamic::from(later(facts::zone_soon(&name)))).collect());
        }
    };
    let zones = asked.want.zones(prefix).map_err(|error| refused(ctx, op, &error))?;
    let made = zones.into_iter().map(|made| {
        let mut map = one_zone(ctx, op, &asked.common, &made.zone)?;
        map.insert("delegation".into(), made.delegation.unwrap_or_default().into());
        Ok(Dynamic::from(map))
    });
    made.collect()
}

/// `dns::reverse_zones`.
pub fn reverse_zones(ctx: &NativeCallContext, network: &str) -> RhaiResultOf<Array> {
    let prefix: Prefix = network.parse().map_err(|error: DnsError| refused(ctx, "dns::reverse_zones", &error))?;
    let zones = prefix.zones(Classless::default()).into_iter();
    Ok(zones.map(|(name, _)| name.to_string().into()).collect())
}

/// `dns::reverse_name`.
pub fn reverse_name(ctx: &NativeCallContext, address: &str) -> RhaiResultOf<ImmutableString> {
    match address.parse() {
        Ok(address) => Ok(name_of(address).to_string().into()),
        Err(_) => Err(mistake(ctx, format!("`dns::reverse_name`: `{address}` is no address"), None)),
    }
}
