//! Batches: taken in whole or not at all, and shown.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool};
use wagegate_domain::batch::{BatchState, ContentHash};
use wagegate_domain::ids::Region;
use wagegate_domain::outcome::Place;

use super::columns::{Columns, stored, tally};
use super::copy::Copy;
use super::{approval, audit, notices, standing, versions};
use crate::store::chain::Act;
use crate::store::notice::NoticeKind;
use crate::store::{BatchView, Conflict, NewBatch, OwedTwice, RowSource, Shortage, StoreError};

/// Rows that are gathered before they travel: a few MiB.
const CHUNK: u64 = 10_000;

pub(super) async fn accept(
    pool: &PgPool,
    batch: &NewBatch,
    rows: &mut dyn RowSource,
) -> Result<BatchView, StoreError> {
    let mut tx = pool.begin().await?;
    let project: i64 = sqlx::query_scalar("SELECT id FROM project WHERE code = $1")
        .bind(&batch.project)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| StoreError::NotFound {
            what: "project",
            key: batch.project.clone(),
        })?;
    take_in(&mut tx, rows).await?;
    must_add_up(&mut tx, batch).await?;
    // A roster keeps its people chunk by chunk: it and a sheet with the same new people would wait for each other in a circle.
    versions::hold(&mut tx).await?;
    let id = insert_head(&mut tx, batch, project).await?;
    insert_people(&mut tx).await?;
    insert_items(&mut tx, id).await?;
    claim_slots(&mut tx, id, project, batch).await?;
    insert_tally(&mut tx, id, batch).await?;
    standing::keep(&mut tx, id, &batch.remarks).await?;
    approval::prepared(&mut tx, id, batch).await?;
    let view = view(&mut tx, &batch.code).await?;
    notices::of_batch(&mut tx, NoticeKind::BatchSubmitted, &view, batch.at).await?;
    let act = Act {
        at: batch.at,
        who: &batch.prepared_by,
        action: "batch.submit",
        subject: &batch.code,
        detail: &batch.audit_detail(),
        before: None,
        after: Some(view.print()),
    };
    audit::record(&mut tx, &act).await?;
    tx.commit().await?;
    Ok(view)
}

/// Copies the rows into a table of this transaction's own.
async fn take_in(tx: &mut PgConnection, rows: &mut dyn RowSource) -> Result<(), StoreError> {
    sqlx::query(
        "CREATE TEMPORARY TABLE incoming (
           row_no BIGINT NOT NULL, worker_blind BYTEA NOT NULL, worker_sealed BYTEA NOT NULL, binding_blind BYTEA NOT NULL,
           account_blind BYTEA NOT NULL, binding_sealed BYTEA NOT NULL, cnaps TEXT, amount_fen BIGINT NOT NULL
         ) ON COMMIT DROP",
    )
    .execute(&mut *tx)
    .await?;
    let mut copy = Copy::new("COPY incoming FROM STDIN (FORMAT binary)", 8);
    loop {
        let chunk = rows.next_chunk().await?;
        for row in &chunk {
            copy.row()
                .int(row.row)
                .raw(&row.worker_blind)
                .raw(&row.worker_sealed)
                .raw(&row.binding_blind)
                .raw(&row.account_blind)
                .raw(&row.binding_sealed)
                .maybe_text(row.cnaps.as_deref())
                .int(row.amount.get());
        }
        if chunk.is_empty() || copy.waiting() >= CHUNK {
            copy.send(tx).await?;
        }
        if chunk.is_empty() {
            break;
        }
    }
    // The planner knows nothing of a new table's size until it is told.
    sqlx::query("ANALYZE incoming").execute(&mut *tx).await?;
    // Sorting and joining a sheet in memory: with the server's usual 4 MiB a large one goes through its disk several times.
    sqlx::query("SET LOCAL work_mem = '64MB'")
        .execute(&mut *tx)
        .await?;
    Ok(())
}

