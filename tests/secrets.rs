//! Secrets of projects as people use them: the built binary, real keys, other implementations beside ours.

mod interop;
mod kept;
mod leaks;
mod merging;
mod providers;
mod rops;
mod server;
mod short;
mod tampered;
mod terminal;

use crate::scenes::Scene;
use crate::support::cli::Cli;
use crate::support::project::Project;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A user with an age key and an ssh key, and nothing else in his home.
pub struct Person {
    home: tempfile::TempDir,
}

impl Person {
    /// With fresh keys, made by the programs that people make them with.
    pub fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let person = Self { home };
        std::fs::create_dir(person.path(".ssh")).expect("a folder");
        let ssh = person.path(".ssh/id_ed25519");
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "ada@laptop", "-f"]).arg(ssh));
        run(Command::new("age-keygen").arg("-o").arg(person.path("age.txt")));
        person
    }

    /// A path in his home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// His ssh public key.
    pub fn ssh(&self) -> String {
        std::fs::read_to_string(self.path(".ssh/id_ed25519.pub")).expect("made").trim().to_owned()
    }

    /// His age public key.
    pub fn age(&self) -> String {
        let text = std::fs::read_to_string(self.path("age.txt")).expect("made");
        let key = text.lines().find_map(|line| line.strip_prefix("# public key: "));
        key.expect("age-keygen writes it").to_owned()
    }

    /// His call of rhapsode in a project.
    pub fn cli<const N: usize>(&self, project: &Project, words: [&str; N]) -> Cli {
        let cli = Cli::new(words).within(project).env("HOME", self.home.path()).env("TMPDIR", self.home.path());
        cli.env("XDG_CONFIG_HOME", self.path(".config")).env("XDG_RUNTIME_DIR", "").env("SOPS_AGE_KEY_FILE", "")
    }

    /// The variables of his calls that lead to his home.
    pub fn variables(&self) -> [(&'static str, &Path); 3] {
        [("HOME", self.home.path()), ("TMPDIR", self.home.path()), ("XDG_CONFIG_HOME", self.home.path())]
    }

    /// A project of his whose secrets are open to his ssh key.
    pub fn project(&self) -> Project {
        let project = Project::new();
        self.cli(&project, ["secret", "init"]).any_stdout().success();
        project
    }

    /// Keeps a secret.
    pub fn set(&self, project: &Project, name: &str, value: &str) {
        self.cli(project, ["secret", "set", name, "-q"]).stdin(value).success();
    }

    /// Shows a secret.
    pub fn get(&self, project: &Project, name: &str) -> String {
        self.cli(project, ["secret", "get", name, "--reveal"]).any_stdout().success().stdout
    }
}

/// Runs a program that must succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}; `tests/run` installs what the tests need");
    });
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Git as a person calls it, with nothing of this machine's settings.
pub fn git(project: &Project, person: &Person, words: &[&str]) -> Output {
    let mut git = Command::new("git");
    git.current_dir(project.root()).args(["-c", "user.name=Test", "-c", "user.email=test@example.org"]).args(words);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").env("HOME", person.path(""));
    git.output().expect("git starts")
}

/// A scene with one host that is a shell of this machine, run by a person.
pub fn scene(playbook: &str) -> Scene {
    Scene::shells(&["here"]).playbook(playbook)
}
