//! Wage items and attempts in pages, with where each stands. The place follows from `domain`'s own table, in the filter too.

use sqlx::PgPool;
use sqlx::postgres::PgRow;
use wagegate_domain::PayMonth;
use wagegate_domain::attempt::State;
use wagegate_domain::ids::Region;
use wagegate_domain::outcome::{Outcome, Place};
use wagegate_domain::reason::Reason;

use super::columns::{Columns, without_nul};
use crate::store::{ItemCursor, ItemFilter, ItemView, StoreError, Within};

/// The table of places as three columns, for a join: PostgreSQL filters by the same rule that `domain` states.
#[derive(Debug)]
pub(super) struct PlaceRule {
    pub(super) states: Vec<&'static str>,
    pub(super) outcomes: Vec<&'static str>,
    pub(super) places: Vec<&'static str>,
}

impl PlaceRule {
    pub(super) fn new() -> Self {
        // The cause does not move an item, so any serves.
        let outcomes = [
            Outcome::Open,
            Outcome::Paid,
            Outcome::Failed(Reason::Unspecified),
            Outcome::Returned(Reason::Unspecified),
            Outcome::Contradicted,
        ];
        let mut rule = Self {
            states: Vec::new(),
            outcomes: Vec::new(),
            places: Vec::new(),
        };
        for state in State::ALL {
            for outcome in outcomes {
                rule.states.push(state.code());
                rule.outcomes.push(outcome.code());
                rule.places.push(state.place(outcome).code());
            }
        }
        rule
    }
}

/// The page is found first; what only its rows show is looked up for them alone.
const ITEMS: &str = "SELECT i.*, f.code, f.code_text, g.blind, g.sealed
     FROM (
       SELECT i.batch_id, i.row_no, b.code AS batch, p.code AS project, b.pay_month, p.region, n.bank, n.bank_key, n.state,
         t.instruction_id, t.sequence, COALESCE(t.attempt_no, 0) AS attempt_no, i.amount_fen, o.outcome, o.reason, i.binding_id
       FROM wage_item i
       JOIN batch b ON b.id = i.batch_id
       JOIN project p ON p.id = b.project_id
       LEFT JOIN LATERAL (SELECT * FROM attempt a WHERE a.batch_id = i.batch_id AND a.row_no = i.row_no ORDER BY a.attempt_no DESC LIMIT 1) t ON TRUE
       LEFT JOIN instruction n ON n.id = t.instruction_id
       LEFT JOIN LATERAL (SELECT outcome, reason FROM outcome l WHERE l.instruction_id = t.instruction_id AND l.sequence = t.sequence
                          ORDER BY l.version DESC LIMIT 1) o ON TRUE
       LEFT JOIN unnest($1::text[], $2::text[], $3::text[]) AS rule (state, outcome, place)
         ON rule.state = n.state AND rule.outcome = COALESCE(o.outcome, 'open')
       WHERE (i.batch_id, i.row_no) > ($4, $5)
         AND ($6::text IS NULL OR b.code = $6) AND ($7::text IS NULL OR b.pay_month = $7)
         AND (cardinality($8::text[]) = 0 OR COALESCE(rule.place, 'held') = ANY ($8))
       ORDER BY i.batch_id, i.row_no LIMIT $9
     ) i
     CROSS JOIN LATERAL (SELECT blind, sealed FROM binding c WHERE c.id = i.binding_id LIMIT 1) g
     LEFT JOIN LATERAL (SELECT code, code_text FROM fact c WHERE c.instruction_id = i.instruction_id AND c.sequence = i.sequence
                        AND c.verdict = i.outcome AND c.reason = i.reason ORDER BY c.raw_id, c.ordinal LIMIT 1) f ON TRUE
     ORDER BY i.batch_id, i.row_no";

pub(super) async fn items(
    pool: &PgPool,
    filter: &ItemFilter,
    after: Option<ItemCursor>,
    limit: u32,
) -> Result<Vec<(ItemCursor, ItemView)>, StoreError> {
    let rule = PlaceRule::new();
    let (batch, row) = after.unwrap_or((0, 0));
    let rows = sqlx::query(ITEMS)
        .bind(&rule.states)
        .bind(&rule.outcomes)
        .bind(&rule.places)
        .bind(batch)
        .bind(i64::from(row))
        .bind(filter.batch.as_deref().map(without_nul))
        .bind(filter.month.map(|month| month.to_string()))
        .bind(
            filter
                .places
                .iter()
                .map(|place| place.code())
                .collect::<Vec<_>>(),
        )
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    rows.iter()
        .map(|row| Ok((cursor(row)?, item_view(row)?)))
        .collect()
}

