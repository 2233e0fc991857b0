//! Small files that operations of any family own as a whole: a unit file, a drop-in, a list of keys.
//!
//! They are no resource of their own but a path and its contents, so that a plan shows them to `file::` operations as
//! it shows theirs here.

use super::absent::gone;
use super::attributes::Attributes;
use super::content::{Wanted, holds_token, shown};
use super::edit::large;
use super::place::{MOST_LINKS, leads_to};
use crate::event::Sign;
use crate::ops::args::Mode;
use crate::ops::resource::{Contents, Kind, Path, parent};
use crate::ops::{Change, FileWrite, OpError, Source, Step, View};
use crate::remote::Command;
use crate::secret::contains_unknown;
use std::borrow::Cow;
use std::sync::Arc;

/// What stands where such a file shall be. Links are followed to be read; a write puts a file in their place.
#[derive(Debug)]
pub struct SmallFile {
    path: String,
    at: Path,
    contents: Contents,
    /// The directory that holds it.
    folder: Path,
    /// A directory of the shell's user.
    me: Path,
}

/// What such a file shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    content: Arc<[u8]>,
    mode: u32,
    owner: String,
    /// `None` takes what the system gives to a new file.
    group: Option<String>,
}

/// What is not as wanted, the first of these.
#[derive(Debug, PartialEq, Eq)]
pub enum Difference {
    /// There is no file.
    Missing,
    /// It holds something else.
    Content,
    /// Owner, group or mode, in words: `mode 0644 -> 0600`.
    Attribute(String),
}

impl Whole {
    /// A file of root, whatever its group; a text may hold secret tokens.
    pub fn of_root(content: impl AsRef<[u8]>, mode: u32) -> Self {
        Self { content: content.as_ref().into(), mode, owner: "root".into(), group: None }
    }

    /// A file of this owner and group.
    pub fn new(content: impl AsRef<[u8]>, mode: u32, owner: &str, group: &str) -> Self {
        Self { owner: owner.into(), group: Some(group.into()), ..Self::of_root(content, mode) }
    }

    /// The bytes; a text may hold secret tokens.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    fn attributes(&self) -> Attributes<'_> {
        Attributes { owner: Some(&self.owner), group: self.group.as_deref(), mode: Some(Mode(self.mode)) }
    }
}

impl SmallFile {
    /// Looks at one file.
    ///
    /// # Errors
    /// As [`SmallFile::see_all`].
    pub fn see(view: &mut View<'_>, path: &str) -> Result<Self, OpError> {
        Ok(Self::see_all(view, &[path.to_owned()])?.pop().expect("one state a path"))
    }

    /// Looks at many, in one exchange; each link and each file too large to come along costs one more.
    ///
    /// # Errors
    /// [`OpError::Unknown`] when only an apply can tell; a link that leads nowhere.
    pub fn see_all(view: &mut View<'_>, paths: &[String]) -> Result<Vec<Self>, OpError> {
        let mut files = look(view, paths)?;
        for file in &mut files {
            file.follow(view)?;
            if let Contents::Large { size, local, .. } = &file.contents {
                file.contents = Contents::Bytes(large(view, &file.path, *size, local.as_deref())?.into());
            }
        }
        Ok(files)
    }

    fn follow(&mut self, view: &mut View<'_>) -> Result<(), OpError> {
        let mut path = self.path.clone();
        for _ in 0..MOST_LINKS {
            let Some(target) = leads_to(&path, &self.at) else { return Ok(()) };
            let seen = look(view, std::slice::from_ref(&target))?.remove(0);
            if seen.at.kind == Kind::Absent {
                return Err(OpError::refused(format!("`{}` leads to `{target}`, where nothing is", self.path)));
            }
            (path, self.at, self.contents) = (target, seen.at, seen.contents);
        }
        Err(OpError::refused(format!("`{}` is a link in a circle", self.path)))
    }

    /// Where it is.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// True when nothing is there.
    pub fn is_absent(&self) -> bool {
        self.at.kind == Kind::Absent && self.contents == Contents::Absent
    }

    /// Permission bits, unless nothing is there.
    pub fn mode(&self) -> Option<u32> {
        (!self.is_absent()).then_some(self.at.mode)
    }

    /// Whether it belongs to a user.
    ///
    /// # Errors
    /// [`OpError::Unknown`] when only an apply can tell.
    pub fn belongs_to(&self, user: &str) -> Result<bool, OpError> {
        self.at.owner.is(user).ok_or_else(|| OpError::Unknown(format!("owner of `{}`", self.path)))
    }

    /// What it holds, nothing when it is absent; a text may hold secret tokens when it is only planned.
    ///
    /// # Errors
    /// [`OpError::Refused`] when something else is there, or when the user of the shell may not read it.
    pub fn bytes(&self) -> Result<Option<&Arc<[u8]>>, OpError> {
        let path = &self.path;
        let is_hidden = self.contents == Contents::Unreadable || (self.is_absent() && self.folder_hides_it());
        match &self.contents {
            Contents::Bytes(bytes) | Contents::Planned(bytes) => Ok(Some(bytes)),
            _ if is_hidden => {
                Err(OpError::refused_with(format!("cannot read `{path}`"), "act as a user who may: `sudo: true`"))
            }
            _ if self.is_absent() => Ok(None),
            _ => Err(OpError::refused(format!("`{path}` is no regular file"))),
        }
    }

