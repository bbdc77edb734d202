//! What each place of a wage item means for the special wage account (invariant 6).
//!
//! Funds are reserved with the approval and leave with the bank's word; a change of place moves both figures by the difference.

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

#[cfg(test)]
mod tests {
    use super::*;

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
