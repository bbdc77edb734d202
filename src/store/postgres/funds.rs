//! The money of a release: reserved where the account has it free, waited for where it has not, given back; and whoever waits is tried again
//! when there is more.
//!
//! The account's row is the lock: whoever frees money or a place in the line holds it, then wakes those who wait and passes over tasks that are
//! just being worked on. Such a worker either has the account behind it, and its task is free again, or waits for it, and sees the money.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use wagegate_domain::Fen;
use wagegate_domain::batch::{Act, BatchState};

use super::accounts::{account_figures, figures};
use super::approval::{GATEWAY, end};
use super::batches::{lock, view};
use super::columns::Columns;
use super::tasks;
use crate::store::funds::{Lack, freed, next_look};
use crate::store::{
    AccountFigures, BatchView, Claim, Funding, Next, Step, StepTaken, StoreError, TaskKind,
};

/// Reserves what the batch owes where the account has it free, after those that were released before it and wait; else says what is lacking. The
/// account's row is locked, so that two releases cannot take the same money.
pub(super) async fn reserve(
    tx: &mut PgConnection,
    batch: &BatchView,
) -> Result<Option<Lack>, StoreError> {
    let account = sqlx::query(
        "SELECT a.id, a.balance_fen - a.reserved_fen AS available
         FROM special_account a JOIN project p ON p.account_id = a.id WHERE p.code = $1 FOR NO KEY UPDATE OF a",
    )
    .bind(&batch.project)
    .fetch_one(&mut *tx)
    .await?;
    let (owed, free) = (batch.owed()?, account.fen("available")?);
    let lack = Lack::of(owed, free, before(tx, batch).await?)?;
    if lack.is_none() {
        sqlx::query("UPDATE special_account SET reserved_fen = reserved_fen + $2 WHERE id = $1")
            .bind(account.int("id")?)
            .bind(owed.get())
            .execute(tx)
            .await?;
    }
    Ok(lack)
}

/// What those owe that wait for money of the same account and fell short before the batch, in that order; for one that does not wait, all.
async fn before(tx: &mut PgConnection, batch: &BatchView) -> Result<Vec<Fen>, StoreError> {
    let since = batch.shortage.map(|short| short.since.as_millisecond());
    let rows = sqlx::query(
        "SELECT (SELECT sum(t.total_fen) FROM tally t WHERE t.batch_id = b.id)::bigint AS owed_fen
         FROM batch b JOIN project p ON p.id = b.project_id
         WHERE p.code = $1 AND b.state = 'awaiting_funds' AND b.id <> $2 AND ($3::bigint IS NULL OR (b.short_since, b.id) < ($3, $2))
         ORDER BY b.short_since, b.id",
    )
    .bind(&batch.project)
    .bind(batch.id)
    .bind(since)
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| row.fen("owed_fen")).collect()
}

/// Gives back what is reserved for the batch, if anything is; the account is locked in any case, because a place in the line is given up too.
pub(super) async fn give_back(tx: &mut PgConnection, batch: &BatchView) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE special_account SET reserved_fen = reserved_fen - $2, overdrawn_fen = GREATEST(0, (reserved_fen - $2) - balance_fen)
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
    pool: &PgPool,
    claim: &Claim,
    plan_at: Timestamp,
    at: Timestamp,
) -> Result<Funding, StoreError> {
    let mut tx = pool.begin().await?;
    tasks::hold(&mut tx, claim).await?;
    lock(&mut tx, &claim.subject).await?;
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

/// Has those who wait for money of these accounts looked at now. The caller holds the accounts.
pub(super) async fn wake(
    tx: &mut PgConnection,
    accounts: &[i64],
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE task SET due_at = $2 WHERE id IN (
           SELECT id FROM task WHERE kind = 'fund' AND due_at > $2 AND subject IN
             (SELECT b.code FROM batch b JOIN project p ON p.id = b.project_id WHERE p.account_id = ANY ($1) AND b.state = 'awaiting_funds')
           FOR UPDATE SKIP LOCKED)",
    )
    .bind(accounts)
    .bind(at.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

/// The same for the account of a batch that gave up its reservation or its place in the line with this step.
pub(super) async fn wake_behind(
    tx: &mut PgConnection,
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
    tx: &mut PgConnection,
    by_batch: &BTreeMap<i64, (Fen, Fen)>,
    at: Timestamp,
) -> Result<(), StoreError> {
    wake_of_batches(tx, &freed(by_batch), at).await
}

async fn wake_of_batches(
    tx: &mut PgConnection,
    batches: &[i64],
    at: Timestamp,
) -> Result<(), StoreError> {
    if batches.is_empty() {
        return Ok(());
    }
    let accounts: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT p.account_id FROM project p JOIN batch b ON b.project_id = p.id WHERE b.id = ANY ($1)",
    )
    .bind(batches)
    .fetch_all(&mut *tx)
    .await?;
    wake(tx, &accounts, at).await
}

pub(super) async fn short_accounts(pool: &PgPool) -> Result<Vec<AccountFigures>, StoreError> {
    let rows = sqlx::query(concat!(
        account_figures!(),
        " WHERE w.waiting_since IS NOT NULL ORDER BY w.waiting_since, p.code COLLATE \"C\" LIMIT 100"
    ))
    .fetch_all(pool)
    .await?;
    rows.iter().map(figures).collect()
}
