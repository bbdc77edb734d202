//! Three steps by three people, and how a batch ends without being sent: what they say, what is kept of it, and what they look at before.

use async_trait::async_trait;
use jiff::Timestamp;
use wagegate_domain::Fen;
use wagegate_domain::batch::{Act, BatchState, ContentHash, NotNow};

use super::chain::Print;
use super::columns::Columns;
use super::funds::Lack;
use super::{
    AccountFigures, BatchView, Claim, Conflict, Funding, NoticeKind, SealedRow, StoreError,
};

/// Somebody's word on a batch.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Batch code.
    pub batch: String,
    /// What they say.
    pub says: Says,
    /// Principal.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What somebody says of a batch.
#[derive(Clone, Debug)]
pub enum Says {
    /// The wages are right.
    Review {
        /// The content that the reviewer saw.
        content: ContentHash,
    },
    /// They may go to the bank.
    Release {
        /// The content that the releaser saw.
        content: ContentHash,
        /// Not split before then, so that the release can be taken back.
        plan_at: Timestamp,
    },
    /// They may not.
    Refuse {
        /// What the clerk has to mend.
        reason: String,
    },
    /// The clerks take it back.
    Withdraw {
        /// Why, if they say so.
        reason: Option<String>,
    },
    /// The release is taken back.
    Undo {
        /// Why, if they say so.
        reason: Option<String>,
        /// Not released again by then, it expires.
        expires_at: Timestamp,
    },
}

impl Says {
    /// What it does to the batch.
    pub const fn act(&self) -> Act {
        match self {
            Self::Review { .. } => Act::Review,
            Self::Release { .. } => Act::Release,
            Self::Refuse { .. } => Act::Refuse,
            Self::Withdraw { .. } => Act::Withdraw,
            Self::Undo { .. } => Act::Undo,
        }
    }

    /// The content that must be the batch's own.
    pub const fn content(&self) -> Option<ContentHash> {
        match self {
            Self::Review { content } | Self::Release { content, .. } => Some(*content),
            Self::Refuse { .. } | Self::Withdraw { .. } | Self::Undo { .. } => None,
        }
    }

    /// Why, for those who read it later.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refuse { reason } => Some(reason),
            Self::Withdraw { reason } | Self::Undo { reason, .. } => reason.as_deref(),
            Self::Review { .. } | Self::Release { .. } => None,
        }
    }
}

/// A step as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Prepare,
    Review,
    Release,
    /// The money of a release that fell short has come and is reserved.
    Fund,
    /// By one second person, before there were reviews.
    Approve,
    Refuse,
    Withdraw,
    Undo,
    Expire,
    /// The rows were found to be others than those released.
    Differ,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 10] = [
        Self::Prepare,
        Self::Review,
        Self::Release,
        Self::Fund,
        Self::Approve,
        Self::Refuse,
        Self::Withdraw,
        Self::Undo,
        Self::Expire,
        Self::Differ,
    ];

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Review => "review",
            Self::Release => "release",
            Self::Fund => "fund",
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Withdraw => "withdraw",
            Self::Undo => "undo",
            Self::Expire => "expire",
            Self::Differ => "differ",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.code() == code)
    }

    /// The step of an act that is kept as one; being split is none.
    pub(super) const fn of(act: Act) -> Option<Self> {
        match act {
            Act::Review => Some(Self::Review),
            Act::Release => Some(Self::Release),
            Act::Fund => Some(Self::Fund),
            Act::Refuse => Some(Self::Refuse),
            Act::Withdraw => Some(Self::Withdraw),
            Act::Undo => Some(Self::Undo),
            Act::Expire => Some(Self::Expire),
            Act::Differ => Some(Self::Differ),
            Act::Plan => None,
        }
    }

    /// The step before it that its row must name.
    pub(super) const fn after(self) -> Option<Self> {
        match self {
            Self::Review => Some(Self::Prepare),
            Self::Release => Some(Self::Review),
            Self::Fund => Some(Self::Release),
            Self::Prepare
            | Self::Approve
            | Self::Refuse
            | Self::Withdraw
            | Self::Undo
            | Self::Expire
            | Self::Differ => None,
        }
    }
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepTaken {
    /// 1, and one more each time that a release was taken back.
    pub round: u32,
    pub step: Step,
    pub by: String,
    pub at: Timestamp,
    /// What the batch came to, for whoever took the step.
    pub content: ContentHash,
    pub reason: Option<String>,
}

/// A document that stands behind a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BehindBatch {
    pub kind: EvidenceKind,
    /// Of its bytes, in the evidence store.
    pub hash: [u8; 32],
    pub size: u64,
    pub by: String,
    pub at: Timestamp,
}

/// What such a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceKind {
    /// The wage table with the workers' signatures.
    SignedTable,
    Attendance,
    Contract,
    Other,
}

