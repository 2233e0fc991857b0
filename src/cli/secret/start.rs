//! `secret init`: who can read the secrets, and what git does with them.

use super::super::commands::say;
use super::super::failure::{CommandError, Exit};
use super::{in_words, recipients};
use crate::secret::Store;
use crate::secret::sops::{Recipient, Rules};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file that the rule of the project is for.
const SAMPLE: &str = "secrets/main.sops.yaml";
const DRIVER: &str = "rhapsode-secrets";
const ATTRIBUTES: &str = "secrets/** merge=rhapsode-secrets";

/// Writes `.sops.yaml`, and has git merge secrets by value. Again, it changes only what is missing.
///
/// # Errors
/// No key is given, and none is found; a file cannot be written.
pub fn init(store: &Store, to: &[String], quiet: bool) -> Result<Exit, CommandError> {
    let root = store.root();
    let rules = Rules::of_project(root).map_err(|error| in_words(&error))?;
    let known = rules.of(SAMPLE).map_err(|error| in_words(&error))?.map(|rule| rule.recipients).unwrap_or_default();
    let given = match to.is_empty() && known.is_empty() {
        true => own()?,
        false => recipients(to)?,
    };
    if !given.is_empty() {
        change(store, &given, &[])?;
    }
    attributes(root)?;
    driver(root);
    if !quiet {
        let rules = Rules::of_project(root).map_err(|error| in_words(&error))?;
        let all = rules.of(SAMPLE).map_err(|error| in_words(&error))?.map(|rule| rule.recipients).unwrap_or_default();
        let mut text = "secrets of this project can be read by\n".to_owned();
        all.iter().for_each(|recipient| text.push_str(&format!("  {recipient}\n")));
        text.push_str("next: `rhapsode secret set NAME`, and `secret(\"NAME\")` in a playbook");
        say(text);
    }
    Ok(Exit::Done)
}

/// Adds and removes recipients of the project.
///
/// # Errors
/// Nobody would be left; `.sops.yaml` cannot be written.
pub fn change(store: &Store, add: &[Recipient], remove: &[Recipient]) -> Result<(), CommandError> {
    if add.is_empty() && remove.is_empty() {
        return Ok(());
    }
    let mut rules = Rules::of_project(store.root()).map_err(|error| in_words(&error))?;
    rules.change(SAMPLE, add, remove).map_err(|error| in_words(&error))?;
    Ok(rules.save()?)
}

/// The user's own public key.
fn own() -> Result<Vec<Recipient>, CommandError> {
    let home = std::env::home_dir().unwrap_or_default();
    let usual: Vec<PathBuf> =
        ["id_ed25519.pub", "id_rsa.pub"].iter().map(|name| home.join(".ssh").join(name)).collect();
    if let Some(path) = usual.iter().find(|path| path.exists()) {
        return recipients(&[path.display().to_string()]);
    }
    Err(CommandError::mistake("you have no ssh key to encrypt to")
        .hint("make one with `ssh-keygen -t ed25519`, or name a recipient: `rhapsode secret init --to age1...`"))
}

/// Two branches that both change a file would meet in its MAC, which no text merge can make right.
fn attributes(root: &Path) -> Result<(), CommandError> {
    let path = root.join(".gitattributes");
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    if before.lines().any(|line| line.trim() == ATTRIBUTES) {
        return Ok(());
    }
    let end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
    Ok(writeln!(file, "{end}{ATTRIBUTES}")?)
}

/// Git keeps the commands of merge drivers for each clone: nobody runs what a repository says. Without git, or outside
/// of a repository, there is nothing to merge.
fn driver(root: &Path) {
    let program = std::env::current_exe().map_or_else(|_| "rhapsode".into(), |path| path.display().to_string());
    let command = format!("{} secret merge %O %A %B %P", crate::remote::quote(&program));
    let settings = [("name", "secrets by value"), ("driver", command.as_str())];
    for (key, value) in settings {
        let mut git = Command::new("git");
        git.current_dir(root).args(["config", "--local", &format!("merge.{DRIVER}.{key}"), value]);
        let _ = git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
