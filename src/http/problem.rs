//! Errors as callers see them: `application/problem+json` (RFC 9457). Nothing personal ever goes into one.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde::{Deserialize, Serialize};

/// One answer that says what was wrong and how to mend it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// A stable name for programs, e.g. `urn:wagegate:certificate-refused`.
    pub r#type: &'static str,
    /// The same, for people.
    pub title: &'static str,
    #[serde(serialize_with = "number")]
    #[schema(value_type = u16)]
    pub status: StatusCode,
    /// What happened this time and what to do; in Chinese and then in English where it is said to people at work.
    pub detail: String,
    /// Where in the upload, for problems of rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub rows: Vec<RowProblem>,
    /// Also ends the connection: its certificate is not to be heard again.
    #[serde(skip)]
    pub hang_up: bool,
}

/// One thing wrong in one cell, in both languages; it never holds the cell's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RowProblem {
    /// Name of the sheet; empty where there is none.
    pub sheet: String,
    /// Row as the spreadsheet counts; 0 where the whole sheet is meant.
    pub row: u32,
    /// The column's header.
    pub column: String,
    /// A stable name for programs.
    pub code: String,
    pub message_zh: String,
    pub message_en: String,
    pub fix_zh: String,
    pub fix_en: String,
}

fn number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

impl Problem {
    /// The media type of every problem.
    pub const KIND: &str = "application/problem+json";

    /// A problem that leaves the connection open.
    pub fn new(
        status: StatusCode,
        r#type: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            r#type,
            title,
            status,
            detail: detail.into(),
            rows: Vec::new(),
            hang_up: false,
        }
    }

    /// The same, with pointers to rows.
    pub fn pointing_at(mut self, rows: Vec<RowProblem>) -> Self {
        self.rows = rows;
        self
    }

    /// The same, and the connection ends with it.
    pub fn hanging_up(mut self) -> Self {
        self.hang_up = true;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if self.hang_up {
            response.force_close();
        }
        // Strings, a number and no map with odd keys: this always serialises, and an empty body would still carry the status.
        response
            .content_type(Self::KIND)
            .body(serde_json::to_vec(self).unwrap_or_default())
    }
}
