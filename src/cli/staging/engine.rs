//! The docker or podman client.

use super::StagingError;
use super::words;
use crate::inventory::{Connect, Host};
use std::io::IsTerminal;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const LONGEST_BOOT: Duration = Duration::from_secs(60);

/// Prints a word once the host takes commands: with systemd as PID 1 once the boot has ended, however it ended.
const READY: &str = "[ \"$(cat /proc/1/comm 2>/dev/null)\" != systemd ] && echo running && exit
systemctl is-system-running --wait 2>&1 | grep -e '^running$' -e '^degraded$'";

/// A login shell, bash where there is one.
const SHELL: &str = "cd; if command -v bash >/dev/null; then exec bash -l; else exec sh -l; fi";

/// One container as it is.
#[derive(Debug)]
pub struct State {
    pub running: bool,
    pub paused: bool,
    pub owner: String,
    pub made_from: String,
}

/// One image as it is.
#[derive(Debug)]
pub struct Image {
    pub id: String,
    pub runs_systemd: bool,
}

/// The client of the engine.
#[derive(Debug)]
pub struct Engine {
    program: &'static str,
}

impl Engine {
    /// The one that a host's connection names.
    pub fn of(host: &Host) -> Result<Self, StagingError> {
        match host.connection.connect {
            Connect::Docker => Ok(Self { program: "docker" }),
            Connect::Podman => Ok(Self { program: "podman" }),
            _ => Err(StagingError::NoEngine { host: host.name.clone() }),
        }
    }

    /// The image of a host, pulled when it is not here.
    pub fn image(&self, host: &Host) -> Result<Image, StagingError> {
        let name = host.connection.image.as_deref().unwrap_or_default();
        if let Some(image) = self.inspect_image(name)? {
            return Ok(image);
        }
        let missing = |answer| StagingError::Image { host: host.name.clone(), image: name.to_owned(), answer };
        // The images of our own recipes are in no registry; whoever answers to that name there is a stranger.
        if name.starts_with("rh-") {
            return Err(missing("it was not built yet".to_owned()));
        }
        let pulled = self.call(&["pull", "--quiet", name])?;
        if !pulled.status.success() {
            return Err(missing(answer(&pulled)));
        }
        self.inspect_image(name)?.ok_or_else(|| missing("the pull gave no such image".to_owned()))
    }

    fn inspect_image(&self, name: &str) -> Result<Option<Image>, StagingError> {
        let format = "{{.Id}}\n{{json .Config.Labels}}\n{{json .Config.Entrypoint}}\n{{json .Config.Cmd}}";
        let Some(shown) = self.inspect_any(&["image", "inspect", "--format", format, "--", name])? else {
            return Ok(None);
        };
        let mut lines = shown.lines();
        let id = lines.next().unwrap_or_default().to_owned();
        let labels = json(lines.next());
        let starts = |line| json(line)[0].as_str().and_then(|word| word.rsplit('/').next().map(str::to_owned));
        let program = starts(lines.next()).or(starts(lines.next()));
        let runs_systemd = labels[words::INIT] == "systemd" || matches!(program.as_deref(), Some("init" | "systemd"));
        Ok(Some(Image { id, runs_systemd }))
    }

    /// A container, when there is one of that name.
    pub fn inspect(&self, container: &str) -> Result<Option<State>, StagingError> {
        let format = "{{.State.Running}}\n{{.State.Paused}}\n{{json .Config.Labels}}";
        let shown = self.inspect_any(&["container", "inspect", "--format", format, "--", container])?;
        Ok(shown.map(|shown| {
            let mut lines = shown.lines();
            let mut is = || lines.next() == Some("true");
            let (running, paused) = (is(), is());
            let labels = json(lines.next());
            let label = |name| labels[name].as_str().unwrap_or_default().to_owned();
            State { running, paused, owner: label(words::OWNER), made_from: label(words::MADE_FROM) }
        }))
    }

    /// `inspect`, which exits with 1 both for what is not there and for an engine that does not answer.
    fn inspect_any(&self, words: &[&str]) -> Result<Option<String>, StagingError> {
        let output = self.call(words)?;
        if output.status.success() {
            return Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()));
        }
        if answer(&output).to_lowercase().contains("no such") {
            return Ok(None);
        }
        Err(self.failed(words, &output))
    }

    /// Starts a new container; `words` are those of `docker run`.
    pub fn run(&self, words: &[String]) -> Result<(), StagingError> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.must(&words)
    }

    /// Lets a container run that may be paused or stopped; says what it did.
    pub fn wake(&self, container: &str, state: &State) -> Result<&'static str, StagingError> {
        if state.paused {
            self.must(&["unpause", container])?;
            return Ok("woken");
        }
        if !state.running {
            self.must(&["start", container])?;
            return Ok("started again");
        }
        Ok("runs already")
    }

    /// Removes a container.
    pub fn remove(&self, container: &str) -> Result<(), StagingError> {
        self.must(&["rm", "--force", "--volumes", container])
    }

    /// Waits until a host takes commands.
    pub fn wait_until_ready(&self, host: &Host) -> Result<(), StagingError> {
        let container = words::container(host);
        let begun = Instant::now();
        loop {
            let output = self.call(&["exec", container, "sh", "-c", READY])?;
            if output.status.success() {
                return Ok(());
            }
            if begun.elapsed() > LONGEST_BOOT || !self.inspect(container)?.is_some_and(|state| state.running) {
                return Err(self.not_ready(host, begun.elapsed(), &output));
            }
            sleep(Duration::from_millis(100));
        }
    }

    fn not_ready(&self, host: &Host, waited: Duration, output: &Output) -> StagingError {
        let logs = self.call(&["logs", "--tail", "5", words::container(host)]);
        let logs = logs.map(|logs| answer(&logs)).unwrap_or_default();
        let answer = if logs.is_empty() { answer(output) } else { logs };
        StagingError::NotReady { host: host.name.clone(), secs: waited.as_secs(), answer }
    }

    /// Opens a shell on our own streams.
    pub fn shell(&self, host: &Host) -> Result<ExitStatus, StagingError> {
        let mut words = vec!["exec", "--interactive"];
        if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
            words.push("--tty");
        }
        if let Some(user) = &host.connection.user {
            words.extend(["--user", user.as_str()]);
        }
        words.extend([words::container(host), "sh", "-c", SHELL]);
        let status = Command::new(self.program).args(words).status();
        status.map_err(|source| StagingError::Client { program: self.program, source })
    }

    fn must(&self, words: &[&str]) -> Result<(), StagingError> {
        let output = self.call(words)?;
        if output.status.success() { Ok(()) } else { Err(self.failed(words, &output)) }
    }

    fn call(&self, words: &[&str]) -> Result<Output, StagingError> {
        let output = Command::new(self.program).args(words).stdin(Stdio::null()).output();
        output.map_err(|source| StagingError::Client { program: self.program, source })
    }

    fn failed(&self, words: &[&str], output: &Output) -> StagingError {
        StagingError::Engine { command: format!("{} {}", self.program, words.join(" ")), answer: answer(output) }
    }
}

fn json(line: Option<&str>) -> serde_json::Value {
    line.and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
}

/// What the client said, shortened to its last lines.
fn answer(output: &Output) -> String {
    let text = String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].join("; ")
}
