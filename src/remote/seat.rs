//! The place of each user on a host, and what happens when a shell fails there.

use super::answers::Greeting;
use super::channel::Opener;
use super::frame::{Hello, Request};
use super::line::Line;
use super::session::{Failure, Limits, Session};
use super::{Command, Interrupt, Output, ShellError};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How long an interrupted run waits for its processes on a host to be told.
const FAREWELL: Duration = Duration::from_secs(2);

/// An exchange that failed, and what was answered before.
struct Failed {
    error: ShellError,
    spared: Vec<Output>,
}

/// How many answers a row of changes has, once all are there: it ends at the first change that fails.
pub(super) fn settled(changes: &[&Command], answers: &[Output]) -> Option<usize> {
    let failing = changes.iter().zip(answers).position(|(command, output)| !command.succeeds_with(output.code));
    let due = failing.map_or(changes.len(), |at| at + 1);
    (due > 0 && answers.len() >= due).then_some(due)
}

/// The place of one user on a host, with one shell at a time, opened when first needed.
pub struct Seat {
    pub(super) id: u64,
    opener: Arc<dyn Opener>,
    /// The user to become, unless it is the one who logs in.
    user: Option<String>,
    session: tokio::sync::Mutex<Option<Session>>,
    /// It turned out that the login user is the wanted one.
    is_login_user: AtomicBool,
}

