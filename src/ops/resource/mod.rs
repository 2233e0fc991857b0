//! Things on a host whose state can be read, many in one script, and predicted in a plan.

mod account;
mod checkout;
mod docker;
mod git_setting;

pub use account::{Group, GroupEntry, Password, User, UserEntry};
pub use checkout::{Checkout, WorkTree};
pub use docker::{Container, Docker, Image, Inspected, Network, SPEC_LABEL, Volume};
pub use git_setting::GitSetting;
pub mod apt_index;
pub mod crontab;
pub mod hostname;
pub mod package;
pub mod reboot_flag;
pub mod sysctl;
pub mod timezone;
pub mod unit;
mod contents;
mod digest;
mod path;
mod path_read;
mod tree;

pub use contents::{Contents, FETCH_LIMIT};
pub use digest::Digest;
pub use path::{Kind, Path, Principal, is_below, joined, parent};
pub use tree::{Children, Tree};

pub(crate) use contents::{HASH, hex};

use super::touch::Altered;
use super::{OpError, Overlay};
use crate::remote::{Command, Output};
use serde_json::Value;
use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

/// A kind of thing on a host: a path, a user, a package, a unit.
///
/// Reading is batch-first: one script asks for many keys, so that the reads of a run cost few processes.
pub trait Resource: Debug + Clone + Send + Sync + 'static {
    /// A short word, unique among kinds: `path`.
    const KIND: &'static str;

    /// Whether it is asked ahead again after a change. What costs a host much is asked ahead once, with the first
    /// question to it.
    const CHEAP: bool = true;

    /// One script that reads all the keys, with few processes. It must exit with 0 when the things are absent.
    fn script(keys: &[String]) -> Command;

    /// Takes the answer apart: one state a key, in the order of the keys.
    ///
    /// # Errors
    /// [`OpError::Answer`] when the host says what no parser understands.
    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError>;

    /// What a host would most likely say that a playbook was never run on. It is used where no host is asked, to learn
    /// which questions follow; no verdict comes from it.
    fn guess() -> Option<Self> {
        None
    }

    /// True when the thing is not there.
    fn is_absent(&self) -> bool;

    /// Whether a package, an image or a checkout may bring a thing of this key; `/srv` is never shipped.
    fn may_be_brought(key: &str) -> bool {
        let _ = key;
        true
    }

    /// What the ledger remembers of this state, so that it can be brought back; no secret.
    fn snapshot(&self) -> Value {
        Value::Null
    }

    /// The text that it holds, where the ledger shall keep it.
    fn held(&self) -> Option<Arc<[u8]>> {
        None
    }

    /// The state as it is once all that is planned is done: a number of nobody belongs to a user that is planned.
    fn under(self, overlay: &Overlay) -> Self {
        let _ = overlay;
        self
    }

    /// What a predicted state of another key says about this one: below an absent directory nothing is.
    fn follows_from(key: &str, other: &str, state: &Self) -> Option<Self> {
        let _ = (key, other, state);
        None
    }

    /// Whether this state of a key certainly still holds after a change; unless a kind says so, it does not.
    fn outlasts(&self, key: &str, change: &Altered<'_>) -> bool {
        let _ = (key, change);
        false
    }
}

/// How things of one kind are read, whatever their type.
#[derive(Clone, Copy)]
pub struct Reader {
    /// [`Resource::KIND`].
    pub kind: &'static str,
    /// [`Resource::CHEAP`].
    pub cheap: bool,
    /// [`Resource::script`].
    pub script: fn(&[String]) -> Command,
    /// [`Resource::parse`].
    pub parse: fn(&[String], &Output) -> Result<Vec<State>, OpError>,
    /// [`Resource::guess`].
    pub guess: fn() -> Option<State>,
}

