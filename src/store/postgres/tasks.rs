//! Work that waits: claimed under a lease by one gateway at a time, and given back with the fence that the claim was given.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool};

use super::columns::{Columns, moment};
use crate::store::task::NOT_BACK;
use crate::store::{Claim, Next, StoreError, TaskKind};

const ENSURE: &str = "INSERT INTO task (kind, priority, subject, due_at, bank, lane, turn) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, subject) DO NOTHING";
const SET: &str = "INSERT INTO task (kind, priority, subject, due_at, bank, lane, turn) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (kind, subject) DO UPDATE SET due_at = excluded.due_at";

/// Makes sure that a task exists; one that is there already keeps its time.
pub(super) async fn ensure(
    connection: &mut PgConnection,
    kind: TaskKind,
    subject: &str,
    due: Timestamp,
) -> Result<(), StoreError> {
    put(connection, ENSURE, kind, subject, due).await
}

/// The place of a kind in the order in which work is taken.
pub(super) fn priority(kind: TaskKind) -> i64 {
    TaskKind::ALL
        .iter()
        .zip(0..)
        .find(|(other, _)| **other == kind)
        .map_or(i64::MAX, |(_, place)| place)
}

/// Takes the next due task. A task that calls a bank is taken only while that bank answers, or one at a time to see whether it does again, and only
/// so many at one time.
pub(super) async fn claim_step(
    pool: &PgPool,
    post: bool,
    now: Timestamp,
    lease_ms: i64,
) -> Result<Option<Claim>, StoreError> {
    let now = now.as_millisecond();
    loop {
        let mut tx = pool.begin().await?;
        let Some(row) = next(&mut tx, post, now).await? else {
            tx.rollback().await?;
            return Ok(None);
        };
        let found = Claim {
            task: row.int("id")?,
            kind: row.parsed("kind", TaskKind::from_code)?,
            subject: row.text("subject")?,
            fence: row.int("fence")?,
            taken_over: row.int("taken_over")? != 0,
            failures: row.number("failures")?,
        };
        let bank = row.maybe_text("bank")?;
        if let Some(bank) = bank
            && !has_room(&mut tx, &bank, row.int("turn")?, now).await?
        {
            // Another gateway took the last place meanwhile: the next look sees that, and finds other work.
            tx.rollback().await?;
            continue;
        }
        let claim = lease(&mut tx, found, (now, lease_ms)).await?;
        tx.commit().await?;
        return Ok(Some(claim));
    }
}

/// The task whose turn it is, locked; one that another gateway is just taking is passed over, not waited for.
async fn next(tx: &mut PgConnection, post: bool, now: i64) -> Result<Option<PgRow>, StoreError> {
    Ok(sqlx::query(
        "WITH busy AS (SELECT bank, count(*) AS calls FROM task WHERE bank IS NOT NULL AND lease_until > $1 GROUP BY bank)
         SELECT t.id, t.kind, t.subject, t.bank, t.turn, t.fence + 1 AS fence, t.failures, CASE WHEN t.lease_until IS NULL THEN 0::bigint ELSE 1 END AS taken_over
         FROM task t LEFT JOIN bank_link l ON l.bank = t.bank LEFT JOIN busy b ON b.bank = t.bank
         WHERE t.due_at <= $1 AND (t.lease_until IS NULL OR t.lease_until <= $1) AND (t.kind IN ('announce', 'deliver')) = $2
           AND COALESCE(l.open_until, 0) <= $1 AND COALESCE(b.calls, 0) < CASE WHEN l.open_until IS NULL THEN COALESCE(l.calls_max, 4) ELSE 1 END
         ORDER BY t.priority, CASE WHEN t.lane IS NULL THEN 0 ELSE t.turn - COALESCE(l.turn, 0) END, t.due_at, t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED",
    )
    .bind(now)
    .bind(post)
    .fetch_optional(tx)
    .await?)
}

/// Counts again under the bank's lock, which is the last one that a claim takes: of two gateways the second sees what the first has taken.
async fn has_room(
    tx: &mut PgConnection,
    bank: &str,
    turn: i64,
    now: i64,
) -> Result<bool, StoreError> {
    let link = sqlx::query(
        "INSERT INTO bank_link (bank, turn) VALUES ($1, $2) ON CONFLICT (bank) DO UPDATE SET turn = GREATEST(bank_link.turn, excluded.turn)
         RETURNING open_until, calls_max",
    )
    .bind(bank)
    .bind(turn)
    .fetch_one(&mut *tx)
    .await?;
    let calls: i64 =
        sqlx::query_scalar("SELECT count(*) FROM task WHERE bank = $1 AND lease_until > $2")
            .bind(bank)
            .bind(now)
            .fetch_one(tx)
            .await?;
    Ok(match link.maybe_int("open_until")? {
        Some(until) => until <= now && calls < 1,
        None => calls < link.int("calls_max")?,
    })
}

