//! One host: its connection, and the shells on it.

use super::escalate::Escalated;
use super::folder::Folder;
use super::ssh::{Kept, Master};
use super::{process, ssh};
use crate::inventory::{Connect, Connection, Escalation};
use crate::remote::{Channel, Interrupt, Line, Opener, Resident, Seat, Shell, ShellError, Task};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// What the hosts of a run share.
#[derive(Debug, Clone)]
pub struct Settings {
    runtime: Handle,
    interrupt: Interrupt,
    folder: Arc<Folder>,
    kept: Arc<Kept>,
}

impl Settings {
    /// `runtime` drives all streams and must have threads of its own; `interrupt` ends every wait.
    pub fn new(runtime: Handle, interrupt: Interrupt) -> Self {
        Self { runtime, interrupt, folder: Arc::default(), kept: Arc::new(Kept::new(0)) }
    }

    /// The same with logins that stay for `secs` seconds behind the end of the run, for the next one; 0 keeps none.
    #[must_use]
    pub fn keeping_logins(mut self, secs: u64) -> Self {
        self.kept = Arc::new(Kept::new(secs));
        self
    }
}

/// A host and how to reach it.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub name: String,
    pub connection: Connection,
    pub connect_timeout: Duration,
}

impl Target {
    /// What ssh calls the host.
    pub fn address(&self) -> &str {
        self.connection.address.as_deref().unwrap_or(&self.name)
    }
}

/// The connection to one host. Nothing is opened before it is needed; all shells of the host share the
/// connection, the cache of answers and the count of exchanges. The connection ends with the last of them, or
/// by [`Host::close`].
pub struct Host {
    line: Arc<Line>,
    login: Arc<Seat>,
    link: Arc<Link>,
    seats: Mutex<HashMap<Escalation, Arc<Seat>>>,
}

impl Host {
    /// A host as the inventory has it.
    pub fn new(name: &str, connection: &Connection, settings: &Settings) -> Self {
        let connect_timeout = Duration::from_secs(connection.connect_timeout_secs.unwrap_or(10));
        let timeout = Duration::from_secs(connection.timeout_secs.unwrap_or(300));
        let (runtime, interrupt) = (settings.runtime.clone(), settings.interrupt.clone());
        let target = Target { name: name.to_owned(), connection: connection.clone(), connect_timeout };
        let link = Arc::new(Link {
            target,
            folder: Arc::clone(&settings.folder),
            kept: Arc::clone(&settings.kept),
            master: tokio::sync::Mutex::default(),
            lost: AtomicBool::new(false),
        });
        Self {
            line: Arc::new(Line::new(name, runtime, interrupt, connect_timeout, timeout)),
            login: Arc::new(Seat::new(Arc::clone(&link) as Arc<dyn Opener>, None)),
            link,
            seats: Mutex::default(),
        }
    }

    /// A shell of the login user, or of another one. It opens at its first use.
    pub fn shell(&self, who: Option<&Escalation>) -> Box<dyn Shell> {
        Box::new(self.resident(who))
    }

    /// Logs in and starts the shell of one user, unless it runs already; gives how long that took.
    ///
    /// # Errors
    /// [`ShellError::Unreachable`], [`ShellError::Escalation`], [`ShellError::Interrupted`].
    pub fn login(&self, who: Option<&Escalation>) -> Result<Duration, ShellError> {
        let started = Instant::now();
        self.resident(who).open()?;
        Ok(started.elapsed())
    }

    /// Request and answer pairs since the login.
    pub fn exchanges(&self) -> u64 {
        self.line.exchanges()
    }

    /// Drops the answers that are kept: the host may have changed behind our back.
    pub fn forget(&self) {
        self.line.forget();
    }

    /// Closes all shells; a later use opens them again.
    pub fn rest(&self) {
        let seats: Vec<Arc<Seat>> = self.lock_seats().values().cloned().collect();
        for seat in seats {
            Resident::new(Arc::clone(&self.line), seat, Arc::clone(&self.login)).leave();
        }
        self.resident(None).leave();
    }

    /// The same, and leaves the connection.
    pub fn close(&self) {
        self.rest();
        // After an interrupt nothing stays behind.
        let keep = self.line.interrupt.check().is_ok();
        self.line.runtime.block_on(self.link.leave(keep));
    }