async fn must_add_up(tx: &mut PgConnection, batch: &NewBatch) -> Result<(), StoreError> {
    let adds_up: bool = sqlx::query_scalar(
        "SELECT count(*) = $1 AND COALESCE(sum(amount_fen), 0) = $2 FROM incoming",
    )
    .bind(stored(batch.rows)?)
    .bind(batch.total.get())
    .fetch_one(tx)
    .await?;
    if adds_up {
        Ok(())
    } else {
        Err(Conflict::RowsDiffer.into())
    }
}

async fn insert_head(
    tx: &mut PgConnection,
    batch: &NewBatch,
    project: i64,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(
        "INSERT INTO batch (code, project_id, pay_month, sheet, content, row_count, total_fen, state, prepared_by, prepared_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id",
    )
    .bind(&batch.code)
    .bind(project)
    .bind(batch.month.to_string())
    .bind(batch.sheet.as_slice())
    .bind(batch.content.0.as_slice())
    .bind(stored(batch.rows)?)
    .bind(batch.total.get())
    .bind(BatchState::AwaitingReview.code())
    .bind(&batch.prepared_by)
    .bind(batch.at.as_millisecond())
    .bind(batch.expires_at.as_millisecond())
    .fetch_one(tx)
    .await?)
}

/// Workers and bindings not seen before. In the order of their unique keys, so that two gateways that meet the same people wait for each other and never in a circle.
async fn insert_people(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO worker (blind, sealed)
         SELECT DISTINCT ON (worker_blind) worker_blind, worker_sealed FROM incoming i
         WHERE NOT EXISTS (SELECT FROM worker w WHERE w.blind = i.worker_blind)
         ORDER BY worker_blind
         ON CONFLICT (blind) DO NOTHING",
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO binding (worker_id, blind, account_blind, sealed, cnaps)
         SELECT DISTINCT ON (w.id, i.binding_blind) w.id, i.binding_blind, i.account_blind, i.binding_sealed, i.cnaps
         FROM incoming i JOIN worker w ON w.blind = i.worker_blind
         WHERE NOT EXISTS (SELECT FROM binding b WHERE b.worker_id = w.id AND b.blind = i.binding_blind)
         ORDER BY w.id, i.binding_blind
         ON CONFLICT (worker_id, blind) DO NOTHING",
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn insert_items(tx: &mut PgConnection, batch: i64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO wage_item (batch_id, row_no, worker_id, binding_id, amount_fen)
         SELECT $1, i.row_no, w.id, b.id, i.amount_fen
         FROM incoming i JOIN worker w ON w.blind = i.worker_blind JOIN binding b ON b.worker_id = w.id AND b.blind = i.binding_blind
         ORDER BY i.row_no",
    )
    .bind(batch)
    .execute(tx)
    .await?;
    Ok(())
}

