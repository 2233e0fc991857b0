//! `secret init`: who can read the secrets, and what git does with them.

use super::super::commands::say;
use super::super::failure::{CommandError, Exit};
use super::super::merging;
use super::{in_words, recipients};
use crate::secret::Store;
use crate::secret::sops::{Recipient, Rules};
use std::path::PathBuf;

/// A file that the rule of the project is for.
const SAMPLE: &str = "secrets/main.sops.yaml";

/// Writes `.sops.yaml`, and has git merge secrets and certificates. Again, it changes only what is missing.
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
    merging::set_up(root)?;
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
