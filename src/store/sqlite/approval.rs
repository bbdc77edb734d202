//! The steps of an approval, kept with what follows from them: funds, tasks, the workers' slots, the state.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};
use wagegate_domain::batch::{Act, BatchState};
use wagegate_domain::sabotage::{self, Switch};

use super::batches::view;
use super::{SqliteStore, audit, changes, notices, tasks, write};
use crate::store::chain;
use crate::store::columns::{Columns, stored};
use crate::store::*;

/// Who acts when nobody does.
const GATEWAY: &str = "gateway";

#[async_trait]
impl Approvals for SqliteStore {
    async fn decide(&self, decision: &Decision) -> Result<BatchView, StoreError> {
        decide(&self.writer, decision).await
    }
    async fn expire_batch(&self, claim: &Claim, at: Timestamp) -> Result<BatchState, StoreError> {
        expire(&self.writer, claim, at).await
    }
    async fn hold_differing(
        &self,
        claim: &Claim,
        batch: &str,
        difference: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        hold_differing(&self.writer, claim, batch, difference, at).await
    }
    async fn differing_batches(&self) -> Result<Vec<String>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT code FROM batch WHERE state = $1 ORDER BY id LIMIT 100")
                .bind(BatchState::ContentDiffers.code())
                .fetch_all(&self.readers)
                .await?,
        )
    }
    async fn story(&self, batch: &str) -> Result<Story, StoreError> {
        let mut reader = self.readers.acquire().await?;
        let batch = view(&mut reader, batch).await?.id;
        let steps = steps(&mut reader, batch).await?;
        Ok(Story::of(steps, behind(&mut reader, batch).await?))
    }
    async fn attach(&self, batch: &str, evidence: &BehindBatch) -> Result<(), StoreError> {
        attach(&self.writer, batch, evidence).await
    }
    async fn rows_of(
        &self,
        batch: &str,
        after: u32,
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError> {
        changes::rows_of(&self.readers, batch, after, limit).await
    }
    async fn changes(&self, batch: &str) -> Result<Changes, StoreError> {
        changes::summary(&self.readers, batch).await
    }
    async fn changed_rows(
        &self,
        batch: &str,
        kind: Option<Difference>,
        after: Option<ChangeCursor>,
        limit: u32,
    ) -> Result<Vec<ChangedRow>, StoreError> {
        changes::page(&self.readers, batch, kind, after, limit).await
    }
}

/// The first step of a batch, which is its being there.
pub(super) async fn prepared(
    tx: &mut SqliteConnection,
    id: i64,
    batch: &NewBatch,
) -> Result<(), StoreError> {
    let taken = StepTaken {
        round: 1,
        step: Step::Prepare,
        by: batch.prepared_by.clone(),
        at: batch.at,
        content: batch.content,
        reason: None,
    };
    keep(tx, id, &taken).await?;
    tasks::ensure(tx, TaskKind::Expire, &batch.code, batch.expires_at).await
}

async fn decide(pool: &SqlitePool, decision: &Decision) -> Result<BatchView, StoreError> {
    let mut tx = write(pool).await?;
    let before = view(&mut tx, &decision.batch).await?;
    let mut round = steps(&mut tx, before.id).await?;
    round.retain(|taken| taken.round == before.round);
    let next = decision.allowed(&before, &round)?;
    if let Err(refused) = follow(&mut tx, &before, &decision.says).await {
        tx.rollback().await?;
        notices::of_shortage(pool, before.id, &refused, decision.at).await?;
        return Err(refused);
    }
    let taken = decision.taken(&before)?;
    if let Says::Undo { expires_at, .. } = &decision.says {
        next_round(&mut tx, &before, *expires_at).await?;
    }
    end(&mut tx, &before, next, &taken).await?;
    let after = view(&mut tx, &decision.batch).await?;
    tx.commit().await?;
    Ok(after)
}

