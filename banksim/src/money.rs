//! Whole fen, and yuan with two decimals as the ISO messages write them. No rounding: what does not fit is refused.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount of renminbi in whole fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(pub i64);

impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The sum, or `None` past the range of `i64`.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` past the range of `i64`.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The sum of many, or `None` past the range of `i64`.
    #[must_use]
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }

    /// Reads yuan such as `12`, `12.3` or `12.30`; a third decimal is accepted only when it is nought.
    #[must_use]
    pub fn from_yuan(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let (cents, rest) = fraction.split_at_checked(2).unwrap_or((fraction, ""));
        if !digits(whole) || !(cents.is_empty() || digits(cents)) || rest.bytes().any(|b| b != b'0')
        {
            return None;
        }
        let cents: i64 = format!("{cents:0<2}").parse().ok()?;
        whole
            .parse::<i64>()
            .ok()?
            .checked_mul(100)?
            .checked_add(cents)
            .map(Self)
    }

    /// Reads whole fen: digits only, no sign.
    #[must_use]
    pub fn from_fen(text: &str) -> Option<Self> {
        digits(text).then(|| text.parse().ok().map(Self)).flatten()
    }

    /// The amount in yuan, for display in messages: always two decimals.
    #[must_use]
    pub fn yuan(self) -> Yuan {
        Yuan(self)
    }
}

impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Writes an amount as yuan with two decimals.
#[derive(Clone, Copy, Debug)]
pub struct Yuan(Fen);

impl fmt::Display for Yuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0.0 < 0 { "-" } else { "" };
        let fen = self.0.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_is_read_exactly_or_not_at_all() {
        let cases = [
            ("0", Some(0)),
            ("12", Some(1200)),
            ("12.3", Some(1230)),
            ("12.34", Some(1234)),
            ("12.340", Some(1234)),
            ("12.345", None),
            ("", None),
            (".5", None),
            ("-1", None),
            ("1e3", None),
            ("1,000", None),
            ("99999999999999999999", None),
            ("999999999999999999", None),
            ("1.é0", None),
        ];
        for (text, fen) in cases {
            assert_eq!(Fen::from_yuan(text), fen.map(Fen), "{text}");
        }
    }

    #[test]
    fn yuan_is_written_with_two_decimals() {
        for (fen, text) in [(0, "0.00"), (5, "0.05"), (1234, "12.34"), (-5, "-0.05")] {
            assert_eq!(Fen(fen).yuan().to_string(), text);
        }
    }
}
