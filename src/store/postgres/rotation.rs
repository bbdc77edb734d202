//! Sealing keys and what is sealed with them. Locks are taken in one order: the current key, the task, what is sealed. Sealing anew never waits for
//! a row that somebody else is writing, and so is never part of a circle.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection};

use super::columns::{Columns, stored};
use super::{PostgresStore, audit, tasks};
use crate::security::seal::{KeyPrint, key_id};
use crate::store::chain::Act;
use crate::store::rotation::{RESEAL_SUBJECT, lacked, unbegun, without};
use crate::store::*;

#[async_trait]
impl Rotation for PostgresStore {
    async fn report_keys(
        &self,
        report: &KeyReport,
        at: Timestamp,
        forget: Timestamp,
    ) -> Result<CurrentKey, StoreError> {
        let mut tx = self.pool.begin().await?;
        let current = match locked(&mut tx).await? {
            Some(current) => current,
            None => {
                let first = report.first(at)?;
                put(&mut tx, &first).await?;
                first
            }
        };
        sqlx::query("DELETE FROM gateway_key WHERE gateway = $1 OR seen_at < $2")
            .bind(&report.gateway)
            .bind(forget.as_millisecond())
            .execute(&mut *tx)
            .await?;
        let ids: Vec<i64> = report.known.iter().map(|key| key.id.into()).collect();
        let prints: Vec<&[u8]> = report
            .known
            .iter()
            .map(|key| key.print.as_slice())
            .collect();
        sqlx::query(
            "INSERT INTO gateway_key (gateway, id, print, seals, seen_at)
             SELECT $1, id, print, (id = $4)::int::bigint, $5 FROM unnest($2::bigint[], $3::bytea[]) AS known (id, print)",
        )
        .bind(&report.gateway)
        .bind(ids)
        .bind(prints)
        .bind(i64::from(report.seals))
        .bind(at.as_millisecond())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(current)
    }

    async fn forget_gateway(&self, gateway: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM gateway_key WHERE gateway = $1")
            .bind(gateway)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn keyring(&self) -> Result<(Option<CurrentKey>, Vec<GatewayKeys>), StoreError> {
        let mut tx = self.pool.begin().await?;
        Ok((current(&mut tx).await?, gateways(&mut tx).await?))
    }

    async fn make_key_current(
        &self,
        key: KeyPrint,
        by: &str,
        at: Timestamp,
        live: Timestamp,
    ) -> Result<CurrentKey, StoreError> {
        let mut tx = self.pool.begin().await?;
        let before = locked(&mut tx).await?.ok_or_else(unbegun)?;
        let lacking = without(&gateways(&mut tx).await?, key, live);
        if !lacking.is_empty() {
            return Err(lacked(key, lacking));
        }
        tasks::set(&mut tx, TaskKind::Reseal, RESEAL_SUBJECT, at).await?;
        if before.key == key {
            tx.commit().await?;
            return Ok(before);
        }
        let after = before.followed_by(key, by, at);
        put(&mut tx, &after).await?;
        let (subject, detail) = (
            format!("key {}", key.id),
            format!("after key {}", before.key.id),
        );
        let act = Act {
            at,
            who: by,
            action: "keys.rotate",
            subject: &subject,
            detail: &detail,
            before: Some(before.print()),
            after: Some(after.print()),
        };
        audit::record(&mut tx, &act).await?;
        tx.commit().await?;
        Ok(after)
    }

    async fn sealed_by_key(&self) -> Result<RowsByKey, StoreError> {
        let mut tx = self.pool.begin().await?;
        let mut all = RowsByKey::new();
        for place in SEALED {
            let rows = sqlx::query(AssertSqlSafe(place.count()))
                .fetch_all(&mut *tx)
                .await?;
            for row in rows {
                let key = (place.name, key_id(&row.bytes("head")?));
                *all.entry(key).or_default() += row.number::<u64>("number")?;
            }
        }
        Ok(all)
    }

    async fn sealed_after(
        &self,
        place: &SealedPlace,
        after: &RowMark,
        limit: u32,
    ) -> Result<Vec<SealedValue>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(place.select()))
            .bind(&after.text)
            .bind(after.int)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(SealedValue::read).collect()
    }

    async fn reseal(
        &self,
        claim: &Claim,
        values: Option<(&SealedPlace, &[SealedAnew])>,
        stands: &Resealing,
        next: Next,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        tasks::hold(&mut tx, claim).await?;
        let changed = match values {
            Some((place, values)) if !values.is_empty() => exchange(&mut tx, place, values).await?,
            Some(_) | None => 0,
        };
        note(&mut tx, &stands.with_rows(changed)).await?;
        let current = current(&mut tx).await?.ok_or_else(unbegun)?;
        tasks::settle(&mut tx, claim, stands.settled(&current, next)).await?;
        Ok(tx.commit().await?)
    }

    async fn resealing(&self) -> Result<Option<Resealing>, StoreError> {
        let row = sqlx::query("SELECT * FROM resealing")
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(Resealing::read).transpose()
    }
}

