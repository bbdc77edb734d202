//! Work that waits in the store, and the lease under which one worker holds a piece of it.

use jiff::Timestamp;

/// Kinds of work that wait in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskKind {
    /// Look whether the money has come that a released batch waits for; subject: batch code.
    Fund,
    /// Split an approved batch; subject: batch code.
    Plan,
    /// Build and send an instruction; subject: instruction id.
    Send,
    /// Ask a bank about an instruction; subject: instruction id.
    Query,
    /// Ask a bank for returns; subject: bank code.
    Collect,
    /// Read a raw document into facts; subject: raw id.
    Read,
    /// End a batch that was not released in time; subject: batch code.
    Expire,
    /// Put a notice before everybody who subscribed to it; subject: notice id.
    Announce,
    /// Deliver what waits for a subscription; subject: webhook id.
    Deliver,
    /// Seal with the current key what was sealed with others; subject: `sealed`.
    Reseal,
}

impl TaskKind {
    /// All, in the order in which work is taken: first what may clear doubt, then what may pay, then what tells of it, then what keeps house.
    pub const ALL: [Self; 10] = [
        Self::Read,
        Self::Query,
        Self::Collect,
        Self::Send,
        Self::Fund,
        Self::Plan,
        Self::Expire,
        Self::Announce,
        Self::Deliver,
        Self::Reseal,
    ];

    /// The name kept in the store.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fund => "fund",
            Self::Plan => "plan",
            Self::Send => "send",
            Self::Query => "query",
            Self::Collect => "collect",
            Self::Read => "read",
            Self::Expire => "expire",
            Self::Announce => "announce",
            Self::Deliver => "deliver",
            Self::Reseal => "reseal",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// A task held under a lease; every write that belongs to it shows the fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Store key of the task.
    pub task: i64,
    /// What to do.
    pub kind: TaskKind,
    /// About what.
    pub subject: String,
    /// Goes up with each claim; a write with an older one is refused.
    pub fence: i64,
    /// True where an earlier holder's lease ran out: whatever it began may have happened.
    pub taken_over: bool,
    /// Steps in a row before this one that failed on our side; a holder that did not come back is one.
    pub failures: u32,
}

/// Why a step counts as failed whose lease ran out.
pub(super) const NOT_BACK: &str = "its worker did not come back before its lease ended";

/// What becomes of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is done and goes.
    Done,
    /// It is due again.
    Again(Timestamp),
}
