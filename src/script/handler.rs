//! Handlers: what runs once when something changed.

use super::ensure::nearest;
use super::error::{RhaiResultOf, SCRIPT, raise_as};
use super::here::Here;
use super::host::current;
use crate::event::Failure;
use rhai::{Engine, Position};

/// Runs the handlers that were notified, in the order of their definition, until none is left.
///
/// # Errors
/// What a handler raises; a mistake for a handler that nobody defined.
pub fn flush(here: &Here, engine: &Engine) -> RhaiResultOf<()> {
    loop {
        let notified = here.actor().own().notes().notified.clone();
        let Some(first) = notified.first() else {
            return Ok(());
        };
        let defined: Vec<String> = here.handlers().keys().cloned().collect();
        let Some(next) = defined.iter().find(|name| notified.contains(name)) else {
            return Err(undefined(first, &defined));
        };
        let kept = here.handlers().get(next).cloned().expect("just found");
        kept.run(engine, vec![current(here)])?;
        // Only now: a handler that fails stays pending.
        here.actor().own().notes().notified.retain(|name| name != next);
    }
}

fn undefined(name: &str, defined: &[String]) -> Box<rhai::EvalAltResult> {
    let hint = match nearest(name, defined.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("define it before its first use: handler(\"{name}\", |h| {{ ... }})"),
    };
    let failure = Failure { message: format!("no handler `{name}`"), hint: Some(hint), ..Failure::default() };
    raise_as(SCRIPT, &failure, "notify", "", Position::NONE)
}
