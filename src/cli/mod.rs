//! The command line.

mod ahead;
mod args;
mod commands;
pub mod config;
mod docs;
mod drift;
mod driver;
mod examples;
mod facts;
pub mod failure;
mod git;
pub mod history;
mod init;
pub mod inventory;
mod prepared;
mod problem;
mod memory;
mod merging;
mod needed;
mod pki;
mod planning;
mod recorded;
mod resume;
mod rollback;
mod room;
mod run;
mod saved_plan;
mod scrub;
pub mod secret;
mod session;
mod shown;
mod signals;
mod sources;
mod submodules;
pub mod staging;
mod stamp;
pub mod state;
mod table;
mod worktree;
mod who;

use args::{App, Verb};
use clap::FromArgMatches;
use failure::{CommandError, Exit};
use run::Order;
use session::Session;

use crate::event::Mode;
use crate::report::Paint;
use crate::secret::Scrubbing;

/// Runs the command line of this process.
pub fn main() -> Exit {
    let parsed = shown::command().try_get_matches().and_then(|words| App::from_arg_matches(&words));
    let app = match parsed {
        Ok(app) => app,
        Err(error) => {
            // Help and version are no mistakes; they go to stdout.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let no_color = app.common.no_color;
    trace(app.common.verbose, no_color);
    let exit = match dispatch(app).and_then(commands::all_said) {
        Ok(exit) => exit,
        Err(error) => error.print(&mut std::io::stderr(), Paint::for_stream(&std::io::stderr(), no_color)),
    };
    // Nothing wipes what a process leaves in memory but the process.
    crate::secret::forget_all();
    exit
}

fn dispatch(app: App) -> Result<Exit, CommandError> {
    match &app.command {
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut shown::command(), "rhapsode", &mut script);
            commands::say(String::from_utf8_lossy(&script));
            Ok(Exit::Done)
        }
        Verb::Docs { write: Some(folder), .. } => docs::write(folder),
        Verb::Docs { topic, write: None } => docs::show(topic.as_deref(), app.common.json, app.common.no_color),
        Verb::Init { folder } => init::init(folder, app.common.quiet),
        _ => in_project(app),
    }
}

/// The commands that need the settings of a project.
fn in_project(app: App) -> Result<Exit, CommandError> {
    room::make_least_room()?;
    let mut session = Session::new(app.common)?;
    match &app.command {
        Verb::Check { playbooks } => session.check(playbooks),
        Verb::Inventory(verb) => session.show_inventory(verb),
        Verb::Exec { sudo, command } => session.exec(command, *sudo),
        Verb::Op { script, plan } => session.op(script, *plan),
        Verb::Plan { playbook, exit_code, save } => {
            session.pending_counts = *exit_code;
            session.plan(playbook, save.as_deref())
        }
        Verb::Apply { playbook, allow_deviation, expect_no_changes } => {
            session.apply(playbook, *allow_deviation, *expect_no_changes)
        }
        Verb::Drift { playbook: Some(playbook), .. } => {
            let prepared = session.prepare(playbook)?;
            Ok(session.once(&prepared, Order::of(Mode::Drift))?.exit)
        }
        Verb::Drift { playbook: None, .. } => session.drift_of_all(),
        Verb::Resume { run, changed } => session.resume(run.as_deref(), *changed),
        Verb::Rollback { to, playbook, allow_dirty } => {
            session.rollback(to.as_deref(), playbook.as_deref(), *allow_dirty)
        }
        Verb::History { last } => past_runs(&session, *last),
        Verb::Show { run } => past_run(&session, run),
        Verb::Staging(verb) => session.staging(verb),
        Verb::Secret(verb) => session.secret(verb),
        Verb::Pki(verb) => session.pki(verb),
        Verb::State(verb) => session.manage_state(verb),
        Verb::Config => Ok(session.show_config()),
        Verb::Facts { hosts } => session.facts(hosts.as_deref()),
        Verb::Init { .. } | Verb::Docs { .. } | Verb::Completions { .. } => unreachable!("these need no project"),
    }
}

fn past_runs(session: &Session, last: u64) -> Result<Exit, CommandError> {
    let store = session.state()?.open_existing()?;
    let mut out = anstream::stdout();
    if session.flags.json {
        return history::history_json(store.as_ref(), last, &mut out);
    }
    let paint = Paint::for_stream(&std::io::stdout(), !session.config.color.value);
    history::history(store.as_ref(), last, &history::Clock::system(), paint, &mut out)
}

fn past_run(session: &Session, run: &str) -> Result<Exit, CommandError> {
    let Some(store) = session.state()?.open_existing()? else {
        return Err(CommandError::mistake("no run is recorded yet"));
    };
    let out = Box::new(std::io::stdout());
    if session.flags.json {
        return history::show_json(&store, run, out);
    }
    let mut look = session.look();
    look.live = false;
    look.paint = Paint::for_stream(&std::io::stdout(), !session.config.color.value);
    history::show(&store, run, look, out)
}

/// `-vvv` shows what goes over the wire; `RHAPSODE_LOG` takes the directives of tracing-subscriber.
fn trace(verbose: u8, no_color: bool) {
    let wanted = std::env::var("RHAPSODE_LOG").ok().or((verbose >= 3).then(|| "rhapsode=trace".into()));
    if let Some(wanted) = wanted {
        let filter = tracing_subscriber::EnvFilter::new(wanted);
        let colour = std::io::IsTerminal::is_terminal(&std::io::stderr()) && !no_color;
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Scrubbing::new(std::io::stderr()));
        lines.with_ansi(colour).without_time().log_internal_errors(false).init();
    }
}