async fn current(connection: &mut PgConnection) -> Result<Option<CurrentKey>, StoreError> {
    let row = sqlx::query("SELECT id, print, blind, by_whom, since FROM sealing_key")
        .fetch_one(connection)
        .await?;
    CurrentKey::read(&row)
}

/// The same, and nobody changes it or reports before this transaction ends.
async fn locked(tx: &mut PgConnection) -> Result<Option<CurrentKey>, StoreError> {
    let row = sqlx::query("SELECT id, print, blind, by_whom, since FROM sealing_key FOR UPDATE")
        .fetch_one(tx)
        .await?;
    CurrentKey::read(&row)
}

async fn put(tx: &mut PgConnection, key: &CurrentKey) -> Result<(), StoreError> {
    sqlx::query("UPDATE sealing_key SET id = $1, print = $2, blind = $3, by_whom = $4, since = $5")
        .bind(i64::from(key.key.id))
        .bind(key.key.print.as_slice())
        .bind(key.blind.as_slice())
        .bind(&key.by)
        .bind(key.since.as_millisecond())
        .execute(tx)
        .await?;
    Ok(())
}

async fn gateways(connection: &mut PgConnection) -> Result<Vec<GatewayKeys>, StoreError> {
    let rows = sqlx::query(
        "SELECT gateway, id, print, seals, seen_at FROM gateway_key ORDER BY gateway, id",
    )
    .fetch_all(connection)
    .await?;
    GatewayKeys::gather(&rows)
}

/// Only what is still as it was read is exchanged.
async fn exchange(
    tx: &mut PgConnection,
    place: &SealedPlace,
    values: &[SealedAnew],
) -> Result<u64, StoreError> {
    let SealedPlace { table, column, .. } = place;
    let unchanged = place.unchanged();
    let texts: Vec<&str> = values
        .iter()
        .map(|value| value.mark.text.as_str())
        .collect();
    let ints: Vec<i64> = values.iter().map(|value| value.mark.int).collect();
    let old: Vec<&[u8]> = values.iter().map(|value| value.old.as_slice()).collect();
    let fresh: Vec<&[u8]> = values.iter().map(|value| value.new.as_slice()).collect();
    let done = sqlx::query(AssertSqlSafe(format!(
        "WITH new AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::bytea[]) AS n (text_key, int_key, old, fresh)),
         free AS (SELECT new.* FROM {table} s JOIN new ON {unchanged} FOR UPDATE OF s SKIP LOCKED)
         UPDATE {table} s SET {column} = new.fresh FROM free AS new WHERE {unchanged}"
    )))
    .bind(texts)
    .bind(ints)
    .bind(old)
    .bind(fresh)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

async fn note(tx: &mut PgConnection, stands: &Resealing) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO resealing (single, key_id, place, after_text, after_int, changed, row_count, file_count) VALUES (1, $1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (single) DO UPDATE SET key_id = excluded.key_id, place = excluded.place, after_text = excluded.after_text,
           after_int = excluded.after_int, changed = excluded.changed, row_count = excluded.row_count, file_count = excluded.file_count",
    )
    .bind(i64::from(stands.key))
    .bind(&stands.place)
    .bind(&stands.after.text)
    .bind(stands.after.int)
    .bind(stored(stands.changed)?)
    .bind(stored(stands.rows)?)
    .bind(stored(stands.files)?)
    .execute(tx)
    .await?;
    Ok(())
}
