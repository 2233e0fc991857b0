//! `pkg::hold`

use super::manager::becomes;
use super::names;
use crate::event::Sign;
use crate::ops::args::Many;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::package::{Manager, Package, key};
use crate::ops::{Change, OpError, Operation, Plan, View};
use crate::remote::Command;
use serde::Deserialize;

/// Keeps packages at their version, whatever the repositories offer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    names: Many,
    present: Option<bool>,
}

impl Operation for Hold {
    const NAME: &'static str = "pkg::hold";
    const TARGET: &'static str = "names";
    const TAKES_MANY: bool = true;
    type Seen = Vec<Package>;

    fn check(&self) -> Result<(), String> {
        names::check(&self.names, false)
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let hold = |name| args.kept("hold", name, &[]).reads::<Package>(key(None, name));
        args.texts("names").into_iter().map(hold).collect()
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Vec<Package>, OpError> {
        let keys: Vec<String> = self.names.0.iter().map(|name| key(None, name)).collect();
        view.see_all::<Package>(&keys)
    }

    fn plan(&self, seen: &Vec<Package>) -> Result<Plan, OpError> {
        if seen.iter().any(|package| package.manager == Manager::Apk) {
            return Err(OpError::refused_with(
                "apk has no holds",
                "pin the version: pkg::installed(\"name=version\") writes it to /etc/apk/world",
            ));
        }
        let hold = self.present.unwrap_or(true);
        let pairs: Vec<(&String, &Package)> =
            self.names.0.iter().zip(seen).filter(|(_, package)| package.held != hold).collect();
        if pairs.is_empty() {
            return Ok(Plan::new());
        }
        let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        let verb = if hold { "hold" } else { "unhold" };
        let sign = if hold { Sign::Create } else { Sign::Remove };
        let text = format!("{} {}", if hold { "hold" } else { "release" }, names.join(", "));
        let change = Change::new(sign, text).run(Command::new("apt-mark").arg(verb).args(&names));
        let change = pairs.iter().fold(change, |change, (name, package)| {
            becomes(change, None, name, Package { held: hold, ..(*package).clone() })
        });
        Ok(change.into())
    }
}
