//! `state list|show|rm|mv|import-resource`.

use super::{Call, Which};
use crate::cli::failure::{CommandError, Exit};
use crate::report::{Align, Cell, Table, one_line};
use crate::state::{Author, Content, Declared, LedgerEntry, LedgerFilter, Prior, ResourceId, Scope, StateError, Store};
use std::io::Write;

pub(super) fn list(call: &Call<'_>, filter: &LedgerFilter, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let store = call.location.open_existing()?;
    let entries = store.map_or_else(|| Ok(Vec::new()), |store| store.resources(filter))?;
    if call.json {
        serde_json::to_writer_pretty(&mut *out, &entries).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else if entries.is_empty() {
        writeln!(out, "no resource is recorded")?;
    } else {
        table(&entries).lines().into_iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    Ok(Exit::Done)
}

fn table(entries: &[LedgerEntry]) -> Table {
    let mut table = Table::new(&[Align::Left; 5]);
    table.row(["resource", "playbook", "inventory", "last seen", "notes"].map(Cell::from));
    for entry in entries {
        let seconds = entry.last_seen.get(..19).unwrap_or(&entry.last_seen);
        table.row([
            Cell::from(one_line(&entry.resource().typed())),
            Cell::from(one_line(&entry.playbook)),
            Cell::from(one_line(&entry.inventory)),
            Cell::from(seconds.replace('T', " ")),
            Cell::from(notes(entry)),
        ]);
    }
    table
}

fn notes(entry: &LedgerEntry) -> String {
    let notes = [(!entry.settled, "unfinished"), (entry.existed, "was there before"), (entry.keep, "keep")];
    let notes: Vec<_> = notes.into_iter().filter_map(|(applies, note)| applies.then_some(note)).collect();
    notes.join(", ")
}

pub(super) fn show(call: &Call<'_>, resource: &str, which: &Which, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let store = call.open()?;
    let entry = the_one(&store, call, resource, which)?;
    if call.json {
        serde_json::to_writer_pretty(&mut *out, &entry).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(Exit::Done);
    }
    let commit = entry.commit.as_deref().map_or_else(String::new, |commit| format!(" at commit {commit}"));
    let removal = match entry {
        LedgerEntry { keep: true, .. } => "never removed",
        LedgerEntry { existed: true, .. } => "brought back by `--prune` to what was there, once it is declared no more",
        _ => "removed by `--prune` once it is declared no more",
    };
    writeln!(out, "{}", entry.resource().typed())?;
    writeln!(out, "  declared   {}, inventory {}", entry.at, entry.inventory)?;
    writeln!(out, "  first seen {}", entry.first_seen)?;
    writeln!(out, "  last seen  {} by run {}{commit}", entry.last_seen, entry.run)?;
    writeln!(out, "  before us  {}", before(&store, &entry)?)?;
    writeln!(out, "  removal    {removal}")?;
    if !entry.settled {
        writeln!(out, "  unfinished the last run did not tell how its change ended")?;
    }
    writeln!(out, "  wanted     {}", indented(&entry.want))?;
    Ok(Exit::Done)
}

fn before(store: &Store, entry: &LedgerEntry) -> Result<String, StateError> {
    let mut text = if entry.existed { "it was there" } else { "nothing was there" }.to_owned();
    if let Some(digest) = &entry.prior_content {
        match store.content(digest)? {
            Some(Content::Whole(bytes)) => text.push_str(&format!(", content of {} bytes is kept", bytes.len())),
            Some(Content::TooLarge { size }) => {
                text.push_str(&format!(", content of {size} bytes was too large to keep"))
            }
            None => {}
        }
    }
    if let Some(prior) = &entry.prior {
        text.push_str(&format!(": {}", indented(prior)));
    }
    Ok(text)
}

fn indented(value: &serde_json::Value) -> String {
    format!("{value:#}").replace('\n', "\n             ")
}

pub(super) fn remove(
    call: &Call<'_>,
    resources: &[String],
    which: &Which,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let store = call.open()?;
    // All are found before the first is forgotten.
    let entries: Vec<_> =
        resources.iter().map(|resource| the_one(&store, call, resource, which)).collect::<Result<_, _>>()?;
    for entry in entries {
        let lease = call.lock(&store, &entry.inventory, "rm", err)?;
        lease.store().forget(&entry.scope(), &[entry.resource()])?;
        writeln!(out, "forgot {}", entry.resource().typed())?;
    }
    Ok(Exit::Done)
}

pub(super) fn rename(
    call: &Call<'_>,
    from: &str,
    to: &str,
    which: &Which,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let store = call.open()?;
    let entry = the_one(&store, call, from, which)?;
    let to = address(to)?;
    let lease = call.lock(&store, &entry.inventory, "mv", err)?;
    lease.store().mv(&entry.scope(), &entry.resource(), &to)?;
    writeln!(out, "{} is now {}", entry.resource().typed(), to.typed())?;
    Ok(Exit::Done)
}

/// `want` is the wanted state as JSON, and whether the resource is never removed.
pub(super) fn adopt(
    call: &Call<'_>,
    resource: &str,
    playbook: &str,
    (want, keep): (&str, bool),
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let Some(inventory) = call.inventory else {
        return Err(CommandError::no_inventory());
    };
    let resource = address(resource)?;
    let want = serde_json::from_str(want)
        .map_err(|error| CommandError::mistake("`--want` is no JSON").hint(format!("{error}")))?;
    let store = call.location.open()?;
    let lease = call.lock(&store, inventory, "import-resource", err)?;
    let scope = Scope::new(inventory, playbook);
    if lease.store().entry(&scope, &resource)?.is_some() {
        return Err(StateError::ResourceExists(resource.to_string()).into());
    }
    let author = Author { run: String::new(), commit: None };
    let declared = Declared {
        resource: resource.clone(),
        want,
        at: playbook.to_owned(),
        keep,
        prior: Prior::default(),
        actor: String::new(),
        origin: None,
    };
    lease.store().record(&scope, &author, &[declared])?;
    writeln!(out, "{} is now managed by {playbook}", resource.typed())?;
    Ok(Exit::Done)
}

/// The entry of a resource, of which only one may fit.
fn the_one(store: &Store, call: &Call<'_>, resource: &str, which: &Which) -> Result<LedgerEntry, CommandError> {
    let resource = address(resource)?;
    let of = LedgerFilter::of(&resource);
    let filter = LedgerFilter { inventory: call.inventory.map(str::to_owned), playbook: which.playbook.clone(), ..of };
    let mut entries = store.resources(&filter)?;
    if entries.len() > 1 {
        let owners: Vec<_> =
            entries.iter().map(|entry| format!("`{}` on `{}`", entry.playbook, entry.inventory)).collect();
        let message = format!("`{resource}` is managed by {}", owners.join(" and by "));
        return Err(CommandError::mistake(message).hint("name one with `--playbook` and `-i`"));
    }
    entries.pop().ok_or_else(|| StateError::NoResource(resource.to_string()).into())
}

fn address(text: &str) -> Result<ResourceId, CommandError> {
    ResourceId::parse(text).map_err(|_| {
        CommandError::mistake(format!("`{text}` is no address of a resource"))
            .hint(r"write `HOST/KIND/ID`: `web-1/path//etc/motd`")
    })
}
