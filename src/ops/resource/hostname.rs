//! The name a host gives itself.

use super::Resource;
use crate::ops::OpError;
use crate::ops::touch::Altered;
use crate::remote::{Command, Output};
use serde_json::{Value, json};

/// The name of a host. There is one key, [`Hostname::KEY`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hostname {
    /// What the kernel says now.
    pub current: String,
    /// What `/etc/hostname` says for the next boot.
    pub stored: String,
}

impl Hostname {
    /// The one key of this kind.
    pub const KEY: &'static str = "hostname";
}

impl Resource for Hostname {
    const KIND: &'static str = "hostname";

    /// Spec: hostname(5): lines that begin with `#` are comments.
    fn script(_: &[String]) -> Command {
        Command::script("uname -n && { grep -v '^#' /etc/hostname 2>/dev/null || true; }")
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let text = output.text();
        let mut lines = text.lines();
        let current = lines.next().filter(|_| output.ok());
        let current = current.ok_or_else(|| OpError::answer(Self::script(keys), &output.stdout))?.to_owned();
        let stored = lines.next().unwrap_or_default().trim().to_owned();
        Ok(keys.iter().map(|_| Self { current: current.clone(), stored: stored.clone() }).collect())
    }

    fn is_absent(&self) -> bool {
        false
    }

    fn outlasts(&self, _: &str, change: &Altered<'_>) -> bool {
        !change.concerns_any(&["/etc/hostname"])
    }

    fn snapshot(&self) -> Value {
        json!({ "name": if self.stored.is_empty() { &self.current } else { &self.stored } })
    }
}
