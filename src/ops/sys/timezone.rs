//! `sys::timezone`

use crate::event::Sign;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::timezone::Timezone;
use crate::ops::{Change, OpError, Operation, Plan, View};
use crate::remote::{Command, quote};
use serde::Deserialize;

/// Keeps the time zone of a host.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetTimezone {
    name: String,
}

const RULES: &str = "/usr/share/zoneinfo";

impl SetTimezone {
    /// `/etc/localtime` may point there by a relative path, as timedatectl(1) writes it.
    fn is_linked(&self, link: &str) -> bool {
        let target = format!("{RULES}/{}", self.name);
        link == target || link.trim_start_matches("..") == target
    }
}

impl Operation for SetTimezone {
    const NAME: &'static str = "sys::timezone";
    type Seen = Timezone;

    fn check(&self) -> Result<(), String> {
        let part =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c));
        match self.name.split('/').all(part) {
            true => Ok(()),
            false => Err(format!("argument `name`: `{}` is no time zone such as \"Europe/Zurich\"", self.name)),
        }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.thing("timezone", "timezone").takes(args, &["name"]).reads::<Timezone>(args.text("name"))]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Timezone, OpError> {
        let seen = view.see::<Timezone>(&self.name)?;
        // What a plan set last, whatever its name.
        let current = view.predicted::<Timezone>().into_iter().find(|(name, _)| name.is_empty());
        Ok(current.map_or(seen.clone(), |(_, set)| Timezone { exists: seen.exists, ..set }))
    }

    /// Spec: localtime(5); `/etc/timezone` is kept where there is one.
    fn plan(&self, seen: &Timezone) -> Result<Plan, OpError> {
        if !seen.exists {
            return Err(OpError::refused_with(
                format!("the host knows no time zone `{}`", self.name),
                "check its spelling, or install the package `tzdata` before",
            ));
        }
        let text_differs = seen.text.as_ref().is_some_and(|text| *text != self.name);
        if self.is_linked(&seen.link) && !text_differs {
            return Ok(Plan::new());
        }
        let target = format!("{RULES}/{}", self.name);
        let zone = seen.link.split_once("/zoneinfo/").map_or("UTC", |(_, zone)| zone);
        let mut script = format!(
            "ln -s {} /etc/.localtime.rhapsode && mv -f /etc/.localtime.rhapsode /etc/localtime",
            quote(&target)
        );
        if text_differs {
            script.push_str(&format!(" && echo {} > /etc/timezone", quote(&self.name)));
        }
        let after = Timezone { exists: true, link: target, text: seen.text.as_ref().map(|_| self.name.clone()) };
        let change = Change::new(Sign::Update, format!("time zone {zone} -> {}", self.name));
        Ok(change.run(Command::script(script)).makes(&self.name, after.clone()).makes("", after).into())
    }
}
