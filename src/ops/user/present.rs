//! `user::present`: an account with these properties.

use super::home::Defaults;
use super::password::{self, Wanted};
use super::tools::{Field, Tools};
use super::{authorized, bare, create, field_ok, is_of_people, name_ok};
use crate::event::Sign;
use crate::ops::args::{Many, absolute};
use crate::ops::file::SmallFile;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Group, GroupEntry, Password, Path, User, UserEntry};
use crate::ops::{Change, OpError, Operation, Plan, Question, View};
use crate::secret::fingerprint;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Keeps a user with these properties. What is left out is not touched.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Present {
    pub(super) name: String,
    pub(super) uid: Option<u32>,
    pub(super) group: Option<String>,
    pub(super) groups: Option<Many>,
    append: Option<bool>,
    pub(super) shell: Option<String>,
    pub(super) home: Option<String>,
    pub(super) create_home: Option<bool>,
    #[serde(default)]
    pub(super) system: bool,
    pub(super) comment: Option<String>,
    password: Option<String>,
    password_lock: Option<bool>,
    pub(super) keys: Option<Many>,
    #[serde(default)]
    exclusive_keys: bool,
    unique: Option<bool>,
}

/// What there is of the user.
pub struct Seen {
    /// The account.
    pub user: User,
    /// What can change it.
    pub tools: Tools,
    /// Its password field, when asked for.
    pub password: Option<Password>,
    /// The groups that are named, and the one of the user's own name.
    pub groups: BTreeMap<String, GroupEntry>,
    /// Its keys, when asked for.
    pub keys: Option<SmallFile>,
    /// What a new account gets.
    pub defaults: Defaults,
    /// What stands where the home directory of a new account is made.
    pub home: Option<Path>,
}

impl Operation for Present {
    const NAME: &'static str = "user::present";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        name_ok("name", &self.name)?;
        for group in self.group.iter().chain(self.groups.iter().flat_map(|many| &many.0)) {
            name_ok("group", group)?;
        }
        field_ok("comment", self.comment.as_deref())?;
        field_ok("shell", self.shell.as_deref())?;
        field_ok("home", self.home.as_deref())?;
        if let Some(home) = &self.home {
            absolute("home", home)?;
        }
        match &self.keys {
            Some(keys) => authorized::wanted(keys).map(|_| ()),
            None if self.exclusive_keys => Err("`exclusive_keys` needs `keys`; `keys: []` removes all".into()),
            None => Ok(()),
        }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let name = args.text("name");
        let fields = ["uid", "group", "shell", "home", "comment", "password_lock"];
        let mut user = args.kept("user", name, &fields).reads::<User>(name);
        let password = Some(args.text("password")).filter(|password| !password.is_empty());
        if let Some(print) = password.and_then(fingerprint) {
            user = user.aspect("password", format!("secret:{print}"));
        }
        if args.flag("append") == Some(false) {
            user = user.takes(args, &["groups"]);
        }
        // Memberships add up: one more group contradicts nothing.
        user = args.texts("groups").into_iter().fold(user, |user, group| user.aspect(&format!("in {group}"), true));
        [user].into_iter().chain(authorized::managed(args, name)).collect()
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let user: User = match self.uid.is_some_and(is_of_people) {
            true => view.see_all_whole(std::slice::from_ref(&self.name))?.remove(0),
            false => view.see(&self.name)?,
        };
        let asks_password = self.password.is_some() || self.password_lock.is_some();
        let password = asks_password.then(|| view.see::<Password>(&self.name)).transpose()?;
        let left = self.append == Some(false);
        let joined = user.account.iter().flat_map(|account| &account.groups).filter(|_| left).cloned();
        let groups = self.see_groups(view, user.account.is_none(), joined.collect())?;
        let Some(account) = &user.account else { return self.probe_new(view, password, groups) };
        let keys = self.see_keys(view, self.home.as_ref().unwrap_or(&account.home))?;
        let (tools, defaults, home) = (Tools::probe(view)?, Defaults::default(), None);
        Ok(Seen { user, tools, password, groups, keys, defaults, home })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let (mut changes, account) = match &seen.user.account {
            None => create::create(self, seen)?,
            Some(account) => self.update(account, seen)?,
        };
        if let Some(field) = &seen.password {
            let wanted = Wanted { hash: self.password.as_deref(), lock: self.password_lock };
            changes.extend(password::changes(seen.tools, &self.name, wanted, field)?);
        }
        if let (Some(keys), Some(file)) = (&self.keys, &seen.keys) {
            let keys = authorized::wanted(keys).map_err(OpError::refused)?;
            changes.extend(authorized::change(&self.name, &account, &keys, self.exclusive_keys, file)?);
        }
        Ok(Plan { changes, ..Plan::default() })
    }
}

