//! Where hosts wait for each other: `play`, `once`, `gather`, `barrier` and the steps of a linear play.
//!
//! A scope is a set of hosts that take part. A meeting of a scope is complete when every member that is still
//! alive has arrived. Members that failed have left; a member that ended its script without arriving, or that
//! arrived at another line, is a disagreement: an error that names both lines, never a hang.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// What a host brings to a meeting.
pub type Value = Arc<dyn Any + Send + Sync>;

/// Names a scope: equal on all hosts that enter it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScopeId(pub String);

/// A complete meeting, the same for all who came.
pub struct Round {
    /// Who came, in inventory order, with what they brought.
    pub came: Vec<(String, Option<Value>)>,
    follows: Mutex<HashMap<String, Value>>,
}

impl Round {
    fn of(came: Vec<(String, Option<Value>)>) -> Self {
        Self { came, follows: Mutex::default() }
    }

    /// What follows from it: worked out once, however many came, and the same for all who ask by this name.
    pub fn shared<T: Any + Send + Sync>(&self, name: String, work: impl FnOnce() -> T) -> Arc<T> {
        let mut follows = self.follows.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let value = follows.entry(name).or_insert_with(|| Arc::new(work()));
        Arc::clone(value).downcast().expect("a name stands for one kind of value")
    }
}

/// Two hosts that do not do the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{one}` is at {one_at}, but `{other}` {other_at}")]
pub struct Disagreement {
    /// A host that waits.
    pub one: String,
    /// `barrier() at playbooks/site.rhai:3:1`.
    pub one_at: String,
    /// The host that does something else.
    pub other: String,
    /// What it does, and where.
    pub other_at: String,
}

/// Why a meeting gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum NoMeeting {
    /// See [`Disagreement`].
    #[error("hosts disagree: {0}")]
    Disagree(Disagreement),
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
}

struct Arrival {
    at: String,
    value: Option<Value>,
    linear: bool,
}

enum Answer {
    Complete(Arc<Round>),
    Disagree(Disagreement),
}

#[derive(Default)]
struct Scope {
    members: Vec<String>,
    ended: HashSet<String>,
    arrived: HashMap<String, Arrival>,
    answers: HashMap<String, Answer>,
}

#[derive(Default)]
struct State {
    scopes: HashMap<ScopeId, Scope>,
    gone: HashSet<String>,
    ended: HashSet<String>,
    interrupted: bool,
}

/// All scopes of a run.
#[derive(Default)]
pub struct Meetings {
    state: Mutex<State>,
    changed: Condvar,
}

impl Meetings {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Opens a scope, unless another member did already. Hosts that left before are no members.
    pub fn open(&self, id: &ScopeId, members: &[String]) {
        let mut state = self.lock();
        if !state.scopes.contains_key(id) {
            let members: Vec<String> = members.iter().filter(|host| !state.gone.contains(*host)).cloned().collect();
            let ended = members.iter().filter(|host| state.ended.contains(*host)).cloned().collect();
            state.scopes.insert(id.clone(), Scope { members, ended, ..Scope::default() });
        }
    }

    /// Waits until all members of the scope came to the same place.
    ///
    /// # Errors
    /// [`NoMeeting`] when they did not, or the run was interrupted.
    pub fn meet(&self, id: &ScopeId, host: &str, at: &str, value: Option<Value>) -> Result<Arc<Round>, NoMeeting> {
        self.arrive(id, host, Arrival { at: at.to_owned(), value, linear: false })
    }

    /// Waits for its turn in a linear play: hosts whose conditions skip a step do not hold up the others.
    ///
    /// # Errors
    /// [`NoMeeting::Interrupted`].
    pub fn step(&self, id: &ScopeId, host: &str, at: &str) -> Result<(), NoMeeting> {
        self.arrive(id, host, Arrival { at: at.to_owned(), value: None, linear: true }).map(|_| ())
    }

