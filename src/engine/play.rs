//! Collectives: `play` with its batches, `once`, `gather`, `barrier`.

use super::actor::Actor;
use super::meeting::{NoMeeting, Round, Value};
use super::settings::Settings;
use crate::event::Event;
use indexmap::IndexMap;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A play as the script asks for it.
#[derive(Debug, Clone, Default)]
pub struct Play {
    /// Its name; the selector when unnamed.
    pub name: String,
    /// Hosts that match its selector, in inventory order.
    pub hosts: Arc<[String]>,
    /// Sizes of its batches; the last one repeats. All hosts at once when empty.
    pub batches: Vec<Share>,
    /// How many hosts of a batch may fail; more stop the run.
    pub max_fail: Option<Share>,
    /// Last host first.
    pub reverse: bool,
    /// Hosts wait for each other before every operation.
    pub linear: bool,
    /// The hosts of a batch that failed are put back to before it.
    pub undo: bool,
    /// Settings of its operations.
    pub settings: Settings,
}

/// A number of hosts, or a part of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Share {
    /// `3`
    Hosts(usize),
    /// `"25%"`
    Percent(f64),
}

/// Why a collective gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// The hosts did not meet.
    #[error(transparent)]
    NoMeeting(#[from] NoMeeting),
    /// Too many hosts of a batch failed.
    #[error("play `{play}` stopped: {failed} of {size} hosts of the batch failed{limit}")]
    TooManyFailed {
        /// Name of the play.
        play: String,
        /// Failed and unreachable hosts of the batch.
        failed: usize,
        /// Hosts of the batch.
        size: usize,
        /// `, max_fail is 20%`
        limit: String,
    },
    /// `once` failed on the host that ran it.
    #[error("`once` failed on `{host}`: {reason}")]
    Once {
        /// The host that ran it.
        host: String,
        /// What it said.
        reason: String,
    },
}

/// An error of the script that runs on a host.
pub trait ScriptError: From<Halt> {
    /// What went wrong, for the other hosts.
    fn reason(&self) -> String;

    /// True when the host takes no further part, whatever the script tries: it was lost, or the run was stopped.
    fn ends_host(&self) -> bool;
}

