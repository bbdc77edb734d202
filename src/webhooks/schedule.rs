//! When a delivery is tried again, and how long a receiver that is not well is left alone.

use jiff::SignedDuration;

/// Waits after each try, from the first.
const WAITS: [SignedDuration; 9] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];

/// All waits together, and a little: what has waited longer at a receiver that still fails is given up.
pub(super) const LONGEST: SignedDuration = SignedDuration::from_hours(76);

/// The longest rest: a receiver that is well again gets what waits within this time.
const LONGEST_REST: SignedDuration = SignedDuration::from_mins(30);

/// The wait after so many earlier tries and one more; `None` when that was the last.
pub(super) fn after(earlier: u32) -> Option<SignedDuration> {
    WAITS.get(usize::try_from(earlier).ok()?).copied()
}

/// How long a receiver rests after so many earlier failures in a row and one more.
pub(super) fn rest(earlier: u32) -> SignedDuration {
    after(earlier).unwrap_or(LONGEST_REST).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_tried_ten_times_in_some_three_days() {
        let waits: Vec<_> = (0..).map_while(after).collect();
        assert_eq!(waits.len(), 9);
        let all: SignedDuration = waits.iter().copied().sum();
        assert!(all < LONGEST && all > SignedDuration::from_hours(75));
        assert_eq!(rest(0).as_secs(), 5);
        assert_eq!(rest(7), LONGEST_REST);
        assert_eq!(rest(1_000), LONGEST_REST);
    }
}
