//! What an approver looks at before a release: what changed since the last released month, and the very bytes that would go to the bank.

use actix_web::{HttpResponse, http::StatusCode};
use futures_util::stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wagegate_domain::{Fen, batch::BatchState};

use super::{
    ask::Ask,
    calendar::{self, BeforeHolidayWire},
    problem::Problem,
    refusal::{bad_request, internal, not_there, unprocessable},
    wire::{self, Figures, Page, ok},
};
use crate::{
    dispatch::{
        BuildError, StepError, WagesError,
        preview::{self, Preview, PreviewError, PreviewPart},
    },
    security::seal::Vault,
    store::{BatchView, ChangeCursor, ChangedRow, Changes, Difference},
};

/// A batch against the project's last released month.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChangesWire {
    /// That month; absent where the project never released one, and everybody is new.
    pub against: Option<String>,
    /// Workers and wages of that month.
    pub before: Figures,
    /// Workers and wages of this batch.
    pub now: Figures,
    /// Paid now and not then.
    pub new: DifferenceWire,
    /// Paid then, and on no sheet of the project for this month.
    pub gone: DifferenceWire,
    /// Another amount than then.
    pub amount: DifferenceWire,
    /// Another card than then.
    pub card: DifferenceWire,
    /// Who they are, masked, one kind after the other.
    pub workers: Page<ChangedWire>,
}

/// Workers whose pay differs in one way.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DifferenceWire {
    pub count: u64,
    /// What they were paid then.
    pub before_fen: i64,
    /// What they are to be paid now.
    pub now_fen: i64,
}

/// One worker whose pay differs; name and accounts are masked.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChangedWire {
    /// new, gone, amount or card.
    pub kind: String,
    /// Row in the sheet; absent for somebody who is gone.
    pub row: Option<u32>,
    pub name: String,
    pub account_before: Option<String>,
    pub account_now: Option<String>,
    pub before_fen: Option<i64>,
    pub now_fen: Option<i64>,
}

/// A batch as it would be sent today.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PreviewWire {
    /// What a review or release names.
    pub content: String,
    pub bank: String,
    pub bank_name: String,
    /// Rows and sum that one instruction of the bank may hold, and one row.
    pub rows_max: u32,
    pub total_fen_max: Option<i64>,
    pub item_fen_max: Option<i64>,
    /// Until when the bank works the same day, by the clock in China.
    pub cut_off: Option<String>,
    /// The bank's business date for which the bytes are.
    pub day: String,
    /// What differs in the bytes of another day; nothing else does.
    pub differs_on_another_day: Vec<String>,
    /// When the wages are expected on the cards, by the bank's hours and the calendar.
    pub arrives: String,
    /// False where the holidays on the way to that day are not known here: then only weekends are counted.
    pub calendar_known: bool,
    /// The holiday that comes soon or that the wages would meet on their way.
    pub before_holiday: Option<BeforeHolidayWire>,
    pub parts: Vec<PreviewPartWire>,
    /// Rows that fit no instruction of the bank and stay held.
    pub held: Figures,
}

/// One instruction as it would be sent today.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PreviewPartWire {
    pub part: u32,
    pub bank_key: String,
    pub rows: u64,
    pub total_fen: i64,
    /// SHA-256 of its bytes.
    pub hash: String,
    pub size: u64,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Listed {
    /// Only those: new, gone, amount or card.
    #[param(pattern = "^(new|gone|amount|card)$")]
    kind: Option<String>,
    /// The `next` of the page before.
    #[param(pattern = "^(new|gone|amount|card)-[0-9]{1,18}$")]
    after: Option<String>,
    /// Workers on the page, 1 to 1000; 200 where not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// What differs from the project's last released month: who is new, gone, paid another amount or on another card.
#[utoipa::path(
    get, path = "/v1/batches/{code}/changes", params(Listed), responses((status = 200, body = ChangesWire))
)]
pub(super) async fn changes(ask: Ask) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    let query: Listed = ask.query()?;
    let kind = query.kind.as_deref().map(|code| {
        Difference::from_code(code)
            .ok_or_else(|| bad_request("kind is one of new, gone, amount, card"))
    });
    let (kind, after) = (kind.transpose()?, cursor(query.after.as_deref())?);
    let limit = wire::size(query.limit)?;
    let changes = ask.store().changes(&batch.code).await?;
    // One more than asked for shows whether there is a next page.
    let wanted = limit.saturating_add(1);
    let mut rows = ask
        .store()
        .changed_rows(&batch.code, kind, after, wanted)
        .await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().filter(|_| more);
    let next = last.map(|row| format!("{}-{}", row.kind.code(), row.worker));
    let vault = &ask.api.gateway.vault;
    let items = rows
        .iter()
        .map(|row| masked(vault, row))
        .collect::<Result<_, _>>()?;
    Ok(ok(&summary(&batch, &changes, Page { items, next })))
}