    /// Whether the user of the shell cannot tell what is in the directory. That a group may look in is taken for granted.
    fn folder_hides_it(&self) -> bool {
        let known = self.folder.kind == Kind::Dir && self.me.owner.id.is_some_and(|id| id != 0);
        let search = if self.folder.owner.id == self.me.owner.id { 0o100 } else { 0o011 };
        known && self.folder.mode & search == 0
    }

    /// What it holds, to be edited and written back; an absent file holds nothing, what is not UTF-8 is replaced.
    ///
    /// # Errors
    /// As [`SmallFile::bytes`]; [`OpError::Unknown`] when a part of it is known only after apply.
    pub fn text(&self) -> Result<Cow<'_, str>, OpError> {
        let Some(bytes) = self.bytes()? else { return Ok(Cow::Borrowed("")) };
        let is_planned = matches!(self.contents, Contents::Planned(_));
        if !is_planned && holds_token(bytes) {
            // Written back it would be swapped for a secret, which the host may not be meant to know.
            return Err(OpError::refused(format!("`{}` holds characters reserved for secrets", self.path)));
        }
        let text = String::from_utf8_lossy(bytes);
        match is_planned && contains_unknown(&text) {
            true => Err(OpError::Unknown(format!("content of `{}`", self.path))),
            false => Ok(text),
        }
    }

    /// The same file with other content; one of root that all may read when there is none.
    pub fn holding(&self, content: impl AsRef<[u8]>) -> Whole {
        match self.is_absent() {
            true => Whole::of_root(content, 0o644),
            false => Whole::new(content, self.at.mode, &self.at.owner.shown(), &self.at.group.shown()),
        }
    }

    /// The same file with this content and mode; owner and group stay, or are those of a new file, where none is given.
    pub fn whole(&self, content: impl AsRef<[u8]>, mode: u32, owner: Option<&str>, group: Option<&str>) -> Whole {
        let there = (!self.is_absent()).then_some(&self.at);
        let kept = |given: Option<&str>, before: Option<String>| given.map(str::to_owned).or(before);
        let owner = kept(owner, Some(there.unwrap_or(&self.me).owner.shown())).expect("every file has one");
        Whole { group: kept(group, there.map(|at| at.group.shown())), owner, ..Whole::of_root(content, mode) }
    }

    /// What is not as wanted. Secrets are compared by value.
    ///
    /// # Errors
    /// As [`SmallFile::bytes`]; [`OpError::Unknown`] when only an apply can tell.
    pub fn difference(&self, whole: &Whole) -> Result<Option<Difference>, OpError> {
        let wanted = Wanted::of_bytes(whole.content.clone())?;
        if self.bytes()?.is_none() {
            return Ok(Some(Difference::Missing));
        }
        if wanted.is(&self.contents)? != Some(true) {
            return Ok(Some(Difference::Content));
        }
        let attributes = whole.attributes().differences(&self.path, &self.at)?;
        Ok(attributes.into_iter().next().map(|difference| Difference::Attribute(difference.text)))
    }

    /// The change that makes it as wanted, and the directories above, unless it is.
    ///
    /// # Errors
    /// As [`SmallFile::difference`].
    pub fn ensure(&self, whole: &Whole) -> Result<Option<Change>, OpError> {
        let path = &self.path;
        let change = match self.difference(whole)? {
            None => return Ok(None),
            Some(Difference::Missing) => Change::new(Sign::Create, format!("create {path}")),
            Some(Difference::Content) => Change::new(Sign::Update, format!("content of {path}")),
            Some(Difference::Attribute(text)) => Change::new(Sign::Update, format!("{text} of {path}")),
        };
        let write = FileWrite { create_dirs: true, ..self.write(whole) };
        let change = self.folder_made(change, 0o755, None);
        Ok(Some(self.noted(change, whole)?.step(Step::Write(write))))
    }

    /// Completes a change that makes it as wanted: diff, write and effects.
    ///
    /// # Errors
    /// As [`SmallFile::noted`].
    pub fn put(&self, change: Change, whole: &Whole) -> Result<Change, OpError> {
        Ok(self.noted(change, whole)?.step(Step::Write(self.write(whole))))
    }

    /// Completes a change that makes it as wanted by steps of its own: diff and effects.
    ///
    /// # Errors
    /// [`OpError::Unknown`] when a part of the content is known only after apply.
    pub fn noted(&self, change: Change, whole: &Whole) -> Result<Change, OpError> {
        let wanted = Wanted::of_bytes(whole.content.clone())?;
        let change = match wanted.is(&self.contents)? {
            Some(true) => change,
            _ => {
                let described = wanted.change(change.sign, &change.text, &self.contents);
                Change { text: described.text, diff: described.diff, ..change }
            }
        };
        let made = whole.attributes().on(Path::made(Kind::File, whole.mode, &self.me, Some(&self.folder)));
        let change = change.makes(&self.path, Path { size: wanted.size, ..made });
        Ok(wanted.noted(change, &self.path))
    }

    /// Notes that a change makes the directory around it when there is none; without an owner, by the shell's user.
    #[must_use]
    pub fn folder_made(&self, change: Change, mode: u32, owner: Option<(&str, &str)>) -> Change {
        if self.folder.kind != Kind::Absent {
            return change;
        }
        let (owner, group) = owner.unzip();
        let attributes = Attributes { owner, group, mode: None };
        change.makes(parent(&self.path), attributes.on(Path::made(Kind::Dir, mode, &self.me, None)))
    }

    /// The write that makes it as wanted.
    pub fn write(&self, whole: &Whole) -> FileWrite {
        let write = FileWrite::new(&self.path, Source::Bytes(whole.content.clone()));
        let write = FileWrite { mode: Some(whole.mode), ..write };
        // A new file belongs to the user of the shell; put in the place of another one, it takes over its owner.
        let attributes = whole.attributes();
        let made = Path::made(Kind::File, 0, &self.me, Some(&self.folder));
        if attributes.owns(&made) && (self.is_absent() || attributes.owns(&self.at)) {
            return write;
        }
        FileWrite { owner: Some(whole.owner.clone()), group: whole.group.clone(), ..write }
    }

    /// The change that removes it, unless it is absent.
    ///
    /// # Errors
    /// As [`SmallFile::bytes`].
    pub fn remove(&self) -> Result<Option<Change>, OpError> {
        if self.bytes()?.is_none() {
            return Ok(None);
        }
        let change = gone(Change::new(Sign::Remove, format!("remove {}", self.path)), &self.path)
            .step(self.removal())
            .touching([&self.path]);
        Ok(Some(match shown(&self.contents) {
            Some(before) => change.diff(before, ""),
            None => change,
        }))
    }

    /// The step that brings back what was seen.
    pub fn undo(&self) -> Step {
        match &self.contents {
            Contents::Bytes(bytes) => Step::Write(self.write(&self.holding(bytes))),
            _ => self.removal(),
        }
    }

    fn removal(&self) -> Step {
        Step::Run(Command::new("rm").arg("-f").arg("--").arg(&self.path))
    }
}

