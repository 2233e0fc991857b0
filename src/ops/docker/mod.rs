//! Containers, images, networks, volumes and compose projects of the docker engine on the host.

mod compose;
mod container;
mod draft;
mod image;
mod network;
mod project;
mod spec;
mod volume;

pub use compose::Compose;
pub use container::Container;
pub use image::Image;
pub use network::Network;
pub use volume::Volume;

use super::resource::{Docker, Inspected};
use super::{OpError, View};
use crate::remote::Command;

fn docker() -> Command {
    Command::new("docker")
}

/// Sees a thing of the engine; nothing when it is absent.
///
/// # Errors
/// [`OpError::Refused`] when no engine answers; unknown when a planned change may bring one.
fn see<T: Inspected>(view: &mut View<'_>, name: &str) -> Result<Option<T>, OpError> {
    match view.see::<Docker<T>>(name)? {
        Docker::There(thing) => Ok(Some(thing)),
        Docker::Absent => Ok(None),
        Docker::NoEngine(why) => Err(no_engine(view, &why)),
    }
}

fn no_engine(view: &View<'_>, why: &str) -> OpError {
    match view.planned_changes() {
        0 => OpError::refused_with(
            format!("no docker engine answers: {why}"),
            "install and start it before, or act as a user who may use it: `sudo: true`",
        ),
        _ => OpError::Unknown("what the docker engine has".into()),
    }
}

/// A name as docker takes it for containers, networks and volumes.
///
/// # Errors
/// A text that names the argument.
fn name_ok(argument: &str, name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    match name.len() > 1 && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain) {
        true => Ok(()),
        false => {
            Err(format!("argument `{argument}`: {name:?} is no name for docker: letters, digits, `_`, `.` and `-`"))
        }
    }
}

/// The name of an image.
///
/// # Errors
/// A text that names the argument.
fn image_ok(argument: &str, name: &str) -> Result<(), String> {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    match name.is_empty() || name.starts_with('-') || name.contains(odd) {
        true => Err(format!("argument `{argument}`: {name:?} is no name of an image")),
        false => Ok(()),
    }
}
