//! `git::repo`: a working tree at a branch, a tag or a commit.

use super::refs::{Goal, short};
use super::script;
use crate::event::Sign;
use crate::ops::args::absolute;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Checkout, Path, User, WorkTree};
use crate::ops::user::name_ok;
use crate::ops::{Change, OpError, Operation, Plan, Resource, View};
use crate::remote::{Command, Output};
use crate::secret::contains_token;
use serde::Deserialize;

/// Keeps a working tree at a ref of a remote repository.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repo {
    pub(super) dest: String,
    pub(super) url: String,
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    pub(super) depth: Option<u32>,
    #[serde(default)]
    pub(super) submodules: bool,
    pub(super) key: Option<String>,
    #[serde(default)]
    pub(super) force: bool,
    owner: Option<String>,
}

/// The working tree, and what the remote offers.
pub struct Seen {
    checkout: Checkout,
    goal: Goal,
}

impl Operation for Repo {
    const NAME: &'static str = "git::repo";
    const TARGET: &'static str = "dest";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        absolute("dest", &self.dest)?;
        if self.url.is_empty() || self.url.starts_with('-') || self.url.contains(|c: char| c.is_control()) {
            return Err(format!("argument `url`: {:?} is no address of a repository", self.url));
        }
        if contains_token(&self.url) {
            return Err("argument `url`: a secret would stand on a command line: log in with `key`".into());
        }
        let odd = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
        match &self.reference {
            Some(name) if name.is_empty() || name.starts_with('-') || name.contains(odd) => {
                return Err(format!("argument `ref`: {name:?} is no branch, tag or commit"));
            }
            _ => {}
        }
        if self.depth == Some(0) {
            return Err("argument `depth`: it is at least 1".into());
        }
        self.key.as_deref().map_or(Ok(()), |key| absolute("key", key))?;
        self.owner.as_deref().map_or(Ok(()), |owner| name_ok("owner", owner))
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let fields = ["url", "ref", "depth", "submodules", "owner"];
        vec![args.kept("checkout", args.text("dest"), &fields).reads::<Checkout>(args.text("dest"))]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let checkout: Checkout = view.see(&self.dest)?;
        if checkout == Checkout::Foreign {
            return Err(OpError::refused_with(
                format!("`{}` is neither empty nor a working tree of git", self.dest),
                "move it away, or choose another folder",
            ));
        }
        let full = self.reference.as_deref().and_then(Goal::of_commit);
        let asker = self.asker(view, &checkout);
        let goal = full.map_or_else(|| self.ask(view, &asker), Ok)?;
        Ok(Seen { checkout, goal })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        match &seen.checkout {
            Checkout::WorkTree(tree) => self.update(tree, &seen.goal),
            _ => Ok(self.clone_to(&seen.goal).into()),
        }
    }
}

impl Repo {
    /// Who runs git: the wanted owner, else the one there is.
    fn actor(&self, checkout: &Checkout) -> String {
        let seen = match checkout {
            Checkout::WorkTree(tree) => tree.owner.clone(),
            _ => String::new(),
        };
        self.owner.clone().unwrap_or(seen)
    }

    /// A user whom a plan only makes cannot be asked as.
    fn asker(&self, view: &mut View<'_>, checkout: &Checkout) -> String {
        let actor = self.actor(checkout);
        let is_planned = view.is_planned(|key| key.kind == User::KIND && key.id == actor);
        let is_there = |view: &mut View<'_>| view.see_real::<User>(&actor).is_ok_and(|user| user.account.is_some());
        if is_planned && !is_there(view) { String::new() } else { actor }
    }

    fn ask(&self, view: &mut View<'_>, owner: &str) -> Result<Goal, OpError> {
        let output = view.read(&script::ask(self, owner))?;
        if !output.ok() && view.planned_changes() > 0 {
            // Git itself, the owner, the key or a local repository may be among the planned changes.
            return Err(OpError::Unknown(format!("the refs of `{}`", self.url)));
        }
        if !output.ok() {
            return Err(self.no_answer(&output));
        }
        Goal::find(&output.text(), self.reference.as_deref()).ok_or_else(|| match &self.reference {
            Some(name) => OpError::refused(format!("`{}` has no branch or tag `{name}`", self.url)),
            None => OpError::refused_with(
                format!("`{}` has no default branch", self.url),
                "name a branch, tag or commit by `ref`",
            ),
        })
    }

