//! Sends by number, and a database that went back in time.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};
use wagegate_domain::attempt::{Event, State};

use super::instructions::unknown;
use super::{SqliteStore, events, raws, tasks, write};
use crate::store::columns::{Columns, stored};
use crate::store::doubts::following::HOLD_LATER;
use crate::store::sends::within_reach;
use crate::store::{Claim, Next, Restored, Sends, StoreError, TaskKind};

#[async_trait]
impl Sends for SqliteStore {
    async fn last_send(&self) -> Result<i64, StoreError> {
        last(&mut *self.readers.acquire().await?).await
    }
    async fn went_back(&self, witnessed: i64, at: Timestamp) -> Result<(), StoreError> {
        went_back(&self.writer, witnessed, at).await
    }
    async fn restored(&self) -> Result<Option<Restored>, StoreError> {
        restored(&self.readers).await
    }
    async fn record_query(&self, claim: &Claim, instruction: i64) -> Result<(), StoreError> {
        let mut tx = write(&self.writer).await?;
        tasks::hold(&mut tx, claim).await?;
        sqlx::query("UPDATE instruction SET queries = queries + 1 WHERE id = $1")
            .bind(instruction)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
    async fn record_found(
        &self,
        claim: &Claim,
        instruction: i64,
        bytes: ([u8; 32], u64),
        at: Timestamp,
        next: Next,
    ) -> Result<(), StoreError> {
        let mut tx = write(&self.writer).await?;
        tasks::hold(&mut tx, claim).await?;
        found(&mut tx, instruction, bytes, at).await?;
        tasks::settle(&mut tx, claim, next).await?;
        Ok(tx.commit().await?)
    }
    async fn clear_to_send(
        &self,
        claim: &Claim,
        instruction: i64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = write(&self.writer).await?;
        tasks::hold(&mut tx, claim).await?;
        let cleared = sqlx::query(
            "UPDATE instruction SET ask_first_since = NULL WHERE id = $1 AND state = 'planned'",
        )
        .bind(instruction)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if cleared == 1 {
            tasks::set(&mut tx, TaskKind::Send, &instruction.to_string(), at).await?;
        }
        tasks::settle(&mut tx, claim, Next::Done).await?;
        Ok(tx.commit().await?)
    }
}

pub(super) async fn last(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(
        sqlx::query_scalar("SELECT COALESCE(max(number), 0) FROM send")
            .fetch_one(connection)
            .await?,
    )
}

/// Writes a send down; gives its number.
pub(super) async fn append(
    tx: &mut SqliteConnection,
    instruction: i64,
    at: Timestamp,
) -> Result<i64, StoreError> {
    Ok(
        sqlx::query_scalar(
            "INSERT INTO send (instruction_id, at) VALUES ($1, $2) RETURNING number",
        )
        .bind(instruction)
        .bind(at.as_millisecond())
        .fetch_one(tx)
        .await?,
    )
}

async fn went_back(pool: &SqlitePool, witnessed: i64, at: Timestamp) -> Result<(), StoreError> {
    let mut tx = write(pool).await?;
    let known = last(&mut tx).await?;
    if known >= witnessed {
        return Ok(());
    }
    sqlx::query("INSERT INTO restored (at, found, witnessed) VALUES ($1, $2, $3)")
        .bind(at.as_millisecond())
        .bind(known)
        .bind(witnessed)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO send (number, at) VALUES ($1, $2)")
        .bind(witnessed)
        .bind(at.as_millisecond())
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "UPDATE instruction SET ask_first_since = $1
         WHERE state = 'planned' OR (state IN ('in_doubt', 'accepted') AND intent_at > $2)",
    )
    .bind(at.as_millisecond())
    .bind(within_reach(at))
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "DELETE FROM task WHERE kind = $1 AND subject IN (SELECT CAST(id AS TEXT) FROM instruction WHERE state = 'planned')",
    )
    .bind(TaskKind::Send.code())
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO task (kind, priority, subject, due_at, bank)
         SELECT $1, $2, CAST(id AS TEXT), $3, bank FROM instruction WHERE ask_first_since IS NOT NULL ORDER BY id
         ON CONFLICT (kind, subject) DO UPDATE SET due_at = excluded.due_at",
    )
    .bind(TaskKind::Query.code())
    .bind(tasks::priority(TaskKind::Query))
    .bind(at.as_millisecond())
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

