//! From a call in a script to an operation on the host.

use super::Done;
use rhai::{Dynamic, EvalAltResult, Map, NativeCallContext};

/// What a binding returns. Spelled as an alias, so that editor definitions print the short form.
pub type RhaiResultOf<T> = Result<T, Box<EvalAltResult>>;

/// Runs one operation of the registry on the current host.
///
/// `target` is the first argument of the binding, `want` its map with the operation's fields and the common
/// arguments.
///
/// # Errors
/// An operation error map, raised at the position of the call.
pub fn ensure(_ctx: &NativeCallContext, _op: &str, _target: Dynamic, _want: Map) -> RhaiResultOf<Done> {
    Ok(Done::default())
}
