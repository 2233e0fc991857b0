//! A host thread: which host it acts on, in which scope, with which settings.

use super::host::{HostRun, HostState};
use super::meeting::{NoMeeting, Round, ScopeId, Value};
use super::outcome::{Failed, Stop, unreachable};
use super::perform::becoming;
use super::play::Play;
use super::run::Run;
use super::settings::Settings;
use super::slots::Place;
use crate::event::{Event, Failure};
use crate::inventory::Escalation;
use crate::ops::Touch;
use crate::remote::ShellError;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The thread of one host. Everything an operation or a collective needs to know of where it stands.
pub struct Actor {
    /// The run it belongs to.
    pub run: Arc<Run>,
    own: Arc<HostRun>,
    standing: Mutex<Standing>,
}

struct Standing {
    on: Vec<Arc<HostRun>>,
    /// Other hosts that it acted on so far.
    reached: Vec<Arc<HostRun>>,
    scopes: Vec<Scope>,
    settings: Vec<Settings>,
    plays: Vec<String>,
    place: Option<Place>,
    /// Blocks that no plan evaluates: what an operation of one's own does, what a failure sets off.
    unplanned: usize,
    /// Blocks whose operations declare nothing: what is only done once something happened, and what undoes.
    unmanaged: usize,
    /// Inside `once`: another host may do it the next time.
    once: usize,
}

#[derive(Clone)]
struct Scope {
    id: ScopeId,
    linear: bool,
    /// Equal on all members that stand at the same place.
    meetings: u64,
}

