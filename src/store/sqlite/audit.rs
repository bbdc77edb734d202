//! The audit chain: entries are appended by the one writer, so that numbers have no gap and each hash follows from the one before.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, SqliteConnection, SqlitePool};

use super::{SqliteStore, write};
use crate::store::chain::{Act, Found, Link, Walk};
use crate::store::columns::Columns;
use crate::store::{AuditEntry, AuditFilter, AuditHead, Auditing, ChainCheck, StoreError};

const LINKS: &str = "SELECT number, form, at, who, action, subject, detail, before, after, previous, hash FROM audit ORDER BY number";

pub(super) async fn audit(pool: &SqlitePool, act: &Act<'_>) -> Result<(), StoreError> {
    let mut tx = write(pool).await?;
    record(&mut tx, act).await?;
    Ok(tx.commit().await?)
}

/// Appends an act, and moves the head on with it.
pub(super) async fn record(tx: &mut SqliteConnection, act: &Act<'_>) -> Result<(), StoreError> {
    let link = Link::after(head(tx).await?.ok_or_else(no_head)?, act);
    sqlx::query(
        "INSERT INTO audit (number, form, at, who, action, subject, detail, before, after, previous, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(link.number)
    .bind(link.form)
    .bind(link.at)
    .bind(act.who)
    .bind(act.action)
    .bind(act.subject)
    .bind(act.detail)
    .bind(&link.before)
    .bind(&link.after)
    .bind(&link.previous)
    .bind(&link.hash)
    .execute(&mut *tx)
    .await?;
    sqlx::query("UPDATE audit_head SET number = $1, hash = $2")
        .bind(link.number)
        .bind(&link.hash)
        .execute(tx)
        .await?;
    Ok(())
}

async fn head(connection: &mut SqliteConnection) -> Result<Option<AuditHead>, StoreError> {
    let row = sqlx::query("SELECT number, hash FROM audit_head")
        .fetch_optional(connection)
        .await?;
    let head = |row: SqliteRow| {
        Ok(AuditHead {
            number: row.int("number")?,
            hash: row.array("hash")?,
        })
    };
    row.map(head).transpose()
}

fn no_head() -> StoreError {
    StoreError::Broken("the head of the audit log is gone: somebody removed it".into())
}

#[async_trait]
impl Auditing for SqliteStore {
    async fn check_audit_against(&self, witnessed: &[AuditHead]) -> Result<ChainCheck, StoreError> {
        check(&self.readers, witnessed).await
    }

    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        let mut connection = self.readers.acquire().await?;
        head(&mut connection).await?.ok_or_else(no_head)
    }

    async fn audit_page(
        &self,
        filter: &AuditFilter,
        below: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        page(&self.readers, filter, below, limit).await
    }
}

async fn check(pool: &SqlitePool, witnessed: &[AuditHead]) -> Result<ChainCheck, StoreError> {
    // One snapshot: an entry appended meanwhile must not look like a head that differs.
    let mut tx = pool.begin().await?;
    let head = head(&mut tx).await.unwrap_or_default();
    let mut walk = Walk::new(witnessed);
    let mut search = {
        let mut rows = sqlx::query(LINKS).fetch(&mut *tx);
        loop {
            let Some(row) = rows.try_next().await? else {
                return Ok(walk.end(head));
            };
            match walk.step(row.int("number")?, link(&row).ok()) {
                Found::Next => {}
                Found::Broken(check) => return Ok(check),
                Found::Suspect(search) => break search,
            }
        }
    };
    let mut rows = sqlx::query(LINKS).fetch(&mut *tx);
    while let Some(row) = rows.try_next().await? {
        link(&row).iter().for_each(|link| search.see(link));
    }
    Ok(search.verdict())
}

fn link(row: &SqliteRow) -> Result<Link, StoreError> {
    Ok(Link {
        number: row.int("number")?,
        form: row.int("form")?,
        at: row.int("at")?,
        texts: [
            row.text("who")?,
            row.text("action")?,
            row.text("subject")?,
            row.text("detail")?,
        ],
        before: row.bytes("before")?,
        after: row.bytes("after")?,
        previous: row.bytes("previous")?,
        hash: row.bytes("hash")?,
    })
}

async fn page(
    pool: &SqlitePool,
    filter: &AuditFilter,
    below: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT number, at, who, action, subject, detail, before, after FROM audit WHERE number < ",
    );
    query.push_bind(below.unwrap_or(i64::MAX));
    if let Some(subject) = &filter.subject {
        query.push(" AND subject = ").push_bind(subject);
    }
    if let Some(who) = &filter.who {
        query.push(" AND who = ").push_bind(who);
    }
    query.push(" ORDER BY number DESC LIMIT ").push_bind(limit);
    let rows = query.build().fetch_all(pool).await?;
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
        before: row.bytes("before")?.try_into().ok(),
        after: row.bytes("after")?.try_into().ok(),
    })
}
