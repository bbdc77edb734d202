//! The money of a release: reserved where the account has it free, waited for where it has not, given back; and whoever waits is tried again
//! when there is more.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};
use wagegate_domain::Fen;
use wagegate_domain::batch::{Act, BatchState};
use wagegate_domain::sabotage::{self, Switch};

use super::accounts::{account_figures, figures};
use super::approval::{GATEWAY, end};
use super::batches::view;
use super::{tasks, write};
use crate::store::columns::Columns;
use crate::store::funds::{Lack, freed, next_look};
use crate::store::{
    AccountFigures, BatchView, Claim, Funding, Next, Step, StepTaken, StoreError, TaskKind,
};

/// Reserves what the batch owes where the account has it free, after those that were released before it and wait; else says what is lacking.
pub(super) async fn reserve(
    tx: &mut SqliteConnection,
    batch: &BatchView,
) -> Result<Option<Lack>, StoreError> {
    let account = sqlx::query(
        "SELECT a.id, a.balance_fen - a.reserved_fen AS available
         FROM special_account a JOIN project p ON p.account_id = a.id WHERE p.code = $1",
    )
    .bind(&batch.project)
    .fetch_one(&mut *tx)
    .await?;
    let (owed, free) = (batch.owed()?, account.fen("available")?);
    let lack = Lack::of(owed, free, before(tx, batch).await?)?;
    if lack.is_none() && !sabotage::on(Switch::NothingReserved) {
        sqlx::query("UPDATE special_account SET reserved_fen = reserved_fen + $2 WHERE id = $1")
            .bind(account.int("id")?)
            .bind(owed.get())
            .execute(tx)
            .await?;
    }
    Ok(lack)
}

/// What those owe that wait for money of the same account and fell short before the batch, in that order; for one that does not wait, all.
async fn before(tx: &mut SqliteConnection, batch: &BatchView) -> Result<Vec<Fen>, StoreError> {
    let since = batch.shortage.map(|short| short.since.as_millisecond());
    let rows = sqlx::query(
        "SELECT (SELECT sum(t.total_fen) FROM tally t WHERE t.batch_id = b.id) AS owed_fen
         FROM batch b JOIN project p ON p.id = b.project_id
         WHERE p.code = $1 AND b.state = 'awaiting_funds' AND b.id <> $2 AND ($3 IS NULL OR (b.short_since, b.id) < ($3, $2))
         ORDER BY b.short_since, b.id",
    )
    .bind(&batch.project)
    .bind(batch.id)
    .bind(since)
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| row.fen("owed_fen")).collect()
}

/// Gives back what is reserved for the batch, if anything is.
pub(super) async fn give_back(
    tx: &mut SqliteConnection,
    batch: &BatchView,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE special_account SET reserved_fen = reserved_fen - $2, overdrawn_fen = max(0, (reserved_fen - $2) - balance_fen)
         WHERE id = (SELECT account_id FROM project WHERE code = $1)",
    )
    .bind(&batch.project)
    .bind(batch.reserved()?.get())
    .execute(tx)
    .await?;
    Ok(())
}

/// Tries a batch that waits for money.
pub(super) async fn fund(
    pool: &SqlitePool,
    claim: &Claim,
    plan_at: Timestamp,
    at: Timestamp,
) -> Result<Funding, StoreError> {
    let mut tx = write(pool).await?;
    tasks::hold(&mut tx, claim).await?;
    let batch = view(&mut tx, &claim.subject).await?;
    let (funding, then) = match batch.state.on(Act::Fund) {
        Err(_) => (Funding::NotWaiting, Next::Done),
        Ok(funded) => match reserve(&mut tx, &batch).await? {
            Some(lack) => (Funding::Short(lack.missing), Next::Again(next_look(at))),
            None => {
                let taken = StepTaken::by_itself(Step::Fund, &batch, GATEWAY, at, None);
                end(&mut tx, &batch, funded, &taken).await?;
                tasks::ensure(&mut tx, TaskKind::Plan, &batch.code, plan_at).await?;
                (Funding::Funded, Next::Done)
            }
        },
    };
    tasks::settle(&mut tx, claim, then).await?;
    tx.commit().await?;
    Ok(funding)
}

/// Has those who wait for money of the account looked at now.
pub(super) async fn wake(
    tx: &mut SqliteConnection,
    account: i64,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE task SET due_at = $2 WHERE kind = 'fund' AND due_at > $2 AND subject IN
           (SELECT b.code FROM batch b JOIN project p ON p.id = b.project_id WHERE p.account_id = $1 AND b.state = 'awaiting_funds')",
    )
    .bind(account)
    .bind(at.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

/// The same for the account of a batch that gave up its reservation or its place in the line with this step.
pub(super) async fn wake_behind(
    tx: &mut SqliteConnection,
    batch: &BatchView,
    next: BatchState,
    at: Timestamp,
) -> Result<(), StoreError> {
    if batch.state.is_released() && !next.is_released() {
        wake_of_batches(tx, &[batch.id], at).await?;
    }
    Ok(())
}

/// The same for the accounts of batches whose wages moved, where that freed money: they failed or came back.
pub(super) async fn wake_freed(
    tx: &mut SqliteConnection,
    by_batch: &BTreeMap<i64, (Fen, Fen)>,
    at: Timestamp,
) -> Result<(), StoreError> {
    wake_of_batches(tx, &freed(by_batch), at).await
}

async fn wake_of_batches(
    tx: &mut SqliteConnection,
    batches: &[i64],
    at: Timestamp,
) -> Result<(), StoreError> {
    if batches.is_empty() {
        return Ok(());
    }
    // Whole numbers: this always serialises.
    let batches = serde_json::to_string(batches).unwrap_or_default();
    let accounts: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT p.account_id FROM project p JOIN batch b ON b.project_id = p.id WHERE b.id IN (SELECT value FROM json_each($1))",
    )
    .bind(batches)
    .fetch_all(&mut *tx)
    .await?;
    for account in accounts {
        wake(tx, account, at).await?;
    }
    Ok(())
}

pub(super) async fn short_accounts(pool: &SqlitePool) -> Result<Vec<AccountFigures>, StoreError> {
    let rows = sqlx::query(concat!(
        account_figures!(),
        " WHERE w.waiting_since IS NOT NULL ORDER BY w.waiting_since, p.code LIMIT 100"
    ))
    .fetch_all(pool)
    .await?;
    rows.iter().map(figures).collect()
}
