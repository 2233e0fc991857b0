//! Runs the built binary and fails on any output that the test did not ask for.

use super::project::Project;
use std::path::Path;
use std::time::Duration;

/// How long a command may take before it counts as hung.
const LONGEST: Duration = Duration::from_secs(240);

/// One call of `rhapsode`. `success`, `exit` and `json` run it.
#[derive(Debug)]
pub struct Cli {
    command: assert_cmd::Command,
    shown: String,
    stdout: Asked,
    stderr: Asked,
}

/// What may come out.
#[derive(Debug, Default)]
enum Asked {
    /// Nothing at all.
    #[default]
    Nothing,
    /// Exactly this.
    Exactly(String),
    /// Each of these, among others.
    Holding(Vec<String>),
    /// Whatever comes.
    Anything,
}

/// How a call ended.
#[derive(Debug)]
pub struct Ran {
    /// What it wrote on stdout.
    pub stdout: String,
    /// What it wrote on stderr.
    pub stderr: String,
}

impl Cli {
    /// `rhapsode` with these words, without a terminal, and without settings from our own environment.
    pub fn new<const N: usize>(words: [&str; N]) -> Self {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_rhapsode"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RHAPSODE_")) {
            command.env_remove(name);
        }
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLORTERM"] {
            command.env_remove(name);
        }
        // A login that stays would be one of the next test.
        command.env("RHAPSODE_KEEP_LOGINS", "0");
        command.args(words).timeout(LONGEST);
        Self { command, shown: words.join(" "), stdout: Asked::Nothing, stderr: Asked::Nothing }
    }

    /// In the folder of a project.
    pub fn within(self, project: &Project) -> Self {
        self.within_folder(project.root())
    }

    /// In a folder.
    pub fn within_folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// With one more word.
    pub fn arg(mut self, word: impl AsRef<std::ffi::OsStr>) -> Self {
        self.shown.push_str(&format!(" {}", word.as_ref().display()));
        self.command.arg(word);
        self
    }

    /// Limited to one host.
    pub fn host(self, name: &str) -> Self {
        self.arg("--limit").arg(name)
    }

    /// With a variable in its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// With this on its stdin, which is empty otherwise.
    pub fn stdin(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.command.write_stdin(content);
        self
    }

    /// Stdout must be exactly this.
    pub fn stdout(mut self, text: &str) -> Self {
        self.stdout = Asked::Exactly(text.to_owned());
        self
    }

    /// Stdout must hold this; more calls ask for more parts.
    pub fn stdout_contains(mut self, part: &str) -> Self {
        self.stdout.hold(part);
        self
    }

    /// Stderr must be exactly this.
    pub fn stderr(mut self, text: &str) -> Self {
        self.stderr = Asked::Exactly(text.to_owned());
        self
    }

    /// Stderr must hold this; more calls ask for more parts.
    pub fn stderr_contains(mut self, part: &str) -> Self {
        self.stderr.hold(part);
        self
    }

    /// Stderr may hold anything: progress is not what the test is about.
    pub fn any_stderr(mut self) -> Self {
        self.stderr = Asked::Anything;
        self
    }

    /// Stdout may hold anything; the test looks at it afterwards.
    pub fn any_stdout(mut self) -> Self {
        self.stdout = Asked::Anything;
        self
    }

    /// Runs it; it must exit with 0.
    #[track_caller]
    pub fn success(self) -> Ran {
        self.exit(0)
    }

    /// Runs it; it must exit with `code`, and print what was asked for and nothing else.
    #[track_caller]
    pub fn exit(mut self, code: i32) -> Ran {
        let output = self.command.output().expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the binary prints UTF-8");
        let ran = Ran { stdout: text(output.stdout), stderr: text(output.stderr) };
        let story = format!("rhapsode {}\n--- stdout\n{}--- stderr\n{}---", self.shown, ran.stdout, ran.stderr);
        assert_eq!(output.status.code(), Some(code), "exit status ({})\n{story}", output.status);
        self.stdout.check("stdout", &ran.stdout, &story);
        self.stderr.check("stderr", &ran.stderr, &story);
        ran
    }

    /// Runs it; it must print one JSON document on stdout, which is given, however it exits.
    #[track_caller]
    pub fn json_of_any_exit(mut self) -> serde_json::Value {
        let output = self.command.output().expect("the binary starts");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("rhapsode {}: stdout is no JSON: {error}\n{output:?}", self.shown);
        })
    }

    /// Runs it; it must exit with `code` and print one JSON document on stdout, which is given.
    #[track_caller]
    pub fn json(self, code: i32) -> serde_json::Value {
        let ran = self.any_stdout().exit(code);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("stdout is no JSON: {error}\n{}", ran.stdout))
    }
}

impl Asked {
    fn hold(&mut self, part: &str) {
        match self {
            Asked::Holding(parts) => parts.push(part.to_owned()),
            _ => *self = Asked::Holding(vec![part.to_owned()]),
        }
    }

    #[track_caller]
    fn check(&self, stream: &str, got: &str, story: &str) {
        match self {
            Asked::Nothing => assert!(got.is_empty(), "{stream} that no one asked for\n{story}"),
            Asked::Exactly(text) => assert_eq!(got, text, "{stream}\n{story}"),
            Asked::Holding(parts) => {
                for part in parts {
                    assert!(got.contains(part.as_str()), "{stream} lacks `{part}`\n{story}");
                }
            }
            Asked::Anything => {}
        }
    }
}