impl Share {
    /// Reads `"25%"` or `"3"`.
    ///
    /// # Errors
    /// A text that says what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is neither a number of hosts nor a percentage such as \"25%\"");
        match text.trim().strip_suffix('%') {
            Some(percent) => match percent.trim().parse::<f64>() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Percent(percent)),
                _ => Err(wrong()),
            },
            None => text.trim().parse().map(Self::Hosts).map_err(|_| wrong()),
        }
    }

    /// As a size of a batch: at least one.
    fn size(self, of: usize) -> usize {
        match self {
            Self::Hosts(hosts) => hosts.max(1),
            Self::Percent(percent) => ((of as f64 * percent / 100.0) as usize).max(1),
        }
    }

    /// As a limit: true when `failed` of `size` is more than this.
    fn exceeded_by(self, failed: usize, size: usize) -> bool {
        match self {
            Self::Hosts(hosts) => failed > hosts,
            Self::Percent(percent) => failed as f64 * 100.0 > percent * size as f64,
        }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hosts(hosts) => write!(f, "{hosts}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Play {
    fn split(&self, hosts: &[String]) -> Vec<Vec<String>> {
        let mut rest = hosts;
        let mut batches = Vec::new();
        let mut sizes = self.batches.iter();
        let mut size = sizes.next();
        while !rest.is_empty() {
            let take = size.map_or(rest.len(), |size| size.size(hosts.len())).min(rest.len());
            let (batch, later) = rest.split_at(take);
            batches.push(batch.to_vec());
            rest = later;
            size = sizes.next().or(size);
        }
        batches
    }

    /// Its batches among those who came; worked out once for all hosts that ask for the same.
    fn batches(&self, came: &Round) -> Arc<Batches> {
        let name = format!("batches {:p} {} {:?}", Arc::as_ptr(&self.hosts), self.reverse, self.batches);
        came.shared(name, || {
            let present: HashSet<&str> = came.came.iter().map(|(name, _)| name.as_str()).collect();
            let mut hosts: Vec<String> =
                self.hosts.iter().filter(|host| present.contains(host.as_str())).cloned().collect();
            if self.reverse {
                hosts.reverse();
            }
            Batches::of(self.split(&hosts))
        })
    }

    /// Whether a batch failed, and whether that stops the run.
    fn verdict(&self, failed: usize, size: usize, last: bool) -> (bool, Result<(), Halt>) {
        let judged = self.judge(failed, size, last);
        (judged.is_err() || (self.max_fail.is_none() && failed == size), judged)
    }

    fn judge(&self, failed: usize, size: usize, last: bool) -> Result<(), Halt> {
        let (stop, limit) = match self.max_fail {
            Some(limit) => (limit.exceeded_by(failed, size), format!(", max_fail is {limit}")),
            // A canary that failed must not be followed by the others.
            None => (!last && failed == size, String::new()),
        };
        if failed > 0 && stop {
            return Err(Halt::TooManyFailed { play: self.name.clone(), failed, size, limit });
        }
        Ok(())
    }
}

/// What a host gives to the meeting at the end of a batch in which it failed.
struct Failing;

/// The hosts of a play, batch after batch.
struct Batches {
    all: Vec<Vec<String>>,
    /// The number of the batch of each host.
    of: HashMap<String, usize>,
}

impl Batches {
    fn of(all: Vec<Vec<String>>) -> Self {
        let numbered = all.iter().enumerate();
        let of = numbered.flat_map(|(number, batch)| batch.iter().map(move |host| (host.clone(), number))).collect();
        Self { all, of }
    }

    /// How many hosts of a batch failed or did not come to its end; counted once for all.
    fn failed(self: &Arc<Self>, number: usize, round: &Round) -> usize {
        *round.shared(format!("failed {:p} {number}", Arc::as_ptr(self)), || {
            let well = round.came.iter().filter(|(_, failed)| failed.is_none());
            let well: HashSet<&str> = well.map(|(name, _)| name.as_str()).collect();
            self.all[number].iter().filter(|host| !well.contains(host.as_str())).count()
        })
    }
}

impl Actor {
    /// Runs a play: batch after batch, and all hosts of the scope wait for the end of each. `settle` is called on the
    /// hosts of a batch once it is known whether it failed: true when it is to be undone.
    ///
    /// # Errors
    /// What `body` gives; [`Halt`] when hosts disagree or too many failed.
    pub fn play<E: ScriptError>(
        &self,
        play: &Play,
        at: &str,
        mut body: impl FnMut() -> Result<(), E>,
        mut settle: impl FnMut(bool) -> Result<(), E>,
    ) -> Result<(), E> {
        let came = self.meet(&format!("play at {at}"), None).map_err(Halt::from)?;
        let batches = play.batches(&came);
        for (number, batch) in batches.all.iter().enumerate() {
            let mine = batches.of.get(self.own().name()) == Some(&number);
            let done = if mine { self.enter(play, at, number, batch, &mut body) } else { Ok(()) };
            // One that failed waits for the verdict on its batch only when that may put it back.
            if done.as_ref().is_err_and(|error| !play.undo || error.ends_host()) {
                return done;
            }
            let failed = done.is_err().then(|| Arc::new(Failing) as Value);
            let round = self.meet(&format!("end of play at {at}"), failed).map_err(Halt::from)?;
            let verdict = match self.run.options.mode.applies() {
                true => play.verdict(batches.failed(number, &round), batch.len(), number + 1 == batches.all.len()),
                false => (false, Ok(())),
            };
            if mine {
                settle(verdict.0 && play.undo)?;
            }
            done?;
            verdict.1?;
        }
        Ok(())
    }

    fn enter<E>(
        &self,
        play: &Play,
        at: &str,
        number: usize,
        batch: &[String],
        body: &mut impl FnMut() -> Result<(), E>,
    ) -> Result<(), E> {
        self.run.emit(Event::PlayStarted { host: self.own().name().to_owned(), play: play.name.clone() });
        let scope = self.scope_below(at, number);
        self.in_scope(&scope, batch, play, || self.with_settings(play.settings.clone(), body))
    }

    /// Waits for all hosts of the scope.
    ///
    /// # Errors
    /// [`Halt::NoMeeting`].
    pub fn barrier(&self, at: &str) -> Result<(), Halt> {
        self.meet(&format!("barrier at {at}"), None)?;
        Ok(())
    }

    /// Gives every host the values of all.
    ///
    /// # Errors
    /// [`Halt::NoMeeting`].
    pub fn gather<V: Clone + Send + Sync + 'static>(&self, at: &str, value: V) -> Result<IndexMap<String, V>, Halt> {
        let round = self.meet(&format!("gather at {at}"), Some(Arc::new(value)))?;
        let came = round.came.iter();
        Ok(came.filter_map(|(host, value)| Some((host.clone(), cast::<V>(value.as_ref()?)?))).collect())
    }

    /// Runs `block` on the first host that can be reached, and gives its value to all.
    ///
    /// # Errors
    /// What `block` gives on the host that ran it; [`Halt::Once`] on the others.
    pub fn once<V, E>(&self, at: &str, block: impl FnOnce() -> Result<V, E>) -> Result<V, E>
    where
        V: Clone + Send + Sync + 'static,
        E: ScriptError,
    {
        let mut block = Some(block);
        let mut round = self.meet(&format!("once at {at}"), None).map_err(Halt::from)?;
        loop {
            let runner = round.came.first().map(|(host, _)| host.clone()).unwrap_or_default();
            let mine = (runner == self.own().name()).then(|| block.take()).flatten();
            let done = mine.map(|block| self.in_once(block));
            if done.as_ref().is_some_and(|done| done.as_ref().is_err_and(ScriptError::ends_host)) {
                return done.expect("checked above");
            }
            let shared = done.as_ref().map(|done| done.as_ref().cloned().map_err(ScriptError::reason));
            let shared = shared.map(|shared| Arc::new(shared) as Value);
            round = self.meet(&format!("result of once at {at}"), shared).map_err(Halt::from)?;
            if let Some(done) = done {
                return done;
            }
            if let Some(result) = round.came.iter().find_map(|(_, value)| cast::<Result<V, String>>(value.as_ref()?)) {
                return Ok(result.map_err(|reason| Halt::Once { host: runner, reason })?);
            }
        }
    }
}

