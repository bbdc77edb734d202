//! Compares figures counted from the rows with the figures that are kept, and folds the facts again; the engines count, this judges.

use std::collections::BTreeMap;

use wagegate_domain::Fen;
use wagegate_domain::batch::BatchState;
use wagegate_domain::fact::Verdict;
use wagegate_domain::ledger::effect;
use wagegate_domain::outcome::{Outcome, Place, fold};

use super::StoreError;
use super::booking::Seat;

/// What the rows of one batch and place give, beside what is kept.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) batch: String,
    /// The account that pays it.
    pub(super) account: i64,
    pub(super) state: BatchState,
    /// True while the batch waits for money: nothing is reserved for it.
    pub(super) short: bool,
    pub(super) place: Place,
    pub(super) rows: (i64, Fen),
    pub(super) kept: (i64, Fen),
}

/// A special account as it is kept, with the sum of its deposits.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) account: i64,
    pub(super) bank: String,
    pub(super) number: String,
    pub(super) deposited: Fen,
    pub(super) balance: Fen,
    pub(super) reserved: Fen,
    pub(super) overdrawn: Fen,
}

/// Tallies that are not what the rows give; the rows of a closed batch are owed to nobody and in no place.
pub(super) fn tally_differences(counted: &[Counted]) -> Vec<String> {
    let owed = |figures: &Counted| {
        if figures.state.is_closed() {
            (0, Fen::ZERO)
        } else {
            figures.rows
        }
    };
    counted
        .iter()
        .filter(|figures| owed(figures) != figures.kept)
        .map(|figures| {
            let rows = owed(figures);
            format!(
                "batch {}: {} {} of {} yuan by the rows, {} of {} yuan by the tally",
                figures.batch,
                figures.place.code(),
                rows.0,
                rows.1,
                figures.kept.0,
                figures.kept.1
            )
        })
        .collect()
}

/// Accounts that do not hold and reserve what their deposits and the places of their approved items give.
pub(super) fn account_differences(
    counted: &[Counted],
    accounts: &[Kept],
) -> Result<Vec<String>, StoreError> {
    let mut effects = effects(counted).ok_or_else(overflow)?;
    let mut differences = Vec::new();
    for kept in accounts {
        let (moved, reserved) = effects.remove(&kept.account).unwrap_or_default();
        let balance = kept.deposited.checked_add(moved).ok_or_else(overflow)?;
        let lacking = reserved.checked_sub(balance).ok_or_else(overflow)?;
        let overdrawn = lacking.max(Fen::ZERO);
        if (kept.balance, kept.reserved, kept.overdrawn) != (balance, reserved, overdrawn) {
            differences.push(format!(
                "account {} at {}: {balance} yuan held, {reserved} reserved, {overdrawn} overdrawn by the rows, {}, {} and {} by the account",
                kept.number, kept.bank, kept.balance, kept.reserved, kept.overdrawn
            ));
        }
    }
    Ok(differences)
}

fn effects(counted: &[Counted]) -> Option<BTreeMap<i64, (Fen, Fen)>> {
    let mut effects: BTreeMap<i64, (Fen, Fen)> = BTreeMap::new();
    for figures in counted {
        if figures.short || !figures.state.is_released() {
            continue;
        }
        let moved = effect(figures.place, figures.rows.1);
        let (balance, reserved) = effects.entry(figures.account).or_default();
        *balance = balance.checked_add(moved.balance)?;
        *reserved = reserved.checked_add(moved.reserved)?;
    }
    Some(effects)
}

fn overflow() -> StoreError {
    StoreError::Broken("an account's figures pass 64 bits".into())
}

/// Folds facts again that come in the order of their seats, and names the seats whose kept outcome is another. Holds one seat at a time.
#[derive(Debug, Default)]
pub(super) struct Refold {
    open: Option<(Seat, Outcome, Outcome)>,
    differences: Vec<String>,
    most: u32,
}

impl Refold {
    /// Lists at most so many differences.
    pub(super) fn listing(most: u32) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }

    /// The next fact, and the outcome that is kept for its seat.
    pub(super) fn fact(&mut self, seat: Seat, verdict: Verdict, kept: Outcome) {
        let known = match self.open {
            Some((same, folded, _)) if same == seat => folded,
            Some(_) | None => {
                self.close();
                Outcome::Open
            }
        };
        self.open = Some((seat, fold(known, verdict), kept));
    }

    /// No fact is left.
    pub(super) fn end(mut self) -> Vec<String> {
        self.close();
        self.differences
    }

    fn close(&mut self) {
        if let Some(((instruction, sequence), folded, kept)) = self.open.take()
            && folded != kept
            && self.most > 0
        {
            self.most -= 1;
            self.differences.push(format!(
                "payment {sequence} of instruction {instruction}: its facts say {}, its outcome {}",
                folded.code(),
                kept.code()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wagegate_domain::reason::Reason;

    #[test]
    fn an_outcome_that_its_facts_do_not_give_is_named() {
        let mut refold = Refold::listing(10);
        let failed = Outcome::Failed(Reason::Closed);
        refold.fact((1, 1), Verdict::Accepted, Outcome::Paid);
        refold.fact((1, 1), Verdict::Paid, Outcome::Paid);
        refold.fact((1, 2), Verdict::Failed(Reason::Closed), Outcome::Paid);
        refold.fact((1, 3), Verdict::Failed(Reason::Closed), failed);
        assert_eq!(
            refold.end(),
            ["payment 2 of instruction 1: its facts say failed, its outcome paid"]
        );
    }
}
