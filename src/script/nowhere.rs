//! Evaluates a playbook with hosts that cannot be asked: what a dry evaluation finds, `check` finds.

use super::drive::{Fault, drive};
use super::world::World;
use crate::engine::{Emit, Line, Options, Reach, Run, Traces};
use crate::event::{Event, Failure};
use crate::inventory::{Escalation, Host};
use crate::remote::{Command, Interrupt, Output, Shell, ShellError};
use crate::secret::RevealError;
use indexmap::IndexMap;
use rhai::AST;
use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Evaluates a playbook as a plan in which every answer of a host is unknown, and gives the first mistake.
///
/// # Errors
/// What the evaluation raised, with its place.
pub fn rehearse(world: &Arc<World>, hosts: IndexMap<String, Arc<Host>>, playbook: &Arc<AST>) -> Result<(), Failure> {
    let selected: Vec<String> = hosts.keys().cloned().collect();
    let options = Options::looking(4);
    let failures = Arc::new(Failures::default());
    let emit = Arc::clone(&failures) as Arc<dyn Emit>;
    let run =
        Arc::new(Run::new(options, hosts, selected, Box::new(Nowhere { guesses: false }), emit, Interrupt::new()));
    let ends = drive(&run, world, playbook);
    // A `fail` or `assert` of the playbook is no mistake in it: it may hold for hosts that answer.
    let mistaken = ends.iter().find(|end| end.fault == Fault::Mistake);
    let failure = mistaken.and_then(|end| failures.lock().remove(&end.host));
    failure.map_or(Ok(()), Err)
}

/// What a playbook asks of a host, as far as a plan gets in which every answer is unknown; nothing after `limit`.
pub fn foresee(
    world: &Arc<World>,
    hosts: &IndexMap<String, Arc<Host>>,
    host: &str,
    playbook: &Arc<AST>,
    limit: Duration,
) -> Traces {
    let options = Options::looking(1);
    let emit = Arc::new(Failures::default());
    let reach = Box::new(Nowhere { guesses: true });
    let run = Arc::new(Run::new(options, hosts.clone(), vec![host.to_owned()], reach, emit, Interrupt::new()));
    let (done, ended) = std::sync::mpsc::channel();
    let (driven, world, playbook) = (Arc::clone(&run), Arc::clone(world), Arc::clone(playbook));
    let rehearsal = move || {
        drive(&driven, &world, &playbook);
        let _ = done.send(driven.asked());
    };
    // Not waited for when it takes too long: it ends at its next step.
    let started = std::thread::Builder::new().name("rehearsal".into()).spawn(rehearsal);
    let asked = started.ok().and_then(|_| ended.recv_timeout(limit).ok());
    if asked.is_none() {
        run.interrupt();
    }
    let own = asked.into_iter().flatten().find(|(name, _)| name == host);
    own.map(|(_, traces)| traces).unwrap_or_default()
}

/// Why hosts failed.
#[derive(Default)]
struct Failures(Mutex<HashMap<String, Failure>>);

impl Failures {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Failure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Emit for Failures {
    fn emit(&self, event: Event) {
        if let Event::HostFinished { host, error: Some(error), .. } = event {
            self.lock().insert(host, error);
        }
    }
}

/// In the place of hosts.
#[derive(Clone, Copy)]
struct Nowhere {
    /// Whether to guess what hosts would say.
    guesses: bool,
}

impl Reach for Nowhere {
    fn line(&self, _: &Host) -> Arc<dyn Line> {
        Arc::new(*self)
    }
}

impl Line for Nowhere {
    fn is_real(&self) -> bool {
        false
    }

    fn guesses(&self) -> bool {
        self.guesses
    }

    fn login(&self, _: Option<&Escalation>) -> Result<Duration, ShellError> {
        Ok(Duration::ZERO)
    }

    fn shell(&self, _: Option<&Escalation>) -> Box<dyn Shell> {
        Box::new(*self)
    }

    fn exchanges(&self) -> u64 {
        0
    }

    fn forget(&self) {}

    fn rest(&self) {}

    fn close(&self) {}
}

fn unknown<T>() -> Result<T, ShellError> {
    Err(ShellError::Reveal(RevealError::Unknown("what a host answers".into())))
}

impl Shell for Nowhere {
    fn read_all(&mut self, _: &[Command]) -> Result<Vec<Output>, ShellError> {
        unknown()
    }

    fn change_all(&mut self, _: &[Command]) -> Result<Vec<Output>, ShellError> {
        unknown()
    }

    fn stream(&mut self, _: &Command, _: &mut (dyn Read + Send)) -> Result<Output, ShellError> {
        unknown()
    }

    fn exchanges(&self) -> u64 {
        0
    }

    fn reconnect(&mut self) -> Result<(), ShellError> {
        Ok(())
    }

    fn prove_login(&mut self) -> Result<(), ShellError> {
        Ok(())
    }
}
