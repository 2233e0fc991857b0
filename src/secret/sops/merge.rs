//! Three sides of a file become one: what git cannot do with ciphertexts and a MAC.

use super::document::Document;
use super::error::SopsError;
use super::recipients::Recipient;
use super::tree::{Entry, Node, find, keys, put, take};

/// Merges what the others changed into ours, and gives the paths that both changed differently; those stay ours.
///
/// # Errors
/// Recipients that cannot be read.
pub fn merge(base: Option<&Document>, ours: &mut Document, theirs: &Document) -> Result<Vec<String>, SopsError> {
    if ours.key == theirs.key {
        ours.stash.adopt(&theirs.stash);
    }
    let nothing = Vec::new();
    let before = base.map_or(nothing.as_slice(), Document::entries);
    let mut conflicts = Vec::new();
    maps(before, ours.entries_mut(), theirs.entries(), "", &mut conflicts);
    let recipients = recipients(base, ours, theirs)?;
    ours.rekey(&recipients)?;
    Ok(conflicts)
}

/// Whoever either side added stays, whoever either side removed goes.
fn recipients(base: Option<&Document>, ours: &Document, theirs: &Document) -> Result<Vec<Recipient>, SopsError> {
    let read = |document: &Document| document.metadata.recipients().0.iter().map(|one| one.parse()).collect();
    let (ours, theirs): (Vec<Recipient>, Vec<Recipient>) = (read(ours)?, read(theirs)?);
    let base: Vec<Recipient> = base.map_or(Ok(Vec::new()), read)?;
    let has = |list: &[Recipient], one: &Recipient| list.iter().any(|other| other.is(one.id()));
    let kept = ours.iter().filter(|one| has(&theirs, one) || !has(&base, one));
    let added = theirs.iter().filter(|one| !has(&ours, one) && !has(&base, one));
    Ok(kept.chain(added).cloned().collect())
}

fn maps(base: &[Entry], ours: &mut Vec<Entry>, theirs: &[Entry], above: &str, conflicts: &mut Vec<String>) {
    let all: Vec<String> = keys(base).chain(keys(theirs)).map(str::to_owned).collect();
    for key in all {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        let (before, other) = (find(base, &key), find(theirs, &key));
        let mine = find(ours, &key);
        if other == before || other == mine {
            continue;
        }
        if mine == before {
            match other {
                Some(node) => put(ours, &key, node.clone()),
                None => drop(take(ours, &key)),
            }
            continue;
        }
        let empty = Vec::new();
        match (before, super::tree::find_mut(ours, &key), other) {
            (Some(Node::Map(_)) | None, Some(Node::Map(mine)), Some(Node::Map(other))) => {
                let before = match before {
                    Some(Node::Map(before)) => before,
                    _ => &empty,
                };
                maps(before, mine, other, &path, conflicts);
            }
            _ if !conflicts.contains(&path) => conflicts.push(path),
            _ => {}
        }
    }
}
