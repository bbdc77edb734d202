//! The desk of two people: what lies on it, the two voices, and wages of which a bank has said both paid and failed. Nobody here is named.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{
    approval::reason,
    ask::Ask,
    body, documents,
    problem::Problem,
    refusal::{bad_request, internal, unprocessable},
    roster::number,
    wire::{self, AfterId, Page, ok},
};
use crate::{
    dispatch::{
        StepError,
        doubts::{asking, means, under_way_until},
    },
    evidence::Kept,
    store::{
        ContradictedView, DoubtSays, DoubtTaken, DoubtView, DoubtWord, Finding, Question,
        StoreError,
    },
};

/// An instruction of which nobody here knows whether it arrived, or one that waits for such an answer.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DoubtWire {
    /// Names it at this desk.
    pub instruction: i64,
    pub batch: String,
    pub project: String,
    pub month: String,
    pub part: u32,
    /// 1, and one more each time that the same part was planned anew.
    pub generation: u32,
    pub bank: String,
    pub bank_key: String,
    pub rows: u32,
    pub total_fen: i64,
    pub state: String,
    /// in_doubt: it was sent perhaps; ask_first: a database that was lost may have sent it; held: the bank spoke of another one for the same wages. Absent
    /// where there is nothing to decide any more.
    pub question: Option<String>,
    pub question_zh: Option<String>,
    pub since: String,
    /// How often it was sent.
    pub sends: u32,
    /// How often the bank was asked about it.
    pub queries: u32,
    /// Since when the bank says that it has no record of it.
    pub not_known_since: Option<String>,
    /// asked: the bank is still asked and may clear it up; no_more: it has answered as often or as long as it does; unable: it cannot be asked.
    pub bank_says: String,
    /// Until then what left may still turn up; that it never arrived cannot be confirmed before.
    pub under_way_until: Option<String>,
    /// What waits for a second voice.
    pub proposal: Option<DoubtStepWire>,
    /// All that was said of it at this desk.
    pub steps: Vec<DoubtStepWire>,
}

/// A step of a decision.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DoubtStepWire {
    /// One for each proposal.
    pub round: u32,
    /// propose, confirm or withdraw.
    pub step: String,
    /// arrived or not_arrived.
    pub verdict: String,
    /// SHA-256 of the document; it stands behind the batch.
    pub evidence: String,
    pub reason: Option<String>,
    pub by: String,
    pub at: String,
}

/// The first voice.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeWire {
    /// arrived or not_arrived.
    #[schema(pattern = "^(arrived|not_arrived)$")]
    pub verdict: String,
    /// SHA-256 of a kept document in which the bank says so.
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    pub evidence: String,
    /// Who at the bank said what, when: one line, without the numbers of people.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// The second voice: what was proposed, as it was seen.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmWire {
    /// arrived or not_arrived, as proposed.
    #[schema(pattern = "^(arrived|not_arrived)$")]
    pub verdict: String,
    /// SHA-256 of the document that the proposal rests on.
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    pub evidence: String,
}

/// Takes a proposal back.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawWire {
    /// Why: one line, without the numbers of people.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// A wage of which a bank has said both paid and failed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ContradictionWire {
    pub batch: String,
    /// Row in the sheet.
    pub row: u32,
    pub project: String,
    pub bank: String,
    pub bank_key: String,
    pub sequence: u32,
    pub attempt: u32,
    /// False where a later attempt stands for the wage.
    pub latest: bool,
    pub amount_fen: i64,
    pub since: String,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AfterSeat {
    /// The `next` of the page before.
    #[param(pattern = "^[0-9]{1,18}-[0-9]{1,9}$")]
    after: Option<String>,
    /// Items on the page, 1 to 1000; 200 where not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// What needs two people: instructions in doubt, those that must be asked about first, and those that are held.
#[utoipa::path(
    get, path = "/v1/doubts", params(AfterId), responses((status = 200, body = Page<DoubtWire>))
)]
pub(super) async fn list(ask: Ask) -> Result<HttpResponse, Problem> {
    let paging: AfterId = ask.query()?;
    let limit = wire::size(paging.limit)?;
    let after = wire::key(paging.after)?;
    let found = ask
        .store()
        .doubt_page(&ask.sees()?, after, limit + 1)
        .await?;
    let found: Vec<_> = found.iter().map(|doubt| wired(&ask, doubt)).collect();
    Ok(ok(&Page::<DoubtWire>::of(found, limit, |doubt| {
        doubt.instruction.to_string()
    })))
}

