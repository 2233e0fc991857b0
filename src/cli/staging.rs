//! `staging up|down|reset|shell`: containers for the hosts of an inventory that have an `image`.

mod engine;
mod error;
mod words;

pub use error::StagingError;

use crate::inventory::Host;
use engine::{Engine, State};
use std::io::Write;
use std::path::Path;
use std::process::ExitStatus;

/// Said of a container whose image or `run` words are other ones by now.
const OUTDATED: &str = "runs with older settings; `rhapsode staging reset` makes it anew";

/// The containers of one inventory. They carry its path and the project's as labels; no other container is ever removed.
#[derive(Debug)]
pub struct Staging<'a> {
    /// The hosts to act on; those without an `image` are left alone.
    pub hosts: &'a [Host],
    /// Path of the inventory, relative to the project.
    pub inventory: &'a Path,
    /// The project's folder.
    pub project: &'a Path,
}

impl Staging<'_> {
    /// Starts what does not run yet and waits until each host takes commands; writes a line a host.
    ///
    /// # Errors
    /// [`StagingError::Image`] when an image is missing, [`StagingError::Foreign`] when a container of that name is not ours,
    /// [`StagingError::NotReady`] when one does not boot within a minute.
    pub fn up(&self, out: &mut dyn Write) -> Result<(), StagingError> {
        let hosts = self.staged()?;
        let mut started = Vec::new();
        for host in &hosts {
            started.push(self.start(host)?);
        }
        for (host, verb) in hosts.iter().zip(started) {
            Engine::of(host)?.wait_until_ready(host)?;
            writeln!(out, "{}: {verb}", host.name)?;
        }
        Ok(())
    }

    /// Removes the containers of this inventory, with their anonymous volumes; writes a line for each.
    ///
    /// # Errors
    /// [`StagingError::Foreign`] when a container of that name is not ours.
    pub fn down(&self, out: &mut dyn Write) -> Result<(), StagingError> {
        for host in &self.staged()? {
            let engine = Engine::of(host)?;
            let verb = match self.find(&engine, host)? {
                None => "not there",
                Some(_) => {
                    engine.remove(words::container(host))?;
                    "removed"
                }
            };
            writeln!(out, "{}: {verb}", host.name)?;
        }
        Ok(())
    }

    /// Removes the containers and starts new ones.
    ///
    /// # Errors
    /// Those of [`Staging::down`] and [`Staging::up`].
    pub fn reset(&self, out: &mut dyn Write) -> Result<(), StagingError> {
        self.down(&mut std::io::sink())?;
        self.up(out)
    }

    /// Opens a shell on a host, on our own stdin, stdout and stderr: bash where there is one, as a login shell.
    ///
    /// # Errors
    /// [`StagingError::NoSuchHost`] when the inventory has no such staging host, [`StagingError::NotRunning`] when it is down.
    pub fn shell(&self, name: &str) -> Result<ExitStatus, StagingError> {
        let staged = self.staged()?;
        let host = staged.iter().find(|host| host.name == name);
        let host = host.ok_or_else(|| StagingError::no_such_host(name, &staged))?;
        let engine = Engine::of(host)?;
        match self.find(&engine, host)? {
            Some(State { running: true, .. }) => engine.shell(host),
            _ => Err(StagingError::NotRunning { host: host.name.clone() }),
        }
    }

    fn start(&self, host: &Host) -> Result<&'static str, StagingError> {
        let engine = Engine::of(host)?;
        let image = engine.image(host)?;
        let made_from = words::made_from(host, &image);
        match self.find(&engine, host)? {
            None => {
                engine.run(&words::run(host, &image, self, &made_from))?;
                Ok("started")
            }
            Some(state) => {
                let verb = engine.wake(words::container(host), &state)?;
                Ok(if state.made_from == made_from { verb } else { OUTDATED })
            }
        }
    }

    /// The container of a host, when it is there and of this inventory.
    fn find(&self, engine: &Engine, host: &Host) -> Result<Option<State>, StagingError> {
        let container = words::container(host);
        match engine.inspect(container)? {
            Some(state) if state.owner != words::owner(self) => {
                Err(StagingError::Foreign { host: host.name.clone(), container: container.to_owned() })
            }
            found => Ok(found),
        }
    }

    fn staged(&self) -> Result<Vec<&Host>, StagingError> {
        let staged: Vec<&Host> = self.hosts.iter().filter(|host| host.connection.image.is_some()).collect();
        if staged.is_empty() {
            return Err(StagingError::NoHosts { inventory: self.inventory.to_owned() });
        }
        Ok(staged)
    }
}