/// Looks at paths themselves and at what they hold, in one exchange.
fn look(view: &mut View<'_>, paths: &[String]) -> Result<Vec<SmallFile>, OpError> {
    let folders = paths.iter().map(|path| parent(path).to_owned());
    let all: Vec<String> = paths.iter().cloned().chain(folders).chain([Path::ME.to_owned()]).collect();
    let mut ats = view.ask_whole::<Path>(&all)?;
    let mut contents = view.ask_whole::<Contents>(paths)?;
    view.answer(&mut [&mut ats, &mut contents])?;
    let mut ats = ats.states();
    let me = ats.pop().expect("asked last");
    let folders = ats.split_off(paths.len());
    let states = ats.into_iter().zip(contents.states()).zip(folders).zip(paths);
    let file = |(((at, contents), folder), path): (_, &String)| {
        let (path, me) = (path.clone(), me.clone());
        SmallFile { path, at, contents, folder, me }
    };
    Ok(states.map(file).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::resource::Principal;

    fn of_root(content: &str, mode: u32) -> SmallFile {
        let root = Principal { id: Some(0), name: Some("root".into()) };
        let me = Path { kind: Kind::Dir, mode: 0o555, owner: root.clone(), group: root, ..Path::absent() };
        let at = Path { kind: Kind::File, mode, ..me.clone() };
        let contents = Contents::Bytes(content.as_bytes().into());
        SmallFile { path: "/etc/x".into(), at, contents, folder: me.clone(), me }
    }

    #[test]
    fn a_secret_in_a_file_is_compared_by_value_and_never_shown() {
        let secret = crate::secret::conceal("s3cr3t-in-conf").to_string();
        let wanted = Whole::of_root(format!("key={secret}\n"), 0o600);
        assert!(of_root("key=s3cr3t-in-conf\n", 0o600).ensure(&wanted).expect("known").is_none());
        let change = of_root("key=old\n", 0o600).ensure(&wanted).expect("known").expect("a change");
        assert_eq!(
            (change.text.as_str(), change.diff),
            (
                "content of /etc/x: [secret] => [secret] (changed)",
                Some(("key=[secret]\n".into(), "key=[secret] (changed)\n".into()))
            )
        );
    }

    #[test]
    fn the_first_difference_is_named() {
        let seen = of_root("a\n", 0o644);
        let text = |wanted: &Whole| seen.ensure(wanted).expect("known").map(|change| change.text);
        assert_eq!(text(&Whole::of_root("a\n", 0o644)), None);
        assert_eq!(text(&Whole::of_root("b\n", 0o600)).as_deref(), Some("content of /etc/x"));
        assert_eq!(text(&Whole::of_root("a\n", 0o600)).as_deref(), Some("mode 0644 -> 0600 of /etc/x"));
        assert_eq!(text(&Whole::new("a\n", 0o644, "root", "adm")).as_deref(), Some("group root -> adm of /etc/x"));
    }
}
