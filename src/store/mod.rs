//! What must not be forgotten, on SQLite or PostgreSQL: one trait whose methods are verbs of the trade, each one transaction with typed conflicts.
//!
//! The store knows nothing of clear names, numbers or files: people arrive sealed, bytes as hashes. It decides nothing that `domain` can decide.

mod booking;
pub mod postgres;

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use wagegate_domain::attempt::{Event, Forbidden, State};
use wagegate_domain::batch::{BatchState, ContentHash};
use wagegate_domain::fact::Told;
use wagegate_domain::ids::Region;
use wagegate_domain::indicator::Tally;
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::{KeyRule, Limits};
use wagegate_domain::reason::Reason;
use wagegate_domain::{Fen, PayMonth};

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

/// A region as imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionEntry {
    /// GB/T 2260 code.
    pub code: Region,
    /// Name.
    pub name: String,
    /// Projects under construction there, by the supervising department's count; `None` where not given.
    pub base_projects: Option<u32>,
}

/// A project as imported, with its special wage account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectEntry {
    /// Code on the supervision platform.
    pub code: String,
    /// Name.
    pub name: String,
    /// County.
    pub region: Region,
    /// General contractor's credit code.
    pub contractor_uscc: String,
    /// General contractor's name.
    pub contractor: String,
    /// Code of the bank that holds the special account.
    pub bank: String,
    /// Number of the special account.
    pub account: String,
    /// Name on the special account.
    pub account_name: String,
}

/// A special account's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFigures {
    /// Project it belongs to.
    pub project: String,
    /// Bank code.
    pub bank: String,
    /// Account number.
    pub account: String,
    /// What it holds by our books.
    pub balance: Fen,
    /// Of that, reserved for approved wages.
    pub reserved: Fen,
    /// What the bank's word has taken beyond what was free; nothing is reserved while it stands.
    pub overdrawn: Fen,
    /// Everything ever deposited.
    pub deposited: Fen,
}

/// Money that arrived on a special account, as the bank tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    /// Bank code.
    pub bank: String,
    /// Account number.
    pub account: String,
    /// Unique at the bank.
    pub reference: String,
    /// What arrived.
    pub amount: Fen,
    /// The bank's value date.
    pub value_date: Date,
}

/// Whether something was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was, and is kept now.
    New,
    /// The same came before: nothing was changed.
    Seen,
}

/// A batch about to be stored; count, total and hash were made from the same rows.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Public code, such as `B-2026-10-7K3M…`; unique.
    pub code: String,
    /// Project code.
    pub project: String,
    /// Month the wages are owed for.
    pub month: PayMonth,
    /// Hash of the uploaded file, in the evidence store.
    pub sheet: [u8; 32],
    /// Hash of the content that approvals bind.
    pub content: ContentHash,
    /// Number of rows.
    pub rows: u64,
    /// Their sum.
    pub total: Fen,
    /// Principal.
    pub prepared_by: String,
    /// When.
    pub at: Timestamp,
}

/// One wage row with its people sealed.
#[derive(Clone)]
pub struct SealedRow {
    /// Row in the sheet.
    pub row: u32,
    /// Keyed blind index of the identity number.
    pub worker_blind: [u8; 16],
    /// The identity number, sealed.
    pub worker_sealed: Vec<u8>,
    /// Keyed blind index of account, name and bank number together: one binding version.
    pub binding_blind: [u8; 16],
    /// Keyed blind index of the account alone, for matching a bank's document of last resort.
    pub account_blind: [u8; 16],
    /// Name and account, sealed.
    pub binding_sealed: Vec<u8>,
    /// Payee bank's number.
    pub cnaps: Option<String>,
    /// What is owed.
    pub amount: Fen,
}

impl fmt::Debug for SealedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedRow")
            .field("row", &self.row)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// Hands over rows in chunks; an empty chunk ends them.
#[async_trait]
pub trait RowSource: Send {
    /// The next chunk, at most a thousand rows, in row order.
    async fn next_chunk(&mut self) -> Result<Vec<SealedRow>, StoreError>;
}

/// A batch as it stands.
#[derive(Clone, Debug)]
pub struct BatchView {
    /// Store key.
    pub id: i64,
    /// Public code.
    pub code: String,
    /// Project code.
    pub project: String,
    /// Project name.
    pub project_name: String,
    /// The project's county.
    pub region: Region,
    /// Bank code of the special account.
    pub bank: String,
    /// Pay month.
    pub month: PayMonth,
    /// Where it stands.
    pub state: BatchState,
    /// What approvals bind.
    pub content: ContentHash,
    /// Number of rows.
    pub rows: u64,
    /// Their sum.
    pub total: Fen,
    /// Who prepared it.
    pub prepared_by: String,
    /// Who decided on it.
    pub decided_by: Option<String>,
    /// Its rows by place.
    pub tally: Tally,
}

