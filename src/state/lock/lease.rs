//! A lock that is held.

use super::super::backend::Backend;
use super::super::{StateError, Store};
use super::fence::Fenced;
use super::{Holder, LockRequest, Ticket, look};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A lock that is held, until it is dropped. A thread of its own gives the signs of life.
pub struct Lease {
    backend: Arc<dyn Backend>,
    ticket: Ticket,
    from: Option<Box<Holder>>,
    loss: Arc<Mutex<Loss>>,
    // Dropping it ends the thread.
    stop: Option<SyncSender<()>>,
    beats: Option<JoinHandle<()>>,
}

/// What came of the lock meanwhile.
#[derive(Default)]
enum Loss {
    #[default]
    Held,
    /// Whom to tell.
    Watched(Box<dyn FnOnce() + Send>),
    Lost,
}

impl Lease {
    pub(super) fn start(
        backend: Arc<dyn Backend>,
        request: &LockRequest,
        token: u64,
        from: Option<Box<Holder>>,
    ) -> Result<Self, StateError> {
        let ticket = Ticket { project: request.project.clone(), inventory: request.inventory.clone(), token };
        let loss = Arc::default();
        let (stop, stopped) = sync_channel(0);
        // From here on, whatever fails, the lock is given back by `drop`.
        let mut lease = Self { backend, ticket, from, loss, stop: Some(stop), beats: None };
        let heart =
            Heart { backend: lease.backend.clone(), ticket: lease.ticket.clone(), loss: Arc::clone(&lease.loss) };
        let every = (request.lease / 6).max(Duration::from_millis(10));
        let beats = std::thread::Builder::new().name("lock".to_owned()).spawn(move || heart.beat(every, &stopped));
        lease.beats = Some(beats.map_err(StateError::Thread)?);
        Ok(lease)
    }

    /// The store for this run: its writes fail with [`StateError::Fenced`] once the lock belongs to another one.
    pub fn store(&self) -> Store {
        Store { backend: Arc::new(Fenced { backend: self.backend.clone(), ticket: self.ticket.clone() }) }
    }

    /// The fencing token; the revision of the state as long as the lock is held.
    pub fn token(&self) -> u64 {
        self.ticket.token
    }

    /// The one that held the lock before and did not give it back: killed, frozen, or cut off. What it left
    /// unfinished is in [`Store::unfinished`].
    pub fn taken_from(&self) -> Option<&Holder> {
        self.from.as_deref()
    }

    /// True once a sign of life found that the lock belongs to another one. A run should then stop; its writes fail
    /// in any case.
    pub fn is_lost(&self) -> bool {
        matches!(*held(&self.loss), Loss::Lost)
    }

    /// Calls `stop`, once, when a sign of life finds that the lock belongs to another one; at once when one did.
    pub fn when_lost(&self, stop: impl FnOnce() + Send + 'static) {
        let mut loss = held(&self.loss);
        match &*loss {
            Loss::Lost => {
                drop(loss);
                stop();
            }
            _ => *loss = Loss::Watched(Box::new(stop)),
        }
    }

    /// Why nothing more can be written, once the lock is lost; looks, as the last sign of life may be seconds old.
    pub fn loss(&self) -> Option<StateError> {
        let token = || look(&*self.backend, &self.ticket.project, &self.ticket.inventory).map(|(token, _)| token);
        let lost = self.is_lost() || token().is_ok_and(|token| token != self.ticket.token);
        lost.then(|| StateError::Fenced(self.ticket.successor(&self.backend)))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(beats) = self.beats.take() {
            let _ = beats.join();
        }
        let sql = "UPDATE locks SET holder = NULL WHERE project = $1 AND inventory = $2 AND token = $3";
        // One that cannot be given back is taken over when this process is gone.
        let _ = self.backend.write(vec![self.ticket.statement(sql)]);
    }
}

struct Heart {
    backend: Arc<dyn Backend>,
    ticket: Ticket,
    loss: Arc<Mutex<Loss>>,
}

fn held(loss: &Mutex<Loss>) -> MutexGuard<'_, Loss> {
    loss.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Heart {
    fn beat(&self, every: Duration, stopped: &Receiver<()>) {
        while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            // A store that does not answer now may do so at the next beat; there are six in a lease.
            if let Ok(0) = self.once() {
                let before = std::mem::replace(&mut *held(&self.loss), Loss::Lost);
                if let Loss::Watched(stop) = before {
                    stop();
                }
                return;
            }
        }
    }

    fn once(&self) -> Result<u64, StateError> {
        let sql = "UPDATE locks SET heartbeat = $4 WHERE project = $1 AND inventory = $2 AND token = $3";
        let mut statement = self.ticket.statement(sql);
        statement.values.push(self.backend.now_ms()?.into());
        self.backend.write(vec![statement])
    }
}
