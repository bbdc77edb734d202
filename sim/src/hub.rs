//! Where the gateway's effects meet the world: commits are asked about here, and requests wait here until the world lets them go on.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::oneshot;
use wagegate::transport::{
    https::{Body, InboundReply, OutboundRequest, ReplyBody, SendError, Verb},
    line::Line,
};

use crate::faults::{Chosen, Faults, Kind, Site};

/// No answer of a simulated bank is longer.
const CAP: u64 = 1 << 20;

/// A request that waits on the threshold.
#[derive(Debug)]
pub struct Call {
    /// The bank's code.
    pub bank: &'static str,
    /// What it asks.
    pub verb: Verb,
    /// Where.
    pub path: String,
    /// Its bytes.
    pub body: Bytes,
    /// Where the answer is awaited.
    pub answer: oneshot::Sender<Result<InboundReply, SendError>>,
}

/// A sender that is stopped before its first byte.
#[derive(Debug)]
pub struct Held {
    /// Why.
    pub chosen: Chosen,
    /// What lets it go on.
    pub go: oneshot::Sender<()>,
}

/// What a bank answered, as it arrives.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Next-Cursor`.
    pub cursor: Option<u64>,
    /// As much as arrives.
    pub body: Bytes,
    /// Whether the connection breaks behind it.
    pub broken: bool,
}

impl From<Answer> for InboundReply {
    fn from(answer: Answer) -> Self {
        let end = answer
            .broken
            .then(|| Err(std::io::Error::other("the connection broke")));
        let pieces = stream::iter([Ok(answer.body)].into_iter().chain(end));
        Self {
            status: answer.status,
            content_type: None,
            date: None,
            next_cursor: answer.cursor.map(|cursor| cursor.to_string()),
            body: ReplyBody::of(pieces, CAP),
        }
    }
}

/// What commits and calls share with the world.
#[derive(Debug)]
pub struct Hub(Mutex<State>);

/// What is known of the effects so far.
#[derive(Debug)]
pub struct State {
    /// The faults of this world.
    pub faults: Faults,
    /// True while a step runs: only its commits meet faults.
    pub armed: bool,
    /// Set by a fault that kills the process that runs.
    pub dead: Option<Chosen>,
    /// A request that just stopped on the threshold.
    pub call: Option<Call>,
    /// A sender that was just stopped before it.
    pub held: Option<Held>,
    /// Commits so far.
    pub commits: u64,
}

const COMMITS: &[(Kind, u64)] = &[
    (Kind::CrashBeforeCommit, 2),
    (Kind::CrashAfterCommit, 5),
    (Kind::CommitRefused, 2),
];

impl Hub {
    /// A hub for a world with these faults.
    pub fn new(faults: Faults) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            faults,
            armed: false,
            dead: None,
            call: None,
            held: None,
            commits: 0,
        })))
    }

    /// All of it, for a moment.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops a sender before its first byte, where the dice say so.
    fn hold_up(&self) -> Option<oneshot::Receiver<()>> {
        let mut state = self.state();
        let kinds = &[(Kind::HeldUp, 1)];
        let chosen = state.faults.choose(Site::Threshold, 250, kinds)?;
        let (go, wait) = oneshot::channel();
        state.held = Some(Held { chosen, go });
        Some(wait)
    }

    /// Whether the commit that is about to happen may.
    pub fn may_commit(&self) -> bool {
        let mut state = self.state();
        if state.dead.is_some() {
            return false;
        }
        let chosen = if state.armed {
            state.faults.choose(Site::Commit, 500, COMMITS)
        } else {
            None
        };
        let Some(chosen) = chosen else {
            state.commits += 1;
            return true;
        };
        state.faults.inject(chosen);
        match chosen.kind {
            Kind::CrashAfterCommit => {
                state.commits += 1;
                state.dead = Some(chosen);
                true
            }
            Kind::CommitRefused => false,
            _ => {
                state.dead = Some(chosen);
                false
            }
        }
    }
}

/// The way to one bank of a world.
pub struct SimLine {
    /// The bank's code.
    pub bank: &'static str,
    /// Where calls wait.
    pub hub: Arc<Hub>,
}

impl fmt::Debug for SimLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimLine")
            .field("bank", &self.bank)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Line for SimLine {
    async fn exchange(&self, request: OutboundRequest) -> Result<InboundReply, SendError> {
        let no_answer = |reason: &str| SendError::NoAnswer {
            bank: self.bank.to_owned(),
            reason: reason.to_owned(),
        };
        let body = match request.body {
            Body::None => Bytes::new(),
            Body::Stream { bytes, .. } => {
                if let Some(wait) = self.hub.hold_up() {
                    // Whoever drops the other end has killed this process.
                    wait.await.map_err(|_| no_answer("nobody lets it go on"))?;
                }
                let pieces: Vec<_> = bytes.collect().await;
                let pieces: Result<Vec<Bytes>, _> = pieces.into_iter().collect();
                let pieces = pieces.map_err(|_| no_answer("the instruction could not be read"))?;
                pieces.concat().into()
            }
        };
        let (answer, waiting) = oneshot::channel();
        self.hub.state().call = Some(Call {
            bank: self.bank,
            verb: request.verb,
            path: request.path,
            body,
            answer,
        });
        waiting
            .await
            .unwrap_or_else(|_| Err(no_answer("nobody answers")))
    }
}
