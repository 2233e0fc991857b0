//! Working trees of git.

use super::Resource;
use crate::ops::OpError;
use crate::remote::{Command, Output, quote};
use serde_json::{Value, json};

/// A working tree. The key is its absolute path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkout {
    /// Nothing, or an empty folder.
    Absent,
    /// Something else is there.
    Foreign,
    /// A working tree.
    WorkTree(WorkTree),
}

/// What git says about a working tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkTree {
    /// User who owns the folder.
    pub owner: String,
    /// The commit that is checked out.
    pub head: Option<String>,
    /// The branch that is checked out; nothing when detached.
    pub branch: Option<String>,
    /// URL of the remote `origin`.
    pub origin: String,
    /// Tracked files that differ from the commit.
    pub dirty: Vec<String>,
    /// True when the branch has commits that no remote branch or tag has.
    pub ahead: bool,
    /// Submodules that are not at the commit the tree asks for.
    pub stale_modules: Vec<String>,
}

impl Resource for Checkout {
    const KIND: &'static str = "checkout";

    fn script(keys: &[String]) -> Command {
        let mut script = format!("{}{}", include_str!("../git/as.sh"), include_str!("checkout.sh"));
        for key in keys {
            script.push_str(&format!("look {}\n", quote(key)));
        }
        Command::script(script)
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let text = output.text();
        let mut parts = text.split("==\n").flat_map(|part| part.strip_suffix("==").or(Some(part)));
        keys.iter()
            .map(|key| {
                let part = parts.next().ok_or_else(|| OpError::answer("git", &output.stdout))?;
                parse_one(key, part)
            })
            .collect()
    }

    fn is_absent(&self) -> bool {
        *self == Self::Absent
    }

    fn snapshot(&self) -> Value {
        match self {
            Self::WorkTree(tree) => json!({ "head": tree.head, "branch": tree.branch, "origin": tree.origin }),
            _ => Value::Null,
        }
    }
}

fn parse_one(path: &str, part: &str) -> Result<Checkout, OpError> {
    let mut tree = WorkTree::default();
    for line in part.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "absent" => return Ok(Checkout::Absent),
            "foreign" => return Ok(Checkout::Foreign),
            "owner" => tree.owner = rest.into(),
            "head" => tree.head = (!rest.is_empty()).then(|| rest.to_owned()),
            "branch" => tree.branch = (!rest.is_empty()).then(|| rest.to_owned()),
            "origin" => tree.origin = rest.into(),
            "dirty" => tree.dirty.push(rest.get(3..).unwrap_or(rest).to_owned()),
            "ahead" => tree.ahead = true,
            "stale" => tree.stale_modules.extend(rest.split(' ').nth(1).map(str::to_owned)),
            "failed" => return Err(OpError::refused(format!("cannot read the checkout `{path}`: {}", part.trim()))),
            _ => {}
        }
    }
    Ok(Checkout::WorkTree(tree))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_tree_between_others() {
        let text = "absent\n==\nowner ops\nhead 0123\nbranch main\norigin /srv/a b.git\ndirty  M x y\nstale -ffff lib\n==\nforeign\n==\n";
        let output = Output { stdout: text.into(), ..Output::default() };
        let read = Checkout::parse(&["/a", "/b", "/c"].map(str::to_owned), &output).expect("three");
        let tree = WorkTree {
            owner: "ops".into(),
            head: Some("0123".into()),
            branch: Some("main".into()),
            origin: "/srv/a b.git".into(),
            dirty: vec!["x y".into()],
            ahead: false,
            stale_modules: vec!["lib".into()],
        };
        assert_eq!(read, [Checkout::Absent, Checkout::WorkTree(tree), Checkout::Foreign]);
    }
}