/// One instruction with all that was said of it at the desk.
#[utoipa::path(
    get, path = "/v1/doubts/{instruction}", responses((status = 200, body = DoubtWire))
)]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    let doubt = named(&ask).await?;
    Ok(ok(&wired(&ask, &doubt)))
}

/// The first of two voices, with the document that shows it.
#[utoipa::path(
    post, path = "/v1/doubts/{instruction}/propose", request_body = ProposeWire, responses((status = 200, body = DoubtWire))
)]
pub(super) async fn propose(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let doubt = named(&ask).await?;
    let word: ProposeWire = body::json(payload, BODY).await?;
    let says = DoubtSays::Propose {
        finding: finding(&word.verdict)?,
        evidence: evidence(&ask, &word.evidence).await?,
        reason: why(&ask, &doubt, &word.reason).await?,
    };
    decide(&ask, &doubt, says).await
}

/// The second voice, of another person; what was decided is done at once.
#[utoipa::path(
    post, path = "/v1/doubts/{instruction}/confirm", request_body = ConfirmWire, responses((status = 200, body = DoubtWire))
)]
pub(super) async fn confirm(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let doubt = named(&ask).await?;
    let word: ConfirmWire = body::json(payload, BODY).await?;
    let finding = finding(&word.verdict)?;
    let says = DoubtSays::Confirm {
        finding,
        evidence: evidence(&ask, &word.evidence).await?,
        means: means(&ask.api.gateway, &doubt, finding).await?,
    };
    decide(&ask, &doubt, says).await
}

/// Takes a proposal back, as who made it or as somebody who does not agree.
#[utoipa::path(
    post, path = "/v1/doubts/{instruction}/withdraw", request_body = WithdrawWire, responses((status = 200, body = DoubtWire))
)]
pub(super) async fn withdraw(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let doubt = named(&ask).await?;
    let word: WithdrawWire = body::json(payload, BODY).await?;
    let reason = why(&ask, &doubt, &word.reason).await?;
    decide(&ask, &doubt, DoubtSays::Withdraw { reason }).await
}

/// Wages of which a bank has said both paid and failed: they stay in doubt until the bank's next word.
#[utoipa::path(
    get, path = "/v1/contradictions", params(AfterSeat), responses((status = 200, body = Page<ContradictionWire>))
)]
pub(super) async fn contradictions(ask: Ask) -> Result<HttpResponse, Problem> {
    let paging: AfterSeat = ask.query()?;
    let limit = wire::size(paging.limit)?;
    let after = paging.after.as_deref().map(seat).transpose()?;
    let found = ask
        .store()
        .contradicted_page(&ask.sees()?, after, limit + 1)
        .await?;
    Ok(ok(&Page::<ContradictionWire>::of(found, limit, |wage| {
        let (instruction, sequence) = wage.cursor();
        format!("{instruction}-{sequence}")
    })))
}

/// Of words.
const BODY: usize = 64 << 10;

/// The instruction named in the path, if the caller may do this to it.
async fn named(ask: &Ask) -> Result<DoubtView, Problem> {
    let id = number(ask, "instruction")?;
    let doubt = ask.within(ask.store().doubt(id).await)?;
    ask.may_project(&doubt.instruction.project, doubt.region)?;
    Ok(doubt)
}

async fn decide(ask: &Ask, doubt: &DoubtView, says: DoubtSays) -> Result<HttpResponse, Problem> {
    let word = DoubtWord {
        instruction: doubt.instruction.id,
        says,
        by: ask.caller.name.clone(),
        at: ask.now(),
    };
    let decided = ask.store().decide_doubt(&word).await?;
    ask.wake_workers();
    Ok(ok(&wired(ask, &decided)))
}

