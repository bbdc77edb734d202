//! What happened to an instruction: its state moves by `domain`'s table, its open items move with it, and the tasks that follow are set, in one commit.

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};
use wagegate_domain::attempt::{Event, State};
use wagegate_domain::fact::{BankCode, Verdict};
use wagegate_domain::outcome::Outcome;
use wagegate_domain::reason::Reason;

use super::facts::{self, Source};
use super::instructions::unknown;
use super::tallies::move_items;
use super::{notices, standings, tasks, write};
use crate::killpoints::killpoint;
use crate::store::booking::Booking;
use crate::store::columns::Columns;
use crate::store::moves::Moves;
use crate::store::{Claim, Happening, Next, StoreError, TaskKind};

pub(super) async fn record_event(
    pool: &SqlitePool,
    claim: &Claim,
    instruction: i64,
    happening: &Happening,
    next: Next,
) -> Result<State, StoreError> {
    let mut tx = write(pool).await?;
    tasks::hold(&mut tx, claim).await?;
    let state = sqlx::query("SELECT state FROM instruction WHERE id = $1")
        .bind(instruction)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| unknown(instruction))?
        .parsed("state", State::from_code)?;
    let state = advance(&mut tx, instruction, state, happening.event, happening.at).await?;
    if let Some((reason, bank)) = &happening.refusal {
        let raw = happening.raw.ok_or_else(|| {
            StoreError::Broken(format!(
                "instruction {instruction} was refused without a document that says so"
            ))
        })?;
        let source = Source {
            raw,
            at: happening.at,
        };
        fail_all(&mut tx, source, instruction, *reason, bank).await?;
    }
    tasks::settle(&mut tx, claim, next).await?;
    if let Some(due) = happening.send_at {
        tasks::set(&mut tx, TaskKind::Send, &instruction.to_string(), due).await?;
    }
    if let Some(due) = happening.query_at {
        tasks::set(&mut tx, TaskKind::Query, &instruction.to_string(), due).await?;
    }
    killpoint("before_event_commit");
    tx.commit().await?;
    Ok(state)
}

/// Moves an instruction on, and its open items with it.
pub(super) async fn advance(
    tx: &mut SqliteConnection,
    instruction: i64,
    state: State,
    event: Event,
    at: Timestamp,
) -> Result<State, StoreError> {
    let moved = state.on(event)?;
    // How long a bank has had no record of it counts from the first time, and only while it is in doubt.
    sqlx::query(
        "UPDATE instruction SET state = $2, not_known_since = CASE WHEN $2 <> $3 THEN NULL WHEN $4 THEN COALESCE(not_known_since, $5) ELSE not_known_since END,
           ask_first_since = CASE WHEN $6 THEN NULL ELSE ask_first_since END
         WHERE id = $1",
    )
    .bind(instruction)
    .bind(moved.code())
    .bind(State::InDoubt.code())
    .bind(event == Event::NotKnown)
    .bind(at.as_millisecond())
    .bind(matches!(event, Event::Known | Event::Found))
    .execute(&mut *tx)
    .await?;
    let (from, to) = (state.place(Outcome::Open), moved.place(Outcome::Open));
    if from != to {
        let row = sqlx::query(
            "SELECT t.batch_id, count(*) AS item_count, sum(t.amount_fen) AS total_fen FROM attempt t
             LEFT JOIN outcome o ON o.instruction_id = t.instruction_id AND o.sequence = t.sequence
               AND o.version = (SELECT max(v.version) FROM outcome v WHERE v.instruction_id = t.instruction_id AND v.sequence = t.sequence)
             WHERE t.instruction_id = $1 AND COALESCE(o.outcome, 'open') = 'open'
               AND NOT EXISTS (SELECT 1 FROM attempt l WHERE l.batch_id = t.batch_id AND l.row_no = t.row_no AND l.attempt_no > t.attempt_no)
             GROUP BY t.batch_id",
        )
        .bind(instruction)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(row) = row {
            let figures = (row.number("item_count")?, row.fen("total_fen")?);
            move_items(
                tx,
                &Moves::from([((row.int("batch_id")?, from, to), figures)]),
                at,
            )
            .await?;
        }
    }
    if moved != state {
        notices::of_instruction(tx, instruction, moved, at).await?;
    }
    Ok(moved)
}

/// A refusal of the whole is a failed fact for every payment in it.
async fn fail_all(
    tx: &mut SqliteConnection,
    source: Source,
    instruction: i64,
    reason: Reason,
    bank: &BankCode,
) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let mut attempts = standings::page(tx, instruction, after, None).await?;
        let Some(last) = attempts.last() else {
            return Ok(());
        };
        after = last.seat.1;
        let mut booking = Booking::default();
        for attempt in &mut attempts {
            booking.fact(attempt, 0, Verdict::Failed(reason), bank);
        }
        facts::book(tx, source, &booking).await?;
    }
}
