//! The lines to the banks, tasks that fail, and the figures of what waits.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};
use wagegate_domain::attempt::State;
use wagegate_domain::link::{Call, Link};

use super::{SqliteStore, write};
use crate::store::columns::Columns;
use crate::store::link::{self, FAILING, words};
use crate::store::{
    Claim, FailingTask, Figures, LinkView, Links, StepFailure, StoreError, TaskFigures,
};

#[async_trait]
impl Links for SqliteStore {
    async fn set_calls_max(&self, bank: &str, calls_max: u32) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO bank_link (bank, calls_max) VALUES ($1, $2) ON CONFLICT (bank) DO UPDATE SET calls_max = excluded.calls_max")
            .bind(bank)
            .bind(i64::from(calls_max))
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn note_call(&self, bank: &str, call: &Call) -> Result<(), StoreError> {
        let known = find(&mut *self.readers.acquire().await?, bank).await?;
        if known.is_some_and(|link| link.knows(call)) {
            return Ok(());
        }
        let mut tx = write(&self.writer).await?;
        let before = find(&mut tx, bank).await?.unwrap_or_default();
        save(&mut tx, bank, &before.after(call.clone())).await?;
        Ok(tx.commit().await?)
    }

    async fn links(&self) -> Result<Vec<LinkView>, StoreError> {
        let rows = sqlx::query("SELECT * FROM bank_link ORDER BY bank")
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(LinkView::read).collect()
    }

    async fn give_back(
        &self,
        claim: &Claim,
        again: Timestamp,
        failed: &StepFailure,
    ) -> Result<(), StoreError> {
        let given = sqlx::query(
            "UPDATE task SET due_at = $3, lease_until = NULL, failures = failures + 1, last_error = $4, failed_at = $5
             WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL",
        )
        .bind(claim.task)
        .bind(claim.fence)
        .bind(again.as_millisecond())
        .bind(words(&failed.why))
        .bind(failed.at.as_millisecond())
        .execute(&self.writer)
        .await?
        .rows_affected();
        if given == 1 {
            Ok(())
        } else {
            Err(StoreError::Stale)
        }
    }

    async fn failing_tasks(
        &self,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<FailingTask>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, kind, subject, bank, failures, last_error, failed_at, due_at FROM task WHERE failures > $1 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(i64::from(FAILING))
        .bind(after.unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(FailingTask::read).collect()
    }

    async fn figures(&self, now: Timestamp) -> Result<Figures, StoreError> {
        let one = sqlx::query(
            "SELECT (SELECT min(planned_at) FROM instruction WHERE state = 'in_doubt') AS in_doubt, (SELECT count(*) FROM suspense) AS suspense,
               (SELECT min(at) FROM suspense) AS suspense_at, (SELECT count(*) FROM special_account WHERE overdrawn_fen > 0) AS overdrawn",
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(Figures {
            tasks: task_figures(&self.readers, now).await?,
            instructions: instructions(&self.readers).await?,
            oldest_in_doubt: one.maybe_moment("in_doubt")?,
            suspense: (one.number("suspense")?, one.maybe_moment("suspense_at")?),
            overdrawn_accounts: one.number("overdrawn")?,
        })
    }
}

async fn find(connection: &mut SqliteConnection, bank: &str) -> Result<Option<Link>, StoreError> {
    let row = sqlx::query("SELECT * FROM bank_link WHERE bank = $1")
        .bind(bank)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(link::link).transpose()
}

async fn save(tx: &mut SqliteConnection, bank: &str, link: &Link) -> Result<(), StoreError> {
    let open = link.open.as_ref();
    let last_failure = link.last_failure.as_ref();
    sqlx::query(
        "INSERT INTO bank_link (bank, failures, open_since, open_until, rest_ms, last_success_at, last_failure_at, last_failure, clock_skew_ms, skew_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (bank) DO UPDATE SET failures = excluded.failures, open_since = excluded.open_since, open_until = excluded.open_until,
           rest_ms = excluded.rest_ms, last_success_at = excluded.last_success_at, last_failure_at = excluded.last_failure_at,
           last_failure = excluded.last_failure, clock_skew_ms = excluded.clock_skew_ms, skew_at = excluded.skew_at",
    )
    .bind(bank)
    .bind(i64::from(link.failures))
    .bind(open.map(|open| open.since.as_millisecond()))
    .bind(open.map(|open| open.until.as_millisecond()))
    .bind(open.map_or(0, |open| i64::try_from(open.rest.as_millis()).unwrap_or(i64::MAX)))
    .bind(link.last_success.map(Timestamp::as_millisecond))
    .bind(last_failure.map(|(at, _)| at.as_millisecond()))
    .bind(last_failure.map(|(_, why)| words(why)))
    .bind(link.skew.map(|skew| skew.ms))
    .bind(link.skew.map(|skew| skew.at.as_millisecond()))
    .execute(tx)
    .await?;
    Ok(())
}

async fn task_figures(pool: &SqlitePool, now: Timestamp) -> Result<Vec<TaskFigures>, StoreError> {
    let rows = sqlx::query(
        "SELECT kind, count(*) FILTER (WHERE lease_until IS NULL OR lease_until <= $1) AS waiting, count(*) FILTER (WHERE lease_until > $1) AS leased,
           count(*) FILTER (WHERE failures > $2) AS failing, min(due_at) FILTER (WHERE due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)) AS oldest_due
         FROM task GROUP BY kind ORDER BY kind",
    )
    .bind(now.as_millisecond())
    .bind(i64::from(FAILING))
    .fetch_all(pool)
    .await?;
    rows.iter().map(TaskFigures::read).collect()
}

async fn instructions(pool: &SqlitePool) -> Result<Vec<(State, u64)>, StoreError> {
    let rows = sqlx::query(
        "SELECT state, count(*) AS how_many FROM instruction GROUP BY state ORDER BY state",
    )
    .fetch_all(pool)
    .await?;
    let read = |row: &SqliteRow| {
        Ok((
            row.parsed("state", State::from_code)?,
            row.number("how_many")?,
        ))
    };
    rows.iter().map(read).collect()
}
