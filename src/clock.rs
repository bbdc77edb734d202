//! The one way to know what time it is, so that simulated time reaches every decision. It schedules nothing and never waits.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::Offset};

/// Tells the time to everything that decides by it: leases, expiry of certificates, cut-offs.
pub trait Clock: Debug + Send + Sync {
    /// This moment, UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, for the running gateway.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the machine's time enters"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is told to move, for tests and simulation; it keeps whole milliseconds.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.as_millisecond()))
    }

    /// Jumps to `moment`, backwards too.
    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.as_millisecond(), Ordering::SeqCst);
    }

    /// Moves by `step`; what lies beyond the calendar's end stops at its end.
    pub fn advance(&self, step: SignedDuration) {
        let moment = self.now().saturating_add(step);
        self.set(moment.unwrap_or(Timestamp::MAX));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }
}

/// The date on the wall in China at `moment`: UTC+8 all year, no summer time since 1991.
pub fn china_date(moment: Timestamp) -> Date {
    Offset::constant(8).to_datetime(moment).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_business_day_turns_at_sixteen_hundred_utc() {
        let before: Timestamp = "2026-11-30T15:59:59Z".parse().unwrap();
        let after: Timestamp = "2026-11-30T16:00:00Z".parse().unwrap();
        assert_eq!(china_date(before).to_string(), "2026-11-30");
        assert_eq!(china_date(after).to_string(), "2026-12-01");
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let start: Timestamp = "2026-11-30T00:00:00Z".parse().unwrap();
        let clock = ManualClock::new(start);
        assert_eq!(clock.now(), start);
        clock.advance(SignedDuration::from_hours(25));
        assert_eq!(clock.now().to_string(), "2026-12-01T01:00:00Z");
        clock.set(start);
        assert_eq!(clock.now(), start);
    }
}
