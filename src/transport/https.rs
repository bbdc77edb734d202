//! One call to a bank over mutual TLS: one request, one connection, one answer or an honest error.
//!
//! Nothing here retries, and nothing around it may: a request that got no answer may have paid ten thousand people. Whether to ask,
//! wait or give up is decided by whoever wrote the intent down, with `SendError::bytes_left` as evidence. For the same reason there is
//! no redirect, no proxy and no HTTP/2 (whose refused streams libraries repeat). And no connection is kept: each call checks the
//! bank's certificate anew, so that a revocation acts on the next call.

use std::{
    error::Error as _,
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::{Client, Method, Response, Url, header, redirect, retry};
use rustls::ClientConfig;
use thiserror::Error;

use super::line::Line;

/// Where one bank is and how long it may take.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The bank's code, for messages.
    pub bank: String,
    /// `https://host[:port][/prefix]`.
    pub base: String,
    /// Time to resolve, connect and finish the TLS handshake.
    pub connect: Duration,
    /// Time for the whole call, body of the answer included.
    pub whole: Duration,
    /// Largest answer taken, bytes.
    pub reply_cap: u64,
}

/// What to ask. There is no other method: nothing at a bank is changed or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
}

/// The body of a request.
pub enum Body {
    None,
    /// Exactly `length` bytes; a stream that ends early or errs breaks the call, and the bank may have seen a part.
    Stream {
        length: u64,
        bytes: ByteStream,
    },
}

/// Bytes in pieces.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// One call.
#[derive(Debug)]
pub struct OutboundRequest {
    pub verb: Verb,
    /// Path below the base, from `/`, with its query; only unreserved characters and `/?=&`.
    pub path: String,
    /// Of the body; none for `Body::None`.
    pub content_type: Option<&'static str>,
    pub body: Body,
}

/// The bank's answer; its body is still on the wire.
#[derive(Debug)]
pub struct InboundReply {
    pub status: u16,
    pub content_type: Option<String>,
    /// The sample banks' `Next-Cursor`, see docs/sample-banks.md.
    pub next_cursor: Option<String>,
    /// The bank's clock when it answered, where it told the time.
    pub date: Option<Timestamp>,
    pub body: ReplyBody,
}

/// The body of an answer as a stream of pieces; an error of kind `FileTooLarge` means it passed the cap.
pub struct ReplyBody {
    pieces: ByteStream,
    left: u64,
}

/// Whether the bank may have seen any of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BytesLeft {
    /// Proven: the connection was never ready for a request.
    No,
    /// Not proven: the bank may have all of it.
    Maybe,
}

/// A call without an answer.
#[derive(Debug, Error)]
pub enum SendError {
    /// The request itself is not sendable; mend the caller.
    #[error("{bank}: not sent: {reason}")]
    Unsendable { bank: String, reason: String },
    /// No connection: name, network, TLS, or the bank's certificate. Nothing left.
    #[error("{bank}: no connection, nothing was sent: {reason}")]
    NoConnection { bank: String, reason: String },
    /// The connection was ready and no answer came: lost, refused our certificate, or out of time.
    #[error("{bank}: no answer, the request may have arrived: {reason}")]
    NoAnswer { bank: String, reason: String },
}

impl SendError {
    /// Whether the bank may have seen any of the request.
    pub fn bytes_left(&self) -> BytesLeft {
        match self {
            Self::Unsendable { .. } | Self::NoConnection { .. } => BytesLeft::No,
            Self::NoAnswer { .. } => BytesLeft::Maybe,
        }
    }
}

/// Calls one bank.
#[derive(Debug, Clone)]
pub struct BankClient {
    endpoint: Endpoint,
    base: Url,
    client: Client,
}

impl BankClient {
    /// A client for one bank, with the TLS settings from `tls::client_config`.
    ///
    /// # Errors
    /// `Unsendable` when the base is not an `https` URL without query.
    pub fn new(endpoint: Endpoint, tls: ClientConfig) -> Result<Self, SendError> {
        let unsendable = |reason: String| SendError::Unsendable {
            bank: endpoint.bank.clone(),
            reason,
        };
        let base =
            Url::parse(&endpoint.base).map_err(|error| unsendable(format!("base URL: {error}")))?;
        if base.scheme() != "https" || base.query().is_some() || base.fragment().is_some() {
            return Err(unsendable(
                "base URL must be https://host[:port][/prefix]".into(),
            ));
        }
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .http1_only()
            .pool_max_idle_per_host(0)
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(endpoint.connect)
            .timeout(endpoint.whole)
            .build()
            .map_err(|error| unsendable(chain(&error)))?;
        Ok(Self {
            endpoint,
            base,
            client,
        })
    }

