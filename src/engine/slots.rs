//! How many hosts log in or work at the same time.

use std::sync::{Arc, Condvar, Mutex};

/// A counting semaphore for host threads (`--forks`).
#[derive(Debug)]
pub struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place; given back when dropped.
#[derive(Debug)]
pub struct Place(Arc<Slots>);

impl Slots {
    /// At most `most` places, at least one.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { free: Mutex::new(most.max(1)), freed: Condvar::new() })
    }

    /// Waits for a place.
    pub fn take(self: &Arc<Self>) -> Place {
        let mut free = self.free.lock().expect("no holder panics");
        while *free == 0 {
            free = self.freed.wait(free).expect("no holder panics");
        }
        *free -= 1;
        Place(Arc::clone(self))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.free.lock().expect("no holder panics") += 1;
        self.0.freed.notify_one();
    }
}