fn cursor(after: Option<&str>) -> Result<Option<ChangeCursor>, Problem> {
    let read = |text: &str| {
        let (kind, worker) = text.split_once('-')?;
        Some((Difference::from_code(kind)?, worker.parse().ok()?))
    };
    after
        .map(|text| read(text).ok_or_else(|| bad_request("after is the `next` of the page before")))
        .transpose()
}

fn summary(batch: &BatchView, changes: &Changes, workers: Page<ChangedWire>) -> ChangesWire {
    let [new, gone, amount, card] =
        changes
            .kinds
            .map(|(count, before, now): (u64, Fen, Fen)| DifferenceWire {
                count,
                before_fen: before.get(),
                now_fen: now.get(),
            });
    ChangesWire {
        against: changes.against.map(|month| month.to_string()),
        before: figures(changes.before),
        now: figures((batch.rows, batch.total)),
        new,
        gone,
        amount,
        card,
        workers,
    }
}

fn figures((count, sum): (u64, Fen)) -> Figures {
    Figures {
        count,
        fen: sum.get(),
    }
}

fn masked(vault: &Vault, row: &ChangedRow) -> Result<ChangedWire, Problem> {
    let open = |binding: &Option<([u8; 16], Vec<u8>)>| {
        let opened = binding
            .as_ref()
            .map(|(blind, sealed)| vault.open_binding(blind, sealed));
        let opened = opened.transpose()?;
        Ok::<_, Problem>(opened.map(|(name, account)| (name.masked(), account.masked())))
    };
    let (before, now) = (open(&row.binding_before)?, open(&row.binding_now)?);
    let name = now
        .as_ref()
        .or(before.as_ref())
        .map(|(name, _)| name.clone());
    Ok(ChangedWire {
        kind: row.kind.code().into(),
        row: row.row,
        name: name.unwrap_or_default(),
        account_before: before.map(|(_, account)| account),
        account_now: now.map(|(_, account)| account),
        before_fen: row.before.map(Fen::get),
        now_fen: row.now.map(Fen::get),
    })
}

