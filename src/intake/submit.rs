//! The use case: an upload becomes evidence, is checked, and becomes a batch whole, or nothing but its problems come back.
//! The upload itself stays in the evidence store either way: what somebody tried to submit is evidence too. A dry check keeps nothing.

use std::{
    io::{self, BufRead, Cursor},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::{
    runtime::Handle,
    task::{JoinError, spawn_blocking},
};
use wagegate_domain::{
    PayMonth,
    batch::{ContentHasher, WageRow},
};

use super::{
    Checked, Declared, Expectation, IntakeError, LISTED, LeaveOut, National, Problem, Records,
    bank, check,
    lookup::{Lookup, Platform},
    source::{Again, Source},
};
use crate::{
    banks::{Banks, UnknownBank},
    clock::{Clock, china_date},
    config::ApprovalEntry,
    evidence::{Evidence, EvidenceError, Kept},
    gateway::Gateway,
    killpoints::{answered, killpoint},
    security::{national::NationalSecrets, seal::Vault},
    store::{Asked, BatchView, NewBatch, ProjectEntry, Remarks, Store, StoreError, Warning},
    transport::https::ByteStream,
};

/// Largest upload, bytes: a million rows of text are half of it.
const UPLOAD_MAX: u64 = 256 * 1024 * 1024;
/// Largest upload of a dry check, which is in memory whole and nowhere else.
const DRY_MAX: usize = 64 * 1024 * 1024;

/// What a submission needs.
#[derive(Clone, Debug)]
pub struct Desk {
    pub store: Arc<dyn Store>,
    pub evidence: Evidence,
    pub vault: Arc<Vault>,
    pub banks: Arc<Banks>,
    pub national: Arc<NationalSecrets>,
    pub approval: ApprovalEntry,
    pub clock: Arc<dyn Clock>,
}

impl Desk {
    /// The gateway's own.
    pub fn of(gateway: &Gateway) -> Self {
        Self {
            store: Arc::clone(&gateway.store),
            evidence: gateway.evidence.clone(),
            vault: Arc::clone(&gateway.vault),
            banks: Arc::clone(&gateway.banks),
            national: Arc::clone(&gateway.national),
            approval: gateway.approval,
            clock: Arc::clone(&gateway.clock),
        }
    }
}

/// What somebody submits a sheet for, and what they say of it.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Project code.
    pub project: String,
    /// Pay month.
    pub month: PayMonth,
    /// Count and sum, where they are stated.
    pub declared: Declared,
    /// Rows left out by name.
    pub leave_out: LeaveOut,
    /// Principal.
    pub by: String,
}

impl Submission {
    /// Nothing is stated beside the sheet, and nothing left out.
    pub fn plain(project: &str, month: PayMonth, by: &str) -> Self {
        Self {
            project: project.to_owned(),
            month,
            declared: Declared::default(),
            leave_out: LeaveOut::none(),
            by: by.to_owned(),
        }
    }
}

/// A batch that awaits approval.
#[derive(Clone, Debug)]
pub struct Submitted {
    pub batch: BatchView,
    /// What is odd in the sheet and did not stop it.
    pub warnings: Vec<Problem>,
}

