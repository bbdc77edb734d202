//! Columns to values and back: every conversion between the schema's integers, texts and bytes and the domain's types, with the same words when one does not fit.

use std::borrow::Cow;

use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use wagegate_domain::indicator::Tally;
use wagegate_domain::outcome::Place;
use wagegate_domain::{Fen, PayMonth};

use crate::store::StoreError;

/// Reads columns by name.
pub(super) trait Columns {
    /// A whole number as it stands.
    fn int(&self, column: &str) -> Result<i64, StoreError>;
    /// A number that may be absent.
    fn maybe_int(&self, column: &str) -> Result<Option<i64>, StoreError>;
    /// A text.
    fn text(&self, column: &str) -> Result<String, StoreError>;
    /// A text that may be absent.
    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError>;
    /// Bytes of any length.
    fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError>;
    /// Bytes that may be absent.
    fn maybe_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// A whole number that fits a smaller or unsigned type.
    fn number<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError> {
        self.int(column).and_then(|int| fit(int, column))
    }
    /// The same, where it may be absent.
    fn maybe_number<T: TryFrom<i64>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.maybe_int(column)?
            .map(|int| fit(int, column))
            .transpose()
    }
    /// An amount.
    fn fen(&self, column: &str) -> Result<Fen, StoreError> {
        self.int(column).map(Fen::new)
    }
    /// A moment.
    fn moment(&self, column: &str) -> Result<Timestamp, StoreError> {
        moment(self.int(column)?)
    }
    /// Bytes of a fixed length.
    fn array<const N: usize>(&self, column: &str) -> Result<[u8; N], StoreError> {
        array(self.bytes(column)?, column)
    }
    /// A moment that may be absent.
    fn maybe_moment(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        self.maybe_int(column)?.map(moment).transpose()
    }
    /// Bytes of a fixed length that may be absent.
    fn maybe_array<const N: usize>(&self, column: &str) -> Result<Option<[u8; N]>, StoreError> {
        self.maybe_bytes(column)?
            .map(|bytes| array(bytes, column))
            .transpose()
    }
    /// A text that one of our own types reads back.
    fn parsed<T>(&self, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.text(column)?;
        parse(&text).ok_or_else(|| broken(column, &text))
    }
    /// A pay month.
    fn month(&self, column: &str) -> Result<PayMonth, StoreError> {
        self.parsed(column, |text| PayMonth::parse(text).ok())
    }
    /// The columns `places`, `counts` and `sums` together.
    fn tally(&self) -> Result<Tally, StoreError>;
}

impl Columns for PgRow {
    fn int(&self, column: &str) -> Result<i64, StoreError> {
        Ok(self.try_get(column)?)
    }
    fn maybe_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(column)?)
    }
    fn text(&self, column: &str) -> Result<String, StoreError> {
        Ok(self.try_get(column)?)
    }
    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.try_get(column)?)
    }
    fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        Ok(self.try_get(column)?)
    }
    fn maybe_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.try_get(column)?)
    }
    fn tally(&self) -> Result<Tally, StoreError> {
        let places: Vec<String> = self.try_get("places")?;
        let counts: Vec<i64> = self.try_get("counts")?;
        let sums: Vec<i64> = self.try_get("sums")?;
        let mut tally = Tally::default();
        for ((place, count), sum) in places.iter().zip(counts).zip(sums) {
            let known = Place::from_code(place).ok_or_else(|| broken("place", place))?;
            tally
                .add(known, fit(count, "item_count")?, Fen::new(sum))
                .ok_or_else(|| StoreError::Broken("a tally passes 64 bits".into()))?;
        }
        Ok(tally)
    }
}

fn fit<T: TryFrom<i64>>(int: i64, column: &str) -> Result<T, StoreError> {
    T::try_from(int).map_err(|_| broken(column, &int.to_string()))
}

fn array<const N: usize>(bytes: Vec<u8>, column: &str) -> Result<[u8; N], StoreError> {
    bytes
        .try_into()
        .map_err(|_| broken(column, "bytes of another length"))
}

fn broken(column: &str, held: &str) -> StoreError {
    StoreError::Broken(format!(
        "{column} holds {held}, which this program never writes"
    ))
}

/// A moment from the milliseconds that are stored.
pub(super) fn moment(milliseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(milliseconds)
        .map_err(|_| broken("a time", &milliseconds.to_string()))
}

/// A count as the schema keeps it.
pub(super) fn stored(count: u64) -> Result<i64, StoreError> {
    i64::try_from(count).map_err(|_| StoreError::Broken(format!("{count} passes 63 bits")))
}

/// A text as PostgreSQL can hold it: it refuses U+0000, which a bank's document may well contain; the raw document keeps it.
pub(super) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{FFFD}"))
    } else {
        Cow::Borrowed(text)
    }
}
