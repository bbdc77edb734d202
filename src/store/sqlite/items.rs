//! Wage items and attempts in pages, with where each stands. The place follows from `domain`'s own table, in the filter too.

use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;
use wagegate_domain::PayMonth;
use wagegate_domain::attempt::State;
use wagegate_domain::ids::Region;
use wagegate_domain::outcome::{Outcome, Place};
use wagegate_domain::reason::Reason;

use super::pages::codes;
use crate::store::columns::Columns;
use crate::store::{ItemCursor, ItemFilter, ItemView, StoreError, Within};

/// What an item shows, for wage items `i` with their attempts `t`, which the texts choose. Batches come first: of one that is not wanted no row
/// is visited, and within one the walk begins at the cursor.
macro_rules! items {
    ($row:literal, $attempt:literal, $which:literal) => {
        concat!(
            "SELECT i.batch_id, i.row_no, b.code AS batch, p.code AS project, b.pay_month, p.region, n.bank, n.bank_key, n.state, t.sequence,
               COALESCE(t.attempt_no, 0) AS attempt_no, i.amount_fen, o.outcome, o.reason, g.blind, g.sealed, f.code, f.code_text
             FROM batch b
             CROSS JOIN wage_item i ON i.batch_id = b.id AND i.row_no ", $row, " CASE WHEN b.id = $1 THEN $2 ELSE 0 END
             CROSS JOIN project p ON p.id = b.project_id
             CROSS JOIN binding g ON g.id = i.binding_id
             LEFT JOIN attempt t ON t.batch_id = i.batch_id AND t.row_no = i.row_no", $attempt, "
             LEFT JOIN instruction n ON n.id = t.instruction_id
             LEFT JOIN outcome o ON o.instruction_id = t.instruction_id AND o.sequence = t.sequence
               AND o.version = (SELECT max(v.version) FROM outcome v WHERE v.instruction_id = t.instruction_id AND v.sequence = t.sequence)
             LEFT JOIN fact f ON f.instruction_id = t.instruction_id AND f.sequence = t.sequence
               AND (f.raw_id, f.ordinal) = (SELECT c.raw_id, c.ordinal FROM fact c WHERE c.instruction_id = t.instruction_id AND c.sequence = t.sequence
                                            AND c.verdict = o.outcome AND c.reason = o.reason ORDER BY c.raw_id, c.ordinal LIMIT 1)
             WHERE b.id >= $1 AND ", $which
        )
    };
}

/// An item stands where its newest attempt does.
macro_rules! newest {
    ($which:literal) => {
        items!(
            ">",
            "
               AND t.attempt_no = (SELECT max(l.attempt_no) FROM attempt l WHERE l.batch_id = i.batch_id AND l.row_no = i.row_no)",
            $which
        )
    };
}

pub(super) async fn items(
    pool: &SqlitePool,
    filter: &ItemFilter,
    after: Option<ItemCursor>,
    limit: u32,
) -> Result<Vec<(ItemCursor, ItemView)>, StoreError> {
    let (batch, row) = after.unwrap_or((0, 0));
    let rows = sqlx::query(newest!(
        "($3 IS NULL OR b.code = $3) AND ($4 IS NULL OR b.pay_month = $4)
           AND ($5 IS NULL OR instr($5, '|' || COALESCE(n.state || ' ' || COALESCE(o.outcome, 'open'), 'held') || '|'))
         ORDER BY b.id, i.row_no LIMIT $6"
    ))
    .bind(batch)
    .bind(row)
    .bind(filter.batch.as_deref())
    .bind(filter.month.map(|month| month.to_string()))
    .bind(standing_in(&filter.places))
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| Ok((cursor(row)?, item_view(row)?)))
        .collect()
}

