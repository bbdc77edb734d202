//! Counts everything again from the rows, in one snapshot, and says where a kept figure differs.

use futures_util::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool};
use wagegate_domain::batch::BatchState;
use wagegate_domain::fact::Verdict;
use wagegate_domain::outcome::Place;
use wagegate_domain::reason::Reason;

use super::columns::Columns;
use super::items::{PlaceRule, outcome_of};
use crate::store::recounted::{Counted, Kept, Refold, account_differences, tally_differences};
use crate::store::{Recount, StoreError};

/// Differences that are listed of one kind: the first ones show the cause.
const LISTED: u32 = 100;

pub(super) async fn recount(pool: &PgPool) -> Result<Recount, StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .execute(&mut *tx)
        .await?;
    let batches: i64 = sqlx::query_scalar("SELECT count(*) FROM batch")
        .fetch_one(&mut *tx)
        .await?;
    let counted = count_places(&mut tx).await?;
    let mut differences = tally_differences(&counted);
    differences.extend(account_differences(&counted, &accounts(&mut tx).await?)?);
    differences.extend(refold(&mut tx).await?);
    for (check, about) in CHECKS {
        let found: Vec<String> = sqlx::query_scalar(check)
            .bind(i64::from(LISTED))
            .fetch_all(&mut *tx)
            .await?;
        differences.extend(found.into_iter().map(|what| format!("{what}: {about}")));
    }
    tx.commit().await?;
    Ok(Recount {
        batches: u64::try_from(batches).unwrap_or_default(),
        differences,
    })
}

async fn count_places(tx: &mut PgConnection) -> Result<Vec<Counted>, StoreError> {
    let rule = PlaceRule::new();
    let rows = sqlx::query(
        "WITH counted AS (
           SELECT i.batch_id, COALESCE(rule.place, 'held') AS place, count(*) AS item_count, sum(i.amount_fen)::bigint AS total_fen
           FROM wage_item i
           LEFT JOIN (SELECT DISTINCT ON (batch_id, row_no) batch_id, row_no, instruction_id, sequence FROM attempt
                      ORDER BY batch_id, row_no, attempt_no DESC) t ON t.batch_id = i.batch_id AND t.row_no = i.row_no
           LEFT JOIN instruction n ON n.id = t.instruction_id
           LEFT JOIN (SELECT DISTINCT ON (instruction_id, sequence) instruction_id, sequence, outcome FROM outcome
                      ORDER BY instruction_id, sequence, version DESC) o ON o.instruction_id = t.instruction_id AND o.sequence = t.sequence
           LEFT JOIN unnest($1::text[], $2::text[], $3::text[]) AS rule (state, outcome, place)
             ON rule.state = n.state AND rule.outcome = COALESCE(o.outcome, 'open')
           GROUP BY i.batch_id, COALESCE(rule.place, 'held')
         )
         SELECT b.code, p.account_id, b.state, b.short_since, s.place, s.item_count, s.total_fen, s.kept_count, s.kept_fen
         FROM (
           SELECT COALESCE(c.batch_id, t.batch_id) AS batch_id, COALESCE(c.place, t.place) AS place,
             COALESCE(c.item_count, 0) AS item_count, COALESCE(c.total_fen, 0) AS total_fen,
             COALESCE(t.item_count, 0) AS kept_count, COALESCE(t.total_fen, 0) AS kept_fen
           FROM counted c FULL JOIN tally t ON t.batch_id = c.batch_id AND t.place = c.place
         ) s JOIN batch b ON b.id = s.batch_id JOIN project p ON p.id = b.project_id ORDER BY b.id, s.place",
    )
    .bind(&rule.states)
    .bind(&rule.outcomes)
    .bind(&rule.places)
    .fetch_all(tx)
    .await?;
    rows.iter().map(counted).collect()
}

fn counted(row: &PgRow) -> Result<Counted, StoreError> {
    Ok(Counted {
        batch: row.text("code")?,
        account: row.int("account_id")?,
        state: row.parsed("state", BatchState::from_code)?,
        short: row.maybe_int("short_since")?.is_some(),
        place: row.parsed("place", Place::from_code)?,
        rows: (row.int("item_count")?, row.fen("total_fen")?),
        kept: (row.int("kept_count")?, row.fen("kept_fen")?),
    })
}

