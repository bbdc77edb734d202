//! The use case: an upload becomes evidence, is checked, and becomes a batch whole, or nothing but its problems come back.
//! The upload itself stays in the evidence store either way: what somebody tried to submit is evidence too.

use std::{io, io::BufRead, sync::Arc};

use async_trait::async_trait;
use tokio::{
    sync::mpsc,
    task::{JoinError, spawn_blocking},
};
use wagegate_domain::{
    Fen, PayMonth,
    adapter::{Adapter, EncodeError, Order, Payment},
    batch::{Content, ContentHash, ContentHasher, WageRow},
    ids::BankAccount,
    plan::reference,
};

use super::{Checked, Expectation, IntakeError, Problem, changed, check, rows};
use crate::{
    banks::{Banks, UnknownBank},
    clock::{Clock, china_date},
    evidence::{Evidence, EvidenceError, Kept},
    gateway::Gateway,
    security::seal::Vault,
    store::{BatchView, NewBatch, ProjectEntry, RowSource, SealedRow, Store, StoreError},
    transport::https::ByteStream,
};

/// Largest upload, bytes: a million rows of text are half of it.
const UPLOAD_MAX: u64 = 256 * 1024 * 1024;
const CHUNK: usize = 1_000;
const CHUNKS_AHEAD: usize = 2;

/// What a submission needs.
#[derive(Clone, Debug)]
pub struct Desk {
    pub store: Arc<dyn Store>,
    pub evidence: Evidence,
    pub vault: Arc<Vault>,
    pub banks: Arc<Banks>,
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
            clock: Arc::clone(&gateway.clock),
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
    project: &str,
    month: PayMonth,
    by: &str,
) -> Result<Submitted, SubmitError> {
    let project = desk.store.project(project).await?;
    let adapter = Arc::clone(&desk.banks.find(&project.bank)?.adapter);
    let sheet = desk.evidence.keep_stream(upload, UPLOAD_MAX).await?;
    let checked = check_kept(desk, sheet, adapter, &project, month).await?;
    let batch = NewBatch {
        code: code(
            month,
            &project.code,
            &sheet,
            desk.clock.now().as_millisecond(),
        ),
        project: project.code,
        month,
        sheet: sheet.hash,
        content: checked.content.hash,
        rows: checked.content.rows,
        total: checked.content.total,
        prepared_by: by.to_owned(),
        at: desk.clock.now(),
    };
    let expected = Expected {
        hasher: ContentHasher::new(&batch.project, &project.account, month),
        content: checked.content,
    };
    let mut source = Source::start(desk, sheet, expected);
    let batch = desk.store.accept_batch(&batch, &mut source).await?;
    Ok(Submitted {
        batch,
        warnings: checked.warnings,
    })
}

/// Month, and ten characters that no other submission has: the same sheet may come again after a refusal.
fn code(month: PayMonth, project: &str, sheet: &Kept, at_ms: i64) -> String {
    let seed = format!("{project} {} {at_ms}", hex::encode(sheet.hash));
    let digest = <sha2::Sha256 as sha2::Digest>::digest(seed);
    let mark = hex::encode_upper(&digest[..5]);
    format!("B-{month}-{mark}")
}

fn opener(
    evidence: &Evidence,
    sheet: Kept,
) -> impl Fn() -> io::Result<Box<dyn BufRead + Send>> + use<> {
    let evidence = evidence.clone();
    move || match evidence.reader(&sheet.hash) {
        Ok(reader) => Ok(Box::new(reader)),
        Err(error) => Err(io::Error::other(error)),
    }
}

async fn check_kept(
    desk: &Desk,
    sheet: Kept,
    adapter: Arc<dyn Adapter>,
    project: &ProjectEntry,
    month: PayMonth,
) -> Result<Checked, SubmitError> {
    let open = opener(&desk.evidence, sheet);
    let today = china_date(desk.clock.now());
    let project = project.clone();
    let checked = spawn_blocking(move || {
        let fits = |row: &WageRow| fits(&*adapter, &project, month, row);
        let expect = Expectation {
            project: &project.code,
            project_name: &project.name,
            special_account: &project.account,
            month,
            today,
            fits: &fits,
        };
        check(&open, &expect)
    });
    Ok(checked.await??)
}

