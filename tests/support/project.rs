//! A project folder of a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use tempfile::TempDir;

/// A temporary folder with playbooks and inventories, removed when dropped.
#[derive(Debug)]
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// An empty one.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temp folder") }
    }

    /// With a file, its folders made as needed.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    /// As a git repository whose first commit holds the files so far.
    pub fn git(self) -> Self {
        self.git_says(&["init", "--quiet", "--initial-branch=main"]);
        self.commit("first");
        self
    }

    /// Commits everything and gives the full hash.
    pub fn commit(&self, message: &str) -> String {
        self.git_says(&["add", "--all"]);
        self.git_says(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git_says(&["rev-parse", "HEAD"]).trim_end().to_owned()
    }

    /// Writes a file, its folders made as needed.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a path below the project")).expect("the folder can be made");
        fs::write(path, content).expect("the file can be written");
    }

    /// The content of a file, as text.
    pub fn read(&self, path: &str) -> String {
        let path = self.path(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The full path of a file.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Runs git in it and gives what it prints.
    pub fn git_says(&self, words: &[&str]) -> String {
        let mut process = Process::new("git");
        process.current_dir(self.root()).args(["-c", "user.name=Test", "-c", "user.email=test@example.org"]);
        // The settings of whoever runs the tests change nothing: no signing, no hooks, no template.
        process.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").args(words);
        let output = process.output().expect("git starts; `tests/run` installs what the tests need");
        assert!(output.status.success(), "git {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}
