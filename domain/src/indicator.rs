//! The payment rate (工资代发率) over the wage items that were released to a bank through this gateway: a ratio of sums, never a mean of ratios.

use rust_decimal::Decimal;

use crate::money::Fen;
use crate::outcome::Place;

/// Version of the formula below, printed beside every figure.
pub const DEFINITION: &str = "wage items whose latest outcome is paid (after returns) / wage items released, by pay month; version 2";

/// Count and sum of the items in each place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    places: [(u64, Fen); 6],
}

impl Tally {
    /// Adds items that stand in a place; `None` past 64 bits.
    pub fn add(&mut self, place: Place, count: u64, fen: Fen) -> Option<()> {
        let (had, sum) = self.at(place);
        *self.slot(place)? = (had.checked_add(count)?, sum.checked_add(fen)?);
        Some(())
    }

    /// Count and sum in one place.
    pub fn at(&self, place: Place) -> (u64, Fen) {
        Place::ALL
            .iter()
            .zip(self.places)
            .find(|(other, _)| **other == place)
            .map_or((0, Fen::ZERO), |(_, figures)| figures)
    }

    /// Count and sum of all: what came in (invariant 4).
    pub fn all(&self) -> Option<(u64, Fen)> {
        let count = self
            .places
            .iter()
            .try_fold(0_u64, |sum, (count, _)| sum.checked_add(*count))?;
        Some((count, Fen::total(self.places.iter().map(|(_, fen)| *fen))?))
    }

    /// Paid / all by count, in percent with two decimals, rounded towards nought so that 99.999 never shows as 100; `None` without items.
    pub fn rate_by_count(&self) -> Option<Decimal> {
        percent(self.at(Place::Paid).0.into(), self.all()?.0.into())
    }

    /// The same by amount.
    pub fn rate_by_amount(&self) -> Option<Decimal> {
        percent(
            self.at(Place::Paid).1.get().into(),
            self.all()?.1.get().into(),
        )
    }

    fn slot(&mut self, place: Place) -> Option<&mut (u64, Fen)> {
        Place::ALL
            .iter()
            .position(|other| *other == place)
            .and_then(|index| self.places.get_mut(index))
    }
}

fn percent(part: Decimal, whole: Decimal) -> Option<Decimal> {
    let ratio = part.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(whole)?;
    Some(ratio.trunc_with_scale(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_a_ratio_of_sums_and_never_rounds_up_to_all() {
        let mut tally = Tally::default();
        assert_eq!(tally.rate_by_count(), None);
        tally.add(Place::Paid, 29_999, Fen::new(10)).unwrap();
        tally.add(Place::Failed, 1, Fen::new(30)).unwrap();
        assert_eq!(
            tally.rate_by_count().map(|rate| rate.to_string()),
            Some("99.99".into())
        );
        assert_eq!(tally.rate_by_amount(), Some(Decimal::from(25)));
        assert_eq!(tally.all(), Some((30_000, Fen::new(40))));
    }
}
