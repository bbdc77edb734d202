//! The control service on loopback: accounts, deposits, faults, time, and the ledger. Plain HTTP, for the one who runs the bank.

use actix_web::web::{self, Bytes, Data, Json};
use actix_web::{Error, HttpResponse};
use futures_util::stream;
use serde::{Deserialize, Serialize};

use crate::bank::{Account, AccountError, Deposit};
use crate::fault::Fault;
use crate::ledger::Summary;
use crate::service::{Shared, is_day};

// Few enough that the bank is never held up by someone reading its ledger.
const LINES_AT_ONCE: usize = 1_000;

/// Adds the paths of the control service.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/accounts", web::post().to(open))
        .route("/accounts", web::get().to(accounts))
        .route("/deposits", web::post().to(deposit))
        .route("/faults", web::post().to(add_fault))
        .route("/faults", web::delete().to(clear_faults))
        .route("/ledger", web::get().to(ledger))
        .route("/summary", web::get().to(summary))
        .route("/today", web::post().to(today))
        .route("/advance", web::post().to(advance))
        .route("/settle", web::post().to(settle));
}

/// How far `/advance` moves the bank's own time.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// Steps, as many as status queries would have made.
    pub polls: u32,
}

/// Which day `/today` makes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Today {
    /// Such as `2026-11-02`.
    pub day: String,
}

/// What `/advance` and `/settle` answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The ledger's totals now.
    pub summary: Summary,
    /// Documents pushed by this call.
    pub pushed: u32,
    /// Documents still waiting to be pushed.
    pub pushes_waiting: usize,
    /// Why they wait.
    pub push_error: Option<String>,
}

async fn open(shared: Data<Shared>, account: Json<Account>) -> HttpResponse {
    let opened = shared.bank().open(account.into_inner());
    done(&shared, opened)
}

async fn deposit(shared: Data<Shared>, deposit: Json<Deposit>) -> HttpResponse {
    let made = shared.bank().deposit(deposit.into_inner());
    done(&shared, made)
}

fn done(shared: &Shared, result: Result<(), AccountError>) -> HttpResponse {
    shared.wake.notify_one();
    match result {
        Ok(()) => HttpResponse::Created().finish(),
        Err(error @ AccountError::Open) => HttpResponse::Conflict().body(format!("{error}\n")),
        Err(error @ (AccountError::Unknown | AccountError::Amount)) => {
            HttpResponse::UnprocessableEntity().body(format!("{error}\n"))
        }
    }
}

async fn accounts(shared: Data<Shared>) -> HttpResponse {
    let accounts: Vec<Account> = shared.bank().accounts().cloned().collect();
    HttpResponse::Ok().json(accounts)
}

async fn add_fault(shared: Data<Shared>, fault: Json<Fault>) -> HttpResponse {
    shared.faults().add(fault.into_inner());
    HttpResponse::Created().finish()
}

async fn clear_faults(shared: Data<Shared>) -> HttpResponse {
    shared.faults().clear();
    HttpResponse::NoContent().finish()
}

async fn ledger(shared: Data<Shared>) -> HttpResponse {
    let lines = stream::unfold((shared, 0), |(shared, read)| async move {
        let lines = shared.bank().ledger.lines(read, LINES_AT_ONCE);
        (!lines.is_empty()).then(|| {
            (
                Ok::<_, Error>(Bytes::from(lines)),
                (shared, read + LINES_AT_ONCE),
            )
        })
    });
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .streaming(lines)
}

async fn summary(shared: Data<Shared>) -> HttpResponse {
    let summary = shared.bank().summary();
    HttpResponse::Ok().json(summary)
}

async fn advance(shared: Data<Shared>, by: Json<Advance>) -> HttpResponse {
    shared.bank().advance(by.polls);
    HttpResponse::Ok().json(push(&shared).await)
}

async fn today(shared: Data<Shared>, today: Json<Today>) -> HttpResponse {
    let Today { day } = today.into_inner();
    if !is_day(&day) {
        return HttpResponse::UnprocessableEntity().body("a day is written as 2026-11-02\n");
    }
    shared.bank().set_today(day);
    HttpResponse::NoContent().finish()
}

async fn settle(shared: Data<Shared>) -> HttpResponse {
    shared.bank().finish();
    let moved = push(&shared).await;
    match moved.push_error {
        None => HttpResponse::Ok().json(moved),
        Some(_) => HttpResponse::ServiceUnavailable().json(moved),
    }
}

async fn push(shared: &Shared) -> Moved {
    let sent = shared.push_waiting().await;
    let push_error = sent.as_ref().err().map(ToString::to_string);
    let bank = shared.bank();
    Moved {
        summary: bank.summary(),
        pushed: sent.unwrap_or(0),
        pushes_waiting: bank.outbox.len(),
        push_error,
    }
}
