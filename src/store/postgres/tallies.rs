//! The figures that are kept beside the rows: tallies of batches, and what special accounts hold and have reserved. Moved by differences, in the transaction that moves the rows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::PgConnection;
use wagegate_domain::Fen;
use wagegate_domain::outcome::Place;

use super::funds;
use crate::store::StoreError;
use crate::store::moves::{Moves, Shifts, shifts};

/// Moves the tallies of approved batches, and their special accounts by what that means for them; whoever waits for what is freed is woken. The caller holds the batches' rows.
pub(super) async fn move_items(
    tx: &mut PgConnection,
    moves: &Moves,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Shifts { tallies, accounts } = shifts(moves)?;
    if !tallies.is_empty() {
        add_to_tallies(tx, &tallies).await?;
    }
    if !accounts.is_empty() {
        add_to_accounts(tx, &accounts).await?;
        funds::wake_freed(tx, &accounts, at).await?;
    }
    Ok(())
}

async fn add_to_tallies(
    tx: &mut PgConnection,
    tallies: &BTreeMap<(i64, Place), (i64, Fen)>,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tally t SET item_count = t.item_count + d.item_count, total_fen = t.total_fen + d.total_fen
         FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) AS d (batch_id, place, item_count, total_fen)
         WHERE t.batch_id = d.batch_id AND t.place = d.place",
    )
    .bind(tallies.keys().map(|(batch, _)| *batch).collect::<Vec<_>>())
    .bind(tallies.keys().map(|(_, place)| place.code()).collect::<Vec<_>>())
    .bind(tallies.values().map(|(count, _)| *count).collect::<Vec<_>>())
    .bind(tallies.values().map(|(_, sum)| sum.get()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Accounts are locked in the order of their keys. What the bank's word takes beyond what is free shows as overdrawn: a fact is never refused.
async fn add_to_accounts(
    tx: &mut PgConnection,
    by_batch: &BTreeMap<i64, (Fen, Fen)>,
) -> Result<(), StoreError> {
    let batches: Vec<i64> = by_batch.keys().copied().collect();
    sqlx::query(
        "SELECT a.id FROM special_account a
         WHERE a.id IN (SELECT p.account_id FROM project p JOIN batch b ON b.project_id = p.id WHERE b.id = ANY ($1))
         ORDER BY a.id FOR NO KEY UPDATE",
    )
    .bind(&batches)
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query(
        "UPDATE special_account a SET balance_fen = a.balance_fen + d.balance, reserved_fen = a.reserved_fen + d.reserved,
           overdrawn_fen = GREATEST(0, (a.reserved_fen + d.reserved) - (a.balance_fen + d.balance))
         FROM (SELECT p.account_id, sum(m.balance)::bigint AS balance, sum(m.reserved)::bigint AS reserved
               FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS m (batch_id, balance, reserved)
               JOIN batch b ON b.id = m.batch_id JOIN project p ON p.id = b.project_id GROUP BY p.account_id) d
         WHERE a.id = d.account_id",
    )
    .bind(&batches)
    .bind(by_batch.values().map(|(balance, _)| balance.get()).collect::<Vec<_>>())
    .bind(by_batch.values().map(|(_, reserved)| reserved.get()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}
