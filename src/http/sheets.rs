//! Wage sheets before they are batches, and what a batch was taken with: templates, dry checks, returned workbooks, warnings.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use wagegate_domain::{Fen, PayMonth};

use super::{
    ask::Ask,
    batches::may_prepare,
    body,
    idempotency::ShownOnce,
    problem::{Problem, RowProblem},
    refusal::{bad_request, internal, row_problem, unprocessable},
    wire::{self, ok},
};
use crate::{
    intake::{
        self, Declared, Desk, IntakeError, LISTED, LeaveOut, Looked, ReturnError, Submission,
        TemplateError,
    },
    security::access::{Action, Target},
    store::{LeftOut, Warning},
};

/// Problems that a returned workbook shows at most.
const SHOWN: usize = 100_000;
pub(super) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// What a sheet comes to, without being submitted.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CheckedWire {
    /// A submission of this very sheet would be taken.
    pub good: bool,
    /// Rows that would be taken; 0 where there are problems.
    pub rows: u64,
    /// Their sum.
    pub total_fen: i64,
    /// The first thousand.
    pub problems: Vec<RowProblem>,
    /// How many there are.
    pub problems_total: u64,
    /// What is odd and stops nothing; the first thousand.
    pub warnings: Vec<RowProblem>,
}

/// What a batch was taken with.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RemarksWire {
    /// Warnings, in the order of the sheet.
    pub warnings: Vec<RowProblem>,
    /// Rows left out by name.
    pub left_out: Vec<LeftOutWire>,
}

/// A row that was left out, with one of the reasons.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LeftOutWire {
    /// Which of the sheets with workers, from 1.
    pub sheet: u32,
    /// Row as the spreadsheet counts.
    pub row: u32,
    /// Code of the problem.
    pub code: String,
}

/// What a submission says beside its sheet.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Upload {
    /// Project code.
    pub project: String,
    /// Pay month.
    #[param(value_type = String, pattern = "^2[01][0-9]{2}-(0[1-9]|1[0-2])$", example = "2026-10")]
    #[serde(deserialize_with = "wire::month")]
    pub month: PayMonth,
    /// Number of rows, to be compared with the sheet's.
    pub count: Option<u64>,
    /// Sum in yuan, to be compared with the sheet's.
    pub sum: Option<String>,
    /// Rows to be left out: `12,17`, in later sheets `二队:9`.
    pub leave_out: Option<String>,
}

/// How a check is answered.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Wished {
    /// `xlsx` gives the same workbook back with the reasons.
    #[param(pattern = "^(json|xlsx)$")]
    answer: Option<String>,
}

impl Upload {
    /// As the use case takes it.
    pub(super) fn submission(&self, by: &str) -> Result<Submission, Problem> {
        let sum = self.sum.as_deref().map(Fen::parse_yuan).transpose();
        let leave_out = self.leave_out.as_deref().unwrap_or_default();
        Ok(Submission {
            project: self.project.clone(),
            month: self.month,
            declared: Declared {
                count: self.count,
                sum: sum.map_err(|error| unprocessable(format!("`sum`: {error}"), Vec::new()))?,
            },
            leave_out: leave_out
                .parse::<LeaveOut>()
                .map_err(|error| unprocessable(error.to_string(), Vec::new()))?,
            by: by.to_owned(),
        })
    }
}

/// Checks a wage sheet as a submission would, and stores nothing.
#[utoipa::path(
    post, path = "/v1/batches/check", params(Upload, Wished),
    request_body(content(
        ("application/octet-stream"), ("text/csv"), ("application/json"), ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    )),
    responses(
        (status = 200, description = "What a submission would come to; with `answer=xlsx`, the workbook with its problems", body = CheckedWire),
    )
)]
pub(super) async fn check(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let upload: Upload = ask.query()?;
    let wished: Wished = ask.query()?;
    let as_workbook = match wished.answer.as_deref() {
        None | Some("json") => false,
        Some("xlsx") => true,
        Some(_) => return Err(bad_request("`answer` is json or xlsx")),
    };
    may_prepare(&ask, &upload.project).await?;
    let submission = upload.submission(&ask.caller.name)?;
    let sheet = body::stream(payload, ask.api.sheet_bytes_max);
    let listed = if as_workbook { SHOWN } else { LISTED };
    let looked = intake::dry_check(&Desk::of(&ask.api.gateway), sheet, &submission, listed).await?;
    if as_workbook {
        workbook(looked).await
    } else {
        Ok(ok(&verdict(looked)?))
    }
}

fn verdict(looked: Looked) -> Result<CheckedWire, Problem> {
    let wire = |problems: &[intake::Problem]| problems.iter().map(row_problem).collect();
    match looked.checked {
        Ok(checked) => Ok(CheckedWire {
            good: true,
            rows: checked.content.rows,
            total_fen: checked.content.total.get(),
            problems: Vec::new(),
            problems_total: 0,
            warnings: wire(&checked.warnings),
        }),
        Err(IntakeError::Refused(refused)) => Ok(CheckedWire {
            good: false,
            rows: 0,
            total_fen: 0,
            problems: wire(&refused.problems),
            problems_total: refused.total,
            warnings: wire(&refused.warnings),
        }),
        Err(error) => Err(error.into()),
    }
}