fn finding(verdict: &str) -> Result<Finding, Problem> {
    Finding::from_code(verdict)
        .ok_or_else(|| unprocessable("`verdict` is arrived or not_arrived", vec![]))
}

async fn evidence(ask: &Ask, hash: &str) -> Result<([u8; 32], u64), Problem> {
    let Kept { hash, size } = documents::named(ask, "evidence", hash).await?;
    Ok((hash, size))
}

/// Kept for ever and shown to many: one line that names nobody.
async fn why(ask: &Ask, doubt: &DoubtView, said: &str) -> Result<String, Problem> {
    let batch = ask.store().batch(&doubt.instruction.batch).await?;
    reason(ask, &batch, Some(said)).await?.ok_or_else(|| {
        unprocessable(
            "say in `reason` who at the bank said what, and when",
            vec![],
        )
    })
}

fn seat(after: &str) -> Result<(i64, u32), Problem> {
    let read = || {
        let (instruction, sequence) = after.split_once('-')?;
        Some((instruction.parse().ok()?, sequence.parse().ok()?))
    };
    read().ok_or_else(|| bad_request("after is the `next` of the page before"))
}

const fn question_zh(question: Question) -> &'static str {
    match question {
        Question::InDoubt => "可能已发出，银行是否收到不明",
        Question::AskFirst => "数据库曾恢复到过去，之前是否已发出不明",
        Question::Held => "银行提到了同一批工资的另一条指令，本条暂停发送",
    }
}

fn wired(ask: &Ask, doubt: &DoubtView) -> DoubtWire {
    let (gateway, view) = (&ask.api.gateway, &doubt.instruction);
    let question = doubt.question();
    let since = match question {
        Some(Question::InDoubt) | None => view.intent_at,
        Some(Question::AskFirst) => view.ask_first_since,
        Some(Question::Held) => view.held_since,
    };
    DoubtWire {
        instruction: view.id,
        batch: view.batch.clone(),
        project: view.project.clone(),
        month: view.month.to_string(),
        part: view.part,
        generation: view.generation,
        bank: view.bank.clone(),
        bank_key: view.bank_key.clone(),
        rows: view.rows,
        total_fen: view.total.get(),
        state: view.state.code().into(),
        question: question.map(|question| question.code().into()),
        question_zh: question.map(|question| question_zh(question).into()),
        since: since.unwrap_or(view.planned_at).to_string(),
        sends: view.sends,
        queries: view.queries,
        not_known_since: view.not_known_since.map(|at| at.to_string()),
        bank_says: asking(gateway, view).code().into(),
        under_way_until: under_way_until(gateway, doubt).map(|at| at.to_string()),
        proposal: doubt.proposal().map(DoubtStepWire::from),
        steps: doubt.steps.iter().map(DoubtStepWire::from).collect(),
    }
}

impl From<&DoubtTaken> for DoubtStepWire {
    fn from(taken: &DoubtTaken) -> Self {
        Self {
            round: taken.round,
            step: taken.step.code().into(),
            verdict: taken.finding.code().into(),
            evidence: hex::encode(taken.evidence),
            reason: taken.reason.clone(),
            by: taken.by.clone(),
            at: taken.at.to_string(),
        }
    }
}

impl From<ContradictedView> for ContradictionWire {
    fn from(wage: ContradictedView) -> Self {
        Self {
            batch: wage.batch,
            row: wage.row,
            project: wage.project,
            bank: wage.bank,
            bank_key: wage.bank_key,
            sequence: wage.sequence,
            attempt: wage.attempt,
            latest: wage.latest,
            amount_fen: wage.amount.get(),
            since: wage.since.to_string(),
        }
    }
}

impl From<StepError> for Problem {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Store(error @ StoreError::Conflict(_)) => error.into(),
            other => internal(&other),
        }
    }
}