/// An approver's word.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Batch code.
    pub batch: String,
    /// Content that the approver saw.
    pub content: ContentHash,
    /// Yes or no.
    pub approve: bool,
    /// Principal.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Kinds of work that wait in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskKind {
    /// Split an approved batch; subject: batch id.
    Plan,
    /// Build and send an instruction; subject: instruction id.
    Send,
    /// Ask a bank about an instruction; subject: instruction id.
    Query,
    /// Ask a bank for returns; subject: bank code.
    Collect,
    /// Read a raw document into facts; subject: raw id.
    Read,
}

impl TaskKind {
    /// All, in the order in which work is taken: first what may clear doubt, then what may pay.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Query,
        Self::Collect,
        Self::Send,
        Self::Plan,
    ];

    /// The name kept in the store.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Send => "send",
            Self::Query => "query",
            Self::Collect => "collect",
            Self::Read => "read",
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
}

/// What becomes of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is done and goes.
    Done,
    /// It is due again.
    Again(Timestamp),
}

/// An instruction with what is needed to build, send and ask about it.
#[derive(Clone, Debug)]
pub struct InstructionView {
    /// Store key.
    pub id: i64,
    /// Batch code.
    pub batch: String,
    /// Pay month, for the remark.
    pub month: PayMonth,
    /// Part of the batch, from 1.
    pub part: u32,
    /// Bank code.
    pub bank: String,
    /// The key under which the bank knows it.
    pub bank_key: String,
    /// Where it stands.
    pub state: State,
    /// Rows.
    pub rows: u32,
    /// Their sum.
    pub total: Fen,
    /// When it was planned: the time in its bytes.
    pub planned_at: Timestamp,
    /// Day of payment.
    pub value_date: Date,
    /// The special account.
    pub account: String,
    /// Name on it.
    pub account_name: String,
    /// Hash and size of its bytes, once intent is recorded.
    pub bytes: Option<([u8; 32], u64)>,
    /// How many of its attempts have no final word.
    pub open: u64,
    /// When a bank first had no record of it, while in doubt.
    pub not_known_since: Option<Timestamp>,
}

/// One payment of an instruction, sealed.
#[derive(Clone)]
pub struct SealedPayment {
    /// Row number in the instruction.
    pub sequence: u32,
    /// Blind index that the binding was sealed under.
    pub binding_blind: [u8; 16],
    /// Name and account, sealed.
    pub binding_sealed: Vec<u8>,
    /// Payee bank's number.
    pub cnaps: Option<String>,
    /// What is paid.
    pub amount: Fen,
}

impl fmt::Debug for SealedPayment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedPayment")
            .field("sequence", &self.sequence)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// A raw document to keep.
#[derive(Clone, Debug)]
pub struct NewRaw {
    /// Bank code.
    pub bank: String,
    /// How it came: `reply`, `query`, `collect` or `push`.
    pub origin: &'static str,
    /// The instruction that was asked about.
    pub instruction: Option<i64>,
    /// Hash of the bytes, in the evidence store.
    pub hash: [u8; 32],
    /// Their number.
    pub size: u64,
    /// When.
    pub at: Timestamp,
}

/// A raw document as kept.
#[derive(Clone, Debug)]
pub struct RawView {
    /// Store key.
    pub id: i64,
    /// Bank code.
    pub bank: String,
    /// Key of the instruction that was asked about.
    pub asked: Option<String>,
    /// Hash of the bytes.
    pub hash: [u8; 32],
    /// How many things said in it are recorded already.
    pub next_ordinal: u64,
}

/// One thing said, with its place in the document; the account, if any, only as blind index.
#[derive(Clone, Debug)]
pub struct Saying {
    /// Place in the document, from 0.
    pub ordinal: u64,
    /// What was said; `refs.account` is empty by now.
    pub told: Told,
    /// Blind index of the account that it named.
    pub account_blind: Option<[u8; 16]>,
}

/// How a chunk of sayings was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Facts that found their attempt.
    pub facts: u64,
    /// Outcomes that changed.
    pub changed: u64,
    /// Sayings that went to suspense.
    pub suspense: u64,
}

/// What grouping a report has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// One line for each prefecture.
    Prefecture,
    /// One line for each county.
    County,
    /// One line for each project.
    Project,
}

/// One line of the payment-rate report.
#[derive(Clone, Debug)]
pub struct RateLine {
    /// Region code, or project code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Region of the line.
    pub region: Region,
    /// Projects with a batch in the month.
    pub projects: u64,
    /// Base of the prefecture.
    pub base_projects: Option<u32>,
    /// Wage items by place.
    pub tally: Tally,
}