/// Tries the row in the bank's own form: what would stop the instruction later stops the sheet now, with its row.
fn fits(
    adapter: &dyn Adapter,
    project: &ProjectEntry,
    month: PayMonth,
    row: &WageRow,
) -> Result<(), (String, String)> {
    let profile = adapter.profile();
    let limits = [profile.limits.item_fen_max, profile.limits.total_fen_max];
    if limits
        .iter()
        .flatten()
        .any(|most| row.amount > Fen::new(*most))
    {
        return Err(("amount".into(), "above the bank's limit".into()));
    }
    let unfit = |field: &str, why: String| Err((field.to_owned(), why));
    let Ok((account, _)) = BankAccount::parse(&project.account) else {
        return unfit(
            "special account",
            "the project's account is not a number".into(),
        );
    };
    let bank_key = wagegate_domain::plan::bank_key(&ContentHash([0; 32]), 1, 1, profile.key);
    let day = jiff::civil::date(2026, 1, 1);
    let order = Order {
        bank_key: bank_key.clone(),
        created: day.at(0, 0, 0, 0),
        value_date: day,
        account,
        account_name: project.account_name.clone(),
        count: 1,
        total: row.amount,
    };
    let payment = Payment {
        sequence: 1,
        reference: reference(&bank_key, 1),
        name: row.name.clone(),
        account: row.account.clone(),
        cnaps: row.cnaps.clone(),
        amount: row.amount,
        remark: format!("{month}工资"),
    };
    match adapter.encode(&order, &mut std::iter::once(payment), &mut io::sink()) {
        Ok(()) => Ok(()),
        Err(EncodeError::Unfit { field, why, .. }) => unfit(field, why),
        Err(error @ (EncodeError::Totals { .. } | EncodeError::Io(_))) => {
            unfit("row", error.to_string())
        }
    }
}

/// What the rows of the second pass must add up to.
struct Expected {
    hasher: ContentHasher,
    content: Content,
}

/// Seals the rows of the second pass on a blocking thread, chunk by chunk, as the store asks for them.
struct Source {
    chunks: mpsc::Receiver<Result<Vec<SealedRow>, IntakeError>>,
}

impl Source {
    fn start(desk: &Desk, sheet: Kept, expected: Expected) -> Self {
        let Expected {
            mut hasher,
            content,
        } = expected;
        let (to, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let (open, vault) = (opener(&desk.evidence, sheet), Arc::clone(&desk.vault));
        spawn_blocking(move || {
            let mut chunk = Vec::with_capacity(CHUNK);
            let send = |chunk: &mut Vec<SealedRow>| {
                let whole = std::mem::replace(chunk, Vec::with_capacity(CHUNK));
                to.blocking_send(Ok(whole))
                    .map_err(|_| IntakeError::Stopped)
            };
            let done = rows(&open, &mut |row| {
                hasher.add(&row).ok_or_else(changed)?;
                chunk.push(vault.seal_row(&row));
                if chunk.len() == CHUNK {
                    send(&mut chunk)
                } else {
                    Ok(())
                }
            });
            let end = match done {
                // What is stored is what was checked, or nothing is.
                Ok(()) if hasher.finish() != content => Err(changed()),
                Ok(()) if chunk.is_empty() => Ok(()),
                Ok(()) => send(&mut chunk),
                Err(error) => Err(error),
            };
            if let Err(error) = end {
                // A store that has stopped asking knows why.
                to.blocking_send(Err(error)).ok();
            }
        });
        Self { chunks }
    }
}

#[async_trait]
impl RowSource for Source {
    async fn next_chunk(&mut self) -> Result<Vec<SealedRow>, StoreError> {
        match self.chunks.recv().await {
            Some(Ok(chunk)) => Ok(chunk),
            Some(Err(error)) => Err(StoreError::Broken(format!("the rows ended early: {error}"))),
            None => Ok(Vec::new()),
        }
    }
}
