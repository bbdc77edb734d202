//! Counts everything again from the rows, in one snapshot, and says where a kept figure differs.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use sqlx::{SqliteConnection, SqlitePool};
use wagegate_domain::Fen;
use wagegate_domain::batch::BatchState;
use wagegate_domain::fact::Verdict;
use wagegate_domain::outcome::Place;
use wagegate_domain::reason::Reason;

use super::items::{outcome_of, place_of};
use crate::store::columns::Columns;
use crate::store::recounted::{Counted, Kept, Refold, account_differences, tally_differences};
use crate::store::{Recount, StoreError};

/// Differences that are listed of one kind: the first ones show the cause.
const LISTED: u32 = 100;

pub(super) async fn recount(pool: &SqlitePool) -> Result<Recount, StoreError> {
    let mut tx = pool.begin().await?;
    let counted = counted(&mut tx).await?;
    let mut differences = tally_differences(&counted);
    differences.extend(account_differences(&counted, &accounts(&mut tx).await?)?);
    differences.extend(refold(&mut tx).await?);
    for (check, about) in CHECKS {
        let found: Vec<String> = sqlx::query_scalar(check)
            .bind(LISTED)
            .fetch_all(&mut *tx)
            .await?;
        differences.extend(found.into_iter().map(|what| format!("{what}: {about}")));
    }
    let batches: i64 = sqlx::query_scalar("SELECT count(*) FROM batch")
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Recount {
        batches: u64::try_from(batches).unwrap_or_default(),
        differences,
    })
}

type Places = BTreeMap<(i64, Place), (i64, Fen)>;

/// Where the items of each batch stand, by the rows.
async fn places(tx: &mut SqliteConnection) -> Result<Places, StoreError> {
    let rows = sqlx::query(
        "SELECT i.batch_id, n.state, o.outcome, min(o.reason) AS reason, count(*) AS item_count, sum(i.amount_fen) AS total_fen
         FROM wage_item i
         LEFT JOIN attempt t ON t.batch_id = i.batch_id AND t.row_no = i.row_no
           AND t.attempt_no = (SELECT max(l.attempt_no) FROM attempt l WHERE l.batch_id = i.batch_id AND l.row_no = i.row_no)
         LEFT JOIN instruction n ON n.id = t.instruction_id
         LEFT JOIN outcome o ON o.instruction_id = t.instruction_id AND o.sequence = t.sequence
           AND o.version = (SELECT max(v.version) FROM outcome v WHERE v.instruction_id = t.instruction_id AND v.sequence = t.sequence)
         GROUP BY i.batch_id, n.state, o.outcome",
    )
    .fetch_all(tx)
    .await?;
    let mut places = Places::new();
    for row in &rows {
        let place = place_of(row, outcome_of(row)?)?;
        let (count, sum) = places.entry((row.int("batch_id")?, place)).or_default();
        *count += row.int("item_count")?;
        *sum = sum
            .checked_add(row.fen("total_fen")?)
            .ok_or_else(|| StoreError::Broken("the items of a batch pass 64 bits".into()))?;
    }
    Ok(places)
}

/// The same beside the kept tallies; a tally that is missing counts as nought.
async fn counted(tx: &mut SqliteConnection) -> Result<Vec<Counted>, StoreError> {
    let mut kept = Places::new();
    for row in sqlx::query("SELECT batch_id, place, item_count, total_fen FROM tally")
        .fetch_all(&mut *tx)
        .await?
    {
        let place = row.parsed("place", Place::from_code)?;
        let figures = (row.int("item_count")?, row.fen("total_fen")?);
        kept.insert((row.int("batch_id")?, place), figures);
    }
    let places = places(tx).await?;
    let batches = sqlx::query(
        "SELECT b.id, b.code, b.state, b.short_since, p.account_id FROM batch b JOIN project p ON p.id = b.project_id ORDER BY b.id",
    )
    .fetch_all(tx)
    .await?;
    let mut counted = Vec::new();
    for row in &batches {
        for place in Place::ALL {
            let key = (row.int("id")?, place);
            counted.push(Counted {
                batch: row.text("code")?,
                account: row.int("account_id")?,
                state: row.parsed("state", BatchState::from_code)?,
                short: row.maybe_int("short_since")?.is_some(),
                place,
                rows: places.get(&key).copied().unwrap_or_default(),
                kept: kept.get(&key).copied().unwrap_or_default(),
            });
        }
    }
    Ok(counted)
}

async fn accounts(tx: &mut SqliteConnection) -> Result<Vec<Kept>, StoreError> {
    let rows = sqlx::query(
        "SELECT a.id, a.bank, a.number, a.balance_fen, a.reserved_fen, a.overdrawn_fen,
           (SELECT COALESCE(sum(d.amount_fen), 0) FROM deposit d WHERE d.account_id = a.id) AS deposited
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
async fn refold(tx: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let mut refold = Refold::listing(LISTED);
    let mut facts = sqlx::query(
        "SELECT f.instruction_id, f.sequence, f.verdict, f.reason AS cause, o.outcome, o.reason FROM fact f
         LEFT JOIN outcome o ON o.instruction_id = f.instruction_id AND o.sequence = f.sequence
           AND o.version = (SELECT max(v.version) FROM outcome v WHERE v.instruction_id = f.instruction_id AND v.sequence = f.sequence)
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
         WHERE b.row_count IS NOT i.item_count OR b.total_fen IS NOT i.total_fen ORDER BY b.id LIMIT $1",
        "its rows do not add up to its head",
    ),
    (
        "SELECT 'instruction ' || n.bank_key FROM instruction n
         LEFT JOIN (SELECT instruction_id, count(*) AS row_count, sum(amount_fen) AS total_fen FROM attempt GROUP BY instruction_id) t ON t.instruction_id = n.id
         WHERE n.row_count IS NOT t.row_count OR n.total_fen IS NOT t.total_fen ORDER BY n.id LIMIT $1",
        "its attempts do not add up to its head",
    ),
    (
        "SELECT 'row ' || t.row_no || ' of batch ' || b.code FROM attempt t JOIN batch b ON b.id = t.batch_id
         WHERE NOT EXISTS (SELECT 1 FROM attempt_end e WHERE e.batch_id = t.batch_id AND e.row_no = t.row_no AND e.attempt_no = t.attempt_no)
         GROUP BY t.batch_id, t.row_no HAVING count(*) > 1 ORDER BY t.batch_id, t.row_no LIMIT $1",
        "it has more than one live attempt",
    ),
    (
        "SELECT 'row ' || t.row_no || ' of batch ' || b.code FROM attempt t JOIN batch b ON b.id = t.batch_id
         JOIN outcome o ON o.instruction_id = t.instruction_id AND o.sequence = t.sequence AND o.outcome IN ('failed', 'returned')
           AND o.version = (SELECT max(v.version) FROM outcome v WHERE v.instruction_id = t.instruction_id AND v.sequence = t.sequence)
         WHERE NOT EXISTS (SELECT 1 FROM attempt_end e WHERE e.batch_id = t.batch_id AND e.row_no = t.row_no AND e.attempt_no = t.attempt_no)
         ORDER BY t.batch_id, t.row_no LIMIT $1",
        "its attempt failed or came back and has not ended",
    ),
    (
        "SELECT DISTINCT 'payment ' || o.sequence || ' of instruction ' || o.instruction_id FROM outcome o
         WHERE NOT EXISTS (SELECT 1 FROM fact f WHERE f.instruction_id = o.instruction_id AND f.sequence = o.sequence) LIMIT $1",
        "it has an outcome and no fact",
    ),
];
