//! Instructions as they stand, their payments in pages, and the commit of intent.

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};
use wagegate_domain::attempt::{Event, State};
use wagegate_domain::batch::{BatchState, ContentHash};

use super::{notices, sends, tasks, write};
use crate::killpoints::killpoint;
use crate::store::columns::{Columns, stored};
use crate::store::{Claim, InstructionView, Next, SealedPayment, SealedRow, StoreError};

/// Instructions, each with the number of its payments that have no final word: all, less those whose newest outcome is final.
macro_rules! view {
    ($which:literal) => {
        concat!(
            "SELECT i.id, b.code, p.code AS project, b.pay_month, i.part, i.generation, i.bank, i.bank_key, i.state, i.row_count, i.total_fen, i.planned_at, i.value_date,
               a.number, a.name, i.content, i.bytes_hash, i.bytes_size, i.intent_at, i.queries, i.ask_first_since, i.held_since, i.vouched_at, i.not_known_since,
               (SELECT count(*) FROM send s WHERE s.instruction_id = i.id) AS sends,
               i.row_count - (SELECT count(*) FROM outcome o WHERE o.instruction_id = i.id AND o.outcome IN ('paid', 'failed', 'returned')
                 AND NOT EXISTS (SELECT 1 FROM outcome l WHERE l.instruction_id = o.instruction_id AND l.sequence = o.sequence AND l.version > o.version)) AS open
             FROM instruction i JOIN batch b ON b.id = i.batch_id JOIN project p ON p.id = b.project_id JOIN special_account a ON a.id = p.account_id
             WHERE ", $which, " ORDER BY i.part, i.generation"
        )
    };
}

pub(super) async fn one(
    connection: &mut SqliteConnection,
    id: i64,
) -> Result<InstructionView, StoreError> {
    let row = sqlx::query(view!("i.id = $1"))
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref()
        .map(instruction_view)
        .transpose()?
        .ok_or_else(|| unknown(id))
}

pub(super) fn unknown(id: i64) -> StoreError {
    StoreError::NotFound {
        what: "instruction",
        key: id.to_string(),
    }
}

pub(super) async fn of_batch(
    pool: &SqlitePool,
    batch: &str,
) -> Result<Vec<InstructionView>, StoreError> {
    let rows = sqlx::query(view!("b.code = $1"))
        .bind(batch)
        .fetch_all(pool)
        .await?;
    rows.iter().map(instruction_view).collect()
}

/// Those with these keys.
pub(super) async fn by_ids(
    connection: &mut SqliteConnection,
    ids: &[i64],
) -> Result<Vec<InstructionView>, StoreError> {
    // Whole numbers: this always serialises.
    let ids = serde_json::to_string(ids).unwrap_or_default();
    let rows = sqlx::query(view!("i.id IN (SELECT value FROM json_each($1))"))
        .bind(ids)
        .fetch_all(connection)
        .await?;
    rows.iter().map(instruction_view).collect()
}

pub(super) async fn oldest_in_doubt(pool: &SqlitePool) -> Result<Option<Timestamp>, StoreError> {
    sqlx::query("SELECT min(planned_at) AS oldest FROM instruction WHERE state = 'in_doubt'")
        .fetch_one(pool)
        .await?
        .maybe_moment("oldest")
}

fn instruction_view(row: &SqliteRow) -> Result<InstructionView, StoreError> {
    Ok(InstructionView {
        id: row.int("id")?,
        batch: row.text("code")?,
        project: row.text("project")?,
        month: row.month("pay_month")?,
        part: row.number("part")?,
        generation: row.number("generation")?,
        bank: row.text("bank")?,
        bank_key: row.text("bank_key")?,
        state: row.parsed("state", State::from_code)?,
        rows: row.number("row_count")?,
        total: row.fen("total_fen")?,
        planned_at: row.moment("planned_at")?,
        value_date: row.parsed("value_date", |text| text.parse::<Date>().ok())?,
        account: row.text("number")?,
        account_name: row.text("name")?,
        content: row.maybe_array("content")?.map(ContentHash),
        bytes: row
            .maybe_array("bytes_hash")?
            .zip(row.maybe_number("bytes_size")?),
        intent_at: row.maybe_moment("intent_at")?,
        sends: row.number("sends")?,
        queries: row.number("queries")?,
        ask_first_since: row.maybe_moment("ask_first_since")?,
        held_since: row.maybe_moment("held_since")?,
        vouched_at: row.maybe_moment("vouched_at")?,
        open: row.number("open")?,
        not_known_since: row.maybe_moment("not_known_since")?,
    })
}