impl Present {
    pub(super) fn shared_uid(&self) -> bool {
        self.unique == Some(false)
    }

    fn probe_new(
        &self,
        view: &mut View<'_>,
        password: Option<Password>,
        groups: BTreeMap<String, GroupEntry>,
    ) -> Result<Seen, OpError> {
        // Most hosts have homes there: what stands at it comes along.
        let likely = self.home.clone().unwrap_or_else(|| format!("/home/{}", self.name));
        let mut tools = view.ask::<Tools>(&[Tools::KEY.to_owned()])?;
        let mut defaults = view.ask::<Defaults>(&[Defaults::KEY.to_owned()])?;
        let mut home = self.makes_home().then(|| view.ask::<Path>(std::slice::from_ref(&likely))).transpose()?;
        let mut questions: Vec<&mut dyn Question> = vec![&mut tools, &mut defaults];
        questions.extend(home.as_mut().map(|home| home as &mut dyn Question));
        view.answer(&mut questions)?;
        let (tools, defaults) = (tools.states().remove(0), defaults.states().remove(0));
        let path = self.home.clone().unwrap_or_else(|| defaults.home(&self.name));
        let home = match home {
            Some(home) if path == likely => Some(home.states().remove(0)),
            Some(_) => Some(view.see::<Path>(&path)?),
            None => None,
        };
        let keys = self.see_keys(view, &path)?;
        Ok(Seen { user: User::default(), tools, password, groups, keys, defaults, home })
    }

    /// Whether a new account gets a home directory.
    pub(super) fn makes_home(&self) -> bool {
        self.create_home.unwrap_or(!self.system)
    }

    fn see_keys(&self, view: &mut View<'_>, home: &str) -> Result<Option<SmallFile>, OpError> {
        let path = authorized::path(home);
        self.keys.as_ref().map(|_| SmallFile::see(view, &path)).transpose()
    }

    /// Supplementary groups that are asked for.
    pub(super) fn wanted_groups(&self) -> &[String] {
        self.groups.as_ref().map_or(&[], |many| &many.0)
    }

    fn see_groups(
        &self,
        view: &mut View<'_>,
        creating: bool,
        mut names: Vec<String>,
    ) -> Result<BTreeMap<String, GroupEntry>, OpError> {
        names.extend(self.group.iter().chain(self.wanted_groups()).cloned());
        // It costs nothing beside others, and is known then when the account has to be made.
        if creating || !names.is_empty() {
            names.push(self.name.clone());
        }
        names.sort();
        names.dedup();
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let seen = match self.uid.is_some_and(is_of_people) {
            true => view.see_all_whole::<Group>(&names)?,
            false => view.see_all::<Group>(&names)?,
        };
        let found: BTreeMap<_, _> =
            names.iter().cloned().zip(seen).filter_map(|(name, group)| Some((name, group.entry?))).collect();
        let asked = |name: &&String| self.group.as_ref() == Some(name) || self.wanted_groups().contains(name);
        match names.iter().filter(asked).find(|name| !found.contains_key(*name)) {
            Some(missing) => Err(OpError::refused_with(
                format!("there is no group `{missing}`"),
                format!("`group::present(\"{missing}\")` before it makes one"),
            )),
            None => Ok(found),
        }
    }

