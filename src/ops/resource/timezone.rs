//! The time zone of a host.

use super::Resource;
use crate::ops::OpError;
use crate::ops::touch::Altered;
use crate::remote::{Command, Output, quote};
use serde_json::{Value, json};

/// A time zone as a host sees it; the key is its name: `Europe/Zurich`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timezone {
    /// Whether the host has its rules.
    pub exists: bool,
    /// Where `/etc/localtime` points; empty when it is no link.
    pub link: String,
    /// What `/etc/timezone` says; nothing when there is no such file.
    pub text: Option<String>,
}

impl Resource for Timezone {
    const KIND: &'static str = "time zone";

    fn script(keys: &[String]) -> Command {
        let zones: Vec<String> = keys.iter().map(|zone| quote(&format!("/usr/share/zoneinfo/{zone}"))).collect();
        Command::script(format!(
            "echo \"$(readlink /etc/localtime)\"\n\
             if [ -f /etc/timezone ]; then echo \"text $(head -n 1 /etc/timezone)\"; else echo none; fi\n\
             for z in {}; do if [ -f \"$z\" ]; then echo yes; else echo no; fi; done",
            zones.join(" ")
        ))
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let text = output.text();
        let lines: Vec<&str> = text.split('\n').collect();
        if lines.len() != keys.len() + 2 {
            return Err(OpError::answer(Self::script(keys), &output.stdout));
        }
        let stored = lines[1].strip_prefix("text ").or(lines[1].strip_prefix("text")).map(str::to_owned);
        let state = |answer: &&str| Self { exists: *answer == "yes", link: lines[0].to_owned(), text: stored.clone() };
        Ok(lines[2..].iter().map(state).collect())
    }

    fn is_absent(&self) -> bool {
        !self.exists
    }

    fn outlasts(&self, _: &str, change: &Altered<'_>) -> bool {
        !change.concerns_any(&["/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo"])
    }

    fn snapshot(&self) -> Value {
        json!({ "name": self.link.split_once("/zoneinfo/").map(|(_, zone)| zone) })
    }
}
