//! From errors inside to problems outside, in one place: which status, which stable name, and what to do. What is our own fault is logged in
//! full and told in general.

use std::io;

use actix_web::http::StatusCode;

use super::problem::{Problem, RowProblem};
use crate::{
    evidence::EvidenceError,
    intake::{self, IntakeError, SubmitError},
    reconcile::PushError,
    security::{mention, seal::VaultError},
    store::{Conflict, OwedTwice, StoreError},
};

pub(super) fn bad_request(detail: &str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "urn:wagegate:bad-request",
        "Bad request",
        detail,
    )
}

pub(super) fn too_large(most: u64) -> Problem {
    let detail = format!("the body is larger than the {most} bytes taken here: split it");
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "urn:wagegate:too-large",
        "Too large",
        detail,
    )
}

pub(super) fn unprocessable(detail: impl Into<String>, rows: Vec<RowProblem>) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "urn:wagegate:content",
        "The content cannot be taken",
        detail,
    )
    .pointing_at(rows)
}

/// Our own fault: the log has the cause, the caller learns that nothing was changed.
pub(super) fn internal(error: &dyn std::error::Error) -> Problem {
    tracing::error!(error = %chain(error), "a request failed on our side");
    let detail = "the gateway could not do it and nothing was changed; try again, and tell the operator if it stays so";
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "urn:wagegate:unavailable",
        "Not possible now",
        detail,
    )
}

/// The error with its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) {
            text
        } else {
            format!("{text}: {cause}")
        }
    })
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what, ref key } => Self::new(
                StatusCode::NOT_FOUND,
                "urn:wagegate:not-found",
                "Not found",
                match mention::repeatable(key) {
                    Some(key) => format!("there is no {what} {key}"),
                    None => format!("there is no {what} of this name"),
                },
            ),
            StoreError::Conflict(conflict) => conflict.into(),
            StoreError::Database(_)
            | StoreError::Schema(_)
            | StoreError::Stale
            | StoreError::Forbidden(_)
            | StoreError::Broken(_) => internal(&error),
        }
    }
}

impl From<Conflict> for Problem {
    fn from(conflict: Conflict) -> Self {
        let (kind, fix) = match &conflict {
            Conflict::AlreadyOwed { .. } => (
                "urn:wagegate:already-owed",
                "take these rows out, or have the other batch refused first",
            ),
            Conflict::RowsDiffer => ("urn:wagegate:rows-differ", "upload the sheet again"),
            Conflict::NotAwaiting { .. } => (
                "urn:wagegate:not-awaiting",
                "a decision is made once; look at the batch",
            ),
            Conflict::SamePerson => (
                "urn:wagegate:same-person",
                "ask another approver of the project",
            ),
            Conflict::ContentDiffers => (
                "urn:wagegate:content-differs",
                "look at the batch again and approve the content hash it shows now",
            ),
            Conflict::FundsShort { .. } => (
                "urn:wagegate:funds-short",
                "have the money put on the special account, wait until the bank tells of it, and approve again",
            ),
            Conflict::AlreadyKnown { .. } => (
                "urn:wagegate:already-known",
                "restore it, change its scope, or take another name",
            ),
            Conflict::LastOperator => (
                "urn:wagegate:last-operator",
                "admit or restore another operator first",
            ),
            Conflict::KeyUnknown { .. } => (
                "urn:wagegate:key-unknown",
                "copy the key file with the new key to each of them; a gateway reads it again within seconds",
            ),
            Conflict::KeyNeeded { .. } => (
                "urn:wagegate:key-needed",
                "look at `wagegate keys status` until it says that the key may be removed",
            ),
            Conflict::ReferenceReused { .. } => (
                "urn:wagegate:reference-reused",
                "give every deposit its own reference; nothing was booked",
            ),
        };
        let rows = if let Conflict::AlreadyOwed { rows, .. } = &conflict {
            rows.iter().map(owed_twice).collect()
        } else {
            Vec::new()
        };
        Self::new(
            StatusCode::CONFLICT,
            kind,
            "Stands against a rule",
            format!("{conflict}; {fix}"),
        )
        .pointing_at(rows)
    }
}

fn owed_twice(twice: &OwedTwice) -> RowProblem {
    let place = intake::Place::of(twice.row);
    row_problem(&intake::Problem {
        sheet: place.sheet_name(),
        row: place.row,
        column: "身份证号".into(),
        flaw: intake::Flaw::AlreadyOwed {
            batch: twice.other_batch.clone(),
        },
    })
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        internal(&error)
    }
}

impl From<EvidenceError> for Problem {
    fn from(error: EvidenceError) -> Self {
        match error {
            EvidenceError::TooLarge { cap } => too_large(cap),
            EvidenceError::Interrupted(ref error)
                if error.kind() == io::ErrorKind::FileTooLarge =>
            {
                Self::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "urn:wagegate:too-large",
                    "Too large",
                    "the body is larger than is taken here: split it",
                )
            }
            EvidenceError::Interrupted(_) => {
                bad_request("the body broke off and nothing of it was kept; send it again")
            }
            EvidenceError::Missing { .. }
            | EvidenceError::Damaged { .. }
            | EvidenceError::Full { .. }
            | EvidenceError::Io { .. }
            | EvidenceError::Vault(_) => internal(&error),
        }
    }
}

impl From<PushError> for Problem {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Store(error) => error.into(),
            PushError::Evidence(error) => error.into(),
            PushError::Empty => bad_request("the document is empty"),
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Store(error) => error.into(),
            SubmitError::Evidence(error) => error.into(),
            SubmitError::Intake(error) => error.into(),
            SubmitError::Bank(_) | SubmitError::Ended(_) => internal(&error),
        }
    }
}

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Refused(ref refused) => {
                let detail = match refused.total {
                    more if more > 1_000 => format!("{error}; the first 1,000 are listed"),
                    _ => error.to_string(),
                };
                unprocessable(detail, refused.problems.iter().map(row_problem).collect())
            }
            IntakeError::Unreadable(_) | IntakeError::TooLarge => {
                unprocessable(error.to_string(), Vec::new())
            }
            IntakeError::Io(_) | IntakeError::Records(_) | IntakeError::Stopped => internal(&error),
        }
    }
}

/// A problem of the sheet for the wire.
pub(super) fn row_problem(problem: &intake::Problem) -> RowProblem {
    let (what, fix) = (problem.flaw.what(), problem.flaw.fix());
    RowProblem {
        sheet: problem.sheet.clone(),
        row: problem.row,
        column: problem.column.clone(),
        code: problem.flaw.code().into(),
        message_zh: what.zh,
        message_en: what.en,
        fix_zh: fix.zh,
        fix_en: fix.en,
    }
}