/// One wage for a worker, project and month: whoever has a slot already is named.
async fn claim_slots(
    tx: &mut PgConnection,
    id: i64,
    project: i64,
    batch: &NewBatch,
) -> Result<(), StoreError> {
    let claimed = sqlx::query(
        "INSERT INTO wage_slot (project_id, pay_month, worker_id, batch_id, row_no)
         SELECT $2, $3, worker_id, batch_id, row_no FROM wage_item WHERE batch_id = $1 ORDER BY worker_id, row_no
         ON CONFLICT (project_id, pay_month, worker_id) DO NOTHING",
    )
    .bind(id)
    .bind(project)
    .bind(batch.month.to_string())
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if claimed == batch.rows {
        return Ok(());
    }
    let owed = sqlx::query(
        "SELECT i.row_no, b.code FROM wage_item i
         JOIN wage_slot s ON s.project_id = $2 AND s.pay_month = $3 AND s.worker_id = i.worker_id
         JOIN batch b ON b.id = s.batch_id
         WHERE i.batch_id = $1 AND (s.batch_id, s.row_no) <> (i.batch_id, i.row_no)
         ORDER BY i.row_no LIMIT 1000",
    )
    .bind(id)
    .bind(project)
    .bind(batch.month.to_string())
    .fetch_all(tx)
    .await?;
    let rows = owed
        .iter()
        .map(|row| {
            Ok(OwedTwice {
                row: row.number("row_no")?,
                other_batch: row.text("code")?,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let first = rows
        .first()
        .cloned()
        .ok_or_else(|| StoreError::Broken("a slot is taken and nobody holds it".into()))?;
    let count = batch.rows.saturating_sub(claimed);
    Err(Conflict::AlreadyOwed { count, first, rows }.into())
}

/// One row for each place, so that later movements are plain additions.
async fn insert_tally(tx: &mut PgConnection, id: i64, batch: &NewBatch) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO tally (batch_id, place, item_count, total_fen)
         SELECT $1, place, CASE WHEN place = $3 THEN $4 ELSE 0 END, CASE WHEN place = $3 THEN $5 ELSE 0 END
         FROM unnest($2::text[]) AS all_places (place)",
    )
    .bind(id)
    .bind(Place::ALL.map(Place::code).as_slice())
    .bind(Place::Held.code())
    .bind(stored(batch.rows)?)
    .bind(batch.total.get())
    .execute(tx)
    .await?;
    Ok(())
}

const VIEW: &str = "SELECT b.id, b.code, p.code AS project, p.name AS project_name, p.region, a.bank, b.pay_month, b.state, b.content, b.row_count,
       b.total_fen, b.prepared_by, b.round, b.expires_at, b.short_since, a.balance_fen - a.reserved_fen AS free_fen,
       ARRAY(SELECT place FROM tally t WHERE t.batch_id = b.id ORDER BY place) AS places,
       ARRAY(SELECT item_count FROM tally t WHERE t.batch_id = b.id ORDER BY place) AS counts,
       ARRAY(SELECT total_fen FROM tally t WHERE t.batch_id = b.id ORDER BY place) AS sums
     FROM batch b JOIN project p ON p.id = b.project_id JOIN special_account a ON a.id = p.account_id
     WHERE ($1::text IS NULL OR b.code = $1) AND ($2::bigint[] IS NULL OR b.id = ANY($2)) ORDER BY b.id DESC";

pub(super) async fn view(
    connection: &mut PgConnection,
    code: &str,
) -> Result<BatchView, StoreError> {
    let row = sqlx::query(VIEW)
        .bind(code)
        .bind(None::<&[i64]>)
        .fetch_optional(connection)
        .await?;
    row.as_ref()
        .map(batch_view)
        .transpose()?
        .ok_or_else(|| unknown(code))
}

/// Those with these ids, newest first.
pub(super) async fn by_ids(pool: &PgPool, ids: &[i64]) -> Result<Vec<BatchView>, StoreError> {
    let rows = sqlx::query(VIEW)
        .bind(None::<&str>)
        .bind(ids)
        .fetch_all(pool)
        .await?;
    rows.iter().map(batch_view).collect()
}

fn batch_view(row: &PgRow) -> Result<BatchView, StoreError> {
    Ok(BatchView {
        id: row.int("id")?,
        code: row.text("code")?,
        project: row.text("project")?,
        project_name: row.text("project_name")?,
        region: row.parsed("region", |text| Region::parse(text).ok())?,
        bank: row.text("bank")?,
        month: row.month("pay_month")?,
        state: row.parsed("state", BatchState::from_code)?,
        content: ContentHash(row.array("content")?),
        rows: row.number("row_count")?,
        total: row.fen("total_fen")?,
        prepared_by: row.text("prepared_by")?,
        round: row.number("round")?,
        expires_at: row.maybe_moment("expires_at")?,
        shortage: Shortage::read(row)?,
        tally: tally(row)?,
    })
}

fn unknown(code: &str) -> StoreError {
    StoreError::NotFound {
        what: "batch",
        key: code.to_owned(),
    }
}

/// The batch's row is the lock for everything that is kept about its items. `NO KEY` lets others refer to the batch meanwhile.
pub(super) async fn lock(tx: &mut PgConnection, code: &str) -> Result<(), StoreError> {
    sqlx::query("SELECT id FROM batch WHERE code = $1 FOR NO KEY UPDATE")
        .bind(code)
        .fetch_optional(tx)
        .await?
        .map(|_| ())
        .ok_or_else(|| unknown(code))
}
