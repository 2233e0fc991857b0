//! Brings each event to every sink, in one order for all.

use super::{Event, HostStatus, Sink, SinkError, Tally, Totals};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where the threads of a run send their events.
///
/// A sink that fails is reported once to the others, as a warning, and dropped; the run goes on.
pub struct Bus {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    sinks: VecDeque<Box<dyn Sink>>,
    tally: Tally,
    dropped: Vec<Dropped>,
}

/// A sink that failed.
#[derive(Debug)]
pub struct Dropped {
    /// [`Sink::name`].
    pub sink: String,
    /// Why.
    pub error: SinkError,
    is_needed: bool,
}

impl Dropped {
    fn new(sink: &dyn Sink, error: SinkError) -> Self {
        Self { sink: sink.name().to_owned(), error, is_needed: sink.is_needed() }
    }

    /// Whether the run is no success for that. A reader that closed its pipe has seen enough.
    pub fn is_loss(&self) -> bool {
        let kind = match (self.error.downcast_ref::<std::io::Error>(), self.error.downcast_ref::<serde_json::Error>()) {
            (Some(error), _) => Some(error.kind()),
            (_, Some(error)) => error.io_error_kind(),
            _ => None,
        };
        self.is_needed && kind != Some(std::io::ErrorKind::BrokenPipe)
    }

    fn warning(&self) -> Event {
        let mut text = format!("the {} gets no more events: {}", self.sink, self.error);
        let mut cause = self.error.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Event::Warning { host: None, text }
    }
}

impl Bus {
    /// A bus to these sinks. The one that people watch goes last: it then tells them of others that fail to finish.
    pub fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        Self { inner: Mutex::new(Inner { sinks: sinks.into(), ..Inner::default() }) }
    }

    /// Sends an event to every sink. Events of several threads reach all sinks in the same order.
    pub fn emit(&self, event: Event) {
        self.lock().deliver(event);
    }

    /// The sums of the events so far.
    pub fn totals(&self) -> Totals {
        self.lock().tally.totals()
    }

    /// How a host ends that neither failed nor was lost nor skipped: `Changed` or `Ok`.
    pub fn verdict(&self, host: &str) -> HostStatus {
        self.lock().tally.verdict(host)
    }

    /// A copy of the counts so far.
    pub fn tally(&self) -> Tally {
        self.lock().tally.clone()
    }

    /// Lets every sink write out what it holds, and gives back all sinks that failed since the start.
    ///
    /// Call it once, after [`Event::RunFinished`]; later events reach nobody.
    pub fn finish(&self) -> Vec<Dropped> {
        let mut inner = self.lock();
        while let Some(mut sink) = inner.sinks.pop_front() {
            if let Err(error) = sink.finish() {
                inner.note(Dropped::new(&*sink, error));
            }
        }
        std::mem::take(&mut inner.dropped)
    }

    // A thread that panicked in a sink leaves the list as it was; the other hosts go on.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn deliver(&mut self, event: Event) {
        self.tally.add(&event);
        let mut failed = Vec::new();
        self.sinks.retain_mut(|sink| match sink.emit(&event) {
            Ok(()) => true,
            Err(error) => {
                failed.push(Dropped::new(&**sink, error));
                false
            }
        });
        failed.into_iter().for_each(|dropped| self.note(dropped));
    }

    fn note(&mut self, dropped: Dropped) {
        let warning = dropped.warning();
        self.dropped.push(dropped);
        self.deliver(warning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<Event>>>);

    impl Sink for Memory {
        fn name(&self) -> &str {
            "memory"
        }

        fn emit(&mut self, event: &Event) -> Result<(), SinkError> {
            self.0.lock().expect("no panic").push(event.clone());
            Ok(())
        }
    }

    #[derive(Clone)]
    struct Failing {
        after: usize,
        asked: Arc<Mutex<usize>>,
        at_finish: bool,
    }

    impl Failing {
        fn after(after: usize) -> Self {
            Self { after, asked: Arc::default(), at_finish: false }
        }
    }

    impl Sink for Failing {
        fn name(&self) -> &str {
            "events file"
        }

        fn emit(&mut self, _: &Event) -> Result<(), SinkError> {
            let mut asked = self.asked.lock().expect("no panic");
            *asked += 1;
            if *asked > self.after { Err("disk full".into()) } else { Ok(()) }
        }

        fn finish(&mut self) -> Result<(), SinkError> {
            if self.at_finish { Err("cannot flush".into()) } else { Ok(()) }
        }
    }

    fn log(text: &str) -> Event {
        Event::Log { host: "web-1".into(), text: text.into() }
    }

    #[test]
    fn a_sink_that_fails_is_reported_once_and_dropped() {
        let (memory, failing) = (Memory::default(), Failing::after(1));
        let bus = Bus::new(vec![Box::new(failing.clone()), Box::new(memory.clone())]);
        for text in ["a", "b", "c", "d"] {
            bus.emit(log(text));
        }
        let dropped = bus.finish();
        assert_eq!(dropped.len(), 1);
        assert!(dropped[0].is_loss());
        assert_eq!(*failing.asked.lock().expect("no panic"), 2, "it is not asked again");
        let warning = Event::Warning { host: None, text: "the events file gets no more events: disk full".into() };
        let seen = memory.0.lock().expect("no panic");
        assert_eq!(*seen, [log("a"), log("b"), warning, log("c"), log("d")]);
    }

    #[test]
    fn a_reader_that_closed_its_pipe_is_no_loss_and_a_full_disk_is_one() {
        use std::io::{Error, ErrorKind::BrokenPipe, ErrorKind::StorageFull};
        let dropped = |error: SinkError| Dropped::new(&Failing::after(0), error);
        assert!(!dropped(Error::from(BrokenPipe).into()).is_loss());
        assert!(!dropped(serde_json::Error::io(Error::from(BrokenPipe)).into()).is_loss());
        assert!(dropped(Error::from(StorageFull).into()).is_loss());
    }

    #[test]
    fn a_sink_that_cannot_finish_is_reported_to_those_behind_it() {
        let memory = Memory::default();
        let failing = Failing { at_finish: true, ..Failing::after(9) };
        let bus = Bus::new(vec![Box::new(failing), Box::new(memory.clone())]);
        assert_eq!(bus.finish().len(), 1);
        let seen = memory.0.lock().expect("no panic");
        assert!(matches!(&seen[..], [Event::Warning { text, .. }] if text.ends_with("cannot flush")));
    }

    #[test]
    fn two_sinks_that_fail_together_are_both_dropped() {
        let bus = Bus::new(vec![Box::new(Failing::after(0)), Box::new(Failing::after(0))]);
        bus.emit(log("a"));
        bus.emit(log("b"));
        assert_eq!(bus.finish().len(), 2);
    }

    #[test]
    fn every_sink_sees_the_events_of_many_threads_in_the_same_order() {
        let (one, two) = (Memory::default(), Memory::default());
        let bus = Bus::new(vec![Box::new(one.clone()), Box::new(two.clone())]);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let bus = &bus;
                scope.spawn(move || (0..50).for_each(|n| bus.emit(log(&format!("{thread}-{n}")))));
            }
        });
        let (one, two) = (one.0.lock().expect("no panic"), two.0.lock().expect("no panic"));
        assert_eq!(one.len(), 400);
        assert_eq!(*one, *two);
    }
}
