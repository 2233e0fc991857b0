//! A directory tree as it is on this machine.

use super::absent::gone;
use super::attributes::Attributes;
use super::content::{in_bytes, local_digest};
use super::dir::made_dir;
use super::local_tree::{Excludes, LocalEntry, LocalKind, walk};
use super::many::{Entry, many, overlaid, removals};
use super::place::{HostPath, Keys, MOST_LINKS, Place};
use crate::event::Sign;
use crate::ops::args::{Many, Mode};
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Contents, Digest, Kind, Path, Tree, is_below};
use crate::ops::{Change, OpError, Operation, Plan, Question, Step, TreeEntry, TreeItem, TreeWrite, View};
use crate::remote::quote;
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::Arc;

/// Keeps a directory as a local one is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mirror {
    path: HostPath,
    src: String,
    owner: Option<String>,
    group: Option<String>,
    mode: Option<Mode>,
    dir_mode: Option<Mode>,
    #[serde(default)]
    delete: bool,
    #[serde(default)]
    exclude: Many,
}

/// What was found.
#[derive(Debug)]
pub struct Seen {
    place: Place,
    /// Each local thing with what stands at its path, and whether a file there has the same content.
    pairs: Vec<(LocalEntry, Path, bool)>,
    /// What is on the host alone, when `delete`.
    extra: Vec<Entry>,
}

/// What a plan gathers on its way.
#[derive(Default)]
struct Work {
    changes: Vec<Change>,
    tree: TreeWrite,
    owned: Vec<(String, String)>,
    modes: Vec<(String, String)>,
}

impl Operation for Mirror {
    const NAME: &'static str = "file::mirror";
    const TARGET: &'static str = "path";
    const LOCAL_PATHS: &'static [&'static str] = &["src"];
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        Excludes::new(&self.exclude.0)?;
        if self.path.as_str() == "/" && self.delete {
            return Err("`delete` is refused for `/`".into());
        }
        self.attributes(None).check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let root = args.path("tree").takes(args, &["src"]);
        let excludes = Excludes::new(&args.texts("exclude").into_iter().map(str::to_owned).collect::<Vec<_>>());
        // What cannot be read is said by the operation itself.
        let local =
            excludes.ok().and_then(|excludes| walk(args.text("src").as_ref(), &excludes).ok()).unwrap_or_default();
        let names: Vec<&str> = local.iter().map(|entry| entry.name.as_str()).collect();
        let tree = Managed { kind: "tree", ..root }.aspect("names", names.clone());
        let path = tree.id.trim_end_matches('/').to_owned();
        vec![names.iter().fold(tree, |tree, name| tree.reads::<Path>(format!("{path}/{name}")))]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let excludes = Excludes::new(&self.exclude.0).expect("checked");
        let local = walk(self.src.as_ref(), &excludes)?;
        let mut path = self.path.as_str().to_owned();
        for _ in 0..MOST_LINKS {
            let seen = self.look(view, &path, &local, &excludes)?;
            match seen.place.elsewhere().or_else(|| seen.place.leads_to()) {
                Some(target) => path = target,
                None => return Ok(seen),
            }
        }
        Err(OpError::refused(format!("`{path}` is a link in a circle")))
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let root = seen.place.path.as_str();
        let mut changes = self.root(&seen.place)?;
        let mut work = Work { tree: TreeWrite { root: root.to_owned(), ..TreeWrite::default() }, ..Work::default() };
        for (local, found, same) in &seen.pairs {
            self.compare(&mut work, &seen.place, local, found, *same)?;
        }
        let mut extra = seen.extra.clone();
        extra.retain(|entry| !work.tree.clear.iter().any(|name| entry.name == *name || is_below(&entry.name, name)));
        let mut done = many(work.changes, "chown -h --", work.owned, work.modes);
        if let Some(first) = done.first_mut().filter(|_| !work.tree.items.is_empty()) {
            first.steps.insert(0, Step::Tree(Arc::new(work.tree)));
        }
        changes.extend(done);
        changes.extend(removals(root, &topmost(extra)));
        Ok(Plan::of(changes))
    }
}

