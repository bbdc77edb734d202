//! What wages that change their place do to the figures kept beside them, by batch: the tallies, and the balance and reservations of the special account.

use std::collections::BTreeMap;

use wagegate_domain::Fen;
use wagegate_domain::ledger::movement;
use wagegate_domain::outcome::Place;
use wagegate_domain::sabotage::{self, Switch};

use super::StoreError;
use super::columns::stored;

/// Count and sum of the wages that go from one place to another, by batch.
pub(super) type Moves = BTreeMap<(i64, Place, Place), (u64, Fen)>;

/// Differences to add to kept figures; a figure that is not here stays.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shifts {
    /// Count and sum, by batch and place.
    pub(super) tallies: BTreeMap<(i64, Place), (i64, Fen)>,
    /// Balance and reservations of the account that a batch is paid from, by batch.
    pub(super) accounts: BTreeMap<i64, (Fen, Fen)>,
}

/// Sums up the moves of approved batches; before approval nothing is reserved, and nothing may move.
pub(super) fn shifts(moves: &Moves) -> Result<Shifts, StoreError> {
    let mut shifts = Shifts::default();
    for ((batch, from, to), (count, sum)) in moves {
        let count = stored(*count)?;
        let out = Fen::ZERO.checked_sub(*sum).ok_or_else(overflow)?;
        for (place, by, fen) in [(from, -count, out), (to, count, *sum)] {
            let (items, total) = shifts.tallies.entry((*batch, *place)).or_default();
            *items += by;
            *total = total.checked_add(fen).ok_or_else(overflow)?;
            if sabotage::on(Switch::RoundedSums) && by > 0 {
                *total = Fen::new(total.get() / 10 * 10);
            }
        }
        let moved = movement(*from, *to, *sum).ok_or_else(overflow)?;
        let (balance, reserved) = shifts.accounts.entry(*batch).or_default();
        *balance = balance.checked_add(moved.balance).ok_or_else(overflow)?;
        *reserved = reserved.checked_add(moved.reserved).ok_or_else(overflow)?;
    }
    shifts.tallies.retain(|_, (items, _)| *items != 0);
    shifts
        .accounts
        .retain(|_, figures| *figures != (Fen::ZERO, Fen::ZERO));
    Ok(shifts)
}

fn overflow() -> StoreError {
    StoreError::Broken("a movement of wages passes 64 bits".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_one_place_arrives_in_another_and_the_account_follows() {
        let moves = Moves::from([
            ((1, Place::InFlight, Place::Paid), (2, Fen::new(300))),
            ((1, Place::InFlight, Place::Failed), (1, Fen::new(50))),
            ((2, Place::InFlight, Place::InDoubt), (1, Fen::new(7))),
        ]);
        let shifts = shifts(&moves).unwrap();
        let tallies: Vec<_> = shifts.tallies.into_iter().collect();
        assert_eq!(
            tallies,
            [
                ((1, Place::InFlight), (-3, Fen::new(-350))),
                ((1, Place::Paid), (2, Fen::new(300))),
                ((1, Place::Failed), (1, Fen::new(50))),
                ((2, Place::InFlight), (-1, Fen::new(-7))),
                ((2, Place::InDoubt), (1, Fen::new(7))),
            ]
        );
        let accounts: Vec<_> = shifts.accounts.into_iter().collect();
        assert_eq!(accounts, [(1, (Fen::new(-300), Fen::new(-350)))]);
    }
}