impl EvidenceKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::SignedTable,
        Self::Attendance,
        Self::Contract,
        Self::Other,
    ];

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignedTable => "signed_table",
            Self::Attendance => "attendance",
            Self::Contract => "contract",
            Self::Other => "other",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// What happened to a batch so far, and what stands behind it.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// In the order in which they were taken.
    pub steps: Vec<StepTaken>,
    pub evidence: Vec<BehindBatch>,
}

/// How a worker's pay differs from the project's last released month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Paid now and not then.
    New,
    /// Paid then, and not on any sheet of the project now.
    Gone,
    /// Another amount.
    Amount,
    /// Another card.
    Card,
}

impl Difference {
    /// All, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::New, Self::Gone, Self::Amount, Self::Card];

    /// The name shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Amount => "amount",
            Self::Card => "card",
        }
    }

    /// Reads back what [`Self::code`] gave.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// A batch against the project's last released month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// That month; `None` where the project never released one, and everybody is new.
    pub against: Option<wagegate_domain::PayMonth>,
    /// Workers and wages of that month.
    pub before: (u64, Fen),
    /// Workers of one kind, what they were paid then, and what they are to be paid now.
    pub kinds: [(u64, Fen, Fen); 4],
}

/// One worker whose pay differs, sealed.
#[derive(Clone)]
pub struct ChangedRow {
    /// What differs; a worker may be listed for their amount and for their card.
    pub kind: Difference,
    /// Store key of the worker: where a page of one kind ends.
    pub worker: i64,
    /// Row in the sheet; `None` for somebody who is gone.
    pub row: Option<u32>,
    pub before: Option<Fen>,
    pub now: Option<Fen>,
    /// Blind index and sealed binding of then and of now.
    pub binding_before: Option<([u8; 16], Vec<u8>)>,
    pub binding_now: Option<([u8; 16], Vec<u8>)>,
}

impl std::fmt::Debug for ChangedRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangedRow")
            .field("kind", &self.kind)
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

/// Where a page of changes ended.
pub type ChangeCursor = (Difference, i64);

