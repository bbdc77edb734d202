//! Versions of what is registered: compared with the last and appended in one statement.

use sqlx::PgConnection;

use super::columns::without_nul;
use crate::store::versions::{Appended, Versions, appended};
use crate::store::{StoreError, VersionView};

/// Names the advisory lock of whoever changes the registry: a version follows from the last, so two may not be counted at once. Always the
/// first lock that a transaction takes.
const REGISTERING: i64 = 0x5741_4745_0003;

/// Waits until nobody else changes the registry, until the end of the transaction.
pub(super) async fn lock(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(REGISTERING)
        .execute(tx)
        .await?;
    Ok(())
}

/// Waits until nobody changes the registry, and keeps it so until the end of the transaction; sheets do not wait for each other.
pub(super) async fn hold(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock_shared($1)")
        .bind(REGISTERING)
        .execute(tx)
        .await?;
    Ok(())
}

/// Appends every version that says something else than the last of its subject; gives those.
pub(super) async fn append(
    tx: &mut PgConnection,
    versions: &Versions,
    by: &str,
    at: i64,
) -> Result<Appended, StoreError> {
    let rows = versions.rows();
    let appending = sqlx::query(
        "INSERT INTO register_version (kind, subject, version, digest, content, by_whom, at)
         SELECT new.kind, new.subject, COALESCE(v.version, 0) + 1, new.digest, new.content, $1, $2
         FROM unnest($3::text[], $4::text[], $5::bytea[], $6::bytea[]) AS new (kind, subject, digest, content)
         LEFT JOIN LATERAL (SELECT w.version, w.digest FROM register_version w WHERE w.kind = new.kind AND w.subject = new.subject
           ORDER BY w.version DESC LIMIT 1) v ON TRUE
         WHERE v.digest IS DISTINCT FROM new.digest
         RETURNING kind, subject, version",
    )
    .bind(by)
    .bind(at)
    .bind(rows.iter().map(|((kind, _), _)| *kind).collect::<Vec<_>>())
    .bind(rows.iter().map(|((_, subject), _)| without_nul(subject)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, content)| content.digest.as_slice()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, content)| content.bytes.as_slice()).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    appending.iter().map(appended).collect()
}

/// Every version of some subjects, in the order of time.
pub(super) async fn of(
    connection: &mut PgConnection,
    subjects: &[(&str, String)],
) -> Result<Vec<VersionView>, StoreError> {
    let rows = sqlx::query(
        "SELECT v.kind, v.version, v.content, v.by_whom, v.at FROM unnest($1::text[], $2::text[]) AS wanted (kind, subject)
         JOIN register_version v ON v.kind = wanted.kind AND v.subject = wanted.subject
         ORDER BY v.at, v.kind COLLATE \"C\", v.subject COLLATE \"C\", v.version",
    )
    .bind(subjects.iter().map(|(kind, _)| *kind).collect::<Vec<_>>())
    .bind(subjects.iter().map(|(_, subject)| without_nul(subject)).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    rows.iter().map(VersionView::read).collect()
}