/// What a word does beside the state: funds and tasks.
async fn follow(
    tx: &mut SqliteConnection,
    batch: &BatchView,
    says: &Says,
) -> Result<(), StoreError> {
    match says {
        Says::Review { .. } | Says::Withdraw { .. } => Ok(()),
        Says::Release { plan_at, .. } => {
            reserve(tx, batch).await?;
            tasks::ensure(tx, TaskKind::Plan, &batch.code, *plan_at).await
        }
        Says::Undo { .. } => {
            tasks::cancel(tx, TaskKind::Plan, &batch.code).await?;
            unreserve(tx, batch).await
        }
        Says::Refuse { .. } if batch.state.is_released() => {
            let sent: i64 =
                sqlx::query_scalar("SELECT count(*) FROM instruction WHERE batch_id = $1")
                    .bind(batch.id)
                    .fetch_one(&mut *tx)
                    .await?;
            if sent > 0 {
                return Err(Conflict::HasInstructions.into());
            }
            unreserve(tx, batch).await
        }
        Says::Refuse { .. } => Ok(()),
    }
}

/// The state that a step leads to, the step itself, and its entry in the audit log; who is closed owes nobody.
async fn end(
    tx: &mut SqliteConnection,
    batch: &BatchView,
    next: BatchState,
    taken: &StepTaken,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE batch SET state = $2 WHERE id = $1")
        .bind(batch.id)
        .bind(next.code())
        .execute(&mut *tx)
        .await?;
    if next.is_closed() {
        for closing in [
            "DELETE FROM wage_slot WHERE batch_id = $1",
            "UPDATE tally SET item_count = 0, total_fen = 0 WHERE batch_id = $1",
        ] {
            sqlx::query(closing)
                .bind(batch.id)
                .execute(&mut *tx)
                .await?;
        }
    }
    keep(tx, batch.id, taken).await?;
    let after = view(tx, &batch.code).await?;
    notices::of_batch(tx, taken.told(), &after, taken.at).await?;
    let (action, detail) = taken.audited(batch);
    let act = chain::Act {
        at: taken.at,
        who: &taken.by,
        action,
        subject: &batch.code,
        detail: &detail,
        before: Some(batch.print()),
        after: Some(after.print()),
    };
    audit::record(tx, &act).await
}

/// Opens a new round, with the preparation and the review that still stand.
async fn next_round(
    tx: &mut SqliteConnection,
    batch: &BatchView,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE batch SET round = round + 1, expires_at = $2 WHERE id = $1")
        .bind(batch.id)
        .bind(expires_at.as_millisecond())
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO approval (batch_id, round, step, after_step, by_whom, at, content)
         SELECT batch_id, round + 1, step, after_step, by_whom, at, content FROM approval
         WHERE batch_id = $1 AND round = $2 AND step IN ('prepare', 'review') ORDER BY step",
    )
    .bind(batch.id)
    .bind(i64::from(batch.round))
    .execute(&mut *tx)
    .await?;
    tasks::set(tx, TaskKind::Expire, &batch.code, expires_at).await
}

async fn keep(tx: &mut SqliteConnection, batch: i64, taken: &StepTaken) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO approval (batch_id, round, step, after_step, by_whom, at, content, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(batch)
    .bind(i64::from(taken.round))
    .bind(taken.step.code())
    .bind(taken.step.after().map(Step::code))
    .bind(&taken.by)
    .bind(taken.at.as_millisecond())
    .bind(taken.content.0.as_slice())
    .bind(taken.reason.as_deref())
    .execute(tx)
    .await?;
    Ok(())
}

async fn steps(reader: &mut SqliteConnection, batch: i64) -> Result<Vec<StepTaken>, StoreError> {
    let rows = sqlx::query(
        "SELECT round, step, by_whom, at, content, reason FROM approval WHERE batch_id = $1",
    )
    .bind(batch)
    .fetch_all(reader)
    .await?;
    rows.iter().map(StepTaken::read).collect()
}

/// Reserves what the batch owes where the account has it free.
async fn reserve(tx: &mut SqliteConnection, batch: &BatchView) -> Result<(), StoreError> {
    let account = sqlx::query(
        "SELECT a.id, a.balance_fen - a.reserved_fen AS available
         FROM special_account a JOIN project p ON p.account_id = a.id WHERE p.code = $1",
    )
    .bind(&batch.project)
    .fetch_one(&mut *tx)
    .await?;
    let (owed, available) = (batch.owed()?, account.fen("available")?);
    if owed > available {
        return Err(StoreError::short(owed, available));
    }
    if sabotage::on(Switch::NothingReserved) {
        return Ok(());
    }
    sqlx::query("UPDATE special_account SET reserved_fen = reserved_fen + $2 WHERE id = $1")
        .bind(account.int("id")?)
        .bind(owed.get())
        .execute(tx)
        .await?;
    Ok(())
}

