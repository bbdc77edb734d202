//! Raw documents as kept by hash, the cursor of each bank, and the end of a document's reading.

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};

use super::columns::{Columns, stored, without_nul};
use super::{audit, tasks};
use crate::store::chain::Act;
use crate::store::{Claim, NewRaw, Next, RawView, ReadTask, Recorded, StoreError, TaskKind};

pub(super) async fn record_raw(
    pool: &PgPool,
    raw: &NewRaw,
    read: ReadTask,
) -> Result<(i64, Recorded), StoreError> {
    let mut tx = pool.begin().await?;
    let state = match read {
        ReadTask::Wanted => "unread",
        ReadTask::NotWanted => "kept",
    };
    let new: Option<i64> = sqlx::query_scalar(
        "INSERT INTO raw_document (bank, origin, instruction_id, hash, size, at, state) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (bank, hash, COALESCE(instruction_id, 0)) DO NOTHING RETURNING id",
    )
    .bind(&raw.bank)
    .bind(raw.origin)
    .bind(raw.instruction)
    .bind(raw.hash.as_slice())
    .bind(stored(raw.size)?)
    .bind(raw.at.as_millisecond())
    .bind(state)
    .fetch_optional(&mut *tx)
    .await?;
    let (id, recorded) = match new {
        Some(id) => (id, Recorded::New),
        None => (seen(&mut tx, raw).await?, Recorded::Seen),
    };
    match read {
        ReadTask::Wanted => make_readable(&mut tx, id, recorded, raw.at).await?,
        ReadTask::NotWanted => {}
    }
    // What a bank hands in is its own act; what we fetch is the gateway's work.
    if raw.origin == "push" && recorded == Recorded::New {
        let act = Act {
            at: raw.at,
            who: &format!("wagegate://bank/{}", raw.bank),
            action: "return.push",
            subject: &hex::encode(raw.hash),
            detail: &format!("{} bytes", raw.size),
            before: None,
            after: Some(raw.print()),
        };
        audit::record(&mut tx, &act).await?;
    }
    tx.commit().await?;
    Ok((id, recorded))
}

/// Makes a task to read a new document, one that was only kept and turns out to be a document, or one that broke off: what was recorded of it is
/// passed over, and a mended profile may read the rest.
async fn make_readable(
    tx: &mut PgConnection,
    id: i64,
    recorded: Recorded,
    at: Timestamp,
) -> Result<(), StoreError> {
    let promoted = sqlx::query(
        "UPDATE raw_document SET state = 'unread' WHERE id = $1 AND state IN ('kept', 'broken')",
    )
    .bind(id)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if recorded == Recorded::New || promoted == 1 {
        tasks::ensure(tx, TaskKind::Read, &id.to_string(), at).await?;
    }
    Ok(())
}

async fn seen(tx: &mut PgConnection, raw: &NewRaw) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT id FROM raw_document WHERE bank = $1 AND hash = $2 AND COALESCE(instruction_id, 0) = COALESCE($3, 0)",
    )
    .bind(&raw.bank)
    .bind(raw.hash.as_slice())
    .bind(raw.instruction)
    .fetch_one(tx)
    .await?)
}

pub(super) async fn raw(pool: &PgPool, id: i64) -> Result<RawView, StoreError> {
    let row = sqlx::query(
        "SELECT r.id, r.bank, i.bank_key, r.hash, r.next_ordinal FROM raw_document r LEFT JOIN instruction i ON i.id = r.instruction_id WHERE r.id = $1",
    )
    .bind(id)
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| unknown(id))?;
    Ok(RawView {
        id: row.int("id")?,
        bank: row.text("bank")?,
        asked: row.maybe_text("bank_key")?,
        hash: row.array("hash")?,
        next_ordinal: row.number("next_ordinal")?,
    })
}

pub(super) fn unknown(id: i64) -> StoreError {
    StoreError::NotFound {
        what: "raw document",
        key: id.to_string(),
    }
}

