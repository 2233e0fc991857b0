//! Shells for tests: one that starts a process a command, and one that answers from a script.

use rhapsode::remote::{Command, Output, Shell, ShellError};
use std::io::{Read, Write};
use std::process::{Command as Process, Stdio};

/// Runs every command in a process of its own: slow, and without anything of ours that could hide a mistake.
pub struct PlainShell {
    argv: Vec<String>,
    exchanges: u64,
    /// Groups of reads that were sent together.
    pub batches: u64,
    /// Commands that were sent to change something.
    pub changed: Vec<String>,
}

impl PlainShell {
    /// On this machine.
    pub fn local() -> Self {
        Self::through(["sh"])
    }

    /// In a running container.
    pub fn docker(container: &str) -> Self {
        Self::through(["docker", "exec", "-i", container, "sh"])
    }

    fn through<const N: usize>(argv: [&str; N]) -> Self {
        Self { argv: argv.map(str::to_owned).to_vec(), exchanges: 0, batches: 0, changed: Vec::new() }
    }

    fn run(&mut self, command: &Command, content: Option<&mut (dyn Read + Send)>) -> Result<Output, ShellError> {
        self.exchanges += 1;
        let mut process = Process::new(&self.argv[0]);
        let script = command.render()?;
        // One argument has 128 KiB at most (execve(2)); a longer script goes by stdin.
        let long = script.len() > 100_000;
        process.args(&self.argv[1..]);
        if !long {
            process.arg("-c").arg(script.as_str());
        }
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let given = command.stdin.clone().unwrap_or_default();
        let given = match std::str::from_utf8(&given) {
            Ok(text) => rhapsode::secret::reveal(text)?.as_bytes().to_vec(),
            Err(_) => given,
        };
        assert!(!long || (given.is_empty() && content.is_none()), "a long script leaves no room for a stdin");
        let given = if long { script.as_bytes().to_vec() } else { given };
        let mut child = process.spawn().expect("the shell starts");
        let mut stdin = child.stdin.take().expect("piped");
        // Beside the reading: both pipes may be full. A command that does not read its stdin closes it early.
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                let _ = stdin.write_all(&given);
                if let Some(content) = content {
                    let _ = std::io::copy(content, &mut stdin);
                }
            });
            child.wait_with_output().expect("the shell ends")
        });
        Ok(Output { stdout: output.stdout, stderr: output.stderr, code: output.status.code().unwrap_or(255) })
    }
}

impl Shell for PlainShell {
    fn read_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        self.batches += 1;
        commands.iter().map(|command| self.run(command, None)).collect()
    }

    fn change_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        let mut outputs = Vec::new();
        for command in commands {
            self.changed.push(command.text().to_owned());
            let output = self.run(command, None)?;
            let failed = !command.succeeds_with(output.code);
            outputs.push(output);
            if failed {
                break;
            }
        }
        Ok(outputs)
    }

    fn stream(&mut self, command: &Command, content: &mut (dyn Read + Send)) -> Result<Output, ShellError> {
        self.changed.push(command.text().to_owned());
        self.run(command, Some(content))
    }

    fn exchanges(&self) -> u64 {
        self.exchanges
    }

    fn reconnect(&mut self) -> Result<(), ShellError> {
        Ok(())
    }

    fn prove_login(&mut self) -> Result<(), ShellError> {
        Ok(())
    }
}

/// Answers reads in the order of `seen`, and refuses changes: for plans without a host.
pub struct Replies {
    seen: std::vec::IntoIter<Reply>,
    /// What was asked.
    pub asked: Vec<String>,
}

/// One answer as the tool printed it.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// What it wrote on stdout.
    pub stdout: String,
    /// What it wrote on stderr.
    pub stderr: String,
    /// Its exit status.
    pub code: i32,
    /// For notes in the case file.
    pub of: String,
}

impl Replies {
    /// Gives these answers, one a read.
    pub fn new(seen: Vec<Reply>) -> Self {
        Self { seen: seen.into_iter(), asked: Vec::new() }
    }
}

impl Shell for Replies {
    fn read_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        let answer = |command: &Command| {
            self.asked.push(command.text().to_owned());
            let reply = self.seen.next().unwrap_or_else(|| panic!("the case has no answer to:\n{command}"));
            Output { stdout: reply.stdout.into_bytes(), stderr: reply.stderr.into_bytes(), code: reply.code }
        };
        Ok(commands.iter().map(answer).collect())
    }

    fn change_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        panic!("a plan changed the host: {commands:?}")
    }

    fn stream(&mut self, command: &Command, _: &mut (dyn Read + Send)) -> Result<Output, ShellError> {
        panic!("a plan changed the host: {command}")
    }

    fn exchanges(&self) -> u64 {
        self.asked.len() as u64
    }

    fn reconnect(&mut self) -> Result<(), ShellError> {
        Ok(())
    }

    fn prove_login(&mut self) -> Result<(), ShellError> {
        Ok(())
    }
}

/// Plans, applies and plans again; the second plan must be empty. Gives the texts of the first plan's changes.
pub fn converge(shell: &mut dyn Shell, op: &str, want: serde_json::Value) -> Vec<String> {
    let first = plan(shell, op, want.clone()).unwrap_or_else(|error| panic!("{op}: {error}"));
    rhapsode::ops::apply(&first, shell).unwrap_or_else(|error| panic!("{op}: {error:?}"));
    let second = plan(shell, op, want).unwrap_or_else(|error| panic!("{op}: {error}"));
    let texts = |plan: &rhapsode::ops::Plan| plan.changes.iter().map(|change| change.text.clone()).collect::<Vec<_>>();
    assert!(second.is_empty(), "{op}: the second plan wants {:?}", texts(&second));
    texts(&first)
}

/// The plan of one operation as the host is now.
pub fn plan(
    shell: &mut dyn Shell,
    op: &str,
    want: serde_json::Value,
) -> Result<rhapsode::ops::Plan, rhapsode::ops::OpError> {
    let entry = rhapsode::ops::entry(op).unwrap_or_else(|| panic!("no operation `{op}`"));
    let planned = (entry.accept)(want).unwrap_or_else(|error| panic!("{error}"));
    let overlay = rhapsode::ops::Overlay::default();
    planned.plan(&mut rhapsode::ops::View::new(shell, &overlay))
}
