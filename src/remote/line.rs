//! What the shells of one host share.

use super::Interrupt;
use super::cache::Cache;
use super::session::Limits;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;

/// Bytes that one command may write on each stream, unless the line says otherwise.
pub const OUTPUT_LIMIT: usize = 256 * 1024 * 1024;

/// What the shells of one host share: limits, the cache of its answers, the count of its exchanges.
#[derive(Debug)]
pub struct Line {
    /// Name of the host, for traces.
    pub host: String,
    /// Drives the streams; the shells themselves block.
    pub runtime: Handle,
    /// Ends every wait.
    pub interrupt: Interrupt,
    /// For a login, and for the first word of a shell.
    pub connect_timeout: Duration,
    /// For a command that has no limit of its own.
    pub timeout: Duration,
    /// Bytes that one command may write on each stream.
    pub output_limit: usize,
    exchanges: AtomicU64,
    /// Counts the connections that were dropped: shells on them are of no use.
    connection: AtomicU64,
    cache: Mutex<Cache>,
    login_uid: OnceLock<u32>,
}

impl Line {
    /// Limits as the inventory gives them; nothing is opened.
    pub fn new(
        host: impl Into<String>,
        runtime: Handle,
        interrupt: Interrupt,
        connect_timeout: Duration,
        timeout: Duration,
    ) -> Self {
        Self {
            host: host.into(),
            runtime,
            interrupt,
            connect_timeout,
            timeout,
            output_limit: OUTPUT_LIMIT,
            exchanges: AtomicU64::new(0),
            connection: AtomicU64::new(0),
            cache: Mutex::default(),
            login_uid: OnceLock::new(),
        }
    }

    /// Request and answer pairs of all its shells since the login.
    pub fn exchanges(&self) -> u64 {
        self.exchanges.load(Ordering::Relaxed)
    }

    /// Drops the answers that are kept.
    pub fn forget(&self) {
        self.cache().drop_all();
    }

    pub(super) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The number of the present connection.
    pub(super) fn connection(&self) -> u64 {
        self.connection.load(Ordering::Relaxed)
    }

    /// Notes that the present connection is of no use any more.
    pub(super) fn drop_connection(&self) {
        self.connection.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that another exchange begins.
    pub(super) fn count_exchange(&self) {
        self.exchanges.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes the number of the user who logs in.
    pub(super) fn set_login_uid(&self, uid: u32) {
        self.login_uid.get_or_init(|| uid);
    }

    /// The number of the user who logs in, once known.
    pub(super) fn login_uid(&self) -> Option<u32> {
        self.login_uid.get().copied()
    }

    pub(super) fn limits(&self) -> Limits<'_> {
        Limits {
            hello: self.connect_timeout,
            command: self.timeout,
            output: self.output_limit,
            interrupt: &self.interrupt,
        }
    }
}
