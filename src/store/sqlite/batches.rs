//! Batches: decided on by a second person, and shown with their tallies.

use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};
use wagegate_domain::PayMonth;
use wagegate_domain::batch::{BatchState, ContentHash};
use wagegate_domain::ids::Region;
use wagegate_domain::indicator::Tally;
use wagegate_domain::outcome::Place;

use super::{audit, notices, tasks, write};
use crate::store::chain::Act;
use crate::store::columns::Columns;
use crate::store::notice::NoticeKind;
use crate::store::{BatchView, Conflict, Decision, StoreError, TaskKind};

/// Batches with their tallies, one row for each place, the places of a batch together.
macro_rules! view {
    ($which:literal) => {
        concat!(
            "SELECT b.id, b.code, p.code AS project, p.name AS project_name, p.region, a.bank, b.pay_month, b.state, b.content, b.row_count,
               b.total_fen, b.prepared_by, b.decided_by, t.place, t.item_count, t.total_fen AS place_fen
             FROM batch b JOIN project p ON p.id = b.project_id JOIN special_account a ON a.id = p.account_id
             LEFT JOIN tally t ON t.batch_id = b.id WHERE ", $which, " ORDER BY b.id DESC"
        )
    };
}

pub(super) async fn view(
    connection: &mut SqliteConnection,
    code: &str,
) -> Result<BatchView, StoreError> {
    let rows = sqlx::query(view!("b.code = $1"))
        .bind(code)
        .fetch_all(connection)
        .await?;
    let mut views = batch_views(&rows)?;
    views.pop().ok_or_else(|| StoreError::NotFound {
        what: "batch",
        key: code.to_owned(),
    })
}

pub(super) async fn list(
    pool: &SqlitePool,
    month: Option<PayMonth>,
) -> Result<Vec<BatchView>, StoreError> {
    let rows = match month {
        Some(month) => {
            sqlx::query(view!("b.pay_month = $1"))
                .bind(month.to_string())
                .fetch_all(pool)
                .await?
        }
        None => sqlx::query(view!("TRUE")).fetch_all(pool).await?,
    };
    batch_views(&rows)
}

fn batch_views(rows: &[SqliteRow]) -> Result<Vec<BatchView>, StoreError> {
    let mut views: Vec<BatchView> = Vec::new();
    for row in rows {
        let id = row.int("id")?;
        let mut view = match views.pop() {
            Some(last) if last.id == id => last,
            other => {
                views.extend(other);
                batch_view(row)?
            }
        };
        add_place(&mut view.tally, row, "place_fen")?;
        views.push(view);
    }
    Ok(views)
}

/// Adds the columns `place`, `item_count` and a sum to a tally.
pub(super) fn add_place(tally: &mut Tally, row: &SqliteRow, sum: &str) -> Result<(), StoreError> {
    if row.maybe_text("place")?.is_none() {
        return Ok(());
    }
    let place = row.parsed("place", Place::from_code)?;
    tally
        .add(place, row.number("item_count")?, row.fen(sum)?)
        .ok_or_else(|| StoreError::Broken("a tally passes 64 bits".into()))
}

fn batch_view(row: &SqliteRow) -> Result<BatchView, StoreError> {
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
        decided_by: row.maybe_text("decided_by")?,
        tally: Tally::default(),
    })
}

pub(super) async fn decide(
    pool: &SqlitePool,
    decision: &Decision,
) -> Result<BatchView, StoreError> {
    let mut tx = write(pool).await?;
    let before = view(&mut tx, &decision.batch).await?;
    decision.allowed(&before)?;
    let (state, action, kind) = if decision.approve {
        if let Err(refused) = reserve(&mut tx, &before).await {
            tx.rollback().await?;
            notices::of_shortage(pool, before.id, &refused, decision.at).await?;
            return Err(refused);
        }
        tasks::ensure(&mut tx, TaskKind::Plan, &before.code, decision.at).await?;
        (
            BatchState::Approved,
            "batch.approve",
            NoticeKind::BatchReleased,
        )
    } else {
        sqlx::query("DELETE FROM wage_slot WHERE batch_id = $1")
            .bind(before.id)
            .execute(&mut *tx)
            .await?;
        (
            BatchState::Rejected,
            "batch.reject",
            NoticeKind::BatchRefused,
        )
    };
    sqlx::query("UPDATE batch SET state = $2, decided_by = $3, decided_at = $4 WHERE id = $1")
        .bind(before.id)
        .bind(state.code())
        .bind(&decision.by)
        .bind(decision.at.as_millisecond())
        .execute(&mut *tx)
        .await?;
    let after = view(&mut tx, &decision.batch).await?;
    notices::of_batch(&mut tx, kind, &after, decision.at).await?;
    let act = Act {
        at: decision.at,
        who: &decision.by,
        action,
        subject: &decision.batch,
        detail: &format!("content {}", decision.content),
        before: Some(before.print()),
        after: Some(after.print()),
    };
    audit::record(&mut tx, &act).await?;
    tx.commit().await?;
    Ok(after)
}

/// Reserves the batch's total where the account has it free.
async fn reserve(tx: &mut SqliteConnection, batch: &BatchView) -> Result<(), StoreError> {
    let account = sqlx::query(
        "SELECT a.id, a.balance_fen - a.reserved_fen AS available
         FROM special_account a JOIN project p ON p.account_id = a.id WHERE p.code = $1",
    )
    .bind(&batch.project)
    .fetch_one(&mut *tx)
    .await?;
    let available = account.fen("available")?;
    if batch.total > available {
        let short = batch.total.checked_sub(available).ok_or_else(|| {
            StoreError::Broken("what the special account lacks passes 64 bits".into())
        })?;
        return Err(Conflict::FundsShort { short, available }.into());
    }
    sqlx::query("UPDATE special_account SET reserved_fen = reserved_fen + $2 WHERE id = $1")
        .bind(account.int("id")?)
        .bind(batch.total.get())
        .execute(tx)
        .await?;
    Ok(())
}