/// Nothing was stored as a batch.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error(transparent)]
    Intake(#[from] IntakeError),
    #[error(transparent)]
    Bank(#[from] UnknownBank),
    #[error("a blocking task ended early: {0}")]
    Ended(#[from] JoinError),
}

/// Takes a sheet for a project and month.
///
/// # Errors
/// Every problem of the sheet, a conflict with another batch, or a failure of our own; in each case nothing is stored as a batch.
pub async fn submit(
    desk: &Desk,
    upload: ByteStream,
    submission: &Submission,
) -> Result<Submitted, SubmitError> {
    let project = desk.store.project(&submission.project).await?;
    let sheet = desk.evidence.keep_stream(upload, UPLOAD_MAX).await?;
    killpoint("after_sheet_kept");
    let open = opener(&desk.evidence, sheet);
    let case = Case::of(desk, submission, project, sheet.hash).await?;
    let (case, checked, open) = case.check(open, LISTED).await?;
    let batch = case.batch(desk, submission, &sheet, &checked);
    let again = Again {
        open,
        national: case.national,
        leave_out: submission.leave_out.clone(),
        hasher: ContentHasher::new(&batch.project, &case.project.account, batch.month),
        content: checked.content,
    };
    let mut source = Source::start(again, Arc::clone(&desk.vault));
    let batch = desk.store.accept_batch(&batch, &mut source).await?;
    answered(|| format!("batch {} {}", batch.code, batch.content));
    killpoint("after_batch");
    Ok(Submitted {
        batch,
        warnings: checked.warnings,
    })
}

/// An upload that was looked at and not kept.
#[derive(Debug)]
pub struct Looked {
    /// What a submission of it would come to.
    pub checked: Result<Checked, IntakeError>,
    /// The upload as it came.
    pub sheet: Bytes,
}

/// Checks a sheet as a submission would and stores nothing.
///
/// # Errors
/// It could not be checked; problems of the sheet are in the answer.
pub async fn dry_check(
    desk: &Desk,
    upload: ByteStream,
    submission: &Submission,
    listed_max: usize,
) -> Result<Looked, SubmitError> {
    let project = desk.store.project(&submission.project).await?;
    let sheet = in_memory(upload).await?;
    let hash = Sha256::digest(&sheet).into();
    let case = Case::of(desk, submission, project, hash).await?;
    let bytes = sheet.clone();
    let open =
        move || -> io::Result<Box<dyn BufRead + Send>> { Ok(Box::new(Cursor::new(bytes.clone()))) };
    let checked = match case.check(open, listed_max).await {
        Ok((_, checked, _)) => Ok(checked),
        Err(SubmitError::Intake(error)) => Err(error),
        Err(error) => return Err(error),
    };
    Ok(Looked { checked, sheet })
}

async fn in_memory(mut upload: ByteStream) -> Result<Bytes, SubmitError> {
    let mut sheet = Vec::new();
    while let Some(piece) = upload.next().await {
        let piece = piece.map_err(EvidenceError::Interrupted)?;
        if sheet.len() + piece.len() > DRY_MAX {
            let cap = u64::try_from(DRY_MAX).unwrap_or(u64::MAX);
            return Err(EvidenceError::TooLarge { cap }.into());
        }
        sheet.extend_from_slice(&piece);
    }
    Ok(sheet.into())
}

/// Month, and ten characters that no other submission has: the same sheet may come again after a refusal.
fn code(month: PayMonth, project: &str, sheet: &Kept, at_ms: i64) -> String {
    let seed = format!("{project} {} {at_ms}", hex::encode(sheet.hash));
    let digest = Sha256::digest(seed);
    let mark = hex::encode_upper(&digest[..5]);
    format!("B-{month}-{mark}")
}

fn opener(
    evidence: &Evidence,
    sheet: Kept,
) -> impl Fn() -> io::Result<Box<dyn BufRead + Send>> + Clone + use<> {
    let evidence = evidence.clone();
    move || match evidence.reader(&sheet.hash) {
        Ok(reader) => Ok(Box::new(reader)),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// All that a sheet is checked against.
struct Case {
    project: ProjectEntry,
    adapter: Arc<dyn wagegate_domain::adapter::Adapter>,
    submission: Submission,
    today: jiff::civil::Date,
    seen_as: Option<String>,
    has_roster: bool,
    lookup: Lookup,
    national: Option<Arc<dyn National + Send + Sync>>,
}

impl Case {
    async fn of(
        desk: &Desk,
        submission: &Submission,
        project: ProjectEntry,
        hash: [u8; 32],
    ) -> Result<Self, SubmitError> {
        let (store, month) = (&desk.store, submission.month);
        let national: Option<Arc<dyn National + Send + Sync>> =
            match desk.national.of(&project.code) {
                None => None,
                Some(_) => Some(Arc::new(
                    Platform::of(&**store, &desk.vault, &desk.national, &project, month).await?,
                )),
            };
        Ok(Self {
            adapter: Arc::clone(&desk.banks.find(&project.bank)?.adapter),
            submission: submission.clone(),
            today: china_date(desk.clock.now()),
            seen_as: store.sheet_seen(hash, &project.code).await?,
            has_roster: store.has_roster(&project.code).await?,
            lookup: Lookup {
                store: Arc::clone(store),
                vault: Arc::clone(&desk.vault),
                asked: Asked {
                    project: project.code.clone(),
                    month,
                },
                runtime: Handle::current(),
            },
            national,
            project,
        })
    }

    /// The first pass, on a thread that may block; everything comes back for the second.
    async fn check<O>(self, open: O, listed_max: usize) -> Result<(Self, Checked, O), SubmitError>
    where
        O: Fn() -> io::Result<Box<dyn BufRead + Send>> + Send + 'static,
    {
        let passed = spawn_blocking(move || {
            let checked = self.pass(&open, listed_max)?;
            Ok::<_, IntakeError>((self, checked, open))
        });
        Ok(passed.await??)
    }

    fn pass(&self, open: super::OpenSheet<'_>, listed_max: usize) -> Result<Checked, IntakeError> {
        let Submission {
            month,
            declared,
            leave_out,
            ..
        } = &self.submission;
        let fits = |rows: &[WageRow]| bank::unfit(&*self.adapter, &self.project, *month, rows);
        let records: &dyn Records = &self.lookup;
        let national: Option<&dyn National> = match &self.national {
            Some(national) => Some(&**national),
            None => None,
        };
        check(
            open,
            &Expectation {
                project: &self.project.code,
                project_name: &self.project.name,
                contractor_uscc: &self.project.contractor_uscc,
                special_account: &self.project.account,
                month: *month,
                today: self.today,
                declared: *declared,
                leave_out,
                seen_as: self.seen_as.as_deref(),
                has_roster: self.has_roster,
                listed_max,
                fits: &fits,
                records: Some(records),
                national,
            },
        )
    }

    fn batch(
        &self,
        desk: &Desk,
        submission: &Submission,
        sheet: &Kept,
        checked: &Checked,
    ) -> NewBatch {
        let (at, month) = (desk.clock.now(), submission.month);
        NewBatch {
            code: code(month, &self.project.code, sheet, at.as_millisecond()),
            project: self.project.code.clone(),
            month,
            sheet: sheet.hash,
            content: checked.content.hash,
            rows: checked.content.rows,
            total: checked.content.total,
            prepared_by: submission.by.clone(),
            at,
            expires_at: desk.approval.expires_at(at),
            remarks: Remarks {
                warnings: checked.warnings.iter().map(Warning::from).collect(),
                left_out: checked.left_out.clone(),
            },
        }
    }
}

/// As the approvers will see it, in the words of today.
impl From<&Problem> for Warning {
    fn from(problem: &Problem) -> Self {
        let (what, fix) = (problem.flaw.what(), problem.flaw.fix());
        Self {
            sheet: problem.sheet.clone(),
            row: problem.row,
            column: problem.column.clone(),
            code: problem.flaw.code().to_owned(),
            what: [what.zh, what.en],
            fix: [fix.zh, fix.en],
        }
    }
}
