//! What a connector gives: three byte streams with `sh` at their other end, and a way to open more of them.

use super::ShellError;
use std::any::Any;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite};

/// The streams of one shell on a host.
pub struct Channel {
    /// Where the shell reads its script.
    pub stdin: Box<dyn AsyncWrite + Send + Unpin>,
    /// What it and its commands write.
    pub stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// The same for errors.
    pub stderr: Box<dyn AsyncRead + Send + Unpin>,
    /// What the connector already took from stdout before it gave the channel away.
    pub preamble: Vec<u8>,
    /// Held while the channel is in use; dropping it closes the channel.
    pub guard: Box<dyn Any + Send>,
}

/// A future of an [`Opener`].
pub type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens channels to one host as one user; logs in first where that is needed.
pub trait Opener: Send + Sync {
    /// Opens a channel on which `sh` reads its script from stdin. What is written to it before it answered
    /// must not be lost.
    fn open(&self) -> Task<'_, Result<Channel, ShellError>>;

    /// True unless the connection that carries the channels is known to be lost.
    fn alive(&self) -> Task<'_, bool>;

    /// Drops the connection: the next channel needs a fresh login.
    fn forget(&self) -> Task<'_, ()>;

    /// Logs in on a connection of its own and closes it again.
    fn prove(&self) -> Task<'_, Result<(), ShellError>>;

    /// Why a channel ended before its shell answered, from what was written on it until then.
    fn explain(&self, stdout: &[u8], stderr: &[u8]) -> ShellError;

    /// True when the preamble tells that the channel's user is the login user: no escalation was needed.
    fn is_login_user(&self, preamble: &[u8]) -> bool;
}