const ATTEMPTS: &str = "SELECT i.*, o.outcome, o.reason, f.code, f.code_text, g.blind, g.sealed
     FROM (
       SELECT i.batch_id, i.row_no, b.code AS batch, p.code AS project, b.pay_month, p.region, n.bank, n.bank_key, n.state,
         t.instruction_id, t.sequence, COALESCE(t.attempt_no, 0) AS attempt_no, i.amount_fen, i.binding_id
       FROM wage_item i
       JOIN batch b ON b.id = i.batch_id
       JOIN project p ON p.id = b.project_id
       LEFT JOIN attempt t ON t.batch_id = i.batch_id AND t.row_no = i.row_no
       LEFT JOIN instruction n ON n.id = t.instruction_id
       WHERE (i.batch_id, i.row_no) >= ($1, $2) AND (i.batch_id, i.row_no, COALESCE(t.attempt_no, 0)) > ($1, $2, $3)
         AND b.state NOT IN ('refused', 'withdrawn', 'expired')
         AND ($5::text[] IS NULL OR p.code = ANY ($5)) AND starts_with(p.region, $6) AND ($7::text IS NULL OR b.pay_month = $7)
       ORDER BY i.batch_id, i.row_no, COALESCE(t.attempt_no, 0) LIMIT $4
     ) i
     CROSS JOIN LATERAL (SELECT blind, sealed FROM binding c WHERE c.id = i.binding_id LIMIT 1) g
     LEFT JOIN LATERAL (SELECT outcome, reason FROM outcome l WHERE l.instruction_id = i.instruction_id AND l.sequence = i.sequence
                        ORDER BY l.version DESC LIMIT 1) o ON TRUE
     LEFT JOIN LATERAL (SELECT code, code_text FROM fact c WHERE c.instruction_id = i.instruction_id AND c.sequence = i.sequence
                        AND c.verdict = o.outcome AND c.reason = o.reason ORDER BY c.raw_id, c.ordinal LIMIT 1) f ON TRUE
     ORDER BY i.batch_id, i.row_no, i.attempt_no";

pub(super) async fn attempts(
    pool: &PgPool,
    (within, month): (&Within, Option<PayMonth>),
    after: Option<(ItemCursor, u32)>,
    limit: u32,
) -> Result<Vec<((ItemCursor, u32), ItemView)>, StoreError> {
    // Attempt numbers begin at 0, for an item without one: before the first stands -1.
    let ((batch, row), attempt) =
        after.map_or(((0, 0), -1), |(item, attempt)| (item, i64::from(attempt)));
    let rows = sqlx::query(ATTEMPTS)
        .bind(batch)
        .bind(i64::from(row))
        .bind(attempt)
        .bind(i64::from(limit))
        .bind(within.codes())
        .bind(within.prefix())
        .bind(month.map(|month| month.to_string()))
        .fetch_all(pool)
        .await?;
    let entry = |row: &PgRow| {
        let view = item_view(row)?;
        Ok(((cursor(row)?, view.attempt), view))
    };
    rows.iter().map(entry).collect()
}

fn cursor(row: &PgRow) -> Result<ItemCursor, StoreError> {
    Ok((row.int("batch_id")?, row.number("row_no")?))
}

fn item_view(row: &PgRow) -> Result<ItemView, StoreError> {
    let outcome = outcome_of(row)?;
    let place = match row.maybe_text("state")? {
        Some(state) => State::from_code(&state)
            .ok_or_else(|| StoreError::Broken(format!("an instruction is {state}")))?
            .place(outcome),
        None => Place::Held,
    };
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
        place,
        reason: outcome.reason(),
        bank_code: row.maybe_text("code")?.zip(row.maybe_text("code_text")?),
        binding_blind: row.array("blind")?,
        binding_sealed: row.bytes("sealed")?,
    })
}

/// The outcome in the columns `outcome` and `reason`; open where there is none yet.
pub(super) fn outcome_of(row: &PgRow) -> Result<Outcome, StoreError> {
    let Some(code) = row.maybe_text("outcome")? else {
        return Ok(Outcome::Open);
    };
    let reason = row.maybe_text("reason")?;
    Outcome::from_parts(&code, reason.as_deref().and_then(Reason::from_code)).ok_or_else(|| {
        StoreError::Broken(format!("an outcome is {code} for the reason {reason:?}"))
    })
}
