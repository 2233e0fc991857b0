//! Plays over hosts: plan and apply. Holds no script language and never prints: it emits events.

mod actor;
mod connected;
mod contract;
mod diff;
mod host;
mod look;
mod meeting;
mod outcome;
mod perform;
mod play;
mod reach;
mod resumed;
mod run;
mod settings;
mod slots;
mod styled;
mod topping;
mod verdict;

pub use actor::Actor;
pub use connected::Connected;
pub use contract::{Contract, HostPromises, Promise};
pub use diff::unified;
pub use host::{HostRun, Notes, Traces};
pub use look::unanswered;
pub use meeting::{Disagreement, Meetings, NoMeeting, Round, ScopeId, Value};
pub use outcome::{Failed, Outcome, Stop};
pub use perform::{Ask, Call};
pub use play::{Halt, Play, ScriptError, Share};
pub use reach::{Emit, Forgetful, Line, Reach, Remember};
pub use resumed::Earlier;
pub use run::{Expected, Options, Run};
pub use settings::{Becoming, Settings, TagFilter};
pub use slots::{Place, Slots};
