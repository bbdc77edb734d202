//! Chance that repeats: every draw is a hash of the seed, the instruction, the row and what the draw is for.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::reason::Reason;

/// Out of a thousand, by reason.
pub type Shares = BTreeMap<Reason, u16>;

/// Draws for the rows of one instruction.
#[derive(Clone, Copy, Debug)]
pub struct Chance<'a> {
    /// The bank's `--seed`.
    pub seed: u64,
    /// The instruction's reference.
    pub reference: &'a str,
}

impl Chance<'_> {
    /// The reason this row meets, if any; `purpose` keeps draws for different questions independent.
    #[must_use]
    pub fn reason(&self, purpose: &str, row: u32, shares: &Shares) -> Option<Reason> {
        let mut left = u16::try_from(self.draw(purpose, row) % 1000).ok()?;
        shares.iter().find_map(|(reason, share)| {
            let hit = left < *share;
            left = left.saturating_sub(*share);
            hit.then_some(*reason)
        })
    }

    /// A number to order rows by when the bank does not keep the order of the file.
    #[must_use]
    pub fn draw(&self, purpose: &str, row: u32) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        for part in [self.reference, purpose] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.update(row.to_be_bytes());
        hash.finalize()
            .iter()
            .take(8)
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_each_reason_is_close_to_what_was_asked() {
        let shares = Shares::from([(Reason::NameMismatch, 10), (Reason::Closed, 100)]);
        let chance = Chance {
            seed: 7,
            reference: "A1",
        };
        let drawn: Vec<_> = (1..=20_000)
            .map(|row| chance.reason("fail", row, &shares))
            .collect();
        let count = |wanted| drawn.iter().filter(|reason| **reason == wanted).count();
        assert!((120..=280).contains(&count(Some(Reason::NameMismatch))));
        assert!((1_800..=2_200).contains(&count(Some(Reason::Closed))));
    }

    #[test]
    fn draws_repeat_and_differ_by_seed_reference_row_and_purpose() {
        let base = Chance {
            seed: 1,
            reference: "A",
        };
        let drawn = base.draw("fail", 1);
        assert_eq!(drawn, base.draw("fail", 1));
        assert_ne!(drawn, base.draw("fail", 2));
        assert_ne!(drawn, base.draw("return", 1));
        assert_ne!(drawn, Chance { seed: 2, ..base }.draw("fail", 1));
        assert_ne!(
            drawn,
            Chance {
                reference: "B",
                ..base
            }
            .draw("fail", 1)
        );
    }

    #[test]
    fn a_share_of_a_thousand_always_hits_and_of_nought_never() {
        let chance = Chance {
            seed: 1,
            reference: "A",
        };
        for row in 1..200 {
            assert_eq!(
                chance.reason("x", row, &Shares::from([(Reason::Closed, 1000)])),
                Some(Reason::Closed)
            );
            assert_eq!(
                chance.reason("x", row, &Shares::from([(Reason::Closed, 0)])),
                None
            );
        }
    }
}
