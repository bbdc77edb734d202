//! From what a bank sent to facts: raw bytes first, then read into the store chunk by chunk. What the facts mean is folded there.

mod read;
mod words;

use std::io;

use bytes::Bytes;
use futures_util::Stream;
use thiserror::Error;

use crate::{
    evidence::EvidenceError,
    gateway::Gateway,
    store::{NewRaw, ReadTask, Recorded, StoreError},
};

pub(crate) use read::read;

/// Largest document that a bank may push, bytes; a million results are a third of it.
pub const PUSH_CAP: u64 = 2 * 1024 * 1024 * 1024;

/// A pushed document was not taken; the bank pushes it again.
#[derive(Debug, Error)]
pub enum PushError {
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the document is empty")]
    Empty,
}

/// Takes a document that `bank` pushed: kept and written down before it is read (invariant 12).
///
/// # Errors
/// It broke off, was too large or empty, or could not be kept; nothing of it counts.
pub async fn receive_push(
    gateway: &Gateway,
    bank: &str,
    body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Result<Recorded, PushError> {
    let kept = gateway.evidence.keep_stream(body, PUSH_CAP).await?;
    if kept.size == 0 {
        return Err(PushError::Empty);
    }
    let raw = NewRaw {
        bank: bank.to_owned(),
        origin: "push",
        instruction: None,
        hash: kept.hash,
        size: kept.size,
        at: gateway.clock.now(),
    };
    let (_, recorded) = gateway.store.record_raw(&raw, ReadTask::Wanted).await?;
    gateway.work.notify_one();
    Ok(recorded)
}
