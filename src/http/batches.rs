//! Batches: a wage sheet in, where it stands, and a second person's word on it.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::{Deserialize, Serialize};
use wagegate_domain::{PayMonth, batch::ContentHash};

use super::{
    ask::Ask,
    body,
    problem::{Problem, RowProblem},
    refusal::{internal, row_problem, unprocessable},
    sheets::Upload,
    wire::{self, Places, ok, places},
};
use crate::{
    intake::{self, Desk},
    security::mention,
    store::{BatchView, Decision, InstructionView},
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
    /// What an approval names: SHA-256 over all that will be paid.
    pub content: String,
    pub rows: u64,
    pub total_fen: i64,
    pub prepared_by: String,
    pub decided_by: Option<String>,
    /// Adds up to `rows` and `total_fen`.
    pub places: Places,
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

/// An approver's word.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionWire {
    pub approve: bool,
    /// The batch's `content` as the approver saw it; needed to approve.
    pub content: Option<String>,
    /// Why not; needed to refuse. No names or numbers of people: it stays in the audit log.
    pub reason: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// A pay month, such as 2026-10.
    #[param(value_type = Option<String>, pattern = "^2[01][0-9]{2}-(0[1-9]|1[0-2])$", example = "2026-10")]
    #[serde(default, deserialize_with = "wire::month_if_any")]
    month: Option<PayMonth>,
}

/// `POST /v1/batches?project=&month=&count=&sum=&leave_out=`, the sheet as body.
#[utoipa::path(
    post, path = "/v1/batches", params(Upload),
    request_body(content(
        ("application/octet-stream"), ("text/csv"), ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
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

/// `GET /v1/batches?month=`
#[utoipa::path(
    get, path = "/v1/batches", params(Filter), responses((status = 200, body = Vec<BatchWire>))
)]
pub(super) async fn list(ask: Ask) -> Result<HttpResponse, Problem> {
    let filter: Filter = ask.query()?;
    Ok(ok(&visible(&ask, filter.month)
        .await?
        .into_iter()
        .map(BatchWire::from)
        .collect::<Vec<_>>()))
}

/// The batches in the caller's scope, newest first.
pub(super) async fn visible(ask: &Ask, month: Option<PayMonth>) -> Result<Vec<BatchView>, Problem> {
    let mut batches = ask.store().batches(month).await?;
    batches.retain(|batch| ask.may_project(&batch.project, batch.region).is_ok());
    Ok(batches)
}

/// `GET /v1/batches/{code}`
#[utoipa::path(
    get, path = "/v1/batches/{code}", responses((status = 200, body = BatchWire))
)]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    Ok(ok(&BatchWire::from(ask.batch().await?)))
}

/// `GET /v1/batches/{code}/instructions`
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

/// `POST /v1/batches/{code}/decision`
#[utoipa::path(
    post, path = "/v1/batches/{code}/decision", request_body = DecisionWire, responses((status = 200, body = BatchWire))
)]
pub(super) async fn decide(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    let word: DecisionWire = body::json(payload, 64 << 10).await?;
    let reason = reason(&word)?;
    if let Some(reason) = reason {
        anonymous(&ask, &batch.code, reason).await?;
    }
    let decision = Decision {
        content: content(&word, &batch)?,
        batch: batch.code,
        approve: word.approve,
        by: ask.caller.name.clone(),
        at: ask.now(),
    };
    let decided = ask.store().decide_batch(&decision).await?;
    if let Some(reason) = reason {
        ask.store()
            .audit(
                ask.now(),
                &ask.caller.name,
                "batch.reason",
                &decided.code,
                reason,
            )
            .await?;
    }
    ask.wake_workers();
    Ok(ok(&BatchWire::from(decided)))
}

/// Nobody approves what they did not name; a refusal is about whatever stands there.
fn content(word: &DecisionWire, batch: &BatchView) -> Result<ContentHash, Problem> {
    let named = word.content.as_deref().map(hex::decode);
    match named {
        Some(Ok(bytes)) => bytes.try_into().map(ContentHash).ok(),
        Some(Err(_)) => None,
        None => (!word.approve).then_some(batch.content),
    }
    .ok_or_else(|| {
        unprocessable(
            "to approve, send the batch's `content` (64 hexadecimal digits) as you saw it",
            vec![],
        )
    })
}

fn reason(word: &DecisionWire) -> Result<Option<&str>, Problem> {
    let reason = word
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    match reason {
        Some(reason) if reason.chars().count() > 500 || reason.chars().any(char::is_control) => {
            Err(unprocessable(
                "`reason` is one line of at most 500 characters",
                vec![],
            ))
        }
        None if !word.approve => Err(unprocessable(
            "to refuse, say why in `reason`: the clerk has to mend it",
            vec![],
        )),
        other => Ok(other),
    }
}

/// A reason stays for ever, in clear, and many see it.
async fn anonymous(ask: &Ask, batch: &str, reason: &str) -> Result<(), Problem> {
    let named = mention::names_somebody(&ask.api.gateway, batch, reason).await;
    match named.map_err(|error| internal(&error))? {
        true => Err(unprocessable(
            "`reason` names a person of the batch or holds a long number, such as a card's: name the row of the sheet instead",
            vec![],
        )),
        false => Ok(()),
    }
}

impl From<BatchView> for BatchWire {
    fn from(batch: BatchView) -> Self {
        Self {
            places: places(&batch.tally),
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
            decided_by: batch.decided_by,
        }
    }
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
