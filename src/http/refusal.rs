//! From errors inside to problems outside, in one place: which status, which stable name, and what to do. What is our own fault is logged in
//! full and told in general.

use std::io;

use actix_web::http::StatusCode;

use super::{
    chinese::{self, both},
    problem::{Problem, RowProblem},
};
use crate::{
    evidence::EvidenceError,
    intake::{self, IntakeError, SubmitError},
    reconcile::PushError,
    registry::{EnrolError, forms::FormsError},
    security::{mention, seal::VaultError},
    store::{Conflict, DoubtRefused, Elsewhere, OwedTwice, StoreError},
};

pub(super) fn bad_request(detail: &str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "urn:wagegate:bad-request",
        "Bad request",
        detail,
    )
}

pub(super) fn not_there(detail: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "urn:wagegate:not-found",
        "Not found",
        detail,
    )
}

pub(super) fn too_large(most: u64) -> Problem {
    let detail = both(
        &format!("文件超过 {most} 字节；请分成几份提交"),
        &format!("the body is larger than the {most} bytes taken here: split it"),
    );
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
    let detail = both(
        "网关暂时无法办理，未作任何改动；请稍后再试，仍不行请告知运维",
        "the gateway could not do it and nothing was changed; try again, and tell the operator if it stays so",
    );
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
                match (mention::repeatable(key), chinese::thing(what)) {
                    (Some(key), zh) => both(
                        &format!("没有{zh} {key}"),
                        &format!("there is no {what} {key}"),
                    ),
                    (None, zh) => both(
                        &format!("没有这个{zh}"),
                        &format!("there is no {what} of this name"),
                    ),
                },
            ),
            StoreError::Conflict(conflict) => conflict.into(),
            StoreError::Database(_)
            | StoreError::Schema(_)
            | StoreError::Stale
            | StoreError::WentBack { .. }
            | StoreError::Forbidden(_)
            | StoreError::Broken(_) => internal(&error),
        }
    }
}

impl From<Conflict> for Problem {
    fn from(conflict: Conflict) -> Self {
        let rows = if let Conflict::AlreadyOwed { rows, .. } = &conflict {
            rows.iter().map(owed_twice).collect()
        } else if let Conflict::CardOfAnother { rows, .. } = &conflict {
            rows.iter().map(card_of_another).collect()
        } else if let Conflict::OnSiteElsewhere { rows, .. } = &conflict {
            rows.iter().map(on_site_elsewhere).collect()
        } else {
            Vec::new()
        };
        Self::new(
            StatusCode::CONFLICT,
            kind(&conflict),
            "Stands against a rule",
            both(
                &chinese::conflict(&conflict),
                &format!("{conflict}; {}", fix(&conflict)),
            ),
        )
        .pointing_at(rows)
    }
}

/// The type of its problem.
const fn kind(conflict: &Conflict) -> &'static str {
    match conflict {
        Conflict::AlreadyOwed { .. } => "urn:wagegate:already-owed",
        Conflict::RowsDiffer => "urn:wagegate:rows-differ",
        Conflict::NotNow(_) => "urn:wagegate:not-now",
        Conflict::SamePerson { .. } => "urn:wagegate:same-person",
        Conflict::HasInstructions => "urn:wagegate:has-instructions",
        Conflict::ContentDiffers => "urn:wagegate:content-differs",
        Conflict::ProjectsRefused(_) => "urn:wagegate:projects-refused",
        Conflict::CardOfAnother { .. } => "urn:wagegate:card-of-another",
        Conflict::OnSiteElsewhere { .. } => "urn:wagegate:on-site-elsewhere",
        Conflict::EvidenceMissing => "urn:wagegate:evidence-missing",
        Conflict::ReplacedByHand => "urn:wagegate:replaced-by-hand",
        Conflict::AlreadyKnown { .. } => "urn:wagegate:already-known",
        Conflict::LastOperator => "urn:wagegate:last-operator",
        Conflict::KeyUnknown { .. } => "urn:wagegate:key-unknown",
        Conflict::KeyNeeded { .. } => "urn:wagegate:key-needed",
        Conflict::Doubt(refused) => doubt_kind(refused),
        Conflict::ReferenceReused { .. } => "urn:wagegate:reference-reused",
    }
}