/// A wage item with where it stands; sealed where it names a person.
#[derive(Clone)]
pub struct ItemView {
    /// Batch code.
    pub batch: String,
    /// Row in the sheet.
    pub row: u32,
    /// Project code.
    pub project: String,
    /// Pay month.
    pub month: PayMonth,
    /// Region of the project.
    pub region: Region,
    /// Bank code; empty where never planned.
    pub bank: String,
    /// Instruction's key; empty where never planned.
    pub bank_key: String,
    /// Row number in the instruction; 0 where never planned.
    pub sequence: u32,
    /// Attempt number; 0 where never planned.
    pub attempt: u32,
    /// What is owed.
    pub amount: Fen,
    /// Where it stands.
    pub place: Place,
    /// Cause of a failure or return.
    pub reason: Option<Reason>,
    /// The bank's raw code and text for that cause.
    pub bank_code: Option<(String, String)>,
    /// Blind index that the binding was sealed under.
    pub binding_blind: [u8; 16],
    /// Name and account, sealed.
    pub binding_sealed: Vec<u8>,
}

impl fmt::Debug for ItemView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemView")
            .field("batch", &self.batch)
            .field("row", &self.row)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Which items a list shows.
#[derive(Clone, Debug, Default)]
pub struct ItemFilter {
    /// Of one batch.
    pub batch: Option<String>,
    /// Of one pay month.
    pub month: Option<PayMonth>,
    /// In these places only; empty for all.
    pub places: Vec<Place>,
}

/// Where a page of items ended: batch id and row.
pub type ItemCursor = (i64, u32);

/// Something in suspense.
#[derive(Clone, Debug)]
pub struct SuspenseView {
    /// Store key.
    pub id: i64,
    /// Bank code.
    pub bank: String,
    /// Raw document's hash.
    pub raw: [u8; 32],
    /// Place in the document.
    pub ordinal: u64,
    /// Why nothing matched.
    pub why: String,
    /// Amount named.
    pub amount: Option<Fen>,
    /// Since when.
    pub at: Timestamp,
}

/// One entry of the audit chain.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Gap-free number, from 1.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Principal, or `gateway`.
    pub who: String,
    /// Verb, such as `batch.approve`.
    pub action: String,
    /// Of what.
    pub subject: String,
    /// More, without any person's data.
    pub detail: String,
}

/// What a walk over the audit chain found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainCheck {
    /// Every entry follows from the one before.
    Whole {
        /// Number of entries.
        entries: u64,
    },
    /// The first entry that does not.
    BrokenAt {
        /// Its number.
        number: i64,
    },
}

/// What a recount from the rows found beside the kept figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recount {
    /// Batches counted.
    pub batches: u64,
    /// Differences, in words; empty when everything adds up.
    pub differences: Vec<String>,
}

