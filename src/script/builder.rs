//! The engine of one host: shared modules, and the host as its tag.

use super::cert::{Bundle, Certificate};
use super::done::Done;
use super::guard::GuardPackage;
use super::here::Here;
use super::host::{HostRef, current};
use super::import::Imports;
use super::opaque::Opaque;
use super::ssh::{SshCertificate, SshKey};
use super::world::Limits;
use crate::event::Event;
use rhai::packages::{Package, StandardPackage};
use rhai::{Dynamic, Engine, Module, OptimizationLevel, Shared, exported_module};
use std::sync::OnceLock;

/// Families whose file, module and name in scripts are the same word.
macro_rules! families {
    ($($family:ident),* $(,)?) => {
        vec![$((stringify!($family), exported_module!(super::$family::$family).into())),*]
    };
}

/// Modules by their names in scripts; built once, shared by all engines.
pub fn modules() -> &'static [(&'static str, Shared<Module>)] {
    static MODULES: OnceLock<Vec<(&'static str, Shared<Module>)>> = OnceLock::new();
    MODULES.get_or_init(|| {
        let mut modules = families![
            apt, cert, cmd, cron, dns, docker, file, git, group, pkg, secret, server, service, ssh, sudo, sys, systemd,
            user, wait
        ];
        modules.push(("op", exported_module!(super::custom::op).into()));
        modules.push(("plan", exported_module!(super::plan::plan).into()));
        modules
    })
}

/// Functions and types without a module name.
pub fn globals() -> &'static [Shared<Module>] {
    static GLOBALS: OnceLock<Vec<Shared<Module>>> = OnceLock::new();
    GLOBALS.get_or_init(|| {
        vec![
            exported_module!(super::flow::flow).into(),
            exported_module!(super::template::template).into(),
            exported_module!(super::host::host_type).into(),
            exported_module!(super::fact::facts).into(),
            exported_module!(super::done::done).into(),
            exported_module!(super::cert::handles::handles).into(),
            exported_module!(super::ssh::handles::ssh_handles).into(),
            exported_module!(super::opaque::opaque).into(),
            exported_module!(super::secret::secrets).into(),
        ]
    })
}

/// Everything without a module name, Rhai's standard library first; what comes later is asked before.
pub fn global_modules() -> Vec<Shared<Module>> {
    [standard(), guarded()].into_iter().chain(globals().iter().cloned()).collect()
}

fn standard() -> Shared<Module> {
    static STANDARD: OnceLock<Shared<Module>> = OnceLock::new();
    STANDARD.get_or_init(|| StandardPackage::new().as_shared_module()).clone()
}

fn guarded() -> Shared<Module> {
    static GUARDED: OnceLock<Shared<Module>> = OnceLock::new();
    GUARDED.get_or_init(|| GuardPackage::new().as_shared_module()).clone()
}

/// An engine that knows the language of playbooks, but no host: for parsing and reference pages.
pub fn bare(limits: Limits) -> Engine {
    let mut engine = Engine::new_raw();
    for module in global_modules() {
        engine.register_global_module(module);
    }
    super::switch::watch(&mut engine);
    // Only then are our own operators asked before the built-in ones.
    engine.set_fast_operators(false);
    for (name, module) in modules() {
        engine.register_static_module(*name, module.clone());
    }
    engine
        .register_type_with_name::<Opaque>(Opaque::TYPE)
        .register_type_with_name::<Done>("Done")
        .register_type_with_name::<Certificate>("Certificate")
        .register_type_with_name::<Bundle>("Bundle")
        .register_type_with_name::<SshKey>("SshKey")
        .register_type_with_name::<SshCertificate>("SshCertificate")
        .register_type_with_name::<HostRef>("Host")
        .set_max_operations(limits.operations)
        .set_max_call_levels(limits.depth)
        .set_max_expr_depths(limits.depth, limits.depth)
        .set_fail_on_invalid_map_property(true)
        .set_strict_variables(true)
        // Folded, the entries of a constant map would lose their places.
        .set_optimization_level(OptimizationLevel::None);
    engine
}

/// Steps of a script between two looks at the interrupt flag.
const LOOK: u64 = 1024;

/// The engine of one host.
pub fn for_host(here: &Here) -> Engine {
    let mut engine = bare(here.world().limits);
    engine.set_default_tag(Dynamic::from(here.clone()));
    engine.set_module_resolver(Imports::of(here.project().clone()));
    let seen = here.clone();
    #[allow(deprecated, reason = "not deprecated: Rhai marks what may change between versions like this")]
    engine.on_var(move |name, _, _| Ok((name == "host").then(|| current(&seen))));
    let interrupted = here.clone();
    engine.on_progress(move |step| {
        if step % LOOK != 0 {
            return None;
        }
        let ending = || Dynamic::from(super::error::Ending::Interrupted);
        interrupted.actor().run.interrupted().then(ending)
    });
    let printing = here.clone();
    engine.on_print(move |text| say(&printing, text));
    let debugging = here.clone();
    engine.on_debug(move |text, _, _| say(&debugging, text));
    engine
}

/// A text as a script may print it.
pub(super) fn printed(text: &str) -> String {
    if super::secret::is_inside() {
        return crate::secret::SECRET.to_owned();
    }
    // `debug` writes a text as Rust does, and so what stands for a secret.
    let plain = text.replace("\\u{f0000}", "\u{F0000}").replace("\\u{f0001}", "\u{F0001}");
    crate::secret::redact(if crate::secret::contains_token(&plain) { &plain } else { text })
}

fn say(here: &Here, text: &str) {
    let host = here.actor().own().name().to_owned();
    here.actor().run.emit(Event::Log { host, text: printed(text) });
}
