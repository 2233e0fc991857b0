//! The flag that ends every wait of a run.

use super::ShellError;
use tokio::sync::watch;

/// Ends the waits of every shell that was given a clone of it.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Sender<bool>);

impl Default for Interrupt {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Interrupt {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every wait at once, and every later one.
    pub fn raise(&self) {
        self.0.send_replace(true);
    }

    /// True once raised.
    pub fn is_raised(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when the flag is raised.
    pub async fn raised(&self) {
        // The sender lives as long as `self`: waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|raised| *raised).await;
    }

    /// # Errors
    /// [`ShellError::Interrupted`] once raised.
    pub fn check(&self) -> Result<(), ShellError> {
        if self.is_raised() { Err(ShellError::Interrupted) } else { Ok(()) }
    }
}
