//! Facts into the store: loads the sets that a chunk names, lets `booking` decide, and writes the sets that come out.

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use wagegate_domain::attempt::{Event, State};

use super::columns::{Columns, stored, without_nul};
use super::{appends, cards, events, notices, raws, sends, standings, tallies, tasks};
use crate::killpoints::killpoint;
use crate::store::booking::{self, Booking, Instructions, Named, Segment};
use crate::store::{Claim, Saying, StoreError, Taken};

/// The document that facts come from, and when they came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) raw: i64,
    pub(super) at: Timestamp,
}

pub(super) async fn record_facts(
    pool: &PgPool,
    claim: &Claim,
    source: Source,
    sayings: &[Saying],
) -> Result<Taken, StoreError> {
    let mut tx = pool.begin().await?;
    tasks::hold(&mut tx, claim).await?;
    let (bank, next_ordinal) = lock_raw(&mut tx, source.raw).await?;
    let new = sayings
        .iter()
        .position(|saying| saying.ordinal >= next_ordinal)
        .and_then(|first| sayings.get(first..))
        .unwrap_or_default();
    let Some(last) = new.last() else {
        return Ok(Taken::default());
    };
    let instructions = lock_named(&mut tx, &bank, new, source.at).await?;
    let mut taken = Taken::default();
    for segment in booking::segments(new) {
        let part = book(&mut tx, source, &instructions, segment).await?;
        taken.facts += part.facts;
        taken.changed += part.changed;
        taken.suspense += part.suspense;
    }
    sqlx::query("UPDATE raw_document SET next_ordinal = $2 WHERE id = $1")
        .bind(source.raw)
        .bind(stored(last.ordinal + 1)?)
        .execute(&mut *tx)
        .await?;
    raws::settle(&mut tx, source.raw, source.at).await?;
    killpoint("before_facts_commit");
    tx.commit().await?;
    Ok(taken)
}

/// Whether something said in a document is a fact about an instruction already.
async fn is_known(
    tx: &mut PgConnection,
    instruction: i64,
    raw: i64,
    ordinal: u64,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM fact WHERE instruction_id = $1 AND raw_id = $2 AND ordinal = $3)",
    )
    .bind(instruction)
    .bind(raw)
    .bind(stored(ordinal)?)
    .fetch_one(tx)
    .await?)
}

async fn lock_raw(tx: &mut PgConnection, raw: i64) -> Result<(String, u64), StoreError> {
    let row =
        sqlx::query("SELECT bank, next_ordinal FROM raw_document WHERE id = $1 FOR NO KEY UPDATE")
            .bind(raw)
            .fetch_optional(tx)
            .await?
            .ok_or_else(|| raws::unknown(raw))?;
    Ok((row.text("bank")?, row.number("next_ordinal")?))
}

