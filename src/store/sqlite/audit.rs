//! The audit chain: entries are appended by the one writer, so that numbers have no gap and each hash follows from the one before.

use futures_util::TryStreamExt;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use super::write;
use crate::store::chain::{START, Walk, link};
use crate::store::columns::Columns;
use crate::store::{AuditEntry, ChainCheck, StoreError};

pub(super) async fn audit(
    pool: &SqlitePool,
    at: Timestamp,
    who: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<(), StoreError> {
    let mut tx = write(pool).await?;
    append(&mut tx, at, who, action, subject, detail).await?;
    Ok(tx.commit().await?)
}

pub(super) async fn append(
    tx: &mut SqliteConnection,
    at: Timestamp,
    who: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<(), StoreError> {
    let last = sqlx::query("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")
        .fetch_optional(&mut *tx)
        .await?;
    let (number, previous) = match last {
        Some(row) => (row.int("number")? + 1, row.array("hash")?),
        None => (1, START),
    };
    let entry = AuditEntry {
        number,
        at,
        who: who.to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: detail.to_owned(),
    };
    sqlx::query(
        "INSERT INTO audit (number, at, who, action, subject, detail, previous, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(number)
    .bind(at.as_millisecond())
    .bind(&entry.who)
    .bind(&entry.action)
    .bind(&entry.subject)
    .bind(&entry.detail)
    .bind(previous.as_slice())
    .bind(link(&previous, &entry).as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn check(pool: &SqlitePool) -> Result<ChainCheck, StoreError> {
    let mut rows = sqlx::query("SELECT number, at, who, action, subject, detail, previous, hash FROM audit ORDER BY number").fetch(pool);
    let mut walk = Walk::new();
    while let Some(row) = rows.try_next().await? {
        let broken = walk.step(&entry(&row)?, &row.array("previous")?, &row.array("hash")?);
        if let Some(broken) = broken {
            return Ok(broken);
        }
    }
    Ok(walk.end())
}

pub(super) async fn tail(pool: &SqlitePool, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
    let rows = sqlx::query(
        "SELECT number, at, who, action, subject, detail FROM audit ORDER BY number DESC LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.iter().map(entry).collect()
}

fn entry(row: &SqliteRow) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        number: row.int("number")?,
        at: row.moment("at")?,
        who: row.text("who")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        detail: row.text("detail")?,
    })
}