    fn resident(&self, who: Option<&Escalation>) -> Resident {
        let (line, login) = (Arc::clone(&self.line), Arc::clone(&self.login));
        let Some(who) = who else { return Resident::new(line, Arc::clone(&login), login) };
        let mut seats = self.lock_seats();
        let seat = seats.entry(who.clone()).or_insert_with(|| {
            let opener = Escalated::new(Arc::clone(&self.link), who.clone());
            Arc::new(Seat::new(Arc::new(opener), Some(who.user.clone())))
        });
        Resident::new(line, Arc::clone(seat), login)
    }

    fn lock_seats(&self) -> std::sync::MutexGuard<'_, HashMap<Escalation, Arc<Seat>>> {
        self.seats.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Carries the channels of a host.
pub(super) struct Link {
    pub target: Target,
    folder: Arc<Folder>,
    kept: Arc<Kept>,
    master: tokio::sync::Mutex<Option<Master>>,
    /// A connection was lost or closed on purpose: the next one is a new login.
    lost: AtomicBool,
}

impl Link {
    /// Opens a channel; its shell runs `launch` where the connector can say so.
    pub async fn channel(&self, launch: Option<&str>) -> Result<Channel, ShellError> {
        if self.target.connection.connect != Connect::Ssh {
            return process::open(&self.target, launch);
        }
        if let Some(channel) = self.kept_channel(launch).await {
            return Ok(channel);
        }
        let session = {
            let mut master = self.master.lock().await;
            if master.is_none() {
                *master = Some(Master::start(&self.target, &self.folder, &self.kept).await?);
            }
            Arc::clone(&master.as_ref().expect("started above").session)
        };
        let opened = ssh::open(&session, launch).await;
        if opened.is_err() && !self.is_alive().await {
            self.drop_master().await;
        }
        opened
    }

    /// A channel on the login of an earlier run; one on which nothing opens is given up.
    async fn kept_channel(&self, launch: Option<&str>) -> Option<Channel> {
        let mut master = self.master.lock().await;
        if master.is_none() && !self.lost.load(Ordering::Relaxed) {
            *master = Master::reuse(&self.target, &self.folder, &self.kept).await;
        }
        let reused = master.as_mut().filter(|master| master.reused)?;
        let opened = tokio::time::timeout(self.target.connect_timeout, ssh::open(&reused.session, launch)).await;
        match opened {
            Ok(Ok(channel)) => {
                reused.reused = false;
                Some(channel)
            }
            _ => {
                *master = None;
                None
            }
        }
    }

    async fn leave(&self, keep: bool) {
        match self.master.lock().await.take() {
            Some(master) if keep => master.release(),
            _ => {}
        }
    }

    async fn is_alive(&self) -> bool {
        match (self.target.connection.connect, &*self.master.lock().await) {
            (Connect::Ssh, None) => false,
            (Connect::Ssh, Some(master)) => master.is_alive().await,
            _ => true,
        }
    }

    pub fn is_ssh(&self) -> bool {
        self.target.connection.connect == Connect::Ssh
    }

    async fn drop_master(&self) {
        self.lost.store(true, Ordering::Relaxed);
        *self.master.lock().await = None;
    }
}

impl Opener for Link {
    fn open(&self) -> Task<'_, Result<Channel, ShellError>> {
        Box::pin(self.channel(None))
    }

    fn alive(&self) -> Task<'_, bool> {
        Box::pin(self.is_alive())
    }

    fn forget(&self) -> Task<'_, ()> {
        Box::pin(self.drop_master())
    }

    fn prove(&self) -> Task<'_, Result<(), ShellError>> {
        Box::pin(async {
            match self.target.connection.connect {
                Connect::Ssh => ssh::prove(&self.target, &self.folder).await,
                _ => process::prove(&self.target, &mut self.channel(None).await?).await,
            }
        })
    }

    fn explain(&self, stdout: &[u8], stderr: &[u8]) -> ShellError {
        let said = [stdout, b"\n", stderr].concat();
        let said = crate::secret::redact(&String::from_utf8_lossy(&said));
        match self.target.connection.connect {
            Connect::Ssh => ssh::no_shell(&said, &ssh::by_hand(&self.target)),
            _ => process::explain(&self.target, &said),
        }
    }

    fn is_login_user(&self, _preamble: &[u8]) -> bool {
        true
    }
}