async fn restored(pool: &SqlitePool) -> Result<Option<Restored>, StoreError> {
    let row = sqlx::query(
        "SELECT at, found, witnessed, (SELECT count(*) FROM instruction WHERE state = 'planned' AND ask_first_since IS NOT NULL) AS asking
         FROM restored ORDER BY id DESC LIMIT 1",
    )
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        Ok(Restored {
            at: row.moment("at")?,
            found: row.int("found")?,
            witnessed: row.int("witnessed")?,
            asking: row.number("asking")?,
        })
    })
    .transpose()
}

/// Since when what is planned now must be asked about first, if it must.
pub(super) async fn ask_first_since(
    tx: &mut SqliteConnection,
    at: Timestamp,
) -> Result<Option<i64>, StoreError> {
    Ok(
        sqlx::query_scalar("SELECT max(at) FROM restored WHERE at > $1")
            .bind(within_reach(at))
            .fetch_one(tx)
            .await?,
    )
}

/// Has instructions asked about that this store never sent and the bank speaks of all the same; nobody sends them meanwhile.
pub(super) async fn ask_first(
    tx: &mut SqliteConnection,
    instruction: i64,
    at: Timestamp,
) -> Result<(), StoreError> {
    let subject = instruction.to_string();
    tasks::cancel(tx, TaskKind::Send, &subject).await?;
    sqlx::query("UPDATE instruction SET ask_first_since = COALESCE(ask_first_since, $2) WHERE id = $1 AND state = 'planned'")
        .bind(instruction)
        .bind(at.as_millisecond())
        .execute(&mut *tx)
        .await?;
    tasks::set(tx, TaskKind::Query, &subject, at).await
}

/// Holds back what would pay the same wages again: the bank speaks of an instruction that had ended as of one that it has. What is on its way
/// already is asked about; should it come back to be sent, it is held too.
pub(super) async fn hold_later(
    tx: &mut SqliteConnection,
    instruction: i64,
    at: Timestamp,
) -> Result<(), StoreError> {
    let later = sqlx::query(HOLD_LATER)
        .bind(instruction)
        .bind(at.as_millisecond())
        .fetch_all(&mut *tx)
        .await?;
    for row in &later {
        let id = row.int("id")?;
        tracing::error!(
            instruction = id,
            after = instruction,
            "the bank has an instruction that was taken for one that never arrived; the one that was to replace it is held"
        );
        if row.parsed("state", State::from_code)? == State::Planned {
            tasks::cancel(tx, TaskKind::Send, &id.to_string()).await?;
        }
    }
    Ok(())
}

/// Takes an instruction that was never sent from here for accepted. Another gateway may have done so, or a document may have shown it.
pub(super) async fn found(
    tx: &mut SqliteConnection,
    instruction: i64,
    (hash, size): ([u8; 32], u64),
    at: Timestamp,
) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT state, bank, bank_key FROM instruction WHERE id = $1")
        .bind(instruction)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| unknown(instruction))?;
    let state = row.parsed("state", State::from_code)?;
    if state == State::Planned {
        sqlx::query(
            "UPDATE instruction SET bytes_hash = COALESCE(bytes_hash, $2), bytes_size = COALESCE(bytes_size, $3), intent_at = COALESCE(intent_at, $4)
             WHERE id = $1",
        )
        .bind(instruction)
        .bind(hash.as_slice())
        .bind(stored(size)?)
        .bind(at.as_millisecond())
        .execute(&mut *tx)
        .await?;
        tasks::cancel(tx, TaskKind::Send, &instruction.to_string()).await?;
    }
    events::advance(tx, instruction, state, Event::Found, at).await?;
    raws::read_again(tx, &row.text("bank")?, &row.text("bank_key")?, at).await
}
