//! A command line and its answer. Quoting happens here and nowhere else.

use super::frame::revealed;
use super::print::printing;
use crate::secret::{RevealError, contains_token, redact, reveal};
use std::collections::BTreeMap;
use std::time::Duration;
use zeroize::Zeroizing;

/// A POSIX shell command: words that are quoted, or a script that is not.
///
/// Stdin and variables may hold secret tokens, swapped when the command is sent. The command line may not:
/// every user of the host can read it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Command {
    text: String,
    /// One program and its words, which may take the place of the shell that runs it.
    simple: bool,
    /// What its function `rh_in` prints: see [`Command::printed`].
    printed: Option<Vec<u8>>,
    /// What tells why it failed: see [`Command::explained_by`].
    why: Option<String>,
    /// Bytes for its stdin; nothing means `/dev/null`. A UTF-8 text may hold tokens.
    pub stdin: Option<Vec<u8>>,
    /// Variables for this command only.
    pub env: BTreeMap<String, String>,
    /// Working directory.
    pub chdir: Option<String>,
    /// Interpreter for the text instead of the resident `sh`: `/bin/bash`.
    pub shell: Option<String>,
    /// How long to wait for the answer; the connection's limit when unset.
    pub timeout: Option<Duration>,
    /// Exit statuses that mean success.
    pub success_codes: Vec<i32>,
}

impl Command {
    /// A program; every argument added is quoted.
    pub fn new(program: impl AsRef<str>) -> Self {
        Self { simple: true, ..Self::script(quote(program.as_ref())) }
    }

    /// A script in POSIX `sh`, taken as it is.
    pub fn script(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            simple: false,
            printed: None,
            why: None,
            stdin: None,
            env: BTreeMap::new(),
            chdir: None,
            shell: None,
            timeout: None,
            success_codes: vec![0],
        }
    }

    /// Names a script whose output is added to the errors of the command when it fails: a log.
    #[must_use]
    pub fn explained_by(self, script: impl Into<String>) -> Self {
        Self { why: Some(script.into()), ..self }
    }

    /// What tells why it failed.
    pub fn why(&self) -> Option<Self> {
        self.why.as_ref().map(Self::script)
    }

    /// Adds one quoted argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<str>) -> Self {
        self.text.push(' ');
        self.text.push_str(&quote(arg.as_ref()));
        self
    }

    /// Adds quoted arguments.
    #[must_use]
    pub fn args<S: AsRef<str>>(self, args: impl IntoIterator<Item = S>) -> Self {
        args.into_iter().fold(self, Command::arg)
    }

    /// Adds an argument when there is one.
    #[must_use]
    pub fn arg_if(self, wanted: bool, arg: &str) -> Self {
        if wanted { self.arg(arg) } else { self }
    }

    /// Adds shell text that must not be quoted: a redirection, a pipe.
    #[must_use]
    pub fn raw(mut self, text: &str) -> Self {
        self.simple = false;
        self.text.push(' ');
        self.text.push_str(text);
        self
    }

    /// Feeds its stdin.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Gives a script a function `rh_in` that prints these bytes: what `cat` does with stdin, without a process. A
    /// UTF-8 text may hold tokens.
    #[must_use]
    pub fn printed(self, bytes: impl Into<Vec<u8>>) -> Self {
        Self { printed: Some(bytes.into()), ..self }
    }

    /// What its function `rh_in` prints.
    pub fn prints(&self) -> Option<&[u8]> {
        self.printed.as_deref()
    }

    /// Sets one variable for it.
    #[must_use]
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(key.into(), value.into());
        self
    }

    /// Sets the limit for its answer.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the exit statuses that mean success.
    #[must_use]
    pub fn success(mut self, codes: impl Into<Vec<i32>>) -> Self {
        self.success_codes = codes.into();
        self
    }

    /// The command line with its tokens, for caches, plans and tests.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True when its text alone tells what it does.
    pub fn is_plain(&self) -> bool {
        let bare = self.stdin.is_none() && self.printed.is_none() && self.env.is_empty();
        bare && self.chdir.is_none() && self.shell.is_none() && !contains_token(&self.text)
    }

    /// Bytes that it takes along: its text, and what it prints or reads.
    pub fn size(&self) -> usize {
        let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        self.text.len() + bytes(&self.stdin) + bytes(&self.printed)
    }

    /// The command line as it may be shown.
    pub fn shown(&self) -> String {
        redact(&self.text)
    }

    /// The script that is sent: working directory, variables, interpreter and secrets in place; stdin apart.
    ///
    /// # Errors
    /// [`RevealError`] when a part is known only after apply, or a secret stands on the command line.
    pub fn render(&self) -> Result<Zeroizing<String>, RevealError> {
        let mut script = Zeroizing::new(String::new());
        if let Some(dir) = &self.chdir {
            script.push_str(&format!("cd -- {} || exit 1\n", quote(&reveal(dir)?)));
        }
        for (key, value) in &self.env {
            script.push_str(&format!("export {key}={}\n", quote(&reveal(value)?)));
        }
        if let Some(bytes) = &self.printed {
            let lines = printing(&revealed(bytes)?, " || return 1");
            script.push_str(&format!("rh_in() {{\n:\n{}}}\n", *lines));
        }
        let text = words_without_secrets(&self.text)?;
        match &self.shell {
            Some(shell) => script.push_str(&format!("exec {} -c {}", quote(shell), quote(text))),
            None if self.simple => script.push_str(&format!("exec {text}")),
            None => script.push_str(text),
        }
        Ok(script)
    }

    /// Whether an exit status means success.
    pub fn succeeds_with(&self, code: i32) -> bool {
        self.success_codes.contains(&code)
    }
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

