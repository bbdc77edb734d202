//! The desk of two people: what lies on it, and what a decision does, in one transaction.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::PgConnection;
use wagegate_domain::attempt::{Event, State};
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::bank_key;
use wagegate_domain::reason::Reason;

use super::instructions::{by_ids, lock_batch_of, unknown};
use super::{PostgresStore, audit, events, notices, raws, sends, tallies, tasks};
use crate::store::chain::Act;
use crate::store::columns::{Columns, stored};
use crate::store::doubts::following::{
    DECIDED_ENDS, FAILED_FACTS, FAILED_OUTCOMES, HOLD, KEEP_EVIDENCE, NEW_GENERATION,
    NEXT_ATTEMPTS, covers,
};
use crate::store::moves::Moves;
use crate::store::{
    Claim, ContradictedView, DoubtRefused, DoubtSays, DoubtStep, DoubtTaken, DoubtView, DoubtWord,
    Doubts, Finding, Means, Question, StoreError, TaskKind, Within,
};

#[async_trait]
impl Doubts for PostgresStore {
    async fn doubt_page(
        &self,
        within: &Within,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DoubtView>, StoreError> {
        let mut reader = self.pool.acquire().await?;
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT i.id FROM instruction i JOIN batch b ON b.id = i.batch_id JOIN project p ON p.id = b.project_id
             WHERE ($1::text[] IS NULL OR p.code = ANY($1)) AND starts_with(p.region, $2)
               AND (i.state = 'in_doubt' OR (i.state = 'planned' AND (i.ask_first_since IS NOT NULL OR i.held_since IS NOT NULL)))
               AND i.id > $3 ORDER BY i.id LIMIT $4",
        )
        .bind(within.codes())
        .bind(within.prefix())
        .bind(after.unwrap_or(0))
        .bind(i64::from(limit))
        .fetch_all(&mut *reader)
        .await?;
        views(&mut reader, &ids).await
    }

    async fn doubt(&self, instruction: i64) -> Result<DoubtView, StoreError> {
        view(&mut *self.pool.acquire().await?, instruction).await
    }

    async fn decide_doubt(&self, word: &DoubtWord) -> Result<DoubtView, StoreError> {
        let mut tx = self.pool.begin().await?;
        match decide(&mut tx, word).await {
            Ok(after) => {
                tx.commit().await?;
                Ok(after)
            }
            // Now, and not when the connection is next used: until then others would pass over the tasks that this one locked.
            Err(refused) => {
                tx.rollback().await?;
                Err(refused)
            }
        }
    }

