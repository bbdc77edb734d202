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

/// Keeps whoever is new among the rows and gives everybody's keys, in the order of the rows.
pub(super) async fn keep(
    tx: &mut SqliteConnection,
    rows: &[SealedRow],
) -> Result<Vec<Person>, StoreError> {
    insert_workers(tx, rows).await?;
    let workers = workers(tx, rows).await?;
    let workers = rows
        .iter()
        .map(|row| workers.get(&row.worker_blind).copied().ok_or_else(lost))
        .collect::<Result<Vec<_>, _>>()?;
    insert_bindings(tx, rows, &workers).await?;
    let bindings = bindings(tx, &workers).await?;
    rows.iter()
        .zip(workers)
        .map(|(row, worker)| {
            let binding = *bindings
                .get(&(worker, row.binding_blind))
                .ok_or_else(lost)?;
            Ok(Person { worker, binding })
        })
        .collect()
}

fn lost() -> StoreError {
    StoreError::Broken("a person that was just kept is not there".into())
}

async fn insert_workers(tx: &mut SqliteConnection, rows: &[SealedRow]) -> Result<(), StoreError> {
    QueryBuilder::new("INSERT INTO worker (blind, sealed) ")
        .push_values(rows, |mut values, row| {
            values
                .push_bind(row.worker_blind.as_slice())
                .push_bind(&row.worker_sealed);
        })
        .push(" ON CONFLICT (blind) DO NOTHING")
        .build()
        .execute(tx)
        .await?;
    Ok(())
}

async fn workers(
    tx: &mut SqliteConnection,
    rows: &[SealedRow],
) -> Result<HashMap<[u8; 16], i64>, StoreError> {
    let mut query = QueryBuilder::new("SELECT blind, id FROM worker WHERE blind IN (");
    let mut blinds = query.separated(", ");
    for row in rows {
        blinds.push_bind(row.worker_blind.as_slice());
    }
    let found = query.push(")").build().fetch_all(tx).await?;
    found
        .iter()
        .map(|row| Ok((row.array("blind")?, row.int("id")?)))
        .collect()
}

async fn insert_bindings(
    tx: &mut SqliteConnection,
    rows: &[SealedRow],
    workers: &[i64],
) -> Result<(), StoreError> {
    QueryBuilder::new("INSERT INTO binding (worker_id, blind, account_blind, sealed, cnaps) ")
        .push_values(rows.iter().zip(workers), |mut values, (row, worker)| {
            values
                .push_bind(*worker)
                .push_bind(row.binding_blind.as_slice())
                .push_bind(row.account_blind.as_slice())
                .push_bind(&row.binding_sealed)
                .push_bind(row.cnaps.as_deref());
        })
        .push(" ON CONFLICT (worker_id, blind) DO NOTHING")
        .build()
        .execute(tx)
        .await?;
    Ok(())
}

/// All cards that these workers ever had: few each.
async fn bindings(
    tx: &mut SqliteConnection,
    workers: &[i64],
) -> Result<HashMap<(i64, [u8; 16]), i64>, StoreError> {
    let mut query =
        QueryBuilder::new("SELECT worker_id, blind, id FROM binding WHERE worker_id IN (");
    let mut keys = query.separated(", ");
    for worker in workers {
        keys.push_bind(*worker);
    }
    let found = query.push(")").build().fetch_all(tx).await?;
    found
        .iter()
        .map(|row| Ok(((row.int("worker_id")?, row.array("blind")?), row.int("id")?)))
        .collect()
}