pub(super) async fn finish_raw(
    pool: &PgPool,
    claim: &Claim,
    raw: i64,
    broken: Option<&str>,
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    tasks::hold(&mut tx, claim).await?;
    if let Some(due) = begun_again(&mut tx, raw).await? {
        tasks::settle(&mut tx, claim, Next::Again(due)).await?;
        return Ok(tx.commit().await?);
    }
    tasks::settle(&mut tx, claim, Next::Done).await?;
    let found = sqlx::query("UPDATE raw_document SET state = $2, broken = $3 WHERE id = $1")
        .bind(raw)
        .bind(if broken.is_some() { "broken" } else { "read" })
        .bind(broken.map(without_nul))
        .execute(&mut *tx)
        .await?
        .rows_affected();
    if found == 0 {
        return Err(unknown(raw));
    }
    if let Some(why) = broken {
        suspend_rest(&mut tx, raw, why).await?;
    }
    Ok(tx.commit().await?)
}

/// Has every document read once more that spoke of this instruction before it could be matched. One whose reading is under way is begun again at its end.
pub(super) async fn read_again(
    tx: &mut PgConnection,
    bank: &str,
    key: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "UPDATE raw_document SET again = 1 WHERE id IN (SELECT raw_id FROM suspense WHERE bank = $1 AND named = $2 AND settled_at IS NULL)
         RETURNING id, state",
    )
    .bind(bank)
    .bind(key)
    .fetch_all(&mut *tx)
    .await?;
    for row in rows {
        let id = row.int("id")?;
        if row.text("state")? != "unread" && begun_again(tx, id).await?.is_some() {
            tasks::ensure(tx, TaskKind::Read, &id.to_string(), at).await?;
        }
    }
    Ok(())
}

/// Begins the reading of a document anew, where that is wanted; gives when it is due.
async fn begun_again(tx: &mut PgConnection, raw: i64) -> Result<Option<Timestamp>, StoreError> {
    sqlx::query(
        "UPDATE raw_document SET state = 'unread', next_ordinal = 0, again = 0 WHERE id = $1 AND again = 1 RETURNING at",
    )
    .bind(raw)
    .fetch_optional(tx)
    .await?
    .map(|row| row.moment("at"))
    .transpose()
}

/// What waited in suspense and found its payment, now that the document was read once more, waits no longer.
pub(super) async fn settle(
    tx: &mut PgConnection,
    raw: i64,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE suspense SET settled_at = $2 WHERE raw_id = $1 AND settled_at IS NULL AND named IS NOT NULL AND EXISTS (
           SELECT 1 FROM instruction i JOIN fact f ON f.instruction_id = i.id
           WHERE i.bank = suspense.bank AND i.bank_key = suspense.named AND f.raw_id = suspense.raw_id AND f.ordinal = suspense.ordinal)",
    )
    .bind(raw)
    .bind(at.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

/// What stands behind the break may be about wages: people look at it.
async fn suspend_rest(tx: &mut PgConnection, raw: i64, why: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO suspense (bank, raw_id, ordinal, why, at) SELECT bank, id, next_ordinal, $2, at FROM raw_document WHERE id = $1
         ON CONFLICT (raw_id, ordinal) DO NOTHING",
    )
    .bind(raw)
    .bind(format!("the document cannot be read from here on: {}", without_nul(why)))
    .execute(tx)
    .await?;
    Ok(())
}

/// Where the last look ended; a bank that was never looked at begins at `0`.
pub(super) async fn cursor(pool: &PgPool, bank: &str) -> Result<String, StoreError> {
    let after: Option<String> =
        sqlx::query_scalar("SELECT after FROM collect_cursor WHERE bank = $1")
            .bind(bank)
            .fetch_optional(pool)
            .await?;
    Ok(after.unwrap_or_else(|| "0".to_owned()))
}

pub(super) async fn move_cursor(
    pool: &PgPool,
    claim: &Claim,
    bank: &str,
    after: &str,
    next: Next,
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    tasks::settle(&mut tx, claim, next).await?;
    sqlx::query(
        "INSERT INTO collect_cursor (bank, after) VALUES ($1, $2) ON CONFLICT (bank) DO UPDATE SET after = excluded.after",
    )
    .bind(bank)
    .bind(without_nul(after))
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}