fn cast<T: Clone + Send + Sync + 'static>(value: &Value) -> Option<T> {
    value.downcast_ref::<T>().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(batches: &[&str], max_fail: Option<&str>) -> Play {
        let share = |text: &&str| Share::parse(text).expect("a share");
        Play { batches: batches.iter().map(share).collect(), max_fail: max_fail.as_ref().map(share), ..Play::default() }
    }

    fn sizes(batches: &[&str], hosts: usize) -> Vec<usize> {
        let hosts: Vec<String> = (0..hosts).map(|number| format!("h{number}")).collect();
        play(batches, None).split(&hosts).iter().map(Vec::len).collect()
    }

    #[test]
    fn batches_take_counts_and_percentages_and_the_last_one_repeats() {
        assert_eq!(sizes(&["1", "50%", "100%"], 6), [1, 3, 2]);
        assert_eq!(sizes(&["2"], 5), [2, 2, 1]);
        assert_eq!(sizes(&["10%"], 3), [1, 1, 1]);
        assert_eq!(sizes(&[], 3), [3]);
    }

    #[test]
    fn the_limit_must_be_exceeded() {
        assert!(play(&[], Some("20%")).judge(2, 10, true).is_ok());
        assert!(play(&[], Some("20%")).judge(3, 10, true).is_err());
        assert!(play(&[], Some("0")).judge(1, 10, true).is_err());
        assert!(play(&[], Some("0")).judge(0, 10, true).is_ok());
    }

    #[test]
    fn a_batch_that_failed_as_a_whole_is_not_followed_by_another() {
        assert!(play(&["1"], None).judge(1, 1, false).is_err());
        assert!(play(&["2"], None).judge(1, 2, false).is_ok());
        assert!(play(&["1"], None).judge(1, 1, true).is_ok());
    }
}
