//! Documents that somebody kept to show something.

use sqlx::PgPool;

use crate::store::columns::stored;
use crate::store::{KeptDocument, StoreError, Within};

/// Once for each keeper and project.
pub(super) async fn keep(pool: &PgPool, document: &KeptDocument) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO kept_document (hash, by_whom, project_id, media_type, size, at)
         VALUES ($1, $2, (SELECT id FROM project WHERE code = $3), $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(document.hash.as_slice())
    .bind(&document.by)
    .bind(&document.project)
    .bind(&document.media_type)
    .bind(stored(document.size)?)
    .bind(document.at.as_millisecond())
    .execute(pool)
    .await?;
    Ok(())
}

/// The document as the caller may name it: kept for a project in sight, or by the caller.
pub(super) async fn find(
    pool: &PgPool,
    hash: [u8; 32],
    within: &Within,
    by: &str,
) -> Result<Option<KeptDocument>, StoreError> {
    let row = sqlx::query(
        "SELECT d.hash, d.by_whom, p.code, d.media_type, d.size, d.at FROM kept_document d LEFT JOIN project p ON p.id = d.project_id
         WHERE d.hash = $1 AND (d.by_whom = $2 OR (p.id IS NOT NULL AND ($3::text[] IS NULL OR p.code = ANY ($3))
           AND starts_with(p.region, $4)))
         ORDER BY d.id LIMIT 1",
    )
    .bind(hash.as_slice())
    .bind(by)
    .bind(within.codes())
    .bind(within.prefix())
    .fetch_optional(pool)
    .await?;
    row.as_ref().map(KeptDocument::read).transpose()
}
