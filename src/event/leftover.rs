//! What earlier runs left: things that are declared no more, and changes of which nobody knew how they ended.

use serde::{Deserialize, Serialize};

/// Something that the playbook managed on a host and declares no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// Its address in the ledger: `web-1/path/\/etc\/motd`.
    pub id: String,
    /// What it is: `path`.
    pub kind: String,
    /// Which one: `/etc/motd`.
    pub target: String,
    /// Where it was declared last.
    pub at: String,
    /// What becomes of it.
    pub fate: OrphanFate,
    /// Why, where that does not go without saying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What becomes of an orphan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrphanFate {
    /// It is left as it is; a prune takes it away.
    Left,
    /// It is never taken away, or another playbook needs it.
    Kept,
    /// There is no way back.
    CannotUndo,
    /// It is taken away, or brought back to what it was; in a plan it would be.
    Pruned,
}

/// A change of an earlier run of which nobody knew how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsettled {
    /// Id of the operation.
    pub id: String,
    /// `file::put`.
    pub op: String,
    /// `/etc/motd`.
    pub target: String,
    /// Where it stood.
    pub at: String,
    /// The run that began it.
    pub run: String,
    /// What a look at the host says.
    pub end: UnsettledEnd,
}

/// What a look at the host says of an unfinished change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnsettledEnd {
    /// Reality is as wanted: it was done.
    Done,
    /// Reality is not as wanted: it is done again; in a plan it would be.
    Repeated,
    /// Still nobody knows: the run did not come across it.
    Open,
    /// Its playbook has it no more, or does not want it now.
    Dropped,
}
