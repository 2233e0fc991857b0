//! A folder of certificates with links by the hash of their subjects, as OpenSSL looks them up.
//!
//! `HASH.0` is tried first, then `HASH.1`, until one is missing: what follows a gap is never found.
//!
//! Spec: openssl-rehash(1); SSL_CTX_load_verify_dir(3).

use crate::event::Sign;
use crate::ops::resource::{Children, Kind, Path};
use crate::ops::{Change, OpError, View};
use crate::remote::Command;
use std::collections::BTreeMap;

/// The links of a folder: by hash, the files that they lead to; nothing for what is no link of the folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Links(BTreeMap<String, Vec<Option<String>>>);

/// Which files a hash shall lead to.
pub type Wanted = Vec<(String, String)>;

impl Links {
    /// Those of a folder, among the names that are in it.
    pub fn see(view: &mut View<'_>, folder: &str, names: &[String]) -> Result<Self, OpError> {
        let mut hashed: Vec<(&str, usize)> = names.iter().filter_map(|name| parse(name)).collect();
        hashed.sort_unstable();
        let paths: Vec<String> = hashed.iter().map(|(hash, at)| format!("{folder}/{hash}.{at}")).collect();
        let seen = view.see_all_whole::<Path>(&paths)?;
        let mut links = Self::default();
        for ((hash, at), path) in hashed.into_iter().zip(seen) {
            let slots = links.0.entry(hash.to_owned()).or_default();
            // OpenSSL does not look behind a gap, and neither do we.
            if slots.len() == at && path.kind != Kind::Absent {
                slots.push(path.target);
            }
        }
        Ok(links)
    }

    /// The changes after which links lead to these files, and none to other files that are `ours`.
    pub fn changes(&self, folder: &str, wanted: &Wanted, ours: impl Fn(&str) -> bool) -> Vec<Change> {
        let mut changes = Vec::new();
        let hashes: std::collections::BTreeSet<&String> =
            self.0.keys().chain(wanted.iter().map(|(hash, _)| hash)).collect();
        let none = Vec::new();
        for hash in hashes {
            let before = self.0.get(hash).unwrap_or(&none);
            let files = wanted.iter().filter(|(of, _)| of == hash).map(|(_, file)| file.as_str()).collect();
            let after = arranged(before, files, &ours);
            changes.extend(steps(folder, hash, before, &after));
        }
        changes
    }
}

/// The names of the folder that `Children` lists.
pub fn names(view: &mut View<'_>, folder: &str) -> Result<Vec<String>, OpError> {
    let listed = view.see_all_whole::<Children>(&[folder.to_owned()])?.remove(0);
    Ok(listed.entries.into_iter().map(|(name, _)| name).collect())
}

fn parse(name: &str) -> Option<(&str, usize)> {
    let (hash, at) = name.split_once('.')?;
    let hex = hash.len() == 8 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    hex.then(|| at.parse().ok()).flatten().map(|at| (hash, at))
}

/// Where each file stands afterwards: `Err` keeps what stood at that place before.
type Slot = Result<String, usize>;

fn arranged(before: &[Option<String>], mut missing: Vec<&str>, ours: &impl Fn(&str) -> bool) -> Vec<Slot> {
    let mut slots: Vec<Option<Slot>> = Vec::new();
    for (at, target) in before.iter().enumerate() {
        let own = target.as_deref().filter(|target| ours(target));
        let keeps = match own {
            None => true,
            Some(own) => missing.iter().position(|file| *file == own).map(|found| missing.remove(found)).is_some(),
        };
        slots.push(keeps.then_some(Err(at)));
    }
    for file in missing {
        match slots.iter_mut().find(|slot| slot.is_none()) {
            Some(gap) => *gap = Some(Ok(file.to_owned())),
            None => slots.push(Some(Ok(file.to_owned()))),
        }
    }
    while let Some(gap) = slots.iter().position(Option::is_none) {
        let last = slots.pop().expect("the gap is one of them");
        if gap < slots.len() {
            slots[gap] = last;
        }
    }
    slots.into_iter().flatten().collect()
}

fn steps(folder: &str, hash: &str, before: &[Option<String>], after: &[Slot]) -> Vec<Change> {
    let path = |at: usize| format!("{folder}/{hash}.{at}");
    let mut changes = Vec::new();
    for (at, slot) in after.iter().enumerate() {
        let (text, command, target) = match slot {
            Err(from) if *from == at => continue,
            Err(from) => {
                let command = Command::new("mv").arg("-f").arg("--").arg(path(*from)).arg(path(at));
                (format!("rename {} to {hash}.{at}", path(*from)), command, before[*from].clone())
            }
            Ok(file) => {
                let command = Command::new("ln").arg("-sf").arg("--").arg(file).arg(path(at));
                (format!("link {} to {file}", path(at)), command, Some(file.clone()))
            }
        };
        let sign = if at < before.len() { Sign::Update } else { Sign::Create };
        let state = Path { kind: Kind::Link, mode: 0o777, target, ..Path::absent() };
        changes.push(Change::new(sign, text).run(command).touching([path(at)]).makes(path(at), state));
    }
    let moved = |at: usize| after.contains(&Err(at));
    for at in after.len()..before.len() {
        let change = Change::new(Sign::Remove, format!("remove {}", path(at))).makes(path(at), Path::absent());
        let gone = Command::new("rm").arg("-f").arg("--").arg(path(at));
        changes.push(if moved(at) { change } else { change.run(gone).touching([path(at)]) });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(before: &[&str], wanted: &[&str]) -> Vec<String> {
        let target = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
        let links = Links(BTreeMap::from([("01234567".to_owned(), before.iter().map(target).collect())]));
        let wanted = wanted.iter().map(|file| ("01234567".to_owned(), (*file).to_owned())).collect();
        let changes = links.changes("/c", &wanted, |file| file.starts_with("home"));
        changes.into_iter().map(|change| change.text).collect()
    }

    #[test]
    fn others_of_the_same_subject_keep_their_place() {
        assert_eq!(done(&["other.pem"], &["home.pem"]), ["link /c/01234567.1 to home.pem"]);
        assert_eq!(done(&["other.pem", "home.pem"], &["home.pem"]), Vec::<String>::new());
        assert_eq!(done(&["", "home.pem"], &["home.pem"]), Vec::<String>::new());
        assert_eq!(done(&[], &["home.pem"]), ["link /c/01234567.0 to home.pem"]);
    }

    #[test]
    fn no_gap_is_left_in_which_openssl_would_stop() {
        let last_moves = ["rename /c/01234567.1 to 01234567.0", "remove /c/01234567.1"];
        assert_eq!(done(&["home.pem", "other.pem"], &[]), last_moves);
        assert_eq!(done(&["home+2.pem", "other.pem"], &["home.pem"]), ["link /c/01234567.0 to home.pem"]);
        assert_eq!(done(&["other.pem", "home.pem"], &[]), ["remove /c/01234567.1"]);
    }
}
