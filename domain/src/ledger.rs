//! What each place of a wage item means for the special wage account (invariant 6).
//!
//! Funds are reserved with the release, or once they have come, and leave with the bank's word; a change of place moves both figures by the difference.

use crate::money::Fen;
use crate::outcome::Place;

/// How far one wage item has moved the account since it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Change of the balance.
    pub balance: Fen,
    /// Change of what is reserved.
    pub reserved: Fen,
}

/// The effect of an approved item of `amount` that stands in `place`.
pub const fn effect(place: Place, amount: Fen) -> Effect {
    let (balance, reserved) = match place {
        Place::Held | Place::InFlight | Place::InDoubt => (0, amount.get()),
        Place::Paid => (-amount.get(), 0),
        Place::Failed | Place::Returned => (0, 0),
    };
    Effect {
        balance: Fen::new(balance),
        reserved: Fen::new(reserved),
    }
}

/// The movement when an item goes from one place to another; `None` past 64 bits.
pub fn movement(from: Place, to: Place, amount: Fen) -> Option<Effect> {
    let (before, after) = (effect(from, amount), effect(to, amount));
    Some(Effect {
        balance: after.balance.checked_sub(before.balance)?,
        reserved: after.reserved.checked_sub(before.reserved)?,
    })
}

/// What of an account's free money is left for the next released batch, when those released before it and still waiting take theirs: each its
/// whole sum where that fits, in their order. One that does not fit takes nothing, so that it keeps no smaller one behind it waiting.
pub fn left_over(free: Fen, before: impl IntoIterator<Item = Fen>) -> Fen {
    let take = |left: Fen, wanted| left.checked_sub(wanted).filter(|rest| *rest >= Fen::ZERO);
    before
        .into_iter()
        .fold(free, |left, wanted| take(left, wanted).unwrap_or(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn who_was_released_first_takes_first_and_who_does_not_fit_blocks_nobody() {
        for (free, before, left) in [
            (100, &[][..], 100),
            (100, &[100], 0),
            (100, &[101], 100),
            (100, &[60, 50, 40], 0),
            (100, &[150, 30, 80], 70),
            (0, &[1], 0),
            (-5, &[1, 2], -5),
            (i64::MIN, &[i64::MAX], i64::MIN),
        ] {
            let before = before.iter().copied().map(Fen::new);
            assert_eq!(left_over(Fen::new(free), before), Fen::new(left), "{free}");
        }
    }

    proptest! {
        /// Reserving one after the other, in any order of tries, never reserves more than there is.
        #[test]
        fn no_more_is_given_out_than_there_is(free in 0_i64..1_000, wanted in prop::collection::vec(1_i64..600, 0..12)) {
            let left = left_over(Fen::new(free), wanted.into_iter().map(Fen::new));
            prop_assert!(left >= Fen::ZERO && left <= Fen::new(free));
        }
    }

    #[test]
    fn money_moves_with_the_place_and_comes_back_with_a_return() {
        for (from, to, balance, reserved) in [
            (Place::InFlight, Place::Paid, -100, -100),
            (Place::InFlight, Place::Failed, 0, -100),
            (Place::InFlight, Place::InDoubt, 0, 0),
            (Place::Paid, Place::Returned, 100, 0),
            (Place::Paid, Place::InDoubt, 100, 100),
            (Place::InFlight, Place::Returned, 0, -100),
        ] {
            assert_eq!(
                movement(from, to, Fen::new(100)),
                Some(Effect {
                    balance: Fen::new(balance),
                    reserved: Fen::new(reserved)
                }),
                "{from:?} {to:?}"
            );
        }
    }
}
