//! `init`: a project that a newcomer understands.

use super::commands::say;
use super::failure::{CommandError, Exit};
use crate::event::Failure;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

/// What a new project holds.
const FILES: &[(&str, &str)] = &[
    ("rhapsode.yaml", include_str!("init/rhapsode.yaml")),
    ("inventories/local.yaml", include_str!("init/local.yaml")),
    ("inventories/group_data/all.yaml", include_str!("init/all.yaml")),
    ("playbooks/hello.rhai", include_str!("init/hello.rhai")),
];

/// History is of this machine, and may be large: no matter of the repository.
const IGNORED: &str = ".rhapsode/";

/// Makes the files of a project in a folder, which is made when missing. Overwrites nothing.
///
/// # Errors
/// One of the files is there already, or the folder cannot be written.
pub fn init(folder: &Path, quiet: bool) -> Result<Exit, CommandError> {
    if let Some((taken, _)) = FILES.iter().find(|(name, _)| folder.join(name).symlink_metadata().is_ok()) {
        let message = format!("`{}` is there already", shown(folder, taken));
        return Err(CommandError::mistake(message).hint("init makes new projects only; name another folder"));
    }
    for (name, content) in FILES {
        let path = folder.join(name);
        write_new(&path, content).map_err(|error| unusable(&path, &error))?;
    }
    let ignore = folder.join(".gitignore");
    ignore_state(&ignore).map_err(|error| unusable(&ignore, &error))?;
    if !quiet {
        say(told(folder));
    }
    Ok(Exit::Done)
}

fn write_new(path: &Path, content: &str) -> std::io::Result<()> {
    fs::create_dir_all(path.parent().expect("a file stands in a folder"))?;
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(content.as_bytes())
}

/// Adds a line to `.gitignore`, unless it is there.
fn ignore_state(path: &Path) -> std::io::Result<()> {
    let before = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    if before.lines().any(|line| matches!(line.trim(), ".rhapsode" | IGNORED | "/.rhapsode" | "/.rhapsode/")) {
        return Ok(());
    }
    let end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    write!(file, "{end}# History of runs, and what playbooks/hello.rhai makes\n{IGNORED}\n")
}

/// What was made, and what to type next.
fn told(folder: &Path) -> String {
    let made: String = FILES.iter().map(|(name, _)| format!("  {}\n", shown(folder, name))).collect();
    let here = folder == Path::new(".");
    let enter =
        if here { String::new() } else { format!("cd {} && ", crate::remote::quote(&folder.display().to_string())) };
    format!(
        "made\n{made}\nnext\n  {enter}rhapsode plan playbooks/hello.rhai     # what would change; touches nothing\n  \
         {blank}rhapsode apply playbooks/hello.rhai    # shows it again, asks, does it\n",
        blank = " ".repeat(enter.len()),
    )
}

fn shown(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    path.strip_prefix(".").unwrap_or(&path).display().to_string()
}

fn unusable(path: &Path, error: &std::io::Error) -> CommandError {
    let failure =
        Failure { causes: vec![error.to_string()], ..Failure::new(format!("cannot write `{}`", path.display())) };
    CommandError::new(Exit::Invalid, failure)
}
