//! Splitting an approved batch into instructions: one pass over its rows in pages, attempts stored as they are seated.

use std::collections::BTreeMap;

use jiff::civil::Date;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, SqliteConnection, SqlitePool};
use wagegate_domain::Fen;
use wagegate_domain::attempt::State;
use wagegate_domain::batch::{Act, BatchState, ContentHash};
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::{Seat, Splitter, bank_key, is_own};
use wagegate_domain::sabotage::{self, Switch};

use super::{CHUNK, sends, tallies, tasks, write};
use crate::killpoints::killpoint;
use crate::store::columns::{Columns, stored};
use crate::store::moves::Moves;
use crate::store::{Claim, Next, Plan, StoreError, TaskKind};

/// The number of the attempts of a first plan.
const FIRST: u32 = 1;

struct Head {
    batch: i64,
    /// What the split makes of it.
    planned: BatchState,
    bank: String,
    /// The contractor, whose sends wait behind each other and not before everybody else's.
    lane: String,
    content: ContentHash,
    /// All instructions of a first plan have one; a re-issue is a later one.
    generation: u32,
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
    pool: &SqlitePool,
    claim: &Claim,
    plan: &Plan<'_>,
) -> Result<u32, StoreError> {
    let mut tx = write(pool).await?;
    tasks::hold(&mut tx, claim).await?;
    let head = approved(&mut tx, &claim.subject).await?;
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
         SELECT $2, $3, CAST(id AS TEXT), $4, bank, $5, $6 + row_number() OVER (ORDER BY id) - 1 FROM instruction WHERE batch_id = $1 AND generation = $7 ORDER BY id",
    )
    .bind(head.batch)
    .bind(kind.code())
    .bind(tasks::priority(kind))
    .bind(plan.send_at.as_millisecond())
    .bind(&head.lane)
    .bind(turn)
    .bind(head.generation)
    .execute(&mut *tx)
    .await?;
    sqlx::query("UPDATE batch SET state = $2 WHERE id = $1")
        .bind(head.batch)
        .bind(head.planned.code())
        .execute(&mut *tx)
        .await?;
    let moved = (head.batch, Place::Held, Place::InFlight);
    let moved = match head.generation {
        1 => Moves::from([(moved, (seated.rows, seated.total))]),
        _ => Moves::new(),
    };
    tallies::move_items(&mut tx, &moved, plan.at).await?;
    if sabotage::on(Switch::PlannedTwice) {
        tx.commit().await?;
        tx = write(pool).await?;
    }
    tasks::settle(&mut tx, claim, Next::Done).await?;
    killpoint("before_plan_commit");
    tx.commit().await?;
    Ok(parts)
}

async fn approved(tx: &mut SqliteConnection, subject: &str) -> Result<Head, StoreError> {
    let row = sqlx::query(
        "SELECT b.id, b.state, b.content, a.bank, p.contractor_uscc FROM batch b JOIN project p ON p.id = b.project_id JOIN special_account a ON a.id = p.account_id
         WHERE b.code = $1",
    )
    .bind(subject)
    .fetch_optional(tx)
    .await?
    .ok_or_else(|| StoreError::no_batch(subject))?;
    let mut state = row.parsed("state", BatchState::from_code)?;
    let mut generation = 1;
    if sabotage::on(Switch::PlannedTwice) && state == BatchState::Planned {
        (state, generation) = (BatchState::Released, 2);
    }
    Ok(Head {
        generation,
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
    tx: &mut SqliteConnection,
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
        insert_attempts(tx, head, &instructions, &seats).await?;
    }
}

async fn page(tx: &mut SqliteConnection, batch: i64, after: i64) -> Result<Vec<Row>, StoreError> {
    let rows = sqlx::query(
        "SELECT i.row_no, i.amount_fen, g.cnaps FROM wage_item i CROSS JOIN binding g ON g.id = i.binding_id
         WHERE i.batch_id = $1 AND i.row_no > $2 ORDER BY i.row_no LIMIT $3",
    )
    .bind(batch)
    .bind(after)
    .bind(i64::try_from(CHUNK).unwrap_or(i64::MAX))
    .fetch_all(tx)
    .await?;
    let read = |row: &SqliteRow| {
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
    tx: &mut SqliteConnection,
    head: &Head,
    plan: &Plan<'_>,
    added: &BTreeMap<u32, Added>,
) -> Result<BTreeMap<u32, i64>, StoreError> {
    if added.is_empty() {
        return Ok(BTreeMap::new());
    }
    let parts = added
        .iter()
        .map(|(part, added)| {
            let content = plan.content_of(*part)?;
            Ok((*part, stored(added.rows)?, added.total.get(), content))
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let rows = QueryBuilder::new(
        "INSERT INTO instruction (batch_id, part, generation, bank, bank_key, row_count, total_fen, state, planned_at, value_date, content) ",
    )
    .push_values(parts, |mut values, (part, rows, total, content)| {
        values
            .push_bind(head.batch)
            .push_bind(part)
            .push_bind(head.generation)
            .push_bind(&head.bank)
            .push_bind(bank_key(&head.content, part, head.generation, plan.key))
            .push_bind(rows)
            .push_bind(total)
            .push_bind(State::Planned.code())
            .push_bind(plan.at.as_millisecond())
            .push_bind(plan.value_date.to_string())
            .push_bind(content.0.to_vec());
    })
    .push(
        " ON CONFLICT (batch_id, part, generation) DO UPDATE
            SET row_count = row_count + excluded.row_count, total_fen = total_fen + excluded.total_fen
          RETURNING part, id",
    )
    .build()
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| Ok((row.number("part")?, row.int("id")?)))
        .collect()
}

async fn insert_attempts(
    tx: &mut SqliteConnection,
    head: &Head,
    instructions: &BTreeMap<u32, i64>,
    seats: &[(Seat, Row)],
) -> Result<(), StoreError> {
    if seats.is_empty() {
        return Ok(());
    }
    let seats = seats
        .iter()
        .map(|(seat, row)| {
            let instruction = instructions.get(&seat.part).ok_or_else(|| {
                StoreError::Broken(format!("part {} has no instruction", seat.part))
            })?;
            Ok((*instruction, seat.sequence, row))
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    QueryBuilder::new(
        "INSERT INTO attempt (instruction_id, sequence, batch_id, row_no, attempt_no, amount_fen) ",
    )
    .push_values(seats, |mut values, (instruction, sequence, row)| {
        values
            .push_bind(instruction)
            .push_bind(sequence)
            .push_bind(head.batch)
            .push_bind(row.row_no)
            .push_bind(FIRST)
            .push_bind(row.amount.get());
    })
    .build()
    .execute(tx)
    .await?;
    Ok(())
}

/// Gives an instruction another day of payment, as long as no bytes of it are fixed.
pub(super) async fn redate(
    pool: &SqlitePool,
    claim: &Claim,
    instruction: i64,
    day: Date,
) -> Result<(), StoreError> {
    let mut tx = write(pool).await?;
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