/// A wage with its people, from the columns `row_no`, `amount_fen`, `worker_blind`, `worker_sealed` and those of its binding.
pub(super) fn sealed_row(row: &SqliteRow) -> Result<SealedRow, StoreError> {
    Ok(SealedRow {
        row: row.number("row_no")?,
        worker_blind: row.array("worker_blind")?,
        worker_sealed: row.bytes("worker_sealed")?,
        binding_blind: row.array("blind")?,
        account_blind: row.array("account_blind")?,
        binding_sealed: row.bytes("sealed")?,
        cnaps: row.maybe_text("cnaps")?,
        amount: row.fen("amount_fen")?,
    })
}

pub(super) async fn payments(
    pool: &SqlitePool,
    instruction: i64,
    after: u32,
    limit: u32,
) -> Result<Vec<SealedPayment>, StoreError> {
    let rows = sqlx::query(
        "SELECT t.sequence, t.amount_fen AS paid_fen, i.row_no, i.amount_fen, w.blind AS worker_blind, w.sealed AS worker_sealed,
           g.blind, g.account_blind, g.sealed, g.cnaps FROM attempt t
         CROSS JOIN wage_item i ON i.batch_id = t.batch_id AND i.row_no = t.row_no
         CROSS JOIN worker w ON w.id = i.worker_id
         CROSS JOIN binding g ON g.id = i.binding_id
         WHERE t.instruction_id = $1 AND t.sequence > $2 ORDER BY t.sequence LIMIT $3",
    )
    .bind(instruction)
    .bind(i64::from(after))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    let payment = |row: &SqliteRow| {
        Ok(SealedPayment {
            sequence: row.number("sequence")?,
            row: sealed_row(row)?,
            amount: row.fen("paid_fen")?,
        })
    };
    rows.iter().map(payment).collect()
}

pub(super) async fn record_intent(
    pool: &SqlitePool,
    claim: &Claim,
    instruction: i64,
    (hash, size): ([u8; 32], u64),
    (witnessed, at): (i64, Timestamp),
) -> Result<i64, StoreError> {
    let mut tx = write(pool).await?;
    tasks::hold(&mut tx, claim).await?;
    let found = sends::last(&mut tx).await?;
    if found < witnessed {
        return Err(StoreError::WentBack { found, witnessed });
    }
    let row = sqlx::query(
        "SELECT i.state, i.bytes_hash, i.bytes_size, i.ask_first_since, i.held_since, b.state AS batch_state
         FROM instruction i JOIN batch b ON b.id = i.batch_id WHERE i.id = $1",
    )
    .bind(instruction)
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(|| unknown(instruction))?;
    let held = row.parsed("batch_state", BatchState::from_code)? != BatchState::Planned;
    let waits =
        row.maybe_int("ask_first_since")?.is_some() || row.maybe_int("held_since")?.is_some();
    if held || waits {
        tasks::settle(&mut tx, claim, Next::Done).await?;
        tx.commit().await?;
        return Err(StoreError::Stale);
    }
    let state = row.parsed("state", State::from_code)?.on(Event::Intent)?;
    let earlier = row
        .maybe_array("bytes_hash")?
        .zip(row.maybe_number("bytes_size")?);
    if earlier.is_some_and(|bytes: ([u8; 32], u64)| bytes != (hash, size)) {
        return Err(StoreError::Broken(format!(
            "the bytes of instruction {instruction} differ from those of an earlier intent"
        )));
    }
    sqlx::query(
        "UPDATE instruction SET state = $2, bytes_hash = $3, bytes_size = $4, intent_at = $5 WHERE id = $1",
    )
    .bind(instruction)
    .bind(state.code())
    .bind(hash.as_slice())
    .bind(stored(size)?)
    .bind(at.as_millisecond())
    .execute(&mut *tx)
    .await?;
    // Bytes of an earlier intent of which nothing left were told before.
    if earlier.is_none() {
        notices::of_instruction(&mut tx, instruction, state, at).await?;
    }
    let number = sends::append(&mut tx, instruction, at).await?;
    killpoint("before_intent_commit");
    tx.commit().await?;
    Ok(number)
}
