//! Splitting an approved batch into instructions: one pass over its rows in pages, attempts copied in as they are seated.

use std::collections::BTreeMap;

use jiff::civil::Date;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool};
use wagegate_domain::Fen;
use wagegate_domain::attempt::State;
use wagegate_domain::batch::{Act, BatchState, ContentHash};
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::{Seat, Splitter, bank_key, is_own};

use super::columns::{Columns, stored};
use super::copy::Copy;
use super::sends;
use super::tallies;
use super::tasks;
use crate::killpoints::killpoint;
use crate::store::moves::Moves;
use crate::store::{Claim, Next, Plan, StoreError, TaskKind};

/// Rows that are seated at a time.
const PAGE: i64 = 10_000;
/// All instructions of a first plan; a re-issue is a later generation.
const GENERATION: u32 = 1;

struct Head {
    batch: i64,
    /// What the split makes of it.
    planned: BatchState,
    bank: String,
    /// The contractor, whose sends wait behind each other and not before everybody else's.
    lane: String,
    content: ContentHash,
}

struct Row {
    row_no: i64,
    amount: Fen,
    cnaps: Option<String>,
}

/// What a page adds to one part, or all pages to the plan.
#[derive(Clone, Copy, Debug, Default)]
struct Added {
    rows: u64,
    total: Fen,
}

impl Added {
    fn add(&mut self, amount: Fen) -> Result<(), StoreError> {
        self.rows += 1;
        self.total = self
            .total
            .checked_add(amount)
            .ok_or_else(|| StoreError::Broken("a plan's sum passes 64 bits".into()))?;
        Ok(())
    }
}

pub(super) async fn plan_batch(
    pool: &PgPool,
    claim: &Claim,
    plan: &Plan<'_>,
) -> Result<u32, StoreError> {
    let mut tx = pool.begin().await?;
    tasks::hold(&mut tx, claim).await?;
    let head = lock_approved(&mut tx, &claim.subject).await?;
    let (parts, seated) = seat_all(&mut tx, &head, plan).await?;
    let turn = tasks::next_turn(&mut tx, &head.bank, &head.lane).await?;
    // After a restore, a database that was lost may have sent it: the bank is asked first.
    let ask_first = sends::ask_first_since(&mut tx, plan.at).await?;
    if ask_first.is_some() {
        sqlx::query("UPDATE instruction SET ask_first_since = $2 WHERE batch_id = $1")
            .bind(head.batch)
            .bind(ask_first)
            .execute(&mut *tx)
            .await?;
    }
    let kind = match ask_first {
        Some(_) => TaskKind::Query,
        None => TaskKind::Send,
    };
    sqlx::query(
        "INSERT INTO task (kind, priority, subject, due_at, bank, lane, turn)
         SELECT $2, $3, id::text, $4, bank, $5, $6 + row_number() OVER (ORDER BY id) - 1 FROM instruction WHERE batch_id = $1 ORDER BY id",
    )
    .bind(head.batch)
    .bind(kind.code())
    .bind(tasks::priority(kind))
    .bind(plan.send_at.as_millisecond())
    .bind(&head.lane)
    .bind(turn)
    .execute(&mut *tx)
    .await?;
    sqlx::query("UPDATE batch SET state = $2 WHERE id = $1")
        .bind(head.batch)
        .bind(head.planned.code())
        .execute(&mut *tx)
        .await?;
    let moved = (head.batch, Place::Held, Place::InFlight);
    tallies::move_items(
        &mut tx,
        &Moves::from([(moved, (seated.rows, seated.total))]),
        plan.at,
    )
    .await?;
    tasks::settle(&mut tx, claim, Next::Done).await?;
    killpoint("before_plan_commit");
    tx.commit().await?;
    Ok(parts)
}

async fn lock_approved(tx: &mut PgConnection, subject: &str) -> Result<Head, StoreError> {
    let row = sqlx::query(
        "SELECT b.id, b.state, b.content, a.bank, p.contractor_uscc FROM batch b JOIN project p ON p.id = b.project_id JOIN special_account a ON a.id = p.account_id
         WHERE b.code = $1 FOR NO KEY UPDATE OF b",
    )
    .bind(subject)
    .fetch_optional(tx)
    .await?
    .ok_or_else(|| StoreError::no_batch(subject))?;
    let state = row.parsed("state", BatchState::from_code)?;
    Ok(Head {
        batch: row.int("id")?,
        planned: state.on(Act::Plan).map_err(|refused| {
            StoreError::Broken(format!("batch {subject} is to be planned: {refused}"))
        })?,
        bank: row.text("bank")?,
        lane: row.text("contractor_uscc")?,
        content: ContentHash(row.array("content")?),
    })
}

