//! One worker of one gateway, driven by hand: its step runs until it is done, dies at a commit, or stops on the threshold of a call.

use std::{fmt, future::Future, pin::Pin, sync::Arc, task::Poll};

use tokio::sync::oneshot;
use wagegate::{
    dispatch::{Progress, StepError, Worker},
    transport::https::{InboundReply, SendError},
};

use crate::{
    faults::{Chosen, Kind},
    hub::{Answer, Call, Held, Hub},
};

/// A step under way.
pub type Running = Pin<Box<dyn Future<Output = Result<Progress, StepError>>>>;

/// How a piece of work ended, for now.
#[derive(Debug)]
pub enum Ended<T> {
    /// It is done.
    Done(T),
    /// Its process died at a commit.
    Died(Chosen),
    /// It waits for a bank.
    Calls(Call),
    /// It is stopped before the first byte of an instruction.
    Held(Held),
}

/// What a slot is about.
#[derive(Debug)]
pub enum Work {
    /// Nothing; not before this moment of the world, where there is one.
    Rests(Option<i64>),
    /// A call.
    Waits(Box<Waiting>),
}

/// What lets a step go on.
#[derive(Debug)]
pub enum Wake {
    /// The answer to its call.
    Answer(
        oneshot::Sender<Result<InboundReply, SendError>>,
        Result<Answer, SendError>,
    ),
    /// It was stopped before its first byte, when its own clock showed this.
    GoOn(oneshot::Sender<()>, i64),
}

/// A step that waits.
pub struct Waiting {
    /// The step.
    pub step: Running,
    /// For what.
    pub wake: Wake,
    /// When it is there.
    pub at: i64,
    /// The task it holds, with its fence.
    pub claim: Option<(i64, i64)>,
    /// The fault that counts when the lease was lost meanwhile.
    pub late: Option<Kind>,
}

/// One worker of one gateway.
#[derive(Debug)]
pub struct Slot {
    /// Which gateway.
    pub gate: usize,
    /// The worker.
    pub worker: Worker,
    /// What it does.
    pub work: Work,
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Slot {
    /// A step that begins now.
    pub fn begin(&self) -> Running {
        let worker = self.worker.clone();
        Box::pin(async move { worker.step().await })
    }
}

/// Runs a piece of work as far as it comes. A process that died does nothing more: the caller drops the work.
pub async fn drive<T>(
    hub: &Arc<Hub>,
    mut work: Pin<&mut (impl Future<Output = T> + ?Sized)>,
) -> Ended<T> {
    hub.state().armed = true;
    let ended = std::future::poll_fn(|context| {
        if let Some(died) = hub.state().dead.take() {
            return Poll::Ready(Ended::Died(died));
        }
        let polled = work.as_mut().poll(context);
        let mut state = hub.state();
        let (call, held) = (state.call.take(), state.held.take());
        match (
            state.dead.take(),
            polled,
            call.map(Ended::Calls).or(held.map(Ended::Held)),
        ) {
            (Some(died), _, _) => Poll::Ready(Ended::Died(died)),
            (None, Poll::Ready(done), _) => Poll::Ready(Ended::Done(done)),
            (None, Poll::Pending, Some(stopped)) => Poll::Ready(stopped),
            (None, Poll::Pending, None) => Poll::Pending,
        }
    });
    let ended = ended.await;
    hub.state().armed = false;
    ended
}
