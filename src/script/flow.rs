//! Functions that every script sees: plays, collectives, blocks, handlers, `log`, `fail`, `assert`.

use super::common;
use super::error::{RhaiResultOf, mistake, placed, raise, stopped};
use super::here::{Here, called_at};
use super::host::{HostRef, current, named};
use super::{closure, handler, undo};
use crate::engine::{Play, Settings, Share};
use crate::event::{Event, Failure};
use rhai::plugin::*;
use rhai::{Array, Dynamic, FnPtr, ImmutableString, Map, NativeCallContext};
use std::sync::Arc;
use std::time::Duration;

/// Plays, blocks, handlers and messages.
#[export_module]
pub mod flow {
    use super::*;

    /// Runs the body on the hosts of a selector; all hosts of the run wait for each other at its end.
    ///
    /// `selector` is a set expression over groups, hosts and globs: `"web & !canary"`. The options are `name`;
    /// `serial` or `batches`, a number of hosts, a percentage, or an array of them, the last one repeats; `max_fail`,
    /// a number or a percentage of a batch: more failed or unreachable hosts stop the run; `order`, `"inventory"`
    /// or `"reverse"`; `strategy`, `"free"` or `"linear"`; `gate`, a closure that runs after the body and whose
    /// error fails the host; `on_failure`, `"stop"` or `"rollback_batch"`, which puts the hosts of a batch that failed
    /// back to before it; and every common argument of operations: `sudo`, `tags`, `env` and so on.
    ///
    /// ```rhai
    /// play("web", #{ name: "web tier", serial: [1, "50%"], max_fail: "20%" }, |h| {
    ///     service::running("nginx");
    /// });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn play(ctx: NativeCallContext, selector: ImmutableString, options: Map, body: FnPtr) -> RhaiResultOf<()> {
        super::run_play(&ctx, &selector, options, &body)
    }

    /// Runs the body on the hosts of a selector, all at once.
    ///
    /// ```rhai
    /// play("db", |h| { service::running("postgresql"); });
    /// ```
    #[rhai_fn(name = "play", return_raw)]
    pub fn play_plain(ctx: NativeCallContext, selector: ImmutableString, body: FnPtr) -> RhaiResultOf<()> {
        super::run_play(&ctx, &selector, Map::new(), &body)
    }

    /// A play in batches that stops when any host of a batch fails; options as for `play`.
    ///
    /// ```rhai
    /// rolling("web", #{ batches: [1, "25%", "100%"] }, |h| {
    ///     service::restarted("nginx");
    /// });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn rolling(ctx: NativeCallContext, selector: ImmutableString, options: Map, body: FnPtr) -> RhaiResultOf<()> {
        let mut options = options;
        if !options.contains_key("max_fail") {
            options.insert("max_fail".into(), 0_i64.into());
        }
        super::run_play(&ctx, &selector, options, &body)
    }

    /// Runs the closure on the first host that can be reached, and gives its value to all hosts.
    ///
    /// ```rhai
    /// let release = once(|| cmd::read("cat /srv/app/RELEASE").stdout);
    /// ```
    #[rhai_fn(name = "once", name = "run_once", return_raw)]
    pub fn once(ctx: NativeCallContext, body: FnPtr) -> RhaiResultOf<Dynamic> {
        let here = Here::of(&ctx);
        let run = || {
            let host = here.actor().own();
            here.actor().login(host, None).map_err(|stop| stopped(&ctx, stop))?;
            closure::call(&ctx, &body, vec![current(&here)])
        };
        placed(&ctx, here.actor().once(&called_at(&ctx), run))
    }

    /// Waits for all hosts, and gives each the values of all: a map from host name to value.
    ///
    /// ```rhai
    /// let addresses = gather(host.addr);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn gather(ctx: NativeCallContext, value: Dynamic) -> RhaiResultOf<Map> {
        let values = Here::of(&ctx).actor().gather(&called_at(&ctx), value);
        let values = placed(&ctx, values.map_err(Into::into))?;
        Ok(values.into_iter().map(|(host, value)| (host.into(), value)).collect())
    }

    /// Waits until all hosts of the play, or of the run, came here.
    ///
    /// ```rhai
    /// barrier();
    /// ```
    #[rhai_fn(return_raw)]
    pub fn barrier(ctx: NativeCallContext) -> RhaiResultOf<()> {
        placed(&ctx, Here::of(&ctx).actor().barrier(&called_at(&ctx)).map_err(Into::into))
    }

    /// Waits for some seconds. What was read of the host before is read anew afterwards.
    ///
    /// ```rhai
    /// while cmd::read("test -e /run/app.ready", #{ success_codes: [0, 1] }).code != 0 { sleep(1); }
    /// ```
    pub fn sleep(ctx: NativeCallContext, seconds: rhai::INT) {
        super::pause(&ctx, Duration::from_secs(seconds.max(0).unsigned_abs()));
    }

    /// Waits for some seconds, a part of one included.
    #[rhai_fn(name = "sleep")]
    pub fn sleep_part(ctx: NativeCallContext, seconds: rhai::FLOAT) {
        let long = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
        super::pause(&ctx, long);
    }

    /// Runs the closure on another host of the inventory, selected or not.
    ///
    /// ```rhai
    /// delegate("lb-1", |lb| { file::line("/etc/haproxy/drained", #{ line: "web-1" }); });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn delegate(ctx: NativeCallContext, name: ImmutableString, body: FnPtr) -> RhaiResultOf<Dynamic> {
        let here = Here::of(&ctx);
        let other = named(&ctx, &here, &name)?;
        let handle = Dynamic::from(HostRef(other.clone()));
        here.actor().on_host(other, || closure::call(&ctx, &body, vec![handle]))
    }

    /// Runs the closure on the machine that rhapsode runs on, as the user who runs it.
    ///
    /// ```rhai
    /// let version = local(|| cmd::read("git describe --always").stdout);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn local(ctx: NativeCallContext, body: FnPtr) -> RhaiResultOf<Dynamic> {
        let here = Here::of(&ctx);
        let machine = here.actor().run.here();
        let handle = Dynamic::from(HostRef(machine.clone()));
        let plain = Settings { becoming: Some(crate::engine::Becoming::Nobody), ..Settings::default() };
        let actor = here.actor();
        actor.on_host(machine, || actor.with_settings(plain, || closure::call(&ctx, &body, vec![handle])))
    }

    /// Gives operations inside the closure further common arguments, and says what happens when one of them fails.
    ///
    /// The options are every common argument (`sudo`, `tags`, `env` and so on), and `rescue`, a closure that gets the
    /// host and the error and whose value becomes that of the block; `always`, a closure that runs in any case;
    /// `undo: true`, which takes back what changed inside, last first: by the `undo` closure of an operation where it has
    /// one, else by what was there before. What nobody can take back, such as a command, is told.
    ///
    /// ```rhai
    /// block("release", |h| {
    ///     file::put("/srv/app/current", #{ content: "2" });
    /// }, #{ undo: true, rescue: |h, error| { log(error.message); } });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn block(ctx: NativeCallContext, name: ImmutableString, body: FnPtr, options: Map) -> RhaiResultOf<Dynamic> {
        super::super::block::run(&ctx, &name, &body, options)
    }

    /// Groups operations under a name.
    ///
    /// ```rhai
    /// block("base", |h| { pkg::installed("curl"); });
    /// ```
    #[rhai_fn(name = "block", return_raw)]
    pub fn block_plain(ctx: NativeCallContext, name: ImmutableString, body: FnPtr) -> RhaiResultOf<Dynamic> {
        super::super::block::run(&ctx, &name, &body, Map::new())
    }

    /// Defines a handler: it runs once at the end of the play when an operation that notifies it changed something.
    ///
    /// ```rhai
    /// handler("reload web", |h| { service::reloaded("nginx"); });
    /// ```
    #[rhai_fn(name = "handler")]
    pub fn define_handler(ctx: NativeCallContext, name: ImmutableString, body: FnPtr) {
        let kept = closure::Kept::new(&ctx, body);
        Here::of(&ctx).handlers().insert(name.to_string(), kept);
    }

    /// Asks for a handler, as the argument `notify` does.
    ///
    /// ```rhai
    /// notify("reload web");
    /// ```
    #[rhai_fn(name = "notify")]
    pub fn notify(ctx: NativeCallContext, name: ImmutableString) {
        Here::of(&ctx).actor().notify(&name);
    }

    /// Runs the handlers that were asked for so far, now.
    ///
    /// ```rhai
    /// flush_handlers();
    /// ```
    #[rhai_fn(return_raw)]
    pub fn flush_handlers(ctx: NativeCallContext) -> RhaiResultOf<()> {
        handler::flush(&Here::of(&ctx), ctx.engine(), false)
    }

    /// Says something in the output of the run.
    ///
    /// ```rhai
    /// log(`deploying to ${host.name}`);
    /// ```
    pub fn log(ctx: NativeCallContext, value: Dynamic) {
        let here = Here::of(&ctx);
        // Hosts, handles and hidden values have a text of their own; that of Rust would be the name of a type.
        let text = ctx.call_native_fn::<ImmutableString>("to_string", (value.clone(),));
        let text = super::super::builder::printed(&text.map_or_else(|_| value.to_string(), |text| text.to_string()));
        let host = here.actor().own().name().to_owned();
        here.actor().run.emit(Event::Log { host, text });
    }

    /// Fails the host with a text.
    ///
    /// ```rhai
    /// if host.data("retired", false) { fail("this host is retired"); }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn fail(ctx: NativeCallContext, text: ImmutableString) -> RhaiResultOf<()> {
        let here = Here::of(&ctx);
        let message = crate::secret::redact(&text);
        let failure = Failure { message, at: Some(called_at(&ctx)), ..Failure::default() };
        Err(raise(&failure, "fail", here.actor().own().name(), ctx.call_position()))
    }

    /// Fails the host with a text unless the condition is true.
    ///
    /// ```rhai
    /// assert(host.data("app_port", 8080) > 1024, "the application runs without privileges");
    /// ```
    #[rhai_fn(name = "assert", return_raw)]
    pub fn assert_that(ctx: NativeCallContext, condition: bool, text: ImmutableString) -> RhaiResultOf<()> {
        if condition {
            return Ok(());
        }
        let here = Here::of(&ctx);
        let failure = Failure {
            message: format!("assertion failed: {}", crate::secret::redact(&text)),
            at: Some(called_at(&ctx)),
            ..Failure::default()
        };
        Err(raise(&failure, "assert", here.actor().own().name(), ctx.call_position()))
    }

    /// The hosts of a selector, in inventory order, whether they are selected for this run or not.
    ///
    /// ```rhai
    /// let peers = hosts("web").map(|peer| peer.addr);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn hosts(ctx: NativeCallContext, selector: ImmutableString) -> RhaiResultOf<Array> {
        let here = Here::of(&ctx);
        let names = super::selected(&ctx, &here, &selector)?;
        names.iter().map(|name| Ok(Dynamic::from(HostRef(named(&ctx, &here, name)?)))).collect()
    }

    /// A host of the inventory by its name.
    ///
    /// ```rhai
    /// let gateway = host_named("here").addr;
    /// ```
    #[rhai_fn(return_raw)]
    pub fn host_named(ctx: NativeCallContext, name: ImmutableString) -> RhaiResultOf<HostRef> {
        named(&ctx, &Here::of(&ctx), &name).map(HostRef)
    }

    /// A variable of rhapsode's own environment; fails when it is not set.
    ///
    /// ```rhai
    /// let home = env("HOME");
    /// ```
    #[rhai_fn(name = "env", return_raw)]
    pub fn environment(ctx: NativeCallContext, name: ImmutableString) -> RhaiResultOf<String> {
        std::env::var(name.as_str()).map_err(|_| {
            mistake(&ctx, format!("the environment has no `{name}`"), Some(format!("run with {name}=...")))
        })
    }

    /// True while a plan is made, and nothing is changed. Playbooks rarely need to ask.
    ///
    /// ```rhai
    /// if !is_planning() { log("for real"); }
    /// ```
    pub fn is_planning(ctx: NativeCallContext) -> bool {
        !Here::of(&ctx).actor().run.options.mode.applies()
    }
}

