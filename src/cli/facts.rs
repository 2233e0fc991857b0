//! `facts`: what hosts tell about themselves, as one JSON document.

use super::commands::say_json;
use super::driver::Driver;
use super::failure::{CommandError, Exit};
use super::session::{Session, shared_hosts};
use super::signals;
use crate::connect;
use crate::engine::{Actor, Connected, Emit, Options, Run, Stop, unanswered};
use crate::event::{Event, Failure, remedy};
use crate::ops::fact::{self, Basic};
use crate::remote::Interrupt;
use std::sync::Arc;
use std::thread;

/// Nobody listens: the answer is all there is to tell.
struct Silent;

impl Emit for Silent {
    fn emit(&self, _: Event) {}
}

/// Stack of a thread that asks one host.
const STACK_BYTES: usize = 1 << 20;

impl Session {
    /// `facts [SELECTOR]`: a map from host to facts. Hosts that cannot be asked are told on stderr and left out.
    ///
    /// # Errors
    /// What keeps the hosts from being asked at all.
    pub fn facts(&self, selector: Option<&str>) -> Result<Exit, CommandError> {
        let inventory = self.inventory()?;
        let mut hosts = self.selected(&inventory)?;
        if let Some(selector) = selector {
            let named = self.select(&inventory, selector)?;
            hosts.retain(|host| named.contains(host));
        }
        if hosts.is_empty() {
            return Err(CommandError::no_host());
        }
        inventory.check_passwords(&hosts)?;
        let driver = Driver::start()?;
        let interrupt = Interrupt::new();
        let connections = connect::Settings::new(driver.handle(), interrupt.clone());
        let connections = connections.keeping_logins(self.config.keep_logins.value);
        let options = Options::looking(self.config.forks.value);
        let reach = Box::new(Connected(connections));
        let run = Run::new(options, shared_hosts(&inventory), hosts.clone(), reach, Arc::new(Silent), interrupt);
        let run = Arc::new(run);
        signals::stop(&run);
        let answers = ask_all(&run, &hosts);
        run.close();
        drop(driver);
        Ok(self.tell(answers))
    }

    fn tell(&self, answers: Vec<(String, Result<Basic, Stop>)>) -> Exit {
        let mut known = serde_json::Map::new();
        let mut exit = Exit::Done;
        for (host, answer) in answers {
            let (failure, verdict) = match answer {
                Ok(facts) => {
                    known.insert(host, serde_json::json!(facts));
                    continue;
                }
                Err(Stop::Interrupted) => (interrupted(&host), Exit::Interrupted),
                Err(Stop::Unreachable(failure) | Stop::Deviated(failure)) => (*failure, Exit::Unreachable),
                Err(Stop::Failed(failed)) => (failed.failure, Exit::Failed),
            };
            CommandError::new(verdict, failure).print(&mut std::io::stderr(), self.look().paint);
            exit = worse(exit, verdict);
        }
        say_json(&serde_json::Value::Object(known));
        exit
    }
}

fn interrupted(host: &str) -> Failure {
    Failure::new(format!("`{host}` was not asked: interrupted"))
}

/// As for runs: an interrupt is told before all else, then what failed, then what is unreachable.
fn worse(one: Exit, other: Exit) -> Exit {
    let order = [Exit::Interrupted, Exit::Failed, Exit::Unreachable];
    order.into_iter().find(|exit| *exit == one || *exit == other).unwrap_or(one)
}

fn ask_all(run: &Arc<Run>, hosts: &[String]) -> Vec<(String, Result<Basic, Stop>)> {
    let ask = |name: &String| {
        let (run, name) = (Arc::clone(run), name.clone());
        thread::Builder::new().stack_size(STACK_BYTES).spawn(move || ask(&run, &name))
    };
    let threads: Vec<_> = hosts.iter().map(ask).collect();
    let not_asked = |name: &str, error: Option<&std::io::Error>| {
        let mut failure = Failure::new(format!("`{name}` could not be asked"));
        failure.causes.extend(error.map(ToString::to_string));
        failure.hint = error.and_then(remedy).map(str::to_owned);
        Err(Stop::Unreachable(failure.into()))
    };
    let answer = |(thread, name): (std::io::Result<thread::JoinHandle<_>>, &String)| match thread {
        Ok(thread) => (name.clone(), thread.join().unwrap_or_else(|_| not_asked(name, None))),
        Err(error) => (name.clone(), not_asked(name, Some(&error))),
    };
    threads.into_iter().zip(hosts).map(answer).collect()
}

fn ask(run: &Arc<Run>, name: &str) -> Result<Basic, Stop> {
    let host = run.host(name).expect("selected hosts are in the inventory");
    let actor = Actor::new(Arc::clone(run), Arc::clone(&host));
    let answer = actor.look(&host, None, fact::basic)?;
    answer.map_err(|error| unanswered("reading", "facts", &host, None, &error))
}
