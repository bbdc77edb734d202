//! Workers and their cards: sealed once, found by blind index a chunk at a time, referred to by integer from then on.

use std::collections::HashMap;

use sqlx::{QueryBuilder, SqliteConnection};

use crate::store::columns::Columns;
use crate::store::{SealedRow, StoreError};

/// Store keys of a row's worker and binding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) worker: i64,
    pub(super) binding: i64,
}

/// A card on its way in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Card<'a> {
    pub(super) worker: i64,
    pub(super) blind: &'a [u8; 16],
    pub(super) account_blind: &'a [u8; 16],
    pub(super) sealed: &'a [u8],
    pub(super) cnaps: Option<&'a str>,
}

/// Keeps whoever is new among the rows and gives everybody's keys, in the order of the rows.
pub(super) async fn keep(
    tx: &mut SqliteConnection,
    rows: &[SealedRow],
) -> Result<Vec<Person>, StoreError> {
    let faces: Vec<_> = rows
        .iter()
        .map(|row| (&row.worker_blind, row.worker_sealed.as_slice()))
        .collect();
    let workers = keep_workers(tx, &faces).await?;
    let cards: Vec<_> = rows
        .iter()
        .zip(&workers)
        .map(|(row, worker)| Card {
            worker: *worker,
            blind: &row.binding_blind,
            account_blind: &row.account_blind,
            sealed: &row.binding_sealed,
            cnaps: row.cnaps.as_deref(),
        })
        .collect();
    let bindings = keep_cards(tx, &cards).await?;
    let person = |(worker, binding)| Person { worker, binding };
    Ok(workers.into_iter().zip(bindings).map(person).collect())
}

/// Keeps the workers that are new, by blind index and sealed number; gives the keys of all, in their order.
pub(super) async fn keep_workers(
    tx: &mut SqliteConnection,
    workers: &[(&[u8; 16], &[u8])],
) -> Result<Vec<i64>, StoreError> {
    let mut ids = known_workers(tx, workers).await?;
    let mut last = last(tx, "SELECT max(id) FROM worker").await?;
    let mut new = Vec::new();
    let mut keys = Vec::with_capacity(workers.len());
    for (blind, sealed) in workers {
        keys.push(*ids.entry(**blind).or_insert_with(|| {
            last += 1;
            new.push((last, blind, sealed));
            last
        }));
    }
    if !new.is_empty() {
        QueryBuilder::new("INSERT INTO worker (id, blind, sealed) ")
            .push_values(new, |mut values, (id, blind, sealed)| {
                values
                    .push_bind(id)
                    .push_bind(blind.as_slice())
                    .push_bind(*sealed);
            })
            .build()
            .execute(tx)
            .await?;
    }
    Ok(keys)
}

async fn known_workers(
    tx: &mut SqliteConnection,
    workers: &[(&[u8; 16], &[u8])],
) -> Result<HashMap<[u8; 16], i64>, StoreError> {
    let mut query = QueryBuilder::new("SELECT blind, id FROM worker WHERE blind IN (");
    let mut blinds = query.separated(", ");
    for (blind, _) in workers {
        blinds.push_bind(blind.as_slice());
    }
    let rows = query.push(")").build().fetch_all(tx).await?;
    rows.iter()
        .map(|row| Ok((row.array("blind")?, row.int("id")?)))
        .collect()
}

/// Keeps the cards that are new; gives the keys of all, in their order.
pub(super) async fn keep_cards(
    tx: &mut SqliteConnection,
    cards: &[Card<'_>],
) -> Result<Vec<i64>, StoreError> {
    let mut ids = known_cards(tx, cards).await?;
    let mut last = last(tx, "SELECT max(id) FROM binding").await?;
    let mut new = Vec::new();
    let mut keys = Vec::with_capacity(cards.len());
    for card in cards {
        keys.push(*ids.entry((card.worker, *card.blind)).or_insert_with(|| {
            last += 1;
            new.push((last, card));
            last
        }));
    }
    if !new.is_empty() {
        insert_cards(tx, &new).await?;
    }
    Ok(keys)
}

/// All cards that these workers ever had: few each.
async fn known_cards(
    tx: &mut SqliteConnection,
    cards: &[Card<'_>],
) -> Result<HashMap<(i64, [u8; 16]), i64>, StoreError> {
    let mut query =
        QueryBuilder::new("SELECT worker_id, blind, id FROM binding WHERE worker_id IN (");
    let mut keys = query.separated(", ");
    for card in cards {
        keys.push_bind(card.worker);
    }
    let found = query.push(")").build().fetch_all(tx).await?;
    found
        .iter()
        .map(|row| Ok(((row.int("worker_id")?, row.array("blind")?), row.int("id")?)))
        .collect()
}

async fn insert_cards(
    tx: &mut SqliteConnection,
    cards: &[(i64, &Card<'_>)],
) -> Result<(), StoreError> {
    QueryBuilder::new("INSERT INTO binding (id, worker_id, blind, account_blind, sealed, cnaps) ")
        .push_values(cards, |mut values, (id, card)| {
            values
                .push_bind(*id)
                .push_bind(card.worker)
                .push_bind(card.blind.as_slice())
                .push_bind(card.account_blind.as_slice())
                .push_bind(card.sealed)
                .push_bind(card.cnaps);
        })
        .build()
        .execute(tx)
        .await?;
    Ok(())
}

/// The largest key so far: whoever writes has the lock, so the next ones are nobody else's.
async fn last(tx: &mut SqliteConnection, newest: &'static str) -> Result<i64, StoreError> {
    let last: Option<i64> = sqlx::query_scalar(newest).fetch_one(tx).await?;
    Ok(last.unwrap_or(0))
}

pub(super) fn lost() -> StoreError {
    StoreError::Broken("a person that was just kept is not there".into())
}
