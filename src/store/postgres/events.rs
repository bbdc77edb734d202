//! What happened to an instruction: its state moves by `domain`'s table, its open items move with it, and the tasks that follow are set, in one commit.

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use wagegate_domain::attempt::{Event, State};
use wagegate_domain::fact::{BankCode, Verdict};
use wagegate_domain::outcome::Outcome;
use wagegate_domain::reason::Reason;

use super::columns::Columns;
use super::facts::{Source, write};
use super::instructions::lock_batch_of;
use super::tallies::move_items;
use super::{notices, standings, tasks};
use crate::killpoints::killpoint;
use crate::store::booking::Booking;
use crate::store::moves::Moves;
use crate::store::{Claim, Happening, Next, StoreError, TaskKind};

pub(super) async fn record_event(
    pool: &PgPool,
    claim: &Claim,
    instruction: i64,
    happening: &Happening,
    next: Next,
) -> Result<State, StoreError> {
    let mut tx = pool.begin().await?;
    match record(&mut tx, claim, instruction, happening, next).await {
        Ok(state) => {
            killpoint("before_event_commit");
            tx.commit().await?;
            Ok(state)
        }
        // Now, and not when the connection is next used: until then others would pass over the tasks that this one locked.
        Err(error) => {
            tx.rollback().await?;
            Err(error)
        }
    }
}

async fn record(
    tx: &mut PgConnection,
    claim: &Claim,
    instruction: i64,
    happening: &Happening,
    next: Next,
) -> Result<State, StoreError> {
    tasks::hold_with_query(tx, claim, instruction).await?;
    lock_batch_of(tx, instruction).await?;
    let state = sqlx::query("SELECT state FROM instruction WHERE id = $1")
        .bind(instruction)
        .fetch_one(&mut *tx)
        .await?
        .parsed("state", State::from_code)?;
    let state = advance(tx, instruction, state, happening.event, happening.at).await?;
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
        fail_all(tx, source, instruction, *reason, bank).await?;
    }
    tasks::settle(tx, claim, next).await?;
    if let Some(due) = happening.send_at {
        tasks::set(tx, TaskKind::Send, &instruction.to_string(), due).await?;
    }
    if let Some(due) = happening.query_at {
        tasks::set(tx, TaskKind::Query, &instruction.to_string(), due).await?;
    }
    Ok(state)
}

/// Moves an instruction on, and its open items with it. The caller holds the batch's row.
pub(super) async fn advance(
    tx: &mut PgConnection,
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
            "SELECT t.batch_id, count(*) AS item_count, sum(t.amount_fen)::bigint AS total_fen FROM attempt t
             LEFT JOIN LATERAL (SELECT outcome FROM outcome o WHERE o.instruction_id = t.instruction_id AND o.sequence = t.sequence
                                ORDER BY o.version DESC LIMIT 1) o ON TRUE
             WHERE t.instruction_id = $1 AND COALESCE(o.outcome, 'open') = 'open'
               AND NOT EXISTS (SELECT FROM attempt l WHERE l.batch_id = t.batch_id AND l.row_no = t.row_no AND l.attempt_no > t.attempt_no)
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
    tx: &mut PgConnection,
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
        write(tx, source, booking).await?;
    }
}
