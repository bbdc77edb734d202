//! What is told to others: what happened, without people, in the transaction that did it; who wants to know; and every try to tell them.

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Url;
use serde_json::{Map, Value};

use super::chain::Print;
use super::{Claim, StoreError};
use crate::security::{
    access::{Action, Target},
    principal::Principal,
};

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    BatchSubmitted,
    BatchReviewed,
    BatchReleased,
    /// The money of a release that fell short has come and is reserved.
    BatchFunded,
    BatchRefused,
    /// Taken back by who prepared it.
    BatchWithdrawn,
    /// Its release was taken back before anything was planned.
    BatchUndone,
    /// Nobody released it in time.
    BatchExpired,
    /// Its rows are not what was released: nothing more of it is sent.
    BatchDiffers,
    /// No wage of it waits for the bank's word any more.
    BatchSettled,
    /// Sending has begun; what the bank has of it is told next.
    InstructionSent,
    InstructionAccepted,
    InstructionRefused,
    InstructionInDoubt,
    /// Count, sum and reasons of the wages that failed in one piece of one document.
    WageFailed,
    /// The same of those that came back.
    WageReturned,
    /// A release that its special account does not cover: the batch waits for the money.
    AccountShort,
    /// Cards that a bank's word made invalid, by reason.
    CardInvalid,
    /// Somebody proposed what to take an instruction in doubt for; a second person is needed.
    DoubtProposed,
    /// Two people decided what to take it for.
    DoubtDecided,
    /// A try, asked for by somebody who subscribed.
    WebhookTest,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 21] = [
        Self::BatchSubmitted,
        Self::BatchReviewed,
        Self::BatchReleased,
        Self::BatchFunded,
        Self::BatchRefused,
        Self::BatchWithdrawn,
        Self::BatchUndone,
        Self::BatchExpired,
        Self::BatchDiffers,
        Self::BatchSettled,
        Self::InstructionSent,
        Self::InstructionAccepted,
        Self::InstructionRefused,
        Self::InstructionInDoubt,
        Self::WageFailed,
        Self::WageReturned,
        Self::AccountShort,
        Self::CardInvalid,
        Self::DoubtProposed,
        Self::DoubtDecided,
        Self::WebhookTest,
    ];

    /// As it is stored and told.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BatchSubmitted => "batch.submitted",
            Self::BatchReviewed => "batch.reviewed",
            Self::BatchReleased => "batch.released",
            Self::BatchFunded => "batch.funded",
            Self::BatchRefused => "batch.refused",
            Self::BatchWithdrawn => "batch.withdrawn",
            Self::BatchUndone => "batch.undone",
            Self::BatchExpired => "batch.expired",
            Self::BatchDiffers => "batch.differs",
            Self::BatchSettled => "batch.settled",
            Self::InstructionSent => "instruction.sent",
            Self::InstructionAccepted => "instruction.accepted",
            Self::InstructionRefused => "instruction.refused",
            Self::InstructionInDoubt => "instruction.in_doubt",
            Self::WageFailed => "wage.failed",
            Self::WageReturned => "wage.returned",
            Self::AccountShort => "account.short",
            Self::CardInvalid => "card.invalid",
            Self::DoubtProposed => "doubt.proposed",
            Self::DoubtDecided => "doubt.decided",
            Self::WebhookTest => "webhook.test",
        }
    }

    /// The kind of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        // As it was called while a shortage refused the release: notices and subscriptions of then are still there.
        if code == "funds.short" {
            return Some(Self::AccountShort);
        }
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// Fields of a notice beside batch, month, project, region and bank; codes, counts and sums, never anything of a person.
pub(super) type Details = Map<String, Value>;

/// Details of a few fields.
pub(super) fn details<const N: usize>(fields: [(&str, Value); N]) -> Details {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A notice as it was written.
#[derive(Clone, Debug)]
pub struct NoticeView {
    pub id: i64,
    pub kind: NoticeKind,
    /// Project code; empty for a test.
    pub project: String,
    /// The project's county.
    pub region: String,
    /// JSON.
    pub data: String,
    pub at: Timestamp,
}

/// What part of the world a subscription is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Everything,
    /// A region by its GB/T 2260 code or a prefix of it.
    Region(String),
    /// A project, with its county.
    Project {
        code: String,
        region: String,
    },
}

impl Part {
    /// As a target of access.
    pub fn target(&self) -> Target<'_> {
        match self {
            Self::Everything => Target::Gateway,
            Self::Region(code) => Target::Region(code),
            Self::Project { code, region } => Target::Project { code, region },
        }
    }

    fn holds(&self, notice: &NoticeView) -> bool {
        match self {
            Self::Everything => true,
            Self::Region(prefix) => notice.region.starts_with(prefix.as_str()),
            Self::Project { code, .. } => notice.project == *code,
        }
    }
}

