//! What the project holds of keys and zones: looked at in plans, made in applies.

use crate::engine::Shared;
use crate::event::Sign;
use crate::ops::{Change, OpError};
use crate::pki::dns::{Dns, DnsError, KskWant, Tsig, Verdict, Zone};
use jiff::Timestamp;
use std::path::Path;

/// The keys of some zones.
pub struct KskWork<'a> {
    pub dns: &'a Keys,
    pub name: &'a str,
    pub want: &'a KskWant,
}

/// One TSIG key.
pub struct TsigWork<'a> {
    pub dns: &'a Keys,
    pub key: &'a Tsig,
}

/// The serial of one zone.
pub struct ZoneWork<'a> {
    pub dns: &'a Keys,
    pub zone: &'a Zone,
}

/// The keys and serials of a project. A rollback has those of the project as it is, too: keys stay, and serials only
/// rise.
pub struct Keys {
    /// The library.
    pub dns: Dns,
    /// The scripts are those of an earlier commit.
    pub is_rollback: bool,
}

impl Keys {
    /// Those of the project at `home`, for scripts at `root`.
    pub fn new(home: &Path, root: &Path) -> Self {
        Self { dns: Dns::of_project(home), is_rollback: home != root }
    }

    fn made(&self, verdict: Verdict<impl Sized>, name: &str) -> Result<Vec<Change>, OpError> {
        match verdict {
            Verdict::Keep(_) => Ok(Vec::new()),
            Verdict::Make(_) if self.is_rollback => Err(OpError::refused_with(
                format!("the project does not have the key `{name}`"),
                "a rollback makes no keys: bring `dns` and `secrets` of the project back from git",
            )),
            Verdict::Make(reasons) => {
                Ok(reasons.into_iter().map(|reason| Change::new(Sign::Create, format!("make: {reason}"))).collect())
            }
        }
    }
}

impl Shared for KskWork<'_> {
    fn key(&self) -> String {
        format!("KSK {}", self.name)
    }

    fn want(&self) -> String {
        // Zones and anchors of others are no work: hosts may have their own.
        format!("{:?} {:?} {:?}", self.want.algorithm, self.want.keys, self.want.revoked)
    }

    fn look(&self) -> Result<Vec<Change>, OpError> {
        self.dns.made(self.dns.dns.look_ksk(self.name, self.want).map_err(refused)?, self.name)
    }

    fn work(&self) -> Result<(), OpError> {
        self.dns.dns.ensure_ksk(self.name, self.want).map(drop).map_err(refused)
    }
}

impl Shared for TsigWork<'_> {
    fn key(&self) -> String {
        format!("TSIG {}", self.key.name)
    }

    fn want(&self) -> String {
        self.key.algorithm.name().to_owned()
    }

    fn look(&self) -> Result<Vec<Change>, OpError> {
        self.dns.made(self.dns.dns.look_tsig(self.key).map_err(refused)?, &self.key.name)
    }

    fn work(&self) -> Result<(), OpError> {
        self.dns.dns.ensure_tsig(self.key).map(drop).map_err(refused)
    }
}

impl Shared for ZoneWork<'_> {
    fn key(&self) -> String {
        format!("zone {}", self.zone.name)
    }

    fn want(&self) -> String {
        format!("{:?} {}", self.zone.policy, self.zone.content())
    }

    fn look(&self) -> Result<Vec<Change>, OpError> {
        let serial = self.dns.dns.look_serial(self.zone, Timestamp::now()).map_err(refused)?;
        let change = match serial.before {
            None => return Ok(Vec::new()),
            Some(0) => Change::new(Sign::Create, format!("serial {}", serial.number)),
            Some(before) => Change::new(Sign::Update, format!("serial {before} => {}", serial.number)),
        };
        Ok(vec![if self.zone.policy.is_of_the_moment() { change.open_until_applied() } else { change }])
    }

    fn work(&self) -> Result<(), OpError> {
        self.dns.dns.ensure_serial(self.zone, Timestamp::now()).map(drop).map_err(refused)
    }
}

/// An error of the library as one of an operation.
pub fn refused(error: DnsError) -> OpError {
    let hint = error.hint();
    let sources = std::iter::successors(std::error::Error::source(&error), |error| error.source());
    let causes = sources.map(ToString::to_string);
    let message = std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": ");
    OpError::Refused { message, hint }
}
