//! `host`: the current host, and others by name.

use super::convert::{from_json, to_json};
use super::error::{RhaiResultOf, mistake};
use super::here::Here;
use crate::engine::HostRun;
use crate::inventory::nearest;
use rhai::plugin::*;
use rhai::{Array, Dynamic, ImmutableString, NativeCallContext};
use std::sync::Arc;

/// A host as scripts see it.
#[derive(Clone)]
pub struct HostRef(pub Arc<HostRun>);

/// The host that operations act on.
pub fn current(here: &Here) -> Dynamic {
    Dynamic::from(HostRef(here.actor().on()))
}

/// A host of the inventory.
///
/// # Errors
/// A mistake with the nearest name.
pub fn named(ctx: &NativeCallContext, here: &Here, name: &str) -> RhaiResultOf<Arc<HostRun>> {
    here.actor().run.host(name).ok_or_else(|| {
        let known = here.actor().run.inventory.keys().map(String::as_str);
        let hint = nearest(name, known).map(|nearest| format!("did you mean `{nearest}`?"));
        mistake(ctx, format!("no host `{name}` in the inventory"), hint)
    })
}

/// How the inventory calls the current host, and where connections to it go.
pub fn name_and_address(here: &Here) -> (String, String) {
    let host = here.actor().on();
    let name = host.name().to_owned();
    let address = host.host.connection.address.clone().unwrap_or_else(|| name.clone());
    (name, address)
}

fn data(host: &HostRun, key: &str) -> Option<Dynamic> {
    if let Some(value) = host.notes().data.get(key) {
        return Some(from_json(value));
    }
    host.host.data.get(key).map(from_json)
}

/// The current host and its facts.
#[export_module]
pub mod host_type {
    use super::*;

    /// The name of the host in the inventory.
    #[rhai_fn(get = "name", pure)]
    pub fn name(host: &mut HostRef) -> String {
        host.0.name().to_owned()
    }

    /// The address that connections go to; the name when none is set.
    #[rhai_fn(get = "addr", pure)]
    pub fn addr(host: &mut HostRef) -> String {
        host.0.host.connection.address.clone().unwrap_or_else(|| host.0.name().to_owned())
    }

    /// The groups of the host, lowest precedence first.
    #[rhai_fn(get = "groups", pure)]
    pub fn groups(host: &mut HostRef) -> Array {
        host.0.host.groups.iter().cloned().map(Dynamic::from).collect()
    }

    /// True when the host is in the group.
    ///
    /// ```rhai
    /// if host.in_group("web") { log("a web server"); }
    /// ```
    #[rhai_fn(pure)]
    pub fn in_group(host: &mut HostRef, group: &str) -> bool {
        host.0.host.groups.iter().any(|member| member == group)
    }

    /// The data of the host under a key; fails when no layer of the inventory sets it.
    ///
    /// ```rhai
    /// let port = host.data("app_port");
    /// ```
    #[rhai_fn(name = "data", pure, return_raw)]
    pub fn data_required(ctx: NativeCallContext, host: &mut HostRef, key: ImmutableString) -> RhaiResultOf<Dynamic> {
        super::data(&host.0, &key).ok_or_else(|| {
            let known = host.0.host.data.keys().map(String::as_str);
            let hint = match nearest(&key, known) {
                Some(nearest) => format!("did you mean `{nearest}`? A fallback is the second argument"),
                None => format!("set it in the inventory, or give a fallback: host.data(\"{key}\", value)"),
            };
            mistake(&ctx, format!("no data `{key}` on `{}`", host.0.name()), Some(hint))
        })
    }

    /// The data of the host under a key, or the fallback.
    ///
    /// ```rhai
    /// let port = host.data("app_port", 8080);
    /// ```
    #[rhai_fn(name = "data", pure)]
    pub fn data_or(host: &mut HostRef, key: ImmutableString, fallback: Dynamic) -> Dynamic {
        super::data(&host.0, &key).unwrap_or(fallback)
    }

    /// Sets data of the host for the rest of the run.
    ///
    /// ```rhai
    /// host.set("release", "2.1");
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn set(ctx: NativeCallContext, host: &mut HostRef, key: ImmutableString, value: Dynamic) -> RhaiResultOf<()> {
        let value = to_json(&value).map_err(|problem| mistake(&ctx, problem, None))?;
        host.0.notes().data.insert(key.to_string(), value);
        Ok(())
    }

    /// True when an operation changed something on the host so far; in a plan, when it would.
    #[rhai_fn(get = "changed_any", pure)]
    pub fn changed_any(host: &mut HostRef) -> bool {
        host.0.notes().changes > 0
    }

    /// The host as `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn to_string(host: &mut HostRef) -> String {
        host.0.name().to_owned()
    }

    /// True for the same host.
    #[rhai_fn(name = "==", pure)]
    pub fn equal(host: &mut HostRef, other: HostRef) -> bool {
        host.0.name() == other.0.name()
    }
}
