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
    QueryBuilder::new("INSERT INTO worker (blind, sealed) ")
        .push_values(workers, |mut values, (blind, sealed)| {
            values.push_bind(blind.as_slice()).push_bind(*sealed);
        })
        .push(" ON CONFLICT (blind) DO NOTHING")
        .build()
        .execute(&mut *tx)
        .await?;
    let mut query = QueryBuilder::new("SELECT blind, id FROM worker WHERE blind IN (");
    let mut blinds = query.separated(", ");
    for (blind, _) in workers {
        blinds.push_bind(blind.as_slice());
    }
    let rows = query.push(")").build().fetch_all(tx).await?;
    let ids = rows
        .iter()
        .map(|row| Ok((row.array("blind")?, row.int("id")?)))
        .collect::<Result<HashMap<[u8; 16], i64>, StoreError>>()?;
    workers
        .iter()
        .map(|(blind, _)| ids.get(*blind).copied().ok_or_else(lost))
        .collect()
}

/// Keeps the cards that are new; gives the keys of all, in their order.
pub(super) async fn keep_cards(
    tx: &mut SqliteConnection,
    cards: &[Card<'_>],
) -> Result<Vec<i64>, StoreError> {
    if cards.is_empty() {
        return Ok(Vec::new());
    }
    QueryBuilder::new("INSERT INTO binding (worker_id, blind, account_blind, sealed, cnaps) ")
        .push_values(cards, |mut values, card| {
            values
                .push_bind(card.worker)
                .push_bind(card.blind.as_slice())
                .push_bind(card.account_blind.as_slice())
                .push_bind(card.sealed)
                .push_bind(card.cnaps);
        })
        .push(" ON CONFLICT (worker_id, blind) DO NOTHING")
        .build()
        .execute(&mut *tx)
        .await?;
    let ids = bindings(tx, cards).await?;
    cards
        .iter()
        .map(|card| {
            ids.get(&(card.worker, *card.blind))
                .copied()
                .ok_or_else(lost)
        })
        .collect()
}

/// All cards that these workers ever had: few each.
async fn bindings(
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

pub(super) fn lost() -> StoreError {
    StoreError::Broken("a person that was just kept is not there".into())
}
