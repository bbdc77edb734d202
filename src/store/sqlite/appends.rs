//! Rows that are appended and never changed: facts, outcomes, ends of attempts, suspense and remarks, a thousand in one statement.

use sqlx::{QueryBuilder, SqliteConnection};

use super::CHUNK;
use super::facts::Source;
use crate::store::StoreError;
use crate::store::booking::Booking;
use crate::store::columns::stored;

/// A fact that is there already is the same fact: a refusal may be told again with the same bytes.
pub(super) async fn facts(
    tx: &mut SqliteConnection,
    source: Source,
    booking: &Booking,
) -> Result<(), StoreError> {
    for part in booking.facts.chunks(CHUNK) {
        let part = part
            .iter()
            .map(|fact| Ok((fact, stored(fact.ordinal)?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        QueryBuilder::new(
            "INSERT INTO fact (instruction_id, sequence, raw_id, ordinal, verdict, reason, code_list, code, code_text) ",
        )
        .push_values(part, |mut values, (fact, ordinal)| {
            values
                .push_bind(fact.seat.0)
                .push_bind(fact.seat.1)
                .push_bind(source.raw)
                .push_bind(ordinal)
                .push_bind(fact.verdict.code())
                .push_bind(fact.verdict.reason().map(|reason| reason.code()))
                .push_bind(&fact.bank.list)
                .push_bind(&fact.bank.code)
                .push_bind(&fact.bank.text);
        })
        .push(" ON CONFLICT DO NOTHING")
        .build()
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

pub(super) async fn outcomes(
    tx: &mut SqliteConnection,
    source: Source,
    booking: &Booking,
) -> Result<(), StoreError> {
    for part in booking.outcomes.chunks(CHUNK) {
        QueryBuilder::new(
            "INSERT INTO outcome (instruction_id, sequence, version, outcome, reason, raw_id, at) ",
        )
        .push_values(part, |mut values, row| {
            values
                .push_bind(row.seat.0)
                .push_bind(row.seat.1)
                .push_bind(row.version)
                .push_bind(row.outcome.code())
                .push_bind(row.outcome.reason().map(|reason| reason.code()))
                .push_bind(source.raw)
                .push_bind(source.at.as_millisecond());
        })
        .build()
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// An attempt ends once: a return after a failure changes the outcome, not the end.
pub(super) async fn ends(
    tx: &mut SqliteConnection,
    source: Source,
    booking: &Booking,
) -> Result<(), StoreError> {
    for part in booking.ends.chunks(CHUNK) {
        QueryBuilder::new(
            "INSERT INTO attempt_end (batch_id, row_no, attempt_no, cause, raw_id, at) ",
        )
        .push_values(part, |mut values, row| {
            values
                .push_bind(row.batch)
                .push_bind(row.row)
                .push_bind(row.attempt)
                .push_bind(row.cause)
                .push_bind(source.raw)
                .push_bind(source.at.as_millisecond());
        })
        .push(" ON CONFLICT DO NOTHING")
        .build()
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// One place in a document is shown once, however many payments it is about.
pub(super) async fn suspense(
    tx: &mut SqliteConnection,
    source: Source,
    booking: &Booking,
) -> Result<(), StoreError> {
    for part in booking.suspense.chunks(CHUNK) {
        let part = part
            .iter()
            .map(|row| Ok((row, stored(row.ordinal)?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        QueryBuilder::new("WITH new (ordinal, why, amount_fen, named) AS (")
            .push_values(part, |mut values, (row, ordinal)| {
                values
                    .push_bind(ordinal)
                    .push_bind(&row.why)
                    .push_bind(row.amount.map(|amount| amount.get()))
                    .push_bind(&row.named);
            })
            .push(
                ") INSERT INTO suspense (bank, raw_id, ordinal, why, amount_fen, named, at)
                   SELECT r.bank, r.id, ordinal, why, amount_fen, named, ",
            )
            .push_bind(source.at.as_millisecond())
            .push(" FROM new CROSS JOIN raw_document r WHERE r.id = ")
            .push_bind(source.raw)
            .push(" ON CONFLICT (raw_id, ordinal) DO NOTHING")
            .build()
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

pub(super) async fn remarks(
    tx: &mut SqliteConnection,
    source: Source,
    booking: &Booking,
) -> Result<(), StoreError> {
    for part in booking.remarks.chunks(CHUNK) {
        let part = part
            .iter()
            .map(|(ordinal, words)| Ok((stored(*ordinal)?, words)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        QueryBuilder::new("INSERT INTO raw_remark (raw_id, ordinal, remark) ")
            .push_values(part, |mut values, (ordinal, words)| {
                values
                    .push_bind(source.raw)
                    .push_bind(ordinal)
                    .push_bind(words);
            })
            .push(" ON CONFLICT DO NOTHING")
            .build()
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
