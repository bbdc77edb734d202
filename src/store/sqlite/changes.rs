//! A batch's rows as they are stored now, and how they differ from the project's last released month; in sets, by the keys that are there.

use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};
use wagegate_domain::PayMonth;

use super::instructions::sealed_row;
use crate::store::changed::{Compared, all_before, changed_row, changes, summed};
use crate::store::columns::Columns;
use crate::store::{ChangeCursor, ChangedRow, Changes, Difference, SealedRow, StoreError};

pub(super) async fn rows_of(
    pool: &SqlitePool,
    batch: &str,
    after: u32,
    limit: u32,
) -> Result<Vec<SealedRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT i.row_no, i.amount_fen, w.blind AS worker_blind, w.sealed AS worker_sealed, g.blind, g.account_blind, g.sealed, g.cnaps
         FROM wage_item i CROSS JOIN worker w ON w.id = i.worker_id CROSS JOIN binding g ON g.id = i.binding_id
         WHERE i.batch_id = (SELECT id FROM batch WHERE code = $1) AND i.row_no > $2 ORDER BY i.row_no LIMIT $3",
    )
    .bind(batch)
    .bind(i64::from(after))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.iter().map(sealed_row).collect()
}

/// The batch, its month, and the last month before it of which the project released a batch.
async fn compared(reader: &mut SqliteConnection, batch: &str) -> Result<Compared, StoreError> {
    let row = sqlx::query(crate::store::changed::COMPARED)
        .bind(batch)
        .fetch_optional(reader)
        .await?;
    let row: SqliteRow = row.ok_or_else(|| StoreError::no_batch(batch))?;
    Compared::read(&row)
}

pub(super) async fn summary(pool: &SqlitePool, batch: &str) -> Result<Changes, StoreError> {
    let mut reader = pool.acquire().await?;
    let with = compared(&mut reader, batch).await?;
    let before = sqlx::query(all_before!())
        .bind(with.project)
        .bind(with.last.as_deref())
        .fetch_one(&mut *reader)
        .await?;
    let rows = sqlx::query(changes!(
        "SELECT kind, count(*) AS item_count, CAST(COALESCE(sum(before_fen), 0) AS BIGINT) AS before_fen,
           CAST(COALESCE(sum(now_fen), 0) AS BIGINT) AS now_fen FROM change GROUP BY kind"
    ))
    .bind(with.batch)
    .bind(with.project)
    .bind(&with.month)
    .bind(with.last.as_deref())
    .fetch_all(&mut *reader)
    .await?;
    let against = with
        .last
        .as_deref()
        .and_then(|month| PayMonth::parse(month).ok());
    summed(
        against,
        (before.number("item_count")?, before.fen("total_fen")?),
        &rows,
    )
}

pub(super) async fn page(
    pool: &SqlitePool,
    batch: &str,
    kind: Option<Difference>,
    after: Option<ChangeCursor>,
    limit: u32,
) -> Result<Vec<ChangedRow>, StoreError> {
    let mut reader = pool.acquire().await?;
    let with = compared(&mut reader, batch).await?;
    let (after_kind, after_worker) = after.map_or((-1, 0), |(kind, id)| (kind.rank(), id));
    let rows = sqlx::query(changes!(
        "SELECT c.kind, c.worker_id, c.row_no, c.before_fen, c.now_fen, gb.blind AS before_blind, gb.sealed AS before_sealed,
           gn.blind AS now_blind, gn.sealed AS now_sealed
         FROM (SELECT * FROM change WHERE (CAST($5 AS BIGINT) IS NULL OR kind = $5) AND (kind, worker_id) > ($6, $7)
               ORDER BY kind, worker_id LIMIT $8) c
         LEFT JOIN binding gb ON gb.id = c.binding_before LEFT JOIN binding gn ON gn.id = c.binding_now
         ORDER BY c.kind, c.worker_id"
    ))
    .bind(with.batch)
    .bind(with.project)
    .bind(&with.month)
    .bind(with.last.as_deref())
    .bind(kind.map(Difference::rank))
    .bind(after_kind)
    .bind(after_worker)
    .bind(i64::from(limit))
    .fetch_all(&mut *reader)
    .await?;
    rows.iter().map(changed_row).collect()
}