impl Reader {
    /// How things of type `R` are read.
    pub const fn of<R: Resource>() -> Self {
        Self {
            kind: R::KIND,
            cheap: R::CHEAP,
            script: R::script,
            parse: |ids, output| states::<R>(ids, output),
            guess: || R::guess().map(State::new),
        }
    }

    /// The key of a thing of this kind.
    pub fn key(&self, id: &str) -> Key {
        Key { kind: self.kind, id: id.to_owned() }
    }
}

fn states<R: Resource>(ids: &[String], output: &Output) -> Result<Vec<State>, OpError> {
    let states = R::parse(ids, output)?;
    if states.len() != ids.len() {
        return Err(OpError::answer(R::KIND, &output.stdout));
    }
    Ok(states.into_iter().map(State::new).collect())
}

macro_rules! kinds {
    ($($resource:path),* $(,)?) => { &[$(Reader::of::<$resource>()),*] };
}

/// Kinds that are asked ahead, as a trace names them.
pub static KINDS: &[Reader] = kinds![
    Path,
    Contents,
    Digest,
    Tree,
    Children,
    User,
    Group,
    Password,
    crate::ops::user::tools::Tools,
    package::Package,
    apt_index::AptIndex,
    unit::Unit,
    crontab::Crontab,
    hostname::Hostname,
    timezone::Timezone,
    sysctl::Sysctl,
    reboot_flag::RebootFlag,
    Checkout,
    GitSetting,
];

/// Names one resource of a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// [`Resource::KIND`].
    pub kind: &'static str,
    /// `/etc/motd`, `nginx.service`.
    pub id: String,
}

impl Key {
    /// The key of a resource of type `R`.
    pub fn of<R: Resource>(id: impl Into<String>) -> Self {
        Self { kind: R::KIND, id: id.into() }
    }
}

/// A state of any kind, shared.
#[derive(Clone)]
pub struct State {
    value: Arc<dyn Any + Send + Sync>,
    settles: fn(&Self, &str, &str) -> bool,
    absent: bool,
    outlasts: fn(&Self, &str, &Altered<'_>) -> bool,
    remembered: fn(&Self) -> Remembered,
}

/// What the ledger remembers of a state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Remembered {
    /// True when the thing was not there.
    pub absent: bool,
    /// [`Resource::snapshot`].
    pub snapshot: Value,
    /// [`Resource::held`].
    pub held: Option<Arc<[u8]>>,
}

impl State {
    /// Wraps a state.
    pub fn new<R: Resource>(state: R) -> Self {
        let settles = |state: &Self, key: &str, other: &str| {
            state.get::<R>().is_some_and(|state| R::follows_from(other, key, state).is_some())
        };
        let absent = state.is_absent();
        let outlasts = |state: &Self, key: &str, change: &Altered<'_>| {
            state.get::<R>().is_some_and(|state| state.outlasts(key, change))
        };
        let remembered = |state: &Self| {
            let state = state.get::<R>().expect("made from a state of this kind");
            Remembered { absent: state.is_absent(), snapshot: state.snapshot(), held: state.held() }
        };
        Self { value: Arc::new(state), settles, absent, outlasts, remembered }
    }

    /// [`Resource::is_absent`].
    pub fn is_absent(&self) -> bool {
        self.absent
    }

    /// The state, when it is of this kind.
    pub fn get<R: Resource>(&self) -> Option<&R> {
        self.value.downcast_ref()
    }

    /// What the ledger remembers of it.
    pub fn remembered(&self) -> Remembered {
        (self.remembered)(self)
    }

    /// True when this state of `key` says what becomes of another key of its kind, as [`Resource::follows_from`].
    pub fn settles(&self, key: &str, other: &str) -> bool {
        (self.settles)(self, key, other)
    }

    /// True when this state of `key` still holds after a change, as [`Resource::outlasts`].
    pub fn outlasts(&self, key: &str, change: &Altered<'_>) -> bool {
        (self.outlasts)(self, key, change)
    }
}

impl Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("State")
    }
}
