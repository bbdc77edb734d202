//! Sealing keys and what is sealed with them. Sealing anew holds the one writer for a thousand rows at a time; reading and counting are the
//! readers'.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, QueryBuilder, SqliteConnection};

use super::{SqliteStore, audit, tasks, write};
use crate::security::seal::{KeyPrint, key_id};
use crate::store::chain::Act;
use crate::store::columns::{Columns, stored};
use crate::store::rotation::{RESEAL_SUBJECT, lacked, unbegun, without};
use crate::store::*;

#[async_trait]
impl Rotation for SqliteStore {
    async fn report_keys(
        &self,
        report: &KeyReport,
        at: Timestamp,
        forget: Timestamp,
    ) -> Result<CurrentKey, StoreError> {
        let mut tx = write(&self.writer).await?;
        sqlx::query("DELETE FROM gateway_key WHERE gateway = $1 OR seen_at < $2")
            .bind(&report.gateway)
            .bind(forget.as_millisecond())
            .execute(&mut *tx)
            .await?;
        QueryBuilder::new("INSERT INTO gateway_key (gateway, id, print, seals, seen_at) ")
            .push_values(&report.known, |mut values, key| {
                values
                    .push_bind(&report.gateway)
                    .push_bind(i64::from(key.id))
                    .push_bind(key.print.as_slice())
                    .push_bind(i64::from(key.id == report.seals))
                    .push_bind(at.as_millisecond());
            })
            .build()
            .execute(&mut *tx)
            .await?;
        let current = match current(&mut tx).await? {
            Some(current) => current,
            None => {
                let first = report.first(at)?;
                put(&mut tx, &first).await?;
                first
            }
        };
        tx.commit().await?;
        Ok(current)
    }

    async fn forget_gateway(&self, gateway: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM gateway_key WHERE gateway = $1")
            .bind(gateway)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn keyring(&self) -> Result<(Option<CurrentKey>, Vec<GatewayKeys>), StoreError> {
        let mut tx = self.readers.begin().await?;
        Ok((current(&mut tx).await?, gateways(&mut tx).await?))
    }

    async fn make_key_current(
        &self,
        key: KeyPrint,
        by: &str,
        at: Timestamp,
        live: Timestamp,
    ) -> Result<CurrentKey, StoreError> {
        let mut tx = write(&self.writer).await?;
        let before = current(&mut tx).await?.ok_or_else(unbegun)?;
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
        let mut tx = self.readers.begin().await?;
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
            .bind(limit)
            .fetch_all(&self.readers)
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
        let mut tx = write(&self.writer).await?;
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
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(Resealing::read).transpose()
    }
}

async fn current(connection: &mut SqliteConnection) -> Result<Option<CurrentKey>, StoreError> {
    let row = sqlx::query("SELECT id, print, blind, by_whom, since FROM sealing_key")
        .fetch_one(connection)
        .await?;
    CurrentKey::read(&row)
}

async fn put(tx: &mut SqliteConnection, key: &CurrentKey) -> Result<(), StoreError> {
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

async fn gateways(connection: &mut SqliteConnection) -> Result<Vec<GatewayKeys>, StoreError> {
    let rows = sqlx::query(
        "SELECT gateway, id, print, seals, seen_at FROM gateway_key ORDER BY gateway, id",
    )
    .fetch_all(connection)
    .await?;
    GatewayKeys::gather(&rows)
}

/// Only what is still as it was read is exchanged.
async fn exchange(
    tx: &mut SqliteConnection,
    place: &SealedPlace,
    values: &[SealedAnew],
) -> Result<u64, StoreError> {
    let mut query = QueryBuilder::new("WITH new (text_key, int_key, old, fresh) AS (");
    query.push_values(values, |mut row, value| {
        row.push_bind(&value.mark.text)
            .push_bind(value.mark.int)
            .push_bind(&value.old)
            .push_bind(&value.new);
    });
    let SealedPlace { table, column, .. } = place;
    let unchanged = place.unchanged();
    query.push(format!(
        ") UPDATE {table} AS s SET {column} = new.fresh FROM new WHERE {unchanged}"
    ));
    Ok(query.build().execute(tx).await?.rows_affected())
}

async fn note(tx: &mut SqliteConnection, stands: &Resealing) -> Result<(), StoreError> {
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