    fn update(&self, account: &UserEntry, seen: &Seen) -> Result<(Vec<Change>, UserEntry), OpError> {
        let mut after = account.clone();
        let mut changes = Vec::new();
        for field in self.fields() {
            if matches!(field, Field::Uid(..)) && after.uid.is_none() {
                return Err(OpError::Unknown(format!("the number of `{}`", self.name)));
            }
            let Some((text, next)) = changed(field, &after) else { continue };
            after = next;
            let change = Change::new(Sign::Update, text).run(seen.tools.set(&self.name, field)).touching_accounts();
            changes.push(change.makes(&self.name, User { account: Some(after.clone()) }));
        }
        changes.extend(self.memberships(&mut after, seen));
        if self.create_home == Some(true) && (!account.home_exists || after.home != account.home) {
            after.home_exists = true;
            let change = Change::new(Sign::Create, format!("home {}", after.home)).run(bare::make_home(&self.name));
            changes.push(change.makes(&self.name, User { account: Some(after.clone()) }));
        }
        Ok((changes, after))
    }

    fn fields(&self) -> Vec<Field<'_>> {
        let fields = [
            self.uid.map(|uid| Field::Uid(uid, self.shared_uid())),
            self.group.as_deref().map(Field::Group),
            self.comment.as_deref().map(Field::Comment),
            self.home.as_deref().map(Field::Home),
            self.shell.as_deref().map(Field::Shell),
        ];
        fields.into_iter().flatten().collect()
    }

    fn memberships(&self, after: &mut UserEntry, seen: &Seen) -> Vec<Change> {
        let Some(groups) = &self.groups else { return Vec::new() };
        let primary = after.group.clone();
        let joins: Vec<String> =
            groups.0.iter().filter(|group| **group != primary && !after.groups.contains(*group)).cloned().collect();
        let leaves: Vec<String> = match self.append {
            Some(false) => after.groups.iter().filter(|group| !groups.0.contains(group)).cloned().collect(),
            _ => Vec::new(),
        };
        let mut changes = Vec::new();
        for group in joins {
            after.groups.insert(group.clone());
            let change = Change::new(Sign::Update, format!("join {group}"))
                .run(seen.tools.join(&self.name, &group))
                .touching_accounts();
            changes.push(self.member_effect(change, &group, after, seen, true));
        }
        for group in leaves {
            after.groups.remove(&group);
            let change = Change::new(Sign::Remove, format!("leave {group}"))
                .run(seen.tools.leave(&self.name, &group))
                .touching_accounts();
            changes.push(self.member_effect(change, &group, after, seen, false));
        }
        changes
    }

    fn member_effect(&self, change: Change, group: &str, after: &UserEntry, seen: &Seen, joins: bool) -> Change {
        let change = change.makes(&self.name, User { account: Some(after.clone()) });
        let Some(mut entry) = seen.groups.get(group).cloned() else {
            return change.makes_unknown::<Group>(group, format!("members of `{group}`"));
        };
        if joins {
            entry.members.insert(self.name.clone());
        } else {
            entry.members.remove(&self.name);
        }
        change.makes(group, Group { entry: Some(entry) })
    }
}

/// What people read, and the account afterwards; nothing when the field is as wanted.
fn changed(field: Field<'_>, account: &UserEntry) -> Option<(String, UserEntry)> {
    let mut after = account.clone();
    let (what, before, wanted) = match field {
        Field::Uid(uid, _) => {
            let before = account.uid.map(|uid| uid.to_string()).unwrap_or_default();
            after.uid = Some(uid);
            ("uid", before, uid.to_string())
        }
        Field::Group(group) => {
            after.groups.remove(group);
            ("group", std::mem::replace(&mut after.group, group.into()), group.into())
        }
        Field::Comment(text) => ("comment", std::mem::replace(&mut after.comment, text.into()), text.into()),
        Field::Home(home) => ("home", std::mem::replace(&mut after.home, home.into()), home.into()),
        Field::Shell(shell) => ("shell", std::mem::replace(&mut after.shell, shell.into()), shell.into()),
    };
    let before_shown = if before.is_empty() { "none" } else { &before };
    (before != wanted).then(|| (format!("{what} {before_shown} -> {wanted}"), after))
}