/// A workbook is made in memory, some hundreds of MiB for a large sheet: one after the other.
static WORKBOOKS: Semaphore = Semaphore::const_new(1);

async fn workbook(looked: Looked) -> Result<HttpResponse, Problem> {
    let (mut problems, warnings) = match looked.checked {
        Ok(checked) => (Vec::new(), checked.warnings),
        Err(IntakeError::Refused(refused)) => (refused.problems, refused.warnings),
        Err(error) => return Err(error.into()),
    };
    let stopping = problems.len();
    problems.extend(warnings);
    // Never closed, so there is always a turn.
    let _turn = WORKBOOKS.acquire().await;
    let made = web::block(move || intake::returned(&looked.sheet, &problems)).await;
    let workbook = made
        .map_err(|error| internal(&error))?
        .map_err(no_workbook)?;
    let mut answer = HttpResponse::build(StatusCode::OK)
        .content_type(XLSX)
        .insert_header((
            "content-disposition",
            "attachment; filename=\"problems.xlsx\"",
        ))
        .insert_header(("wagegate-problems", stopping.to_string()))
        .body(workbook);
    // The sheet in clear: it goes to its clerk and is kept nowhere.
    answer.extensions_mut().insert(ShownOnce);
    Ok(answer)
}

fn no_workbook(error: ReturnError) -> Problem {
    match error {
        ReturnError::NoSheet | ReturnError::TooLarge => {
            unprocessable(error.to_string(), Vec::new())
        }
        ReturnError::Intake(error) => error.into(),
        ReturnError::Xlsx(_) => internal(&error),
    }
}

/// The warnings that a batch was taken with, and the rows left out of it.
#[utoipa::path(
    get, path = "/v1/batches/{code}/warnings",
    params(("code" = String, Path, description = "Batch code")),
    responses(
        (status = 200, description = "In the order of the sheet", body = RemarksWire),
    )
)]
pub(super) async fn warnings(ask: Ask) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    let remarks = ask.store().remarks(&batch.code).await?;
    Ok(ok(&RemarksWire {
        warnings: remarks.warnings.into_iter().map(RowProblem::from).collect(),
        left_out: remarks
            .left_out
            .into_iter()
            .map(LeftOutWire::from)
            .collect(),
    }))
}

impl From<Warning> for RowProblem {
    fn from(warning: Warning) -> Self {
        let ([message_zh, message_en], [fix_zh, fix_en]) = (warning.what, warning.fix);
        Self {
            sheet: warning.sheet,
            row: warning.row,
            column: warning.column,
            code: warning.code,
            message_zh,
            message_en,
            fix_zh,
            fix_en,
        }
    }
}

impl From<LeftOut> for LeftOutWire {
    fn from(left: LeftOut) -> Self {
        let place = intake::Place::of(left.row);
        Self {
            sheet: place.sheet,
            row: place.row,
            code: left.code,
        }
    }
}

/// What a template is for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Project code.
    project: String,
    /// Pay month.
    #[param(value_type = String, pattern = "^2[01][0-9]{2}-(0[1-9]|1[0-2])$", example = "2026-10")]
    #[serde(deserialize_with = "wire::month")]
    month: PayMonth,
}

/// The wage sheet of a project and month to fill in; whoever may see people finds the roster in it, which is recorded.
#[utoipa::path(
    get, path = "/v1/templates/wages", params(Wanted),
    responses(
        (status = 200, description = "A workbook", body = Vec<u8>, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )
)]
pub(super) async fn template(ask: Ask) -> Result<HttpResponse, Problem> {
    let wanted: Wanted = ask.query()?;
    may_prepare(&ask, &wanted.project).await?;
    let project = ask.store().project(&wanted.project).await?;
    let region = project.region.to_string();
    let target = Target::Project {
        code: &project.code,
        region: &region,
    };
    let vault = &ask.api.gateway.vault;
    let reveals = ask.caller.may(Action::RevealPerson, target).is_ok();
    let made = intake::template(
        ask.store(),
        &project,
        wanted.month,
        reveals.then_some(&**vault),
    )
    .await
    .map_err(no_template)?;
    if made.people > 0 {
        let detail = format!("template of {}: {} workers", wanted.month, made.people);
        ask.store()
            .audit(
                ask.now(),
                &ask.caller.name,
                "people.reveal",
                &project.code,
                &detail,
            )
            .await?;
    }
    let name = format!("attachment; filename=\"wages-{}.xlsx\"", wanted.month);
    Ok(HttpResponse::build(StatusCode::OK)
        .content_type(XLSX)
        .insert_header(("content-disposition", name))
        .body(made.workbook))
}

fn no_template(error: TemplateError) -> Problem {
    match error {
        TemplateError::Store(error) => error.into(),
        TemplateError::Vault(error) => error.into(),
        TemplateError::Xlsx(_) => internal(&error),
    }
}
