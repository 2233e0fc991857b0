//! Merge drivers: how git merges what lies in a repository and no text merge can make right.

use super::failure::CommandError;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What git calls a merge driver with (gitattributes(5), "Defining a custom merge driver").
#[derive(Debug, Args)]
pub struct MergeWords {
    /// The common ancestor
    pub base: PathBuf,
    /// Our side; the result goes here
    pub ours: PathBuf,
    /// Their side
    pub theirs: PathBuf,
    /// The name of the file in the repository
    pub path: PathBuf,
}

struct Driver {
    name: &'static str,
    told: &'static str,
    verb: &'static str,
    paths: &'static [&'static str],
}

const DRIVERS: [Driver; 2] = [
    // Two branches that both change a file would meet in its MAC.
    Driver { name: "rhapsode-secrets", told: "secrets by value", verb: "secret", paths: &["secrets/**"] },
    Driver {
        name: "rhapsode-pki",
        told: "what authorities issued and revoked, and serials of zones",
        verb: "pki",
        paths: &[
            "pki/**/record.json",
            "pki/**/crl.pem",
            "pki/ssh/**/authority.json",
            "pki/ssh/**/revoked.krl",
            "dns/zones/*.json",
        ],
    },
];

/// Has git merge secrets and the books of authorities. Again, it changes only what is missing.
///
/// # Errors
/// `.gitattributes` cannot be written.
pub fn set_up(root: &Path) -> Result<(), CommandError> {
    let lines =
        DRIVERS.iter().flat_map(|driver| driver.paths.iter().map(|path| format!("{path} merge={}", driver.name)));
    let file = root.join(".gitattributes");
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    let missing: Vec<String> = lines.filter(|line| !before.lines().any(|known| known.trim() == line)).collect();
    if !missing.is_empty() {
        let end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file)?;
        writeln!(file, "{end}{}", missing.join("\n"))?;
    }
    DRIVERS.iter().for_each(|driver| configure(root, driver));
    Ok(())
}

/// Git keeps the commands of merge drivers for each clone: nobody runs what a repository says. Without git, or outside
/// of a repository, there is nothing to merge.
fn configure(root: &Path, driver: &Driver) {
    let program = std::env::current_exe().map_or_else(|_| "rhapsode".into(), |path| path.display().to_string());
    let command = format!("{} {} merge %O %A %B %P", crate::remote::quote(&program), driver.verb);
    for (key, value) in [("name", driver.told), ("driver", command.as_str())] {
        let mut git = Command::new("git");
        git.current_dir(root).args(["config", "--local", &format!("merge.{}.{key}", driver.name), value]);
        let _ = git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
