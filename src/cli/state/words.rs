//! The words behind `state`.

use crate::state::LedgerFilter;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `state ...`
#[derive(Debug, Clone, Subcommand)]
pub enum StateVerb {
    /// List the resources that playbooks manage
    List {
        /// Where more than one fits.
        #[command(flatten)]
        which: Which,
    },
    /// Show all that is known of a resource
    Show {
        /// Its address, `HOST/KIND/ID`, as `state list` prints it
        resource: String,
        /// Where more than one fits.
        #[command(flatten)]
        which: Which,
    },
    /// Forget resources: the hosts keep them, and nobody manages them any more
    Rm {
        /// Their addresses, `HOST/KIND/ID`
        #[arg(required = true, value_name = "RESOURCE")]
        resources: Vec<String>,
        /// Where more than one fits.
        #[command(flatten)]
        which: Which,
    },
    /// Give a resource another address, after it was renamed
    Mv {
        /// Its address, `HOST/KIND/ID`
        from: String,
        /// Its new address
        to: String,
        /// Where more than one fits.
        #[command(flatten)]
        which: Which,
    },
    /// Count a resource that is there already as made by a playbook, so that `--prune` may remove it
    ImportResource {
        /// Its address, `HOST/KIND/ID`
        resource: String,
        /// The playbook that manages it
        #[arg(long)]
        playbook: String,
        /// The wanted state as JSON; the next apply fills it in
        #[arg(long, value_name = "JSON")]
        want: Option<String>,
        /// Never remove it
        #[arg(long)]
        keep: bool,
    },
    /// Write the whole state as JSON lines
    Export {
        /// The file; `-` is stdout
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Fill an empty state store from an export
    Import {
        /// The file; `-` is stdin
        file: PathBuf,
    },
    /// Take the lock away from the run that holds it
    Unlock,
}

/// Which of the resources.
#[derive(Debug, Clone, Default, Args)]
pub struct Which {
    /// Only those of this playbook
    #[arg(long)]
    pub playbook: Option<String>,
    /// Only those of this host
    #[arg(long)]
    pub host: Option<String>,
    /// Only those of this kind: `path`, `unit`
    #[arg(long)]
    pub kind: Option<String>,
}

impl Which {
    /// As the store takes it.
    pub fn filter(&self, inventory: Option<&str>) -> LedgerFilter {
        LedgerFilter {
            inventory: inventory.map(str::to_owned),
            playbook: self.playbook.clone(),
            host: self.host.clone(),
            kind: self.kind.clone(),
            id: None,
        }
    }
}
