//! The dry run before a release: the very parts, keys and bytes that dispatch would make of a batch today, made by the same code and sent nowhere.

use std::{
    io::{self, BufWriter, Write},
    sync::Arc,
};

use bytes::Bytes;
use jiff::{Timestamp, civil::Date};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::{sync::mpsc, task::spawn_blocking};
use wagegate_domain::{
    adapter::Order,
    attempt::State,
    batch::Content,
    period::CHINA,
    plan::{Limits, bank_key, is_own},
    seating::{Part, Seated},
};

use super::{
    BuildError, StepError, WagesError,
    build::{Payments, encode, order},
    wages::{PAGE, PAGES_AHEAD, seat},
    window,
};
use crate::{
    banks::Bank,
    gateway::Gateway,
    store::{BatchView, InstructionView, SealedPayment, SealedRow, Store, StoreError},
};

/// The generation of a first plan.
const GENERATION: u32 = 1;
/// Bytes that travel in one piece.
const PIECE: usize = 64 * 1024;

/// A batch as it would be sent.
#[derive(Debug)]
pub struct Preview {
    /// Of all rows, as they are stored now.
    pub content: Content,
    /// In the order of their numbers.
    pub parts: Vec<PreviewPart>,
    /// Count and sum of the rows that fit no instruction of the bank.
    pub unseated: (u64, wagegate_domain::Fen),
    /// The bank's name and limits, and its cut-off.
    pub bank: String,
    pub limits: Limits,
    pub cut_off: Option<jiff::civil::Time>,
    /// The bank's business date for which the bytes are; those of another day differ in the day alone.
    pub day: Date,
    /// When the wages are expected on the cards, if they are split at that moment.
    pub arrives: Date,
    /// Whether the calendar has the years from that moment to that day.
    pub calendar_known: bool,
}

/// One instruction as it would be sent.
#[derive(Debug)]
pub struct PreviewPart {
    pub part: Part,
    pub bank_key: String,
    /// SHA-256 and number of its bytes.
    pub hash: [u8; 32],
    pub size: u64,
}

