//! The audit chain: entries are appended under one lock, so that numbers have no gap and each hash follows from the one before.

use futures_util::TryStreamExt;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool};

use super::columns::{Columns, without_nul};
use crate::store::{AuditEntry, ChainCheck, StoreError};

/// Names the advisory lock that an appender holds until its commit; always the last lock that a transaction takes.
const APPENDING: i64 = 0x5741_4745_0002;

pub(super) async fn audit(
    pool: &PgPool,
    at: Timestamp,
    who: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    append(&mut tx, at, who, action, subject, detail).await?;
    Ok(tx.commit().await?)
}

pub(super) async fn append(
    tx: &mut PgConnection,
    at: Timestamp,
    who: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(APPENDING)
        .execute(&mut *tx)
        .await?;
    let last = sqlx::query("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")
        .fetch_optional(&mut *tx)
        .await?;
    let (number, previous) = match last {
        Some(row) => (row.int("number")? + 1, row.array("hash")?),
        None => (1, [0; 32]),
    };
    let entry = AuditEntry {
        number,
        at,
        who: without_nul(who).into_owned(),
        action: without_nul(action).into_owned(),
        subject: without_nul(subject).into_owned(),
        detail: without_nul(detail).into_owned(),
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

fn link(previous: &[u8; 32], entry: &AuditEntry) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(previous);
    digest.update(entry.number.to_be_bytes());
    digest.update(entry.at.as_millisecond().to_be_bytes());
    for text in [&entry.who, &entry.action, &entry.subject, &entry.detail] {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    digest.finalize().into()
}

pub(super) async fn check(pool: &PgPool) -> Result<ChainCheck, StoreError> {
    let mut rows = sqlx::query("SELECT number, at, who, action, subject, detail, previous, hash FROM audit ORDER BY number").fetch(pool);
    let (mut entries, mut previous) = (0, [0; 32]);
    while let Some(row) = rows.try_next().await? {
        let entry = entry(&row)?;
        let hash: [u8; 32] = row.array("hash")?;
        entries += 1;
        let follows = u64::try_from(entry.number) == Ok(entries)
            && row.array("previous")? == previous
            && hash == link(&previous, &entry);
        if !follows {
            return Ok(ChainCheck::BrokenAt {
                number: entry.number,
            });
        }
        previous = hash;
    }
    Ok(ChainCheck::Whole { entries })
}

pub(super) async fn tail(pool: &PgPool, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
    let rows = sqlx::query(
        "SELECT number, at, who, action, subject, detail FROM audit ORDER BY number DESC LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.iter().map(entry).collect()
}

fn entry(row: &PgRow) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        number: row.int("number")?,
        at: row.moment("at")?,
        who: row.text("who")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        detail: row.text("detail")?,
    })
}
