//! Wage items, in pages: of one batch, or all that failed or came back in a month. People are masked; opening them here is what masking takes.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use wagegate_domain::{
    PayMonth,
    outcome::Place,
    reason::{FixBy, Reason},
};

use super::{
    ask::Ask,
    problem::Problem,
    refusal::bad_request,
    wire::{self, Page, ok},
};
use crate::{
    security::principal::Role,
    store::{BatchView, ItemCursor, ItemFilter, ItemView},
};

/// One worker's wage and where it stands; name and account are masked.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ItemWire {
    pub batch: String,
    pub row: u32,
    pub project: String,
    pub month: String,
    pub name: String,
    pub account: String,
    pub amount_fen: i64,
    pub place: String,
    /// Bank, key and row of its latest attempt; empty and 0 where it was never planned.
    pub bank: String,
    pub bank_key: String,
    pub sequence: u32,
    pub attempt: u32,
    /// Our reading of the cause, where it failed or came back.
    pub reason: Option<String>,
    pub reason_zh: Option<String>,
    /// Whose task the repair is.
    pub fix_by: Option<String>,
    pub fix_by_zh: Option<String>,
    /// The bank's own code.
    pub bank_code: Option<String>,
    /// The bank's own words, in which whatever may be somebody's name or number is left out (…); for those who have it mended.
    pub bank_text: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OfBatch {
    /// The `next` of the page before.
    #[param(pattern = "^[0-9]{1,18}-[0-9]{1,9}$")]
    after: Option<String>,
    /// Items on the page, 1 to 1000; 200 where not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Only items here: paid, failed, returned, in_flight, in_doubt or held.
    #[param(pattern = "^(paid|failed|returned|in_flight|in_doubt|held)$")]
    place: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OfMonth {
    /// A pay month, such as 2026-10.
    #[param(value_type = String, pattern = "^2[01][0-9]{2}-(0[1-9]|1[0-2])$", example = "2026-10")]
    #[serde(deserialize_with = "wire::month")]
    month: PayMonth,
    /// The `next` of the page before.
    #[param(pattern = "^[0-9]{1,18}-[0-9]{1,9}$")]
    after: Option<String>,
    /// Items on the page, 1 to 1000; 200 where not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Wage items of a batch, in the order of the sheet.
#[utoipa::path(
    get, path = "/v1/batches/{code}/items", params(OfBatch), responses((status = 200, body = Page<ItemWire>))
)]
pub(super) async fn of_batch(ask: Ask) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    let query: OfBatch = ask.query()?;
    let place = query.place.as_deref().map(|code| {
        Place::from_code(code).ok_or_else(|| {
            bad_request("place is one of paid, failed, returned, in_flight, in_doubt, held")
        })
    });
    let places = place.transpose()?.into_iter().collect();
    let page = collect(
        &ask,
        &[batch],
        places,
        cursor(query.after.as_deref())?,
        wire::size(query.limit)?,
    )
    .await?;
    Ok(ok(&page))
}

/// Wages of a month that failed or came back.
#[utoipa::path(
    get, path = "/v1/failures", params(OfMonth), responses((status = 200, body = Page<ItemWire>))
)]
pub(super) async fn failures(ask: Ask) -> Result<HttpResponse, Problem> {
    let query: OfMonth = ask.query()?;
    let (after, limit) = (cursor(query.after.as_deref())?, wire::size(query.limit)?);
    let from = after.map_or(0, |(id, _)| id);
    // Each has an item at least, so this many fill the page and show whether there is another; the first may be behind the cursor.
    let most = limit.saturating_add(2);
    let batches = ask
        .store()
        .unpaid_page(&ask.sees()?, query.month, from, most)
        .await?;
    let page = collect(
        &ask,
        &batches,
        vec![Place::Failed, Place::Returned],
        after,
        limit,
    )
    .await?;
    Ok(ok(&page))
}

/// Fills one page from batches in the order of their ids, beginning after the cursor: one query a batch, and only batches with something in them.
async fn collect(
    ask: &Ask,
    batches: &[BatchView],
    places: Vec<Place>,
    after: Option<ItemCursor>,
    limit: u32,
) -> Result<Page<ItemWire>, Problem> {
    let mut found: Vec<(ItemCursor, ItemView)> = Vec::new();
    let mut filter = ItemFilter {
        places,
        ..ItemFilter::default()
    };
    // One more than asked for shows whether there is a next page.
    let wanted = limit.saturating_add(1);
    for batch in batches
        .iter()
        .filter(|batch| after.is_none_or(|(id, _)| batch.id >= id))
    {
        let missing = wanted.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        if missing == 0 {
            break;
        }
        filter.batch = Some(batch.code.clone());
        let inside = after.filter(|(id, _)| *id == batch.id);
        found.extend(ask.store().items(&filter, inside, missing).await?);
    }
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found
        .last()
        .filter(|_| more)
        .map(|((id, row), _)| format!("{id}-{row}"));
    let items = found
        .iter()
        .map(|(_, item)| masked(ask, item))
        .collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

fn masked(ask: &Ask, item: &ItemView) -> Result<ItemWire, Problem> {
    let (name, account) = ask
        .api
        .gateway
        .vault
        .open_binding(&item.binding_blind, &item.binding_sealed)?;
    let (bank_code, bank_text) = item.bank_code.clone().unzip();
    Ok(ItemWire {
        batch: item.batch.clone(),
        row: item.row,
        project: item.project.clone(),
        month: item.month.to_string(),
        name: name.masked(),
        account: account.masked(),
        amount_fen: item.amount.get(),
        place: item.place.code().into(),
        bank: item.bank.clone(),
        bank_key: item.bank_key.clone(),
        sequence: item.sequence,
        attempt: item.attempt,
        reason: item.reason.map(|reason| reason.code().into()),
        reason_zh: item.reason.map(|reason| reason.chinese().into()),
        fix_by: item.reason.map(|reason| fixer(reason).0.into()),
        fix_by_zh: item.reason.map(|reason| fixer(reason).1.into()),
        bank_code,
        bank_text: bank_text.filter(|_| mends(ask.caller.role)),
    })
}

/// Who has a wage that failed mended; a supervisor sees its reason.
const fn mends(role: Role) -> bool {
    match role {
        Role::Clerk | Role::Reviewer | Role::Approver | Role::Finance => true,
        Role::Operator | Role::Supervisor | Role::Bank => false,
    }
}

const fn fixer(reason: Reason) -> (&'static str, &'static str) {
    match reason.fix_by() {
        FixBy::LabourOfficer => ("labour_officer", "劳资专管员"),
        FixBy::NewCard => ("new_card", "换卡"),
        FixBy::WorkerAtBank => ("worker_at_bank", "工人到开户行"),
        FixBy::Contractor => ("contractor", "施工企业"),
        FixBy::Operator => ("operator", "运维"),
        FixBy::Time => ("time", "等待银行"),
    }
}

fn cursor(after: Option<&str>) -> Result<Option<ItemCursor>, Problem> {
    let read = |text: &str| {
        let (batch, row) = text.split_once('-')?;
        Some((batch.parse().ok()?, row.parse().ok()?))
    };
    after
        .map(|text| read(text).ok_or_else(|| bad_request("after is the `next` of the page before")))
        .transpose()
}
