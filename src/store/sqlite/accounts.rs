//! What special accounts hold, and the deposits that arrive on them.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use super::{audit, funds, write};
use crate::store::chain::Act;
use crate::store::columns::Columns;
use crate::store::{AccountFigures, Conflict, Deposit, Recorded, StoreError, Waiting};

/// Special accounts with all that is shown of them: deposits, and the batches that wait for money on them.
macro_rules! account_figures {
    () => {
        "SELECT p.code, a.bank, a.number, a.balance_fen, a.reserved_fen, a.overdrawn_fen,
           COALESCE((SELECT sum(amount_fen) FROM deposit d WHERE d.account_id = a.id), 0) AS deposited,
           w.waiting_count, w.waiting_fen, w.waiting_since
         FROM special_account a JOIN project p ON p.account_id = a.id
         LEFT JOIN (SELECT b.project_id, count(DISTINCT b.id) AS waiting_count, sum(t.total_fen) AS waiting_fen, min(b.short_since) AS waiting_since
                    FROM batch b JOIN tally t ON t.batch_id = b.id WHERE b.state = 'awaiting_funds' GROUP BY b.project_id) w ON w.project_id = p.id"
    };
}
pub(super) use account_figures;

pub(super) fn figures(row: &SqliteRow) -> Result<AccountFigures, StoreError> {
    Ok(AccountFigures {
        project: row.text("code")?,
        bank: row.text("bank")?,
        account: row.text("number")?,
        balance: row.fen("balance_fen")?,
        reserved: row.fen("reserved_fen")?,
        overdrawn: row.fen("overdrawn_fen")?,
        deposited: row.fen("deposited")?,
        waiting: Waiting::read(row)?,
    })
}

pub(super) async fn record_deposit(
    pool: &SqlitePool,
    deposit: &Deposit,
    at: Timestamp,
) -> Result<Recorded, StoreError> {
    let mut tx = write(pool).await?;
    let account: i64 =
        sqlx::query_scalar("SELECT id FROM special_account WHERE bank = $1 AND number = $2")
            .bind(&deposit.bank)
            .bind(&deposit.account)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| StoreError::NotFound {
                what: "special account",
                key: format!("{} at {}", deposit.account, deposit.bank),
            })?;
    let new = sqlx::query(
        "INSERT INTO deposit (bank, reference, account_id, amount_fen, value_date, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (bank, reference) DO NOTHING",
    )
    .bind(&deposit.bank)
    .bind(&deposit.reference)
    .bind(account)
    .bind(deposit.amount.get())
    .bind(deposit.value_date.to_string())
    .bind(at.as_millisecond())
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if new == 0 {
        return seen(&mut tx, deposit, account).await;
    }
    sqlx::query(
        "UPDATE special_account SET balance_fen = balance_fen + $2, overdrawn_fen = max(0, reserved_fen - balance_fen - $2) WHERE id = $1",
    )
    .bind(account)
    .bind(deposit.amount.get())
    .execute(&mut *tx)
    .await?;
    funds::wake(&mut tx, account, at).await?;
    let act = Act {
        at,
        who: &format!("wagegate://bank/{}", deposit.bank),
        action: "deposit.book",
        subject: &deposit.account,
        detail: &format!("{} yuan, reference {}", deposit.amount, deposit.reference),
        before: None,
        after: Some(deposit.print()),
    };
    audit::record(&mut tx, &act).await?;
    tx.commit().await?;
    Ok(Recorded::New)
}

/// The reference came before: with the same content that is nothing new, with another it is a conflict.
async fn seen(
    tx: &mut SqliteConnection,
    deposit: &Deposit,
    account: i64,
) -> Result<Recorded, StoreError> {
    let same: i64 = sqlx::query_scalar(
        "SELECT account_id = $3 AND amount_fen = $4 FROM deposit WHERE bank = $1 AND reference = $2",
    )
    .bind(&deposit.bank)
    .bind(&deposit.reference)
    .bind(account)
    .bind(deposit.amount.get())
    .fetch_one(tx)
    .await?;
    if same == 1 {
        Ok(Recorded::Seen)
    } else {
        Err(Conflict::ReferenceReused {
            reference: deposit.reference.clone(),
        }
        .into())
    }
}