/// A subscription about to be kept.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Its public name, and what its secrets are sealed to.
    pub code: [u8; 16],
    pub part: Part,
    pub url: String,
    /// Empty for all.
    pub kinds: Vec<NoticeKind>,
    /// Authority of the receiver's certificate, PEM; the system's where absent.
    pub ca: Option<String>,
    /// Its secret, sealed.
    pub secret: Vec<u8>,
}

/// A subscription as it stands, without its secrets.
#[derive(Clone, Debug)]
pub struct WebhookView {
    pub id: i64,
    pub code: [u8; 16],
    pub owner: String,
    pub part: Part,
    pub url: String,
    /// Empty for all.
    pub kinds: Vec<NoticeKind>,
    pub ca: Option<String>,
    pub paused: bool,
    /// Tries without success since the last success.
    pub failures: u32,
    /// Until when the secret before the last change signs too.
    pub former_until: Option<Timestamp>,
    pub at: Timestamp,
}

impl WebhookView {
    /// Where its address leads, without what may be a secret in it: receivers take tokens in path and query.
    pub fn host(&self) -> String {
        let url = Url::parse(&self.url).ok();
        let host = url.as_ref().and_then(Url::host_str);
        host.unwrap_or_default().to_owned()
    }

    /// What the audit log keeps of it; never a secret.
    pub(super) fn print(&self) -> [u8; 32] {
        let former = self.former_until.map(|at| at.to_string());
        Print::of(&[
            &hex::encode(self.code),
            &self.owner,
            &format!("{:?}", self.part),
            &self.url,
            &stored_kinds(&self.kinds),
            self.ca.as_deref().unwrap_or_default(),
            if self.paused { "paused" } else { "active" },
            &former.unwrap_or_default(),
        ])
    }
}

pub(super) fn stored_kinds(kinds: &[NoticeKind]) -> String {
    let codes: Vec<_> = kinds.iter().map(|kind| kind.code()).collect();
    codes.join(" ")
}

pub(super) fn kinds_from_stored(stored: &str) -> Option<Vec<NoticeKind>> {
    stored
        .split_whitespace()
        .map(NoticeKind::from_code)
        .collect()
}

/// What becomes of a subscription.
#[derive(Clone, Debug)]
pub enum WebhookChange {
    /// Nothing is delivered any more; it waits.
    Pause,
    /// What waits is delivered at once.
    Resume,
    /// Another secret, sealed; the one before signs too until then.
    Rotate { secret: Vec<u8>, until: Timestamp },
}

impl WebhookChange {
    /// The audit log's word for it.
    pub(super) const fn action(&self) -> &'static str {
        match self {
            Self::Pause => "webhook.pause",
            Self::Resume => "webhook.resume",
            Self::Rotate { .. } => "webhook.rotate",
        }
    }
}

/// A subscription with whoever made it, as the notices are seen by.
#[derive(Clone, Debug)]
pub struct Subscriber {
    pub webhook: WebhookView,
    /// Absent where nobody has that name or they are suspended.
    pub owner: Option<Principal>,
}

impl Subscriber {
    /// Whether this notice is among what the subscription asks for, and its owner may know of it now.
    pub fn sees(&self, notice: &NoticeView) -> bool {
        let target = Target::Project {
            code: &notice.project,
            region: &notice.region,
        };
        let asked = self.webhook.kinds.is_empty() || self.webhook.kinds.contains(&notice.kind);
        let owner = self.owner.as_ref();
        match notice.kind {
            NoticeKind::WebhookTest => owner.is_some(),
            NoticeKind::BatchSubmitted
            | NoticeKind::BatchReviewed
            | NoticeKind::BatchReleased
            | NoticeKind::BatchFunded
            | NoticeKind::BatchRefused
            | NoticeKind::BatchWithdrawn
            | NoticeKind::BatchUndone
            | NoticeKind::BatchExpired
            | NoticeKind::BatchDiffers
            | NoticeKind::BatchSettled
            | NoticeKind::InstructionSent
            | NoticeKind::InstructionAccepted
            | NoticeKind::InstructionRefused
            | NoticeKind::InstructionInDoubt
            | NoticeKind::WageFailed
            | NoticeKind::WageReturned
            | NoticeKind::AccountShort
            | NoticeKind::CardInvalid
            | NoticeKind::DoubtProposed
            | NoticeKind::DoubtDecided => {
                asked
                    && self.webhook.part.holds(notice)
                    && owner.is_some_and(|owner| owner.may(Action::ManageWebhooks, target).is_ok())
            }
        }
    }
}

