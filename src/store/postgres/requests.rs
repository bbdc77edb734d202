//! Requests under their callers' keys.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::PostgresStore;
use super::columns::Columns;
use crate::store::{Answer, Begun, RequestClaim, RequestKey, Requests, StoreError};

#[async_trait]
impl Requests for PostgresStore {
    async fn begin_request(
        &self,
        key: RequestKey<'_>,
        now: Timestamp,
        lease_until: Timestamp,
        forget_before: Timestamp,
    ) -> Result<Begun, StoreError> {
        let mut tx = self.pool.begin().await?;
        // A few at a time, with every new one: so what is old never piles up and is never a long work.
        sqlx::query(
            "DELETE FROM keyed_request WHERE id IN (SELECT id FROM keyed_request WHERE at < $1 AND lease_until < $1 ORDER BY at LIMIT 100 FOR UPDATE SKIP LOCKED)",
        )
        .bind(forget_before.as_millisecond())
        .execute(&mut *tx)
        .await?;
        let begun = begin(&mut tx, key, now, lease_until).await?;
        tx.commit().await?;
        Ok(begun)
    }

    async fn hold_request(
        &self,
        claim: RequestClaim,
        lease_until: Timestamp,
    ) -> Result<(), StoreError> {
        let held = sqlx::query(
            "UPDATE keyed_request SET lease_until = $2 WHERE id = $1 AND status IS NULL",
        )
        .bind(claim.id)
        .bind(lease_until.as_millisecond())
        .execute(&self.pool)
        .await?;
        one(held.rows_affected())
    }

    async fn answer_request(&self, claim: RequestClaim, answer: &Answer) -> Result<(), StoreError> {
        let kept = sqlx::query(
            "UPDATE keyed_request SET content = $2, status = $3, headers = $4, body = $5 WHERE id = $1 AND status IS NULL",
        )
        .bind(claim.id)
        .bind(answer.content.as_slice())
        .bind(i64::from(answer.status))
        .bind(&answer.headers)
        .bind(answer.body.as_deref())
        .execute(&self.pool)
        .await?;
        one(kept.rows_affected())
    }

    async fn release_request(&self, claim: RequestClaim) -> Result<(), StoreError> {
        let released = sqlx::query("DELETE FROM keyed_request WHERE id = $1 AND status IS NULL")
            .bind(claim.id)
            .execute(&self.pool)
            .await?;
        one(released.rows_affected())
    }
}

async fn begin(
    tx: &mut PgConnection,
    key: RequestKey<'_>,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Begun, StoreError> {
    let dead = sqlx::query(
        "DELETE FROM keyed_request WHERE principal = $1 AND key = $2 AND status IS NULL AND lease_until <= $3",
    )
    .bind(key.principal)
    .bind(key.key)
    .bind(now.as_millisecond())
    .execute(&mut *tx)
    .await?
    .rows_affected();
    let ours: Option<i64> = sqlx::query_scalar(
        "INSERT INTO keyed_request (principal, key, version, at, lease_until) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(key.principal)
    .bind(key.key)
    .bind(i64::from(key.version))
    .bind(now.as_millisecond())
    .bind(lease_until.as_millisecond())
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(id) = ours {
        let taken_over = dead > 0;
        return Ok(Begun::Ours(RequestClaim { id, taken_over }));
    }
    sqlx::query("SELECT version, lease_until, content, status, headers, body FROM keyed_request WHERE principal = $1 AND key = $2")
        .bind(key.principal)
        .bind(key.key)
        .fetch_optional(tx)
        .await?
        .map_or(Ok(Begun::Running { until: now }), |row| stands(&row))
}

fn stands(row: &PgRow) -> Result<Begun, StoreError> {
    match row.maybe_number("status")? {
        None => Ok(Begun::Running {
            until: row.moment("lease_until")?,
        }),
        Some(status) => Ok(Begun::Answered {
            version: row.number("version")?,
            answer: Answer {
                content: row.array("content")?,
                status,
                headers: row.text("headers")?,
                body: row.maybe_bytes("body")?,
            },
        }),
    }
}

/// Another has taken the key over, or it was answered already.
fn one(touched: u64) -> Result<(), StoreError> {
    if touched == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}
