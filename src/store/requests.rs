//! Requests under a key that their caller chose: the first is done, the same again is answered as the first was. Why it is so: docs/adr/0007-idempotency.md.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;

/// Whose request it is, and under which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestKey<'a> {
    /// Principal.
    pub principal: &'a str,
    /// Which version of the principal asks: its role and scope decide what the answer may show.
    pub version: u32,
    /// What the caller chose; unique among this principal's acts.
    pub key: &'a str,
}

/// How a key stands when a request comes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is this request's: do it.
    Ours(RequestClaim),
    /// Another request under it is being done.
    Running {
        /// Until when that one is believed to live.
        until: Timestamp,
    },
    /// It was done.
    Answered {
        answer: Answer,
        /// Which version of the principal it was done for.
        version: u32,
    },
}

/// The right to answer for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestClaim {
    pub(super) id: i64,
    /// An earlier request under the key never came to its end; what it did, if anything, is not known.
    pub taken_over: bool,
}

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Hash of the request: method, address, query and body.
    pub content: [u8; 32],
    /// HTTP status.
    pub status: u16,
    /// The headers that matter, in the caller's own form.
    pub headers: String,
    /// `None` where it was too long to keep, or not to be kept.
    pub body: Option<Vec<u8>>,
}

/// What is remembered of requests.
#[async_trait]
pub trait Requests: Send + Sync {
    /// Takes the key for a request until `lease_until`, unless another has it; and forgets some of what came before `forget_before`.
    async fn begin_request(
        &self,
        key: RequestKey<'_>,
        now: Timestamp,
        lease_until: Timestamp,
        forget_before: Timestamp,
    ) -> Result<Begun, StoreError>;
    /// Holds the key longer: a long upload is not a dead one.
    async fn hold_request(
        &self,
        claim: RequestClaim,
        lease_until: Timestamp,
    ) -> Result<(), StoreError>;
    /// Keeps the answer for good.
    async fn answer_request(&self, claim: RequestClaim, answer: &Answer) -> Result<(), StoreError>;
    /// Gives the key back: the request was refused and changed nothing.
    async fn release_request(&self, claim: RequestClaim) -> Result<(), StoreError>;
}
