//! Pay months and business dates, in China's one time zone (UTC+8, no daylight saving).

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// The calendar month that wages are owed for (工资所属月份), written `2026-10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayMonth {
    year: i16,
    month: i8,
}

/// The text is not a month written `yyyy-MM`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a month: write it as 2026-10")]
pub struct NotAMonth;

impl PayMonth {
    /// Reads `2026-10`, and the forms that people type: `202610`, `2026年10月`, `2026/10`.
    pub fn parse(text: &str) -> Result<Self, NotAMonth> {
        let digits = |c: char| match c {
            '0'..='9' => Some(c),
            '年' | '月' | '份' | '-' | '/' | '.' | ' ' => Some(' '),
            _ => None,
        };
        let digits: Option<String> = text.trim().chars().map(digits).collect();
        let digits = digits.ok_or(NotAMonth)?;
        let parts: Vec<&str> = digits.split_whitespace().collect();
        let (year, month) = match parts.as_slice() {
            [joined] if joined.len() == 6 => joined.split_at(4),
            [year, month] if year.len() == 4 && month.len() <= 2 => (*year, *month),
            _ => return Err(NotAMonth),
        };
        Self::new(
            year.parse().map_err(|_| NotAMonth)?,
            month.parse().map_err(|_| NotAMonth)?,
        )
    }

    /// Refuses months outside 1–12 and years outside 2000–2199.
    pub fn new(year: i16, month: i8) -> Result<Self, NotAMonth> {
        if (2000..2200).contains(&year) && (1..=12).contains(&month) {
            Ok(Self { year, month })
        } else {
            Err(NotAMonth)
        }
    }

    /// The month before this one; the first month there is stays itself.
    pub fn before(self) -> Self {
        let (year, month) = match self.month {
            1 => (self.year - 1, 12),
            month => (self.year, month - 1),
        };
        Self::new(year, month).unwrap_or(self)
    }

    /// Its first day.
    pub const fn first_day(self) -> Date {
        jiff::civil::date(self.year, self.month, 1)
    }

    /// The month that holds a date.
    pub fn of(date: Date) -> Result<Self, NotAMonth> {
        Self::new(date.year(), date.month())
    }
}

impl fmt::Display for PayMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// China's offset, UTC+8 all year.
pub const CHINA: Offset = Offset::constant(8);

/// The business date in China at an instant.
pub fn business_date(at: Timestamp) -> Date {
    CHINA.to_datetime(at).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_as_people_write_them() {
        for text in [
            "2026-10",
            "202610",
            "2026年10月",
            "2026/10",
            " 2026-10 ",
            "2026年10月份",
        ] {
            assert_eq!(
                PayMonth::parse(text).map(|m| m.to_string()),
                Ok("2026-10".into()),
                "{text}"
            );
        }
        for text in [
            "",
            "2026",
            "2026-13",
            "26-10",
            "2026-10-01",
            "1999-10",
            "2026-1x",
            "2026-x-10",
        ] {
            assert_eq!(PayMonth::parse(text), Err(NotAMonth), "{text}");
        }
    }

    #[test]
    fn the_business_date_turns_at_midnight_in_china() {
        let eve: Timestamp = "2026-10-31T15:59:59Z".parse().unwrap();
        let after: Timestamp = "2026-10-31T16:00:00Z".parse().unwrap();
        assert_eq!(business_date(eve).to_string(), "2026-10-31");
        assert_eq!(business_date(after).to_string(), "2026-11-01");
    }
}
