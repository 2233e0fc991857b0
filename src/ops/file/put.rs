//! A whole file: its content, owner, group and mode.

use super::attributes::Attributes;
use super::content::{Wanted, as_read};
use super::place::{HostPath, Place};
use crate::event::Sign;
use crate::ops::args::{Content, Mode};
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Contents, FETCH_LIMIT, Kind};
use crate::ops::{Change, FileWrite, OpError, Operation, Plan, Step, View};
use crate::remote::Command;
use crate::secret::contains_token;
use serde::Deserialize;

/// Keeps a file with this content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    path: HostPath,
    src: Option<String>,
    content: Option<Content>,
    owner: Option<String>,
    group: Option<String>,
    mode: Option<Mode>,
    #[serde(default)]
    force: bool,
    validate: Option<String>,
    #[serde(default)]
    backup: bool,
    #[serde(default)]
    in_place: bool,
    #[serde(default)]
    create_dirs: bool,
}

/// Keeps a file with a rendered template as its content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    path: HostPath,
    /// The rendered text.
    content: Content,
    /// Where the template is, for messages.
    #[serde(rename = "src")]
    _src: Option<String>,
    owner: Option<String>,
    group: Option<String>,
    mode: Option<Mode>,
    #[serde(default)]
    force: bool,
    validate: Option<String>,
    #[serde(default)]
    backup: bool,
    #[serde(default)]
    in_place: bool,
    #[serde(default)]
    create_dirs: bool,
}

/// What both ask for, besides the content.
pub(super) struct Order<'a> {
    pub attributes: Attributes<'a>,
    pub force: bool,
    pub validate: Option<&'a str>,
    pub backup: bool,
    pub in_place: bool,
    pub create_dirs: bool,
}

/// What was found.
#[derive(Debug)]
pub struct Seen {
    place: Place,
    contents: Contents,
    wanted: Wanted,
}

impl Operation for Put {
    const NAME: &'static str = "file::put";
    const TARGET: &'static str = "path";
    const LOCAL_PATHS: &'static [&'static str] = &["src"];
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        if self.src.is_some() == self.content.is_some() {
            return Err("give either `src` or `content`".into());
        }
        self.order().check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.path("file").content(args)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let wanted = match (&self.src, &self.content) {
            (Some(src), _) => Wanted::of_local(src)?,
            (None, content) => Wanted::of_bytes(content.as_ref().expect("checked: one is given").0.clone())?,
        };
        self.order().probe(view, &self.path, wanted)
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        self.order().plan(&seen.place, &seen.contents, &seen.wanted)
    }
}

impl Put {
    fn order(&self) -> Order<'_> {
        Order {
            attributes: Attributes::new(&self.owner, &self.group, self.mode),
            force: self.force,
            validate: self.validate.as_deref(),
            backup: self.backup,
            in_place: self.in_place,
            create_dirs: self.create_dirs,
        }
    }
}

impl Operation for Template {
    const NAME: &'static str = "file::template";
    const TARGET: &'static str = "path";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        self.order().check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.path("file").content(args)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        self.order().probe(view, &self.path, Wanted::of_bytes(self.content.0.clone())?)
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        self.order().plan(&seen.place, &seen.contents, &seen.wanted)
    }
}

impl Template {
    fn order(&self) -> Order<'_> {
        Order {
            attributes: Attributes::new(&self.owner, &self.group, self.mode),
            force: self.force,
            validate: self.validate.as_deref(),
            backup: self.backup,
            in_place: self.in_place,
            create_dirs: self.create_dirs,
        }
    }
}

/// Refuses a check that would not look at the new content.
pub(super) fn check_validate(validate: Option<&str>) -> Result<(), String> {
    match validate {
        Some(command) if !command.contains("%s") => {
            Err("argument `validate`: `%s` must stand where the path of the new file goes".into())
        }
        Some(command) if contains_token(command) => Err("argument `validate` cannot hold a secret".into()),
        _ => Ok(()),
    }
}

