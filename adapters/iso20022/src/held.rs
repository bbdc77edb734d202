//! Holds the returns of one entry until their sum is known, in bounded memory.
//!
//! The sum of an entry's details must equal the entry, else none of them counts and all are parked. That is known at the end of the
//! entry only, so its returns wait, up to [`HELD_BYTES`] (some 40,000 of them; an instruction has thousands). An entry that is
//! larger still is told as it goes: as soon as the details exceed the entry, those that follow are parked, and if they fall short at the end
//! the difference is parked, so that it is seen.

use wagegate_domain::Fen;
use wagegate_domain::fact::{BankCode, ItemRefs, Told, Verdict};

use crate::report::nameless;
use crate::values::Amount;

/// Memory for the returns of one entry.
const HELD_BYTES: usize = 12 * 1024 * 1024;

const DIFFERS: &str = "the details of the entry do not add up to its amount";

/// One return, not told yet.
pub(crate) struct Return {
    pub(crate) refs: ItemRefs,
    pub(crate) verdict: Verdict,
    pub(crate) amount: Amount,
    pub(crate) bank: BankCode,
    /// Why it cannot count, whatever the sum is.
    pub(crate) fault: Option<&'static str>,
    pub(crate) place: String,
}

/// The returns of one entry, and the sum of all its details.
#[derive(Default)]
pub(crate) struct Returns {
    held: Vec<Return>,
    bytes: usize,
    streaming: bool,
    sum: Sum,
}

/// Sum of the details so far; an amount that is absent or odd makes it unknowable.
#[derive(Clone, Copy)]
enum Sum {
    Known(Fen),
    Unknowable,
}

impl Default for Sum {
    fn default() -> Self {
        Self::Known(Fen::ZERO)
    }
}

impl Returns {
    /// Adds a detail, return or not, to the sum.
    pub(crate) fn count(&mut self, amount: Amount, same_side: bool) {
        self.sum = match (self.sum, amount.fen()) {
            (Sum::Known(sum), Some(fen)) if same_side => {
                sum.checked_add(fen).map_or(Sum::Unknowable, Sum::Known)
            }
            (Sum::Known(sum), Some(fen)) => {
                sum.checked_sub(fen).map_or(Sum::Unknowable, Sum::Known)
            }
            (Sum::Known(_) | Sum::Unknowable, _) => Sum::Unknowable,
        };
    }

    /// Takes a return; tells of it now only where the entry is too large to wait.
    pub(crate) fn hold(&mut self, one: Return, entry: Amount, tell: &mut dyn FnMut(Told)) {
        self.bytes += one.size();
        self.held.push(one);
        self.streaming |= self.bytes > HELD_BYTES;
        if self.streaming {
            let fits = match (self.sum, entry) {
                (Sum::Known(sum), Amount::Fen(entry)) => sum <= entry,
                (Sum::Known(_) | Sum::Unknowable, _) => false,
            };
            self.release(if fits { None } else { Some(DIFFERS) }, tell);
        }
    }

    /// The entry is over: tells of what waits, and of a difference.
    pub(crate) fn finish(mut self, entry: Amount, details: u64, tell: &mut dyn FnMut(Told)) {
        // A single detail without an amount of its own has the entry's.
        if let ([only], 1) = (self.held.as_mut_slice(), details)
            && only.amount == Amount::Absent
        {
            only.amount = entry;
            self.sum = entry.fen().map_or(Sum::Unknowable, Sum::Known);
        }
        let agrees = match (self.sum, entry) {
            (Sum::Known(sum), Amount::Fen(entry)) => sum == entry,
            (Sum::Known(_) | Sum::Unknowable, _) => false,
        };
        if self.streaming && !agrees {
            tell(self.difference(entry));
        }
        self.release(if agrees { None } else { Some(DIFFERS) }, tell);
    }

    fn release(&mut self, fault: Option<&'static str>, tell: &mut dyn FnMut(Told)) {
        self.bytes = 0;
        for one in self.held.drain(..) {
            tell(one.told(fault));
        }
    }

    fn difference(&self, entry: Amount) -> Told {
        let missing = match (self.sum, entry) {
            (Sum::Known(sum), Amount::Fen(entry)) => entry.checked_sub(sum),
            (Sum::Known(_) | Sum::Unknowable, _) => None,
        };
        Told::Parked {
            refs: ItemRefs::default(),
            amount: missing,
            why: format!("the returns told before this, up to the same entry: {DIFFERS}"),
            bank: BankCode::default(),
        }
    }
}

impl Return {
    fn told(self, sum_fault: Option<&'static str>) -> Told {
        let odd = match self.amount {
            Amount::Fen(fen) if fen.is_positive() => None,
            Amount::Fen(_) | Amount::Absent | Amount::Odd => {
                Some("it has no amount of whole fen in yuan")
            }
        };
        let fault = self.fault.or(odd).or(sum_fault);
        let (refs, amount, bank) = (self.refs, self.amount.fen(), self.bank);
        match fault.or_else(|| nameless(&refs, self.amount)) {
            None => Told::Item {
                refs,
                verdict: self.verdict,
                amount,
                bank,
            },
            Some(why) => Told::Parked {
                refs,
                amount,
                why: format!("{}: {why}", self.place),
                bank,
            },
        }
    }

    fn size(&self) -> usize {
        let refs = &self.refs;
        let texts = [
            &refs.instruction,
            &refs.reference,
            &refs.account,
            &refs.bank_reference,
        ];
        let refs: usize = texts.into_iter().flatten().map(String::capacity).sum();
        let bank =
            self.bank.list.capacity() + self.bank.code.capacity() + self.bank.text.capacity();
        size_of::<Self>() + refs + bank + self.place.capacity()
    }
}
