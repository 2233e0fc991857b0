//! The keys of the terminal while there are live lines. It would draw `^C` behind the last one, and the line at the
//! edge would go on below: then the lines are one more than are taken away.

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use std::sync::{Mutex, MutexGuard, PoisonError};

static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

fn before() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Draws no control keys, until [`restore`].
///
/// Spec: termios(3): `ECHOCTL`; a process in the background that sets modes is stopped by `SIGTTOU`.
pub(super) fn hush() {
    let terminal = std::io::stdin();
    if tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp())
        && let Ok(modes) = tcgetattr(&terminal)
    {
        let mut quiet = modes.clone();
        quiet.local_modes.remove(LocalModes::ECHOCTL);
        if tcsetattr(&terminal, OptionalActions::Now, &quiet).is_ok() {
            *before() = Some(modes);
        }
    }
}

/// Gives the terminal back as it was.
pub fn restore() {
    if let Some(modes) = before().take() {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &modes);
    }
}