/// The approval of batches.
#[async_trait]
pub trait Approvals: Send + Sync {
    /// Takes one step: a release reserves the funds and asks for a plan, or waits for funds where the account holds too little; its undoing
    /// gives both back, an end frees the workers for another sheet. What was said is kept in the same commit.
    async fn decide(&self, decision: &Decision) -> Result<BatchView, StoreError>;
    /// Reserves the funds of a released batch that waits for them, where the account holds enough now, and asks for its plan at `plan_at`; else it
    /// is looked at again later.
    async fn fund_batch(
        &self,
        claim: &Claim,
        plan_at: Timestamp,
        at: Timestamp,
    ) -> Result<Funding, StoreError>;
    /// Special accounts that lack money for what was released, the longest wait first, a hundred at most.
    async fn short_accounts(&self) -> Result<Vec<AccountFigures>, StoreError>;
    /// Ends a batch whose time for a release has run out; the task of a batch that no longer awaits one is done.
    async fn expire_batch(&self, claim: &Claim, at: Timestamp) -> Result<BatchState, StoreError>;
    /// Holds a batch whose rows are not what was released: its instructions that have not been sent are not sent, and the claim's task is done.
    async fn hold_differing(
        &self,
        claim: &Claim,
        batch: &str,
        difference: &str,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Codes of the batches held so.
    async fn differing_batches(&self) -> Result<Vec<String>, StoreError>;
    /// What happened to a batch.
    async fn story(&self, batch: &str) -> Result<Story, StoreError>;
    /// Puts a document behind a batch; a second time changes nothing.
    async fn attach(&self, batch: &str, evidence: &BehindBatch) -> Result<(), StoreError>;
    /// The rows of a batch after a row number, in order, at most `limit`, as they are stored now.
    async fn rows_of(
        &self,
        batch: &str,
        after: u32,
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError>;
    /// A batch against the project's last released month.
    async fn changes(&self, batch: &str) -> Result<Changes, StoreError>;
    /// Who differs: of one kind, or of all one after the other.
    async fn changed_rows(
        &self,
        batch: &str,
        kind: Option<Difference>,
        after: Option<ChangeCursor>,
        limit: u32,
    ) -> Result<Vec<ChangedRow>, StoreError>;
}

impl Decision {
    /// What becomes of the batch as it stands, or the rule against it; `steps` are those of its round.
    pub(super) fn allowed(
        &self,
        batch: &BatchView,
        steps: &[StepTaken],
    ) -> Result<BatchState, Conflict> {
        let act = self.says.act();
        let next = batch.state.on(act).map_err(Conflict::NotNow)?;
        // One that a second person approved before there were reviews could not be released again.
        if act == Act::Undo && !steps.iter().any(|taken| taken.step == Step::Release) {
            let state = batch.state;
            return Err(Conflict::NotNow(NotNow { state, act }));
        }
        if let Some(had) = self.same_person(act, steps) {
            return Err(Conflict::SamePerson { had });
        }
        // Also where somebody before saw another content than the batch has now.
        if let Some(content) = self.says.content()
            && (content != batch.content || steps.iter().any(|taken| taken.content != content))
        {
            return Err(Conflict::ContentDiffers);
        }
        Ok(next)
    }

    /// The step of this round that stands against this person's taking another: three steps, three people. Whoever prepared a batch withdraws
    /// it and does not refuse it; stopping what one released oneself is always open.
    fn same_person(&self, act: Act, steps: &[StepTaken]) -> Option<Step> {
        let bars = |step: Step| match act {
            Act::Review | Act::Release => {
                matches!(step, Step::Prepare | Step::Review | Step::Release)
            }
            Act::Refuse => step == Step::Prepare,
            Act::Fund | Act::Withdraw | Act::Undo | Act::Expire | Act::Plan | Act::Differ => false,
        };
        steps
            .iter()
            .find(|taken| taken.by == self.by && bars(taken.step))
            .map(|taken| taken.step)
    }

    /// What is kept of it; with a release, what its account lacked for it.
    pub(super) fn taken(
        &self,
        batch: &BatchView,
        lack: Option<Lack>,
    ) -> Result<StepTaken, StoreError> {
        let act = self.says.act();
        let step =
            Step::of(act).ok_or_else(|| StoreError::Broken(format!("{act:?} is no step")))?;
        Ok(StepTaken {
            round: batch.round,
            step,
            by: self.by.clone(),
            at: self.at,
            content: batch.content,
            reason: self
                .says
                .reason()
                .map(str::to_owned)
                .or(lack.map(Lack::words)),
        })
    }
}

impl StepTaken {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            round: row.number("round")?,
            step: row.parsed("step", Step::from_code)?,
            by: row.text("by_whom")?,
            at: row.moment("at")?,
            content: ContentHash(row.array("content")?),
            reason: row.maybe_text("reason")?,
        })
    }

    /// A step that nobody said.
    pub(super) fn by_itself(
        step: Step,
        batch: &BatchView,
        who: &str,
        at: Timestamp,
        reason: Option<String>,
    ) -> Self {
        Self {
            round: batch.round,
            step,
            by: who.to_owned(),
            at,
            content: batch.content,
            reason,
        }
    }

    /// The audit log's verb and detail. What people gave as their reason stays with the batch: it is free text.
    pub(super) fn audited(&self, batch: &BatchView) -> (&'static str, String) {
        let content = format!("round {}, content {}", self.round, batch.content);
        match self.step {
            Step::Prepare => ("batch.submit", content),
            Step::Review => ("batch.review", content),
            Step::Release | Step::Approve => match &self.reason {
                Some(lack) => ("batch.release", format!("{content}: {lack}")),
                None => ("batch.release", content),
            },
            Step::Fund => ("batch.fund", content),
            Step::Refuse => ("batch.refuse", content),
            Step::Withdraw => ("batch.withdraw", content),
            Step::Undo => ("batch.undo", content),
            Step::Expire => ("batch.expire", content),
            Step::Differ => {
                let difference = self.reason.as_deref().unwrap_or_default();
                ("batch.content-differs", format!("{content}: {difference}"))
            }
        }
    }
}

impl StepTaken {
    /// What those who subscribed are told of it.
    pub(super) const fn told(&self) -> NoticeKind {
        match self.step {
            Step::Prepare => NoticeKind::BatchSubmitted,
            Step::Review => NoticeKind::BatchReviewed,
            Step::Release | Step::Approve => NoticeKind::BatchReleased,
            Step::Fund => NoticeKind::BatchFunded,
            Step::Refuse => NoticeKind::BatchRefused,
            Step::Withdraw => NoticeKind::BatchWithdrawn,
            Step::Undo => NoticeKind::BatchUndone,
            Step::Expire => NoticeKind::BatchExpired,
            Step::Differ => NoticeKind::BatchDiffers,
        }
    }
}

impl BehindBatch {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            kind: row.parsed("kind", EvidenceKind::from_code)?,
            hash: row.array("hash")?,
            size: row.number("size")?,
            by: row.text("by_whom")?,
            at: row.moment("at")?,
        })
    }

    /// What the audit log keeps of it.
    pub(super) fn print(&self) -> [u8; 32] {
        Print::of(&[self.kind.code(), &hex::encode(self.hash)])
    }

    /// The audit log's detail.
    pub(super) fn audited(&self) -> String {
        format!("{} {}", self.kind.code(), hex::encode(self.hash))
    }
}

impl Story {
    /// In order; what a new round carries over is told once.
    pub(super) fn of(mut steps: Vec<StepTaken>, evidence: Vec<BehindBatch>) -> Self {
        steps.retain(|taken| {
            taken.round == 1 || !matches!(taken.step, Step::Prepare | Step::Review)
        });
        let place = |step: Step| Step::ALL.iter().position(|other| *other == step);
        steps.sort_by_key(|taken| (taken.round, taken.at, place(taken.step)));
        Self { steps, evidence }
    }
}
