//! Facts: what scripts ask of hosts.

use super::convert::{from_json, to_json};
use super::error::{RhaiResultOf, mistake, stopped};
use super::here::{Here, called_at};
use super::host::HostRef;
use super::opaque::Opaque;
use crate::engine::unanswered;
use crate::ops::fact::{self, Basic};
use crate::ops::resource::{Contents, Kind, Path, hostname::Hostname, package::Package};
use crate::ops::{OpError, View};
use crate::remote::Command;
use rhai::plugin::*;
use rhai::{Dynamic, ImmutableString, Map};
use serde_json::{Value, json};

/// The text of a small file of the current host, or what stands for it until an apply.
pub(super) fn file_text(ctx: &NativeCallContext, path: &str) -> RhaiResultOf<Result<String, Opaque>> {
    let host = HostRef(Here::of(ctx).actor().on());
    let read = |view: &mut View<'_>| match view.see::<Contents>(path)? {
        Contents::Bytes(bytes) | Contents::Planned(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Contents::Absent => Err(OpError::refused(format!("there is no `{path}`"))),
        _ => Err(OpError::refused(format!("`{path}` is no small file that can be read"))),
    };
    let text = ask(ctx, &host, ("file", path), read)?;
    Ok(match text.read_lock::<Opaque>() {
        Some(unknown) => Err(unknown.clone()),
        None => Ok(text.to_string()),
    })
}

