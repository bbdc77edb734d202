//! The bank's wall clock: stamps for messages and ledger entries. Nothing is decided by it, so a run repeats without it.

use std::time::{SystemTime, UNIX_EPOCH};

const CHINA_SECONDS: u64 = 8 * 3600;

/// A moment in China Standard Time, written the ways the documents need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    year: u64,
    month: u64,
    day: u64,
    second: u64,
}

impl Stamp {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "stamps only: no decision of the bank reads the clock"
        )]
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self::from_unix(since.map_or(0, |elapsed| elapsed.as_secs()))
    }

    /// The stamp of a number of seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn from_unix(seconds: u64) -> Self {
        let local = seconds.saturating_add(CHINA_SECONDS);
        let (year, month, day) = civil(local / 86_400);
        Self {
            year,
            month,
            day,
            second: local % 86_400,
        }
    }

    /// `2026-11-02`.
    #[must_use]
    pub fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// `20261102100000`, for message identifiers.
    #[must_use]
    pub fn digits(&self) -> String {
        let (day, s) = (self.date().replace('-', ""), self.second);
        format!("{day}{:02}{:02}{:02}", s / 3600, s / 60 % 60, s % 60)
    }

    /// `2026-11-02T10:00:00+08:00`.
    #[must_use]
    pub fn date_time(&self) -> String {
        let s = self.second;
        format!(
            "{}T{:02}:{:02}:{:02}+08:00",
            self.date(),
            s / 3600,
            s / 60 % 60,
            s % 60
        )
    }
}

/// Days since 1970-01-01 to a date: the usual civil calendar over 400-year eras that begin on 1 March.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_china_time() {
        let cases = [
            (0, "1970-01-01T08:00:00+08:00"),
            (951_753_600, "2000-02-29T00:00:00+08:00"),
            (1_767_196_800, "2026-01-01T00:00:00+08:00"),
            (1_793_584_799, "2026-11-02T09:59:59+08:00"),
        ];
        for (unix, text) in cases {
            assert_eq!(Stamp::from_unix(unix).date_time(), text);
        }
    }
}