/// Why there is no preview.
#[derive(Debug, Error)]
pub enum PreviewError {
    #[error(transparent)]
    Step(#[from] StepError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Wages(#[from] WagesError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("there is no part {0}")]
    NoPart(u32),
    #[error("a blocking task ended early: {0}")]
    Ended(#[from] tokio::task::JoinError),
}

/// Makes every part's bytes and measures them; keeps none.
///
/// # Errors
/// The rows cannot be read, or do not fit the bank.
pub async fn preview(
    gateway: &Gateway,
    batch: &BatchView,
    at: Timestamp,
) -> Result<Preview, PreviewError> {
    let bank = gateway.banks.find(&batch.bank).map_err(StepError::from)?;
    let seated = seat(gateway, batch).await??;
    let mut parts = Vec::new();
    for part in &seated.parts {
        let draft = draft(gateway, batch, &seated, part, bank, at).await?;
        let (order, mut payments) = made_of(gateway, &draft, part, bank)?;
        let encoder = Arc::clone(&bank.adapter);
        let measured = spawn_blocking(move || {
            let (out, _) = encode(&*encoder, &order, &mut payments, Measure::default())?;
            Ok::<_, BuildError>(out)
        });
        let measured = measured.await??;
        parts.push(PreviewPart {
            part: *part,
            bank_key: draft.bank_key,
            hash: measured.digest.finalize().into(),
            size: measured.size,
        });
    }
    let (profile, calendar) = (bank.adapter.profile(), gateway.banks.calendar());
    let shown = CHINA.to_datetime(at);
    let arrives = profile.expected_arrival(calendar, shown);
    Ok(Preview {
        content: seated.content,
        parts,
        unseated: seated.unseated,
        bank: profile.name.clone(),
        limits: profile.limits,
        cut_off: profile.cut_off,
        day: window::value_date(gateway, bank, at),
        arrives,
        calendar_known: calendar.is_known(shown.date()) && calendar.is_known(arrives),
    })
}

/// The bytes of one part, as they are made.
///
/// # Errors
/// As [`preview`]; what fails later ends the bytes with an error.
pub async fn bytes(
    gateway: &Gateway,
    batch: &BatchView,
    number: u32,
    at: Timestamp,
) -> Result<mpsc::Receiver<io::Result<Bytes>>, PreviewError> {
    let bank = gateway.banks.find(&batch.bank).map_err(StepError::from)?;
    let seated = seat(gateway, batch).await??;
    let part = seated.parts.iter().find(|part| part.number == number);
    let part = *part.ok_or(PreviewError::NoPart(number))?;
    let draft = draft(gateway, batch, &seated, &part, bank, at).await?;
    let (order, mut payments) = made_of(gateway, &draft, &part, bank)?;
    let encoder = Arc::clone(&bank.adapter);
    let (to, pieces) = mpsc::channel(PAGES_AHEAD);
    spawn_blocking(move || {
        let out = BufWriter::with_capacity(PIECE, Pieces(to.clone()));
        let made = encode(&*encoder, &order, &mut payments, out).and_then(|(mut out, _)| {
            out.flush()
                .map_err(|error| BuildError::Encode(error.into()))
        });
        if let Err(error) = made {
            // A reader that is gone needs no reason.
            drop(to.blocking_send(Err(io::Error::other(error))));
        }
    });
    Ok(pieces)
}

/// The instruction that a plan of this moment would make of a part.
async fn draft(
    gateway: &Gateway,
    batch: &BatchView,
    seated: &Seated,
    part: &Part,
    bank: &Bank,
    at: Timestamp,
) -> Result<InstructionView, PreviewError> {
    let project = gateway.store.project(&batch.project).await?;
    let hash = &seated.content.hash;
    let rows = u32::try_from(part.content.rows).map_err(|_| WagesError::Overflow)?;
    Ok(InstructionView {
        id: 0,
        batch: batch.code.clone(),
        project: batch.project.clone(),
        month: batch.month,
        part: part.number,
        generation: GENERATION,
        bank: batch.bank.clone(),
        bank_key: bank_key(hash, part.number, GENERATION, bank.adapter.profile().key),
        state: State::Planned,
        rows,
        total: part.content.total,
        planned_at: at,
        value_date: window::value_date(gateway, bank, at),
        account: project.account,
        account_name: project.account_name,
        content: Some(part.content.hash),
        bytes: None,
        intent_at: None,
        sends: 0,
        queries: 0,
        ask_first_since: None,
        held_since: None,
        vouched_at: None,
        open: part.content.rows,
        not_known_since: None,
    })
}

fn made_of(
    gateway: &Gateway,
    draft: &InstructionView,
    part: &Part,
    bank: &Bank,
) -> Result<(Order, Payments), BuildError> {
    let profile = bank.adapter.profile();
    let lane = Lane {
        part: *part,
        limits: profile.limits,
        prefix: profile.own_cnaps_prefix().to_owned(),
    };
    let (to, pages) = mpsc::channel(PAGES_AHEAD);
    let store = Arc::clone(&gateway.store);
    tokio::spawn(fetch(store, draft.batch.clone(), lane, to));
    Ok((order(draft)?, Payments::over(gateway, draft, pages)))
}

/// Which rows between a part's first and last are its own.
struct Lane {
    part: Part,
    limits: Limits,
    prefix: String,
}

impl Lane {
    fn has(&self, row: &SealedRow) -> bool {
        let apart = self.limits.own_bank_apart && is_own(row.cnaps.as_deref(), &self.prefix);
        row.row <= self.part.last_row && apart == self.part.apart && self.limits.takes(row.amount)
    }
}

async fn fetch(
    store: Arc<dyn Store>,
    batch: String,
    lane: Lane,
    to: mpsc::Sender<Result<Vec<SealedPayment>, StoreError>>,
) {
    let (mut after, mut sequence) = (lane.part.first_row.saturating_sub(1), 0);
    while after < lane.part.last_row {
        let page = store.rows_of(&batch, after, PAGE).await;
        let last = page.as_ref().ok().and_then(|rows| rows.last());
        // A batch that ends before its part does is told by the totals.
        let last = last.map_or(lane.part.last_row, |row| row.row);
        let page = page.map(|mut rows| {
            rows.retain(|row| lane.has(row));
            rows.into_iter()
                .map(|row| {
                    sequence += 1;
                    let amount = row.amount;
                    SealedPayment {
                        sequence,
                        row,
                        amount,
                    }
                })
                .collect()
        });
        if to.send(page).await.is_err() {
            return;
        }
        after = last;
    }
}

/// Counts and hashes what is written.
#[derive(Default)]
struct Measure {
    digest: Sha256,
    size: u64,
}

impl Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hands on what is written.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