/// Seats every row that fits an instruction; gives the number of parts, and what was seated in all.
async fn seat_all(
    tx: &mut PgConnection,
    head: &Head,
    plan: &Plan<'_>,
) -> Result<(u32, Added), StoreError> {
    let mut splitter = Splitter::new(plan.limits);
    let (mut parts, mut seated, mut after) = (BTreeMap::new(), Added::default(), 0);
    loop {
        let page = page(tx, head.batch, after).await?;
        let Some(last) = page.last() else {
            let number = plan.agreed(
                parts
                    .iter()
                    .map(|(part, added): (&u32, &Added)| (*part, added.rows, added.total)),
            )?;
            return Ok((number, seated));
        };
        after = last.row_no;
        // A row that fits no instruction stays held, and shows as held.
        let seats: Vec<(Seat, Row)> = page
            .into_iter()
            .filter_map(|row| {
                let own_bank = is_own(row.cnaps.as_deref(), plan.bank_cnaps_prefix);
                let seat = splitter.seat(row.amount, own_bank).ok()?;
                Some((seat, row))
            })
            .collect();
        let mut added: BTreeMap<u32, Added> = BTreeMap::new();
        for (seat, row) in &seats {
            added.entry(seat.part).or_default().add(row.amount)?;
            parts.entry(seat.part).or_default().add(row.amount)?;
            seated.add(row.amount)?;
        }
        let instructions = upsert_instructions(tx, head, plan, &added).await?;
        copy_attempts(tx, head, &instructions, &seats).await?;
    }
}

async fn page(tx: &mut PgConnection, batch: i64, after: i64) -> Result<Vec<Row>, StoreError> {
    let rows = sqlx::query(
        // Look-ups by key, whatever the planner thinks of tables that were filled a moment ago.
        "SELECT i.row_no, i.amount_fen, g.cnaps
         FROM (SELECT row_no, amount_fen, binding_id FROM wage_item WHERE batch_id = $1 AND row_no > $2 ORDER BY row_no LIMIT $3) i
         CROSS JOIN LATERAL (SELECT cnaps FROM binding b WHERE b.id = i.binding_id LIMIT 1) g
         ORDER BY i.row_no",
    )
    .bind(batch)
    .bind(after)
    .bind(PAGE)
    .fetch_all(tx)
    .await?;
    let read = |row: &PgRow| {
        Ok(Row {
            row_no: row.int("row_no")?,
            amount: row.fen("amount_fen")?,
            cnaps: row.maybe_text("cnaps")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Adds to the instructions of the parts that a page touches, making those that are new; gives their store keys by part.
async fn upsert_instructions(
    tx: &mut PgConnection,
    head: &Head,
    plan: &Plan<'_>,
    added: &BTreeMap<u32, Added>,
) -> Result<BTreeMap<u32, i64>, StoreError> {
    let contents = added
        .keys()
        .map(|part| Ok(plan.content_of(*part)?.0.to_vec()))
        .collect::<Result<Vec<_>, StoreError>>()?;
    let key = |part: &u32| bank_key(&head.content, *part, GENERATION, plan.key);
    let rows = added
        .values()
        .map(|part| stored(part.rows))
        .collect::<Result<Vec<_>, _>>()?;
    let rows = sqlx::query(
        "INSERT INTO instruction AS i (batch_id, part, generation, bank, bank_key, row_count, total_fen, state, planned_at, value_date, content)
         SELECT $1, part, $2, $3, bank_key, row_count, total_fen, $4, $5, $6, content
         FROM unnest($7::bigint[], $8::text[], $9::bigint[], $10::bigint[], $11::bytea[]) AS new (part, bank_key, row_count, total_fen, content) ORDER BY part
         ON CONFLICT (batch_id, part, generation) DO UPDATE
           SET row_count = i.row_count + excluded.row_count, total_fen = i.total_fen + excluded.total_fen
         RETURNING i.part, i.id",
    )
    .bind(head.batch)
    .bind(i64::from(GENERATION))
    .bind(&head.bank)
    .bind(State::Planned.code())
    .bind(plan.at.as_millisecond())
    .bind(plan.value_date.to_string())
    .bind(added.keys().copied().map(i64::from).collect::<Vec<_>>())
    .bind(added.keys().map(key).collect::<Vec<_>>())
    .bind(rows)
    .bind(added.values().map(|part| part.total.get()).collect::<Vec<_>>())
    .bind(contents)
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| Ok((row.number("part")?, row.int("id")?)))
        .collect()
}

async fn copy_attempts(
    tx: &mut PgConnection,
    head: &Head,
    instructions: &BTreeMap<u32, i64>,
    seats: &[(Seat, Row)],
) -> Result<(), StoreError> {
    let mut attempts = Copy::new(
        "COPY attempt (instruction_id, sequence, batch_id, row_no, attempt_no, amount_fen) FROM STDIN (FORMAT binary)",
        6,
    );
    for (seat, row) in seats {
        let instruction = *instructions
            .get(&seat.part)
            .ok_or_else(|| StoreError::Broken(format!("part {} has no instruction", seat.part)))?;
        attempts
            .row()
            .int(instruction)
            .int(seat.sequence)
            .int(head.batch)
            .int(row.row_no)
            .int(1)
            .int(row.amount.get());
    }
    attempts.send(tx).await
}

/// Gives an instruction another day of payment, as long as no bytes of it are fixed.
pub(super) async fn redate(
    pool: &PgPool,
    claim: &Claim,
    instruction: i64,
    day: Date,
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    tasks::hold(&mut tx, claim).await?;
    let moved = sqlx::query(
        "UPDATE instruction SET value_date = $2 WHERE id = $1 AND state = $3 AND bytes_hash IS NULL",
    )
    .bind(instruction)
    .bind(day.to_string())
    .bind(State::Planned.code())
    .execute(&mut *tx)
    .await?;
    if moved.rows_affected() != 1 {
        return Err(StoreError::Stale);
    }
    Ok(tx.commit().await?)
}
