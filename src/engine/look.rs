//! A question of the script itself to a host: a fact, a condition.

use super::actor::Actor;
use super::host::HostRun;
use super::outcome::{Failed, Stop, failure, unreachable};
use super::perform::becoming;
use super::styled::{Style, Styled};
use crate::ops::{OpError, View};
use crate::remote::ShellError;
use crate::secret::RevealError;
use std::sync::Arc;

impl Actor {
    /// Asks a host as the user that operations act as; in a plan through what was predicted so far.
    ///
    /// # Errors
    /// [`Stop`] when the host cannot be reached; inside, what the question itself gives. [`OpError::Unknown`] there
    /// means that only an apply can tell.
    pub fn look<T>(
        &self,
        host: &Arc<HostRun>,
        at: Option<&str>,
        ask: impl FnOnce(&mut View<'_>) -> Result<T, OpError>,
    ) -> Result<Result<T, OpError>, Stop> {
        self.take_place();
        self.login(host, at)?;
        let settings = self.settings();
        let becoming = becoming(&settings, host);
        let style = Style { env: settings.env, chdir: settings.chdir, timeout: settings.timeout };
        let mut state = host.lock();
        let (seat, overlay) = state.seat(host.line(), becoming.as_ref());
        let mut shell = Styled::new(&mut *seat.shell, &style);
        let mut view = style.view(&mut shell, overlay, &mut seat.known);
        let answer = ask(&mut view);
        match answer {
            Err(OpError::Shell(ShellError::Interrupted)) => Err(Stop::Interrupted),
            Err(OpError::Shell(ShellError::Reveal(RevealError::Unknown(why)))) => Ok(Err(OpError::Unknown(why))),
            Err(OpError::Shell(lost)) => match unreachable(host.name(), at, &lost) {
                Some(failure) => Err(Stop::Unreachable(failure)),
                None => Ok(Err(OpError::Shell(lost))),
            },
            answer => Ok(answer),
        }
    }
}

/// A question without an answer, as a failure that a script can catch. `what` and `about` make `fact server.Users`.
pub fn unanswered(what: &str, about: &str, host: &HostRun, at: Option<&str>, error: &OpError) -> Stop {
    let mut failure = failure(what, about, host.name(), at.unwrap_or_default(), error);
    failure.at = at.map(str::to_owned);
    let host = host.name().to_owned();
    Stop::Failed(Box::new(Failed { op: what.to_owned(), host, failure, reversal: None }))
}
