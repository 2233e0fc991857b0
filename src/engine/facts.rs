//! Facts that a script read: a plan notes them, and an apply that is held to it must be told the same.

use super::actor::Actor;
use super::host::HostRun;
use super::outcome::Stop;
use crate::event::{Event, Failure};
use sha2::{Digest, Sha256};

impl Actor {
    /// Notes what a script was told of a host; `answer` is its text, of which only a digest is kept.
    ///
    /// # Errors
    /// [`Stop::Deviated`] when the run is held to a plan that was made of another answer.
    pub fn told(&self, host: &HostRun, fact: &str, answer: &str, at: &str) -> Result<(), Stop> {
        let own = self.own();
        let of_other = if host.name() == own.name() { String::new() } else { format!(" of {}", host.name()) };
        let digest: String = Sha256::digest(answer).iter().map(|byte| format!("{byte:02x}")).collect();
        let name = own.notes().fact(format!("{fact}{of_other}"), digest.clone());
        let contract = self.run.contract().filter(|contract| contract.is_other_fact(own.name(), &name, &digest));
        let Some(contract) = contract else { return Ok(()) };
        let message = format!("{fact} of `{}` is another one than when the plan was made", host.name());
        if contract.is_lenient() {
            self.run.emit(Event::Warning { host: Some(own.name().to_owned()), text: format!("{message} (at {at})") });
            return Ok(());
        }
        let hint = "make a new plan; `--allow-deviation` applies all the same".to_owned();
        Err(Stop::Deviated(Box::new(Failure { at: Some(at.to_owned()), hint: Some(hint), ..Failure::new(message) })))
    }
}
