//! `[approval]`: how long a batch waits for its release, and how long a release can be taken back.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::Wrong;

/// The times of an approval; what is not written keeps its default.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApprovalEntry {
    /// Days after which a batch that nobody released expires.
    pub expires_days: u16,
    /// Seconds between a release and the making of instructions: so long it can be taken back.
    pub hold_s: u32,
}

impl Default for ApprovalEntry {
    fn default() -> Self {
        Self {
            expires_days: 30,
            hold_s: 120,
        }
    }
}

impl ApprovalEntry {
    /// When a batch expires that begins to wait now.
    pub fn expires_at(&self, now: Timestamp) -> Timestamp {
        later(
            now,
            SignedDuration::from_hours(24 * i64::from(self.expires_days)),
        )
    }

    /// When a batch is split that is released now.
    pub fn plan_at(&self, now: Timestamp) -> Timestamp {
        later(now, SignedDuration::from_secs(self.hold_s.into()))
    }

    /// Before which moment a batch must be released to be split before `moment`.
    pub fn release_before(&self, moment: Timestamp) -> Timestamp {
        let hold = SignedDuration::from_secs(self.hold_s.into());
        moment.saturating_sub(hold).unwrap_or(Timestamp::MIN)
    }

    pub(super) fn check(&self) -> Result<(), Wrong> {
        if !(1..=366).contains(&self.expires_days) {
            return Err(Wrong::new(
                "approval.expires_days",
                "outside 1 to 366",
                "write after how many days a batch expires that nobody released, such as 30",
            ));
        }
        if self.hold_s > 86_400 {
            return Err(Wrong::new(
                "approval.hold_s",
                "longer than a day",
                "write for how many seconds a release can be taken back, such as 120",
            ));
        }
        Ok(())
    }
}

/// What lies beyond the calendar's end stops there.
fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