/// What to do about it.
const fn fix(conflict: &Conflict) -> &'static str {
    match conflict {
        Conflict::AlreadyOwed { .. } => {
            "take these rows out, or withdraw the other batch first (`wagegate withdraw`)"
        }
        Conflict::RowsDiffer => "upload the sheet again",
        Conflict::NotNow(_) => "look at the batch: it says what comes next and whose it is",
        Conflict::SamePerson { .. } => "ask somebody else of the project who has the role",
        Conflict::HasInstructions => {
            "have the operator compare the database with its backup and with what the bank got"
        }
        Conflict::ContentDiffers => {
            "look at the batch again and name the content hash that it shows now; where it is the same, the database was changed outside the gateway"
        }
        Conflict::ProjectsRefused(_) => {
            "nothing was imported; mend the lines that are named and send all again"
        }
        Conflict::CardOfAnother { .. } => {
            "a card is one worker's: ask both, and register the other card first"
        }
        Conflict::OnSiteElsewhere { .. } => {
            "ask the other project's clerk to change it, or the operator to import it; nothing was changed"
        }
        Conflict::EvidenceMissing => {
            "upload what shows it (POST /v1/evidence) and name its hash in `evidence`"
        }
        Conflict::ReplacedByHand => {
            "register the worker's new card; the old one is replaced with it"
        }
        Conflict::AlreadyKnown { .. } => "restore it, change its scope, or take another name",
        Conflict::LastOperator => "admit or restore another operator first",
        Conflict::KeyUnknown { .. } => {
            "copy the key file with the new key to each of them; a gateway reads it again within seconds"
        }
        Conflict::KeyNeeded { .. } => {
            "look at `wagegate keys status` until it says that the key may be removed"
        }
        Conflict::Doubt(refused) => doubt_fix(refused),
        Conflict::ReferenceReused { .. } => {
            "give every deposit its own reference; nothing was booked"
        }
    }
}

/// The type of a problem at the desk of two people.
const fn doubt_kind(refused: &DoubtRefused) -> &'static str {
    match refused {
        DoubtRefused::NoDoubt { .. } => "urn:wagegate:no-doubt",
        DoubtRefused::Changed { .. } => "urn:wagegate:doubt-changed",
        DoubtRefused::Proposed => "urn:wagegate:proposed-already",
        DoubtRefused::NothingProposed => "urn:wagegate:nothing-proposed",
        DoubtRefused::OtherProposal => "urn:wagegate:other-proposal",
        DoubtRefused::SamePerson | DoubtRefused::Preparer => "urn:wagegate:same-person",
        DoubtRefused::UnderWay { .. } => "urn:wagegate:under-way",
        DoubtRefused::Uncovered { .. } => "urn:wagegate:uncovered",
        DoubtRefused::HasWord => "urn:wagegate:bank-has-spoken",
        DoubtRefused::StaysHeld => "urn:wagegate:stays-held",
    }
}

