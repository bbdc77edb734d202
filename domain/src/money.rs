//! Whole fen: the only form in which money exists between the edges.
//!
//! Yuan text is read and written here, exactly; no float is ever made. Every sum is checked, because a wrapped total would still "add up".

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// An amount in whole fen (1/100 yuan), CNY only; negative values exist for differences, never for payments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fen(i64);

/// Why a text or a sum is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The text is no decimal number.
    #[error("not an amount: write yuan with at most two decimals, such as 5432.10")]
    NotANumber,
    /// More than two decimals: rounding would change what a worker is owed.
    #[error("more than two decimals: an amount ends at the fen")]
    BelowFen,
    /// Outside what 64 bits of fen can hold.
    #[error("amount out of range")]
    OutOfRange,
}

impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Takes a whole number of fen as it is.
    pub const fn new(fen: i64) -> Self {
        Self(fen)
    }

    /// The whole number of fen.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Reads yuan text such as `5432.1`, `5,432.10` or `5432`; thousands separators only where they belong, no sign, no exponent.
    pub fn parse_yuan(text: &str) -> Result<Self, MoneyError> {
        let plain = without_thousands(text.trim())?;
        if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(MoneyError::NotANumber);
        }
        let yuan = Decimal::from_str_exact(&plain).map_err(|_| MoneyError::NotANumber)?;
        Self::from_yuan(yuan)
    }

    /// Converts exact yuan; refuses fractions of a fen.
    pub fn from_yuan(yuan: Decimal) -> Result<Self, MoneyError> {
        let fen = yuan
            .checked_mul(Decimal::ONE_HUNDRED)
            .ok_or(MoneyError::OutOfRange)?;
        if !fen.fract().is_zero() {
            return Err(MoneyError::BelowFen);
        }
        fen.to_i64().map(Self).ok_or(MoneyError::OutOfRange)
    }

    /// Reads a whole number of fen: digits only.
    pub fn parse_fen(text: &str) -> Result<Self, MoneyError> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(MoneyError::NotANumber);
        }
        text.parse().map(Self).map_err(|_| MoneyError::OutOfRange)
    }

    /// Exact yuan with two decimals.
    pub fn yuan(self) -> Decimal {
        Decimal::new(self.0, 2)
    }

    /// True for amounts that may be paid.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Sum, or `None` past 64 bits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Difference, or `None` past 64 bits.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Sum of many, or `None` past 64 bits.
    pub fn total(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

/// Prints yuan with two decimals and no separators, as banks and people read it: `5432.10`.
impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.yuan(), f)
    }
}

fn without_thousands(text: &str) -> Result<String, MoneyError> {
    let text: String = text.chars().map(half_width).collect();
    let Some((_, tail)) = text.split_once(',') else {
        return Ok(text);
    };
    let whole_tail = tail.split('.').next().unwrap_or(tail);
    if whole_tail.split(',').all(|group| group.len() == 3) {
        Ok(text.replace(',', ""))
    } else {
        Err(MoneyError::NotANumber)
    }
}

/// Full-width digits and signs (`５４３２．１０`) come from Chinese input methods and mean their half-width twins.
pub(crate) fn half_width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' | '\u{00A0}' => ' ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_text_is_read_to_the_fen_or_refused() {
        for (text, expected) in [
            ("0.01", Ok(1)),
            ("5432", Ok(543_200)),
            ("5432.1", Ok(543_210)),
            ("5,432.10", Ok(543_210)),
            ("1,234,567.89", Ok(123_456_789)),
            ("５４３２．１０", Ok(543_210)),
            (" 12.00 ", Ok(1_200)),
            ("12.500", Ok(1_250)),
            ("12.345", Err(MoneyError::BelowFen)),
            ("54,32", Err(MoneyError::NotANumber)),
            ("-5", Err(MoneyError::NotANumber)),
            ("+5", Err(MoneyError::NotANumber)),
            ("1E3", Err(MoneyError::NotANumber)),
            ("", Err(MoneyError::NotANumber)),
            ("伍仟", Err(MoneyError::NotANumber)),
            ("92233720368547758.08", Err(MoneyError::OutOfRange)),
        ] {
            assert_eq!(Fen::parse_yuan(text).map(Fen::get), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn printing_and_reading_yuan_is_the_identity(fen in 0..i64::MAX) {
            proptest::prop_assert_eq!(Fen::parse_yuan(&Fen::new(fen).to_string()), Ok(Fen::new(fen)));
        }
    }

    #[test]
    fn sums_refuse_to_wrap() {
        assert_eq!(Fen::new(i64::MAX).checked_add(Fen::new(1)), None);
        assert_eq!(Fen::total([Fen::new(1), Fen::new(2)]), Some(Fen::new(3)));
    }
}