impl Order<'_> {
    fn check(&self) -> Result<(), String> {
        self.attributes.check()?;
        check_validate(self.validate)
    }

    fn probe(&self, view: &mut View<'_>, path: &HostPath, wanted: Wanted) -> Result<Seen, OpError> {
        let follow = !self.force;
        let (place, contents) = Place::see_with::<Contents>(view, path.as_str(), self.create_dirs, follow)?;
        let contents = match (as_read(contents)?, &place.at.kind) {
            (Contents::Large { size, sha256: None, local: None }, Kind::File) if size == wanted.size => {
                let whole = view.read(&Command::new("cat").arg("--").arg(&place.path))?;
                let sha256 = Some(Contents::sha256_of(&whole.stdout));
                Contents::Large { size, sha256, local: None }
            }
            (contents, _) => contents,
        };
        Ok(Seen { place, contents, wanted })
    }

    /// Says what must change so that a file has this content and these attributes.
    pub fn plan(&self, place: &Place, contents: &Contents, wanted: &Wanted) -> Result<Plan, OpError> {
        self.refuse_others(place, contents)?;
        let attributes = self.attributes_for(wanted);
        if place.at.kind == Kind::File {
            let same = wanted.is(contents)?;
            if same.ok_or_else(|| OpError::Unknown(format!("content of `{}`", place.path)))? {
                return Ok(Plan::of(attributes.changes(&place.path, &place.at)?));
            }
            return self.update(place, contents, wanted, &attributes);
        }
        let parents = match self.create_dirs {
            true => place.makes_parents()?,
            false => place.needs_parent("`create_dirs: true` makes it").map(|()| Vec::new())?,
        };
        let (sign, before) = match place.at.kind {
            Kind::Absent => (Sign::Create, "create".to_owned()),
            other => (Sign::Update, format!("replace the {}", other.word())),
        };
        let after = attributes.on(place.made(Kind::File, 0o644));
        let change = wanted.change(sign, &before, &Contents::Absent);
        let change = self.written(change, place, wanted, &attributes, after);
        Ok(Plan::of(parents.into_iter().chain([change])))
    }

    fn update(
        &self,
        place: &Place,
        contents: &Contents,
        wanted: &Wanted,
        attributes: &Attributes<'_>,
    ) -> Result<Plan, OpError> {
        let after = attributes.on(crate::ops::resource::Path { inode: None, ..place.at.clone() });
        let change = wanted.change(Sign::Update, "content", contents);
        let mut plan = Plan::from(self.written(change, place, wanted, attributes, after));
        // The write sets these, too.
        for difference in attributes.differences(&place.path, &place.at)? {
            plan = plan.with(Change::new(Sign::Update, difference.text));
        }
        Ok(plan)
    }

    fn written(
        &self,
        change: Change,
        place: &Place,
        wanted: &Wanted,
        attributes: &Attributes<'_>,
        after: crate::ops::resource::Path,
    ) -> Change {
        let mut write = FileWrite::new(&place.path, wanted.source.clone());
        // The mode of an existing file is kept by the write, which knows how to do so without owning the file.
        let kept = place.at.kind == Kind::File && attributes.mode.is_none();
        write.mode = (!kept).then_some(after.mode);
        // A new file belongs to the user of the shell; put in the place of another one, it takes over its owner.
        let owns = attributes.owns(&place.made(Kind::File, 0))
            && (place.at.kind == Kind::Absent || attributes.owns(&place.at));
        if self.in_place || !owns {
            write.owner = attributes.owner.map(str::to_owned);
            write.group = attributes.group.map(str::to_owned);
        }
        write.validate = self.validate.map(str::to_owned);
        write.in_place = self.in_place;
        write.backup = self.backup;
        let after = crate::ops::resource::Path { size: wanted.size, ..after };
        wanted.noted(change.step(Step::Write(write)).makes(&place.path, after), &place.path)
    }

    /// A secret is for its owner alone, unless said otherwise.
    fn attributes_for(&self, wanted: &Wanted) -> Attributes<'_> {
        let secret = wanted.secret.then_some(Mode(0o600));
        Attributes { mode: self.attributes.mode.or(secret), ..self.attributes }
    }

    fn refuse_others(&self, place: &Place, contents: &Contents) -> Result<(), OpError> {
        let path = &place.path;
        match place.at.kind {
            Kind::Dir => Err(OpError::refused_with(
                format!("`{path}` is a directory"),
                "name the file inside it, or remove it before with `file::absent` and `recursive: true`",
            )),
            Kind::Other if !self.force => Err(OpError::refused_with(
                format!("`{path}` is a {}", place.at.kind.word()),
                "`force: true` puts a file in its place",
            )),
            Kind::File if *contents == Contents::Unreadable => Err(OpError::refused_with(
                format!("`{path}` cannot be read by the user of the connection"),
                "`sudo: true` acts as root",
            )),
            _ => Ok(()),
        }
    }
}

/// Content larger than this is not edited.
pub(super) const EDIT_LIMIT: u64 = 128 * FETCH_LIMIT;
