//! `secret edit`: the clear text is in a private folder while the editor runs, and nowhere after it.

use super::super::commands::tell;
use super::super::failure::{CommandError, Exit};
use super::in_words;
use crate::secret::sops::Document;
use crate::secret::{EditError, Store};
use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::signal::unix::{Signal, SignalKind, signal};
use zeroize::Zeroizing;

/// Opens a file in the user's editor and keeps what he made of it.
///
/// # Errors
/// The file cannot be opened or written, the editor fails, or what it left is no document.
pub fn edit(store: &Store, named: &str, quiet: bool) -> Result<Exit, CommandError> {
    let file = file_of(store.root(), named);
    let document = store.open_or_new(&file)?;
    let draft = Draft::new(&document, &file)?;
    loop {
        draft.edit()?;
        let after = draft.read()?;
        if *after == draft.before {
            told(quiet, "nothing changed");
            return Ok(Exit::Done);
        }
        match store.take_edited(&file, &document, &after) {
            Ok(()) => break,
            Err(EditError::Text(error)) if again(&error.to_string())? => {}
            Err(error) => return Err(not_kept(error, &file)),
        }
    }
    told(quiet, &format!("kept in `{file}`"));
    Ok(Exit::Done)
}

fn not_kept(error: EditError, file: &str) -> CommandError {
    match error {
        EditError::Text(error) => in_words(&error).hint("nothing was kept"),
        EditError::Store(error) => error.into(),
        EditError::Conflict(names) => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("somebody else changed {} in `{file}` meanwhile", names.join(", "));
            CommandError::mistake(message).hint("nothing was kept: edit again, from what is there now")
        }
    }
}

/// A path as it is given, or `db` for `secrets/db.sops.yaml`.
fn file_of(root: &Path, named: &str) -> String {
    match named.contains(".sops.") || root.join(named).is_file() {
        true => named.to_owned(),
        false => format!("secrets/{named}.sops.yaml"),
    }
}

fn told(quiet: bool, text: &str) {
    if !quiet {
        tell(text);
    }
}

/// Asks whether to open the editor again on a text with a mistake; Ctrl-C is no.
fn again(problem: &str) -> Result<bool, CommandError> {
    let terminal = console::Term::stderr();
    if !(std::io::stdin().is_terminal() && terminal.is_term()) {
        return Ok(false);
    }
    terminal.write_str(&format!("{problem}\nEdit again? [Y/n] "))?;
    let answer = terminal.read_char();
    terminal.write_line("")?;
    Ok(answer.is_ok_and(|answer| !matches!(answer, 'n' | 'N' | 'q' | '\u{1b}' | '\u{3}' | '\u{4}')))
}

/// The clear text on disk; overwritten and removed when dropped.
struct Draft {
    _folder: TempDir,
    path: PathBuf,
    before: Vec<u8>,
}

impl Draft {
    fn new(document: &Document, file: &str) -> Result<Self, CommandError> {
        let clear = document.clear().map_err(|error| in_words(&error))?;
        // In memory where the system has such a folder for the user.
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
        let folder = tempfile::Builder::new()
            .prefix("rhapsode-secret-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir_in(runtime.unwrap_or_else(std::env::temp_dir))?;
        let name = Path::new(file).file_name().map_or_else(|| "secrets".into(), |name| name.to_owned());
        let path = folder.path().join(name);
        let draft = Self { _folder: folder, path, before: clear };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft.path)?;
        // An empty map is nothing to begin with.
        let shown: &[u8] = if draft.before == b"{}\n" { b"" } else { &draft.before };
        file.write_all(shown)?;
        Ok(draft)
    }

    fn read(&self) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let mut text = Zeroizing::new(Vec::new());
        File::open(&self.path)?.read_to_end(&mut text)?;
        Ok(text)
    }

    /// Runs the editor. Ctrl-C is its matter; an end of the session ends it too, and the draft goes all the same.
    fn edit(&self) -> Result<(), CommandError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let editor = variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".into());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let status = runtime.block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut ends = [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
            let [terminate, hangup] = &mut ends;
            let mut command = tokio::process::Command::new("sh");
            command.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(&self.path).kill_on_drop(true);
            let mut child = command.spawn()?;
            loop {
                tokio::select! {
                    status = child.wait() => return status.map(Some),
                    () = came(&mut interrupt) => {}
                    () = came(terminate) => return Ok(None),
                    () = came(hangup) => return Ok(None),
                }
            }
        });
        let failed =
            |how: String| CommandError::mistake(format!("the editor `{editor}` {how}")).hint("nothing was kept");
        match status? {
            Some(status) if status.success() => Ok(()),
            Some(status) if status.code() == Some(127) => {
                Err(failed("is not there".into()).hint("nothing was kept: set EDITOR to a program that is there"))
            }
            Some(status) => Err(failed(format!("ended with {status}"))),
            None => Err(failed("was ended".into())),
        }
    }
}

async fn came(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.before);
        let length = std::fs::metadata(&self.path).map_or(0, |meta| meta.len());
        // Best effort: file systems keep what they like.
        let blank = vec![0; usize::try_from(length).unwrap_or_default()];
        let _ = OpenOptions::new().write(true).open(&self.path).and_then(|mut file| file.write_all(&blank));
    }
}
