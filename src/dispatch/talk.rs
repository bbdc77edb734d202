//! Holds one talk with a bank: the adapter says what to send, this sends it once and keeps every byte of the reply before it is read.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::task::spawn_blocking;
use wagegate_domain::{
    adapter::{Answer, Method, Operation, Reply, Request, Step},
    link::{Call, Came},
    sabotage::{self, Switch},
};

use super::StepError;
use crate::{
    banks::Bank,
    evidence::{Evidence, Kept},
    gateway::Gateway,
    killpoints::{answered, killpoint},
    store::{NewRaw, ReadTask, Recorded},
    transport::https::{
        Body, ByteStream, BytesLeft, InboundReply, OutboundRequest, SendError, Verb,
    },
};

/// How much of a reply the adapter sees to decide what it is.
const HEAD: u64 = 64 * 1024;
/// What a proxy says when the bank behind it is not there: 502, 503 and 504.
const AWAY: [u16; 3] = [502, 503, 504];
/// No bank needs more rounds for one operation.
const ROUNDS_MAX: usize = 8;

/// How a talk ended.
#[derive(Debug)]
pub(super) enum Heard {
    /// The bank answered; its last reply, unless empty, is in the evidence store.
    Answer { answer: Answer, reply: Option<Kept> },
    /// The bank answered, but its reply broke off: what came of it is in the evidence store.
    BrokenOff { reply: Option<Kept>, why: String },
    /// No answer.
    Silence { left: BytesLeft, why: String },
    /// This bank cannot do that.
    Unable,
}

/// What is handed in, and until when a piece of it may leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handed<'a> {
    pub(super) bytes: &'a Kept,
    /// A sender that was paused past this moment breaks off: others have been told by then that all that left had left.
    pub(super) until: Timestamp,
}

/// Talks; `instruction` is the stored body of every POST.
pub(super) async fn talk(
    gateway: &Gateway,
    bank: &Bank,
    operation: Operation,
    instruction: Option<Handed<'_>>,
) -> Result<Heard, StepError> {
    let spoken = operation.clone();
    let Some(mut step) = bank.adapter.begin(operation) else {
        return Ok(Heard::Unable);
    };
    gateway.vitals.talk(&spoken);
    let mut reply = None;
    for round in 0..ROUNDS_MAX {
        let (request, held) = match step {
            Step::Done(answer) => return Ok(Heard::Answer { answer, reply }),
            Step::Send { request, held } => (request, held),
        };
        killpoint("before_send");
        let called = bank
            .client
            .exchange(outbound(gateway, request, instruction))
            .await;
        let (code, at) = (&bank.adapter.profile().code, gateway.clock.now());
        let came = came(code, at, &called);
        note(gateway, code, Call { at, came }).await;
        let inbound = match called {
            Ok(inbound) => inbound,
            Err(error) => return Ok(silence(&error, round)),
        };
        killpoint("after_send");
        let (status, cursor) = (inbound.status, inbound.next_cursor.clone());
        let (kept, broken) = keep(&gateway.evidence, inbound).await?;
        killpoint("after_reply_kept");
        let head = match &kept {
            Some(kept) => head(&gateway.evidence, kept).await?,
            None => Vec::new(),
        };
        reply = kept;
        if let Some(why) = broken {
            return Ok(Heard::BrokenOff { reply, why });
        }
        step = bank.adapter.resume(
            held,
            &Reply {
                status,
                next_cursor: cursor.as_deref(),
                head: &head,
            },
        );
    }
    let why = format!("the talk did not end in {ROUNDS_MAX} rounds");
    Ok(Heard::BrokenOff { reply, why })
}

/// What a call came to, for everybody who may call that bank.
fn came(bank: &str, at: Timestamp, called: &Result<InboundReply, SendError>) -> Came {
    match called {
        Ok(reply) if AWAY.contains(&reply.status) => Came::Nothing {
            why: format!(
                "{bank}: status {}: what stands before the bank says that it is not there",
                reply.status
            ),
        },
        Ok(reply) => Came::Answer {
            skew_ms: reply
                .date
                .map(|date| date.as_millisecond() - at.as_millisecond()),
        },
        Err(error) => Came::Nothing {
            why: error.to_string(),
        },
    }
}