    fn arrive(&self, id: &ScopeId, host: &str, arrival: Arrival) -> Result<Arc<Round>, NoMeeting> {
        let mut state = self.lock();
        let scope = state.scopes.get_mut(id).expect("a scope is open while it has members");
        scope.arrived.insert(host.to_owned(), arrival);
        self.tell(scope.settle());
        loop {
            if state.interrupted {
                return Err(NoMeeting::Interrupted);
            }
            let scope = state.scopes.get_mut(id).expect("a scope is open while it has members");
            match scope.answers.remove(host) {
                Some(Answer::Complete(round)) => return Ok(round),
                Some(Answer::Disagree(disagreement)) => return Err(NoMeeting::Disagree(disagreement)),
                None => {}
            }
            state = self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    /// A host that failed, or whose plan cannot go on, takes no further part anywhere.
    pub fn leave(&self, host: &str) {
        let mut state = self.lock();
        state.gone.insert(host.to_owned());
        let settled = state.scopes.values_mut().filter_map(|scope| scope.leave(host).then_some(())).count();
        self.tell(settled > 0);
    }

    /// A host takes no further part in one scope: what it did there failed.
    pub fn leave_in(&self, id: &ScopeId, host: &str) {
        let mut state = self.lock();
        let scope = state.scopes.get_mut(id).expect("a scope is open while it has members");
        self.tell(scope.leave(host));
    }

    /// A host came to the end of its script; whoever still waits for it disagrees.
    pub fn end(&self, host: &str) {
        let mut state = self.lock();
        state.ended.insert(host.to_owned());
        let settled = state.scopes.values_mut().filter_map(|scope| scope.end(host).then_some(())).count();
        self.tell(settled > 0);
    }

    /// A host came to the end of the block that the scope stands for.
    pub fn end_in(&self, id: &ScopeId, host: &str) {
        let mut state = self.lock();
        let scope = state.scopes.get_mut(id).expect("a scope is open while it has members");
        self.tell(scope.end(host));
    }

    /// Wakes those who wait, when there is an answer for some of them: thousands may wait.
    fn tell(&self, settled: bool) {
        if settled {
            self.changed.notify_all();
        }
    }

    /// True when the host left.
    pub fn has_left(&self, host: &str) -> bool {
        self.lock().gone.contains(host)
    }

    /// Waits for nobody, only for the time.
    ///
    /// # Errors
    /// [`NoMeeting::Interrupted`].
    pub fn pause(&self, time: Duration) -> Result<(), NoMeeting> {
        let waiting = self.changed.wait_timeout_while(self.lock(), time, |state| !state.interrupted);
        let (state, _) = waiting.unwrap_or_else(|poisoned| poisoned.into_inner());
        if state.interrupted { Err(NoMeeting::Interrupted) } else { Ok(()) }
    }

    /// Ends every wait.
    pub fn interrupt(&self) {
        self.lock().interrupted = true;
        self.changed.notify_all();
    }
}

impl Scope {
    /// As [`Scope::settle`].
    fn leave(&mut self, host: &str) -> bool {
        self.members.retain(|member| member != host);
        self.ended.remove(host);
        self.arrived.remove(host);
        self.settle()
    }

    /// As [`Scope::settle`].
    fn end(&mut self, host: &str) -> bool {
        let member = self.members.iter().any(|member| member == host);
        member && {
            self.ended.insert(host.to_owned());
            self.settle()
        }
    }

    /// Gives answers where all is known; true when somebody got one.
    fn settle(&mut self) -> bool {
        if self.arrived.is_empty() {
            return false;
        }
        let ended = if self.ended.is_empty() {
            None
        } else {
            self.members.iter().find(|member| self.ended.contains(*member)).cloned()
        };
        if let Some(ended) = ended
            && self.arrived.values().any(|arrival| !arrival.linear)
        {
            self.refuse_all(&ended, "ended its part without coming there");
            return true;
        }
        // Only members are among the arrived and the ended, and nobody is in both.
        let complete = self.arrived.len() + self.ended.len() >= self.members.len();
        if complete {
            self.conclude();
        }
        complete
    }

    fn conclude(&mut self) {
        if self.arrived.values().any(|arrival| arrival.linear) {
            return self.release_earliest();
        }
        let first = self.members.iter().find(|member| self.arrived.contains_key(*member)).expect("somebody came");
        let at = &self.arrived[first].at;
        let other = self.members.iter().find(|member| self.arrived.get(*member).is_some_and(|came| came.at != *at));
        if let Some(other) = other.cloned() {
            let other_at = format!("is at {}", self.arrived[&other].at);
            return self.refuse_all(&other, &other_at);
        }
        let mut came = Vec::with_capacity(self.members.len());
        for member in &self.members {
            if let Some(arrival) = self.arrived.remove(member) {
                came.push((member.clone(), arrival.value));
            }
        }
        let round = Arc::new(Round::of(came));
        for (member, _) in &round.came {
            self.answers.insert(member.clone(), Answer::Complete(Arc::clone(&round)));
        }
    }

    fn release_earliest(&mut self) {
        let linear = self.arrived.values().filter(|arrival| arrival.linear);
        let earliest = linear.map(|arrival| order(&arrival.at)).min().expect("one is linear");
        let released: Vec<String> = self
            .arrived
            .iter()
            .filter(|(_, arrival)| arrival.linear && order(&arrival.at) == earliest)
            .map(|(host, _)| host.clone())
            .collect();
        for host in released {
            self.arrived.remove(&host);
            self.answers.insert(host, Answer::Complete(Arc::new(Round::of(Vec::new()))));
        }
    }

    fn refuse_all(&mut self, other: &str, other_at: &str) {
        let first = self.members.iter().find(|member| *member != other && self.arrived.contains_key(*member));
        let Some(first) = first.cloned() else {
            return;
        };
        let disagreement = Disagreement {
            one_at: self.arrived[&first].at.clone(),
            one: first,
            other: other.to_owned(),
            other_at: other_at.to_owned(),
        };
        for (host, _) in self.arrived.drain() {
            self.answers.insert(host, Answer::Disagree(disagreement.clone()));
        }
    }
}

/// `file:line:column` in program order.
fn order(at: &str) -> (String, u32, u32) {
    let mut parts = at.rsplitn(3, ':');
    let column = parts.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let line = parts.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    (parts.next().unwrap_or_default().to_owned(), line, column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn three() -> (Arc<Meetings>, ScopeId, Vec<String>) {
        let members: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        let id = ScopeId("run".into());
        let meetings = Arc::new(Meetings::default());
        meetings.open(&id, &members);
        (meetings, id, members)
    }

    fn meet(meetings: &Arc<Meetings>, id: &ScopeId, host: &str, at: &str) -> thread::JoinHandle<Result<usize, String>> {
        let (meetings, id, host, at) = (Arc::clone(meetings), id.clone(), host.to_owned(), at.to_owned());
        thread::spawn(move || {
            let round = meetings.meet(&id, &host, &at, None);
            round.map(|round| round.came.len()).map_err(|error| error.to_string())
        })
    }

    #[test]
    fn all_members_meet_and_a_failed_one_is_not_waited_for() {
        let (meetings, id, members) = three();
        let waiting: Vec<_> = members[..2].iter().map(|host| meet(&meetings, &id, host, "p:1:1")).collect();
        meetings.leave("c");
        for handle in waiting {
            assert_eq!(handle.join().expect("no panic"), Ok(2));
        }
    }

    #[test]
    fn hosts_at_different_lines_get_an_error_naming_both() {
        let (meetings, id, _) = three();
        meetings.leave("c");
        let one = meet(&meetings, &id, "a", "barrier at p:1:1");
        let other = meet(&meetings, &id, "b", "barrier at p:2:1");
        let error = one.join().expect("no panic").expect_err("they disagree");
        assert!(error.contains("p:1:1") && error.contains("p:2:1"), "{error}");
        assert!(other.join().expect("no panic").is_err());
    }

    #[test]
    fn a_host_that_ended_early_is_an_error_for_those_who_wait() {
        let (meetings, id, _) = three();
        meetings.leave("c");
        let one = meet(&meetings, &id, "a", "barrier at p:1:1");
        meetings.end("b");
        let error = one.join().expect("no panic").expect_err("b never came");
        assert!(error.contains("`b` ended its part"), "{error}");
    }

    #[test]
    fn linear_steps_run_in_program_order_whoever_skips_one() {
        let (meetings, id, _) = three();
        meetings.leave("c");
        let log = Arc::new(Mutex::new(Vec::new()));
        let steps = |host: &'static str, lines: Vec<u32>| {
            let (meetings, id, log) = (Arc::clone(&meetings), id.clone(), Arc::clone(&log));
            thread::spawn(move || {
                for line in lines {
                    meetings.step(&id, host, &format!("p:{line}:1")).expect("not interrupted");
                    log.lock().expect("no panic").push(line);
                }
                meetings.leave(host);
            })
        };
        let (a, b) = (steps("a", vec![1, 2, 3]), steps("b", vec![1, 3]));
        a.join().expect("no panic");
        b.join().expect("no panic");
        assert_eq!(*log.lock().expect("no panic"), [1, 1, 2, 3, 3]);
    }
}
