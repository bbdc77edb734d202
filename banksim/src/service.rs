//! The bank's mutual-TLS service: who may call, which call is which, and the faults that strike calls.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Bytes, Data, Path, Query};
use actix_web::{Error, HttpResponse, HttpResponseBuilder, error};
use futures_util::stream::{self, StreamExt};
use serde::Deserialize;
use tokio::sync::Notify;

use crate::bank::{Bank, Between, Progress};
use crate::dialect::{Dialect, Reply};
use crate::fault::{Call, Fault, FaultKind, Faults};
use crate::identity::Caller;
use crate::push::{PushError, Pusher};

// 100,000 rows of pain.001 with every field filled; more is not an instruction.
const LARGEST_BODY: usize = 128 << 20;

/// What the two servers and the pushing share.
#[derive(Debug)]
pub struct Shared {
    /// The bank.
    pub bank: Mutex<Bank>,
    /// Faults asked for.
    pub faults: Mutex<Faults>,
    /// The one caller let in.
    pub gateway: String,
    /// Rung when something may wait in the outbox.
    pub wake: Notify,
    /// Where instructions are kept as they came, if anywhere.
    pub received: Option<PathBuf>,
    /// The way to the gateway, if the bank pushes; held while sending so that pushes keep their order.
    pub pusher: Option<tokio::sync::Mutex<Pusher>>,
}

impl Shared {
    /// The bank, for a moment; never across an await.
    pub fn bank(&self) -> MutexGuard<'_, Bank> {
        self.bank.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults, for a moment.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what waits in the outbox.
    ///
    /// # Errors
    /// The first push that did not arrive; the rest still waits.
    pub async fn push_waiting(&self) -> Result<u32, PushError> {
        match &self.pusher {
            Some(pusher) => pusher.lock().await.send_waiting(&self.bank).await,
            None => Ok(0),
        }
    }
}

/// Adds the paths of a dialect to the service.
pub fn configure(config: &mut web::ServiceConfig, dialect: Dialect) {
    let instruction = web::resource(format!("{}/{{reference}}", dialect.instructions_path()))
        .app_data(web::PayloadConfig::new(LARGEST_BODY))
        .wrap(from_fn(only_the_gateway))
        .route(web::post().to(submit))
        .route(web::get().to(query));
    let notices = web::resource(dialect.notices_path())
        .wrap(from_fn(only_the_gateway))
        .route(web::get().to(collect));
    config.service(instruction).service(notices);
}

async fn only_the_gateway(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let caller = request
        .request()
        .conn_data::<Caller>()
        .and_then(|caller| caller.0.as_deref());
    let gateway = request
        .app_data::<Data<Shared>>()
        .map(|shared| shared.gateway.as_str());
    if caller.is_none() || caller != gateway {
        return Err(error::ErrorForbidden(
            "this certificate's name is not the gateway's\n",
        ));
    }
    next.call(request).await
}

#[derive(Deserialize)]
struct After {
    after: u64,
}

/// Which days a query is about; all where it does not say.
#[derive(Deserialize)]
struct Days {
    from: Option<String>,
    to: Option<String>,
}

/// In the form of a day; one that no month has is before or after others all the same.
pub(crate) fn is_day(text: &str) -> bool {
    let form = |(place, byte): (usize, u8)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(form)
}

async fn submit(shared: Data<Shared>, reference: Path<String>, body: Bytes) -> HttpResponse {
    if let Some(folder) = &shared.received {
        // The reference is a part of a path of ours only where it is a reference.
        let name: String = reference
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        if let Err(error) = std::fs::write(folder.join(name), &body) {
            eprintln!("--received: {error}");
        }
    }
    let act = |bank: &mut Bank, rename: Rename| {
        let taking = bank.submit(&reference, &body);
        bank.dialect.taking(&rename(&reference), &taking)
    };
    answer(&shared, Call::Submit, act).await
}