/// Asks a host; what only an apply can tell becomes a value that says so.
fn ask<T: Into<Dynamic>>(
    ctx: &NativeCallContext,
    host: &HostRef,
    (what, about): (&str, &str),
    question: impl FnOnce(&mut View<'_>) -> Result<T, OpError>,
) -> RhaiResultOf<Dynamic> {
    asked(ctx, host, (what, about), &format!("{what} `{about}`"), question)
}

/// The same; `label` names the question in a saved plan, empty for an answer that changes by itself.
fn asked<T: Into<Dynamic>>(
    ctx: &NativeCallContext,
    host: &HostRef,
    (what, about): (&str, &str),
    label: &str,
    question: impl FnOnce(&mut View<'_>) -> Result<T, OpError>,
) -> RhaiResultOf<Dynamic> {
    let at = called_at(ctx);
    let here = Here::of(ctx);
    let answer = here.actor().look(&host.0, Some(&at), question).map_err(|stop| stopped(ctx, stop))?;
    match answer {
        Ok(value) => {
            let value = value.into();
            if let (false, Ok(json)) = (label.is_empty(), to_json(&value)) {
                let told = here.actor().told(&host.0, label, &json.to_string(), &at);
                told.map_err(|stop| stopped(ctx, stop))?;
            }
            Ok(value)
        }
        Err(OpError::Unknown(why)) => Ok(Dynamic::from(Opaque::unknown(why))),
        Err(error) => Err(stopped(ctx, unanswered(what, about, &host.0, Some(&at), &error))),
    }
}

/// One of the facts that come together in one exchange.
fn basic<T: Into<Dynamic>>(
    ctx: &NativeCallContext,
    host: &HostRef,
    name: &str,
    pick: impl FnOnce(Basic) -> T,
) -> RhaiResultOf<Dynamic> {
    ask(ctx, host, ("fact", name), |view| fact::basic(view).map(pick))
}

fn named(ctx: &NativeCallContext, host: &HostRef, name: &str, arguments: Map) -> RhaiResultOf<Dynamic> {
    if !fact::names().any(|known| known == name) {
        let hint = crate::inventory::nearest(name, fact::names()).map(|near| format!("did you mean `{near}`?"));
        return Err(mistake(ctx, format!("there is no fact `{name}`"), hint));
    }
    let arguments = to_json(&arguments.into())
        .map_err(|problem| mistake(ctx, format!("arguments of the fact `{name}`: {problem}"), None))?;
    if let Some(why) = super::ensure::unknown_in(&arguments) {
        return Ok(Dynamic::from(Opaque::unknown(why)));
    }
    let arguments = match arguments {
        Value::Object(map) if map.is_empty() => Value::Null,
        given => given,
    };
    let label = match &arguments {
        _ if fact::moves(name) => String::new(),
        Value::Null => format!("fact `{name}`"),
        given => format!("fact `{name}` {}", crate::secret::redact(&given.to_string())),
    };
    let read = |view: &mut View<'_>| fact::read(view, name, arguments).map(|value| from_json(&value));
    asked(ctx, host, ("fact", name), &label, read)
}

/// What `host.os` knows; every value is unknown when the host cannot be asked.
fn os_unknown(why: &Opaque) -> Map {
    let keys = ["family", "name", "version", "codename", "pretty"];
    keys.into_iter().map(|key| (key.into(), Dynamic::from(why.clone()))).collect()
}

/// Whether the host finds a command. Where a plan changes something first, the folders of its `PATH` are looked at
/// through what was predicted.
fn has_command(view: &mut View<'_>, name: &str) -> Result<bool, OpError> {
    let script = format!("echo \"$PATH\"; command -v {}", crate::remote::quote(name));
    let output = view.read(&Command::script(script))?;
    let text = output.text();
    let mut lines = text.lines();
    let folders: Vec<&str> = lines.next().unwrap_or_default().split(':').filter(|dir| dir.starts_with('/')).collect();
    let found = lines.next().filter(|_| output.ok());
    if view.planned_changes() == 0 || name.contains('/') {
        return Ok(found.is_some());
    }
    let paths: Vec<String> = folders.iter().map(|folder| format!("{}/{name}", folder.trim_end_matches('/'))).collect();
    // A builtin of the shell, or an alias: no file that a plan could touch.
    if found.is_some_and(|found| !paths.iter().any(|path| path == found)) {
        return Ok(true);
    }
    let mut unknown = None;
    for path in &paths {
        match view.see::<Path>(path) {
            Ok(state) if !matches!(state.kind, Kind::Absent | Kind::Dir) => return Ok(true),
            Ok(_) => {}
            Err(OpError::Unknown(why)) => unknown = Some(why),
            Err(error) => return Err(error),
        }
    }
    unknown.map_or(Ok(false), |why| Err(OpError::Unknown(why)))
}

/// Facts of hosts.
#[export_module]
pub mod facts {
    use super::*;

    /// The operating system: a map of `family` (`debian`, `redhat`, `suse`, `arch`, `alpine`), `name` (`ubuntu`),
    /// `version` (`24.04`), `codename` and `pretty`, as os-release(5) has them.
    ///
    /// ```rhai
    /// if host.os.family == "debian" { log(`${host.os.name} ${host.os.version}`); }
    /// ```
    #[rhai_fn(get = "os", pure, return_raw)]
    pub fn os(ctx: NativeCallContext, host: &mut HostRef) -> RhaiResultOf<Dynamic> {
        let os = basic(&ctx, host, "os", |known| from_json(&json!(known.os)))?;
        Ok(match os.read_lock::<Opaque>() {
            Some(why) => os_unknown(&why).into(),
            None => os.clone(),
        })
    }

    /// The architecture as `uname -m` says it: `x86_64`, `aarch64`.
    #[rhai_fn(get = "arch", pure, return_raw)]
    pub fn arch(ctx: NativeCallContext, host: &mut HostRef) -> RhaiResultOf<Dynamic> {
        basic(&ctx, host, "arch", |known| known.arch)
    }

    /// The release of the running kernel as `uname -r` says it.
    #[rhai_fn(get = "kernel", pure, return_raw)]
    pub fn kernel(ctx: NativeCallContext, host: &mut HostRef) -> RhaiResultOf<Dynamic> {
        basic(&ctx, host, "kernel", |known| known.kernel)
    }

    /// The name that the host has for itself; `host.name` is that of the inventory.
    #[rhai_fn(get = "hostname", pure, return_raw)]
    pub fn hostname(ctx: NativeCallContext, host: &mut HostRef) -> RhaiResultOf<Dynamic> {
        let current = |view: &mut View<'_>| match view.is_planned(|key| key.kind == "hostname") {
            true => view.see::<Hostname>(Hostname::KEY).map(|name| name.current),
            false => fact::basic(view).map(|known| known.hostname),
        };
        ask(&ctx, host, ("fact", "hostname"), current)
    }

    /// The number of processors that are online.
    #[rhai_fn(get = "cpus", pure, return_raw)]
    pub fn cpus(ctx: NativeCallContext, host: &mut HostRef) -> RhaiResultOf<Dynamic> {
        basic(&ctx, host, "cpus", |known| i64::from(known.cpus))
    }

    /// The memory of the host in MiB.
    #[rhai_fn(get = "memory_mb", pure, return_raw)]
    pub fn memory_mb(ctx: NativeCallContext, host: &mut HostRef) -> RhaiResultOf<Dynamic> {
        basic(&ctx, host, "memory_mb", |known| i64::try_from(known.memory_mb).unwrap_or(i64::MAX))
    }

    /// What starts services: `systemd`, `openrc`, `sysvinit`, `runit`, `busybox`, or the name of process 1.
    #[rhai_fn(get = "init", pure, return_raw)]
    pub fn init(ctx: NativeCallContext, host: &mut HostRef) -> RhaiResultOf<Dynamic> {
        basic(&ctx, host, "init", |known| known.init)
    }

    /// The package manager: `apt`, `apk`, `dnf`, `yum`, `zypper`, `pacman`, `opkg` or `xbps`; `()` when there is none.
    #[rhai_fn(get = "pkg_manager", pure, return_raw)]
    pub fn pkg_manager(ctx: NativeCallContext, host: &mut HostRef) -> RhaiResultOf<Dynamic> {
        basic(&ctx, host, "pkg_manager", |known| known.pkg_manager.map_or(Dynamic::UNIT, Dynamic::from))
    }

    /// True when the host finds a command, as `command -v` does.
    ///
    /// In a plan a command that a planned package may bring is unknown.
    ///
    /// ```rhai
    /// if host.has_cmd("git") { git::config("user.name", #{ value: "deploy" }); }
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn has_cmd(ctx: NativeCallContext, host: &mut HostRef, command: ImmutableString) -> RhaiResultOf<Dynamic> {
        ask(&ctx, host, ("host.has_cmd", &command), |view| has_command(view, &command))
    }

    /// True when a package is installed, or one that provides it; false on a host without a package manager.
    ///
    /// Fails on hosts whose package manager rhapsode does not know.
    ///
    /// ```rhai
    /// let missing = ["curl", "less"].filter(|name| !host.has_pkg(name));
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn has_pkg(ctx: NativeCallContext, host: &mut HostRef, package: ImmutableString) -> RhaiResultOf<Dynamic> {
        let installed = |view: &mut View<'_>| match view.see::<Package>(&package) {
            Err(OpError::Refused { .. }) if fact::basic(view)?.pkg_manager.is_none() => Ok(false),
            state => state.map(|state| state.is_served()),
        };
        ask(&ctx, host, ("host.has_pkg", &package), installed)
    }

    /// A fact by its name, with arguments. Names and arguments are those of pyinfra: `server.Users`, `files.File`.
    ///
    /// Fails for an unknown name or argument, naming the nearest one. In a plan a fact that a change before it may
    /// touch is unknown; a thing that is not there is `()`.
    ///
    /// ```rhai
    /// let git = host.fact("server.Which", #{ command: "git" });
    /// ```
    #[rhai_fn(name = "fact", pure, return_raw)]
    pub fn fact_of_host(
        ctx: NativeCallContext,
        host: &mut HostRef,
        name: ImmutableString,
        arguments: Map,
    ) -> RhaiResultOf<Dynamic> {
        named(&ctx, host, &name, arguments)
    }

    /// A fact without arguments.
    #[rhai_fn(name = "fact", pure, return_raw)]
    pub fn fact_of_host_plain(
        ctx: NativeCallContext,
        host: &mut HostRef,
        name: ImmutableString,
    ) -> RhaiResultOf<Dynamic> {
        named(&ctx, host, &name, Map::new())
    }

    /// A fact of the current host by its name, as `host.fact` gives it.
    ///
    /// ```rhai
    /// let conf = fact("files.File", #{ path: "/etc/app.conf" });
    /// if conf != () { log(`${conf.size} bytes`); }
    /// ```
    #[rhai_fn(name = "fact", return_raw)]
    pub fn fact_here(ctx: NativeCallContext, name: ImmutableString, arguments: Map) -> RhaiResultOf<Dynamic> {
        named(&ctx, &HostRef(Here::of(&ctx).actor().on()), &name, arguments)
    }

    /// A fact of the current host without arguments.
    #[rhai_fn(name = "fact", return_raw)]
    pub fn fact_here_plain(ctx: NativeCallContext, name: ImmutableString) -> RhaiResultOf<Dynamic> {
        named(&ctx, &HostRef(Here::of(&ctx).actor().on()), &name, Map::new())
    }
}
