//! The words of `secret ...`.

use super::super::merging::MergeWords;
use clap::Subcommand;
use std::path::PathBuf;

/// `secret ...`
#[derive(Debug, Subcommand)]
pub enum SecretVerb {
    /// Name who can read the secrets of this project: by default your ssh key
    Init {
        /// A recipient: `age1...`, `ssh-ed25519 ...`, or a file with such lines (id_ed25519.pub); may be repeated
        #[arg(long, value_name = "RECIPIENT")]
        to: Vec<String>,
    },
    /// Keep a secret: asked for at the terminal, or read from stdin
    Set {
        /// `KEY`, or `FILE/KEY` for a file of its own: `db/password`
        name: String,
        /// Read the value from this file, with its line ends
        #[arg(long, value_name = "PATH", conflicts_with = "generate")]
        file: Option<PathBuf>,
        /// Make a random value
        #[arg(long)]
        generate: bool,
        /// Characters of a random value
        #[arg(long, value_name = "N", default_value_t = 32, requires = "generate")]
        length: usize,
        /// Of a random value: alnum, hex, base64, digits, printable, or the characters themselves
        #[arg(long, value_name = "SET", default_value = "alnum", requires = "generate")]
        charset: String,
    },
    /// Show a secret, or where any reference leads: `op://home/app/token`
    Get {
        /// A name, or a reference with its scheme
        name: String,
        /// Show it though stdout is no terminal
        #[arg(long)]
        reveal: bool,
    },
    /// Change secrets in $EDITOR
    Edit {
        /// A file, or the name of one below `secrets/`: `db` is secrets/db.sops.yaml
        #[arg(default_value = "main")]
        file: String,
    },
    /// List the names of all secrets
    List,
    /// Remove a secret
    Rm {
        /// Its name
        name: String,
    },
    /// Encrypt everything anew, by new keys
    Rotate,
    /// Encrypt to other recipients; no value changes
    Rekey {
        /// One more recipient; may be repeated
        #[arg(long, value_name = "RECIPIENT")]
        add: Vec<String>,
        /// One recipient less; may be repeated. Rotate the values too: what he could read, he may have kept
        #[arg(long, value_name = "RECIPIENT")]
        remove: Vec<String>,
    },
    /// Write secrets to an age file, which the `age` program opens
    Export {
        /// The age file; `-` is stdout
        file: PathBuf,
        /// Only these names; all of them when none is given
        names: Vec<String>,
        /// For whom; by default for the recipients of the project
        #[arg(long, value_name = "RECIPIENT")]
        to: Vec<String>,
    },
    /// Merge three sides of a file of secrets: what git calls
    #[command(hide = true)]
    Merge(MergeWords),
}