async fn accounts(tx: &mut PgConnection) -> Result<Vec<Kept>, StoreError> {
    let rows = sqlx::query(
        "SELECT a.id, a.bank, a.number, a.balance_fen, a.reserved_fen, a.overdrawn_fen,
           COALESCE((SELECT sum(amount_fen) FROM deposit d WHERE d.account_id = a.id), 0)::bigint AS deposited
         FROM special_account a ORDER BY a.id",
    )
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Kept {
                account: row.int("id")?,
                bank: row.text("bank")?,
                number: row.text("number")?,
                deposited: row.fen("deposited")?,
                balance: row.fen("balance_fen")?,
                reserved: row.fen("reserved_fen")?,
                overdrawn: row.fen("overdrawn_fen")?,
            })
        })
        .collect()
}

/// Folds every fact again, as they stream by.
async fn refold(tx: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let mut refold = Refold::listing(LISTED);
    let mut facts = sqlx::query(
        "SELECT f.instruction_id, f.sequence, f.verdict, f.reason AS cause, o.outcome, o.reason FROM fact f
         LEFT JOIN (SELECT DISTINCT ON (instruction_id, sequence) instruction_id, sequence, outcome, reason FROM outcome
                    ORDER BY instruction_id, sequence, version DESC) o ON o.instruction_id = f.instruction_id AND o.sequence = f.sequence
         ORDER BY f.instruction_id, f.sequence",
    )
    .fetch(tx);
    while let Some(row) = facts.try_next().await? {
        let cause = row.maybe_text("cause")?;
        let cause = cause.as_deref().and_then(Reason::from_code);
        let verdict = row.parsed("verdict", |code| Verdict::from_parts(code, cause))?;
        let seat = (row.int("instruction_id")?, row.number("sequence")?);
        refold.fact(seat, verdict, outcome_of(&row)?);
    }
    Ok(refold.end())
}

/// Each gives the things that contradict it, at most `$1` of them.
const CHECKS: [(&str, &str); 5] = [
    (
        "SELECT 'batch ' || b.code FROM batch b
         LEFT JOIN (SELECT batch_id, count(*) AS item_count, sum(amount_fen) AS total_fen FROM wage_item GROUP BY batch_id) i ON i.batch_id = b.id
         WHERE (b.row_count, b.total_fen) IS DISTINCT FROM (i.item_count, i.total_fen::bigint) ORDER BY b.id LIMIT $1",
        "its rows do not add up to its head",
    ),
    (
        "SELECT 'instruction ' || n.bank_key FROM instruction n
         LEFT JOIN (SELECT instruction_id, count(*) AS row_count, sum(amount_fen) AS total_fen FROM attempt GROUP BY instruction_id) t ON t.instruction_id = n.id
         WHERE (n.row_count, n.total_fen) IS DISTINCT FROM (t.row_count, t.total_fen::bigint) ORDER BY n.id LIMIT $1",
        "its attempts do not add up to its head",
    ),
    (
        "SELECT 'row ' || t.row_no || ' of batch ' || b.code FROM attempt t JOIN batch b ON b.id = t.batch_id
         WHERE NOT EXISTS (SELECT FROM attempt_end e WHERE e.batch_id = t.batch_id AND e.row_no = t.row_no AND e.attempt_no = t.attempt_no)
         GROUP BY b.code, t.batch_id, t.row_no HAVING count(*) > 1 ORDER BY t.batch_id, t.row_no LIMIT $1",
        "it has more than one live attempt",
    ),
    (
        "SELECT 'row ' || t.row_no || ' of batch ' || b.code FROM attempt t JOIN batch b ON b.id = t.batch_id
         JOIN (SELECT DISTINCT ON (instruction_id, sequence) instruction_id, sequence, outcome FROM outcome
               ORDER BY instruction_id, sequence, version DESC) o ON o.instruction_id = t.instruction_id AND o.sequence = t.sequence
         WHERE o.outcome IN ('failed', 'returned')
           AND NOT EXISTS (SELECT FROM attempt_end e WHERE e.batch_id = t.batch_id AND e.row_no = t.row_no AND e.attempt_no = t.attempt_no)
         ORDER BY t.batch_id, t.row_no LIMIT $1",
        "its attempt failed or came back and has not ended",
    ),
    (
        "SELECT DISTINCT 'payment ' || o.sequence || ' of instruction ' || o.instruction_id FROM outcome o
         WHERE NOT EXISTS (SELECT FROM fact f WHERE f.instruction_id = o.instruction_id AND f.sequence = o.sequence) LIMIT $1",
        "it has an outcome and no fact",
    ),
];
