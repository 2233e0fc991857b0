//! Whether the package lists of a host are those that its repositories offer.

use super::{apk, apt};
use crate::ops::resource::package::Manager;
use crate::ops::{OpError, View};

/// The repositories that offer other lists than the host has.
///
/// Only the small signed index of each is fetched, into a folder that is removed again: this is what lets a plan
/// tell whether an update would change anything.
pub fn stale(view: &mut View<'_>, manager: Manager) -> Result<Vec<String>, OpError> {
    let command = match manager {
        Manager::Apt => apt::stale_script(),
        Manager::Apk => apk::stale_script(),
    };
    let output = view.read(&command)?;
    if !output.ok() {
        return Err(OpError::command(&command, &output));
    }
    Ok(output.text().lines().filter_map(|line| line.strip_prefix("stale ")).map(str::to_owned).collect())
}