    fn build(&self, request: OutboundRequest) -> Result<reqwest::Request, SendError> {
        let method = match request.verb {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
        };
        let mut builder = self
            .client
            .request(method, self.url(&request.path)?)
            .header(header::CONNECTION, "close");
        if let Some(content_type) = request.content_type {
            builder = builder.header(header::CONTENT_TYPE, content_type);
        }
        if let Body::Stream { length, bytes } = request.body {
            // A stated length: banks' front ends often refuse chunked bodies, and a cut-off body is then visible to them.
            builder = builder
                .header(header::CONTENT_LENGTH, length)
                .body(reqwest::Body::wrap_stream(bytes));
        }
        builder
            .build()
            .map_err(|error| self.unsendable(chain(&error)))
    }

    /// Built from parts that cannot change the host: references from a sheet end up in paths.
    fn url(&self, path: &str) -> Result<Url, SendError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?=&".contains(&byte);
        let climbs = path.split(['/', '?']).any(|part| part == "..");
        if !path.starts_with('/') || path.starts_with("//") || climbs || !path.bytes().all(plain) {
            return Err(self.unsendable("path has characters that do not belong there".into()));
        }
        let whole = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        Url::parse(&whole).map_err(|error| self.unsendable(format!("path: {error}")))
    }

    fn reply(&self, response: Response) -> InboundReply {
        let text = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        InboundReply {
            status: response.status().as_u16(),
            content_type: text("content-type"),
            next_cursor: text("next-cursor"),
            date: text("date").and_then(|date| http_date(&date)),
            body: ReplyBody::of(
                response
                    .bytes_stream()
                    .map(|piece| piece.map_err(|error| io::Error::other(chain(&error)))),
                self.endpoint.reply_cap,
            ),
        }
    }

    /// `is_connect` is set only while a connection is being made, TLS included. With no kept connections every request waits for that,
    /// so nothing left. In TLS 1.3 a refusal of *our* certificate arrives after that, and the request may be on its way: no answer.
    fn failure(&self, error: &reqwest::Error) -> SendError {
        let (bank, reason) = (self.endpoint.bank.clone(), chain(error));
        if error.is_connect() {
            SendError::NoConnection { bank, reason }
        } else {
            SendError::NoAnswer { bank, reason }
        }
    }

    fn unsendable(&self, reason: String) -> SendError {
        SendError::Unsendable {
            bank: self.endpoint.bank.clone(),
            reason,
        }
    }
}

/// The date of an answer, such as `Sun, 06 Nov 1994 08:49:37 GMT`; older forms that no server sends any more tell nothing.
fn http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

#[async_trait]
impl Line for BankClient {
    async fn exchange(&self, request: OutboundRequest) -> Result<InboundReply, SendError> {
        let request = self.build(request)?;
        match self.client.execute(request).await {
            Ok(response) => Ok(self.reply(response)),
            Err(error) => Err(self.failure(&error)),
        }
    }
}

/// The error with its causes: reqwest's own text stops at "error sending request". The URL stays out, it holds references.
fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "out of time".to_owned()
    } else {
        "failed".to_owned()
    };
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

impl ReplyBody {
    /// Pieces as they come, `cap` bytes at most.
    pub fn of(pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static, cap: u64) -> Self {
        Self {
            pieces: Box::pin(pieces),
            left: cap,
        }
    }

    /// The whole body, for answers known to be short.
    ///
    /// # Errors
    /// The connection broke or the body passed the cap; the bank did answer.
    pub async fn collect(mut self) -> io::Result<Bytes> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next().await {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole.freeze())
    }
}

impl Stream for ReplyBody {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.pieces.as_mut().poll_next(context));
        Poll::Ready(next.map(|piece| self.within_cap(piece?)))
    }
}

impl ReplyBody {
    fn within_cap(&mut self, piece: Bytes) -> io::Result<Bytes> {
        let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(length).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the bank's answer is larger than the profile allows",
            )
        })?;
        Ok(piece)
    }
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyBody")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Stream { length, .. } => write!(f, "Stream({length} bytes)"),
        }
    }
}
