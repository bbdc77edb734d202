//! Rows that are appended and never changed: facts, outcomes, ends of attempts, suspense and remarks, each set in one statement.

use sqlx::PgConnection;

use super::columns::{stored, without_nul};
use super::facts::Source;
use crate::store::StoreError;
use crate::store::booking::{Booking, Seat};

fn seats<'a>(seats: impl Iterator<Item = &'a Seat>) -> (Vec<i64>, Vec<i64>) {
    seats
        .map(|(instruction, sequence)| (*instruction, i64::from(*sequence)))
        .unzip()
}

fn ordinals(ordinals: impl Iterator<Item = u64>) -> Result<Vec<i64>, StoreError> {
    ordinals.map(stored).collect()
}

/// A fact that is there already is the same fact: a refusal may be told again with the same bytes.
pub(super) async fn facts(
    tx: &mut PgConnection,
    source: Source,
    booking: &Booking,
) -> Result<(), StoreError> {
    let facts = &booking.facts;
    if facts.is_empty() {
        return Ok(());
    }
    let (instructions, sequences) = seats(facts.iter().map(|fact| &fact.seat));
    sqlx::query(
        "INSERT INTO fact (instruction_id, sequence, raw_id, ordinal, verdict, reason, code_list, code, code_text)
         SELECT instruction_id, sequence, $1, ordinal, verdict, reason, code_list, code, code_text
         FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
           AS new (instruction_id, sequence, ordinal, verdict, reason, code_list, code, code_text)
         ON CONFLICT DO NOTHING",
    )
    .bind(source.raw)
    .bind(instructions)
    .bind(sequences)
    .bind(ordinals(facts.iter().map(|fact| fact.ordinal))?)
    .bind(facts.iter().map(|fact| fact.verdict.code()).collect::<Vec<_>>())
    .bind(facts.iter().map(|fact| fact.verdict.reason().map(|reason| reason.code())).collect::<Vec<_>>())
    .bind(facts.iter().map(|fact| without_nul(&fact.bank.list)).collect::<Vec<_>>())
    .bind(facts.iter().map(|fact| without_nul(&fact.bank.code)).collect::<Vec<_>>())
    .bind(facts.iter().map(|fact| without_nul(&fact.bank.text)).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn outcomes(
    tx: &mut PgConnection,
    source: Source,
    booking: &Booking,
) -> Result<(), StoreError> {
    let outcomes = &booking.outcomes;
    if outcomes.is_empty() {
        return Ok(());
    }
    let (instructions, sequences) = seats(outcomes.iter().map(|row| &row.seat));
    sqlx::query(
        "INSERT INTO outcome (instruction_id, sequence, version, outcome, reason, raw_id, at)
         SELECT instruction_id, sequence, version, outcome, reason, $1, $2
         FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[]) AS new (instruction_id, sequence, version, outcome, reason)",
    )
    .bind(source.raw)
    .bind(source.at.as_millisecond())
    .bind(instructions)
    .bind(sequences)
    .bind(outcomes.iter().map(|row| i64::from(row.version)).collect::<Vec<_>>())
    .bind(outcomes.iter().map(|row| row.outcome.code()).collect::<Vec<_>>())
    .bind(outcomes.iter().map(|row| row.outcome.reason().map(|reason| reason.code())).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// An attempt ends once: a return after a failure changes the outcome, not the end.
pub(super) async fn ends(
    tx: &mut PgConnection,
    source: Source,
    booking: &Booking,
) -> Result<(), StoreError> {
    let ends = &booking.ends;
    if ends.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO attempt_end (batch_id, row_no, attempt_no, cause, raw_id, at)
         SELECT batch_id, row_no, attempt_no, cause, $1, $2
         FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) AS new (batch_id, row_no, attempt_no, cause)
         ON CONFLICT DO NOTHING",
    )
    .bind(source.raw)
    .bind(source.at.as_millisecond())
    .bind(ends.iter().map(|row| row.batch).collect::<Vec<_>>())
    .bind(ends.iter().map(|row| i64::from(row.row)).collect::<Vec<_>>())
    .bind(ends.iter().map(|row| i64::from(row.attempt)).collect::<Vec<_>>())
    .bind(ends.iter().map(|row| row.cause).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// One place in a document is shown once, however many payments it is about.
pub(super) async fn suspense(
    tx: &mut PgConnection,
    source: Source,
    booking: &Booking,
) -> Result<(), StoreError> {
    let rows = &booking.suspense;
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO suspense (bank, raw_id, ordinal, why, amount_fen, named, at)
         SELECT r.bank, r.id, ordinal, why, amount_fen, named, $2
         FROM raw_document r, unnest($3::bigint[], $4::text[], $5::bigint[], $6::text[]) AS new (ordinal, why, amount_fen, named) WHERE r.id = $1 ORDER BY ordinal
         ON CONFLICT (raw_id, ordinal) DO NOTHING",
    )
    .bind(source.raw)
    .bind(source.at.as_millisecond())
    .bind(ordinals(rows.iter().map(|row| row.ordinal))?)
    .bind(rows.iter().map(|row| without_nul(&row.why)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.amount.map(|amount| amount.get())).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.named.as_deref().map(without_nul)).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn remarks(
    tx: &mut PgConnection,
    source: Source,
    booking: &Booking,
) -> Result<(), StoreError> {
    let remarks = &booking.remarks;
    if remarks.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO raw_remark (raw_id, ordinal, remark)
         SELECT $1, ordinal, remark FROM unnest($2::bigint[], $3::text[]) AS new (ordinal, remark)
         ON CONFLICT DO NOTHING",
    )
    .bind(source.raw)
    .bind(ordinals(remarks.iter().map(|(ordinal, _)| *ordinal))?)
    .bind(
        remarks
            .iter()
            .map(|(_, words)| without_nul(words))
            .collect::<Vec<_>>(),
    )
    .execute(tx)
    .await?;
    Ok(())
}