fn selected(ctx: &NativeCallContext, here: &Here, selector: &str) -> RhaiResultOf<Arc<[String]>> {
    here.world().hosts_of(selector).map_err(|failure| {
        let message = match failure.causes.first() {
            Some(cause) => format!("{}: {cause}", failure.message),
            None => failure.message.clone(),
        };
        mistake(ctx, message, failure.hint)
    })
}

/// In a plan there is nothing to wait for.
fn pause(ctx: &NativeCallContext, long: Duration) {
    let here = Here::of(ctx);
    if here.actor().run.options.mode.applies() {
        here.actor().sleep(long);
    }
}

fn run_play(ctx: &NativeCallContext, selector: &str, options: Map, body: &FnPtr) -> RhaiResultOf<()> {
    let here = Here::of(ctx);
    let (mut play, gate) = read_options(ctx, selector, options)?;
    play.hosts = selected(ctx, &here, selector)?;
    if play.name.is_empty() {
        play.name = selector.to_owned();
    }
    let at = called_at(ctx);
    let run = || {
        here.undo().open();
        closure::run(ctx, body, vec![current(&here)])?;
        handler::flush(&here, ctx.engine(), false)?;
        gate.as_ref().map_or(Ok(()), |gate| closure::run(ctx, gate, vec![current(&here)]))
    };
    let result = here.actor().play(&play, &at, run, |undone| settle_batch(ctx, &here, &play.name, undone));
    placed(ctx, result)
}

