//! `state ...`: what playbooks manage, moving it, and the lock.

mod ledger;
mod words;

pub use words::{StateVerb, Which};

use super::failure::{CommandError, Exit};
use crate::event::Failure;
use crate::state::{Holder, Lease, Location, LockRequest, Store};
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::time::Duration;

/// Who calls, and on what.
#[derive(Debug)]
pub struct Call<'a> {
    /// The store.
    pub location: &'a Location,
    /// The inventory of `-i`; all of them when none is given.
    pub inventory: Option<&'a str>,
    /// Name of the user.
    pub user: &'a str,
    /// Name of this machine.
    pub host: &'a str,
    /// `--lock-wait`
    pub lock_wait: Duration,
    /// `--json`
    pub json: bool,
}

/// Does what the verb says. `input` and `out` stand for a file named `-`; `err` is told of a wait.
///
/// # Errors
/// The store cannot be used, or is locked; no such resource; a file cannot be read or written.
pub fn state(
    call: &Call<'_>,
    verb: &StateVerb,
    input: &mut dyn Read,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CommandError> {
    match verb {
        StateVerb::List { which } => ledger::list(call, &which.filter(call.inventory), out),
        StateVerb::Show { resource, which } => ledger::show(call, resource, which, out),
        StateVerb::Rm { resources, which } => ledger::remove(call, resources, which, out, err),
        StateVerb::Mv { from, to, which } => ledger::rename(call, from, to, which, out, err),
        StateVerb::ImportResource { resource, playbook, want, keep } => {
            let want = want.as_deref().unwrap_or("null");
            ledger::adopt(call, resource, playbook, (want, *keep), out, err)
        }
        StateVerb::Export { file } => export(call, file, out),
        StateVerb::Import { file } => import(call, file, input, out),
        StateVerb::Unlock => unlock(call, out),
    }
}

impl Call<'_> {
    fn open(&self) -> Result<Store, CommandError> {
        match self.location.open_existing()? {
            Some(store) => Ok(store),
            None => Err(CommandError::mistake(format!("there is no state store `{}` yet", self.location.place()))
                .hint("the first plan or apply makes it")),
        }
    }

    /// Takes the lock for a command that writes.
    fn lock(&self, store: &Store, inventory: &str, verb: &str, err: &mut dyn Write) -> Result<Lease, CommandError> {
        let mut request = LockRequest::new(inventory, self.user, self.host, &format!("rhapsode state {verb}"));
        request.wait = self.lock_wait;
        Ok(store.lock(&request, |holder| waiting(holder, err))?)
    }
}

/// Tells whom a command waits for.
pub fn waiting(holder: &Holder, err: &mut dyn Write) {
    // Nobody is left to be told when stderr is gone.
    let _ = writeln!(err, "waiting for {}, {}", holder.who(), holder.doing());
}

fn export(call: &Call<'_>, file: &Path, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let store = call.open()?;
    if file == Path::new("-") {
        store.export(out)?;
        return Ok(Exit::Done);
    }
    let rows = write_whole(file, |file| store.export(file))?;
    writeln!(out, "{rows} rows of `{}` written to `{}`", store.place(), file.display())?;
    Ok(Exit::Done)
}

/// The file is there with all that belongs in it, readable for its owner alone, or it is as it was.
fn write_whole(
    file: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<u64, crate::state::StateError>,
) -> Result<u64, CommandError> {
    let fail = |error: std::io::Error| unusable("write", file, &error);
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let temp = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
    let mut writer = std::io::BufWriter::new(&temp);
    let rows = fill(&mut writer)?;
    writer.into_inner().map_err(|error| fail(error.into_error()))?.as_file().sync_all().map_err(fail)?;
    temp.persist(file).map_err(|error| fail(error.error))?;
    Ok(rows)
}

fn import(call: &Call<'_>, file: &Path, input: &mut dyn Read, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let mut opened;
    let input = match file == Path::new("-") {
        true => input,
        false => {
            opened = std::fs::File::open(file).map_err(|error| unusable("read", file, &error))?;
            &mut opened
        }
    };
    let store = call.location.open()?;
    let rows = store.import(&mut BufReader::new(input))?;
    writeln!(out, "{rows} rows read into `{}`", store.place())?;
    Ok(Exit::Done)
}

fn unlock(call: &Call<'_>, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let store = call.open()?;
    let held = store.holders()?;
    let held: Vec<_> =
        held.iter().filter(|holder| call.inventory.is_none_or(|inventory| holder.inventory == inventory)).collect();
    let holder = match held.as_slice() {
        [] => {
            writeln!(out, "nobody holds the lock")?;
            return Ok(Exit::Done);
        }
        [holder] => holder,
        several => {
            let names: Vec<_> = several.iter().map(|holder| format!("`{}`", holder.inventory)).collect();
            return Err(CommandError::mistake(format!("several inventories are locked: {}", names.join(", ")))
                .hint("name one with `-i`"));
        }
    };
    match store.unlock(&holder.project, &holder.inventory)? {
        Some(held) => {
            let silent = held.silent_ms / 1_000;
            writeln!(out, "took the lock of inventory `{}` from {}, {}", held.inventory, held.who(), held.doing())?;
            writeln!(
                out,
                "its last sign of life was {silent} s ago; if it still runs, it stops before its next change"
            )?;
        }
        None => writeln!(out, "nobody holds the lock")?,
    }
    Ok(Exit::Done)
}

fn unusable(what: &str, file: &Path, error: &std::io::Error) -> CommandError {
    let failure = Failure::new(format!("cannot {what} `{}`", file.display()));
    CommandError::new(Exit::Invalid, Failure { causes: vec![error.to_string()], ..failure })
}
