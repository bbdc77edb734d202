//! The way to one bank: one request, one answer or an honest error. Over the wire it is [`super::https::BankClient`]; a simulation has its own.

use std::fmt::Debug;

use async_trait::async_trait;

use super::https::{InboundReply, OutboundRequest, SendError};

/// Calls one bank, once for each request: an implementation never repeats one.
#[async_trait]
pub trait Line: Debug + Send + Sync {
    /// Makes one call.
    ///
    /// # Errors
    /// No answer; [`SendError::bytes_left`] says whether the bank may have seen the request. Any status is an answer.
    async fn exchange(&self, request: OutboundRequest) -> Result<InboundReply, SendError>;
}
