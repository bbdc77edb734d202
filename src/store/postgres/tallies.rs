//! The figures that are kept beside the rows: tallies of batches, and what special accounts hold and have reserved. Moved by differences, in the transaction that moves the rows.

use sqlx::PgConnection;
use wagegate_domain::Fen;
use wagegate_domain::outcome::Place;

use crate::store::StoreError;

/// Moves `count` items that sum to `total` from one place to another; the caller holds the batch's row.
pub(super) async fn shift(
    tx: &mut PgConnection,
    batch: i64,
    from: Place,
    to: Place,
    (count, total): (i64, Fen),
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tally SET item_count = item_count + CASE WHEN place = $2 THEN -$4 ELSE $4 END,
           total_fen = total_fen + CASE WHEN place = $2 THEN -$5 ELSE $5 END
         WHERE batch_id = $1 AND place IN ($2, $3) AND $2 <> $3",
    )
    .bind(batch)
    .bind(from.code())
    .bind(to.code())
    .bind(count)
    .bind(total.get())
    .execute(tx)
    .await?;
    Ok(())
}
