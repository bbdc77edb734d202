//! Work that waits: claimed under a lease by one gateway at a time, and given back with the fence that the claim was given.

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};

use super::columns::{Columns, moment};
use crate::store::{Claim, Next, StoreError, TaskKind};

/// Makes sure that a task exists; one that is there already keeps its time.
pub(super) async fn ensure(
    connection: &mut PgConnection,
    kind: TaskKind,
    subject: &str,
    due: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO task (kind, priority, subject, due_at) VALUES ($1, $2, $3, $4) ON CONFLICT (kind, subject) DO NOTHING",
    )
    .bind(kind.code())
    .bind(priority(kind))
    .bind(subject)
    .bind(due.as_millisecond())
    .execute(connection)
    .await?;
    Ok(())
}

/// The place of a kind in the order in which work is taken.
pub(super) fn priority(kind: TaskKind) -> i64 {
    TaskKind::ALL
        .iter()
        .zip(0..)
        .find(|(other, _)| **other == kind)
        .map_or(i64::MAX, |(_, place)| place)
}

/// Takes the next due task; one that another gateway is just taking is passed over, not waited for.
pub(super) async fn claim_step(
    pool: &PgPool,
    post: bool,
    now: Timestamp,
    lease_ms: i64,
) -> Result<Option<Claim>, StoreError> {
    let now = now.as_millisecond();
    let row = sqlx::query(
        "WITH next AS (
           SELECT id, lease_until IS NOT NULL AS taken_over FROM task
           WHERE due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1) AND (kind IN ('announce', 'deliver')) = $3
           ORDER BY priority, due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
         )
         UPDATE task t SET lease_until = $2, fence = fence + 1 FROM next WHERE t.id = next.id
         RETURNING t.id, t.kind, t.subject, t.fence, next.taken_over",
    )
    .bind(now)
    .bind(now.saturating_add(lease_ms))
    .bind(post)
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        Ok(Claim {
            task: row.int("id")?,
            kind: row.parsed("kind", TaskKind::from_code)?,
            subject: row.text("subject")?,
            fence: row.int("fence")?,
            taken_over: sqlx::Row::try_get(&row, "taken_over")?,
        })
    })
    .transpose()
}

pub(super) async fn renew(
    pool: &PgPool,
    claim: &Claim,
    until: Timestamp,
) -> Result<(), StoreError> {
    let renewed = sqlx::query(
        "UPDATE task SET lease_until = $3 WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL",
    )
    .bind(claim.task)
    .bind(claim.fence)
    .bind(until.as_millisecond())
    .execute(pool)
    .await?
    .rows_affected();
    if renewed == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

pub(super) async fn next_due(pool: &PgPool, post: bool) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<i64> =
        sqlx::query_scalar("SELECT min(GREATEST(due_at, lease_until)) FROM task WHERE (kind IN ('announce', 'deliver')) = $1")
            .bind(post)
            .fetch_one(pool)
            .await?;
    due.map(moment).transpose()
}

/// Checks the fence and keeps the task locked until the commit: nobody can take it over in the meantime. The first lock of every write with a claim.
pub(super) async fn hold(tx: &mut PgConnection, claim: &Claim) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT id FROM task WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL FOR UPDATE",
    )
    .bind(claim.task)
    .bind(claim.fence)
    .fetch_optional(tx)
    .await?
    .map(|_| ())
    .ok_or(StoreError::Stale)
}

/// [`hold`], for a write that may also set the instruction's query task: both rows are locked now, in the order of their keys.
pub(super) async fn hold_with_query(
    tx: &mut PgConnection,
    claim: &Claim,
    instruction: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT id FROM task WHERE id = $1 OR (kind = $2 AND subject = $3) ORDER BY id FOR UPDATE",
    )
    .bind(claim.task)
    .bind(TaskKind::Query.code())
    .bind(instruction.to_string())
    .fetch_all(&mut *tx)
    .await?;
    hold(tx, claim).await
}

/// Waits for whoever is writing with a task of a batch that awaits its plan or its end, and keeps the next one out until the commit.
pub(super) async fn hold_of_batch(tx: &mut PgConnection, batch: &str) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT id FROM task WHERE kind IN ($1, $2) AND subject = $3 ORDER BY id FOR UPDATE",
    )
    .bind(TaskKind::Plan.code())
    .bind(TaskKind::Expire.code())
    .bind(batch)
    .fetch_all(tx)
    .await?;
    Ok(())
}

/// Waits for whoever is writing with a task of an instruction, and keeps the next one out until the commit: for people's decisions, which hold no claim.
pub(super) async fn hold_of_instruction(
    tx: &mut PgConnection,
    instruction: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT id FROM task WHERE kind IN ($1, $2) AND subject = $3 ORDER BY id FOR UPDATE",
    )
    .bind(TaskKind::Send.code())
    .bind(TaskKind::Query.code())
    .bind(instruction.to_string())
    .fetch_all(tx)
    .await?;
    Ok(())
}

/// Makes a task due at a moment, whether it was there or not; a lease on it stands.
pub(super) async fn set(
    tx: &mut PgConnection,
    kind: TaskKind,
    subject: &str,
    due: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO task (kind, priority, subject, due_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (kind, subject) DO UPDATE SET due_at = excluded.due_at",
    )
    .bind(kind.code())
    .bind(priority(kind))
    .bind(subject)
    .bind(due.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes a task away, from whoever may hold it: what they write after is refused.
pub(super) async fn cancel(
    tx: &mut PgConnection,
    kind: TaskKind,
    subject: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM task WHERE kind = $1 AND subject = $2")
        .bind(kind.code())
        .bind(subject)
        .execute(tx)
        .await?;
    Ok(())
}

/// What becomes of the task; for a claim that was never held in this transaction the fence is checked here too.
pub(super) async fn settle(
    tx: &mut PgConnection,
    claim: &Claim,
    next: Next,
) -> Result<(), StoreError> {
    let query = match next {
        Next::Done => sqlx::query("DELETE FROM task WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL")
            .bind(claim.task)
            .bind(claim.fence),
        Next::Again(due) => sqlx::query(
            "UPDATE task SET due_at = $3, lease_until = NULL WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL",
        )
        .bind(claim.task)
        .bind(claim.fence)
        .bind(due.as_millisecond()),
    };
    if query.execute(tx).await?.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

/// Waits for whoever is writing with the send task of one of these instructions, or of another generation of it, and keeps the next one out until the
/// commit. Of all of them, whatever their state: one that is being sent now may be planned again by the time its batch is locked.
pub(super) async fn hold_sends(
    tx: &mut PgConnection,
    bank: &str,
    keys: &[String],
) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT id FROM task WHERE kind = $1 AND subject IN
           (SELECT l.id::text FROM instruction n JOIN instruction l ON l.batch_id = n.batch_id AND l.part = n.part
            WHERE n.bank = $2 AND n.bank_key = ANY ($3)) ORDER BY id FOR UPDATE",
    )
    .bind(TaskKind::Send.code())
    .bind(bank)
    .bind(keys)
    .fetch_all(tx)
    .await?;
    Ok(())
}
