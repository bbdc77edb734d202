//! Versions of what is registered: compared with the last and appended in one statement for a thousand.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::CHUNK;
use crate::store::versions::{Appended, Versions, appended};
use crate::store::{StoreError, VersionView};

/// Appends every version that says something else than the last of its subject; gives those.
pub(super) async fn append(
    tx: &mut SqliteConnection,
    versions: &Versions,
    by: &str,
    at: i64,
) -> Result<Appended, StoreError> {
    let mut all = Appended::new();
    for part in versions.rows().chunks(CHUNK) {
        let rows = QueryBuilder::new("WITH new (kind, subject, digest, content) AS (")
            .push_values(part, |mut values, ((kind, subject), content)| {
                values
                    .push_bind(*kind)
                    .push_bind(subject)
                    .push_bind(&content.digest)
                    .push_bind(&content.bytes);
            })
            .push(
                ") INSERT INTO register_version (kind, subject, version, digest, content, by_whom, at)
                 SELECT new.kind, new.subject, COALESCE(v.version, 0) + 1, new.digest, new.content, ",
            )
            .push_bind(by)
            .push(", ")
            .push_bind(at)
            .push(
                " FROM new LEFT JOIN register_version v ON v.kind = new.kind AND v.subject = new.subject
                   AND v.version = (SELECT max(w.version) FROM register_version w WHERE w.kind = new.kind AND w.subject = new.subject)
                 WHERE v.digest IS NULL OR v.digest <> new.digest RETURNING kind, subject, version",
            )
            .build()
            .fetch_all(&mut *tx)
            .await?;
        for row in &rows {
            all.extend([appended(row)?]);
        }
    }
    Ok(all)
}

/// Every version of some subjects, in the order of time.
pub(super) async fn of(
    connection: &mut SqliteConnection,
    subjects: &[(&str, String)],
) -> Result<Vec<VersionView>, StoreError> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("WITH wanted (kind, subject) AS (");
    let rows = query
        .push_values(subjects, |mut values, (kind, subject)| {
            values.push_bind(*kind).push_bind(subject);
        })
        .push(
            ") SELECT v.kind, v.version, v.content, v.by_whom, v.at FROM wanted CROSS JOIN register_version v
               ON v.kind = wanted.kind AND v.subject = wanted.subject ORDER BY v.at, v.kind, v.subject, v.version",
        )
        .build()
        .fetch_all(connection)
        .await?;
    rows.iter().map(VersionView::read).collect()
}
