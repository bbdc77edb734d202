//! Brings a database up to the schema of this program, once, however many gateways start together. It never goes back.

use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};

use crate::store::StoreError;

struct Migration {
    number: i64,
    name: &'static str,
    sql: &'static str,
}

/// Every migration in order; the file's name is its number and name.
macro_rules! migrations {
    ($($number:literal $name:literal,)+) => {
        &[$(Migration {
            number: $number,
            name: $name,
            sql: include_str!(concat!("../../../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

const MIGRATIONS: &[Migration] = migrations! {
    1 "0001_main_job",
    2 "0002_registry",
    3 "0003_identities",
    4 "0004_requests",
    5 "0005_intake",
    6 "0006_approval",
    7 "0007_webhooks",
    8 "0008_audit_head",
    9 "0009_rotation",
    10 "0010_kept_evidence",
    11 "0011_flow",
    12 "0012_shortage",
    13 "0013_dispatch",
    14 "0014_doubts",
};

/// Names the advisory lock under which one gateway migrates and the others wait.
const MIGRATING: i64 = 0x5741_4745_0001;

/// Runs what is missing, all in one transaction.
pub(super) async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(MIGRATING)
        .execute(&mut *tx)
        .await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS schema_migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, hash BYTEA NOT NULL)")
        .execute(&mut *tx)
        .await?;
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT number, hash FROM schema_migration ORDER BY number")
            .fetch_all(&mut *tx)
            .await?;
    refuse_strangers(&applied)?;
    for migration in MIGRATIONS.iter().skip(applied.len()) {
        apply(&mut tx, migration).await?;
    }
    Ok(tx.commit().await?)
}

fn refuse_strangers(applied: &[(i64, Vec<u8>)]) -> Result<(), StoreError> {
    if applied.len() > MIGRATIONS.len() {
        return Err(StoreError::Schema(format!(
            "it has {} migrations and this program knows {}: use the newer program",
            applied.len(),
            MIGRATIONS.len()
        )));
    }
    for ((number, hash), known) in applied.iter().zip(MIGRATIONS) {
        if *number != known.number || *hash != hash_of(known) {
            return Err(StoreError::Schema(format!(
                "migration {number} is not the one that this program brings: it was made by another build"
            )));
        }
    }
    Ok(())
}

async fn apply(tx: &mut PgConnection, migration: &Migration) -> Result<(), StoreError> {
    sqlx::raw_sql(migration.sql)
        .execute(&mut *tx)
        .await
        .map_err(|error| {
            StoreError::Schema(format!(
                "migration {} ({}) failed: {error}",
                migration.number, migration.name
            ))
        })?;
    sqlx::query("INSERT INTO schema_migration (number, name, hash) VALUES ($1, $2, $3)")
        .bind(migration.number)
        .bind(migration.name)
        .bind(hash_of(migration))
        .execute(&mut *tx)
        .await?;
    Ok(())
}

fn hash_of(migration: &Migration) -> Vec<u8> {
    Sha256::digest(migration.sql).to_vec()
}
