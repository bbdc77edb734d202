//! What must not be forgotten, on SQLite or PostgreSQL: one trait whose methods are verbs of the trade, each one transaction with typed conflicts.
//!
//! The store knows nothing of clear names, numbers or files: people arrive sealed, bytes as hashes. It decides nothing that `domain` can decide.

mod approval;
mod auditing;
mod batch;
mod booking;
mod cards;
mod chain;
mod changed;
mod columns;
mod document;
mod doubts;
mod enrolment;
mod error;
mod funds;
pub mod identities;
mod instruction;
mod kept;
mod link;
mod moves;
mod notice;
mod pages;
pub mod postgres;
mod prints;
mod project;
mod recounted;
mod register;
mod registry;
mod requests;
mod rotation;
mod sends;
pub mod sqlite;
mod standing;
mod subscribers;
mod task;
mod troubles;
mod versions;
mod view;

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use wagegate_domain::PayMonth;
use wagegate_domain::attempt::State;

pub use approval::{
    Approvals, BehindBatch, ChangeCursor, ChangedRow, Changes, Decision, Difference, EvidenceKind,
    Says, Step, StepTaken, Story,
};
pub use auditing::{AuditEntry, AuditFilter, AuditHead, Auditing, ChainCheck, ChainFault};
pub use batch::{BatchView, NewBatch, RowSource, SealedRow};
pub use document::{NewRaw, RawView, ReadTask, Saying, SuspenseView, Taken};
pub use doubts::{
    ContradictedView, DoubtRefused, DoubtSays, DoubtStep, DoubtTaken, DoubtView, DoubtWord, Doubts,
    Finding, Means, Question,
};
pub use enrolment::Elsewhere;
pub use error::{Conflict, OwedTwice, StoreError};
pub use funds::{Funding, Shortage, Waiting};
pub use identities::Identities;
pub use instruction::{Happening, InstructionView, Plan, SealedPayment};
pub use kept::KeptDocument;
pub use link::{
    FAILING, FailingTask, Figures, LinkView, Links, StepFailure, TaskFigures, rest_after,
};
pub use notice::{
    DeliveryView, Due, NewWebhook, NoticeKind, NoticeView, Part, Post, Replay, Round, Subscriber,
    Then, Tried, TryView, WebhookChange, WebhookView, Webhooks,
};
pub use pages::{Pages, Within};
pub use project::{AccountFigures, Deposit, ProjectEntry, Recorded, RegionEntry};
pub use register::{ProjectFault, ProjectFlaw};
pub use registry::{
    CardRuling, CardView, CardWord, ContractorEntry, Registered, Registry, RosterFilter,
    RosterSource, SealedCard, SealedProfile, SealedWorker, Speaker, Stay, VersionView,
    WorkerRecord, WorkerView,
};
pub use requests::{Answer, Begun, RequestClaim, RequestKey, Requests};
pub use rotation::{
    CurrentKey, GatewayKeys, KeyReport, Resealing, Rotation, RowMark, RowsByKey, SEALED,
    SealedAnew, SealedPlace, SealedValue,
};
pub use sends::{Restored, Sends};
pub use standing::{Asked, LeftOut, OnRoster, Remarks, RowKey, Standing, Standings, Warning};
pub use task::{Claim, Next, TaskKind};
pub use view::{ItemCursor, ItemFilter, ItemView, Level, RateLine, Recount};

/// The store. Every method is one transaction, `accept_batch` and `plan_batch` included.
#[async_trait]
pub trait Store:
    Approvals
    + Auditing
    + Doubts
    + Identities
    + Links
    + Pages
    + Registry
    + Requests
    + Rotation
    + Sends
    + Standings
    + Webhooks
    + Send
    + Sync
    + fmt::Debug
{
    /// `sqlite` or `postgres`.
    fn engine(&self) -> &'static str;

    /// Adds or renames regions; the same again changes nothing.
    async fn import_regions(
        &self,
        regions: &[RegionEntry],
        by: &str,
        at: Timestamp,
    ) -> Result<Registered, StoreError>;
    /// All regions, by code.
    async fn regions(&self) -> Result<Vec<RegionEntry>, StoreError>;
    /// Adds or renames projects with their accounts; a project's account and bank never change.
    async fn import_projects(
        &self,
        projects: &[ProjectEntry],
        by: &str,
        at: Timestamp,
    ) -> Result<Registered, StoreError>;
    /// One project.
    async fn project(&self, code: &str) -> Result<ProjectEntry, StoreError>;
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
    /// One batch.
    async fn batch(&self, code: &str) -> Result<BatchView, StoreError>;

    /// Makes sure that a recurring task exists.
    async fn ensure_task(
        &self,
        kind: TaskKind,
        subject: &str,
        due: Timestamp,
    ) -> Result<(), StoreError>;
    /// Takes the next due task under a lease.
    async fn claim_step(&self, now: Timestamp, lease_ms: i64) -> Result<Option<Claim>, StoreError>;
    /// Holds a task longer: a long piece of work is not a dead worker.
    async fn renew(&self, claim: &Claim, until: Timestamp) -> Result<(), StoreError>;
    /// When the next task can be taken: when it is due, or when the lease on it runs out; `None` when there is none.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;
    /// Gives a task back without any other change.
    async fn finish(&self, claim: &Claim, next: Next) -> Result<(), StoreError>;

    /// Splits a released batch: instructions, attempts, send tasks; the plan task is done. Rows that fit no instruction stay held.
    async fn plan_batch(&self, claim: &Claim, plan: &Plan<'_>) -> Result<u32, StoreError>;
    /// Gives an instruction another day of payment. What has bytes or is not planned keeps its day, and the claim is stale.
    async fn redate(&self, claim: &Claim, instruction: i64, day: Date) -> Result<(), StoreError>;
    /// One instruction.
    async fn instruction(&self, id: i64) -> Result<InstructionView, StoreError>;
    /// Instructions of a batch.
    async fn instructions(&self, batch: &str) -> Result<Vec<InstructionView>, StoreError>;
    /// When the oldest instruction in doubt was planned.
    async fn oldest_in_doubt(&self) -> Result<Option<Timestamp>, StoreError>;
    /// Payments after a sequence number, in order, at most `limit`.
    async fn payments(
        &self,
        instruction: i64,
        after: u32,
        limit: u32,
    ) -> Result<Vec<SealedPayment>, StoreError>;
    /// Commits intent: bytes and hash are fixed from here on, and a byte may leave from here on; gives the number of the send. Fails where the bytes differ
    /// from an earlier intent, and with [`StoreError::WentBack`] where the database knows fewer sends than were `witnessed`.
    /// Nothing of a batch that is held leaves, nor what must be asked about first: then the task is taken away, and the claim is stale.
    async fn record_intent(
        &self,
        claim: &Claim,
        instruction: i64,
        bytes: ([u8; 32], u64),
        witnessed: i64,
        at: Timestamp,
    ) -> Result<i64, StoreError>;
    /// Records what happened to an instruction, moves its open items, and sets the tasks: the claim's own gets `next`; with `query_at`, a query is due then;
    /// with `send_at`, it is sent then.
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
    /// Sayings already recorded are passed over; a chunk holds ten thousand at most.
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
    /// Every attempt ever made on these projects and every item without one, of all months or one, for an outside audit, in batch, row and attempt order. A batch
    /// that was closed unsent owes nobody and is left out.
    async fn attempts(
        &self,
        within: &Within,
        month: Option<PayMonth>,
        after: Option<(ItemCursor, u32)>,
        limit: u32,
    ) -> Result<Vec<((ItemCursor, u32), ItemView)>, StoreError>;
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
}