/// The store. Every method is one transaction, `accept_batch` and `plan_batch` included.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// `sqlite` or `postgres`.
    fn engine(&self) -> &'static str;

    /// Adds or renames regions.
    async fn import_regions(
        &self,
        regions: &[RegionEntry],
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Adds or renames projects with their accounts; a project's account and bank never change here.
    async fn import_projects(
        &self,
        projects: &[ProjectEntry],
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// All projects, by code.
    async fn projects(&self) -> Result<Vec<ProjectEntry>, StoreError>;
    /// One project.
    async fn project(&self, code: &str) -> Result<ProjectEntry, StoreError>;
    /// Figures of every special account.
    async fn accounts(&self) -> Result<Vec<AccountFigures>, StoreError>;
    /// Books a deposit once.
    async fn record_deposit(
        &self,
        deposit: &Deposit,
        at: Timestamp,
    ) -> Result<Recorded, StoreError>;

    /// Stores a batch whole, or nothing of it.
    async fn accept_batch(
        &self,
        batch: &NewBatch,
        rows: &mut dyn RowSource,
    ) -> Result<BatchView, StoreError>;
    /// Approves (and reserves the funds) or rejects (and frees the workers for another sheet).
    async fn decide_batch(&self, decision: &Decision) -> Result<BatchView, StoreError>;
    /// One batch.
    async fn batch(&self, code: &str) -> Result<BatchView, StoreError>;
    /// Batches, newest first; all, or those of some projects.
    async fn batches(&self, month: Option<PayMonth>) -> Result<Vec<BatchView>, StoreError>;

    /// Makes sure that a recurring task exists.
    async fn ensure_task(
        &self,
        kind: TaskKind,
        subject: &str,
        due: Timestamp,
    ) -> Result<(), StoreError>;
    /// Takes the next due task under a lease.
    async fn claim_step(&self, now: Timestamp, lease_ms: i64) -> Result<Option<Claim>, StoreError>;
    /// When the next task is due, leased ones left out; `None` when there is none.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;
    /// Gives a task back without any other change.
    async fn finish(&self, claim: &Claim, next: Next) -> Result<(), StoreError>;

    /// Splits an approved batch: instructions, attempts, send tasks; the plan task is done. Rows that fit no instruction stay held.
    async fn plan_batch(
        &self,
        claim: &Claim,
        limits: Limits,
        key: KeyRule,
        bank_cnaps_prefix: &str,
        at: Timestamp,
        value_date: Date,
    ) -> Result<u32, StoreError>;
    /// One instruction.
    async fn instruction(&self, id: i64) -> Result<InstructionView, StoreError>;
    /// Instructions of a batch.
    async fn instructions(&self, batch: &str) -> Result<Vec<InstructionView>, StoreError>;
    /// Payments after a sequence number, in order, at most `limit`.
    async fn payments(
        &self,
        instruction: i64,
        after: u32,
        limit: u32,
    ) -> Result<Vec<SealedPayment>, StoreError>;
    /// Commits intent: bytes and hash are fixed from here on, and a byte may leave from here on. Fails where the bytes differ from an earlier intent.
    async fn record_intent(
        &self,
        claim: &Claim,
        instruction: i64,
        hash: [u8; 32],
        size: u64,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Records what happened to an instruction, moves its open items, and sets the tasks: the claim's own gets `next`; with `query_at`, a query is due then.
    /// A refusal writes a failed fact for every attempt, from the raw reply.
    async fn record_event(
        &self,
        claim: &Claim,
        instruction: i64,
        happening: &Happening,
        next: Next,
    ) -> Result<State, StoreError>;

    /// Keeps a raw document and makes it a task to read, unless the same bytes came before about the same thing.
    async fn record_raw(&self, raw: &NewRaw, read: ReadTask)
    -> Result<(i64, Recorded), StoreError>;
    /// A raw document.
    async fn raw(&self, id: i64) -> Result<RawView, StoreError>;
    /// Records a chunk of what a document says: facts, outcomes, attempts ended, tallies, account figures, suspense, all in one commit.
    /// Sayings already recorded are passed over.
    async fn record_facts(
        &self,
        claim: &Claim,
        raw: i64,
        sayings: &[Saying],
        at: Timestamp,
    ) -> Result<Taken, StoreError>;
    /// Ends the reading of a document; `broken` says why it could not be read to its end.
    async fn finish_raw(
        &self,
        claim: &Claim,
        raw: i64,
        broken: Option<&str>,
    ) -> Result<(), StoreError>;
    /// Where the last look for returns ended.
    async fn cursor(&self, bank: &str) -> Result<String, StoreError>;
    /// Moves the cursor on, with the claim.
    async fn move_cursor(
        &self,
        claim: &Claim,
        bank: &str,
        after: &str,
        next: Next,
    ) -> Result<(), StoreError>;

    /// The payment rate of a month.
    async fn rates(&self, month: PayMonth, level: Level) -> Result<Vec<RateLine>, StoreError>;
    /// Wage items, in batch and row order.
    async fn items(
        &self,
        filter: &ItemFilter,
        after: Option<ItemCursor>,
        limit: u32,
    ) -> Result<Vec<(ItemCursor, ItemView)>, StoreError>;
    /// Every attempt ever made and every item without one, for an outside audit, in batch, row and attempt order.
    async fn attempts(
        &self,
        after: Option<(ItemCursor, u32)>,
        limit: u32,
    ) -> Result<Vec<((ItemCursor, u32), ItemView)>, StoreError>;
    /// What is in suspense.
    async fn suspense(&self) -> Result<Vec<SuspenseView>, StoreError>;
    /// Counts everything again from the rows and compares with every kept figure: tallies, account figures, one live attempt an item.
    async fn recount(&self) -> Result<Recount, StoreError>;

    /// Appends to the audit chain.
    async fn audit(
        &self,
        at: Timestamp,
        who: &str,
        action: &str,
        subject: &str,
        detail: &str,
    ) -> Result<(), StoreError>;
    /// Walks the audit chain.
    async fn check_audit(&self) -> Result<ChainCheck, StoreError>;
    /// The newest entries.
    async fn audit_tail(&self, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
}

/// What happened to an instruction, with what follows from it.
#[derive(Clone, Debug)]
pub struct Happening {
    /// The event.
    pub event: Event,
    /// The raw reply that shows it.
    pub raw: Option<i64>,
    /// For a refusal: our reason and the bank's code and text.
    pub refusal: Option<(Reason, String, String)>,
    /// When a query shall be due because of it.
    pub query_at: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
}

/// Whether a raw document is to be read into facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadTask {
    /// It is a document: read it as soon as possible.
    Wanted,
    /// It is an answer that the talk has understood: keep it only.
    NotWanted,
}
