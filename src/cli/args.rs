//! The words of the command line.

use super::pki::PkiVerb;
use super::secret::SecretVerb;
use super::state::StateVerb;
use clap::builder::RangedU64ValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};
use std::path::PathBuf;

/// What the help ends with.
const AFTER: &str = "`rhapsode init` makes a first project, `rhapsode help COMMAND` tells more of a command, \
                     `rhapsode docs` lists what playbooks can do.";

/// Agentless infrastructure engine: playbooks in Rhai, plans that can be trusted, rollback that goes back.
#[derive(Debug, Parser)]
#[command(name = "rhapsode", version, propagate_version = true, max_term_width = 100, after_help = AFTER)]
pub struct App {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Verb,
}

/// Options of every command; those that a command has no use for are accepted and do nothing.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Inventory: a file, a folder, `cmd:COMMAND`, `@local`, `@docker/NAME`, or `host,host`; may be repeated
    #[arg(short, long, global = true, value_name = "INVENTORY")]
    pub inventory: Vec<String>,
    /// Only these hosts: `web & !web-3`, globs, `@failed` (of the last run)
    #[arg(short, long, global = true, value_name = "SELECTOR")]
    pub limit: Option<String>,
    /// Not these hosts
    #[arg(long, global = true, value_name = "SELECTOR")]
    pub exclude: Option<String>,
    /// Only operations with one of these tags: `web,db`; may be repeated
    #[arg(long, global = true, value_delimiter = ',', value_name = "TAG")]
    pub tags: Vec<String>,
    /// No operations with one of these tags; may be repeated
    #[arg(long, global = true, value_delimiter = ',', value_name = "TAG")]
    pub skip_tags: Vec<String>,
    /// Data over that of the inventory; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub data: Vec<String>,
    /// Hosts that log in or work at the same time (default 100)
    #[arg(long, global = true, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub forks: Option<usize>,
    /// Show diffs in an apply too
    #[arg(long, global = true, overrides_with = "no_diff")]
    pub diff: bool,
    /// Show no diffs
    #[arg(long, global = true)]
    pub no_diff: bool,
    /// Print one JSON document on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Write every event as a JSON line to this file; `-` is stdout
    #[arg(long, global = true, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Say more: -v unchanged operations, -vv durations and ids, -vvv what goes over the wire
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Keep ssh logins this many seconds behind the end of a run, for the next one; 0 keeps none (default 60)
    #[arg(long, global = true, value_name = "SECONDS")]
    pub keep_logins: Option<u64>,
    /// Ask hosts nothing ahead of its use; slower, with the same result
    #[arg(long, global = true)]
    pub no_prefetch: bool,
    /// Where runs are remembered: a path from the project, or `postgres://...` (default .rhapsode/state.db)
    #[arg(long, global = true, value_name = "PATH|URL")]
    pub state: Option<String>,
    /// Wait this many seconds for another run that changes the same hosts
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 0)]
    pub lock_wait: u64,
    /// Take away what the playbook managed before and declares no more
    #[arg(long, global = true)]
    pub prune: bool,
    /// Ask nothing: apply at once
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// No colours
    #[arg(long, global = true)]
    pub no_color: bool,
    /// The project's folder; found upwards from the working directory when not given
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a project: inventory, playbook, configuration
    Init {
        /// The folder; made when missing
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Find mistakes in playbooks without contacting any host
    Check {
        /// Playbooks; all below `playbooks/` when none is named
        playbooks: Vec<PathBuf>,
    },
    /// Show hosts, groups and where data comes from
    #[command(subcommand)]
    Inventory(InventoryVerb),
    /// Print the facts of hosts as JSON
    Facts {
        /// Hosts, as a selector; every host when none is named
        hosts: Option<String>,
    },
    /// Run a command on hosts and show what it prints; piped, stdout has just that
    Exec {
        /// Act as root
        #[arg(long)]
        sudo: bool,
        /// The command and its arguments
        #[arg(required = true, last = true)]
        command: Vec<String>,
    },
    /// Run one line of playbook: `op 'pkg::installed("curl")'`
    Op {
        /// The line
        script: String,
        /// Only predict
        #[arg(long)]
        plan: bool,
    },
    /// Predict what an apply would change
    Plan {
        /// The playbook
        playbook: PathBuf,
        /// Exit with 2 when changes are pending
        #[arg(long)]
        exit_code: bool,
        /// Save the plan, so that an apply can be held to it
        #[arg(long, value_name = "FILE")]
        save: Option<PathBuf>,
    },
    /// Make hosts as the playbook says
    Apply {
        /// The playbook, or a plan that `plan --save` wrote: nothing else than it announced is done then
        #[arg(value_name = "PLAYBOOK|PLANFILE")]
        playbook: PathBuf,
        /// Tell how reality deviates from the saved plan, and apply all the same
        #[arg(long)]
        allow_deviation: bool,
        /// Stop a host before its first change, with exit 7
        #[arg(long)]
        expect_no_changes: bool,
    },
    /// Tell how reality differs from the playbook; exit 2 when it does
    Drift {
        /// The playbook
        #[arg(required_unless_present = "all")]
        playbook: Option<PathBuf>,
        /// Every playbook that was applied to the inventory, each as it was applied last
        #[arg(long, conflicts_with = "playbook")]
        all: bool,
    },
    /// Go on with a run that was interrupted, killed, or failed on some hosts: with what it left, and nothing else
    Resume {
        /// A run: its id or the beginning of it; the newest one of the inventory that left something when none is given
        run: Option<String>,
        /// Go on though playbook, modules or inventory are other ones by now
        #[arg(long)]
        changed: bool,
    },
    /// Go back to what an earlier commit made of the hosts; shows the plan and asks
    Rollback {
        /// A run of the history, or a commit, tag or branch; the last good run when none is given
        #[arg(value_name = "RUN|COMMIT")]
        to: Option<String>,
        /// The playbook to take back, when several are applied to the inventory
        #[arg(long, value_name = "PLAYBOOK")]
        playbook: Option<String>,
        /// Go back though the work tree, or that of the run, differs from its commit
        #[arg(long)]
        allow_dirty: bool,
    },
    /// List the runs so far
    History {
        /// At most this many
        #[arg(short = 'n', long, default_value_t = 20)]
        last: u64,
    },
    /// Show a run again
    Show {
        /// A run: its id, the beginning of it, or `last`
        #[arg(default_value = "last")]
        run: String,
    },
    /// Make and remove the containers of staging hosts
    #[command(subcommand)]
    Staging(StagingVerb),
    /// Keep, show and change the secrets of the project
    #[command(subcommand)]
    Secret(SecretVerb),
    /// Make authorities, issue, renew and revoke certificates
    #[command(subcommand)]
    Pki(Box<PkiVerb>),
    /// List, move, export and unlock what is remembered
    #[command(subcommand)]
    State(StateVerb),
    /// Show every setting with its value and source
    Config,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Show the reference of operations, or write it as pages
    Docs {
        /// An operation, a module or a word; a list when none is given
        topic: Option<String>,
        /// Write reference pages and editor definitions below this folder
        #[arg(long, value_name = "DIR", conflicts_with = "topic")]
        write: Option<PathBuf>,
    },
}