    async fn hold_doubt(
        &self,
        claim: &Claim,
        instruction: i64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        tasks::hold(&mut tx, claim).await?;
        lock_batch_of(&mut tx, instruction).await?;
        sqlx::query(HOLD)
            .bind(instruction)
            .bind(at.as_millisecond())
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    async fn contradicted_page(
        &self,
        within: &Within,
        after: Option<(i64, u32)>,
        limit: u32,
    ) -> Result<Vec<ContradictedView>, StoreError> {
        let (instruction, sequence) = after.unwrap_or_default();
        let rows = sqlx::query(
            "SELECT o.instruction_id, o.sequence, o.at, b.code AS batch, t.row_no, p.code AS project, n.bank, n.bank_key, t.attempt_no, t.amount_fen,
               (SELECT count(*) FROM attempt l WHERE l.batch_id = t.batch_id AND l.row_no = t.row_no AND l.attempt_no > t.attempt_no) AS later
             FROM outcome o JOIN attempt t ON t.instruction_id = o.instruction_id AND t.sequence = o.sequence
             JOIN instruction n ON n.id = o.instruction_id JOIN batch b ON b.id = n.batch_id JOIN project p ON p.id = b.project_id
             WHERE ($1::text[] IS NULL OR p.code = ANY($1)) AND starts_with(p.region, $2)
               AND o.outcome = 'contradicted' AND (o.instruction_id, o.sequence) > ($3, $4)
               AND NOT EXISTS (SELECT 1 FROM outcome v WHERE v.instruction_id = o.instruction_id AND v.sequence = o.sequence AND v.version > o.version)
             ORDER BY o.instruction_id, o.sequence LIMIT $5",
        )
        .bind(within.codes())
        .bind(within.prefix())
        .bind(instruction)
        .bind(i64::from(sequence))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(ContradictedView::read).collect()
    }
}

async fn view(connection: &mut PgConnection, instruction: i64) -> Result<DoubtView, StoreError> {
    let mut found = views(connection, &[instruction]).await?;
    found.pop().ok_or_else(|| unknown(instruction))
}

/// Instructions with what was said of them, in the order of their keys.
async fn views(connection: &mut PgConnection, ids: &[i64]) -> Result<Vec<DoubtView>, StoreError> {
    let instructions = by_ids(connection, ids).await?;
    let heads = sqlx::query(
        "SELECT i.id, b.id AS batch_id, p.region, b.prepared_by, b.content FROM instruction i
         JOIN batch b ON b.id = i.batch_id JOIN project p ON p.id = b.project_id WHERE i.id = ANY ($1) ORDER BY i.id",
    )
    .bind(ids)
    .fetch_all(&mut *connection)
    .await?;
    let steps = sqlx::query(
        "SELECT * FROM doubt_decision WHERE instruction_id = ANY ($1)
         ORDER BY instruction_id, round, CASE step WHEN 'propose' THEN 0 ELSE 1 END",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    DoubtView::assembled(instructions, &heads, &steps)
}

async fn decide(tx: &mut PgConnection, word: &DoubtWord) -> Result<DoubtView, StoreError> {
    // Tasks before documents before the batch, as everywhere; what a task's holder or a document may change is read after.
    tasks::hold_of_instruction(tx, word.instruction).await?;
    if let DoubtSays::Confirm {
        finding: Finding::Arrived,
        means,
        ..
    } = &word.says
        && means.bytes.is_some()
    {
        let about = view(tx, word.instruction).await?.instruction;
        raws::read_again(tx, &about.bank, &about.bank_key, word.at).await?;
    }
    lock_batch_of(tx, word.instruction).await?;
    let before = view(tx, word.instruction).await?;
    let taken = word.allowed(&before)?;
    match &word.says {
        DoubtSays::Propose { evidence, .. } => stand_behind(tx, &before, &taken, *evidence).await?,
        DoubtSays::Confirm {
            evidence, means, ..
        } => follow(tx, &before, &taken, *evidence, means).await?,
        DoubtSays::Withdraw { .. } => {}
    }
    keep(tx, &before, &taken).await?;
    if let Some(kind) = taken.step.told() {
        let told = taken.told(&before.instruction);
        notices::append(tx, kind, before.batch, taken.at, told).await?;
    }
    let after = view(tx, word.instruction).await?;
    let act = Act {
        at: taken.at,
        who: &taken.by,
        action: taken.step.action(),
        subject: &before.instruction.bank_key,
        detail: &taken.audited(&before.instruction),
        before: Some(before.print()),
        after: Some(after.print()),
    };
    audit::record(tx, &act).await?;
    Ok(after)
}

async fn keep(
    tx: &mut PgConnection,
    doubt: &DoubtView,
    taken: &DoubtTaken,
) -> Result<(), StoreError> {
    let after = taken
        .proposed_by
        .as_ref()
        .map(|_| DoubtStep::Propose.code());
    sqlx::query(
        "INSERT INTO doubt_decision (instruction_id, round, step, verdict, evidence, question, sends, reason, by_whom, at, after_step, proposed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(doubt.instruction.id)
    .bind(i64::from(taken.round))
    .bind(taken.step.code())
    .bind(taken.finding.code())
    .bind(taken.evidence.as_slice())
    .bind(taken.question.code())
    .bind(i64::from(taken.sends))
    .bind(taken.reason.as_deref())
    .bind(&taken.by)
    .bind(taken.at.as_millisecond())
    .bind(after)
    .bind(taken.proposed_by.as_deref())
    .execute(tx)
    .await?;
    Ok(())
}

/// Puts the document behind the batch, where the second person looks at it.
async fn stand_behind(
    tx: &mut PgConnection,
    doubt: &DoubtView,
    taken: &DoubtTaken,
    (hash, size): ([u8; 32], u64),
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO batch_evidence (batch_id, kind, hash, size, by_whom, at) VALUES ($1, 'other', $2, $3, $4, $5)
         ON CONFLICT (batch_id, kind, hash) DO NOTHING",
    )
    .bind(doubt.batch)
    .bind(hash.as_slice())
    .bind(stored(size)?)
    .bind(&taken.by)
    .bind(taken.at.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

/// What two people's word does.
async fn follow(
    tx: &mut PgConnection,
    doubt: &DoubtView,
    taken: &DoubtTaken,
    evidence: ([u8; 32], u64),
    means: &Means,
) -> Result<(), StoreError> {
    let (id, at) = (doubt.instruction.id, taken.at);
    match (taken.question, taken.finding) {
        (Question::InDoubt, Finding::Arrived) => {
            events::advance(tx, id, State::InDoubt, Event::DecidedArrived, at).await?;
            ask(tx, id, means).await
        }
        (Question::InDoubt, Finding::NotArrived) => again(tx, doubt, at, evidence, means).await,
        (Question::AskFirst, Finding::Arrived) => {
            let bytes = means.bytes.ok_or_else(|| {
                StoreError::Broken(format!(
                    "instruction {id} is taken for sent without its bytes"
                ))
            })?;
            tasks::cancel(tx, TaskKind::Send, &id.to_string()).await?;
            sends::found_under_lock(tx, id, bytes, at).await?;
            ask(tx, id, means).await
        }
        // People looked for this one. Whether a lost database sent a later one for the same wages, the bank is asked, where it can be.
        (Question::AskFirst, Finding::NotArrived) if means.query_at.is_some() => {
            sqlx::query("UPDATE instruction SET vouched_at = $2 WHERE id = $1")
                .bind(id)
                .bind(at.as_millisecond())
                .execute(&mut *tx)
                .await?;
            ask(tx, id, means).await
        }
        (Question::AskFirst, Finding::NotArrived) => {
            tasks::cancel(tx, TaskKind::Query, &id.to_string()).await?;
            clear(
                tx,
                id,
                "UPDATE instruction SET ask_first_since = NULL WHERE id = $1",
            )
            .await?;
            tasks::set(tx, TaskKind::Send, &id.to_string(), at).await
        }
        (Question::Held, Finding::NotArrived) => {
            clear(
                tx,
                id,
                "UPDATE instruction SET held_since = NULL WHERE id = $1",
            )
            .await?;
            // What must be asked about first is still asked about; its query sends it on.
            match doubt.instruction.ask_first_since {
                None => tasks::set(tx, TaskKind::Send, &id.to_string(), at).await,
                Some(_) => Ok(()),
            }
        }
        (Question::Held, Finding::Arrived) => Err(DoubtRefused::StaysHeld.into()),
    }
}

async fn clear(
    tx: &mut PgConnection,
    instruction: i64,
    mark: &'static str,
) -> Result<(), StoreError> {
    sqlx::query(mark).bind(instruction).execute(tx).await?;
    Ok(())
}

/// Has the bank asked what became of it, where it can be.
async fn ask(tx: &mut PgConnection, instruction: i64, means: &Means) -> Result<(), StoreError> {
    match means.query_at {
        Some(due) => tasks::set(tx, TaskKind::Query, &instruction.to_string(), due).await,
        None => Ok(()),
    }
}

/// It never arrived: its attempts end, and the same wages are planned anew under another key. Their funds stay reserved throughout.
async fn again(
    tx: &mut PgConnection,
    doubt: &DoubtView,
    at: Timestamp,
    evidence: ([u8; 32], u64),
    means: &Means,
) -> Result<(), StoreError> {
    let old = &doubt.instruction;
    must_be_silent(tx, old.id).await?;
    must_be_covered(tx, doubt).await?;
    events::advance(tx, old.id, old.state, Event::DecidedNotArrived, at).await?;
    end_attempts(tx, doubt, at, evidence).await?;
    let new = plan_again(tx, doubt, at, means).await?;
    let moved = (doubt.batch, Place::InDoubt, Place::InFlight);
    let figures = (u64::from(old.rows), old.total);
    tallies::move_items(tx, &Moves::from([(moved, figures)]), at).await?;
    for kind in [TaskKind::Query, TaskKind::Send] {
        tasks::cancel(tx, kind, &old.id.to_string()).await?;
    }
    tracing::warn!(instruction = old.id, new, bank = %old.bank, "two people found that an instruction never arrived; its wages are planned anew");
    Ok(())
}

/// A bank that spoke of a payment in it has it.
async fn must_be_silent(tx: &mut PgConnection, instruction: i64) -> Result<(), StoreError> {
    let words: i64 = sqlx::query_scalar("SELECT count(*) FROM fact WHERE instruction_id = $1")
        .bind(instruction)
        .fetch_one(tx)
        .await?;
    match words {
        0 => Ok(()),
        _ => Err(DoubtRefused::HasWord.into()),
    }
}

/// Its own reservation is there; what the bank has taken beyond the account must be made good first.
async fn must_be_covered(tx: &mut PgConnection, doubt: &DoubtView) -> Result<(), StoreError> {
    let account = sqlx::query(
        "SELECT a.balance_fen - a.reserved_fen AS available FROM special_account a JOIN project p ON p.account_id = a.id
         JOIN batch b ON b.project_id = p.id WHERE b.id = $1 FOR NO KEY UPDATE OF a",
    )
    .bind(doubt.batch)
    .fetch_one(tx)
    .await?;
    covers(doubt.instruction.total, account.fen("available")?)
}

/// Every attempt of it has failed, as the document shows, and has ended.
async fn end_attempts(
    tx: &mut PgConnection,
    doubt: &DoubtView,
    at: Timestamp,
    (hash, size): ([u8; 32], u64),
) -> Result<(), StoreError> {
    let (id, reason, at) = (
        doubt.instruction.id,
        Reason::NeverArrived,
        at.as_millisecond(),
    );
    let raw: i64 = sqlx::query_scalar(KEEP_EVIDENCE)
        .bind(&doubt.instruction.bank)
        .bind(id)
        .bind(hash.as_slice())
        .bind(stored(size)?)
        .bind(at)
        .fetch_one(&mut *tx)
        .await?;
    sqlx::query(FAILED_FACTS)
        .bind(id)
        .bind(raw)
        .bind(reason.code())
        .bind(reason.chinese())
        .execute(&mut *tx)
        .await?;
    sqlx::query(FAILED_OUTCOMES)
        .bind(id)
        .bind(raw)
        .bind(reason.code())
        .bind(at)
        .execute(&mut *tx)
        .await?;
    sqlx::query(DECIDED_ENDS)
        .bind(id)
        .bind(raw)
        .bind(at)
        .execute(tx)
        .await?;
    Ok(())
}

/// The same part as a new generation, with the next attempt for each of its wages, and the task that follows; gives its key in the store.
async fn plan_again(
    tx: &mut PgConnection,
    doubt: &DoubtView,
    at: Timestamp,
    means: &Means,
) -> Result<i64, StoreError> {
    let old = &doubt.instruction;
    // After a restore, the database that was lost may have decided the same and sent it: the bank is asked first.
    let ask_first = sends::ask_first_since(tx, at).await?;
    let key = bank_key(&doubt.content, old.part, old.generation + 1, means.key);
    let new: i64 = sqlx::query_scalar(NEW_GENERATION)
        .bind(old.id)
        .bind(key)
        .bind(at.as_millisecond())
        .bind(means.value_date.to_string())
        .bind(ask_first)
        .fetch_one(&mut *tx)
        .await?;
    sqlx::query(NEXT_ATTEMPTS)
        .bind(old.id)
        .bind(new)
        .execute(&mut *tx)
        .await?;
    match (ask_first, old.held_since) {
        (Some(_), _) => tasks::set(tx, TaskKind::Query, &new.to_string(), at).await?,
        (None, None) => tasks::set(tx, TaskKind::Send, &new.to_string(), at).await?,
        (None, Some(_)) => {}
    }
    Ok(new)
}