/// What waits for one subscription.
#[derive(Clone, Debug)]
pub struct Round {
    pub subscriber: Subscriber,
    /// The secret, and the one before it while that still signs; sealed.
    pub secrets: Vec<Vec<u8>>,
    pub due: Vec<Due>,
}

/// One delivery that is due.
#[derive(Clone, Debug)]
pub struct Due {
    pub delivery: i64,
    /// Tries so far.
    pub tries: u32,
    pub notice: NoticeView,
}

/// What came of a try.
#[derive(Clone, Debug)]
pub struct Tried {
    pub at: Timestamp,
    /// The receiver's status; absent where no answer came.
    pub status: Option<u16>,
    /// The beginning of the answer, or why none came.
    pub answer: String,
    pub then: Then,
}

/// What becomes of a delivery after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It arrived.
    Delivered,
    /// It is tried again.
    Again {
        at: Timestamp,
        /// The receiver itself is not well: nothing else is sent to it before.
        rests_until: Option<Timestamp>,
    },
    /// It is not tried any more.
    GivenUp,
}

/// A delivery with its tries.
#[derive(Clone, Debug)]
pub struct DeliveryView {
    pub id: i64,
    pub notice: i64,
    pub kind: NoticeKind,
    /// `waiting`, `delivered` or `given_up`.
    pub state: String,
    /// When it is tried next, while it waits.
    pub next_at: Option<Timestamp>,
    pub at: Timestamp,
    /// Oldest first.
    pub tries: Vec<TryView>,
}

/// A try that was made.
#[derive(Clone, Debug)]
pub struct TryView {
    pub at: Timestamp,
    pub status: Option<u16>,
    pub answer: String,
}

/// What is to be delivered once more.
#[derive(Clone, Copy, Debug)]
pub enum Replay {
    /// One notice.
    Notice(i64),
    /// Everything since a moment.
    Since(Timestamp),
}

/// How much waits, for health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Post {
    pub waiting: u64,
    pub given_up: u64,
}

/// Subscriptions and deliveries; what people change is in the audit log with who changed it.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Keeps a new subscription.
    async fn subscribe(
        &self,
        new: &NewWebhook,
        owner: &str,
        at: Timestamp,
    ) -> Result<WebhookView, StoreError>;
    /// Subscriptions after an id, in order, at most `limit`.
    async fn webhooks(&self, after: i64, limit: u32) -> Result<Vec<WebhookView>, StoreError>;
    /// One subscription.
    async fn webhook(&self, code: &[u8; 16]) -> Result<WebhookView, StoreError>;
    /// Pauses, resumes or gives another secret.
    async fn change_webhook(
        &self,
        code: &[u8; 16],
        change: &WebhookChange,
        by: &str,
        at: Timestamp,
    ) -> Result<WebhookView, StoreError>;
    /// Deliveries of a subscription below an id, newest first, at most `limit`.
    async fn deliveries(
        &self,
        webhook: i64,
        below: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeliveryView>, StoreError>;
    /// Puts notices down for delivery once more, those that the subscription sees; gives how many, ten thousand at most.
    async fn replay(
        &self,
        code: &[u8; 16],
        what: Replay,
        by: &str,
        at: Timestamp,
    ) -> Result<u64, StoreError>;
    /// Puts a test down for delivery to one subscription; gives the notice's id.
    async fn try_webhook(
        &self,
        code: &[u8; 16],
        by: &str,
        at: Timestamp,
    ) -> Result<i64, StoreError>;

    /// Takes the next due task of the post (announce, deliver), which no other worker takes.
    async fn claim_post(&self, now: Timestamp, lease_ms: i64) -> Result<Option<Claim>, StoreError>;
    /// When the next task of the post can be taken.
    async fn next_post(&self) -> Result<Option<Timestamp>, StoreError>;
    /// Puts a notice down for everybody who sees it; the task is done. Gives how many that were.
    async fn announce(&self, claim: &Claim, notice: i64, at: Timestamp) -> Result<u64, StoreError>;
    /// What is due for a subscription, oldest first, at most `limit`.
    async fn due_deliveries(
        &self,
        webhook: i64,
        now: Timestamp,
        limit: u32,
    ) -> Result<Round, StoreError>;
    /// Writes a try down.
    async fn record_try(
        &self,
        claim: &Claim,
        delivery: i64,
        tried: &Tried,
    ) -> Result<(), StoreError>;
    /// Ends a round: the task is due again when something waits and the subscription is not paused. While the receiver fails, what has waited since before `too_old` is given up.
    async fn end_round(
        &self,
        claim: &Claim,
        webhook: i64,
        now: Timestamp,
        too_old: Timestamp,
    ) -> Result<(), StoreError>;
    /// What waits and what was given up.
    async fn post(&self) -> Result<Post, StoreError>;
}
