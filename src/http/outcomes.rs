//! Every attempt with its outcome, as CSV, streamed: what an outside audit compares with the banks' own books. It names no person.

use std::rc::Rc;

use actix_web::HttpResponse;
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use wagegate_domain::{PayMonth, plan};

use super::{ask::Ask, problem::Problem, refusal::bad_request};
use crate::store::{ItemCursor, ItemView, StoreError};

const CHUNK: u32 = 1_000;

/// Column names; `banksim audit` and scripts read by them.
const HEADER: [&str; 8] = [
    "batch",
    "row",
    "bank",
    "bank_key",
    "sequence",
    "reference",
    "amount_fen",
    "outcome",
];

/// Where the export is.
enum At {
    Head,
    After(Option<(ItemCursor, u32)>),
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OfMonth {
    /// Only attempts of this pay month, such as 2026-10.
    #[param(pattern = "^2[01][0-9]{2}-(0[1-9]|1[0-2])$", example = "2026-10")]
    month: Option<String>,
}

/// Every attempt on the caller's projects with its outcome, as CSV. An answer that breaks off is not whole: its last chunk is missing and the connection ends.
#[utoipa::path(
    get, path = "/v1/outcomes", params(OfMonth), responses((status = 200, body = String, content_type = "text/csv"))
)]
pub(super) async fn export(ask: Ask) -> Result<HttpResponse, Problem> {
    let query: OfMonth = ask.query()?;
    let month = query.month.as_deref().map(|month| {
        PayMonth::parse(month).map_err(|_| bad_request("month is a pay month such as 2026-10"))
    });
    let (within, month) = (ask.sees()?, month.transpose()?);
    let ask = Rc::new((ask, within));
    let chunks = stream::try_unfold(At::Head, move |at| {
        let ask = Rc::clone(&ask);
        async move {
            let At::After(after) = at else {
                return Ok::<_, StoreError>(Some((
                    csv([HEADER.map(str::to_owned)]),
                    At::After(None),
                )));
            };
            let (ask, within) = &*ask;
            let attempts = ask
                .store()
                .attempts(within, month, after, CHUNK)
                .await
                .inspect_err(|error| tracing::error!(%error, "an export broke off"))?;
            let Some((last, _)) = attempts.last() else {
                return Ok(None);
            };
            let next = At::After(Some(*last));
            let lines = attempts.iter().map(|(_, item)| line(item));
            Ok(Some((csv(lines), next)))
        }
    });
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .streaming(chunks))
}

/// No field is free text: codes, keys and numbers of our own making, so nothing here can be taken for a formula.
fn line(item: &ItemView) -> [String; 8] {
    let planned = !item.bank_key.is_empty();
    let reference = if planned {
        plan::reference(&item.bank_key, item.sequence)
    } else {
        String::new()
    };
    [
        item.batch.clone(),
        item.row.to_string(),
        item.bank.clone(),
        item.bank_key.clone(),
        item.sequence.to_string(),
        reference,
        item.amount.get().to_string(),
        item.place.code().to_owned(),
    ]
}

fn csv(lines: impl IntoIterator<Item = [String; 8]>) -> Bytes {
    lines
        .into_iter()
        .map(|line| line.join(",") + "\r\n")
        .collect::<String>()
        .into()
}
