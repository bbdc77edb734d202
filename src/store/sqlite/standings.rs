//! Attempts as they stand, loaded in sets for `booking`: by seat, by account and amount, or page by page of one instruction.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, SqliteConnection};
use wagegate_domain::Fen;
use wagegate_domain::attempt::State;

use super::CHUNK;
use super::items::outcome_of;
use crate::store::StoreError;
use crate::store::booking::{Standing, Standings, Wanted};
use crate::store::columns::Columns;

/// Attempts in one page of an instruction.
const PAGE: u32 = 10_000;

/// What a [`Standing`] is read from, for the attempts `t` that the text before it in the `FROM` picks.
macro_rules! standing {
    ($before:literal, $from:literal, $after:literal) => {
        concat!(
            $before,
            "SELECT t.instruction_id, t.sequence, t.batch_id, t.row_no, t.attempt_no, t.amount_fen, g.account_blind, i.binding_id, n.planned_at, o.outcome, o.reason,
               COALESCE(o.version, 0) AS version, n.state,
               NOT EXISTS (SELECT 1 FROM attempt l WHERE l.batch_id = t.batch_id AND l.row_no = t.row_no AND l.attempt_no > t.attempt_no) AS latest
             FROM ", $from, "
             CROSS JOIN instruction n ON n.id = t.instruction_id
             CROSS JOIN wage_item i ON i.batch_id = t.batch_id AND i.row_no = t.row_no
             CROSS JOIN binding g ON g.id = i.binding_id
             LEFT JOIN outcome o ON o.instruction_id = t.instruction_id AND o.sequence = t.sequence
               AND o.version = (SELECT max(v.version) FROM outcome v WHERE v.instruction_id = t.instruction_id AND v.sequence = t.sequence)",
            $after
        )
    };
}

/// Everything that a segment of items asks for.
pub(super) async fn load(
    tx: &mut SqliteConnection,
    wanted: &Wanted,
) -> Result<Standings, StoreError> {
    let mut all = by_seat(tx, wanted).await?;
    all.extend(by_account(tx, wanted).await?);
    Ok(all.into_iter().collect())
}

async fn by_seat(tx: &mut SqliteConnection, wanted: &Wanted) -> Result<Vec<Standing>, StoreError> {
    let seats: Vec<_> = wanted.seats.iter().collect();
    let mut found = Vec::new();
    for part in seats.chunks(CHUNK) {
        let rows = QueryBuilder::new("WITH seat (instruction_id, sequence) AS (")
            .push_values(part, |mut values, (instruction, sequence)| {
                values.push_bind(*instruction).push_bind(*sequence);
            })
            .push(standing!(
                ") ",
                "seat CROSS JOIN attempt t ON t.instruction_id = seat.instruction_id AND t.sequence = seat.sequence",
                ""
            ))
            .build()
            .fetch_all(&mut *tx)
            .await?;
        for row in &rows {
            found.push(standing(row)?);
        }
    }
    Ok(found)
}

/// The match of last resort: it walks over the instruction's attempts, once for a chunk.
async fn by_account(
    tx: &mut SqliteConnection,
    wanted: &Wanted,
) -> Result<Vec<Standing>, StoreError> {
    let payments: Vec<_> = wanted.accounts.iter().collect();
    let mut found = Vec::new();
    for part in payments.chunks(CHUNK) {
        let rows = QueryBuilder::new("WITH payment (instruction_id, account_blind, amount_fen) AS (")
            .push_values(part, |mut values, (instruction, blind, amount)| {
                values
                    .push_bind(*instruction)
                    .push_bind(blind.as_slice())
                    .push_bind(amount.get());
            })
            .push(standing!(
                ") ",
                "(SELECT DISTINCT instruction_id FROM payment) p CROSS JOIN attempt t ON t.instruction_id = p.instruction_id",
                " WHERE (t.instruction_id, g.account_blind, t.amount_fen) IN (SELECT instruction_id, account_blind, amount_fen FROM payment)"
            ))
            .build()
            .fetch_all(&mut *tx)
            .await?;
        for row in &rows {
            found.push(standing(row)?);
        }
    }
    Ok(found)
}

/// The attempts of an instruction after a row number; with `unlisted_in`, only those of which that raw document has said nothing.
pub(super) async fn page(
    tx: &mut SqliteConnection,
    instruction: i64,
    after: u32,
    unlisted_in: Option<i64>,
) -> Result<Vec<Standing>, StoreError> {
    let rows = sqlx::query(standing!(
        "",
        "attempt t",
        " WHERE t.instruction_id = $1 AND t.sequence > $2
            AND ($3 IS NULL OR NOT EXISTS (SELECT 1 FROM fact f WHERE f.instruction_id = t.instruction_id AND f.sequence = t.sequence AND f.raw_id = $3))
          ORDER BY t.sequence LIMIT $4"
    ))
    .bind(instruction)
    .bind(after)
    .bind(unlisted_in)
    .bind(PAGE)
    .fetch_all(tx)
    .await?;
    rows.iter().map(standing).collect()
}

/// Number and sum of the attempts of which a raw document has said nothing.
pub(super) async fn unlisted(
    tx: &mut SqliteConnection,
    instruction: i64,
    raw: i64,
) -> Result<(u64, Fen), StoreError> {
    let row = sqlx::query(
        "SELECT count(*) AS item_count, COALESCE(sum(a.amount_fen), 0) AS total_fen FROM attempt a
         WHERE a.instruction_id = $1
           AND NOT EXISTS (SELECT 1 FROM fact f WHERE f.instruction_id = a.instruction_id AND f.sequence = a.sequence AND f.raw_id = $2)",
    )
    .bind(instruction)
    .bind(raw)
    .fetch_one(tx)
    .await?;
    Ok((row.number("item_count")?, row.fen("total_fen")?))
}

fn standing(row: &SqliteRow) -> Result<Standing, StoreError> {
    Ok(Standing {
        seat: (row.int("instruction_id")?, row.number("sequence")?),
        batch: row.int("batch_id")?,
        row: row.number("row_no")?,
        attempt: row.number("attempt_no")?,
        latest: row.int("latest")? != 0,
        amount: row.fen("amount_fen")?,
        account_blind: row.array("account_blind")?,
        card: row.int("binding_id")?,
        planned_at: row.moment("planned_at")?,
        outcome: outcome_of(row)?,
        version: row.number("version")?,
        state: row.parsed("state", State::from_code)?,
    })
}
