//! What banks push: documents and deposits, under the bank's own certificate. See docs/sample-banks.md, section 3.

use actix_web::{HttpResponse, http::StatusCode, web};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use wagegate_domain::Fen;

use super::{ask::Ask, body, problem::Problem, refusal::unprocessable, wire};
use crate::{
    reconcile::{PUSH_CAP, receive_push},
    store::{Deposit, Recorded},
};

/// A trillion yuan: beyond it is a slip of the pen, and sums stay far from 64 bits.
const AMOUNT_MAX: i64 = 100_000_000_000_000;

/// Money that arrived on a special account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct DepositWire {
    #[schema(pattern = "^[!-~]{1,64}$", example = "2400000000000001")]
    account: String,
    /// More than nought, and no more than a trillion yuan.
    #[schema(minimum = 1, maximum = 100000000000000_i64)]
    amount_fen: i64,
    /// Unique at this bank; the same again, with the same content, changes nothing.
    #[schema(pattern = "^[!-~]{1,64}$", example = "D20261102-1")]
    reference: String,
    #[schema(format = Date, example = "2026-11-02")]
    value_date: String,
}

/// Whether what was pushed was new.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Taken {
    new: bool,
}

/// Takes any document of the bank that calls.
#[utoipa::path(
    post, path = "/v1/bank/returns",
    request_body(content(("application/octet-stream"), ("application/xml"), ("text/xml"), ("text/plain"))),
    responses((status = 202, body = Taken))
)]
pub(super) async fn returns(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let bank = ask.bank()?;
    let recorded = receive_push(&ask.api.gateway, bank, body::stream(payload, PUSH_CAP)).await?;
    ask.wake_workers();
    Ok(taken(recorded))
}

/// Books money that arrived on a special account, once.
#[utoipa::path(
    post, path = "/v1/bank/deposits", request_body = DepositWire, responses((status = 202, body = Taken))
)]
pub(super) async fn deposits(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let bank = ask.bank()?;
    let deposit = deposit(bank, body::json(payload, 16 << 10).await?)?;
    let recorded = ask.store().record_deposit(&deposit, ask.now()).await?;
    ask.wake_workers();
    Ok(taken(recorded))
}

fn deposit(bank: &str, wire: DepositWire) -> Result<Deposit, Problem> {
    let wrong = |what: &str| Err(unprocessable(what, vec![]));
    let date = wire.value_date.parse::<Date>().ok();
    let Some(value_date) = date.filter(|date| date.to_string() == wire.value_date) else {
        return wrong("value_date is a day, such as 2026-11-02");
    };
    if !(1..=AMOUNT_MAX).contains(&wire.amount_fen) {
        return wrong("amount_fen is a whole number above nought, and at most a trillion yuan");
    }
    let amount = Fen::new(wire.amount_fen);
    let plain = |text: &str| {
        (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !plain(&wire.reference) || !plain(&wire.account) {
        return wrong("reference and account are 1 to 64 visible ASCII characters");
    }
    Ok(Deposit {
        bank: bank.into(),
        account: wire.account,
        reference: wire.reference,
        amount,
        value_date,
    })
}

fn taken(recorded: Recorded) -> HttpResponse {
    wire::with(
        StatusCode::ACCEPTED,
        &Taken {
            new: recorded == Recorded::New,
        },
    )
}
