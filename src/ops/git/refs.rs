//! What a remote repository offers, from `git ls-remote --symref`.

/// What is wanted of a remote repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// A branch, followed.
    Branch {
        /// Without `refs/heads/`.
        name: String,
        /// Where it is now.
        commit: String,
    },
    /// A tag, detached.
    Tag {
        /// Without `refs/tags/`.
        name: String,
        /// The commit behind it.
        commit: String,
    },
    /// A commit, detached; may be abbreviated.
    Commit(String),
}

impl Goal {
    /// A full commit needs no look at the remote.
    pub fn of_commit(wanted: &str) -> Option<Self> {
        (wanted.len() == 40 && is_hex(wanted)).then(|| Self::Commit(wanted.to_owned()))
    }

    /// Finds a ref in an answer; without a name, the remote's default branch.
    pub fn find(answer: &str, wanted: Option<&str>) -> Option<Self> {
        let symbolic = answer.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.strip_suffix("\tHEAD"));
        let commit = |reference: &str| {
            let objects = answer.lines().filter(|line| !line.starts_with("ref: "));
            let mut lines = objects.filter_map(|line| line.split_once('\t'));
            lines.find(|(_, found)| *found == reference).map(|(commit, _)| commit.to_owned())
        };
        let Some(name) = wanted else {
            return Some(Self::Branch { name: symbolic?.to_owned(), commit: commit("HEAD")? });
        };
        if let Some(commit) = commit(&format!("refs/heads/{name}")) {
            return Some(Self::Branch { name: name.to_owned(), commit });
        }
        // An annotated tag is an object of its own; its commit is listed as `^{}`.
        let tag = commit(&format!("refs/tags/{name}^{{}}")).or_else(|| commit(&format!("refs/tags/{name}")));
        match tag {
            Some(commit) => Some(Self::Tag { name: name.to_owned(), commit }),
            None if name.len() >= 7 && is_hex(name) => Some(Self::Commit(name.to_owned())),
            None => None,
        }
    }

    /// The commit, perhaps abbreviated.
    pub fn commit(&self) -> &str {
        match self {
            Self::Branch { commit, .. } | Self::Tag { commit, .. } | Self::Commit(commit) => commit,
        }
    }

    /// The branch to be on.
    pub fn branch(&self) -> Option<&str> {
        match self {
            Self::Branch { name, .. } => Some(name),
            _ => None,
        }
    }

    /// As people read it: `main at 1a2b3c4`.
    pub fn shown(&self) -> String {
        match self {
            Self::Branch { name, commit } | Self::Tag { name, commit } => format!("{name} at {}", short(commit)),
            Self::Commit(commit) => short(commit).to_owned(),
        }
    }
}

/// The first digits of a commit.
pub fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "ref: refs/heads/main\tHEAD\naaaa\tHEAD\naaaa\trefs/heads/main\nbbbb\trefs/tags/v1\n\
                          cccc\trefs/tags/v1^{}\ndddd\trefs/tags/light\n";

    #[test]
    fn tells_branches_tags_and_commits_apart() {
        let branch = Goal::Branch { name: "main".into(), commit: "aaaa".into() };
        assert_eq!(Goal::find(ANSWER, None), Some(branch.clone()));
        assert_eq!(Goal::find(ANSWER, Some("main")), Some(branch));
        assert_eq!(Goal::find(ANSWER, Some("v1")), Some(Goal::Tag { name: "v1".into(), commit: "cccc".into() }));
        assert_eq!(Goal::find(ANSWER, Some("light")).map(|goal| goal.commit().to_owned()), Some("dddd".into()));
        assert_eq!(Goal::find(ANSWER, Some("abcdef0")), Some(Goal::Commit("abcdef0".into())));
        assert_eq!(Goal::find(ANSWER, Some("nope")), None);
    }
}
