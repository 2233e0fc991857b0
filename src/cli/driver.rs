//! What drives the streams of connections.

use super::failure::{CommandError, Exit};
use crate::event::{Failure, remedy};
use std::io;
use std::thread;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A runtime at work on a thread of its own, until it is dropped. Hosts block in their own threads, where their futures
/// run; this one waits for their streams.
pub struct Driver {
    handle: Handle,
    // Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Driver {
    /// Starts it. The workers that tokio starts itself would panic where the system gives no thread.
    ///
    /// # Errors
    /// The system gives no thread, or no file to wait for others with.
    pub fn start() -> Result<Self, CommandError> {
        Self::try_start().map_err(|error| {
            let hint = remedy(&error).map(str::to_owned);
            let failure = Failure { causes: vec![error.to_string()], hint, ..Failure::new("cannot start a thread") };
            CommandError::new(Exit::Invalid, failure)
        })
    }

    fn try_start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (_stop, stopped) = oneshot::channel();
        let drive = move || {
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        };
        thread::Builder::new().name("streams".to_owned()).spawn(drive)?;
        Ok(Self { handle, _stop })
    }

    /// For those who wait.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}