/// What to do about it.
const fn doubt_fix(refused: &DoubtRefused) -> &'static str {
    match refused {
        DoubtRefused::NoDoubt { .. } => "nothing was changed; follow the batch",
        DoubtRefused::Changed { .. } => {
            "ask the bank about it as it is now, and propose again with what it says"
        }
        DoubtRefused::Proposed => "look at what is proposed, and confirm or withdraw it",
        DoubtRefused::NothingProposed => "propose a finding first, with the bank's document",
        DoubtRefused::OtherProposal => {
            "look at the proposal and its document, and name both as they are"
        }
        DoubtRefused::SamePerson | DoubtRefused::Preparer => {
            "ask somebody else of the project who is approver or finance"
        }
        DoubtRefused::UnderWay { .. } => "wait until then, and confirm again",
        DoubtRefused::Uncovered { .. } => {
            "have the money put on the special account first; nothing was decided"
        }
        DoubtRefused::HasWord => "follow its wages; what the bank said of them stands",
        DoubtRefused::StaysHeld => {
            "nothing is sent; tell the operator, and settle the wages with the bank"
        }
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

/// A row whose card is another worker's.
fn card_of_another(row: &u32) -> RowProblem {
    let place = intake::Place::of(*row);
    row_problem(&intake::Problem {
        sheet: place.sheet_name(),
        row: place.row,
        column: "银行卡号".into(),
        flaw: intake::Flaw::CardOfAnother,
    })
}

/// A row that would change what another project's people registered of a worker who is on their site.
fn on_site_elsewhere((row, what): &(u32, Elsewhere)) -> RowProblem {
    let place = intake::Place::of(*row);
    let (column, code, zh, en, fix_zh, fix_en) = match what {
        Elsewhere::Name => (
            "姓名",
            "name_elsewhere",
            "该工人在其他项目在场，已实名登记为另一姓名",
            "this worker is on another project's site, registered there under another name",
            "核对身份证；需更名的，请该项目经办人或运维办理；本项目只登记进退场",
            "look at the identity card; to change the name, ask that project's clerk or the operator",
        ),
        Elsewhere::Card => (
            "银行卡号",
            "card_elsewhere",
            "该工人在其他项目在场，其工资卡已核实，不可由本项目更换",
            "this worker is on another project's site, with a verified card that is not this project's to replace",
            "此列填已登记的卡或留空；需换卡的，请该项目经办人或运维办理",
            "name the registered card or leave it out; to change it, ask that project's clerk or the operator",
        ),
    };
    RowProblem {
        sheet: place.sheet_name(),
        row: place.row,
        column: column.into(),
        code: code.into(),
        message_zh: zh.into(),
        message_en: en.into(),
        fix_zh: fix_zh.into(),
        fix_en: fix_en.into(),
    }
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
                    both(
                        "文件超过可接收的大小；请分成几份提交",
                        "the body is larger than is taken here: split it",
                    ),
                )
            }
            EvidenceError::Interrupted(_) => bad_request(&both(
                "上传中断，未保存任何内容；请重新上传",
                "the body broke off and nothing of it was kept; send it again",
            )),
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
            PushError::Empty => unprocessable("the document is empty", Vec::new()),
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
        let Some(zh) = chinese::sheet(&error) else {
            return internal(&error);
        };
        let IntakeError::Refused(refused) = &error else {
            return unprocessable(both(&zh, &error.to_string()), Vec::new());
        };
        let en = error.to_string() + more(refused.total);
        let rows = refused.problems.iter().map(row_problem).collect();
        unprocessable(both(&zh, &en), rows)
    }
}

impl From<EnrolError> for Problem {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Store(error) => error.into(),
            EnrolError::Evidence(error) => error.into(),
            EnrolError::Forms(error) => error.into(),
            EnrolError::Vault(error) => error.into(),
            EnrolError::Ended(_) => internal(&error),
        }
    }
}

impl From<FormsError> for Problem {
    fn from(error: FormsError) -> Self {
        let Some(zh) = chinese::roster(&error) else {
            return internal(&error);
        };
        let FormsError::Refused(refused) = &error else {
            return unprocessable(both(&zh, &error.to_string()), Vec::new());
        };
        let en = error.to_string() + more(refused.total);
        let rows = refused.problems.iter().map(row_problem).collect();
        unprocessable(both(&zh, &en), rows)
    }
}

/// What is said where not all problems are listed.
const fn more(total: u64) -> &'static str {
    if total > 1_000 {
        "; the first 1,000 are listed"
    } else {
        ""
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
