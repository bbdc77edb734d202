//! Why a store did not do what was asked: the engine failed, the worker is late, or a rule of the trade stands against it.

use wagegate_domain::Fen;
use wagegate_domain::attempt::Forbidden;
use wagegate_domain::batch::BatchState;

/// A store could not do what was asked; unless a variant says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed or the schema is newer than this program.
    #[error("the database schema cannot be used: {0}")]
    Schema(String),
    /// No such thing.
    #[error("there is no {what} {key}")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// What was looked for.
        key: String,
    },
    /// Somebody else holds the task now: this worker is late and must do nothing.
    #[error("this worker's lease ran out and another has taken the task")]
    Stale,
    /// The domain forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The rules of batches and approvals forbid it.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// What is stored contradicts itself: stop and look.
    #[error("the store contradicts itself: {0}")]
    Broken(String),
}

/// A rule of the trade that stands against a request; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Workers who already have a wage for this project and month.
    #[error("{count} workers already have a wage for this project and month; the first is in row {} (also in batch {})", first.row, first.other_batch)]
    AlreadyOwed {
        /// How many rows.
        count: u64,
        /// The first of them.
        first: OwedTwice,
        /// Up to a thousand of them.
        rows: Vec<OwedTwice>,
    },
    /// The rows did not add up to the head.
    #[error("the rows stored do not add up to the rows read: try again")]
    RowsDiffer,
    /// The batch is not awaiting this.
    #[error("the batch is {}, not awaiting approval", state.code())]
    NotAwaiting {
        /// Where it stands.
        state: BatchState,
    },
    /// Preparer and approver are one person (invariant 17).
    #[error("who prepared a batch may not decide on it: a second person must")]
    SamePerson,
    /// The approver saw something else (invariant 5).
    #[error("the batch's content is not what you approve: read it again")]
    ContentDiffers,
    /// The special account does not hold enough (invariant 6).
    #[error("the special account lacks {short} yuan: {available} yuan are free")]
    FundsShort {
        /// What is missing.
        short: Fen,
        /// What is free now.
        available: Fen,
    },
    /// Somebody has this name.
    #[error("{uri} is known already")]
    AlreadyKnown {
        /// Whose name it is.
        uri: String,
    },
    /// Nobody would be left who can let others in.
    #[error("the last active operator cannot be suspended")]
    LastOperator,
    /// Some gateway could not open what is sealed with this key.
    #[error("sealing key {id} is not known to {}", gateways.join(", "))]
    KeyUnknown {
        /// The key.
        id: u32,
        /// Who does not have it.
        gateways: Vec<String>,
    },
    /// Something still needs this key.
    #[error("sealing key {id} cannot be removed: {why}")]
    KeyNeeded {
        /// The key.
        id: u32,
        /// What needs it.
        why: String,
    },
    /// The same reference came before with other content.
    #[error("reference {reference} came before with another amount or account")]
    ReferenceReused {
        /// The bank's reference.
        reference: String,
    },
}

/// A row whose worker already has a wage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedTwice {
    /// Row in the sheet.
    pub row: u32,
    /// The batch that has it.
    pub other_batch: String,
}
