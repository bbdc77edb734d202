//! What is shown of many rows at once: the payment rate, from kept tallies alone; and what is in suspense.

use sqlx::PgPool;
use sqlx::postgres::PgRow;
use wagegate_domain::PayMonth;
use wagegate_domain::ids::Region;

use super::columns::{Columns, tally};
use crate::store::{Level, RateLine, StoreError, SuspenseView};

pub(super) async fn rates(
    pool: &PgPool,
    month: PayMonth,
    level: Level,
) -> Result<Vec<RateLine>, StoreError> {
    let rows = sqlx::query(
        "WITH one AS (
           SELECT CASE $2 WHEN 'project' THEN p.code WHEN 'county' THEN p.region ELSE left(p.region, 4) || '00' END AS line,
             CASE $2 WHEN 'prefecture' THEN left(p.region, 4) || '00' ELSE p.region END AS region,
             CASE $2 WHEN 'project' THEN p.name END AS name, p.id AS project_id, b.id AS batch_id, b.row_count, b.total_fen,
             b.state IN ('awaiting_funds', 'released', 'planned', 'content_differs') AS released
           FROM batch b JOIN project p ON p.id = b.project_id
           WHERE b.pay_month = $1 AND b.state NOT IN ('refused', 'withdrawn', 'expired')
         ), place AS (
           SELECT o.line, t.place, sum(t.item_count)::bigint AS item_count, sum(t.total_fen)::bigint AS total_fen
           FROM one o JOIN tally t ON t.batch_id = o.batch_id WHERE o.released GROUP BY o.line, t.place
         ), line AS (
           SELECT line, min(region) AS region, min(name) AS name, count(DISTINCT CASE WHEN released THEN project_id END) AS projects,
             sum(CASE WHEN released THEN 0 ELSE row_count END)::bigint AS awaiting_count, sum(CASE WHEN released THEN 0 ELSE total_fen END)::bigint AS awaiting_fen
           FROM one GROUP BY line
         )
         SELECT l.line, l.region, COALESCE(l.name, r.name, '') AS name, l.projects, l.awaiting_count, l.awaiting_fen, f.base_projects,
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
        awaiting: (row.number("awaiting_count")?, row.fen("awaiting_fen")?),
        tally: tally(row)?,
    })
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
