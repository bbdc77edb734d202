//! Workers and their cards from a roster: sealed once, found by blind index a chunk at a time, referred to by integer from then on.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::columns::Columns;
use crate::store::{SealedCard, StoreError};

/// Keeps the workers that are new, by blind index and sealed number; gives the keys of all, in their order.
pub(super) async fn keep_workers(
    tx: &mut PgConnection,
    workers: &[(&[u8; 16], &[u8])],
) -> Result<Vec<i64>, StoreError> {
    let blinds: Vec<_> = workers.iter().map(|(blind, _)| blind.as_slice()).collect();
    // In the order of their unique key, as sheets do, so that nobody waits in a circle.
    sqlx::query(
        "INSERT INTO worker (blind, sealed)
         SELECT DISTINCT ON (blind) blind, sealed FROM unnest($1::bytea[], $2::bytea[]) AS new (blind, sealed)
         WHERE NOT EXISTS (SELECT FROM worker w WHERE w.blind = new.blind)
         ORDER BY blind
         ON CONFLICT (blind) DO NOTHING",
    )
    .bind(&blinds)
    .bind(workers.iter().map(|(_, sealed)| *sealed).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    let rows = sqlx::query("SELECT blind, id FROM worker WHERE blind = ANY ($1)")
        .bind(&blinds)
        .fetch_all(tx)
        .await?;
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
    tx: &mut PgConnection,
    cards: &[(i64, &SealedCard)],
) -> Result<Vec<i64>, StoreError> {
    let workers: Vec<_> = cards.iter().map(|(worker, _)| *worker).collect();
    sqlx::query(
        "INSERT INTO binding (worker_id, blind, account_blind, sealed, cnaps)
         SELECT DISTINCT ON (worker_id, blind) worker_id, blind, account_blind, sealed, cnaps
         FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::text[]) AS new (worker_id, blind, account_blind, sealed, cnaps)
         WHERE NOT EXISTS (SELECT FROM binding g WHERE g.worker_id = new.worker_id AND g.blind = new.blind)
         ORDER BY worker_id, blind
         ON CONFLICT (worker_id, blind) DO NOTHING",
    )
    .bind(&workers)
    .bind(cards.iter().map(|(_, card)| card.blind.as_slice()).collect::<Vec<_>>())
    .bind(cards.iter().map(|(_, card)| card.account_blind.as_slice()).collect::<Vec<_>>())
    .bind(cards.iter().map(|(_, card)| card.sealed.as_slice()).collect::<Vec<_>>())
    .bind(cards.iter().map(|(_, card)| card.cnaps.as_deref()).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    let rows = sqlx::query("SELECT worker_id, blind, id FROM binding WHERE worker_id = ANY ($1)")
        .bind(&workers)
        .fetch_all(tx)
        .await?;
    let ids = rows
        .iter()
        .map(|row| Ok(((row.int("worker_id")?, row.array("blind")?), row.int("id")?)))
        .collect::<Result<HashMap<(i64, [u8; 16]), i64>, StoreError>>()?;
    cards
        .iter()
        .map(|(worker, card)| ids.get(&(*worker, card.blind)).copied().ok_or_else(lost))
        .collect()
}

pub(super) fn lost() -> StoreError {
    StoreError::Broken("a person that was just kept is not there".into())
}
