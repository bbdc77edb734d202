//! Batches, shown with their tallies.

use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};
use wagegate_domain::batch::{BatchState, ContentHash};
use wagegate_domain::ids::Region;
use wagegate_domain::indicator::Tally;
use wagegate_domain::outcome::Place;

use crate::store::columns::Columns;
use crate::store::{BatchView, Shortage, StoreError};

/// Batches with their tallies, one row for each place, the places of a batch together.
macro_rules! view {
    ($which:literal) => {
        concat!(
            "SELECT b.id, b.code, p.code AS project, p.name AS project_name, p.region, a.bank, b.pay_month, b.state, b.content, b.row_count,
               b.total_fen, b.prepared_by, b.round, b.expires_at, b.short_since, a.balance_fen - a.reserved_fen AS free_fen, t.place, t.item_count, t.total_fen AS place_fen
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

/// Those with these ids, newest first.
pub(super) async fn by_ids(pool: &SqlitePool, ids: &[i64]) -> Result<Vec<BatchView>, StoreError> {
    // Whole numbers: this always serialises.
    let ids = serde_json::to_string(ids).unwrap_or_default();
    let rows = sqlx::query(view!("b.id IN (SELECT value FROM json_each($1))"))
        .bind(ids)
        .fetch_all(pool)
        .await?;
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
        round: row.number("round")?,
        expires_at: row.maybe_moment("expires_at")?,
        shortage: Shortage::read(row)?,
        tally: Tally::default(),
    })
}