/// Locks the batches of every instruction that a chunk names, in the order of their keys, and moves on those instructions that it proves to have
/// arrived. Their send tasks are locked before: whoever is just committing intent has done so or never does.
async fn lock_named(
    tx: &mut PgConnection,
    bank: &str,
    sayings: &[Saying],
    at: Timestamp,
) -> Result<Instructions, StoreError> {
    let keys: Vec<String> = booking::keys(sayings)
        .iter()
        .map(|key| without_nul(key).into_owned())
        .collect();
    tasks::hold_sends(tx, bank, &keys).await?;
    sqlx::query(
        "SELECT id FROM batch WHERE id IN (SELECT batch_id FROM instruction WHERE bank = $1 AND bank_key = ANY ($2))
         ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(bank)
    .bind(&keys)
    .fetch_all(&mut *tx)
    .await?;
    let rows = sqlx::query(
        "SELECT bank_key, id, state FROM instruction WHERE bank = $1 AND bank_key = ANY ($2)",
    )
    .bind(bank)
    .bind(&keys)
    .fetch_all(&mut *tx)
    .await?;
    let mut instructions = Instructions::new();
    for row in &rows {
        let named = Named {
            id: row.int("id")?,
            state: row.parsed("state", State::from_code)?,
        };
        instructions.insert(row.text("bank_key")?, named);
    }
    for unsent in booking::arrived_unsent(sayings, &instructions) {
        sends::ask_first(tx, unsent, at).await?;
    }
    for arrived in booking::spoken_of_again(sayings, &instructions) {
        sends::hold_later(tx, arrived, at).await?;
    }
    let proven = booking::proven(sayings, &instructions);
    for named in instructions
        .values_mut()
        .filter(|named| proven.contains(&named.id))
    {
        named.state = events::advance(tx, named.id, named.state, Event::Known, at).await?;
    }
    Ok(instructions)
}

async fn book(
    tx: &mut PgConnection,
    source: Source,
    instructions: &Instructions,
    segment: Segment<'_>,
) -> Result<Taken, StoreError> {
    match segment {
        Segment::Items(sayings) => {
            let wanted = booking::wanted(sayings, instructions);
            let mut attempts = standings::load(tx, &wanted).await?;
            let mut booking = Booking::default();
            booking.items(sayings, instructions, &mut attempts);
            write(tx, source, booking).await
        }
        Segment::Whole(saying) => match booking::whole_of(saying, instructions) {
            Ok(named) => pages(tx, source, named.id, saying, None).await,
            Err(why) => park(tx, source, saying, why).await,
        },
        Segment::Rest(saying) => {
            let named = match booking::whole_of(saying, instructions) {
                Ok(named) => named.id,
                Err(why) => return park(tx, source, saying, why).await,
            };
            // A document that is read once more: what it said of the rest is known.
            if is_known(tx, named, source.raw, saying.ordinal).await? {
                return Ok(Taken::default());
            }
            let (count, sum) = standings::unlisted(tx, named, source.raw).await?;
            match booking::rest_fits(saying, count, sum) {
                Ok(()) => pages(tx, source, named, saying, Some(source.raw)).await,
                Err(why) => park(tx, source, saying, why).await,
            }
        }
    }
}

async fn park(
    tx: &mut PgConnection,
    source: Source,
    saying: &Saying,
    why: &str,
) -> Result<Taken, StoreError> {
    let mut booking = Booking::default();
    booking.park(saying, why);
    write(tx, source, booking).await
}

/// Books a whole or a rest page by page, so that an instruction of a million payments is never held.
async fn pages(
    tx: &mut PgConnection,
    source: Source,
    instruction: i64,
    saying: &Saying,
    unlisted_in: Option<i64>,
) -> Result<Taken, StoreError> {
    let (mut taken, mut after) = (Taken::default(), 0);
    loop {
        let mut attempts = standings::page(tx, instruction, after, unlisted_in).await?;
        let Some(last) = attempts.last() else {
            return Ok(taken);
        };
        after = last.seat.1;
        let mut booking = Booking::default();
        booking.page(saying, &mut attempts);
        let part = write(tx, source, booking).await?;
        taken.facts += part.facts;
        taken.changed += part.changed;
        taken.suspense += part.suspense;
    }
}

/// Writes what was decided: appended rows first, then the figures that are kept beside them.
pub(super) async fn write(
    tx: &mut PgConnection,
    source: Source,
    booking: Booking,
) -> Result<Taken, StoreError> {
    appends::facts(tx, source, &booking).await?;
    appends::outcomes(tx, source, &booking).await?;
    appends::ends(tx, source, &booking).await?;
    appends::suspense(tx, source, &booking).await?;
    appends::remarks(tx, source, &booking).await?;
    cards::heard(tx, source, &booking).await?;
    tallies::move_items(tx, &booking.moves, source.at).await?;
    notices::of_facts(tx, &booking.troubles, &booking.moves, source.at).await?;
    Ok(booking.taken())
}