/// Puts a host back to before its batch, or keeps what it did.
fn settle_batch(ctx: &NativeCallContext, here: &Here, play: &str, undone: bool) -> RhaiResultOf<()> {
    if !undone {
        here.undo().keep();
        return Ok(());
    }
    let undos = here.undo().close();
    undo::take_back(ctx.engine(), here, &format!("a batch of play `{play}`"), undos)?;
    // What was notified by the way back runs now: the host takes no further part.
    here.actor().unplanned(|| handler::flush(here, ctx.engine(), false))
}

fn read_options(ctx: &NativeCallContext, selector: &str, options: Map) -> RhaiResultOf<(Play, Option<FnPtr>)> {
    let mut play = Play::default();
    let mut gate = None;
    for (key, value) in &options {
        let known = option(&mut play, &mut gate, key, value);
        let known = known.map_err(|problem| mistake(ctx, format!("play `{selector}`: `{key}` {problem}"), None))?;
        if !known {
            let names = PLAY_OPTIONS.iter().chain(common::COMMON).copied();
            let hint = crate::inventory::nearest(key, names).map(|nearest| format!("did you mean `{nearest}`?"));
            return Err(mistake(ctx, format!("`play` has no option `{key}`"), hint));
        }
    }
    common::settle_password(&mut play.settings);
    Ok((play, gate))
}

