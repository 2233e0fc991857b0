//! `user::keys`: who may log in as a user.

use super::{authorized, name_ok};
use crate::ops::args::Many;
use crate::ops::file::SmallFile;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{User, UserEntry};
use crate::ops::{OpError, Operation, Plan, View};
use serde::Deserialize;

/// Keeps public keys in a user's `~/.ssh/authorized_keys`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    name: String,
    keys: Many,
    #[serde(default)]
    exclusive: bool,
}

impl Operation for Keys {
    const NAME: &'static str = "user::keys";
    type Seen = (UserEntry, SmallFile);

    fn check(&self) -> Result<(), String> {
        name_ok("name", &self.name)?;
        authorized::wanted(&self.keys).map(|_| ())
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        authorized::managed(args, args.text("name")).collect()
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Self::Seen, OpError> {
        let account = view.see::<User>(&self.name)?.account.ok_or_else(|| {
            OpError::refused_with(
                format!("there is no user `{}`", self.name),
                format!("`user::present(\"{}\")` makes one", self.name),
            )
        })?;
        let file = SmallFile::see(view, &authorized::path(&account.home))?;
        Ok((account, file))
    }

    fn plan(&self, (account, file): &Self::Seen) -> Result<Plan, OpError> {
        let keys = authorized::wanted(&self.keys).map_err(OpError::refused)?;
        Ok(Plan::of(authorized::change(&self.name, account, &keys, self.exclusive, file)?))
    }
}