impl Mirror {
    fn attributes(&self, mode: Option<Mode>) -> Attributes<'_> {
        Attributes::new(&self.owner, &self.group, mode)
    }

    /// One exchange: what stands at each path, what the files hold, and with `delete` what else is there.
    fn look(
        &self,
        view: &mut View<'_>,
        root: &str,
        local: &[LocalEntry],
        excludes: &Excludes,
    ) -> Result<Seen, OpError> {
        let keys = Keys::new(view, root, true);
        let on_host = |entry: &LocalEntry| format!("{}/{}", root.trim_end_matches('/'), entry.name);
        let ids: Vec<String> = local.iter().map(on_host).collect();
        let is_file = |entry: &&LocalEntry| matches!(entry.what, LocalKind::File(..));
        let files: Vec<String> = local.iter().filter(is_file).map(on_host).collect();
        let mut places = keys.ask(view)?;
        let mut paths = view.ask::<Path>(&ids)?;
        let mut digests = view.ask::<Digest>(&files)?;
        let mut tree = if self.delete { Some(view.ask::<Tree>(&[root.to_owned()])?) } else { None };
        let mut questions: Vec<&mut dyn Question> = vec![&mut places, &mut paths, &mut digests];
        questions.extend(tree.as_mut().map(|asked| asked as &mut dyn Question));
        view.answer(&mut questions)?;

        let place = keys.place(places);
        let mut digests = digests.states().into_iter();
        let mut pairs = Vec::with_capacity(local.len());
        for (entry, found) in local.iter().zip(paths.states()) {
            let same = match entry.what {
                LocalKind::File(_, size) => {
                    let digest = digests.next().and_then(|digest| digest.sha256);
                    found.kind == Kind::File && found.size == size && digest.is_some() && digest == Some(hash(entry)?)
                }
                LocalKind::Dir(_) | LocalKind::Link(_) => false,
            };
            pairs.push((entry.clone(), found, same));
        }
        let found = tree.map(|asked| asked.states().remove(0).entries).unwrap_or_default();
        let known: HashSet<&str> = local.iter().map(|entry| entry.name.as_str()).collect();
        let all = if self.delete { overlaid(view, &place, found, true) } else { Vec::new() };
        let extra = extra(all, &known, excludes);
        Ok(Seen { place, pairs, extra })
    }

    /// The directory itself.
    fn root(&self, place: &Place) -> Result<Vec<Change>, OpError> {
        let attributes = self.attributes(self.dir_mode);
        match place.at.kind {
            Kind::Dir => attributes.changes(&place.path, &place.at),
            Kind::Absent => made_dir(place, &attributes),
            other => Err(OpError::refused(format!("`{}` is no directory but a {}", place.path, other.word()))),
        }
    }

    fn compare(
        &self,
        work: &mut Work,
        place: &Place,
        local: &LocalEntry,
        found: &Path,
        same: bool,
    ) -> Result<(), OpError> {
        let (kind, mode) = match &local.what {
            LocalKind::Dir(mode) => (Kind::Dir, Some(self.dir_mode.unwrap_or(Mode(*mode)))),
            LocalKind::File(mode, _) => (Kind::File, Some(self.mode.unwrap_or(Mode(*mode)))),
            LocalKind::Link(_) => (Kind::Link, None),
        };
        let attributes = self.attributes(mode);
        let links_right = matches!(&local.what, LocalKind::Link(target) if found.target.as_deref() == Some(target));
        if found.kind == kind && (same || kind == Kind::Dir || links_right) {
            return adjust(work, place, local, found, &attributes);
        }
        self.make_room(work, place, local, found, kind)?;
        let made = match kind {
            Kind::Link => place.made(Kind::Link, 0o777),
            kind => place.made(kind, 0),
        };
        let before = if found.kind == Kind::File && kind == Kind::File { found.clone() } else { made };
        let after = after(local, attributes.on(before));
        let owner = attributes.account().or_else(|| kept_owner(place, found, kind));
        work.tree.items.push(TreeItem { name: local.name.clone(), owner, what: entry(local, after.mode) });
        work.changes.push(noted(local, found, after, &on_host(place, local))?);
        Ok(())
    }

    /// Something of another kind is in the way. A directory goes only when things may be deleted.
    fn make_room(
        &self,
        work: &mut Work,
        place: &Place,
        local: &LocalEntry,
        found: &Path,
        kind: Kind,
    ) -> Result<(), OpError> {
        if found.kind == Kind::Dir && !self.delete {
            return Err(OpError::refused_with(
                format!("`{}` is a directory, and a {} here", on_host(place, local), kind.word()),
                "`delete: true` puts one in the place of the other",
            ));
        }
        if found.kind != Kind::Absent && (found.kind != kind || kind == Kind::Link) {
            work.tree.clear.push(local.name.clone());
        }
        Ok(())
    }
}

