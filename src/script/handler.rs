//! Handlers: what runs once when something changed.

use super::error::{RhaiResultOf, SCRIPT, raise_as};
use super::here::Here;
use super::host::current;
use crate::event::{Event, Failure};
use crate::inventory::nearest;
use rhai::{Engine, Position};

/// Runs the handlers that were notified, in the order of their definition, until none is left. One that an earlier
/// run left due may be defined further below; only at the end of the playbook (`last`) is it known that it is not.
///
/// # Errors
/// What a handler raises; a mistake for a handler that nobody defined.
pub fn flush(here: &Here, engine: &Engine, last: bool) -> RhaiResultOf<()> {
    loop {
        let notified = here.actor().own().notes().notified.clone();
        let defined: Vec<String> = here.handlers().keys().cloned().collect();
        if let Some(next) = defined.iter().find(|name| notified.contains(name)) {
            let kept = here.handlers().get(next).cloned().expect("just found");
            // What it does is only done when something changed: it declares nothing.
            here.actor().unmanaged(|| kept.run(engine, vec![current(here)]))?;
            // Only now: a handler that fails stays due.
            here.actor().handled(next);
            continue;
        }
        let due = here.actor().run.due(here.actor().own().name());
        if let Some(missing) = notified.iter().find(|name| !due.contains(name)) {
            return Err(undefined(missing, &defined));
        }
        if last {
            notified.iter().for_each(|name| drop_due(here, name));
        }
        return Ok(());
    }
}

/// An earlier run left it due, and the playbook has it no more.
fn drop_due(here: &Here, name: &str) {
    let host = here.actor().own().name().to_owned();
    let text = format!("an earlier run left handler `{name}` due, but the playbook defines it no more: dropped");
    here.actor().run.emit(Event::Warning { host: Some(host), text });
    here.actor().handled(name);
}

fn undefined(name: &str, defined: &[String]) -> Box<rhai::EvalAltResult> {
    let hint = match nearest(name, defined.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("define it before its first use: handler(\"{name}\", |h| {{ ... }})"),
    };
    let failure = Failure { message: format!("no handler `{name}`"), hint: Some(hint), ..Failure::default() };
    raise_as(SCRIPT, &failure, "notify", "", Position::NONE)
}