/// Gives back what the release reserved.
async fn unreserve(tx: &mut SqliteConnection, batch: &BatchView) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE special_account SET reserved_fen = reserved_fen - $2, overdrawn_fen = max(0, (reserved_fen - $2) - balance_fen)
         WHERE id = (SELECT account_id FROM project WHERE code = $1)",
    )
    .bind(&batch.project)
    .bind(batch.owed()?.get())
    .execute(tx)
    .await?;
    Ok(())
}

async fn expire(pool: &SqlitePool, claim: &Claim, at: Timestamp) -> Result<BatchState, StoreError> {
    let mut tx = write(pool).await?;
    tasks::hold(&mut tx, claim).await?;
    let batch = view(&mut tx, &claim.subject).await?;
    let (state, next) = match (batch.state.on(Act::Expire), batch.expires_at) {
        (Ok(_), Some(later)) if later > at => (batch.state, Next::Again(later)),
        (Ok(expired), Some(_) | None) => {
            let taken = StepTaken::by_itself(Step::Expire, &batch, GATEWAY, at, None);
            end(&mut tx, &batch, expired, &taken).await?;
            (expired, Next::Done)
        }
        (Err(_), Some(_) | None) => (batch.state, Next::Done),
    };
    tasks::settle(&mut tx, claim, next).await?;
    tx.commit().await?;
    Ok(state)
}

async fn hold_differing(
    pool: &SqlitePool,
    claim: &Claim,
    code: &str,
    difference: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = write(pool).await?;
    tasks::hold(&mut tx, claim).await?;
    let batch = view(&mut tx, code).await?;
    // Another of its instructions may have found it a moment before.
    if let Ok(next) = batch.state.on(Act::Differ) {
        let reason = Some(difference.to_owned());
        let taken = StepTaken::by_itself(Step::Differ, &batch, GATEWAY, at, reason);
        end(&mut tx, &batch, next, &taken).await?;
        sqlx::query(
            "DELETE FROM task WHERE kind = $1 AND id <> $2
               AND subject IN (SELECT CAST(id AS TEXT) FROM instruction WHERE batch_id = $3 AND state = 'planned')",
        )
        .bind(TaskKind::Send.code())
        .bind(claim.task)
        .bind(batch.id)
        .execute(&mut *tx)
        .await?;
    }
    tasks::settle(&mut tx, claim, Next::Done).await?;
    Ok(tx.commit().await?)
}

async fn attach(pool: &SqlitePool, code: &str, evidence: &BehindBatch) -> Result<(), StoreError> {
    let mut tx = write(pool).await?;
    let batch = view(&mut tx, code).await?;
    let new = sqlx::query(
        "INSERT INTO batch_evidence (batch_id, kind, hash, size, by_whom, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (batch_id, kind, hash) DO NOTHING",
    )
    .bind(batch.id)
    .bind(evidence.kind.code())
    .bind(evidence.hash.as_slice())
    .bind(stored(evidence.size)?)
    .bind(&evidence.by)
    .bind(evidence.at.as_millisecond())
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if new > 0 {
        let act = chain::Act {
            at: evidence.at,
            who: &evidence.by,
            action: "batch.evidence",
            subject: code,
            detail: &evidence.audited(),
            before: None,
            after: Some(evidence.print()),
        };
        audit::record(&mut tx, &act).await?;
    }
    Ok(tx.commit().await?)
}

async fn behind(reader: &mut SqliteConnection, batch: i64) -> Result<Vec<BehindBatch>, StoreError> {
    let rows = sqlx::query(
        "SELECT kind, hash, size, by_whom, at FROM batch_evidence WHERE batch_id = $1 ORDER BY at, kind, hash",
    )
    .bind(batch)
    .fetch_all(reader)
    .await?;
    rows.iter().map(BehindBatch::read).collect()
}
