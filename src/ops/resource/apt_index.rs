//! The package lists of a host: how old they are.

use super::Resource;
use crate::ops::OpError;
use crate::ops::touch::Altered;
use crate::remote::{Command, Output};

/// The package lists. There is one key, [`AptIndex::KEY`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptIndex {
    /// Seconds since they were read last; nothing when they never were.
    pub age_secs: Option<u64>,
}

impl AptIndex {
    /// The one key of this kind.
    pub const KEY: &'static str = "lists";

    /// Whether lists of up to this age are wanted, and these are older.
    pub fn is_older_than(&self, limit_secs: u64) -> bool {
        self.age_secs.is_none_or(|age| age >= limit_secs)
    }
}

impl Resource for AptIndex {
    const KIND: &'static str = "package lists";

    /// apt touches the folder of its lists at each update, and so do we after one that found nothing new.
    fn script(_: &[String]) -> Command {
        Command::script(
            "for d in /var/lib/apt/lists /var/cache/apk /etc/apk/cache; do\n\
             ls \"$d\" 2>/dev/null | grep -q '[_.]' && echo \"$(date +%s) $(stat -L -c %Y \"$d\")\"\ndone\ntrue",
        )
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let text = output.text();
        let age = |line: &str| {
            let (now, then) = line.split_once(' ')?;
            now.parse::<u64>().ok()?.checked_sub(then.parse().ok()?).or(Some(0))
        };
        let age_secs = match text.lines().next() {
            Some(line) => Some(age(line).ok_or_else(|| OpError::answer(Self::script(keys), &output.stdout))?),
            None => None,
        };
        Ok(keys.iter().map(|_| Self { age_secs }).collect())
    }

    fn is_absent(&self) -> bool {
        self.age_secs.is_none()
    }

    fn may_be_brought(_: &str) -> bool {
        false
    }

    fn outlasts(&self, _: &str, change: &Altered<'_>) -> bool {
        !change.concerns_any(&["/var/lib/apt", "/var/cache/apk", "/etc/apk"])
    }
}
