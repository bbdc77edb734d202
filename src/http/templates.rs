//! Workbooks to fill in that name nobody.

use actix_web::{HttpResponse, http::StatusCode};

use super::{ask::Ask, problem::Problem, refusal::internal, sheets::XLSX};
use crate::registry;

/// The roster to fill in, the same for every project.
#[utoipa::path(
    get, path = "/v1/templates/roster",
    responses(
        (status = 200, description = "A workbook", body = Vec<u8>, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )
)]
pub(super) async fn roster(_ask: Ask) -> Result<HttpResponse, Problem> {
    let workbook = registry::template().map_err(|error| internal(&error))?;
    Ok(HttpResponse::build(StatusCode::OK)
        .content_type(XLSX)
        .insert_header((
            "content-disposition",
            "attachment; filename=\"roster.xlsx\"",
        ))
        .body(workbook))
}