impl Seat {
    /// A seat of the user who logs in, or of the one that `opener` becomes.
    pub fn new(opener: Arc<dyn Opener>, user: Option<String>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            opener,
            user,
            session: tokio::sync::Mutex::default(),
            is_login_user: AtomicBool::new(false),
        }
    }

    /// True once it is known that no escalation is needed.
    pub(super) fn is_login_user(&self, line: &Line) -> bool {
        let is_root = self.user.as_deref() == Some("root") && line.login_uid() == Some(0);
        is_root || self.is_login_user.load(Ordering::Relaxed)
    }

    /// Opens the shell and waits for its first word.
    pub(super) async fn greet(&self, line: &Line) -> Result<(), ShellError> {
        let mut slot = self.session.lock().await;
        self.fill(line, &mut slot).await?;
        if slot.as_ref().is_some_and(|session| session.greeting.is_none()) {
            let request = Request::hello(Hello::default());
            self.converse(line, &mut slot, &request).await.map_err(|failed| failed.error)?;
        }
        Ok(())
    }

    /// Sends commands in one exchange; a fresh shell gets them in the same write as its hello.
    pub(super) async fn exchange(
        &self,
        line: &Line,
        commands: &[&Command],
        strict: usize,
    ) -> Result<Vec<Output>, ShellError> {
        let mut slot = self.session.lock().await;
        self.fill(line, &mut slot).await?;
        let fresh = slot.as_ref().is_some_and(|session| session.greeting.is_none());
        let request = Request::batch(commands, strict, fresh.then(Hello::default))?;
        line.count_exchange();
        let failed = match self.converse(line, &mut slot, &request).await {
            Ok(outputs) => return Ok(outputs),
            Err(failed) => failed,
        };
        match settled(&commands[..strict], &failed.spared) {
            // What changed is told; who reads next meets the failure, if it lasts.
            Some(count) if !matches!(failed.error, ShellError::Interrupted) => {
                tracing::debug!(host = line.host, error = %failed.error, "the reads behind a change failed");
                Ok(failed.spared.into_iter().take(count).collect())
            }
            _ => Err(failed.error),
        }
    }

    async fn converse(
        &self,
        line: &Line,
        slot: &mut Option<Session>,
        request: &Request,
    ) -> Result<Vec<Output>, Failed> {
        let session = slot.as_mut().expect("opened before");
        match session.exchange(request, None, &line.limits()).await {
            Ok(outputs) => {
                self.learn(line, session);
                Ok(outputs)
            }
            Err(failure) => {
                let mut session = slot.take().expect("opened before");
                let spared = std::mem::take(&mut session.spared);
                let (error, replacement) = self.recover(line, &session, failure).await;
                *slot = replacement;
                Err(Failed { error, spared })
            }
        }
    }

    fn learn(&self, line: &Line, session: &Session) {
        if self.user.is_none() {
            if let Some(Greeting { uid: Some(uid), .. }) = session.greeting {
                line.set_login_uid(uid);
            }
        } else if self.opener.is_login_user(&session.preamble) {
            self.is_login_user.store(true, Ordering::Relaxed);
        }
    }

    /// Gives the shell of a seat that needed no escalation to the login user's own.
    pub(super) async fn hand_over(&self, plain: &Seat) {
        let session = self.session.lock().await.take();
        let mut slot = plain.session.lock().await;
        if slot.as_ref().is_none_or(|other| session.as_ref().is_some_and(|own| own.connection > other.connection)) {
            *slot = session;
        }
    }

    /// Runs one command on a channel of its own, with content for its stdin.
    pub(super) async fn stream(
        &self,
        line: &Line,
        command: &Command,
        content: &mut (dyn Read + Send),
    ) -> Result<Output, ShellError> {
        let request = Request::streamed(command)?;
        let mut session = self.open(line).await?;
        line.count_exchange();
        match session.exchange(&request, Some(content), &line.limits()).await {
            Ok(mut outputs) => Ok(outputs.pop().unwrap_or_default()),
            Err(failure) => Err(self.recover(line, &session, failure).await.0),
        }
    }

    /// Opens a shell where there is none on the present connection.
    async fn fill(&self, line: &Line, slot: &mut Option<Session>) -> Result<(), ShellError> {
        if slot.as_ref().is_none_or(|session| session.connection != line.connection()) {
            *slot = None;
            *slot = Some(self.open(line).await?);
        }
        Ok(())
    }

    async fn forget(&self, line: &Line) {
        line.drop_connection();
        self.opener.forget().await;
    }

    async fn open(&self, line: &Line) -> Result<Session, ShellError> {
        line.interrupt.check()?;
        tokio::select! {
            channel = self.opener.open() => Ok(Session::new(channel?, line.connection())),
            () = line.interrupt.raised() => Err(ShellError::Interrupted),
        }
    }

    /// Ends what runs, and tells a broken shell from a lost connection by opening another one.
    async fn recover(&self, line: &Line, old: &Session, failure: Failure) -> (ShellError, Option<Session>) {
        let error = match failure {
            Failure::Refused { stdout, stderr } => return (self.opener.explain(&stdout, &stderr), None),
            Failure::Silent => {
                // Of an escalation that waits for something the login user's shell knows nothing.
                if self.user.is_none() {
                    self.forget(line).await;
                }
                return (silent(line.connect_timeout), None);
            }
            Failure::Interrupted => {
                let _ = timeout(FAREWELL, self.replace(line, old, &Interrupt::new())).await;
                return (ShellError::Interrupted, None);
            }
            Failure::Closed if !self.opener.alive().await => {
                self.forget(line).await;
                return (lost(), None);
            }
            Failure::Closed => ShellError::Broken,
            Failure::Timeout(timeout) => ShellError::Timeout { timeout },
            Failure::TooMuch => ShellError::TooMuch { limit: line.output_limit },
            Failure::Content(error) => ShellError::Content(error),
        };
        match timeout(line.connect_timeout, self.replace(line, old, &line.interrupt)).await {
            Ok(Ok(session)) => (error, Some(session)),
            failed => {
                self.forget(line).await;
                (unreachable(&error, failed.ok().and_then(Result::err)), None)
            }
        }
    }

    /// A new shell, whose first act is to end the old one and all that it started.
    async fn replace(&self, line: &Line, old: &Session, interrupt: &Interrupt) -> Result<Session, ShellError> {
        let mut session = Session::new(self.opener.open().await?, line.connection());
        let request = Request::hello(Hello { kill: old.greeting.and_then(|greeting| greeting.pid) });
        match session.exchange(&request, None, &Limits { interrupt, ..line.limits() }).await {
            Ok(_) => Ok(session),
            Err(Failure::Refused { stdout, stderr }) => Err(self.opener.explain(&stdout, &stderr)),
            Err(Failure::Interrupted) => Err(ShellError::Interrupted),
            Err(Failure::Silent) => Err(silent(line.connect_timeout)),
            Err(_) => Err(lost()),
        }
    }

    /// Closes the shell; the connection too when `connection` says so.
    pub(super) async fn close(&self, line: &Line, connection: bool) {
        *self.session.lock().await = None;
        if connection {
            self.forget(line).await;
        }
    }

    pub(super) async fn prove(&self, line: &Line) -> Result<(), ShellError> {
        tokio::select! {
            proved = self.opener.prove() => proved,
            () = line.interrupt.raised() => Err(ShellError::Interrupted),
        }
    }
}

fn lost() -> ShellError {
    ShellError::Unreachable { reason: "the connection was lost".to_owned(), hint: None }
}

fn silent(limit: Duration) -> ShellError {
    ShellError::Unreachable {
        reason: format!("its shell said nothing within {}s", limit.as_secs_f32()),
        hint: Some("a slow or waiting login script? try `connect_timeout`".to_owned()),
    }
}

/// What a command met was not its own fault: no other shell could be opened either.
fn unreachable(error: &ShellError, second: Option<ShellError>) -> ShellError {
    let (why, hint) = match second {
        Some(ShellError::Interrupted) => return ShellError::Interrupted,
        Some(ShellError::Unreachable { reason, hint }) => (reason, hint),
        Some(second) => (second.to_string(), None),
        None => ("and no new connection either".to_owned(), None),
    };
    let reason = match error {
        ShellError::Broken => format!("the connection was lost, {why}"),
        error => format!("{error}, {why}"),
    };
    ShellError::Unreachable { reason, hint }
}