/// Options of `play` that are no common arguments.
const PLAY_OPTIONS: &[&str] = &["name", "serial", "batches", "max_fail", "order", "strategy", "gate", "on_failure"];

fn option(play: &mut Play, gate: &mut Option<FnPtr>, key: &str, value: &Dynamic) -> Result<bool, String> {
    match key {
        "name" => play.name = common::text(value)?,
        "serial" | "batches" => play.batches = shares(value)?,
        "max_fail" => play.max_fail = Some(share(value)?),
        "strategy" => play.linear = one_of(value, "free", "linear")?,
        "order" => play.reverse = one_of(value, "inventory", "reverse")?,
        "on_failure" => play.undo = one_of(value, "stop", "rollback_batch")?,
        "gate" => *gate = Some(value.clone().try_cast().ok_or_else(|| "must be a closure".to_owned())?),
        _ => return common::set(&mut play.settings, key, value),
    }
    Ok(true)
}

/// False for the first word, true for the second.
fn one_of(value: &Dynamic, first: &str, second: &str) -> Result<bool, String> {
    match common::text(value)? {
        word if word == first => Ok(false),
        word if word == second => Ok(true),
        word => Err(format!("must be \"{first}\" or \"{second}\", not \"{word}\"")),
    }
}

fn shares(value: &Dynamic) -> Result<Vec<Share>, String> {
    match value.read_lock::<Array>() {
        Some(array) => array.iter().map(share).collect(),
        None => share(value).map(|share| vec![share]),
    }
}

fn share(value: &Dynamic) -> Result<Share, String> {
    match value.as_int() {
        Ok(hosts) => usize::try_from(hosts).map(Share::Hosts).map_err(|_| "must not be negative".into()),
        Err(_) => Share::parse(&common::text(value)?),
    }
}