/// The answer to one command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// What it wrote on stdout, byte by byte.
    pub stdout: Vec<u8>,
    /// What it wrote on stderr.
    pub stderr: Vec<u8>,
    /// Its exit status; 128 + n when signal n ended it.
    pub code: i32,
}

impl Output {
    /// Stdout as text, invalid UTF-8 replaced, final newlines removed (as `$(...)` does).
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }

    /// Stderr as text, trimmed.
    pub fn err_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }

    /// The same without what the resident shell puts before its own messages: `sh: 13: eval: `.
    pub fn complaint(&self) -> String {
        let text = self.err_text();
        let lines = text.lines().map(|line| {
            let rest = line.strip_prefix("sh: ").and_then(|rest| rest.split_once("eval: "));
            let (before, rest) = rest.unwrap_or(("", line));
            // dash has the number before, ash behind: `sh: eval: line 1: x: not found`.
            match before.trim_end_matches(": ").parse::<u32>() {
                Ok(_) => rest,
                Err(_) if before.is_empty() && rest.len() < line.len() => {
                    rest.strip_prefix("line ").and_then(|rest| rest.split_once(": ")).map_or(rest, |(_, rest)| rest)
                }
                Err(_) => line,
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// True for exit status 0.
    pub fn ok(&self) -> bool {
        self.code == 0
    }
}

fn words_without_secrets(text: &str) -> Result<&str, RevealError> {
    if contains_token(text) {
        reveal(text)?;
        return Err(RevealError::CommandLine);
    }
    Ok(text)
}

/// Quotes a word for a POSIX shell; a word of plain characters stays as it is.
///
/// Spec: POSIX.1-2024, XCU 2.2.2 "Single-Quotes".
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%_-+=:,./".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::conceal;

    #[test]
    fn what_the_resident_shell_puts_before_its_messages_is_no_part_of_a_complaint() {
        let complaint = |stderr: &str| Output { stderr: stderr.into(), ..Output::default() }.complaint();
        assert_eq!(
            complaint("sh: 13: eval: cannot create /ro/f: Read-only file system\n"),
            "cannot create /ro/f: Read-only file system"
        );
        assert_eq!(complaint("sh: eval: line 1: nosuch: not found"), "nosuch: not found");
        assert_eq!(complaint("sh: 1: nosuch: not found\nmedieval: no"), "sh: 1: nosuch: not found\nmedieval: no");
    }

    #[test]
    fn quotes_only_what_needs_it() {
        let command = Command::new("chown").arg("a b").arg("--").arg("/x/it's").arg("");
        assert_eq!(command.text(), r"chown 'a b' -- '/x/it'\''s' ''");
    }

    #[test]
    fn a_secret_is_refused_on_a_command_line_and_quoted_in_a_variable() {
        let secret = conceal("it's").to_string();
        let command = Command::new("echo").arg(&secret);
        assert_eq!(command.shown(), "echo '[secret]'");
        assert_eq!(command.render(), Err(RevealError::CommandLine));
        let command = Command::new("env").env("KEY", secret);
        assert_eq!(command.render().expect("known").as_str(), "export KEY='it'\\''s'\nexec env");
    }
}
