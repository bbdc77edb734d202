//! Attempts as they stand, loaded in sets for `booking`: by seat, by account and amount, or page by page of one instruction.
//!
//! The caller holds the batches' rows, so that what is read here stays true until the commit.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use wagegate_domain::Fen;
use wagegate_domain::attempt::State;

use super::columns::Columns;
use super::items::outcome_of;
use crate::store::StoreError;
use crate::store::booking::{Standing, Standings, Wanted};

/// Attempts in one page of an instruction.
pub(super) const PAGE: usize = 10_000;

/// The columns of a [`Standing`] for the attempts `t` that the given clause picks.
macro_rules! standing {
    ($from:literal) => {
        concat!(
            "SELECT t.instruction_id, t.sequence, t.batch_id, t.row_no, t.attempt_no, t.amount_fen, g.account_blind, i.binding_id, n.planned_at, o.outcome, o.reason,
               COALESCE(o.version, 0) AS version, n.state,
               NOT EXISTS (SELECT FROM attempt l WHERE l.batch_id = t.batch_id AND l.row_no = t.row_no AND l.attempt_no > t.attempt_no) AS latest
             FROM (", $from, ") t
             JOIN instruction n ON n.id = t.instruction_id
             CROSS JOIN LATERAL (SELECT binding_id FROM wage_item w WHERE w.batch_id = t.batch_id AND w.row_no = t.row_no LIMIT 1) i
             CROSS JOIN LATERAL (SELECT account_blind FROM binding b WHERE b.id = i.binding_id LIMIT 1) g
             LEFT JOIN LATERAL (SELECT outcome, reason, version FROM outcome v WHERE v.instruction_id = t.instruction_id AND v.sequence = t.sequence
                                ORDER BY v.version DESC LIMIT 1) o ON TRUE
             ORDER BY t.instruction_id, t.sequence"
        )
    };
}

/// Everything that a segment of items asks for.
pub(super) async fn load(tx: &mut PgConnection, wanted: &Wanted) -> Result<Standings, StoreError> {
    let mut all = by_seat(tx, wanted).await?;
    all.extend(by_account(tx, wanted).await?);
    Ok(all.into_iter().collect())
}

async fn by_seat(tx: &mut PgConnection, wanted: &Wanted) -> Result<Vec<Standing>, StoreError> {
    if wanted.seats.is_empty() {
        return Ok(Vec::new());
    }
    let (instructions, sequences): (Vec<i64>, Vec<i64>) = wanted
        .seats
        .iter()
        .map(|(instruction, sequence)| (*instruction, i64::from(*sequence)))
        .unzip();
    let rows = sqlx::query(standing!(
        "SELECT a.* FROM unnest($1::bigint[], $2::bigint[]) AS seat (instruction_id, sequence)
         CROSS JOIN LATERAL (SELECT * FROM attempt s WHERE s.instruction_id = seat.instruction_id AND s.sequence = seat.sequence LIMIT 1) a"
    ))
    .bind(instructions)
    .bind(sequences)
    .fetch_all(tx)
    .await?;
    rows.iter().map(standing).collect()
}

/// The match of last resort: it walks over the instruction's attempts, once for a chunk.
async fn by_account(tx: &mut PgConnection, wanted: &Wanted) -> Result<Vec<Standing>, StoreError> {
    if wanted.accounts.is_empty() {
        return Ok(Vec::new());
    }
    let mut instructions = Vec::new();
    let mut blinds = Vec::new();
    let mut amounts = Vec::new();
    for (instruction, blind, amount) in &wanted.accounts {
        instructions.push(*instruction);
        blinds.push(blind.to_vec());
        amounts.push(amount.get());
    }
    let rows = sqlx::query(standing!(
        "SELECT a.* FROM unnest($1::bigint[], $2::bytea[], $3::bigint[]) AS payment (instruction_id, account_blind, amount_fen)
         JOIN attempt a ON a.instruction_id = payment.instruction_id AND a.amount_fen = payment.amount_fen
         JOIN wage_item x ON x.batch_id = a.batch_id AND x.row_no = a.row_no
         JOIN binding y ON y.id = x.binding_id AND y.account_blind = payment.account_blind"
    ))
    .bind(instructions)
    .bind(blinds)
    .bind(amounts)
    .fetch_all(tx)
    .await?;
    rows.iter().map(standing).collect()
}

/// The attempts of an instruction after a row number; with `unlisted_in`, only those of which that raw document has said nothing.
pub(super) async fn page(
    tx: &mut PgConnection,
    instruction: i64,
    after: u32,
    unlisted_in: Option<i64>,
) -> Result<Vec<Standing>, StoreError> {
    let rows = sqlx::query(standing!(
        "SELECT * FROM attempt a WHERE a.instruction_id = $1 AND a.sequence > $2
           AND ($3::bigint IS NULL OR NOT EXISTS (SELECT FROM fact f WHERE f.instruction_id = a.instruction_id AND f.sequence = a.sequence AND f.raw_id = $3))
         ORDER BY a.sequence LIMIT $4"
    ))
    .bind(instruction)
    .bind(i64::from(after))
    .bind(unlisted_in)
    .bind(i64::try_from(PAGE).unwrap_or(i64::MAX))
    .fetch_all(tx)
    .await?;
    rows.iter().map(standing).collect()
}

/// Number and sum of the attempts of which a raw document has said nothing.
pub(super) async fn unlisted(
    tx: &mut PgConnection,
    instruction: i64,
    raw: i64,
) -> Result<(u64, Fen), StoreError> {
    let row = sqlx::query(
        "SELECT count(*) AS item_count, COALESCE(sum(a.amount_fen), 0)::bigint AS total_fen FROM attempt a
         WHERE a.instruction_id = $1
           AND NOT EXISTS (SELECT FROM fact f WHERE f.instruction_id = a.instruction_id AND f.sequence = a.sequence AND f.raw_id = $2)",
    )
    .bind(instruction)
    .bind(raw)
    .fetch_one(tx)
    .await?;
    Ok((row.number("item_count")?, row.fen("total_fen")?))
}

fn standing(row: &PgRow) -> Result<Standing, StoreError> {
    Ok(Standing {
        seat: (row.int("instruction_id")?, row.number("sequence")?),
        batch: row.int("batch_id")?,
        row: row.number("row_no")?,
        attempt: row.number("attempt_no")?,
        latest: row.try_get("latest")?,
        amount: row.fen("amount_fen")?,
        account_blind: row.array("account_blind")?,
        card: row.int("binding_id")?,
        planned_at: row.moment("planned_at")?,
        outcome: outcome_of(row)?,
        version: row.number("version")?,
        state: row.parsed("state", State::from_code)?,
    })
}