/// Every pair of state and outcome that puts an item in one of these places, as `|state outcome|state outcome|`; `None` for all places.
fn standing_in(places: &[Place]) -> Option<String> {
    if places.is_empty() {
        return None;
    }
    // The cause does not move an item, so any serves.
    let outcomes = [
        Outcome::Open,
        Outcome::Paid,
        Outcome::Failed(Reason::Unspecified),
        Outcome::Returned(Reason::Unspecified),
        Outcome::Contradicted,
    ];
    let mut pairs = String::from("|");
    if places.contains(&Place::Held) {
        pairs.push_str("held|");
    }
    for state in State::ALL {
        for outcome in outcomes {
            if places.contains(&state.place(outcome)) {
                pairs.push_str(&format!("{} {}|", state.code(), outcome.code()));
            }
        }
    }
    Some(pairs)
}

pub(super) async fn attempts(
    pool: &SqlitePool,
    (within, month): (&Within, Option<PayMonth>),
    after: Option<(ItemCursor, u32)>,
    limit: u32,
) -> Result<Vec<((ItemCursor, u32), ItemView)>, StoreError> {
    // Attempt numbers begin at 0, for an item without one: before the first stands -1.
    let ((batch, row), attempt) =
        after.map_or(((0, 0), -1), |(item, attempt)| (item, i64::from(attempt)));
    let rows = sqlx::query(items!(
        ">=",
        "",
        "(b.id, i.row_no, COALESCE(t.attempt_no, 0)) > ($1, $2, $3)
         AND b.state NOT IN ('refused', 'withdrawn', 'expired')
         AND b.project_id IN (SELECT q.id FROM project q
           WHERE ($5 IS NULL OR q.code IN (SELECT value FROM json_each($5))) AND substr(q.region, 1, length($6)) = $6)
         AND ($7 IS NULL OR b.pay_month = $7)
         ORDER BY b.id, i.row_no, COALESCE(t.attempt_no, 0) LIMIT $4"
    ))
    .bind(batch)
    .bind(row)
    .bind(attempt)
    .bind(limit)
    .bind(codes(within))
    .bind(within.prefix())
    .bind(month.map(|month| month.to_string()))
    .fetch_all(pool)
    .await?;
    let entry = |row: &SqliteRow| {
        let view = item_view(row)?;
        Ok(((cursor(row)?, view.attempt), view))
    };
    rows.iter().map(entry).collect()
}

fn cursor(row: &SqliteRow) -> Result<ItemCursor, StoreError> {
    Ok((row.int("batch_id")?, row.number("row_no")?))
}

fn item_view(row: &SqliteRow) -> Result<ItemView, StoreError> {
    let outcome = outcome_of(row)?;
    Ok(ItemView {
        batch: row.text("batch")?,
        row: row.number("row_no")?,
        project: row.text("project")?,
        month: row.month("pay_month")?,
        region: row.parsed("region", |text| Region::parse(text).ok())?,
        bank: row.maybe_text("bank")?.unwrap_or_default(),
        bank_key: row.maybe_text("bank_key")?.unwrap_or_default(),
        sequence: row.maybe_number("sequence")?.unwrap_or(0),
        attempt: row.number("attempt_no")?,
        amount: row.fen("amount_fen")?,
        place: place_of(row, outcome)?,
        reason: outcome.reason(),
        bank_code: row.maybe_text("code")?.zip(row.maybe_text("code_text")?),
        binding_blind: row.array("blind")?,
        binding_sealed: row.bytes("sealed")?,
    })
}

/// Where an item stands by the column `state`; held where it was never planned.
pub(super) fn place_of(row: &SqliteRow, outcome: Outcome) -> Result<Place, StoreError> {
    match row.maybe_text("state")? {
        Some(_) => Ok(row.parsed("state", State::from_code)?.place(outcome)),
        None => Ok(Place::Held),
    }
}

/// The outcome in the columns `outcome` and `reason`; open where there is none yet.
pub(super) fn outcome_of(row: &SqliteRow) -> Result<Outcome, StoreError> {
    let Some(code) = row.maybe_text("outcome")? else {
        return Ok(Outcome::Open);
    };
    let reason = row.maybe_text("reason")?;
    Outcome::from_parts(&code, reason.as_deref().and_then(Reason::from_code)).ok_or_else(|| {
        StoreError::Broken(format!("an outcome is {code} for the reason {reason:?}"))
    })
}