/// The lease, under which a holder that did not come back counts as a failed step.
async fn lease(
    tx: &mut PgConnection,
    found: Claim,
    (now, lease_ms): (i64, i64),
) -> Result<Claim, StoreError> {
    let failures = found.failures.saturating_add(found.taken_over.into());
    sqlx::query(
        "UPDATE task SET lease_until = $2, fence = $3, failures = $4, last_error = CASE WHEN $5 THEN $6 ELSE last_error END,
           failed_at = CASE WHEN $5 THEN $7 ELSE failed_at END WHERE id = $1",
    )
    .bind(found.task)
    .bind(now.saturating_add(lease_ms))
    .bind(found.fence)
    .bind(i64::from(failures))
    .bind(found.taken_over)
    .bind(NOT_BACK)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(Claim { failures, ..found })
}

pub(super) async fn renew(
    pool: &PgPool,
    claim: &Claim,
    until: Timestamp,
) -> Result<(), StoreError> {
    let renewed = sqlx::query(
        "UPDATE task SET lease_until = $3 WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL",
    )
    .bind(claim.task)
    .bind(claim.fence)
    .bind(until.as_millisecond())
    .execute(pool)
    .await?
    .rows_affected();
    if renewed == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

/// When the next task can be taken. Those of a bank at which all places are taken wait for whoever holds one, and do not count.
pub(super) async fn next_due(pool: &PgPool, post: bool) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<i64> = sqlx::query_scalar(
        "WITH busy AS (SELECT bank, count(*) AS calls FROM task WHERE bank IS NOT NULL AND lease_until IS NOT NULL GROUP BY bank)
         SELECT min(GREATEST(t.due_at, t.lease_until, l.open_until)) FROM task t LEFT JOIN bank_link l ON l.bank = t.bank LEFT JOIN busy b ON b.bank = t.bank
         WHERE (t.kind IN ('announce', 'deliver')) = $1
           AND (t.lease_until IS NOT NULL OR b.calls IS NULL OR b.calls < CASE WHEN l.open_until IS NULL THEN COALESCE(l.calls_max, 4) ELSE 1 END)",
    )
    .bind(post)
    .fetch_one(pool)
    .await?;
    due.map(moment).transpose()
}

/// Checks the fence and keeps the task locked until the commit: nobody can take it over in the meantime. The first lock of every write with a claim.
pub(super) async fn hold(tx: &mut PgConnection, claim: &Claim) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT id FROM task WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL FOR UPDATE",
    )
    .bind(claim.task)
    .bind(claim.fence)
    .fetch_optional(tx)
    .await?
    .map(|_| ())
    .ok_or(StoreError::Stale)
}

/// [`hold`], for a write that may also set the instruction's query task: both rows are locked now, in the order of their keys.
pub(super) async fn hold_with_query(
    tx: &mut PgConnection,
    claim: &Claim,
    instruction: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT id FROM task WHERE id = $1 OR (kind = $2 AND subject = $3) ORDER BY id FOR UPDATE",
    )
    .bind(claim.task)
    .bind(TaskKind::Query.code())
    .bind(instruction.to_string())
    .fetch_all(&mut *tx)
    .await?;
    hold(tx, claim).await
}

/// Waits for whoever is writing with a task of a batch that awaits its money, its plan or its end, and keeps the next one out until the commit.
pub(super) async fn hold_of_batch(tx: &mut PgConnection, batch: &str) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT id FROM task WHERE kind IN ($1, $2, $3) AND subject = $4 ORDER BY id FOR UPDATE",
    )
    .bind(TaskKind::Fund.code())
    .bind(TaskKind::Plan.code())
    .bind(TaskKind::Expire.code())
    .bind(batch)
    .fetch_all(tx)
    .await?;
    Ok(())
}

/// Waits for whoever is writing with a task of an instruction, and keeps the next one out until the commit: for people's decisions, which hold no claim.
pub(super) async fn hold_of_instruction(
    tx: &mut PgConnection,
    instruction: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT id FROM task WHERE kind IN ($1, $2) AND subject = $3 ORDER BY id FOR UPDATE",
    )
    .bind(TaskKind::Send.code())
    .bind(TaskKind::Query.code())
    .bind(instruction.to_string())
    .fetch_all(tx)
    .await?;
    Ok(())
}

