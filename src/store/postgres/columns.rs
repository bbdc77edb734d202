//! What columns are on PostgreSQL alone: tallies that arrive as arrays, and texts without U+0000.

use std::borrow::Cow;

use sqlx::Row;
use sqlx::postgres::PgRow;
use wagegate_domain::Fen;
use wagegate_domain::indicator::Tally;
use wagegate_domain::outcome::Place;

use crate::store::StoreError;
pub(super) use crate::store::columns::{Columns, broken, fit, moment, stored};

/// The columns `places`, `counts` and `sums` together.
pub(super) fn tally(row: &PgRow) -> Result<Tally, StoreError> {
    let places: Vec<String> = row.try_get("places")?;
    let counts: Vec<i64> = row.try_get("counts")?;
    let sums: Vec<i64> = row.try_get("sums")?;
    let mut tally = Tally::default();
    for ((place, count), sum) in places.iter().zip(counts).zip(sums) {
        let known = Place::from_code(place).ok_or_else(|| broken("place", place))?;
        tally
            .add(known, fit(count, "item_count")?, Fen::new(sum))
            .ok_or_else(|| StoreError::Broken("a tally passes 64 bits".into()))?;
    }
    Ok(tally)
}

/// A text as PostgreSQL can hold it: it refuses U+0000, which a bank's document may well contain; the raw document keeps it.
pub(super) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{FFFD}"))
    } else {
        Cow::Borrowed(text)
    }
}
