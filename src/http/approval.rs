//! Three steps by three people: what each says of a batch, what stands behind it, and what an approver looks at before.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wagegate_domain::batch::{BatchState, ContentHash};

use super::{
    ask::Ask,
    batches::BatchWire,
    body, documents,
    problem::Problem,
    refusal::{bad_request, internal, unprocessable},
    wire::{self, ok},
};
use crate::evidence::Kept;
use crate::security::mention;
use crate::store::{BatchView, BehindBatch, Decision, EvidenceKind, Says, StepTaken, Story};

/// A batch with all that happened to it so far.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WholeBatchWire {
    #[serde(flatten)]
    pub batch: BatchWire,
    /// In the order in which they were taken.
    pub steps: Vec<StepWire>,
    /// What stands behind it, such as the table that the workers signed.
    pub evidence: Vec<EvidenceWire>,
}

/// A step that was taken.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StepWire {
    /// 1, and one more each time that a release was taken back.
    pub round: u32,
    /// prepare, review, release, fund, refuse, withdraw, undo, expire, differ; or approve, by one second person, before there were reviews.
    pub step: String,
    pub by: String,
    pub at: String,
    /// What the batch came to, for whoever took the step.
    pub content: String,
    /// Why; with a release that fell short, what its special account lacked.
    pub reason: Option<String>,
}

/// What comes next, and whose it is.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NextWire {
    /// review, release, deposit (money on the special account, which no door of the gateway does) or look.
    pub step: String,
    /// Role of those who may; for a review or a release they must not have taken a step of this round before.
    pub role: String,
}

/// A document behind a batch.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EvidenceWire {
    /// signed_table, attendance, contract or other.
    pub kind: String,
    /// SHA-256 of its bytes, in the evidence store.
    pub hash: String,
    pub size: u64,
    pub by: String,
    pub at: String,
}

/// The word of a reviewer or a releaser.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenWire {
    /// The batch's `content` as it was seen.
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    pub content: String,
}

/// The word of somebody who refuses.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusedWire {
    /// What the clerk has to mend: one line, without the numbers of people.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// The word of somebody who takes something back.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakenBackWire {
    /// One line, without the numbers of people.
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Attached {
    /// What it is: signed_table, attendance, contract or other.
    #[param(pattern = "^(signed_table|attendance|contract|other)$")]
    kind: String,
    /// SHA-256 of a document that was kept by the caller or for the caller's projects; without it, the body is the document.
    #[param(pattern = "^[0-9a-fA-F]{64}$")]
    hash: Option<String>,
}

/// Says that the wages are right: the second of three people.
#[utoipa::path(
    post, path = "/v1/batches/{code}/review", request_body = SeenWire, responses((status = 200, body = WholeBatchWire))
)]
pub(super) async fn review(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    let content = seen(&small::<SeenWire>(payload).await?)?;
    decide(&ask, batch, Says::Review { content }).await
}

/// Lets the batch go to the bank: the third of three people; its funds are reserved. Where the special account holds too little, the batch is
/// released all the same, waits for the money (`awaiting_funds`, `shortage`) and goes on by itself once the bank tells of it.
#[utoipa::path(
    post, path = "/v1/batches/{code}/release", request_body = SeenWire, responses((status = 200, body = WholeBatchWire))
)]
pub(super) async fn release(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    let content = seen(&small::<SeenWire>(payload).await?)?;
    let plan_at = ask.api.gateway.approval.plan_at(ask.now());
    decide(&ask, batch, Says::Release { content, plan_at }).await
}

/// Refuses the batch with a reason; its workers are free for another sheet.
#[utoipa::path(
    post, path = "/v1/batches/{code}/refuse", request_body = RefusedWire, responses((status = 200, body = WholeBatchWire))
)]
pub(super) async fn refuse(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    let word: RefusedWire = small(payload).await?;
    let reason = reason(&ask, &batch, Some(&word.reason))
        .await?
        .ok_or_else(|| {
            unprocessable(
                "to refuse, say why in `reason`: the clerk has to mend it",
                vec![],
            )
        })?;
    decide(&ask, batch, Says::Refuse { reason }).await
}

/// Takes back a batch that was not released.
#[utoipa::path(
    post, path = "/v1/batches/{code}/withdraw", request_body = TakenBackWire, responses((status = 200, body = WholeBatchWire))
)]
pub(super) async fn withdraw(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    let word: TakenBackWire = small(payload).await?;
    let reason = reason(&ask, &batch, word.reason.as_deref()).await?;
    decide(&ask, batch, Says::Withdraw { reason }).await
}

/// Takes back a release while nothing is planned, be it that it waits for money.
#[utoipa::path(
    post, path = "/v1/batches/{code}/undo", request_body = TakenBackWire, responses((status = 200, body = WholeBatchWire))
)]
pub(super) async fn undo(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    let word: TakenBackWire = small(payload).await?;
    let says = Says::Undo {
        reason: reason(&ask, &batch, word.reason.as_deref()).await?,
        expires_at: ask.api.gateway.approval.expires_at(ask.now()),
    };
    decide(&ask, batch, says).await
}