/// `inventory ...`
#[derive(Debug, Subcommand)]
pub enum InventoryVerb {
    /// List hosts with their connections and groups
    List,
    /// Draw groups as a tree
    Graph,
    /// Tell where a host's data comes from, and which layer wins
    Explain {
        /// The host
        host: String,
        /// Only this key
        key: Option<String>,
    },
}

/// `staging ...`
#[derive(Debug, Subcommand)]
pub enum StagingVerb {
    /// Start the containers that do not run yet
    Up,
    /// Remove the containers
    Down,
    /// Remove the containers and start new ones
    Reset,
    /// Open a shell in the container of a host
    Shell {
        /// The host
        host: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, CommandFactory};

    /// clap panics in whoever uses it, not before.
    #[test]
    fn no_command_has_an_option_of_the_name_of_a_common_one() {
        fn clashes(command: &Command, common: &[&str]) -> Vec<String> {
            let own = command.get_arguments().map(|arg| arg.get_id().as_str()).filter(|id| common.contains(id));
            let own = own.map(|id| format!("{} {id}", command.get_name()));
            own.chain(command.get_subcommands().flat_map(|below| clashes(below, common))).collect()
        }
        let app = App::command();
        let common: Vec<&str> = app.get_arguments().map(|arg| arg.get_id().as_str()).collect();
        let clashes: Vec<String> = app.get_subcommands().flat_map(|below| clashes(below, &common)).collect();
        assert_eq!(clashes, [""; 0]);
    }
}