fn hash(entry: &LocalEntry) -> Result<String, OpError> {
    local_digest(&entry.path).map_err(|source| OpError::Local { path: entry.path.display().to_string(), source })
}

fn on_host(place: &Place, local: &LocalEntry) -> String {
    format!("{}/{}", place.path.trim_end_matches('/'), local.name)
}

/// Owner and group of a file that is replaced stay, unless they are those of a new file anyway.
fn kept_owner(place: &Place, found: &Path, kind: Kind) -> Option<String> {
    let kept = found.kind == Kind::File && kind == Kind::File;
    let (owner, group) = (found.owner.id?, found.group.id?);
    (kept && (place.me.owner.id != Some(owner) || place.me.group.id != Some(group))).then(|| format!("{owner}:{group}"))
}

fn entry(local: &LocalEntry, mode: u32) -> TreeEntry {
    match &local.what {
        LocalKind::Dir(_) => TreeEntry::Dir(mode),
        LocalKind::File(..) => TreeEntry::File(local.path.clone(), mode),
        LocalKind::Link(target) => TreeEntry::Link(target.clone()),
    }
}

fn after(local: &LocalEntry, path: Path) -> Path {
    match &local.what {
        LocalKind::Dir(_) => path,
        LocalKind::File(_, size) => Path { size: *size, inode: None, ..path },
        LocalKind::Link(target) => Path { target: Some(target.clone()), ..path },
    }
}

/// Owner, group and mode of what has the right content.
fn adjust(
    work: &mut Work,
    place: &Place,
    local: &LocalEntry,
    found: &Path,
    attributes: &Attributes<'_>,
) -> Result<(), OpError> {
    let path = on_host(place, local);
    let differences = attributes.differences(&path, found)?;
    if differences.is_empty() {
        return Ok(());
    }
    let after = attributes.on(found.clone());
    let owns = differences.iter().any(|difference| difference.owns);
    if owns {
        work.owned.push((attributes.account().unwrap_or_default(), quote(&path)));
    }
    if differences.iter().any(|difference| !difference.owns) || (owns && after.mode & 0o6000 != 0) {
        work.modes.push((format!("{:05o}", after.mode), quote(&path)));
    }
    let texts: Vec<String> = differences.into_iter().map(|difference| difference.text).collect();
    work.changes.push(Change::new(Sign::Update, format!("{}: {}", local.name, texts.join(", "))).makes(path, after));
    Ok(())
}

/// What people read of something that is sent, and what it makes of the host.
fn noted(local: &LocalEntry, found: &Path, after: Path, path: &str) -> Result<Change, OpError> {
    let sign = if found.kind == Kind::Absent { Sign::Create } else { Sign::Update };
    let text = match &local.what {
        LocalKind::Dir(_) => format!("{}/", local.name),
        LocalKind::File(_, size) => format!("{} ({})", local.name, in_bytes(*size)),
        LocalKind::Link(target) => format!("{} -> {target}", local.name),
    };
    let change = Change::new(sign, text);
    Ok(match &local.what {
        LocalKind::File(_, size) => {
            let sha256 = Some(hash(local)?);
            let contents = Contents::Large { size: *size, sha256: sha256.clone(), local: Some(local.path.clone()) };
            change.makes(path, after).makes(path, contents).makes(path, Digest { sha256 })
        }
        LocalKind::Dir(_) | LocalKind::Link(_) => gone(change, path).makes(path, after),
    })
}

/// What goes when the host has it alone: all but what is left out, and the directories on the way to that.
fn extra(all: Vec<Entry>, known: &HashSet<&str>, excludes: &Excludes) -> Vec<Entry> {
    let left_out = all.iter().filter(|entry| excludes.holds(&entry.name));
    let kept: HashSet<String> = left_out.flat_map(|entry| above(&entry.name)).map(str::to_owned).collect();
    let goes = |entry: &Entry| {
        !known.contains(entry.name.as_str()) && !excludes.holds(&entry.name) && !kept.contains(&entry.name)
    };
    all.into_iter().filter(goes).collect()
}

/// A directory goes with all it holds.
fn topmost(entries: Vec<Entry>) -> Vec<Entry> {
    let dirs = entries.iter().filter(|entry| entry.state.kind == Kind::Dir);
    let dirs: HashSet<String> = dirs.map(|entry| entry.name.clone()).collect();
    entries.into_iter().filter(|entry| !above(&entry.name).any(|dir| dirs.contains(dir))).collect()
}

/// The directories on the way to a name.
fn above(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').map(move |(at, _)| &name[..at])
}
