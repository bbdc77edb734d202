//! What is shown of many rows at once: the payment rate, from kept tallies alone; and what is in suspense.

use sqlx::PgPool;
use sqlx::postgres::PgRow;
use wagegate_domain::PayMonth;
use wagegate_domain::batch::BatchState;
use wagegate_domain::ids::Region;

use super::columns::{Columns, tally};
use crate::store::{Level, RateLine, StoreError, SuspenseView};

pub(super) async fn rates(
    pool: &PgPool,
    month: PayMonth,
    level: Level,
) -> Result<Vec<RateLine>, StoreError> {
    let rows = sqlx::query(
        "WITH item AS (
           SELECT CASE $2 WHEN 'project' THEN p.code WHEN 'county' THEN p.region ELSE left(p.region, 4) || '00' END AS line,
             CASE $2 WHEN 'prefecture' THEN left(p.region, 4) || '00' ELSE p.region END AS region,
             CASE $2 WHEN 'project' THEN p.name END AS name, p.id AS project_id, t.place, t.item_count, t.total_fen
           FROM batch b JOIN project p ON p.id = b.project_id JOIN tally t ON t.batch_id = b.id
           WHERE b.pay_month = $1 AND b.state <> $3
         ), place AS (
           SELECT line, place, sum(item_count)::bigint AS item_count, sum(total_fen)::bigint AS total_fen FROM item GROUP BY line, place
         ), line AS (
           SELECT line, min(region) AS region, min(name) AS name, count(DISTINCT project_id) AS projects FROM item GROUP BY line
         )
         SELECT l.line, l.region, COALESCE(l.name, r.name, '') AS name, l.projects, f.base_projects,
           ARRAY(SELECT place FROM place s WHERE s.line = l.line ORDER BY place) AS places,
           ARRAY(SELECT item_count FROM place s WHERE s.line = l.line ORDER BY place) AS counts,
           ARRAY(SELECT total_fen FROM place s WHERE s.line = l.line ORDER BY place) AS sums
         FROM line l LEFT JOIN region r ON r.code = l.region LEFT JOIN region f ON f.code = left(l.region, 4) || '00'
         ORDER BY l.line COLLATE \"C\"",
    )
    .bind(month.to_string())
    .bind(match level {
        Level::Prefecture => "prefecture",
        Level::County => "county",
        Level::Project => "project",
    })
    .bind(BatchState::Rejected.code())
    .fetch_all(pool)
    .await?;
    rows.iter().map(rate_line).collect()
}

fn rate_line(row: &PgRow) -> Result<RateLine, StoreError> {
    Ok(RateLine {
        code: row.text("line")?,
        name: row.text("name")?,
        region: row.parsed("region", |text| Region::parse(text).ok())?,
        projects: row.number("projects")?,
        base_projects: row.maybe_number("base_projects")?,
        tally: tally(row)?,
    })
}

pub(super) async fn suspense(pool: &PgPool) -> Result<Vec<SuspenseView>, StoreError> {
    let rows = sqlx::query(
        "SELECT s.id, s.bank, r.hash, s.ordinal, s.why, s.amount_fen, s.at FROM suspense s JOIN raw_document r ON r.id = s.raw_id ORDER BY s.id",
    )
    .fetch_all(pool)
    .await?;
    rows.iter().map(in_suspense).collect()
}

pub(super) fn in_suspense(row: &PgRow) -> Result<SuspenseView, StoreError> {
    Ok(SuspenseView {
        id: row.int("id")?,
        bank: row.text("bank")?,
        raw: row.array("hash")?,
        ordinal: row.number("ordinal")?,
        why: row.text("why")?,
        amount: row.maybe_int("amount_fen")?.map(wagegate_domain::Fen::new),
        at: row.moment("at")?,
    })
}
