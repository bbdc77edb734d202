//! Counts everything again from the rows, in one snapshot, and says where a kept figure differs.

use std::collections::BTreeMap;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool};
use wagegate_domain::Fen;
use wagegate_domain::batch::BatchState;
use wagegate_domain::ledger::effect;
use wagegate_domain::outcome::Place;

use super::columns::Columns;
use super::items::PlaceRule;
use crate::store::{Recount, StoreError};

/// Differences that are listed of one kind: the first ones show the cause.
const LISTED: i64 = 100;

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
    differences.extend(account_differences(&mut tx, &counted).await?);
    for (check, about) in CHECKS {
        let found: Vec<String> = sqlx::query_scalar(check)
            .bind(LISTED)
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

/// What the rows of one batch and place give, beside what is kept.
struct Counted {
    batch: String,
    account: i64,
    reserves: bool,
    place: Place,
    rows: (i64, Fen),
    kept: (i64, Fen),
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
         SELECT b.code, p.account_id, b.state, s.place, s.item_count, s.total_fen, s.kept_count, s.kept_fen
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
    let state = row.parsed("state", BatchState::from_code)?;
    Ok(Counted {
        batch: row.text("code")?,
        account: row.int("account_id")?,
        reserves: match state {
            BatchState::Approved | BatchState::Planned => true,
            BatchState::AwaitingApproval | BatchState::Rejected => false,
        },
        place: row.parsed("place", Place::from_code)?,
        rows: (row.int("item_count")?, row.fen("total_fen")?),
        kept: (row.int("kept_count")?, row.fen("kept_fen")?),
    })
}

fn tally_differences(counted: &[Counted]) -> Vec<String> {
    counted
        .iter()
        .filter(|figures| figures.rows != figures.kept)
        .map(|figures| {
            format!(
                "batch {}: {} {} of {} yuan by the rows, {} of {} yuan by the tally",
                figures.batch,
                figures.place.code(),
                figures.rows.0,
                figures.rows.1,
                figures.kept.0,
                figures.kept.1
            )
        })
        .collect()
}

/// What every account must hold and reserve, by its deposits and by where its approved items stand.
async fn account_differences(
    tx: &mut PgConnection,
    counted: &[Counted],
) -> Result<Vec<String>, StoreError> {
    let overflow = || StoreError::Broken("an account's figures pass 64 bits".into());
    let mut effects: BTreeMap<i64, (Fen, Fen)> = BTreeMap::new();
    for figures in counted.iter().filter(|figures| figures.reserves) {
        let moved = effect(figures.place, figures.rows.1);
        let (balance, reserved) = effects.entry(figures.account).or_default();
        *balance = balance.checked_add(moved.balance).ok_or_else(overflow)?;
        *reserved = reserved.checked_add(moved.reserved).ok_or_else(overflow)?;
    }
    let rows = sqlx::query(
        "SELECT a.id, a.bank, a.number, a.balance_fen, a.reserved_fen,
           COALESCE((SELECT sum(amount_fen) FROM deposit d WHERE d.account_id = a.id), 0)::bigint AS deposited
         FROM special_account a ORDER BY a.id",
    )
    .fetch_all(tx)
    .await?;
    let mut differences = Vec::new();
    for row in &rows {
        let (balance, reserved) = effects.remove(&row.int("id")?).unwrap_or_default();
        let balance = balance
            .checked_add(row.fen("deposited")?)
            .ok_or_else(overflow)?;
        let kept = (row.fen("balance_fen")?, row.fen("reserved_fen")?);
        if kept != (balance, reserved) {
            differences.push(format!(
                "account {} at {}: {balance} yuan held and {reserved} reserved by the rows, {} and {} by the account",
                row.text("number")?,
                row.text("bank")?,
                kept.0,
                kept.1
            ));
        }
    }
    Ok(differences)
}

/// Each gives the things that contradict it, at most `$1` of them.
const CHECKS: [(&str, &str); 4] = [
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
];