async fn query(shared: Data<Shared>, reference: Path<String>, days: Query<Days>) -> HttpResponse {
    let between = match days.into_inner() {
        Days {
            from: None,
            to: None,
        } => None,
        Days {
            from: Some(from),
            to: Some(to),
        } if is_day(&from) && is_day(&to) && from <= to => Some(Between { from, to }),
        Days { .. } => {
            return HttpResponse::BadRequest()
                .body("from and to come together, as days such as 2026-11-02\n");
        }
    };
    let act = |bank: &mut Bank, rename: Rename| {
        let mut progress = bank.query(&reference, between.as_ref());
        if let Progress::Done(outcome) = &mut progress {
            outcome.reference = rename(&outcome.reference);
        }
        bank.dialect
            .progress(&rename(&reference), &progress, bank.behaviour.list)
    };
    answer(&shared, Call::Query, act).await
}

async fn collect(shared: Data<Shared>, after: Query<After>) -> HttpResponse {
    let act = |bank: &mut Bank, rename: Rename| {
        let Some(mut notice) = bank.collect(after.after) else {
            return Reply::new(204, Vec::new());
        };
        for returned in &mut notice.returns {
            returned.reference = rename(&returned.reference);
        }
        Reply {
            cursor: Some(notice.number),
            ..Reply::new(200, bank.dialect.notice(&notice))
        }
    };
    answer(&shared, Call::Collect, act).await
}

type Rename = fn(&str) -> String;

async fn answer(
    shared: &Shared,
    call: Call,
    act: impl FnOnce(&mut Bank, Rename) -> Reply,
) -> HttpResponse {
    let fault = shared.faults().strike(call);
    match fault.map(|fault| fault.fault) {
        Some(FaultKind::DropBeforeAccept) => return closed(),
        Some(FaultKind::Error500) => return HttpResponse::InternalServerError().body("no\n"),
        Some(_) | None => {}
    }
    let rename = if fault.is_some_and(|fault| fault.fault == FaultKind::WrongReference) {
        misname
    } else {
        str::to_owned
    };
    let (reply, content_type) = {
        let mut bank = shared.bank();
        (act(&mut bank, rename), bank.dialect.content_type())
    };
    shared.wake.notify_one();
    let Some(fault) = fault else {
        return http(reply, content_type);
    };
    spoil(fault, reply, content_type).await
}

async fn spoil(fault: Fault, reply: Reply, content_type: &str) -> HttpResponse {
    match fault.fault {
        FaultKind::Slow => tokio::time::sleep(Duration::from_millis(fault.ms)).await,
        FaultKind::AcceptThenDrop => return closed(),
        FaultKind::HalfReply => return broken_off(reply, content_type),
        FaultKind::Garbage => {
            return http(
                Reply {
                    body: b"\x00\xff<<< nothing of the dialect".to_vec(),
                    ..reply
                },
                content_type,
            );
        }
        FaultKind::Error503AfterAccept => {
            return HttpResponse::ServiceUnavailable().body("later\n");
        }
        FaultKind::DropBeforeAccept | FaultKind::Error500 | FaultKind::WrongReference => {}
    }
    http(reply, content_type)
}

fn http(reply: Reply, content_type: &str) -> HttpResponse {
    head(&reply, content_type).body(reply.body)
}

fn head(reply: &Reply, content_type: &str) -> HttpResponseBuilder {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponseBuilder::new(status);
    if let Some(cursor) = reply.cursor {
        response.insert_header(("Next-Cursor", cursor.to_string()));
    }
    response.content_type(content_type);
    response
}

/// No answer at all: the failure comes before the head leaves the buffer, so the caller sees a closed connection.
fn closed() -> HttpResponse {
    HttpResponse::Ok().streaming(stream::once(async { Err::<Bytes, _>(on_purpose()) }))
}

/// An answer that stops half-way through the length it announced.
fn broken_off(reply: Reply, content_type: &str) -> HttpResponse {
    let whole = reply.body.len().max(2);
    let mut response = head(&reply, content_type);
    let part: Bytes = reply.body.into_iter().take(whole / 2).collect();
    let last = stream::once(async {
        // One pause lets what was written so far leave the buffer.
        tokio::task::yield_now().await;
        Err(on_purpose())
    });
    let body = stream::iter([Ok(part)]).chain(last);
    response.no_chunking(whole as u64).streaming(body)
}

fn on_purpose() -> Error {
    error::ErrorInternalServerError("the connection is closed on purpose")
}

/// A reference of the same form that is not this one.
fn misname(reference: &str) -> String {
    let first = if reference.starts_with('Z') { 'Y' } else { 'Z' };
    std::iter::once(first)
        .chain(reference.chars().skip(1))
        .collect()
}
