//! The figures that are kept beside the rows: tallies of batches, and what special accounts hold and have reserved. Moved by differences, in the transaction that moves the rows.

use jiff::Timestamp;
use sqlx::{QueryBuilder, SqliteConnection};

use super::funds;
use crate::store::StoreError;
use crate::store::moves::{Moves, Shifts, shifts};

/// Moves the tallies of approved batches, and their special accounts by what that means for them; whoever waits for what is freed is woken.
pub(super) async fn move_items(
    tx: &mut SqliteConnection,
    moves: &Moves,
    at: Timestamp,
) -> Result<(), StoreError> {
    let shifts = shifts(moves)?;
    if !shifts.tallies.is_empty() {
        add_to_tallies(tx, &shifts).await?;
    }
    if !shifts.accounts.is_empty() {
        add_to_accounts(tx, &shifts).await?;
        funds::wake_freed(tx, &shifts.accounts, at).await?;
    }
    Ok(())
}

async fn add_to_tallies(tx: &mut SqliteConnection, shifts: &Shifts) -> Result<(), StoreError> {
    QueryBuilder::new("WITH d (batch_id, place, item_count, total_fen) AS (")
        .push_values(&shifts.tallies, |mut values, ((batch, place), (count, sum))| {
            values
                .push_bind(*batch)
                .push_bind(place.code())
                .push_bind(*count)
                .push_bind(sum.get());
        })
        .push(
            ") UPDATE tally SET item_count = tally.item_count + d.item_count, total_fen = tally.total_fen + d.total_fen
               FROM d WHERE tally.batch_id = d.batch_id AND tally.place = d.place",
        )
        .build()
        .execute(tx)
        .await?;
    Ok(())
}

/// What the bank's word takes beyond what is free shows as overdrawn: a fact is never refused.
async fn add_to_accounts(tx: &mut SqliteConnection, shifts: &Shifts) -> Result<(), StoreError> {
    QueryBuilder::new("WITH m (batch_id, balance, reserved) AS (")
        .push_values(&shifts.accounts, |mut values, (batch, (balance, reserved))| {
            values
                .push_bind(*batch)
                .push_bind(balance.get())
                .push_bind(reserved.get());
        })
        .push(
            ") UPDATE special_account SET balance_fen = balance_fen + d.balance, reserved_fen = reserved_fen + d.reserved,
                 overdrawn_fen = max(0, (reserved_fen + d.reserved) - (balance_fen + d.balance))
               FROM (SELECT p.account_id, sum(m.balance) AS balance, sum(m.reserved) AS reserved
                     FROM m JOIN batch b ON b.id = m.batch_id JOIN project p ON p.id = b.project_id GROUP BY p.account_id) d
               WHERE special_account.id = d.account_id",
        )
        .build()
        .execute(tx)
        .await?;
    Ok(())
}
