//! Work that waits: claimed under a lease by one gateway at a time, and given back with the fence that the claim was given.

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use super::write;
use crate::store::columns::{Columns, moment};
use crate::store::{Claim, Next, StoreError, TaskKind};

/// Makes sure that a task exists; one that is there already keeps its time.
pub(super) async fn ensure(
    connection: &mut SqliteConnection,
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

/// Takes the next due task.
pub(super) async fn claim_step(
    pool: &SqlitePool,
    post: bool,
    now: Timestamp,
    lease_ms: i64,
) -> Result<Option<Claim>, StoreError> {
    let mut tx = write(pool).await?;
    let now = now.as_millisecond();
    let next = sqlx::query(
        "SELECT id, kind, subject, fence + 1 AS fence, lease_until IS NOT NULL AS taken_over FROM task
         WHERE due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1) AND (kind IN ('announce', 'deliver')) = $2 ORDER BY priority, due_at, id LIMIT 1",
    )
    .bind(now)
    .bind(post)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = next else {
        return Ok(None);
    };
    let claim = Claim {
        task: row.int("id")?,
        kind: row.parsed("kind", TaskKind::from_code)?,
        subject: row.text("subject")?,
        fence: row.int("fence")?,
        taken_over: row.int("taken_over")? != 0,
    };
    sqlx::query("UPDATE task SET lease_until = $2, fence = $3 WHERE id = $1")
        .bind(claim.task)
        .bind(now.saturating_add(lease_ms))
        .bind(claim.fence)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Some(claim))
}

pub(super) async fn renew(
    pool: &SqlitePool,
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

pub(super) async fn next_due(
    pool: &SqlitePool,
    post: bool,
) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<i64> =
        sqlx::query_scalar("SELECT min(max(due_at, COALESCE(lease_until, due_at))) FROM task WHERE (kind IN ('announce', 'deliver')) = $1")
            .bind(post)
            .fetch_one(pool)
            .await?;
    due.map(moment).transpose()
}

/// Checks the fence: the first thing in every write with a claim.
pub(super) async fn hold(tx: &mut SqliteConnection, claim: &Claim) -> Result<(), StoreError> {
    sqlx::query("SELECT id FROM task WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL")
        .bind(claim.task)
        .bind(claim.fence)
        .fetch_optional(tx)
        .await?
        .map(|_| ())
        .ok_or(StoreError::Stale)
}

/// Makes a task due at a moment, whether it was there or not; a lease on it stands.
pub(super) async fn set(
    tx: &mut SqliteConnection,
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
    tx: &mut SqliteConnection,
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
    tx: &mut SqliteConnection,
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
