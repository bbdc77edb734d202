//! Takes work from the store, one bounded step at a time: fund, plan, send, ask, collect. Reading what came back is `reconcile`.
//!
//! A step is claimed under a lease with a fence, and every write it makes shows the fence. Nothing here sleeps to wait for work and
//! nothing repeats a send: what a step could not do, a later step finds in the store.

mod build;
mod collect;
pub mod doubts;
mod expire;
mod fund;
mod mark;
mod plan;
pub mod preview;
mod query;
pub mod restored;
mod send;
mod talk;
mod wages;
mod window;

use std::{fmt, future::Future, io, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use wagegate_domain::adapter::EncodeError;

use crate::{
    banks::UnknownBank,
    evidence::EvidenceError,
    gateway::Gateway,
    killpoints::killpoint,
    reconcile, rotation,
    security::seal::VaultError,
    store::{Claim, StepFailure, StoreError, TaskKind, rest_after},
    webhooks,
};

pub use build::BuildError;
pub use mark::{Mark, MarkError};
pub use send::SEND_WITHIN;
pub use wages::WagesError;
pub(crate) use window::moment;

/// Takes steps; any number of workers may share one store.
#[derive(Debug, Clone)]
pub struct Worker {
    gateway: Arc<Gateway>,
    lease: Duration,
    round: Round,
}

/// Which work a worker takes.
#[derive(Debug, Clone, Copy)]
enum Round {
    Banks,
    Post,
}

/// What one step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Something was done; there may be more.
    Did(TaskKind),
    /// Nothing is due before the moment given, if any.
    Idle(Option<Timestamp>),
}

/// A step that could not be finished; its task was given back and is due again later.
#[derive(Debug, Error)]
pub enum StepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error("kept evidence cannot be read: {0}")]
    Reading(io::Error),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Bank(#[from] UnknownBank),
    #[error("instruction {instruction} cannot be built, nothing was sent: {source}")]
    Build {
        instruction: i64,
        source: BuildError,
    },
    #[error("a task has a subject that is not understood: {0}")]
    Subject(String),
    #[error(transparent)]
    Keys(rotation::RotationError),
    #[error("a blocking task ended early: {0}")]
    Ended(#[from] tokio::task::JoinError),
}

impl Worker {
    /// A worker that holds each task for `lease` at a time and renews it while it is at work.
    pub fn new(gateway: Arc<Gateway>, lease: Duration) -> Self {
        Self {
            gateway,
            lease,
            round: Round::Banks,
        }
    }

    /// A worker that tells others what happened, and does nothing else: a receiver that hangs never keeps a wage waiting.
    pub fn courier(gateway: Arc<Gateway>, lease: Duration) -> Self {
        Self {
            gateway,
            lease,
            round: Round::Post,
        }
    }

    /// Takes the next due task and does it, or says when to look again.
    ///
    /// # Errors
    /// The step failed on our side; nothing is lost and nothing will be sent twice because of it.
    pub async fn step(&self) -> Result<Progress, StepError> {
        let store = &self.gateway.store;
        let (now, lease_ms) = (self.now(), self.lease_ms());
        killpoint("before_claim");
        let (claimed, next) = match self.round {
            Round::Banks => (store.claim_step(now, lease_ms).await?, store.next_due()),
            Round::Post => (store.claim_post(now, lease_ms).await?, store.next_post()),
        };
        let Some(claim) = claimed else {
            return Ok(Progress::Idle(next.await?));
        };
        killpoint("after_claim");
        let done = self.holding(&claim, self.perform(&claim)).await;
        match done {
            Ok(()) => Ok(Progress::Did(claim.kind)),
            Err(error) => Err(self.give_back(&claim, error).await),
        }
    }

    async fn perform(&self, claim: &Claim) -> Result<(), StepError> {
        let gateway = &*self.gateway;
        match claim.kind {
            TaskKind::Fund => fund::fund(gateway, claim).await,
            TaskKind::Plan => plan::plan(gateway, claim).await,
            TaskKind::Send => send::send(gateway, claim).await,
            TaskKind::Query => query::query(gateway, claim).await,
            TaskKind::Collect => collect::collect(gateway, claim).await,
            TaskKind::Read => reconcile::read(gateway, claim).await,
            TaskKind::Expire => expire::expire(gateway, claim).await,
            TaskKind::Announce => webhooks::announce(gateway, claim).await,
            TaskKind::Deliver => webhooks::deliver(gateway, claim).await,
            TaskKind::Reseal => rotation::reseal(gateway, claim).await,
        }
    }

    /// Renews the lease while the work goes on: a long return or a slow bank is not a dead worker. Both are polled side by side, because a
    /// renewal may wait for a lock that the work itself holds.
    async fn holding<T>(&self, claim: &Claim, work: impl Future<Output = T>) -> T {
        let renewing = async {
            loop {
                tokio::time::sleep(self.lease / 3).await;
                let until = self.now() + SignedDuration::from_millis(self.lease_ms());
                // A lease that cannot be renewed runs out, and then the fence refuses this worker's writes: reported there.
                if let Err(error) = self.gateway.store.renew(claim, until).await {
                    tracing::warn!(task = claim.task, %error, "a lease could not be renewed");
                }
            }
        };
        tokio::select! {
            done = work => done,
            () = renewing => unreachable!("renewing never ends"),
        }
    }

    async fn give_back(&self, claim: &Claim, error: StepError) -> StepError {
        if matches!(error, StepError::Store(StoreError::Stale)) {
            return error;
        }
        let at = self.now();
        self.gateway.vitals.step_failed(claim.kind);
        if error.is_full() {
            self.gateway.vitals.disk_full(at);
        }
        let why = error.to_string();
        let again = at + rest_after(claim.failures.saturating_add(1));
        let failed = StepFailure { at, why };
        if let Err(second) = self.gateway.store.give_back(claim, again, &failed).await {
            tracing::warn!(task = claim.task, error = %second, "a task could not be given back; it is taken again when its lease runs out");
        }
        error
    }

    fn now(&self) -> Timestamp {
        self.gateway.clock.now()
    }

    fn lease_ms(&self) -> i64 {
        i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX)
    }
}

/// The instruction or document that a task is about.
pub(crate) fn subject_id(claim: &Claim) -> Result<i64, StepError> {
    claim
        .subject
        .parse()
        .map_err(|_| StepError::Subject(claim.subject.clone()))
}

impl StepError {
    /// True where a disk has no room: the evidence's or the database's.
    fn is_full(&self) -> bool {
        match self {
            Self::Store(error) => error.is_full(),
            Self::Evidence(error) => matches!(error, EvidenceError::Full { .. }),
            Self::Build { source, .. } => match source {
                BuildError::Store(error) => error.is_full(),
                BuildError::Evidence(error) => matches!(error, EvidenceError::Full { .. }),
                BuildError::Encode(EncodeError::Io(error)) => {
                    error.kind() == io::ErrorKind::StorageFull
                }
                BuildError::Encode(_)
                | BuildError::Vault(_)
                | BuildError::ContentDiffers(_)
                | BuildError::Decode(_)
                | BuildError::Differs(_)
                | BuildError::Stored(_)
                | BuildError::Ended(_) => false,
            },
            Self::Reading(error) => error.kind() == io::ErrorKind::StorageFull,
            Self::Vault(_) | Self::Bank(_) | Self::Subject(_) | Self::Keys(_) | Self::Ended(_) => {
                false
            }
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Did(kind) => f.write_str(kind.code()),
            Self::Idle(_) => f.write_str("idle"),
        }
    }
}
