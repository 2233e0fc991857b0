//! Inventories in Rhai: `host("web-1", #{ address: "192.0.2.11" }); group("web", ["web-1"]);`

use super::convert::to_json;
use super::error::{Ended, RhaiResultOf, ended, mistake};
use super::project::Project;
use crate::inventory::{InventoryBuilder, InventoryError, RhaiLoader, Spot};
use rhai::packages::{Package, StandardPackage};
use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, ImmutableString, Map, NativeCallContext};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Evaluates inventory scripts of a project.
pub struct RhaiInventories {
    project: Arc<Project>,
}

impl RhaiInventories {
    /// For the inventories of a project.
    pub fn new(project: Arc<Project>) -> Self {
        Self { project }
    }
}

/// Where the functions of an inventory script put what they declare.
#[derive(Clone, Default)]
struct Declared(Arc<Mutex<Collected>>);

#[derive(Default)]
struct Collected {
    builder: InventoryBuilder,
    refused: Option<InventoryError>,
}

fn declare(
    ctx: &NativeCallContext,
    settings: Map,
    put: impl FnOnce(&mut InventoryBuilder, &Spot, serde_json::Map<String, serde_json::Value>) -> Result<(), InventoryError>,
) -> RhaiResultOf<()> {
    let declared: Declared =
        ctx.tag().and_then(|tag| tag.clone().try_cast()).expect("the engine of an inventory is tagged");
    let at = ctx.call_position();
    let spot = Spot::new(ctx.call_source().unwrap_or_default(), at.line().unwrap_or(0), at.position().unwrap_or(0));
    let settings = to_json(&settings.into()).map_err(|problem| mistake(ctx, problem, None))?;
    let settings = settings.as_object().cloned().unwrap_or_default();
    let mut collected = declared.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    put(&mut collected.builder, &spot, settings).map_err(|error| {
        let raised = mistake(ctx, error.to_string(), error.hint.clone());
        collected.refused = Some(error);
        raised
    })
}

/// Functions of inventories written in Rhai.
#[export_module]
mod declarations {
    use super::*;

    /// Declares a host with connection settings and `data`.
    ///
    /// ```rhai
    /// host("web-1", #{ address: "192.0.2.11", data: #{ app_port: 8080 } });
    /// ```
    #[rhai_fn(name = "host", return_raw)]
    pub fn declare_host(ctx: NativeCallContext, name: ImmutableString, settings: Map) -> RhaiResultOf<()> {
        declare(&ctx, settings, |builder, at, settings| builder.host(at, &name, settings))
    }

    /// Declares a host that needs no settings.
    #[rhai_fn(name = "host", return_raw)]
    pub fn declare_host_plain(ctx: NativeCallContext, name: ImmutableString) -> RhaiResultOf<()> {
        declare(&ctx, Map::new(), |builder, at, settings| builder.host(at, &name, settings))
    }

    /// Declares a group with its hosts, and `children`, `data` and connection settings.
    ///
    /// ```rhai
    /// group("web", ["web-1"], #{ data: #{ tier: "front" } });
    /// ```
    #[rhai_fn(name = "group", return_raw)]
    pub fn declare_group(
        ctx: NativeCallContext,
        name: ImmutableString,
        hosts: Array,
        settings: Map,
    ) -> RhaiResultOf<()> {
        let hosts = hosts.iter().map(Dynamic::to_string).collect();
        declare(&ctx, settings, |builder, at, settings| builder.group(at, &name, hosts, settings))
    }

    /// Declares a group of hosts.
    #[rhai_fn(name = "group", return_raw)]
    pub fn declare_group_plain(ctx: NativeCallContext, name: ImmutableString, hosts: Array) -> RhaiResultOf<()> {
        let hosts = hosts.iter().map(Dynamic::to_string).collect();
        declare(&ctx, Map::new(), |builder, at, settings| builder.group(at, &name, hosts, settings))
    }

    /// Sets connection settings for every host of the file.
    ///
    /// ```rhai
    /// defaults(#{ connect: "ssh", user: "admin" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn defaults(ctx: NativeCallContext, settings: Map) -> RhaiResultOf<()> {
        declare(&ctx, settings, |builder, at, settings| builder.defaults(at, settings))
    }

    /// A variable of rhapsode's own environment; fails when it is not set.
    #[rhai_fn(name = "env", return_raw)]
    pub fn environment(ctx: NativeCallContext, name: ImmutableString) -> RhaiResultOf<String> {
        std::env::var(name.as_str()).map_err(|_| mistake(&ctx, format!("the environment has no `{name}`"), None))
    }
}

impl RhaiLoader for RhaiInventories {
    fn load(&mut self, path: &Path, shown: &str, into: &mut InventoryBuilder) -> Result<(), InventoryError> {
        let mut engine = Engine::new_raw();
        StandardPackage::new().register_into_engine(&mut engine);
        engine.register_global_module(rhai::exported_module!(declarations).into());
        engine.set_max_operations(10_000_000).set_max_expr_depths(64, 64).set_fail_on_invalid_map_property(true);
        let declared = Declared::default();
        std::mem::swap(&mut declared.0.lock().expect("nobody else has it yet").builder, into);
        engine.set_default_tag(Dynamic::from(declared.clone()));
        let result =
            self.project.compile(&engine, path).map_err(|failure| refused(&failure, shown)).and_then(|script| {
                let result = engine.run_ast(&script);
                result.map_err(|error| match ended(&error, shown) {
                    Ended::Failed(failure) | Ended::Mistake(failure) => refused(&failure, shown),
                    Ended::Ending(_, at) => InventoryError::at(&spot(&at, shown), "the script was ended"),
                })
            });
        let mut collected = declared.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        std::mem::swap(&mut collected.builder, into);
        match collected.refused.take() {
            Some(error) if result.is_err() => Err(error),
            _ => result,
        }
    }
}

fn refused(failure: &crate::event::Failure, shown: &str) -> InventoryError {
    let error = InventoryError::at(&spot(failure.at.as_deref().unwrap_or(shown), shown), failure.message.clone());
    match &failure.hint {
        Some(hint) => error.hint(hint.clone()),
        None => error,
    }
}

/// `file:line:column` taken apart.
fn spot(at: &str, shown: &str) -> Spot {
    let mut parts = at.rsplitn(3, ':').map(str::parse::<usize>);
    match (parts.next(), parts.next()) {
        (Some(Ok(column)), Some(Ok(line))) => Spot::new(shown, line, column),
        _ => Spot::whole(shown),
    }
}
