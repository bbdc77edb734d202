//! Batches: a wage sheet in, and where it stands.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::{Deserialize, Serialize};
use wagegate_domain::PayMonth;

use super::{
    approval::{NextWire, WholeBatchWire, next, whole},
    ask::Ask,
    body,
    problem::{Problem, RowProblem},
    refusal::row_problem,
    sheets::Upload,
    wire::{self, Page, Places, ok, places},
};
use crate::{
    intake::{self, Desk},
    store::{BatchView, InstructionView},
};

/// A batch as it stands.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BatchWire {
    pub code: String,
    pub project: String,
    pub project_name: String,
    pub region: String,
    pub bank: String,
    pub month: String,
    pub state: String,
    /// What a review and a release name: SHA-256 over all that will be paid.
    pub content: String,
    pub rows: u64,
    pub total_fen: i64,
    pub prepared_by: String,
    /// 1, and one more each time that a release was taken back.
    pub round: u32,
    /// When it expires, while it awaits a review or release.
    pub expires_at: Option<String>,
    /// What comes next, while people have something to do.
    pub next: Option<NextWire>,
    /// What it waits for where it was released and its special account holds too little.
    pub shortage: Option<ShortageWire>,
    /// Adds up to `rows` and `total_fen`; all nought for a batch that was refused, withdrawn or expired, which owes nobody.
    pub places: Places,
}

/// What a released batch waits for.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShortageWire {
    /// When its release fell short.
    pub since: String,
    /// What the special account lacks for it now; nought in the moment before it goes on.
    pub missing_fen: i64,
    pub message_zh: String,
    pub message_en: String,
}

/// A batch just taken.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SubmittedWire {
    #[serde(flatten)]
    pub batch: BatchWire,
    /// What is odd in the sheet and did not stop it.
    pub warnings: Vec<RowProblem>,
}

/// An instruction to a bank.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InstructionWire {
    pub part: u32,
    pub bank: String,
    pub bank_key: String,
    pub state: String,
    pub rows: u32,
    pub total_fen: i64,
    pub planned_at: String,
    pub value_date: String,
    /// SHA-256 of its bytes, once they are fixed.
    pub hash: Option<String>,
    pub size: Option<u64>,
    /// Attempts without a final word.
    pub open: u64,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// A pay month, such as 2026-10.
    #[param(value_type = Option<String>, pattern = "^2[01][0-9]{2}-(0[1-9]|1[0-2])$", example = "2026-10")]
    #[serde(default, deserialize_with = "wire::month_if_any")]
    month: Option<PayMonth>,
    /// The `next` of the page before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    after: Option<u64>,
    /// Items on the page, 1 to 1000; 200 where not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Takes a wage sheet as a batch, whole or not at all.
#[utoipa::path(
    post, path = "/v1/batches", params(Upload),
    request_body(content(
        ("application/octet-stream"), ("text/csv"), ("application/json"), ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    )),
    responses((status = 201, body = SubmittedWire))
)]
pub(super) async fn submit(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let upload: Upload = ask.query()?;
    may_prepare(&ask, &upload.project).await?;
    let submission = upload.submission(&ask.caller.name)?;
    let sheet = body::stream(payload, ask.api.sheet_bytes_max);
    let submitted = intake::submit(&Desk::of(&ask.api.gateway), sheet, &submission).await?;
    Ok(wire::with(
        StatusCode::CREATED,
        &SubmittedWire {
            batch: submitted.batch.into(),
            warnings: submitted.warnings.iter().map(row_problem).collect(),
        },
    ))
}

/// A project that is not there is told only to somebody who sees everything.
pub(super) async fn may_prepare(ask: &Ask, project: &str) -> Result<(), Problem> {
    let found = ask.within(ask.store().project(project).await)?;
    Ok(ask.may_project(project, found.region)?)
}

/// Batches in scope, newest first.
#[utoipa::path(
    get, path = "/v1/batches", params(Filter), responses((status = 200, body = Page<BatchWire>))
)]
pub(super) async fn list(ask: Ask) -> Result<HttpResponse, Problem> {
    let filter: Filter = ask.query()?;
    let limit = wire::size(filter.limit)?;
    let after = wire::key(filter.after)?;
    let found = ask
        .store()
        .batch_page(&ask.sees()?, filter.month, after, limit + 1)
        .await?;
    Ok(ok(&Page::<BatchWire>::of(found, limit, |batch| {
        batch.id.to_string()
    })))
}

/// A batch as it stands.
#[utoipa::path(
    get, path = "/v1/batches/{code}", responses((status = 200, body = WholeBatchWire))
)]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    Ok(ok(&whole(&ask, batch).await?))
}

/// The instructions that a batch was split into.
#[utoipa::path(
    get, path = "/v1/batches/{code}/instructions", responses((status = 200, body = Vec<InstructionWire>))
)]
pub(super) async fn instructions(ask: Ask) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    let instructions = ask.store().instructions(&batch.code).await?;
    Ok(ok(&instructions
        .into_iter()
        .map(InstructionWire::from)
        .collect::<Vec<_>>()))
}

impl From<BatchView> for BatchWire {
    fn from(batch: BatchView) -> Self {
        Self {
            places: places(&batch.tally),
            shortage: shortage(&batch),
            code: batch.code,
            project: batch.project,
            project_name: batch.project_name,
            region: batch.region.to_string(),
            bank: batch.bank,
            month: batch.month.to_string(),
            state: batch.state.code().into(),
            content: batch.content.to_string(),
            rows: batch.rows,
            total_fen: batch.total.get(),
            prepared_by: batch.prepared_by,
            round: batch.round,
            expires_at: batch
                .expires_at
                .filter(|_| batch.state.awaits())
                .map(|at| at.to_string()),
            next: next(batch.state),
        }
    }
}

/// Order 724, article 27: where money is lacking, the bank tells the general contractor, who reports it.
fn shortage(batch: &BatchView) -> Option<ShortageWire> {
    let (since, missing) = batch
        .shortage
        .map(|short| short.since)
        .zip(batch.missing())?;
    Some(ShortageWire {
        since: since.to_string(),
        missing_fen: missing.get(),
        message_zh: format!(
            "已批准发放，工资专户尚差 {missing} 元；资金到账后自动发放，无须再次批准。请施工总承包单位补足，并按《保障农民工工资支付条例》第二十七条报告人社部门和行业主管部门"
        ),
        message_en: format!(
            "released, and waits for {missing} yuan on the special account; it goes on by itself once the bank tells of the money. The general contractor puts it there and reports it (Order 724, article 27)"
        ),
    })
}

impl From<InstructionView> for InstructionWire {
    fn from(view: InstructionView) -> Self {
        Self {
            part: view.part,
            bank: view.bank,
            bank_key: view.bank_key,
            state: view.state.code().into(),
            rows: view.rows,
            total_fen: view.total.get(),
            planned_at: view.planned_at.to_string(),
            value_date: view.value_date.to_string(),
            hash: view.bytes.map(|(hash, _)| hex::encode(hash)),
            size: view.bytes.map(|(_, size)| size),
            open: view.open,
        }
    }
}
