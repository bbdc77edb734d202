//! What is shown of many rows at once: the payment rate, from kept tallies alone; and what is in suspense.

use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;
use wagegate_domain::PayMonth;
use wagegate_domain::ids::Region;
use wagegate_domain::indicator::Tally;

use super::batches::add_place;
use crate::store::columns::Columns;
use crate::store::{Level, RateLine, StoreError, SuspenseView};

pub(super) async fn rates(
    pool: &SqlitePool,
    month: PayMonth,
    level: Level,
) -> Result<Vec<RateLine>, StoreError> {
    let rows = sqlx::query(
        "WITH one AS (
           SELECT CASE $2 WHEN 'project' THEN p.code WHEN 'county' THEN p.region ELSE substr(p.region, 1, 4) || '00' END AS line,
             CASE $2 WHEN 'prefecture' THEN substr(p.region, 1, 4) || '00' ELSE p.region END AS region,
             CASE $2 WHEN 'project' THEN p.name END AS name, p.id AS project_id, b.id AS batch_id, b.row_count, b.total_fen,
             b.state IN ('awaiting_funds', 'released', 'planned', 'content_differs') AS released
           FROM batch b JOIN project p ON p.id = b.project_id
           WHERE b.pay_month = $1 AND b.state NOT IN ('refused', 'withdrawn', 'expired')
         ), place AS (
           SELECT o.line, t.place, sum(t.item_count) AS item_count, sum(t.total_fen) AS total_fen
           FROM one o JOIN tally t ON t.batch_id = o.batch_id WHERE o.released GROUP BY o.line, t.place
         ), line AS (
           SELECT line, min(region) AS region, min(name) AS name, count(DISTINCT CASE WHEN released THEN project_id END) AS projects,
             sum(CASE WHEN released THEN 0 ELSE row_count END) AS awaiting_count, sum(CASE WHEN released THEN 0 ELSE total_fen END) AS awaiting_fen
           FROM one GROUP BY line
         )
         SELECT l.line, l.region, COALESCE(l.name, r.name, '') AS name, l.projects, l.awaiting_count, l.awaiting_fen, f.base_projects,
           s.place, s.item_count, s.total_fen
         FROM line l LEFT JOIN place s ON s.line = l.line
         LEFT JOIN region r ON r.code = l.region LEFT JOIN region f ON f.code = substr(l.region, 1, 4) || '00'
         ORDER BY l.line",
    )
    .bind(month.to_string())
    .bind(match level {
        Level::Prefecture => "prefecture",
        Level::County => "county",
        Level::Project => "project",
    })
    .fetch_all(pool)
    .await?;
    let mut lines: Vec<RateLine> = Vec::new();
    for row in &rows {
        let code = row.text("line")?;
        let mut line = match lines.pop() {
            Some(last) if last.code == code => last,
            other => {
                lines.extend(other);
                rate_line(row, code)?
            }
        };
        add_place(&mut line.tally, row, "total_fen")?;
        lines.push(line);
    }
    Ok(lines)
}

fn rate_line(row: &SqliteRow, code: String) -> Result<RateLine, StoreError> {
    Ok(RateLine {
        code,
        name: row.text("name")?,
        region: row.parsed("region", |text| Region::parse(text).ok())?,
        projects: row.number("projects")?,
        base_projects: row.maybe_number("base_projects")?,
        awaiting: (row.number("awaiting_count")?, row.fen("awaiting_fen")?),
        tally: Tally::default(),
    })
}

pub(super) fn in_suspense(row: &SqliteRow) -> Result<SuspenseView, StoreError> {
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