/// The instructions that the batch would make today, with the hash of their exact bytes.
#[utoipa::path(
    get, path = "/v1/batches/{code}/preview",
    responses(
        (status = 200, body = PreviewWire),
        (status = 409, description = "It was split or closed already", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn preview(ask: Ask) -> Result<HttpResponse, Problem> {
    let batch = unsent(&ask).await?;
    let at = planned_at(&ask, &batch);
    let preview = preview::preview(&ask.api.gateway, &batch, at).await?;
    let gateway = &ask.api.gateway;
    let bank = gateway.banks.find(&batch.bank).map_err(StepError::from);
    let bank = bank.map_err(PreviewError::from)?;
    let of = (gateway.banks.calendar(), bank.adapter.profile());
    let holiday = calendar::before_holiday(of, gateway.approval, ask.now(), preview.arrives);
    Ok(ok(&shown(&batch, preview, holiday)))
}

/// The exact bytes of one part, people in clear; the look is recorded.
#[utoipa::path(
    get, path = "/v1/batches/{code}/preview/{part}",
    params(("part" = u32, Path, description = "Its number, from 1", minimum = 1)),
    responses(
        (status = 200, description = "The exact bytes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 409, description = "It was split or closed already", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn bytes(ask: Ask) -> Result<HttpResponse, Problem> {
    let batch = unsent(&ask).await?;
    let part = ask.part("part");
    let number = part
        .parse()
        .map_err(|_| not_there("`part` in the address is a number, from 1"))?;
    let now = ask.now();
    let at = planned_at(&ask, &batch);
    let bytes = preview::bytes(&ask.api.gateway, &batch, number, at).await?;
    let detail = format!("preview of part {number}");
    ask.store()
        .audit(now, &ask.caller.name, "people.reveal", &batch.code, &detail)
        .await?;
    let bytes = stream::unfold(bytes, |mut bytes| async move {
        bytes.recv().await.map(|piece| (piece, bytes))
    });
    let name = format!("attachment; filename=\"{}-{number}\"", batch.code);
    Ok(HttpResponse::build(StatusCode::OK)
        .content_type("application/octet-stream")
        .insert_header(("content-disposition", name))
        .streaming(Box::pin(bytes)))
}

/// When the batch is split, if it is released now; what is released already is split any moment.
fn planned_at(ask: &Ask, batch: &BatchView) -> Timestamp {
    match batch.state {
        BatchState::Released => ask.now(),
        BatchState::AwaitingReview
        | BatchState::AwaitingRelease
        | BatchState::AwaitingFunds
        | BatchState::Planned
        | BatchState::ContentDiffers
        | BatchState::Refused
        | BatchState::Withdrawn
        | BatchState::Expired => ask.api.gateway.approval.plan_at(ask.now()),
    }
}

/// What has instructions is no longer previewed: they are there to be looked at.
async fn unsent(ask: &Ask) -> Result<BatchView, Problem> {
    let batch = ask.batch().await?;
    match batch.state {
        BatchState::AwaitingReview
        | BatchState::AwaitingRelease
        | BatchState::AwaitingFunds
        | BatchState::Released => Ok(batch),
        BatchState::Planned
        | BatchState::ContentDiffers
        | BatchState::Refused
        | BatchState::Withdrawn
        | BatchState::Expired => Err(Problem::new(
            StatusCode::CONFLICT,
            "urn:wagegate:not-now",
            "Stands against a rule",
            format!(
                "the batch is {}: there is nothing to preview; what was made of it stands at /v1/batches/{}/instructions",
                batch.state.code(),
                batch.code
            ),
        )),
    }
}

fn shown(
    batch: &BatchView,
    preview: Preview,
    before_holiday: Option<BeforeHolidayWire>,
) -> PreviewWire {
    PreviewWire {
        content: preview.content.hash.to_string(),
        bank: batch.bank.clone(),
        bank_name: preview.bank,
        rows_max: preview.limits.rows_max,
        total_fen_max: preview.limits.total_fen_max,
        item_fen_max: preview.limits.item_fen_max,
        cut_off: preview
            .cut_off
            .map(|time| time.strftime("%H:%M").to_string()),
        day: preview.day.to_string(),
        differs_on_another_day: vec!["created".into(), "value_date".into()],
        arrives: preview.arrives.to_string(),
        calendar_known: preview.calendar_known,
        before_holiday,
        parts: preview.parts.iter().map(part).collect(),
        held: figures(preview.unseated),
    }
}

fn part(part: &PreviewPart) -> PreviewPartWire {
    PreviewPartWire {
        part: part.part.number,
        bank_key: part.bank_key.clone(),
        rows: part.part.content.rows,
        total_fen: part.part.content.total.get(),
        hash: hex::encode(part.hash),
        size: part.size,
    }
}

impl From<PreviewError> for Problem {
    fn from(error: PreviewError) -> Self {
        match error {
            PreviewError::NoPart(_) => Self::new(
                StatusCode::NOT_FOUND,
                "urn:wagegate:not-found",
                "Not found",
                format!("{error}; the parts are listed at preview"),
            ),
            PreviewError::Store(error) | PreviewError::Step(StepError::Store(error)) => {
                error.into()
            }
            PreviewError::Build(BuildError::Encode(ref cause)) => unprocessable(
                format!("this batch cannot be put into its bank's form: {cause}"),
                vec![],
            ),
            PreviewError::Wages(WagesError::Differs { .. })
            | PreviewError::Build(BuildError::ContentDiffers(_)) => Self::new(
                StatusCode::CONFLICT,
                "urn:wagegate:content-differs",
                "Stands against a rule",
                format!(
                    "{error}: the database was changed outside the gateway; refuse the batch and tell the operator"
                ),
            ),
            PreviewError::Wages(_)
            | PreviewError::Build(_)
            | PreviewError::Step(_)
            | PreviewError::Ended(_) => internal(&error),
        }
    }
}