async fn decide(ask: &Ask, batch: BatchView, says: Says) -> Result<HttpResponse, Problem> {
    let decision = Decision {
        batch: batch.code,
        says,
        by: ask.caller.name.clone(),
        at: ask.now(),
    };
    let decided = ask.store().decide(&decision).await?;
    ask.wake_workers();
    Ok(ok(&whole(ask, decided).await?))
}

/// A batch with its story.
pub(super) async fn whole(ask: &Ask, batch: BatchView) -> Result<WholeBatchWire, Problem> {
    let Story { steps, evidence } = ask.store().story(&batch.code).await?;
    Ok(WholeBatchWire {
        batch: batch.into(),
        steps: steps.into_iter().map(StepWire::from).collect(),
        evidence: evidence.into_iter().map(EvidenceWire::from).collect(),
    })
}

async fn small<T: DeserializeOwned>(payload: web::Payload) -> Result<T, Problem> {
    body::json(payload, 64 << 10).await
}

/// Nobody passes what they did not name.
fn seen(word: &SeenWire) -> Result<ContentHash, Problem> {
    documents::digest(&word.content)
        .map(ContentHash)
        .ok_or_else(|| {
            unprocessable(
                "send the batch's `content` (64 hexadecimal digits) as you saw it",
                vec![],
            )
        })
}

/// A reason is kept for ever, in clear, and shown to many: one line that names nobody.
pub(super) async fn reason(
    ask: &Ask,
    batch: &BatchView,
    said: Option<&str>,
) -> Result<Option<String>, Problem> {
    let Some(reason) = one_line(said)? else {
        return Ok(None);
    };
    let named = mention::names_somebody(&ask.api.gateway, &batch.code, reason).await;
    if named.map_err(|error| internal(&error))? {
        let detail = "`reason` names a person of the batch or holds a number of eight digits or more, such as a card's: name the row of the sheet instead";
        return Err(unprocessable(detail, vec![]));
    }
    Ok(Some(reason.to_owned()))
}

fn one_line(said: Option<&str>) -> Result<Option<&str>, Problem> {
    match said.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) if reason.chars().count() > 500 || reason.chars().any(char::is_control) => {
            Err(unprocessable(
                "`reason` is one line of at most 500 characters",
                vec![],
            ))
        }
        reason => Ok(reason),
    }
}

/// Puts a document behind the batch: the body, or one that was kept before, by its hash.
#[utoipa::path(
    post, path = "/v1/batches/{code}/evidence", params(Attached),
    request_body(content(("application/octet-stream"), ("application/pdf"), ("image/jpeg"), ("image/png"))),
    responses((status = 201, body = WholeBatchWire))
)]
pub(super) async fn attach(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    let query: Attached = ask.query()?;
    let kind = EvidenceKind::from_code(&query.kind)
        .ok_or_else(|| bad_request("kind is one of signed_table, attendance, contract, other"))?;
    let Kept { hash, size } = match query.hash.as_deref() {
        Some(hash) => documents::named(&ask, "hash", hash).await?,
        None => {
            let cap = ask.api.sheet_bytes_max;
            let bytes = body::stream(payload, cap);
            ask.api.gateway.evidence.keep_stream(bytes, cap).await?
        }
    };
    if size == 0 {
        return Err(unprocessable("the document is empty", vec![]));
    }
    if query.hash.is_none() {
        documents::note(&ask, Kept { hash, size }, Some(&batch.project)).await?;
    }
    let evidence = BehindBatch {
        kind,
        hash,
        size,
        by: ask.caller.name.clone(),
        at: ask.now(),
    };
    ask.store().attach(&batch.code, &evidence).await?;
    Ok(wire::with(StatusCode::CREATED, &whole(&ask, batch).await?))
}

/// What comes next while people have something to do.
pub(super) fn next(state: BatchState) -> Option<NextWire> {
    let (step, role) = match state {
        BatchState::AwaitingReview => ("review", "reviewer"),
        BatchState::AwaitingRelease => ("release", "approver"),
        BatchState::AwaitingFunds => ("deposit", "approver"),
        BatchState::ContentDiffers => ("look", "operator"),
        BatchState::Released
        | BatchState::Planned
        | BatchState::Refused
        | BatchState::Withdrawn
        | BatchState::Expired => return None,
    };
    Some(NextWire {
        step: step.into(),
        role: role.into(),
    })
}

impl From<StepTaken> for StepWire {
    fn from(taken: StepTaken) -> Self {
        Self {
            round: taken.round,
            step: taken.step.code().into(),
            by: taken.by,
            at: taken.at.to_string(),
            content: taken.content.to_string(),
            reason: taken.reason,
        }
    }
}

impl From<BehindBatch> for EvidenceWire {
    fn from(behind: BehindBatch) -> Self {
        Self {
            kind: behind.kind.code().into(),
            hash: hex::encode(behind.hash),
            size: behind.size,
            by: behind.by,
            at: behind.at.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_a_bounded_length() {
        let good = "第12行 2026-10-31 工时不符";
        assert_eq!(one_line(Some(good)).unwrap(), Some(good));
        for bad in ["two\nlines", &"长".repeat(501)] {
            assert!(one_line(Some(bad)).is_err(), "{bad}");
        }
        assert_eq!(one_line(Some("  ")).unwrap(), None);
        assert_eq!(one_line(None).unwrap(), None);
    }
}
