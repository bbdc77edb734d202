//! Instructions as they stand, their payments in pages, and the commit of intent.

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool};
use wagegate_domain::attempt::{Event, State};
use wagegate_domain::batch::{BatchState, ContentHash};

use super::columns::{Columns, stored};
use super::{notices, sends, tasks};
use crate::killpoints::killpoint;
use crate::store::{Claim, InstructionView, Next, SealedPayment, SealedRow, StoreError};

const VIEW: &str = "SELECT i.id, b.code, p.code AS project, b.pay_month, i.part, i.generation, i.bank, i.bank_key, i.state, i.row_count, i.total_fen, i.planned_at, i.value_date,
       a.number, a.name, i.content, i.bytes_hash, i.bytes_size, i.intent_at, i.queries, i.ask_first_since, i.held_since, i.vouched_at, i.not_known_since,
               (SELECT count(*) FROM send s WHERE s.instruction_id = i.id) AS sends,
       (SELECT count(*) FROM attempt t
        LEFT JOIN LATERAL (SELECT o.outcome FROM outcome o WHERE o.instruction_id = t.instruction_id AND o.sequence = t.sequence
                           ORDER BY o.version DESC LIMIT 1) latest ON TRUE
        WHERE t.instruction_id = i.id AND COALESCE(latest.outcome, 'open') IN ('open', 'contradicted')) AS open
     FROM instruction i JOIN batch b ON b.id = i.batch_id JOIN project p ON p.id = b.project_id JOIN special_account a ON a.id = p.account_id
     WHERE ($1::bigint IS NULL OR i.id = $1) AND ($2::text IS NULL OR b.code = $2) AND ($3::bigint[] IS NULL OR i.id = ANY ($3))
     ORDER BY i.part, i.generation";

pub(super) async fn one(
    connection: &mut PgConnection,
    id: i64,
) -> Result<InstructionView, StoreError> {
    let row = sqlx::query(VIEW)
        .bind(id)
        .bind(None::<&str>)
        .bind(None::<&[i64]>)
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
    pool: &PgPool,
    batch: &str,
) -> Result<Vec<InstructionView>, StoreError> {
    let rows = sqlx::query(VIEW)
        .bind(None::<i64>)
        .bind(batch)
        .bind(None::<&[i64]>)
        .fetch_all(pool)
        .await?;
    rows.iter().map(instruction_view).collect()
}

/// Those with these keys.
pub(super) async fn by_ids(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<Vec<InstructionView>, StoreError> {
    let rows = sqlx::query(VIEW)
        .bind(None::<i64>)
        .bind(None::<&str>)
        .bind(ids)
        .fetch_all(connection)
        .await?;
    rows.iter().map(instruction_view).collect()
}

pub(super) async fn oldest_in_doubt(pool: &PgPool) -> Result<Option<Timestamp>, StoreError> {
    sqlx::query("SELECT min(planned_at) AS oldest FROM instruction WHERE state = 'in_doubt'")
        .fetch_one(pool)
        .await?
        .maybe_moment("oldest")
}

fn instruction_view(row: &PgRow) -> Result<InstructionView, StoreError> {
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
pub(super) fn sealed_row(row: &PgRow) -> Result<SealedRow, StoreError> {
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
    pool: &PgPool,
    instruction: i64,
    after: u32,
    limit: u32,
) -> Result<Vec<SealedPayment>, StoreError> {
    let rows = sqlx::query(
        // Look-ups by key for each row of the page, so that no page costs a walk over a table.
        "SELECT t.sequence, t.amount_fen AS paid_fen, i.row_no, i.amount_fen, w.blind AS worker_blind, w.sealed AS worker_sealed,
           g.blind, g.account_blind, g.sealed, g.cnaps
         FROM (SELECT sequence, batch_id, row_no, amount_fen FROM attempt WHERE instruction_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3) t
         CROSS JOIN LATERAL (SELECT row_no, worker_id, binding_id, amount_fen FROM wage_item w WHERE w.batch_id = t.batch_id AND w.row_no = t.row_no LIMIT 1) i
         CROSS JOIN LATERAL (SELECT blind, sealed FROM worker p WHERE p.id = i.worker_id LIMIT 1) w
         CROSS JOIN LATERAL (SELECT blind, account_blind, sealed, cnaps FROM binding b WHERE b.id = i.binding_id LIMIT 1) g
         ORDER BY t.sequence",
    )
    .bind(instruction)
    .bind(i64::from(after))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    let payment = |row: &PgRow| {
        Ok(SealedPayment {
            sequence: row.number("sequence")?,
            row: sealed_row(row)?,
            amount: row.fen("paid_fen")?,
        })
    };
    rows.iter().map(payment).collect()
}

/// Locks the batch of an instruction, under which everything about its instructions and items moves, and tells where the batch stands.
pub(super) async fn lock_batch_of(
    tx: &mut PgConnection,
    instruction: i64,
) -> Result<BatchState, StoreError> {
    sqlx::query(
        "SELECT b.state FROM batch b JOIN instruction i ON i.batch_id = b.id WHERE i.id = $1 FOR NO KEY UPDATE OF b",
    )
    .bind(instruction)
    .fetch_optional(tx)
    .await?
    .ok_or_else(|| unknown(instruction))?
    .parsed("state", BatchState::from_code)
}

pub(super) async fn record_intent(
    pool: &PgPool,
    claim: &Claim,
    instruction: i64,
    (hash, size): ([u8; 32], u64),
    (witnessed, at): (i64, Timestamp),
) -> Result<i64, StoreError> {
    let mut tx = pool.begin().await?;
    tasks::hold(&mut tx, claim).await?;
    let held = lock_batch_of(&mut tx, instruction).await? != BatchState::Planned;
    let found = sends::last(&mut tx).await?;
    if found < witnessed {
        return Err(StoreError::WentBack { found, witnessed });
    }
    let row = sqlx::query(
        "SELECT state, bytes_hash, bytes_size, ask_first_since, held_since FROM instruction WHERE id = $1",
    )
    .bind(instruction)
    .fetch_one(&mut *tx)
    .await?;
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