/// Makes a task due at a moment, whether it was there or not; a lease on it stands.
pub(super) async fn set(
    tx: &mut PgConnection,
    kind: TaskKind,
    subject: &str,
    due: Timestamp,
) -> Result<(), StoreError> {
    put(tx, SET, kind, subject, due).await
}

async fn put(
    connection: &mut PgConnection,
    insert: &'static str,
    kind: TaskKind,
    subject: &str,
    due: Timestamp,
) -> Result<(), StoreError> {
    let whom = whom(connection, kind, subject).await?;
    sqlx::query(insert)
        .bind(kind.code())
        .bind(priority(kind))
        .bind(subject)
        .bind(due.as_millisecond())
        .bind(whom.bank)
        .bind(whom.lane)
        .bind(whom.turn)
        .execute(connection)
        .await?;
    Ok(())
}

/// Whom a task calls, for whom, and when it is its turn among the sends to that bank.
struct Whom {
    bank: Option<String>,
    lane: Option<String>,
    turn: i64,
}

async fn whom(
    connection: &mut PgConnection,
    kind: TaskKind,
    subject: &str,
) -> Result<Whom, StoreError> {
    let mut whom = Whom {
        bank: None,
        lane: None,
        turn: 0,
    };
    match kind {
        TaskKind::Collect => whom.bank = Some(subject.to_owned()),
        TaskKind::Send | TaskKind::Query => {
            let row = sqlx::query(
                "SELECT i.bank, p.contractor_uscc FROM instruction i JOIN batch b ON b.id = i.batch_id JOIN project p ON p.id = b.project_id WHERE i.id = $1",
            )
            .bind(subject.parse::<i64>().ok())
            .fetch_optional(&mut *connection)
            .await?;
            if let Some(row) = row {
                let (bank, lane) = (row.text("bank")?, row.text("contractor_uscc")?);
                if kind == TaskKind::Send {
                    whom.turn = next_turn(connection, &bank, &lane).await?;
                    whom.lane = Some(lane);
                }
                whom.bank = Some(bank);
            }
        }
        TaskKind::Read
        | TaskKind::Fund
        | TaskKind::Plan
        | TaskKind::Expire
        | TaskKind::Announce
        | TaskKind::Deliver
        | TaskKind::Reseal => {}
    }
    Ok(whom)
}

/// The turn of a contractor's next send to a bank: after all of its own that wait there, and not before the last that was taken there (start-time
/// fair queuing). So who has much to send waits behind itself, and who has little does not wait behind it.
pub(super) async fn next_turn(
    connection: &mut PgConnection,
    bank: &str,
    lane: &str,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT GREATEST(COALESCE((SELECT max(turn) + 1 FROM task WHERE bank = $1 AND lane = $2), 0), COALESCE((SELECT turn FROM bank_link WHERE bank = $1), 0))",
    )
    .bind(bank)
    .bind(lane)
    .fetch_one(connection)
    .await?)
}

/// Takes a task away, from whoever may hold it: what they write after is refused.
pub(super) async fn cancel(
    tx: &mut PgConnection,
    kind: TaskKind,
    subject: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM task WHERE kind = $1 AND subject = $2")
        .bind(kind.code())
        .bind(subject)
        .execute(tx)
        .await?;
    Ok(())
}

/// What becomes of the task; for a claim that was never held in this transaction the fence is checked here too.
pub(super) async fn settle(
    tx: &mut PgConnection,
    claim: &Claim,
    next: Next,
) -> Result<(), StoreError> {
    let query = match next {
        Next::Done => sqlx::query("DELETE FROM task WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL")
            .bind(claim.task)
            .bind(claim.fence),
        Next::Again(due) => sqlx::query(
            "UPDATE task SET due_at = $3, lease_until = NULL, failures = 0, last_error = NULL, failed_at = NULL WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL",
        )
        .bind(claim.task)
        .bind(claim.fence)
        .bind(due.as_millisecond()),
    };
    if query.execute(tx).await?.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

/// Waits for whoever is writing with the send task of one of these instructions, or of another generation of it, and keeps the next one out until the
/// commit. Of all of them, whatever their state: one that is being sent now may be planned again by the time its batch is locked.
pub(super) async fn hold_sends(
    tx: &mut PgConnection,
    bank: &str,
    keys: &[String],
) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT id FROM task WHERE kind = $1 AND subject IN
           (SELECT l.id::text FROM instruction n JOIN instruction l ON l.batch_id = n.batch_id AND l.part = n.part
            WHERE n.bank = $2 AND n.bank_key = ANY ($3)) ORDER BY id FOR UPDATE",
    )
    .bind(TaskKind::Send.code())
    .bind(bank)
    .bind(keys)
    .fetch_all(tx)
    .await?;
    Ok(())
}