/// Tells all gateways what a call came to. A note that cannot be made is a note less, and never what becomes of the call itself.
async fn note(gateway: &Gateway, bank: &str, call: Call) {
    if let Err(error) = gateway.store.note_call(bank, &call).await {
        tracing::warn!(bank, %error, "what a call came to could not be noted");
    }
}

/// Writes a reply down as a document from this bank, unless it was empty; says whether it is new.
pub(super) async fn record_reply(
    gateway: &Gateway,
    (bank, origin): (&str, &'static str),
    instruction: Option<i64>,
    reply: Option<&Kept>,
    read: ReadTask,
) -> Result<Option<(i64, Recorded)>, StepError> {
    let Some(reply) = reply else { return Ok(None) };
    let raw = NewRaw {
        bank: bank.to_owned(),
        origin,
        instruction,
        hash: reply.hash,
        size: reply.size,
        at: gateway.clock.now(),
    };
    let recorded = gateway.store.record_raw(&raw, read).await?;
    answered(|| format!("raw {} {}", recorded.0, hex::encode(raw.hash)));
    killpoint("after_raw");
    gateway.work.notify_one();
    Ok(Some(recorded))
}

/// After an earlier round the bank has heard from us, whatever became of this one.
fn silence(error: &SendError, round: usize) -> Heard {
    let left = if sabotage::on(Switch::SilenceIsNothingLeft) {
        BytesLeft::No
    } else if round == 0 {
        error.bytes_left()
    } else {
        BytesLeft::Maybe
    };
    Heard::Silence {
        left,
        why: error.to_string(),
    }
}

fn outbound(
    gateway: &Gateway,
    request: Request,
    instruction: Option<Handed<'_>>,
) -> OutboundRequest {
    let (verb, body) = match (request.method, instruction) {
        (Method::Get, _) => (Verb::Get, Body::None),
        (Method::Post, None) => (Verb::Post, Body::None),
        (Method::Post, Some(handed)) => (
            Verb::Post,
            Body::Stream {
                length: handed.bytes.size,
                bytes: in_time(gateway, handed),
            },
        ),
    };
    let content_type = matches!(body, Body::Stream { .. }).then_some(request.content_type);
    OutboundRequest {
        verb,
        path: request.path,
        content_type,
        body,
    }
}

/// The bytes, as long as they may leave. A body that breaks off is shorter than it says, and no bank takes it.
fn in_time(gateway: &Gateway, handed: Handed<'_>) -> ByteStream {
    let (clock, until) = (Arc::clone(&gateway.clock), handed.until);
    let pieces = gateway.evidence.stream(handed.bytes.hash);
    Box::pin(pieces.map(move |piece| {
        if clock.now() > until && !sabotage::on(Switch::BodyAfterItsTime) {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "its sender was held up for too long",
            ));
        }
        piece
    }))
}

/// Keeps the body, or as much of it as came, and says why no more came.
async fn keep(
    evidence: &Evidence,
    reply: InboundReply,
) -> Result<(Option<Kept>, Option<String>), StepError> {
    let broken: Arc<Mutex<Option<String>>> = Arc::default();
    let note = Arc::clone(&broken);
    let pieces = reply.body.scan((), move |(), piece| {
        let piece = piece.map_err(|error| {
            *note.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        });
        std::future::ready(piece.ok().map(Ok::<_, io::Error>))
    });
    let kept = evidence.keep_stream(pieces, u64::MAX).await?;
    let why = broken.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(((kept.size > 0).then_some(kept), why))
}

async fn head(evidence: &Evidence, kept: &Kept) -> Result<Vec<u8>, StepError> {
    let reader = evidence.open_reader(kept.hash).await?;
    let read = spawn_blocking(move || {
        let mut head = Vec::new();
        reader.take(HEAD).read_to_end(&mut head).map(|_| head)
    });
    read.await?.map_err(StepError::Reading)
}