    fn no_answer(&self, output: &Output) -> OpError {
        let said = output.err_text();
        let hint = if said.contains("Host key verification failed") {
            Some("`ssh::known_host` makes the server known to the user who runs git")
        } else if said.contains("Permission denied") || said.contains("could not read Username") {
            Some("`key` names a private key on the host that the server accepts")
        } else if output.code == 127 {
            Some("install git before: `pkg::installed(\"git\")`")
        } else {
            None
        };
        let last = said.lines().find(|line| line.contains("fatal")).or(said.lines().last()).unwrap_or_default();
        let message = format!("cannot ask `{}`: {}", self.url, last.trim_start_matches("fatal: "));
        OpError::Refused { message, hint: hint.map(str::to_owned) }
    }

    fn clone_to(&self, goal: &Goal) -> Change {
        let owner = self.owner.clone().unwrap_or_default();
        let change = Change::new(Sign::Create, format!("clone {}", goal.shown()))
            .run(script::make_folder(self, &owner))
            .run(script::clone(self, goal, &owner));
        let change = self.reaches(change, goal, WorkTree { owner, ..WorkTree::default() });
        change.brings_there::<Path>(&self.dest, format!("`{}` comes with the checkout", self.dest))
    }

    fn reaches(&self, change: Change, goal: &Goal, tree: WorkTree) -> Change {
        let tree = WorkTree {
            head: Some(goal.commit().to_owned()),
            branch: goal.branch().map(str::to_owned),
            origin: self.url.clone(),
            dirty: Vec::new(),
            ahead: false,
            stale_modules: if self.submodules { Vec::new() } else { tree.stale_modules },
            owner: tree.owner,
        };
        let change = change.makes(&self.dest, Checkout::WorkTree(tree));
        change.unknown_below(&self.dest, format!("what {} holds is known after apply", goal.shown()))
    }

    fn update(&self, tree: &WorkTree, goal: &Goal) -> Result<Plan, OpError> {
        let mut plan = Plan::new();
        let mut tree = tree.clone();
        if let Some(owner) = self.owner.as_ref().filter(|owner| **owner != tree.owner) {
            let chown = Command::new("chown").arg("-R").arg("-h").arg(format!("{owner}:")).arg("--").arg(&self.dest);
            let change = Change::new(Sign::Update, format!("owner {} -> {owner}", tree.owner)).run(chown);
            tree.owner = owner.clone();
            plan = plan.with(change.makes(&self.dest, Checkout::WorkTree(tree.clone())));
        }
        if tree.origin != self.url {
            let before = if tree.origin.is_empty() { "none" } else { &tree.origin };
            let change = Change::new(Sign::Update, format!("origin {before} -> {}", self.url));
            let change = change.run(script::set_origin(self, &tree.owner, !tree.origin.is_empty()));
            tree.origin = self.url.clone();
            plan = plan.with(change.makes(&self.dest, Checkout::WorkTree(tree.clone())));
        }
        let moves = self.moves(&tree, goal);
        self.refuse_loss(&tree, moves)?;
        if moves || !tree.dirty.is_empty() {
            let change = Change::new(Sign::Update, describe(&tree, goal, moves));
            let change = change.run(script::update(self, goal, &tree.owner));
            return Ok(plan.with(self.reaches(change, goal, tree)));
        }
        if self.submodules && !tree.stale_modules.is_empty() {
            let text = format!("submodules {}", tree.stale_modules.join(", "));
            let change = Change::new(Sign::Update, text).run(script::update_modules(self, &tree.owner));
            plan = plan.with(self.reaches(change, goal, tree));
        }
        Ok(plan)
    }

    fn moves(&self, tree: &WorkTree, goal: &Goal) -> bool {
        let at = tree.head.as_deref().is_some_and(|head| head.starts_with(goal.commit()));
        !at || tree.branch.as_deref() != goal.branch()
    }

    fn refuse_loss(&self, tree: &WorkTree, moves: bool) -> Result<(), OpError> {
        if self.force {
            return Ok(());
        }
        if !tree.dirty.is_empty() {
            let some = tree.dirty.iter().take(3).cloned().collect::<Vec<_>>().join("`, `");
            return Err(OpError::refused_with(
                format!("`{}` has local modifications: `{some}`", self.dest),
                "commit them there, or throw them away with `force: true`",
            ));
        }
        if tree.ahead && moves {
            return Err(OpError::refused_with(
                format!("`{}` has commits that were never pushed", self.dest),
                "push them, or throw them away with `force: true`",
            ));
        }
        Ok(())
    }
}

fn describe(tree: &WorkTree, goal: &Goal, moves: bool) -> String {
    if !moves {
        return format!("discard local modifications of {}", tree.dirty.join(", "));
    }
    let head = tree.head.as_deref().map_or("nothing", short);
    match &tree.branch {
        Some(branch) if tree.head.is_some() => format!("{branch} at {head} -> {}", goal.shown()),
        _ => format!("{head} -> {}", goal.shown()),
    }
}
