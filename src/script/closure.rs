//! Closures of a script, called now or later.

use super::error::RhaiResultOf;
#[allow(deprecated, reason = "not deprecated: Rhai marks what may change between versions like this")]
use rhai::NativeCallContextStore;
use rhai::{Dynamic, EvalAltResult, FnPtr, NativeCallContext};

/// Calls a closure with as many of the arguments as it takes: `|h| ...` and `|| ...` are both fine.
///
/// `FnPtr::call` would lose the imports of the script; a call within the context keeps them.
pub fn call(ctx: &NativeCallContext, closure: &FnPtr, mut arguments: Vec<Dynamic>) -> RhaiResultOf<Dynamic> {
    loop {
        let result = closure.call_raw(ctx, None, arguments.clone());
        match result {
            Err(error) if !arguments.is_empty() && takes_fewer(&error, closure) => {
                arguments.pop();
            }
            result => return result,
        }
    }
}

/// The same for a closure whose value nobody wants.
pub fn run(ctx: &NativeCallContext, closure: &FnPtr, arguments: Vec<Dynamic>) -> RhaiResultOf<()> {
    call(ctx, closure, arguments).map(|_| ())
}

fn takes_fewer(error: &EvalAltResult, closure: &FnPtr) -> bool {
    matches!(error, EvalAltResult::ErrorFunctionNotFound(name, _) if name.starts_with(closure.fn_name()))
}

/// A closure that outlives the call that gave it, with the functions and imports it sees.
#[derive(Clone)]
pub struct Kept {
    closure: FnPtr,
    #[allow(deprecated, reason = "not deprecated: Rhai marks what may change between versions like this")]
    context: NativeCallContextStore,
}

impl Kept {
    /// Keeps a closure.
    #[allow(deprecated, reason = "not deprecated: Rhai marks what may change between versions like this")]
    pub fn new(ctx: &NativeCallContext, closure: FnPtr) -> Self {
        Self { closure, context: ctx.store_data() }
    }

    /// Calls it on the engine that it came from.
    #[allow(deprecated, reason = "not deprecated: Rhai marks what may change between versions like this")]
    pub fn run(&self, engine: &rhai::Engine, arguments: Vec<Dynamic>) -> RhaiResultOf<()> {
        run(&self.context.create_context(engine), &self.closure, arguments)
    }
}
