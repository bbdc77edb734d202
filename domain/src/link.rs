//! How the line to a bank is, from what calls come to: after several calls in a row without an answer nobody calls for a while, then one at a time
//! until one is answered. It decides only whether to call: what a call without an answer means to an instruction is [`crate::attempt`]'s.

use jiff::{SignedDuration, Timestamp};

/// Calls in a row without an answer after which the bank is left alone.
pub const PATIENCE: u32 = 5;
/// The first time that it is left alone; each one after that is twice as long.
const REST: SignedDuration = SignedDuration::from_secs(30);
/// The longest time that it is left alone.
const REST_MAX: SignedDuration = SignedDuration::from_mins(10);
/// An answer that tells nothing new is noted again after so long.
const NOTED_FOR: SignedDuration = SignedDuration::from_secs(5);
/// A change of the difference between the clocks that is worth a note.
const SKEW_STEP: u64 = 2_000;

/// What is known of the line to one bank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Calls in a row without an answer.
    pub failures: u32,
    /// While it stands, the bank is left alone or tried with one call at a time.
    pub open: Option<Open>,
    /// When it answered last.
    pub last_success: Option<Timestamp>,
    /// When a call got no answer last, and why; no people in these words.
    pub last_failure: Option<(Timestamp, String)>,
    /// By how much the bank's clock is ahead of ours.
    pub skew: Option<Skew>,
}

/// A breaker that is open: nobody calls before `until`, and then one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// Since when no call was answered.
    pub since: Timestamp,
    /// Until when nobody calls.
    pub until: Timestamp,
    /// How long this rest is.
    pub rest: SignedDuration,
}

/// The bank's clock less ours, as its last answer told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// Milliseconds; negative where the bank's clock is behind.
    pub ms: i64,
    /// When it was seen.
    pub at: Timestamp,
}

/// What one call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it ended.
    pub at: Timestamp,
    /// What came.
    pub came: Came,
}

/// Whether a call got an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// The bank answered, whatever it said; with its clock less ours, where it told the time.
    Answer {
        /// Milliseconds.
        skew_ms: Option<i64>,
    },
    /// It did not: no connection, no answer in time, or somebody before it said that it is not there.
    Nothing {
        /// Why, without people.
        why: String,
    },
}

impl Link {
    /// The link after a call.
    pub fn after(self, call: Call) -> Self {
        match call.came {
            Came::Answer { skew_ms } => Self {
                failures: 0,
                open: None,
                last_success: self.last_success.max(Some(call.at)),
                skew: skew_ms.map(|ms| Skew { ms, at: call.at }).or(self.skew),
                last_failure: self.last_failure,
            },
            Came::Nothing { why } => {
                let failures = self.failures.saturating_add(1);
                Self {
                    failures,
                    open: open(self.open, failures, call.at),
                    last_failure: Some((call.at, why)),
                    ..self
                }
            }
        }
    }

    /// True where the call tells nothing that is not known: an answer like those of the last seconds.
    pub fn knows(&self, call: &Call) -> bool {
        let Came::Answer { skew_ms } = call.came else {
            return false;
        };
        let is_recent = |at: Timestamp| call.at.duration_since(at).abs() < NOTED_FOR;
        let is_same = |ms: i64| {
            self.skew
                .is_some_and(|skew| skew.ms.abs_diff(ms) < SKEW_STEP)
        };
        self.failures == 0
            && self.open.is_none()
            && self.last_success.is_some_and(is_recent)
            && skew_ms.is_none_or(is_same)
    }
}

/// A call that began before the bank was left alone, and ends after, makes that no longer.
fn open(open: Option<Open>, failures: u32, at: Timestamp) -> Option<Open> {
    let (since, rest) = match open {
        Some(open) if at < open.until => return Some(open),
        Some(open) => (open.since, open.rest.saturating_mul(2).min(REST_MAX)),
        None if failures < PATIENCE => return None,
        None => (at, REST),
    };
    let until = at.saturating_add(rest).unwrap_or(Timestamp::MAX);
    Some(Open { since, until, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn nothing(second: i64) -> Call {
        let why = "no connection".into();
        Call {
            at: at(second),
            came: Came::Nothing { why },
        }
    }

    fn answer(second: i64, skew_ms: i64) -> Call {
        let skew_ms = Some(skew_ms);
        Call {
            at: at(second),
            came: Came::Answer { skew_ms },
        }
    }

    fn rests(link: &Link) -> Option<(i64, i64)> {
        let open = link.open?;
        Some((open.until.as_second(), open.rest.as_secs()))
    }

    #[test]
    fn a_bank_that_does_not_answer_is_left_alone_ever_longer() {
        let mut link = Link::default();
        for second in 1..=4 {
            link = link.after(nothing(second));
            assert_eq!(rests(&link), None, "{second}");
        }
        let mut now = 5;
        for rest in [30, 60, 120, 240, 480, 600, 600] {
            link = link.after(nothing(now));
            assert_eq!(rests(&link), Some((now + rest, rest)));
            let late = link.clone().after(nothing(now + rest - 1));
            assert_eq!(
                rests(&late),
                rests(&link),
                "a call from before adds nothing"
            );
            now += rest;
        }
        assert_eq!(link.open.unwrap().since, at(5));
        let well = link.after(answer(now, -40));
        assert_eq!((well.failures, well.open), (0, None));
        assert_eq!(well.last_success, Some(at(now)));
        assert!(well.last_failure.is_some(), "what was is not forgotten");
    }

    #[test]
    fn one_answer_between_is_enough_to_begin_anew() {
        let calls = [
            nothing(1),
            nothing(2),
            nothing(3),
            nothing(4),
            answer(5, 0),
            nothing(6),
        ];
        let link = calls.into_iter().fold(Link::default(), Link::after);
        assert_eq!((link.failures, link.open), (1, None));
    }

    #[test]
    fn only_what_is_new_is_noted() {
        let link = Link::default().after(answer(10, 500));
        for (call, known) in [
            (answer(14, 900), true),
            (answer(15, 500), false),
            (answer(11, 4_000), false),
            (nothing(11), false),
        ] {
            assert_eq!(link.knows(&call), known, "{call:?}");
        }
        assert!(!link.after(nothing(11)).knows(&answer(12, 500)));
    }
}