impl Actor {
    /// The thread of a selected host.
    pub fn new(run: Arc<Run>, own: Arc<HostRun>) -> Self {
        let standing = Standing {
            on: Vec::new(),
            reached: Vec::new(),
            scopes: vec![Scope { id: Run::root(), linear: false, meetings: 0 }],
            settings: vec![Settings::default()],
            plays: Vec::new(),
            place: None,
            unplanned: 0,
            unmanaged: 0,
            once: 0,
        };
        Self { run, own, standing: Mutex::new(standing) }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The host whose thread this is.
    pub fn own(&self) -> &Arc<HostRun> {
        &self.own
    }

    /// The host that operations act on: another one inside `delegate` and `local`.
    pub fn on(&self) -> Arc<HostRun> {
        self.standing().on.last().unwrap_or(&self.own).clone()
    }

    /// The settings in force.
    pub fn settings(&self) -> Settings {
        self.standing().settings.last().expect("the outermost settings stay").clone()
    }

    /// The name of the innermost play.
    pub fn play_name(&self) -> Option<String> {
        self.standing().plays.last().cloned()
    }

    /// Asks for a handler on this thread's host.
    pub fn notify(&self, handler: &str) {
        self.own.notes().notify(handler);
        if self.run.options.mode.applies() {
            self.run.remember().notified(self.own.name(), handler);
        }
    }

    /// A handler of this thread's host ran, or will never run.
    pub fn handled(&self, handler: &str) {
        self.own.notes().notified.retain(|name| name != handler);
        if self.run.options.mode.applies() {
            self.run.remember().handled(self.own.name(), handler);
        }
    }

    /// Runs a block with further settings.
    pub fn with_settings<T>(&self, settings: Settings, block: impl FnOnce() -> T) -> T {
        let merged = settings.over(&self.settings());
        self.standing().settings.push(merged);
        let result = block();
        self.standing().settings.pop();
        result
    }

    /// Runs a block that no plan evaluates, so that no saved plan can announce its operations.
    pub fn unplanned<T>(&self, block: impl FnOnce() -> T) -> T {
        self.standing().unplanned += 1;
        let result = block();
        self.standing().unplanned -= 1;
        result
    }

    /// Runs a block whose operations declare nothing.
    pub fn unmanaged<T>(&self, block: impl FnOnce() -> T) -> T {
        self.standing().unmanaged += 1;
        let result = block();
        self.standing().unmanaged -= 1;
        result
    }

    pub(super) fn manages(&self) -> bool {
        let standing = self.standing();
        standing.unmanaged == 0 && standing.unplanned == 0
    }

    /// Runs the block of `once`.
    pub(super) fn in_once<T>(&self, block: impl FnOnce() -> T) -> T {
        self.standing().once += 1;
        let result = block();
        self.standing().once -= 1;
        result
    }

    pub(super) fn is_in_once(&self) -> bool {
        self.standing().once > 0
    }

    pub(super) fn is_unplanned(&self) -> bool {
        self.standing().unplanned > 0
    }

    /// Runs a block on another host.
    pub fn on_host<T>(&self, host: Arc<HostRun>, block: impl FnOnce() -> T) -> T {
        self.renew(&host);
        self.reach(&host);
        self.standing().on.push(host);
        let result = block();
        self.standing().on.pop();
        self.renew(&self.on());
        result
    }

    fn reach(&self, host: &Arc<HostRun>) {
        let mut standing = self.standing();
        let known = Arc::ptr_eq(host, &self.own) || standing.reached.iter().any(|other| Arc::ptr_eq(host, other));
        if !known {
            standing.reached.push(Arc::clone(host));
        }
    }

    /// The hosts that this thread acted on: its own first.
    pub(super) fn acted_on(&self) -> Vec<Arc<HostRun>> {
        std::iter::once(Arc::clone(&self.own)).chain(self.standing().reached.iter().cloned()).collect()
    }

    /// Runs the body of a play in a narrower scope: the hosts of a batch. A host whose body fails leaves the scope.
    pub(super) fn in_scope<E>(
        &self,
        id: &ScopeId,
        members: &[String],
        play: &Play,
        body: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        self.run.meetings.open(id, members);
        let mut standing = self.standing();
        standing.scopes.push(Scope { id: id.clone(), linear: play.linear, meetings: 0 });
        standing.plays.push(play.name.clone());
        drop(standing);
        let result = body();
        let mut standing = self.standing();
        standing.scopes.pop();
        standing.plays.pop();
        drop(standing);
        match result {
            Ok(()) => self.run.meetings.end_in(id, self.own.name()),
            Err(_) => self.run.meetings.leave_in(id, self.own.name()),
        }
        result
    }

    /// The innermost scope.
    pub fn scope(&self) -> ScopeId {
        self.standing().scopes.last().expect("the outermost scope stays").id.clone()
    }

    /// A name for a scope that all hosts at this place agree on.
    pub fn scope_below(&self, at: &str, part: usize) -> ScopeId {
        let standing = self.standing();
        let around = standing.scopes.last().expect("the outermost scope stays");
        ScopeId(format!("{} > {at} #{} part {part}", around.id.0, around.meetings))
    }

    /// Waits for the other hosts of the scope; a waiting host holds no place.
    ///
    /// # Errors
    /// As [`super::Meetings::meet`].
    pub fn meet(&self, at: &str, value: Option<Value>) -> Result<Arc<Round>, NoMeeting> {
        let scope = self.scope();
        self.leave_place();
        let round = self.run.meetings.meet(&scope, self.own.name(), at, value)?;
        self.standing().scopes.last_mut().expect("the outermost scope stays").meetings += 1;
        self.renew_all();
        Ok(round)
    }

    /// What others changed before this point may be on this host too: under a second name, or by a command of theirs.
    /// What was read of it before is known no more.
    fn renew(&self, host: &HostRun) {
        let changes = self.run.changes();
        let mut state = host.lock();
        if state.others_changed(changes) {
            state.forget(&Touch::Anything);
            host.line().forget();
        }
    }

    fn renew_all(&self) {
        let on = self.on();
        self.renew(&on);
        if !Arc::ptr_eq(&on, &self.own) {
            self.renew(&self.own);
        }
    }

    /// Waits, unless the run is interrupted. What was read before is known no more.
    pub fn sleep(&self, long: Duration) {
        const SLICE: Duration = Duration::from_millis(100);
        let started = Instant::now();
        while !self.run.interrupted() && started.elapsed() < long {
            std::thread::sleep(SLICE.min(long.saturating_sub(started.elapsed())));
        }
        self.forget();
    }

    /// Time went by: what was read of the host before is known no more.
    pub(super) fn forget(&self) {
        let host = self.on();
        host.lock().forget(&Touch::Anything);
        host.line().forget();
    }

    /// In a linear play, waits for its turn.
    ///
    /// # Errors
    /// As [`super::Meetings::step`].
    pub fn step(&self, at: &str) -> Result<(), NoMeeting> {
        let scope = self.standing().scopes.last().expect("the outermost scope stays").clone();
        if scope.linear {
            self.leave_place();
            self.run.meetings.step(&scope.id, self.own.name(), at)?;
            self.renew_all();
        }
        Ok(())
    }

    /// Takes a place among the hosts at work, unless it has one.
    pub fn take_place(&self) {
        if self.standing().place.is_none() {
            let place = self.run.slots.take();
            self.standing().place = Some(place);
        }
    }

    /// Gives the place back.
    pub fn leave_place(&self) {
        self.standing().place = None;
    }

    /// Logs in to a host, once a run.
    ///
    /// # Errors
    /// [`Stop::Unreachable`].
    pub fn login(&self, host: &HostRun, at: Option<&str>) -> Result<(), Stop> {
        let mut state = host.lock();
        if !state.login_due() {
            return Ok(());
        }
        let name = host.name().to_owned();
        let becoming = becoming(&self.settings(), host);
        self.run.emit(Event::HostConnecting { host: name.clone() });
        let logged_in = ask_ahead(&mut state, host, becoming.as_ref());
        match logged_in {
            Ok(took) => {
                self.run.emit(Event::HostConnected { host: name.clone(), duration_ms: took.as_millis() as u64 });
                Ok(())
            }
            Err(ShellError::Interrupted) => Err(Stop::Interrupted),
            Err(error) => Err(not_logged_in(&name, at, &error)),
        }
    }
}

/// A host that nobody reaches is lost; one that refuses to make another user of us is reached, and fails.
fn not_logged_in(host: &str, at: Option<&str>, error: &ShellError) -> Stop {
    if let Some(failure) = unreachable(host, at, error) {
        return Stop::Unreachable(failure);
    }
    let failure = Failure {
        message: format!("cannot log in to `{host}`"),
        at: at.map(str::to_owned),
        causes: super::outcome::causes(error),
        hint: error.hint(),
        ..Failure::default()
    };
    Stop::Failed(Box::new(Failed { op: "login".into(), host: host.to_owned(), failure, reversal: None }))
}

/// Logs in; what a trace expects to be asked goes along in the same write. A trace that does harm is dropped.
fn ask_ahead(state: &mut HostState, host: &HostRun, becoming: Option<&Escalation>) -> Result<Duration, ShellError> {
    let started = Instant::now();
    let (seat, _) = state.seat(host.line(), becoming);
    let questions = seat.known.expected();
    if !questions.is_empty() {
        match seat.shell.read_all(&questions.commands) {
            Ok(outputs) => {
                seat.known.learn(&questions, &outputs);
                return Ok(started.elapsed());
            }
            Err(error) => seat.known.distrust(error)?,
        }
    }
    host.line().login(becoming)
}
