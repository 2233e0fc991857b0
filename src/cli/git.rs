//! What git says of the project.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

/// The commit that is checked out, and whether the work tree differs from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkout {
    /// Full hash; nothing outside of a repository or before the first commit.
    pub commit: Option<String>,
    /// True when tracked files differ or untracked ones are there.
    pub dirty: bool,
}

/// A question to git under way.
pub struct Asking(Option<JoinHandle<Checkout>>);

impl Asking {
    /// Asks beside other work: git looks at every file.
    pub fn begin(root: &Path) -> Self {
        let root = root.to_owned();
        Self(std::thread::Builder::new().name("git".into()).spawn(move || checkout(&root)).ok())
    }

    /// Waits for the answer.
    pub fn end(self) -> Checkout {
        self.0.and_then(|asking| asking.join().ok()).unwrap_or_default()
    }
}

/// Asks git; a folder without repository, or a machine without git, has neither.
pub fn checkout(root: &Path) -> Checkout {
    let status = Command::new("git")
        .args(["status", "--porcelain=v2", "--branch", "--untracked-files=normal"])
        .env("GIT_OPTIONAL_LOCKS", "0")
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    match status {
        Ok(output) if output.status.success() => parse(&String::from_utf8_lossy(&output.stdout)),
        _ => Checkout::default(),
    }
}

/// Spec: git-status(1), "Porcelain Format Version 2".
fn parse(text: &str) -> Checkout {
    let commit = text.lines().find_map(|line| line.strip_prefix("# branch.oid "));
    let commit = commit.filter(|oid| *oid != "(initial)").map(str::to_owned);
    Checkout { commit, dirty: text.lines().any(|line| !line.starts_with('#')) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_commit_and_changes() {
        let clean = parse("# branch.oid 9f2c\n# branch.head main\n");
        assert_eq!(clean, Checkout { commit: Some("9f2c".into()), dirty: false });
        assert!(parse("# branch.oid 9f2c\n? new.txt\n").dirty);
        assert_eq!(parse("# branch.oid (initial)\n").commit, None);
    }
}
