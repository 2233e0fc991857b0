//! `plan::expect`: what a playbook says it will never do.

use super::common::texts;
use super::error::{RhaiResultOf, mistake};
use super::here::{Here, called_at};
use crate::engine::{Guard, Pattern};
use crate::inventory::nearest;
use rhai::plugin::*;
use rhai::{Dynamic, Map, NativeCallContext};

const KEYS: [&str; 2] = ["max_changes", "forbid"];

/// Expectations of plans.
#[export_module]
pub mod plan {
    use super::*;

    /// Refuses the run when it would change more than the playbook is meant for.
    ///
    /// `want` takes `max_changes`, the number of operations that may change something, on all hosts together, and
    /// `forbid`, a pattern or a list of them: an operation, such as `"service::stopped"` or `"user::*"`, and perhaps
    /// its targets, `"pkg::removed *"`, `"file::absent /srv/**"`, where `*` stops at a slash and `**` does not. A plan
    /// that holds more fails and names the offenders; an apply makes the plan first and then changes nothing. What no
    /// plan could see is refused before it is done. The exit code is 7. `guards:` in `rhapsode.yaml` say the same for
    /// all playbooks.
    ///
    /// ```rhai
    /// plan::expect(#{ max_changes: 20, forbid: ["service::stopped", "file::absent /srv/**"] });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn expect(ctx: NativeCallContext, want: Map) -> RhaiResultOf<()> {
        let mut guard = Guard { at: called_at(&ctx), ..Guard::default() };
        for (key, value) in &want {
            set(&ctx, &mut guard, key, value)?;
        }
        Here::of(&ctx).actor().run.guard(guard);
        Ok(())
    }
}

fn set(ctx: &NativeCallContext, guard: &mut Guard, key: &str, value: &Dynamic) -> RhaiResultOf<()> {
    let wrong = |problem: String| mistake(ctx, format!("`plan::expect`: `{key}` {problem}"), None);
    match key {
        "max_changes" => {
            let most = value.as_int().ok().and_then(|most| u64::try_from(most).ok());
            guard.max_changes = Some(most.ok_or_else(|| wrong("must be a whole number".into()))?);
        }
        "forbid" => {
            let patterns = texts(value).map_err(wrong)?;
            let patterns: Result<_, String> = patterns.iter().map(|text| Pattern::parse(text)).collect();
            guard.forbid = patterns.map_err(|problem| wrong(format!("holds a mistake: {problem}")))?;
        }
        _ => {
            let hint = nearest(key, KEYS).map(|nearest| format!("did you mean `{nearest}`?"));
            return Err(mistake(ctx, format!("`plan::expect` has no argument `{key}`"), hint));
        }
    }
    Ok(())
}
