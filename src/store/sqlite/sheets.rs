//! A sheet's rows on their way in: stored as they come, a chunk at a time, and all undone where they do not add up or somebody is owed twice.

use sqlx::{QueryBuilder, SqliteConnection, SqlitePool};
use wagegate_domain::Fen;
use wagegate_domain::batch::BatchState;
use wagegate_domain::outcome::Place;

use super::batches::view;
use super::people::{self, Person};
use super::{CHUNK, approval, audit, notices, standing, write};
use crate::store::chain::Act;
use crate::store::columns::{Columns, stored};
use crate::store::notice::NoticeKind;
use crate::store::{BatchView, Conflict, NewBatch, OwedTwice, RowSource, SealedRow, StoreError};

pub(super) async fn accept(
    pool: &SqlitePool,
    batch: &NewBatch,
    rows: &mut dyn RowSource,
) -> Result<BatchView, StoreError> {
    let mut tx = write(pool).await?;
    let project: i64 = sqlx::query_scalar("SELECT id FROM project WHERE code = $1")
        .bind(&batch.project)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| StoreError::NotFound {
            what: "project",
            key: batch.project.clone(),
        })?;
    let incoming = Incoming {
        id: insert_head(&mut tx, batch, project).await?,
        project,
        month: batch.month.to_string(),
    };
    let (read, slots) = take_in(&mut tx, &incoming, rows).await?;
    if read != Some((batch.rows, batch.total)) {
        return Err(Conflict::RowsDiffer.into());
    }
    if slots != batch.rows {
        return Err(owed_twice(&mut tx, &incoming, batch.rows - slots).await?);
    }
    insert_tally(&mut tx, incoming.id, batch).await?;
    standing::keep(&mut tx, incoming.id, &batch.remarks).await?;
    approval::prepared(&mut tx, incoming.id, batch).await?;
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

/// Where the rows of a sheet go.
struct Incoming {
    id: i64,
    project: i64,
    month: String,
}

async fn insert_head(
    tx: &mut SqliteConnection,
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

/// Stores the rows as they come; gives their number and sum (`None` past 64 bits), and how many found their worker's slot free.
async fn take_in(
    tx: &mut SqliteConnection,
    incoming: &Incoming,
    rows: &mut dyn RowSource,
) -> Result<(Option<(u64, Fen)>, u64), StoreError> {
    let (mut read, mut slots) = (Some((0, Fen::ZERO)), 0);
    loop {
        let chunk = rows.next_chunk().await?;
        if chunk.is_empty() {
            return Ok((read, slots));
        }
        for row in &chunk {
            read = read.and_then(|(count, sum)| Some((count + 1, sum.checked_add(row.amount)?)));
        }
        for part in chunk.chunks(CHUNK) {
            let people = people::keep(tx, part).await?;
            insert_items(tx, incoming, part, &people).await?;
            slots += claim_slots(tx, incoming, part, &people).await?;
        }
    }
}

async fn insert_items(
    tx: &mut SqliteConnection,
    incoming: &Incoming,
    rows: &[SealedRow],
    people: &[Person],
) -> Result<(), StoreError> {
    QueryBuilder::new(
        "INSERT INTO wage_item (batch_id, row_no, worker_id, binding_id, amount_fen) ",
    )
    .push_values(rows.iter().zip(people), |mut values, (row, person)| {
        values
            .push_bind(incoming.id)
            .push_bind(row.row)
            .push_bind(person.worker)
            .push_bind(person.binding)
            .push_bind(row.amount.get());
    })
    .build()
    .execute(tx)
    .await?;
    Ok(())
}

/// One wage for a worker, project and month; gives how many slots were free.
async fn claim_slots(
    tx: &mut SqliteConnection,
    incoming: &Incoming,
    rows: &[SealedRow],
    people: &[Person],
) -> Result<u64, StoreError> {
    let claimed = QueryBuilder::new(
        "INSERT INTO wage_slot (project_id, pay_month, worker_id, batch_id, row_no) ",
    )
    .push_values(rows.iter().zip(people), |mut values, (row, person)| {
        values
            .push_bind(incoming.project)
            .push_bind(&incoming.month)
            .push_bind(person.worker)
            .push_bind(incoming.id)
            .push_bind(row.row);
    })
    .push(" ON CONFLICT (project_id, pay_month, worker_id) DO NOTHING")
    .build()
    .execute(tx)
    .await?;
    Ok(claimed.rows_affected())
}

/// Names the rows whose worker's slot another row has, of this sheet or of an earlier one.
async fn owed_twice(
    tx: &mut SqliteConnection,
    incoming: &Incoming,
    count: u64,
) -> Result<StoreError, StoreError> {
    let owed = sqlx::query(
        "SELECT i.row_no, b.code FROM wage_item i
         JOIN wage_slot s ON s.project_id = $2 AND s.pay_month = $3 AND s.worker_id = i.worker_id
         JOIN batch b ON b.id = s.batch_id
         WHERE i.batch_id = $1 AND (s.batch_id, s.row_no) <> (i.batch_id, i.row_no)
         ORDER BY i.row_no LIMIT 1000",
    )
    .bind(incoming.id)
    .bind(incoming.project)
    .bind(&incoming.month)
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
    Ok(Conflict::AlreadyOwed { count, first, rows }.into())
}

/// One row for each place, so that later movements are plain additions.
async fn insert_tally(
    tx: &mut SqliteConnection,
    id: i64,
    batch: &NewBatch,
) -> Result<(), StoreError> {
    let rows = stored(batch.rows)?;
    QueryBuilder::new("INSERT INTO tally (batch_id, place, item_count, total_fen) ")
        .push_values(Place::ALL, |mut values, place| {
            let (count, sum) = match place {
                Place::Held => (rows, batch.total.get()),
                Place::Paid
                | Place::Failed
                | Place::Returned
                | Place::InFlight
                | Place::InDoubt => (0, 0),
            };
            values
                .push_bind(id)
                .push_bind(place.code())
                .push_bind(count)
                .push_bind(sum);
        })
        .build()
        .execute(tx)
        .await?;
    Ok(())
}
